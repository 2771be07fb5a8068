"""A job's state as a person sees it in a list. Pure; static/js/ui/job-view.js is its twin.

A test gives both the same states and compares what comes out, so that a row does not change its
words when the script takes it over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.quantities import count, size_text
from app.core.state import JobState, is_reported
from app.core.times import ms_from_iso
from app.web.words import (
    GROUP_OF_STATE,
    STATE_OF_STATUS,
    STATE_WORDS,
    STEERING,
    amount_text,
    kind_of,
    time_left,
    took_text,
)

COUNTS: Mapping[str, tuple[str, str]] = {
    "extracting": ("rows_done", "rows_total"),
    "delta_analysis": ("rows_done", "rows_total"),
    "storing": ("rows_done", "rows_total"),
    "entity_resolution": ("processed", "total"),
    "classification": ("processed", "total"),
}
"""Which details count a step's rows. `processed` alone may still be the scan's bytes."""
UNDER_WAY = ("wait", "run", "ask")
QUIET_AFTER_MS = 30_000
SMALLEST_FILL = 4.0
"""Percent of a segment: a stage that has begun shows a little, so that a failure has a place."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage in the rail. `weight` is its share, `fill` how much of it is done, in percent."""

    label: str
    state: str
    weight: float
    fill: float

    @property
    def twentieths(self) -> int:
        """The fill as rail.css knows it where no script can set it."""
        return round(self.fill / 5)


@dataclass(frozen=True, slots=True)
class Failure:
    """The three sentences, and the way out. `retry` is the button's text, "" when there is none."""

    title: str
    kept: str
    hint: str
    code: str
    retry: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file in the list, and the head of its own page.

    state    wait, run, pause, ask, done, fail or stop
    group    needs, progress or done
    slim     one line without a rail
    when     stands before the time `at`, or alone where `at` is ""
    tags     (colour, text) pairs: dup, warn, bad or plain
    """

    job_id: str
    name: str
    kind: str
    meta: str
    state: str
    group: str
    slim: bool
    message: str
    stage: str
    count: str
    percent: int
    spoken: str
    when: str
    at: str
    summary: str
    tags: tuple[tuple[str, str], ...]
    segments: tuple[Segment, ...]
    failure: Failure | None
    can_cancel: bool
    can_pause: bool
    can_resume: bool

    @property
    def url(self) -> str:
        return f"/jobs/{self.job_id}"

    @property
    def even(self) -> bool:
        """Tell whether all stages have the same share, which the style sheet takes for granted."""
        return len({segment.weight for segment in self.segments}) < 2


def file_row(job: JobState, now_ms: int | None = None) -> FileRow:
    """Return what the list shows of `job`. now_ms: by default the time of its newest event."""
    state = state_of(job)
    stage = _stage_label(job)
    left = _left(job, now_ms)
    when, at = _when(job, state, left)
    return FileRow(
        job_id=job["job_id"],
        name=job["filename"],
        kind=kind_of(job["filename"]),
        meta=_meta(job),
        state=state,
        group=GROUP_OF_STATE[state],
        slim=state in ("wait", "done", "stop"),
        message=_message(job),
        stage=stage,
        count=_count(job, state),
        percent=int(job["progress"]),
        spoken=_spoken(job, state, stage, left),
        when=when,
        at=at,
        summary=_summary(job, state),
        tags=_tags(job),
        segments=tuple(_segments(job)),
        failure=_failure(job),
        can_cancel=state in UNDER_WAY or state == "pause",
        can_pause=state in UNDER_WAY and not job.get("steering"),
        can_resume=state == "pause",
    )


def state_of(job: JobState) -> str:
    """Return the page's word for the job's status; a file that was undone counts as stopped."""
    return "stop" if job["undone"] else STATE_OF_STATUS.get(job["status"], "wait")


def rows_of(job: JobState) -> int | None:
    """Return how many rows the file has, as far as is known."""
    facts: dict[str, Any] = {**job["details"], **(job["result"] or {})}
    rows = facts.get("rows")
    return rows if isinstance(rows, int) else None


def fact(job: JobState, key: str) -> int:
    """Return a count from the job's result, 0 when it has none."""
    value = (job["result"] or {}).get(key)
    return value if isinstance(value, int) else 0


def _message(job: JobState) -> str:
    """Return the sentence about now; what was asked for and is not done yet comes first."""
    steering = job.get("steering")
    return STEERING.get(steering["op"], job["message"]) if steering else job["message"]


def _left(job: JobState, now_ms: int | None) -> str:
    """Return the time left; of work elsewhere for how long nothing was heard: it may have died."""
    silent_ms = 0 if now_ms is None else now_ms - ms_from_iso(job["updated_at"])
    if is_reported(job) and silent_ms >= QUIET_AFTER_MS:
        return f"Nothing heard for {took_text(silent_ms)}"
    between: list[int] | None = job["details"].get("eta_range")
    seconds = job["estimated_time_remaining"]
    return time_left(seconds, (between[0], between[1]) if between else None)


def _segments(job: JobState) -> list[Segment]:
    segments = []
    for stage in job["stages"]:
        share = stage["end"] - stage["start"]
        fill = 100.0 if stage["state"] == "done" else 0.0
        if stage["state"] in ("running", "failed"):
            done = (job["progress"] - stage["start"]) / share * 100 if share else 0.0
            fill = min(max(round(done, 1), SMALLEST_FILL), 100.0)
        segments.append(Segment(stage["label"], stage["state"], share, fill))
    return segments


def _stage_label(job: JobState) -> str:
    for stage in job["stages"]:
        if stage["key"] == job["stage"]:
            return stage["label"]
    return ""


def _meta(job: JobState) -> str:
    rows = rows_of(job)
    if is_reported(job) and not job["size"]:  # there is no file
        return "" if rows is None else count(rows, "row")
    size = size_text(job["size"])
    return size if rows is None else f"{count(rows, 'row')} · {size}"


def _count(job: JobState, state: str) -> str:
    if state == "fail":
        return f"attempt {job['attempt']}" if job["attempt"] > 1 else ""
    keys = COUNTS.get(job["step"] or "")
    if state != "run" or keys is None:
        return ""
    done, total = (job["details"].get(key) for key in keys)
    if not isinstance(done, int):
        return ""
    if isinstance(total, int) and total >= done:
        return f"{done:,} of {count(total, 'row')}"
    return count(done, "row")


def _when(job: JobState, state: str, left: str) -> tuple[str, str]:
    ended = job["completed_at"] or job["updated_at"]
    if state == "run":
        return left, ""
    if state == "done":
        took = took_text(job["duration_ms"])
        return (f"{took} · " if took else ""), ended
    if state == "fail":
        return "failed ", ended
    if state == "stop":
        return ("undone " if job["undone"] else "cancelled "), (
            job["updated_at"] if job["undone"] else ended
        )
    return STATE_WORDS[state], ""


def _spoken(job: JobState, state: str, stage: str, left: str) -> str:
    parts = [f"{int(job['progress'])} percent", stage.lower()]
    if state == "run":
        parts.append(left)
    else:
        parts.append(STATE_WORDS[state])
    return ", ".join(part for part in parts if part)


def _summary(job: JobState, state: str) -> str:
    if state == "wait":
        return job["message"] if job["n"] > 1 or is_reported(job) else "Waiting for its turn"
    if job["undone"]:
        return "Taken back; nothing of it is stored"
    if state == "stop":
        return f"Cancelled at {int(job['progress'])}%"
    if state != "done":
        return ""
    result = job["result"] or {}
    if is_reported(job):
        own = result.get("summary")
        return own if isinstance(own, str) else job["message"]
    if "zones" in result:
        return _document_summary(result)
    new, known = fact(job, "new_rows"), fact(job, "existing_rows")
    if result.get("duplicate_of") or (not new and known):
        return "Nothing new to store"
    if known:
        return f"{count(new, 'new row')}, {known:,} known"
    return f"{count(new, 'row')} stored"


def _document_summary(result: Mapping[str, Any]) -> str:
    fields = result.get("fields") or {}
    number, total = fields.get("invoice_number"), fields.get("total_amount")
    parts = [
        f"No. {number}" if number else "",
        f"{amount_text(total)} {fields.get('currency') or ''}".strip() if total else "",
    ]
    said = " · ".join(part for part in parts if part)
    return said or f"{count(result.get('pages', 0), 'page')}, {count(result['zones'], 'zone')}"


def _tags(job: JobState) -> tuple[tuple[str, str], ...]:
    tags: list[tuple[str, str]] = []
    if is_reported(job):  # its result is its worker's, whatever it is called
        return ()
    result = job["result"] or {}
    if job["undone"]:
        tags.append(("", "Undone"))
    elif result.get("duplicate_of"):
        tags.append(("dup", "Same document" if result.get("near") else "Exact match"))
    elif fact(job, "existing_rows"):
        tags.append(("dup", "Overlaps"))
    elif result.get("near"):
        tags.append(("dup", "Like another"))
    if not job["undone"] and result.get("zones") and (review := fact(job, "review")):
        tags.append(("warn", f"{review:,} to check"))
    if not job["undone"] and (rejected := fact(job, "rejected")):
        tags.append(("warn", f"{rejected:,} not read"))
    return tuple(tags)


def _failure(job: JobState) -> Failure | None:
    error = job["error"]
    if error is None:
        return None
    stage = _stage_label(job).lower()
    retry = f"Retry from {stage}" if stage and not is_reported(job) else "Retry"
    return Failure(
        title=error["title"],
        kept=error["detail"],
        hint=error["hint"],
        code=error["code"],
        retry=retry if error.get("retryable") else "",
    )
