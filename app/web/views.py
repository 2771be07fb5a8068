"""What each template is given: one dataclass a template, made from plain states. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import AppError
from app.core.quantities import count, size_text
from app.core.state import JobState, is_reported
from app.core.times import ms_from_iso
from app.web.documentview import DocumentView, HitLine, NearView
from app.web.exportview import ExportLine
from app.web.feedview import EventLine, Message
from app.web.jobview import FileRow, file_row, rows_of
from app.web.questionview import QuestionCard
from app.web.rowview import Filter, TableRow
from app.web.words import took_text

CELLS_AT_MOST = 60
GROUPS = (("needs", "Needs you"), ("progress", "In progress"), ("done", "Done"))
CHIPS = (
    ("needs", "Needs you"),
    ("run", "Running"),
    ("wait", "Waiting"),
    ("done", "Done"),
    ("stop", "Set aside"),
)


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame of every page needs.

    theme      "light", "dark", or "" to follow the system
    user_name  "" when nobody is signed in
    operates   there is a page of operations for this user
    log        the log's id, so that the script notices when it is another one; "" for nobody
    css        address of the style sheet; `modules` of the scripts, the first is the entry
    """

    theme: str
    user_name: str
    operates: bool
    log: str
    css: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guest:
    """That a page is seen by a share link alone: whose it is, and until when (ISO 8601)."""

    sharer: str
    until: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter above the list, with how many files it would show."""

    state: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """One section of the list. `rows` may be fewer than `count`: the script adds the rest."""

    key: str
    label: str
    count: int
    rows: tuple[FileRow, ...]


@dataclass(frozen=True, slots=True)
class FilesPage:
    """files.html: a batch, or all files of a person.

    guest       set for somebody with a share link, who may look and no more
    room        what the page follows live
    batch_id    "" when the page shows all files
    count       of files, of which at most some hundred are rendered
    percent     of all files together
    other_view  (url, label) of another view worth a link, or None
    older       address of the next page, "" when this is the last
    found       pages of documents that hold what is searched for
    max_upload_bytes, max_files, limit_text   what the drop zone checks and says
    """

    shell: Shell
    guest: Guest | None
    room: str
    batch_id: str
    title: str
    where: str
    started_at: str
    percent: int
    headline: str
    aside: str
    groups: tuple[Group, ...]
    count: int
    cells: tuple[FileRow, ...]
    bars: tuple[tuple[str, int, str], ...]
    chips: tuple[Chip, ...]
    feed: tuple[Message, ...]
    other_view: tuple[str, str] | None
    older: str
    search: str
    found: tuple[HitLine, ...]
    max_upload_bytes: int
    max_files: int
    limit_text: str
    exports: tuple[ExportLine, ...] = ()

    @property
    def controls(self) -> tuple[tuple[str, str, str, bool], ...]:
        """What can be done with the whole batch: (op, label, icon, whether it makes sense now)."""
        rows = [row for group in self.groups for row in group.rows]
        return (
            ("pause", "Pause all", "pause", any(row.can_pause for row in rows)),
            ("resume", "Resume all", "play", any(row.can_resume for row in rows)),
            ("cancel", "Cancel all", "x", any(row.can_cancel for row in rows)),
        )


@dataclass(frozen=True, slots=True)
class StageItem:
    """One line of the stage list. `start` and `length` place its bar, in percent of the whole."""

    key: str
    label: str
    state: str
    duration: str
    note: str
    start: float
    length: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows tab. `page` counts from 1; `pages` is 1 even without rows; `total` is of `state`."""

    filters: tuple[Filter, ...]
    state: str
    rows: tuple[TableRow, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier file in which rows of this one were seen."""

    url: str
    name: str
    on: str
    rows: int


@dataclass(frozen=True, slots=True)
class JobPage:
    """job.html: one file, its stages, its rows, and what was told on the way.

    guest      set for somebody with a share link, who may look and no more
    elapsed    "took 12.4 s" or "running for 25 s"; `started_at` lets the script count on
    no_rows    what stands where the rows would be
    events     the newest, newest first; `count` of them in all, those no longer kept among them
    seq        place in the log of the newest, from which on the script listens
    undo_text  what an undo would take back; "" when there is nothing to undo
    same_as    the earlier file with the same bytes, or that is the same document, or None
    kept_rows  how many of the new ones an earlier file holds, too, and were stored all the same
    rejected   how many rows could not be read
    questions  what it waits for, oldest first
    document   what is shown in place of rows of a PDF or an image; None for a table
    show_pictures  its pages can be seen: the file is there, and is safe to draw
    near       earlier documents that are like this one
    exports    that were made of it, newest first
    is_reported  the work is done elsewhere: there is no file here, and nothing was read
    """

    shell: Shell
    guest: Guest | None
    row: FileRow
    batch_url: str
    batch_name: str
    percent: int
    elapsed: str
    started_at: str
    stages: tuple[StageItem, ...]
    total: str
    rows: Rows
    earlier: tuple[Earlier, ...]
    same_as: Earlier | None
    new_rows: int
    known_rows: int
    kept_rows: int
    feed: tuple[Message, ...]
    events: tuple[EventLine, ...]
    count: int
    seq: int
    warnings: tuple[Mapping[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    rejected: int
    undo_text: str
    no_rows: str
    size: str
    plan: str
    questions: tuple[QuestionCard, ...]
    document: DocumentView | None
    show_pictures: bool
    near: tuple[NearView, ...]
    can_export: bool
    exports: tuple[ExportLine, ...]
    is_reported: bool = False


@dataclass(frozen=True, slots=True)
class GatePage:
    """login.html, setup.html, signin.html and share.html.

    error    what was wrong with the form as it was sent, or None
    name     as it was sent, to stand there again
    claimed  somebody owns this server
    """

    shell: Shell
    error: AppError | None
    next_url: str
    min_password_length: int
    name: str = ""
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class SharedPage:
    """shared.html: the link to a file or batch, shown this once. `back` leads to what it shows."""

    shell: Shell
    what: str
    url: str
    until: str
    back: str


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """error.html: the three sentences, and a way back."""

    shell: Shell
    status: int
    title: str
    kept: str
    hint: str
    code: str
    way_back: tuple[str, str]


def error_page(shell: Shell, error: AppError, status: int, way_back: tuple[str, str]) -> ErrorPage:
    """Return the page for `error`, with the address and words of the way back."""
    body = error.body()
    sentences = body["title"], body["detail"], body["hint"]
    return ErrorPage(shell, status, *sentences, body["code"], way_back)


def grouped(rows: Sequence[FileRow], at_most: int) -> tuple[Group, ...]:
    """Return all groups, empty ones too; at most `at_most` rows in all, in order of need."""
    groups = []
    room = at_most
    for key, label in GROUPS:
        own = [row for row in rows if row.group == key]
        groups.append(Group(key, label, len(own), tuple(own[:room])))
        room -= len(groups[-1].rows)
    return tuple(groups)


def newest_first(jobs: Sequence[JobState], now_ms: int) -> list[FileRow]:
    """Return the rows of `jobs`, newest first."""
    ranked = sorted(jobs, key=lambda job: job["job_id"], reverse=True)
    return [file_row(job, now_ms) for job in ranked]


def tally(rows: Sequence[FileRow]) -> tuple[int, str, str]:
    """Return the overall percent, the headline and what is said beside it."""
    if not rows:
        return 0, "", ""
    done = sum(row.state == "done" for row in rows)
    needing = sum(row.group == "needs" for row in rows)
    going = sum(row.group == "progress" for row in rows)
    aside = len(rows) - done - needing - going
    percent = sum(100 if row.group == "done" else row.percent for row in rows) // len(rows)
    if done == len(rows):
        only = "The file is done." if done == 1 else f"All {done:,} files are done."
        return 100, only, ""
    one = done == 1 or len(rows) == 1
    headline = f"{done:,} of {count(len(rows), 'file')} {'is' if one else 'are'} done."
    parts = []
    if going:
        parts.append(f"{going:,} {'is' if going == 1 else 'are'} on the way")
    if needing:
        parts.append(f"{count(needing, 'file')} {'needs' if needing == 1 else 'need'} you")
    if aside:
        parts.append(f"{aside:,} {'was' if aside == 1 else 'were'} set aside")
    said = "; ".join(parts)
    return percent, headline, f"{said[0].upper()}{said[1:]}."


def chip_state(row: FileRow) -> str:
    """Return under which filter a row is counted."""
    if row.group == "needs":
        return "needs"
    return "wait" if row.state == "pause" else row.state


def chips(rows: Sequence[FileRow]) -> tuple[Chip, ...]:
    """Return the filters, with how many rows each shows; those that show none are left out."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[chip_state(row)] = counts.get(chip_state(row), 0) + 1
    return tuple(Chip(key, label, counts.get(key, 0)) for key, label in CHIPS)


def stage_items(job: JobState, now_ms: int) -> tuple[StageItem, ...]:
    """Return the stage list; bars share one time axis from the first start to the last end."""
    starts = [ms_from_iso(s["started_at"]) for s in job["stages"] if s["started_at"]]
    if not starts:
        return tuple(
            StageItem(s["key"], s["label"], s["state"], "", "", 0, 0) for s in job["stages"]
        )
    first = min(starts)
    ends = [ms_from_iso(s["ended_at"]) for s in job["stages"] if s["ended_at"]]
    running = any(s["state"] == "running" for s in job["stages"])
    last = max([now_ms if running else 0, *ends, first + 1])
    items = []
    for stage in job["stages"]:
        start = ms_from_iso(stage["started_at"]) if stage["started_at"] else None
        end = ms_from_iso(stage["ended_at"]) if stage["ended_at"] else now_ms
        length = 0 if start is None else max(end - start, 0)
        items.append(
            StageItem(
                stage["key"],
                stage["label"],
                stage["state"],
                took_text(length) if start is not None else "",
                stage["summary"],
                0.0 if start is None else round((start - first) / (last - first) * 100, 1),
                round(length / (last - first) * 100, 1),
            )
        )
    return tuple(items)


def elapsed(job: JobState, now_ms: int) -> str:
    """Return how long the job took, or has been running; "" before it started."""
    if job["completed_at"] and job["duration_ms"] is not None:
        return f"took {took_text(job['duration_ms'])}"
    if job["started_at"] and job["status"] == "processing":
        return f"running for {took_text(max(now_ms - ms_from_iso(job['started_at']), 0))}"
    return ""


def undo_text(job: JobState) -> str:
    """Return what an undo of `job` takes back; "" when it stored nothing or was undone."""
    if job["status"] != "completed" or job["undone"] or is_reported(job):
        return ""
    result = job["result"] or {}
    name = job["filename"]
    if rows := result.get("new_rows"):
        what = f"{count(rows, 'row')} that {name} stored, with their categories"
    elif pages := result.get("pages"):
        what = f"{count(pages, 'page')} of {name}, with their text and fields"
    elif filled := result.get("filled"):
        what = f"{count(len(filled), 'field')} that {name} added to the document before it"
    else:
        return ""
    return f"This takes back {what}. The file itself stays here, and you can import it again."


def no_rows(job: JobState, known: int) -> str:
    """Return what stands in place of the rows.

    known  how many rows of it are stored, whatever filter hides them
    """
    if known:
        return "No rows of this kind."
    if job["undone"]:
        return "Nothing of this file is stored any more."
    if (job["result"] or {}).get("duplicate_of"):
        return "Its rows are with the file I processed before."
    if job["status"] in ("error", "cancelled"):
        return "Nothing of this file was stored."
    return "Rows appear here as soon as they are stored."


def size_of(job: JobState) -> str:
    """Return the file's size and rows for its page."""
    rows = rows_of(job)
    size = "" if is_reported(job) and not job["size"] else size_text(job["size"])
    return " · ".join(part for part in (size, "" if rows is None else count(rows, "row")) if part)
