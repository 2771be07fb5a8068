"""Every event there is: one union, told apart by `type`. Fields only grow, each with a default.

A draft is an event without a place. The journal places it (`place` in state.py): it gives it
`seq`, `n`, `timestamp` and what the job's state already knows, and serialises it once.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

JobStatus = Literal["pending", "processing", "paused", "waiting", "completed", "error", "cancelled"]
FINISHED: frozenset[str] = frozenset({"completed", "error", "cancelled"})


class ErrorInfo(BaseModel):
    """What happened, what was kept, what to do."""

    model_config = ConfigDict(frozen=True)
    code: str
    title: str
    detail: str
    hint: str
    step: str | None = None
    retryable: bool = False


class WarningInfo(BaseModel):
    """Something a person should know although the work goes on."""

    model_config = ConfigDict(frozen=True)
    code: str
    title: str
    detail: str
    hint: str


class Event(BaseModel):
    """What all events have. The journal fills in whatever a draft leaves out."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    seq: int = Field(default=0, description="place in the log; 0 while the event is a draft")
    n: int | None = Field(default=None, description="place in the job, 1, 2, 3 ... without a hole")
    type: str
    job_id: str | None = None
    batch_id: str | None = None
    document_id: str | None = None
    status: JobStatus | None = None
    stage: str | None = None
    step: str | None = None
    progress: float | None = Field(default=None, ge=0, le=100)
    message: str
    timestamp: str = ""
    estimated_time_remaining: int | None = Field(default=None, ge=0, description="seconds")
    details: dict[str, Any] = Field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """Return the event as a flat JSON object; cheaper than model_dump, which copies all."""
        return dict(self.__dict__)


class BatchCreated(Event):
    """Files were taken in together; `jobs` says how many, and a `job_created` follows for each."""

    type: Literal["batch_created"] = "batch_created"
    name: str = ""
    jobs: int = 0


class BatchCompleted(Event):
    """Every job of the batch has ended. Told again when a retried job ends."""

    type: Literal["batch_completed"] = "batch_completed"
    jobs: int = 0
    counts: dict[str, int] = Field(default_factory=dict, description="jobs by status")


class UploadProgress(Event):
    """More of a file has arrived. It is no job's yet; `progress` is the file's own way here.

    At most one a second for each file, and not for files that take less.
    """

    type: Literal["upload_progress"] = "upload_progress"
    upload_id: str | None = Field(default=None, description="of a file that comes in pieces")
    filename: str = ""
    bytes_received: int = Field(default=0, ge=0)
    bytes_total: int | None = Field(
        default=None, ge=0, description="null while unknown; of a form, all of what it sends"
    )


class JobCreated(Event):
    """A file is on the disk and waits for its turn; `plan` has the stages of its work."""

    type: Literal["job_created"] = "job_created"
    filename: str
    size: int = Field(ge=0, description="bytes")
    media_type: str = "application/octet-stream"
    sha256: str = ""
    plan: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(default=0, ge=-1, le=1, description="1 first, 0 as usual, -1 last")
    reported: bool = Field(default=False, description="the work is done elsewhere, told by reports")


class ProcessingStarted(Event):
    """The work begins, or goes on after the server was stopped (`resumed`)."""

    type: Literal["processing_started"] = "processing_started"
    attempt: int = 1
    resumed: bool = Field(default=False, description="goes on after the server was stopped")


class StepStarted(Event):
    """A step of the plan begins."""

    type: Literal["step_started"] = "step_started"


class StepCompleted(Event):
    """A step has ended well; no crash repeats it. `summary` is a few words for its stage."""

    type: Literal["step_completed"] = "step_completed"
    duration_ms: int = 0
    summary: str = ""


class ProcessingProgress(Event):
    """A step moved on. At most ten a second per job."""

    type: Literal["processing_progress"] = "processing_progress"
    current_operation: str | None = None
    current_zone: str | None = None
    zones_completed: int | None = Field(default=None, ge=0)
    zones_total: int | None = Field(default=None, ge=0)


class PlanChosen(Event):
    """The content says what kind of work it is, or plugins add to it: its stages.

    What is done stays done.
    """

    type: Literal["plan_chosen"] = "plan_chosen"
    plan: dict[str, Any] = Field(default_factory=dict)


Box = Annotated[list[float], Field(min_length=4, max_length=4)]
"""x0, y0, x1, y1 in PDF points (1/72 inch), from the top left of the page as it is shown."""


class ZoneEvent(Event):
    """Of one zone: a part of a page that belongs together."""

    zone_id: str
    zone_index: int = Field(ge=0, description="place in the document's reading order")
    page: int = Field(ge=1)
    kind: str = Field(
        description="page, text, heading, list, key_value, table, figure, header or footer"
    )
    bbox: Box | None = None
    processing_tool: str = ""
    zones_completed: int = Field(default=0, ge=0)
    zones_total: int | None = Field(default=None, ge=0, description="null while nobody knows")


class ZoneProcessing(ZoneEvent):
    """The work on a zone begins."""

    type: Literal["zone_processing"] = "zone_processing"


class ZoneCompleted(ZoneEvent):
    """A zone was read."""

    type: Literal["zone_completed"] = "zone_completed"
    confidence: float = Field(default=1.0, ge=0, le=1)
    duration_ms: int = Field(default=0, ge=0)


class ModelResult(Event):
    """One of the readers that work side by side begins, has answered, or has failed."""

    type: Literal["model_result"] = "model_result"
    model_name: str
    provider: str = "local"
    model_status: Literal["processing", "completed", "failed"] = "completed"
    duration_ms: int = Field(default=0, ge=0)
    result: dict[str, Any] | None = None
    error: str | None = Field(default=None, description="why it failed, in words")
    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cost: str | None = Field(default=None, description="US dollars, a decimal; null if unknown")


class ClarificationEvent(Event):
    """Of one question to a person."""

    clarification_id: str
    question: str
    choices: list[dict[str, Any]] = Field(
        default_factory=list, description="each with value and label; [] for a free answer"
    )
    default: Any = None
    expires_at: str | None = None


class ClarificationRequested(ClarificationEvent):
    """The job waits for an answer, and holds no worker meanwhile."""

    type: Literal["clarification_requested"] = "clarification_requested"
    kind: str = Field(default="choice", description="what is asked for; see the list of kinds")
    evidence: dict[str, Any] = Field(default_factory=dict)


class ClarificationAnswered(ClarificationEvent):
    """The user named `by` answered. Secrets are told as null."""

    type: Literal["clarification_answered"] = "clarification_answered"
    answer: Any = None
    by: str = ""
    use_for_batch: bool = False


class ClarificationExpired(ClarificationEvent):
    """Nobody answered in time: the default was taken."""

    type: Literal["clarification_expired"] = "clarification_expired"
    answer: Any = None


class ProcessingWarning(Event):
    """Something a person should know although the work goes on."""

    type: Literal["processing_warning"] = "processing_warning"
    warning: WarningInfo

    def fields(self) -> dict[str, Any]:
        return {**self.__dict__, "warning": self.warning.model_dump()}


class ControlRequested(Event):
    """Somebody asked for a pause or a cancel of work that runs; that it is done is told after it.

    It outlives the server: what was asked for just before a crash is done at the next start.
    """

    type: Literal["control_requested"] = "control_requested"
    op: Literal["pause", "cancel"]
    by: str = ""


class JobPaused(Event):
    """The job rests where its last step ended, and holds no worker."""

    type: Literal["job_paused"] = "job_paused"
    by: str = ""


class JobResumed(Event):
    """A paused job is in the queue again, or waits for its answers; or a pause was withdrawn."""

    type: Literal["job_resumed"] = "job_resumed"
    by: str = ""


class QueueMoved(Event):
    """A job that waits has come notably nearer to its turn, or farther from it."""

    type: Literal["queue_moved"] = "queue_moved"
    ahead: int = Field(default=0, ge=0, description="jobs that go before it, at most")
    starts_in: int | None = Field(default=None, ge=0, description="seconds; null while unknown")


class PriorityChanged(Event):
    """The job goes before or behind the other files of its owner from now on."""

    type: Literal["priority_changed"] = "priority_changed"
    priority: int = Field(default=0, ge=-1, le=1, description="1 first, 0 as usual, -1 last")
    by: str = ""


class JobCancelled(Event):
    """The user named `by` ended the job; what it had stored was taken back."""

    type: Literal["job_cancelled"] = "job_cancelled"
    by: str = ""


class JobRetried(Event):
    """The job begins again at `from_step`; its progress may fall to where that step starts."""

    type: Literal["job_retried"] = "job_retried"
    by: str = ""
    attempt: int = 2
    from_step: str | None = None


class JobUndone(Event):
    """What the job stored was taken back; a later import of the same file is not blocked by it."""

    type: Literal["job_undone"] = "job_undone"
    by: str = ""
    rows: int = 0


class FieldsEdited(Event):
    """A person said what fields of a stored invoice are. `review`: how many wait for a look."""

    type: Literal["fields_edited"] = "fields_edited"
    by: str = ""
    fields_said: dict[str, str | None] = Field(
        default_factory=dict, description="by name; null: it is not there"
    )
    review: int = Field(default=0, ge=0)


class RowsEdited(Event):
    """A person changed what `rows` stored rows are said to be. The counts are those after it."""

    type: Literal["rows_edited"] = "rows_edited"
    by: str = ""
    rows: int = Field(default=0, ge=0)
    new_rows: int = Field(default=0, ge=0)
    existing_rows: int = Field(default=0, ge=0)
    review: int = Field(default=0, ge=0)


class JobDeleted(Event):
    """A job is gone with its events, what it stored and its file. It is told of its batch."""

    type: Literal["job_deleted"] = "job_deleted"
    deleted: str = Field(description="id of the job that was")
    by: str = ""


class ProcessingCompleted(Event):
    """The job ended well; `duration_ms` counts from its first start."""

    type: Literal["processing_completed"] = "processing_completed"
    result: dict[str, Any] = Field(default_factory=dict)
    duration_ms: int = 0


class ProcessingFailed(Event):
    """The job ended in a failure, told in three sentences."""

    type: Literal["processing_failed"] = "processing_failed"
    error: ErrorInfo
    duration_ms: int = 0

    def fields(self) -> dict[str, Any]:
        return {**self.__dict__, "error": self.error.model_dump()}


class ExportEvent(Event):
    """Of one export: of a job, a batch (then in its room), or what a query found."""

    export_id: str
    format: str = "csv"
    rows_done: int = Field(default=0, ge=0)
    rows_total: int | None = Field(default=None, ge=0)


class ExportStarted(ExportEvent):
    """The export begins."""

    type: Literal["export_started"] = "export_started"


class ExportProgress(ExportEvent):
    """Rows were written; `progress` is the export's own."""

    type: Literal["export_progress"] = "export_progress"


class ExportCompleted(ExportEvent):
    """The file is there."""

    type: Literal["export_completed"] = "export_completed"
    url: str = ""
    size: int = Field(default=0, ge=0, description="bytes")


class ExportFailed(ExportEvent):
    """There is no file, and why."""

    type: Literal["export_failed"] = "export_failed"
    error: ErrorInfo

    def fields(self) -> dict[str, Any]:
        return {**self.__dict__, "error": self.error.model_dump()}


AnyEvent = Annotated[
    BatchCreated
    | BatchCompleted
    | UploadProgress
    | JobCreated
    | ProcessingStarted
    | StepStarted
    | StepCompleted
    | ProcessingProgress
    | PlanChosen
    | ZoneProcessing
    | ZoneCompleted
    | ModelResult
    | ClarificationRequested
    | ClarificationAnswered
    | ClarificationExpired
    | ProcessingWarning
    | ControlRequested
    | JobPaused
    | JobResumed
    | QueueMoved
    | PriorityChanged
    | JobCancelled
    | JobRetried
    | JobUndone
    | FieldsEdited
    | RowsEdited
    | JobDeleted
    | ProcessingCompleted
    | ProcessingFailed
    | ExportStarted
    | ExportProgress
    | ExportCompleted
    | ExportFailed,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
EVENT_TYPES: tuple[str, ...] = tuple(
    model.model_fields["type"].default for model in get_args(get_args(AnyEvent)[0])
)


def check_types(names: Iterable[str]) -> None:
    """Raise ValueError, which names what there is, unless all `names` are types of events.

    Whoever asked for a misspelt type would wait for ever, and be told nothing.
    """
    for name in names:
        if name not in EVENT_TYPES:
            known = ", ".join(EVENT_TYPES)
            raise ValueError(f"there are no events of the type “{name[:64]}”; there are {known}")


def parse_event(body: bytes) -> AnyEvent:
    """Return the event that `body` (one JSON object) holds.

    Raises pydantic.ValidationError when it is not an event of the catalogue.
    """
    return EVENT.validate_json(body)
