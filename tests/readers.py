"""Calling a reader in a test: the task it is given, and a listener that keeps what it told."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.core.notices import Notice
from app.core.reading import Limits, Task
from app.reading.identify import identify

LIMITS = Limits(
    max_rows=5_000_000,
    max_columns=500,
    max_line_bytes=1024 * 1024,
    max_unpacked_bytes=1024**3,
    max_unpack_ratio=100,
    max_archive_files=2000,
    max_archive_depth=2,
    max_pages=500,
    max_ocr_pages=100,
    max_image_pixels=50_000_000,
)


class Heard:
    """A Tell that remembers."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.done: list[int] = []
        self.events_told: list[dict[str, Any]] = []

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        self.done.append(done)

    def warn(self, notice: Notice) -> None:
        self.notices.append(notice)

    def events(self, told: Sequence[Mapping[str, Any]]) -> None:
        self.events_told.extend(dict(event) for event in told)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]

    def facts(self, code: str) -> dict[str, Any]:
        return next(notice.facts for notice in self.notices if notice.code == code)


def task_for(path: Path, kind: str | None = None, filename: str = "", **limits: int) -> Task:
    """The task for a file; `kind` is what step 1 found, asked of it when not given."""
    task = Task(
        job_id="job_1",
        user_id="user_1",
        filename=filename or path.name,
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.name.encode()).hexdigest(),
        path=str(path),
        work_dir=str(path.parent),
        records_path=str(path.parent / "records.db"),
        limits=Limits(**{**LIMITS, **limits}),
        options={},
        found={},
        answers={},
    )
    found = {"kind": kind} if kind else identify(task, Heard())
    task["found"]["initializing_streaming"] = found
    return task
