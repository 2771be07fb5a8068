"""What the API answers with, as models: its description is made from these.

Long answers are sent as plain values of the same shape; a test compares the two.
"""

from typing import Any

from pydantic import BaseModel, Field

from app.core.documents import FieldStatus
from app.core.events import ErrorInfo, JobStatus, WarningInfo


class StageAnswer(BaseModel):
    """One stretch of the progress bar, `start` to `end` percent."""

    key: str
    label: str
    start: float
    end: float
    state: str = Field(description="waiting, running, done, failed or skipped")
    started_at: str | None
    ended_at: str | None
    summary: str


class QueuePlace(BaseModel):
    """How many jobs go before one that waits, at most, and in how many seconds it begins."""

    ahead: int
    starts_in: int | None = Field(description="null while nobody knows")


class JobAnswer(BaseModel):
    """A job as it stands: the fold of its events (JobState), and where its parts are."""

    job_id: str
    batch_id: str | None
    document_id: str | None
    filename: str
    size: int
    media_type: str
    sha256: str
    plan: str
    status: JobStatus
    stage: str | None
    step: str | None
    progress: float
    message: str
    estimated_time_remaining: int | None
    n: int = Field(description="events of the job so far")
    last_seq: int = Field(description="place of its newest event in the log")
    attempt: int
    created_at: str
    started_at: str | None
    completed_at: str | None
    updated_at: str = Field(
        description="time of its newest event: of a reported job, since when nothing was heard"
    )
    duration_ms: int | None
    stages: list[StageAnswer]
    steps_done: list[str]
    details: dict[str, Any]
    warnings: list[WarningInfo]
    document_type: str | None
    platform: str | None
    error: ErrorInfo | None
    result: dict[str, Any] | None
    undone: bool
    waiting_for: list[str] = Field(
        default_factory=list, description="ids of the questions it waits for"
    )
    steering: dict[str, str] | None = Field(
        default=None, description="a pause or cancel that was asked for: op, by"
    )
    priority: int = Field(default=0, description="1 first, 0 as usual, -1 last")
    reported: bool = Field(
        default=False, description="its work is done elsewhere and told by reports: no file here"
    )
    queue: QueuePlace | None = Field(
        default=None, description="of a job that waits for its turn, where it was asked for alone"
    )
    links: dict[str, str]


class AcceptedJob(BaseModel):
    """One file of an upload that was taken in."""

    job_id: str
    filename: str
    size: int
    sha256: str
    status: str


class Accepted(BaseModel):
    """An upload that is on the disk and in the log."""

    batch_id: str
    jobs: list[AcceptedJob]


class BatchAnswer(BaseModel):
    """A batch and how many of its jobs have each status."""

    batch_id: str
    name: str
    options: dict[str, Any]
    created_at: str
    jobs: int
    counts: dict[str, int]
    links: dict[str, str]


class NotSteered(BaseModel):
    """A job to which it could not be done, and why."""

    job_id: str
    code: str
    title: str


class BatchSteered(BaseModel):
    """A batch whose jobs were steered together.

    done      to how many jobs it was done; it makes no sense for the others, but for `not_done`
    reasons   the first hundred of those, each with its reason
    """

    batch: BatchAnswer
    done: int
    not_done: int
    reasons: list[NotSteered]


class BatchList(BaseModel):
    """Batches, newest first. `next` is the cursor of the page after this one."""

    batches: list[BatchAnswer]
    next: str | None


class JobList(BaseModel):
    """Jobs, newest first. `next` is the cursor of the page after this one."""

    jobs: list[JobAnswer]
    next: str | None


class EventList(BaseModel):
    """Events, oldest first. `after` is where the next page begins; `head` is the log's end.

    log        the log's id; a position of another log means nothing in this one
    more       there may be more at once; a page with `types` may be empty all the same
    reset      the position was not of this log: go on from `after`, and look at states anew
    truncated  some events behind the position are gone: states tell what they came to
    oldest     everything from this seq on is still there
    """

    events: list[dict[str, Any]]
    after: int
    head: int
    log: str
    more: bool
    reset: bool
    truncated: bool
    oldest: int | None


class RowList(BaseModel):
    """Rows that a job read; each with its state: new, known, or to be looked at."""

    total: int
    counts: dict[str, int]
    rows: list[dict[str, Any]]


class SeenIn(BaseModel):
    """An earlier job, and how many of the rows it had brought."""

    job_id: str
    rows: int


class Delta(BaseModel):
    """How a file differs from everything that was stored before.

    kept_rows  those of new_rows that earlier files hold too, and that were to be stored again
    """

    new_rows: int
    existing_rows: int
    kept_rows: int
    rejected_rows: int
    seen_in: list[SeenIn]


class ZoneAnswer(BaseModel):
    """A part of a page that belongs together.

    bbox  x0, y0, x1, y1 in points from the top left of the page as it is shown
    data  of a table {"rows": [[cell, ...], ...]}, of a key_value {"key", "value"}
    """

    zone_id: str
    zone_index: int
    page: int
    kind: str
    bbox: list[float]
    processing_tool: str
    confidence: float
    duration_ms: int
    text: str
    data: dict[str, Any] | None


class ZoneList(BaseModel):
    """Zones in the order of reading."""

    total: int
    zones: list[ZoneAnswer]


class FieldAnswer(BaseModel):
    """One field of an invoice; `value` is null where it is not there.

    confidence  0 to 1: how sure the reading is
    source      xml, template, layout, person, or a model's name
    bbox        in points from the top left of the page shown
    status      read; check: to be looked at; edited by a person; absent
    label       what it is called
    """

    value: str | None
    confidence: float
    source: str
    page: int | None
    bbox: list[float] | None
    status: FieldStatus
    label: str


class FieldList(BaseModel):
    """The fields of an invoice in their order, and its lines.

    review  how many fields wait for a look
    """

    fields: dict[str, FieldAnswer]
    line_items: list[dict[str, Any]]
    review: int
    links: dict[str, str]


class PageAnswer(BaseModel):
    """A page of a document; its size in points.

    source   where its text comes from: text, ocr, both or none
    problem  why it could not be read; null where it was
    zones    how many it has
    """

    number: int
    width: float
    height: float
    source: str
    problem: str | None
    zones: int
    links: dict[str, str]


class PageList(BaseModel):
    """The pages of a document: what kind it is (null while nothing is stored), what it says."""

    kind: str | None
    title: str
    pages: list[PageAnswer]


class SnippetPart(BaseModel):
    """Some text, and whether it was looked for."""

    text: str
    found: bool


class DocumentHit(BaseModel):
    """A page that holds what was looked for."""

    job_id: str
    filename: str
    kind: str
    page: int
    snippet: list[SnippetPart]
    links: dict[str, str]


class DocumentHits(BaseModel):
    """Pages that hold what was looked for, best first."""

    hits: list[DocumentHit]


class Undone(BaseModel):
    """What an undo took back."""

    rows: int
    job: JobAnswer


class Problem(BaseModel):
    """An error (RFC 9457): what happened, what was kept, what to do."""

    type: str
    title: str = Field(description="what happened")
    status: int
    detail: str = Field(description="what was kept")
    code: str = Field(description="stable; the sentences are for people")
    hint: str = Field(description="what to do")
    retryable: bool
    index: int | None = Field(
        default=None, description="which report of a request can not be taken, from 0"
    )
    job_status: str | None = Field(default=None, description="how a job that is reported has ended")
    error: str | None = Field(
        default=None, description="the sentences as one, where clients of other systems ask"
    )
