"""The border between the pipeline and the readers: what a reader is given, and how it reports."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Protocol, TypedDict

from app.core.notices import Notice


class Limits(TypedDict):
    """What a reader must not exceed; the settings of the same names."""

    max_rows: int
    max_columns: int
    max_line_bytes: int
    max_unpacked_bytes: int
    max_unpack_ratio: int
    max_archive_files: int
    max_archive_depth: int
    max_pages: int
    max_ocr_pages: int
    max_image_pixels: int


class PluginCall(TypedDict):
    """Whose function does the work: core.plugins.Plugin and Part, as JSON values."""

    plugin: dict[str, Any]
    part: dict[str, Any]


class Task(TypedDict):
    """One step's work on one file, as plain JSON values, so that it can cross to a worker.

    path          the stored original; never to be changed
    work_dir      this job's own folder for what later steps need; exists
    records_path  the database of stored rows
    found         what earlier steps of this job returned, by step
    answers       what people answered to this job's questions, by the question's key; a question
                  that expired has its default
    defaults      the keys of those answers that are defaults, since nobody answered
    learned       what those answers are worth for later files, by the question's `remember`: for
                  the step that stores what was read
    claims        readers of plugins, core.plugins.Part as JSON values: what kinds they read
    plugin        for a plugin's code: whose, and which
    reads         further files and folders that this step may read
    """

    job_id: str
    user_id: str
    filename: str
    size: int
    sha256: str
    path: str
    work_dir: str
    records_path: str
    limits: Limits
    options: dict[str, Any]
    found: dict[str, dict[str, Any]]
    answers: dict[str, Any]
    defaults: NotRequired[list[str]]
    learned: NotRequired[dict[str, dict[str, Any]]]
    claims: NotRequired[list[dict[str, Any]]]
    plugin: NotRequired[PluginCall]
    reads: NotRequired[list[str]]


class Tell(Protocol):
    """How a reader says how far it is. Cheap to call often: the worker thins calls out."""

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        """Report `done` of `total` units; `context` goes into the friendly message's facts."""

    def warn(self, notice: Notice) -> None:
        """Tell something a person should know; the work goes on."""

    def events(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Tell events of the catalogue that a step has of its own; never thinned out.

        Each has `type` (zone_processing, zone_completed or model_result), that type's fields, and
        may have `message`, `done` and `total`. Many at once cost little more than one.
        """


class Reader(Protocol):
    """A plain function at the top of a module in app.reading.

    Returns what it found as a JSON object: the step's checkpoint. Running it again with the same
    task gives the same result and stores nothing twice. Raises an AppError for a file that can
    not be read, and Asking (core/asking.py) where only a person knows.
    """

    def __call__(self, task: Task, tell: Tell) -> dict[str, Any]: ...
