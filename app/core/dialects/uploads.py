"""Upload progress: what the listeners of one batch are told who know only a single upload.

They know five stages, four statuses and one bar, however many files there are and whatever is done
to them. Every message is an event of the log with those fields set anew, from what is known of the
batch's files by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.core.dialects.words import in_words
from app.core.events import FINISHED
from app.core.plans import PLANS
from app.core.state import JobState

Status = Literal["connected", "processing", "completed", "error"]
STAGES = ("validation", "scanning", "parsing", "database", "categorization")
STAGE_PERCENT = 20.0  # of the bar, each

OF_STEP: Mapping[str, str] = {
    "initializing_streaming": "validation",
    "duplicate_check": "validation",
    "malware_scan": "scanning",
    "document_kind": "scanning",
    "page_reading": "parsing",
    "field_reading": "parsing",
    "model_reading": "parsing",
    "field_check": "parsing",
    "unpacking": "parsing",
    "likeness": "database",
    "saving": "database",
    "placing": "database",
    "indexing": "categorization",
}
OF_STAGE: Mapping[str, str] = {
    "fetch": "validation",
    "zones": "parsing",
    "llm_extraction": "parsing",
    "unpacking": "parsing",
    "save": "database",
    "complete": "categorization",
}
COUNTED = ("processed", "total", "errors")
PAGEWISE = frozenset({"page_reading", "unpacking"})
OWN_STEPS = frozenset(step for plan in PLANS.values() for step in plan.step_keys)
WAITS = "Connected. Waiting for the file..."
FOLLOWS = "Connected. I'll tell you what happens to your file"


def stage_of(stage: str | None, step: str | None, progress: float) -> str:
    """Return which of the five stages a job is in, whatever its plan calls it.

    What nobody here has heard of, such as the stages of work that is reported from outside, goes by
    how far it is.
    """
    if step is not None and step in OF_STEP:
        return OF_STEP[step]
    if stage == "validation" and progress > STAGE_PERCENT:
        return "parsing"  # of an invoice: what was read is looked over
    if stage is not None and stage in STAGES:
        return stage
    if stage is not None and stage in OF_STAGE:
        return OF_STAGE[stage]
    return STAGES[min(int(progress / STAGE_PERCENT), len(STAGES) - 1)]


@dataclass(slots=True)
class _File:
    """What is known of one job of the batch. n: of the newest event that was taken in."""

    n: int = 0
    status: str = "pending"
    stage: str = "validation"
    progress: float = 0.0
    message: str = ""
    error: str | None = None
    problem: Mapping[str, Any] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        return self.status in FINISHED


class UploadView:
    """One batch as a single upload. Taking the same in twice changes nothing."""

    def __init__(self, batch_id: str) -> None:
        self.batch_id = batch_id
        self._files: dict[str, _File] = {}
        self._latest = _File()
        self._expected = 0  # files, as far as is known

    def expect(self, files: int) -> None:
        """The batch has so many files."""
        self._expected = files

    def hold(self, state: JobState) -> None:
        """Take the state of a job in."""
        if state["job_id"] not in self._files or self._files[state["job_id"]].n < state["n"]:
            self._set(state["job_id"], state, state["n"])

    def tell(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Take an event of the batch in, and return what is told of it."""
        job_id = event["job_id"]
        if job_id is not None:
            known = self._files.get(job_id)
            if known is None or known.n < event["n"]:
                self._set(job_id, event, event["n"])
        elif event["type"] == "batch_created":
            self._expected = event["jobs"]
        elif event["type"] == "job_deleted":
            self._files.pop(event["deleted"], None)
            self._expected = len(self._files)
        return {
            **event,
            "job_status": event["status"],
            "job_progress": event["progress"],
            **self._now(event["details"]),
            "message": event["message"],
            "timestamp": event["timestamp"],
        }

    def now(self, at: str, kind: str) -> dict[str, Any]:
        """Return how things stand, as a message of the type `kind`."""
        return {
            "type": kind,
            **self._now({}),
            "message": self._latest.message or WAITS,
            "timestamp": at,
        }

    def connected(self, at: str, **more: Any) -> dict[str, Any]:
        """Return the first message, with the fields `more`."""
        message = FOLLOWS if self._files else WAITS
        now = {**self.now(at, "connection"), "status": "connected", "message": message}
        # That it has failed is told next, with that status.
        return {**now, "error": None, "problem": None, **more}

    @property
    def is_known(self) -> bool:
        """Tell whether the batch has any file yet."""
        return bool(self._files)

    @property
    def status(self) -> Status:
        """`completed` once every file has ended and one of them well, `error` when none has."""
        files = self._files.values()
        if not files or len(files) < self._expected or not all(one.has_ended for one in files):
            return "processing"
        return "completed" if any(one.status == "completed" for one in files) else "error"

    @property
    def progress(self) -> float:
        """Of all files together, 0 to 100; one of several that has ended counts as done."""
        if len(self._files) == 1 and self._expected <= 1:
            return next(iter(self._files.values())).progress
        done = sum(100.0 if one.has_ended else one.progress for one in self._files.values())
        return round(done / max(len(self._files), self._expected, 1), 1)

    def _set(self, job_id: str, told: Mapping[str, Any], n: int) -> None:
        before = self._files.get(job_id) or _File()
        problem = told.get("error") if told["status"] == "error" else None
        if not isinstance(problem, Mapping):
            problem = before.problem if told["status"] == "error" else None
        self._latest = self._files[job_id] = _File(
            n,
            told["status"],
            stage_of(told["stage"], told["step"], told["progress"]),
            told["progress"],
            told["message"],
            None if problem is None else in_words(problem),
            problem,
            {**before.details, **_facts(told)},
        )

    def _now(self, details: Mapping[str, Any]) -> dict[str, Any]:
        latest, status = self._latest, self.status
        facts = {**dict.fromkeys(COUNTED, 0), "filename": "", "size": 0, **latest.details}
        several = {}
        if max(len(self._files), self._expected) > 1:
            several = {
                "files": max(len(self._files), self._expected),
                "files_done": sum(one.has_ended for one in self._files.values()),
                "files_failed": sum(one.status == "error" for one in self._files.values()),
            }
        now: dict[str, Any] = {
            "batch_id": self.batch_id,
            "status": status,
            "stage": STAGES[-1] if status == "completed" else latest.stage,
            "progress": 100.0 if status == "completed" else self.progress,
            "details": {**details, **facts, **several},
            "error": None,
            "problem": None,
        }
        if status == "error":
            now["error"] = latest.error or latest.message
            now["problem"] = None if latest.problem is None else dict(latest.problem)
        return now


def _facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts and the file's name and size, as far as an event or a state has them.

    What a step has processed may be bytes, or suppliers. Here it is rows, or pages of a document.
    """
    details, result = told["details"], told.get("result")
    facts: dict[str, Any] = {"errors": details.get("errors")}
    if "rows_done" in details:
        facts |= {"processed": details["rows_done"], "total": details.get("rows_total")}
    elif told["step"] in PAGEWISE or told["step"] not in OWN_STEPS:
        facts |= {"processed": details.get("processed"), "total": details.get("total")}
    if isinstance(result, Mapping) and "rows" in result:
        facts |= dict.fromkeys(("processed", "total"), result["rows"])
    facts = {key: value for key, value in facts.items() if isinstance(value, int)}
    for key, kind in (("filename", str), ("size", int)):
        value = details.get(key, told.get(key))
        if isinstance(value, kind):
            facts[key] = value
    return facts
