"""Running readers in this process, on real files, the way the pipeline runs them in workers."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.core.notices import Notice
from app.core.reading import Limits, Reader, Task
from app.reading.categories import categorise
from app.reading.delta import compare
from app.reading.entities import resolve
from app.reading.extract import extract
from app.reading.fields import detect_fields
from app.reading.save import store, undo
from app.store.records import RecordsReader, RowsPage

LIMITS = Limits(
    max_rows=1_000_000,
    max_columns=500,
    max_line_bytes=1 << 20,
    max_unpacked_bytes=1 << 30,
    max_unpack_ratio=100,
    max_archive_files=2000,
    max_archive_depth=2,
    max_pages=500,
    max_ocr_pages=100,
    max_image_pixels=50_000_000,
)


class Heard:
    """A Tell that keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.done = 0
        self.events_told: list[dict[str, Any]] = []

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        self.done = done

    def warn(self, notice: Notice) -> None:
        self.notices.append(notice)

    def events(self, told: Sequence[Mapping[str, Any]]) -> None:
        self.events_told.extend(dict(event) for event in told)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]


class Desk:
    """One records.db and the files that people bring to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = folder / "records.db"
        self.heard = Heard()

    def file(self, text: str | bytes, name: str = "export.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def task(
        self,
        path: Path,
        job: str = "job-1",
        user: str = "anna",
        options: Mapping[str, Any] | None = None,
        **limits: int,
    ) -> Task:
        work = self.folder / "work" / job
        work.mkdir(parents=True, exist_ok=True)
        kind = {".xlsx": "xlsx", ".tsv": "tsv"}.get(path.suffix, "csv")
        return Task(
            job_id=job,
            user_id=user,
            filename=path.name,
            size=path.stat().st_size,
            sha256="0" * 64,
            path=str(path),
            work_dir=str(work),
            records_path=str(self.records),
            limits=Limits(**{**LIMITS, **limits}),  # type: ignore[typeddict-item]
            options={"ask": False, **(options or {})},  # nobody is there
            found={"initializing_streaming": {"kind": kind}},
            answers={},
        )

    def read(self, task: Task) -> Task:
        """Run the steps before storing, and return the task with what they found."""
        task["found"]["field_detection"] = detect_fields(task, self.heard)
        task["found"]["extracting"] = extract(task, self.heard)
        task["found"]["delta_analysis"] = compare(task, self.heard)
        return task

    def bring(self, path: Path, **task: Any) -> dict[str, Any]:
        """Read and store a file; return what storing returned."""
        return store(self.read(self.task(path, **task)), self.heard)

    def bring_whole(self, path: Path, **task: Any) -> dict[str, Any]:
        """Read, store and categorise a file; return what categorising returned."""
        read = self.read(self.task(path, **task))
        store(read, self.heard)
        resolve(read, self.heard)
        return categorise(read, self.heard)

    def errand(self, reader: Reader, user: str = "anna", **options: Any) -> dict[str, Any]:
        """Run a reader that has no file, as Runner.errand does."""
        path = self.file("", "nothing")
        return reader(self.task(path, job="errand", user=user, options=options), self.heard)

    def take_back(self, job: str, user: str = "anna") -> int:
        path = self.file("", "nothing")
        return int(undo(self.task(path, job=job, user=user), self.heard)["rows"])

    def page(self, job: str, **asked: Any) -> RowsPage:
        """Return a page of the job's rows, as the pages of the site get it."""

        async def read() -> RowsPage:
            reader = await RecordsReader.open(self.records)
            try:
                return await reader.rows(job, **asked)
            finally:
                await reader.close()

        return asyncio.run(read())
