"""What a worker elsewhere may report of a job, as it sends it. Pure: models alone.

Everything else of an event is the server's to say: `filling.py` makes events of reports.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    model_validator,
)

from app.core.names import one_line

LONGEST_NAME = 64
LONGEST_TEXT = 500
CHOICES_AT_MOST = 50


def _line(text: str) -> str:
    """Return `text` as one line that does nothing to the terminal that shows it."""
    return text if text.isprintable() else one_line(text)


def _something(text: str) -> str:
    """The same. Raises ValueError where nothing is left of it."""
    line = _line(text)
    if not line.strip():
        raise ValueError("has to hold something that can be read")
    return line


Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_something)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_something)]
Hint = Annotated[str, Field(max_length=200), AfterValidator(_line)]
Detail = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_line)]
Title = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_something)]
"""Of a warning: a job keeps the last fifty of them."""
Count = Annotated[int, Field(ge=0, lt=2**53)]
Facts = dict[str, Any]


class Said(BaseModel):
    """Nothing is guessed: a misspelt field and a number in quotes are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Report(Said):
    """What every report may say."""

    step: Name | None = Field(
        default=None, description="what is done: a step of the plan, or any other word for it"
    )
    stage: Name | None = Field(default=None, description="a stage of the plan; mostly found out")
    progress: float | None = Field(default=None, ge=0, le=100, description="of the whole job")
    message: Text | None = Field(default=None, description="absent: a friendly sentence is made")
    estimated_time_remaining: Count | None = Field(
        default=None, description="seconds; absent: estimated from the time so far"
    )
    context: Facts = Field(
        default_factory=dict, description="facts for the sentence; they go into details too"
    )
    details: Facts = Field(default_factory=dict, description="further facts")


class Started(Report):
    """The work begins. Told for a worker whose first report is another one."""

    type: Literal["processing_started"]


class StepBegun(Report):
    """A step begins."""

    type: Literal["step_started"]


class StepDone(Report):
    """A step has ended well; `summary` is a few words for its stage."""

    type: Literal["step_completed"]
    duration_ms: Count = 0
    summary: Hint = ""


class Progressed(Report):
    """It has come further."""

    type: Literal["processing_progress"]
    current_operation: Text | None = None
    current_zone: Name | None = None
    zones_completed: Count | None = None
    zones_total: Count | None = None


class _Zone(Report):
    zone_id: Name
    zone_index: Count
    page: Annotated[int, Field(ge=1, lt=2**31)] = 1
    kind: Name = "text"
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    processing_tool: Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_line)] = ""
    zones_completed: Count | None = None
    zones_total: Count | None = None


class ZoneBegun(_Zone):
    """The work on a zone of a document begins."""

    type: Literal["zone_processing"]


class ZoneDone(_Zone):
    """A zone was worked on."""

    type: Literal["zone_completed"]
    confidence: float = Field(default=1.0, ge=0, le=1)
    duration_ms: Count = 0


class ModelSaid(Report):
    """A model begins, has answered, or has failed."""

    type: Literal["model_result"]
    model_name: Name
    provider: Name = "local"
    model_status: Literal["processing", "completed", "failed"] = "completed"
    duration_ms: Count = 0
    result: Facts | None = None
    error: Text | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cost: Annotated[str, Field(max_length=40, pattern=r"^\d+(\.\d+)?$")] | None = None


class Noted(Said):
    """A warning in its sentences; the title may stand alone."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] = "reported_warning"
    title: Title
    detail: Annotated[str, Field(max_length=300), AfterValidator(_line)] = ""
    hint: Hint = ""


class Warned(Report):
    """Something a person should know although the work goes on."""

    type: Literal["processing_warning"]
    warning: Noted | Title


class Offered(Said):
    """One way to answer."""

    value: Name
    label: Text
    hint: Detail = ""


class Asked(Report):
    """A question to a person. The answer is told as `clarification_answered`."""

    type: Literal["clarification_requested"]
    question: Text
    key: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)] | None = Field(
        default=None, description="names the doubt; the same doubt of another file has the same"
    )
    choices: Annotated[list[Offered], Field(max_length=CHOICES_AT_MOST)] = Field(
        default_factory=list, description="none: the answer is a text"
    )
    default: Text | None = Field(default=None, description="taken when nobody answers in time")
    expires_in_s: Annotated[int, Field(ge=1, le=31 * 86_400)] | None = Field(
        default=None, description="seconds for an answer; absent: as the server's settings say"
    )

    @model_validator(mode="after")
    def _has_its_default(self) -> "Asked":
        values = [choice.value for choice in self.choices]
        if len(set(values)) < len(values):
            raise ValueError("two choices have the same value")
        if values and self.default is not None and self.default not in values:
            raise ValueError("default: it is none of the choices")
        return self


class Completed(Report):
    """The job has ended well."""

    type: Literal["processing_completed"]
    result: Facts = Field(default_factory=dict)


class Mishap(Said):
    """A failure in its sentences; the title may stand alone."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] = "reported_failure"
    title: Text
    detail: Detail = ""
    hint: Detail = ""
    retryable: bool = Field(default=False, description="a retry may help: its button is shown")


class Failed(Report):
    """The job has ended in a failure."""

    type: Literal["processing_failed"]
    error: Mishap | Text


class Cancelled(Report):
    """The worker gave the job up, because somebody asked it to."""

    type: Literal["job_cancelled"]


AnyReport = Annotated[
    Started
    | StepBegun
    | StepDone
    | Progressed
    | ZoneBegun
    | ZoneDone
    | ModelSaid
    | Warned
    | Asked
    | Completed
    | Failed
    | Cancelled,
    Field(discriminator="type"),
]


class ReportList(RootModel[AnyReport | list[AnyReport]]):
    """One report, or a list of them in their order."""


REPORTS: TypeAdapter[list[AnyReport]] = TypeAdapter(list[AnyReport])
REPORT_TYPES: tuple[str, ...] = tuple(
    get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(AnyReport)[0])
)
ENDS = frozenset({"processing_completed", "processing_failed", "job_cancelled"})
