"""Makes exports: one at a time, in a worker, told as they go on, and kept for a while."""

import asyncio
import logging
import os
import shutil
import sqlite3
import stat
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from app.core.diskfull import is_disk_full
from app.core.errors import AppError, InternalError, StorageFull, WorkerCrashed
from app.core.events import ErrorInfo, ExportCompleted, ExportFailed, ExportProgress, ExportStarted
from app.core.messages import friendly_message
from app.core.reading import Task
from app.core.times import DAY_MS
from app.pipeline.log import Journal
from app.pipeline.patient import PatientJournal, Stopping
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.work import write_export
from app.pipeline.queue import Turns
from app.pipeline.shop import LARGEST_WORK_FILE_BYTES, limits_for, reader_limits
from app.pipeline.worker import Heard, Limits, Told
from app.pipeline.workers import Workers
from app.settings import Settings
from app.store.database import Database
from app.store.exports import (
    ExportRow,
    all_export_ids,
    delete_exports,
    exported_jobs,
    exports_beyond,
    exports_holding,
    get_export,
    mark_completed,
    mark_failed,
    mark_running,
    outdated_exports,
    waiting_exports,
)
from app.store.files import sync_folder
from app.store.jobs import JobRow
from app.tasks import running

logger = logging.getLogger(__name__)

BETWEEN_TOLD_S = 0.5
LOOK_EVERY_S = 3600.0
AFTER_ERROR_S = 30.0
TIMES_A_STEP = 6  # it may take: a workbook of millions of rows takes minutes
FILE = "export"  # that the worker leaves in its folder


class Exporter:
    """Makes what is asked for while it is entered as a context.

    The table of exports is the queue: `wake` tells that something was added. What a stop or a
    crash broke off is made anew.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        journal: Journal,
        workers: Workers,
        plugins: Plugins,
        target: str,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._folder = settings.exports_dir.absolute()
        self._records_path = settings.records_path.absolute()
        self._database = database
        self._journal = PatientJournal(journal)
        self._workers = workers
        self._plugins = plugins
        self._target = target
        self._clock_ms = clock_ms
        self._turns = Turns()
        self._wake = asyncio.Event()
        self._making: tuple[str, asyncio.Task[None]] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Exporter":
        """Sweep what an earlier life left half done, and begin."""
        needed = await all_export_ids(self._database.reader)
        await asyncio.to_thread(_sweep, self._folder, needed)
        await self._stack.enter_async_context(running(self._run(), name="exports"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Break off; the next start makes what is not done."""
        self._journal.stop()
        await self._stack.aclose()

    def wake(self) -> None:
        """Look for new exports."""
        self._wake.set()

    def path_of(self, export_id: str) -> Path:
        """Return where the file of a completed export is."""
        return self._folder / export_id

    async def delete(self, export_id: str) -> None:
        """Forget an export and its file; one that is being made is broken off."""
        await self._database.writer.run(partial(delete_exports, ids=[export_id]))
        making = self._making  # it may have been taken up meanwhile
        if making is not None and making[0] == export_id:
            making[1].cancel()
            await asyncio.wait([making[1]])
        await asyncio.to_thread(self.path_of(export_id).unlink, missing_ok=True)

    async def forget_job(self, job: JobRow) -> None:
        """Delete the exports that may hold what was read out of a job."""
        for export_id in await exports_holding(self._database.reader, job):
            await self.delete(export_id)

    async def tidy(self) -> None:
        """Delete the exports that are too old, or too much."""
        reader, settings = self._database.reader, self._settings
        gone: list[str] = []
        if settings.export_days:
            gone += await outdated_exports(reader, self._clock_ms() - settings.export_days * DAY_MS)
        if settings.export_quota_bytes:
            gone += await exports_beyond(reader, settings.export_quota_bytes)
        if gone:
            await self._database.writer.run(partial(delete_exports, ids=gone))
            for ident in gone:
                await asyncio.to_thread(self.path_of(ident).unlink, missing_ok=True)
            logger.info("exports were removed: exports=%d", len(gone))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            look_again_s = LOOK_EVERY_S
            try:
                await self.tidy()
                while (export := await self._next()) is not None:
                    await self._make_unless_deleted(export)
                    await self.tidy()
            except (StorageFull, sqlite3.Error) as error:
                logger.warning("exports wait: error=%r", error)
                look_again_s = AFTER_ERROR_S
            except Stopping:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(look_again_s):
                    await self._wake.wait()

    async def _next(self) -> ExportRow | None:
        ident = self._turns.next(await waiting_exports(self._database.reader))
        return None if ident is None else await get_export(self._database.reader, ident)

    async def _make_unless_deleted(self, export: ExportRow) -> None:
        making = asyncio.create_task(self._make(export), name=f"export {export.id}")
        self._making = (export.id, making)
        try:
            await asyncio.wait([making])
        except asyncio.CancelledError:
            making.cancel()
            await asyncio.wait([making])
            raise
        finally:
            self._making = None
        if not making.cancelled():  # else it was deleted
            making.result()

    async def _make(self, export: ExportRow) -> None:
        """Make the file, and tell it: whole before it is told, or nothing is left of it."""
        told = _Telling(export, self._journal)
        folder = self._folder / f"{export.id}.making"
        try:
            failure = await self._made(export, folder, told)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if failure is not None:
            await told.failed(failure, self._clock_ms())

    async def _made(self, export: ExportRow, folder: Path, told: "_Telling") -> AppError | None:
        """Make the file in `folder`, and tell it once it is in its place. Return why it failed."""
        try:
            await told.started()
            found = await self._in_worker(export, folder, told)
            size_bytes = await asyncio.to_thread(_take, folder / FILE, self.path_of(export.id))
            await told.completed(
                rows=int(found["rows"]),
                size_bytes=size_bytes,
                sha256=str(found["sha256"]),
                at_ms=self._clock_ms(),
            )
            logger.info("export made: export=%s rows=%d", export.id, found["rows"])
            return None
        except AppError as error:
            logger.info("export failed: export=%s code=%s", export.id, error.code)
            return error
        except (Stopping, sqlite3.Error):
            raise
        except Exception as error:  # told, and the others are made all the same
            reference = uuid.uuid4().hex[:8]
            logger.exception("export failed: export=%s reference=%s", export.id, reference)
            full = is_disk_full(error)
            return StorageFull() if full else InternalError(reference=reference)

    async def _in_worker(self, export: ExportRow, folder: Path, told: "_Telling") -> dict[str, Any]:
        settings = self._settings
        task = Task(
            job_id=export.id,
            user_id=export.user_id,
            filename=export.filename,
            size=0,
            sha256="",
            path="",
            work_dir=str(folder),
            records_path=str(self._records_path),
            limits=reader_limits(settings),
            options={
                "format": export.format,
                "content": export.wish["content"],
                "formulas": export.wish["formulas"],
                "filters": export.wish["filters"],
                "jobs": await exported_jobs(self._database.reader, export),
            },
            found={},
            answers={},
        )
        limits = limits_for(settings, records=True)
        limits = replace(
            limits,
            timeout_s=limits.timeout_s * TIMES_A_STEP,
            file_bytes=LARGEST_WORK_FILE_BYTES,  # it writes nothing into the database
        )
        await asyncio.to_thread(_empty, folder)
        if await asyncio.to_thread(_free_bytes, folder) < settings.min_free_bytes:
            raise StorageFull
        if "." not in export.format:
            return await self._written(task, limits, told)
        options = {**task["options"], "format": "json"}
        found = await self._written(Task(**{**task, "options": options}), limits, told)
        lines = int(found["rows"])
        sha256 = await write_export(self._plugins, self._workers, settings, task, lines)
        return {**found, "sha256": sha256}

    async def _written(self, task: Task, limits: Limits, told: "_Telling") -> dict[str, Any]:
        """Have the file written in one of our own formats, once more when its worker crashes."""
        try:
            return await self._workers.run(self._target, task, limits, told.hear)
        except WorkerCrashed:
            await asyncio.to_thread(_empty, Path(task["work_dir"]))
            return await self._workers.run(self._target, task, limits, told.hear)


class _Telling:
    """What is told of one export: in its batch's room, else in its owner's."""

    def __init__(self, export: ExportRow, journal: PatientJournal) -> None:
        self._export = export
        self._journal = journal
        self._not_before_s = float("-inf")
        self._done = 0
        self._total: int | None = None
        self._common: dict[str, Any] = {
            "batch_id": export.wish["told_in"],
            "export_id": export.id,
            "format": export.format,
            "details": {"job_id": export.job_id, "filename": export.filename},
        }

    async def started(self) -> None:
        message = friendly_message("export_started", {"filename": self._export.filename})
        event = ExportStarted(**self._common, message=message, progress=0.0)
        await self._tell(event, partial(mark_running, export_id=self._export.id))

    async def hear(self, said: Heard) -> None:
        """Tell what the worker reports, twice a second."""
        if not isinstance(said, Told):
            return
        self._done, self._total = said.done, said.total
        now_s = time.monotonic()
        if now_s < self._not_before_s or not said.total or said.done >= said.total:
            return
        self._not_before_s = now_s + BETWEEN_TOLD_S
        facts = {"rows_done": said.done, "rows_total": said.total}
        await self._tell(
            ExportProgress(
                **self._common,
                **facts,
                message=friendly_message("exporting", facts),
                progress=round(100 * said.done / said.total, 1),
            )
        )

    async def completed(self, *, rows: int, size_bytes: int, sha256: str, at_ms: int) -> None:
        ident, filename = self._export.id, self._export.filename
        event = ExportCompleted(
            **self._common,
            rows_done=rows,
            rows_total=rows,
            progress=100.0,
            url=f"/api/v1/exports/{ident}/file",
            size=size_bytes,
            message=friendly_message("exported", {"filename": filename, "rows": rows}),
        )
        also = partial(
            mark_completed,
            export_id=ident,
            rows=rows,
            size_bytes=size_bytes,
            sha256=sha256,
            at_ms=at_ms,
        )
        await self._tell(event, also)

    async def failed(self, error: AppError, at_ms: int) -> None:
        body = dict(error.body())
        event = ExportFailed(
            **self._common,
            rows_done=self._done,
            rows_total=self._total,
            error=ErrorInfo(**body),
            message=friendly_message("export_failed", {"reason": body["title"]}),
        )
        also = partial(mark_failed, export_id=self._export.id, error=body, at_ms=at_ms)
        await self._tell(event, also)

    async def _tell(
        self, event: Any, also: Callable[[sqlite3.Connection], None] | None = None
    ) -> None:
        await self._journal.append(event, user_id=self._export.user_id, also=also)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _take(made: Path, path: Path) -> int:
    """Move the worker's file to its place, durably; return its size in bytes. Raises OSError."""
    # Whatever a worker was made to leave there: no link is followed.
    fd = os.open(made, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{made.name} is no file")
        os.fsync(fd)
    finally:
        os.close(fd)
    made.rename(path)
    sync_folder(path.parent)
    return facts.st_size


def _sweep(folder: Path, needed: set[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in needed:
            path.unlink(missing_ok=True)
