"""The step placing, in the server: what an archive held becomes jobs of the same batch."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from aiosqlite import Connection

from app.core.errors import FileMissing
from app.core.events import JobCreated
from app.core.ids import uuid7
from app.core.messages import friendly_message
from app.core.names import clean_filename
from app.core.plans import plan_for_name
from app.core.reading import Task
from app.core.unreadable import ArchiveBomb
from app.pipeline.log import Journal
from app.pipeline.worker import Hear, Told
from app.store.files import FileStore, Incoming, StoredFile
from app.store.jobs import JobRow, get_job, is_referred_to

AT_ONCE = 50  # files that are placed before their jobs are written
BLOCK_BYTES = 1024 * 1024
FOLDER = "unpacked"


class Placing:
    """Server step: stores the files that `unpacking` left in the work folder, and makes jobs.

    wake  tells the runner that there is work

    Done again after a break it makes no job twice: each has its id by the archive's and its number.
    """

    def __init__(
        self, files: FileStore, reader: Connection, journal: Journal, wake: Callable[[], None]
    ) -> None:
        self._files = files
        self._reader = reader
        self._journal = journal
        self._wake = wake

    async def __call__(self, task: Task, hear: Hear) -> dict[str, Any]:
        """Return files, jobs (their ids) and batch_id.

        Raises ArchiveBomb, StorageFull, FileMissing. What a worker found is not believed: an
        archive may have got hold of it.
        """
        archive = await get_job(self._reader, task["job_id"])
        assert archive is not None
        found: Sequence[Mapping[str, Any]] = task["found"]["unpacking"]["files"]
        most = task["limits"]["max_archive_files"]
        if len(found) > most:
            raise ArchiveBomb(
                filename=archive.filename, measured=f"{len(found):,} files", limit=f"{most:,} files"
            )
        idents = _idents(archive.id, "job", len(found))
        waiting = iter(list(zip(idents, found, strict=True)))
        done = 0
        while part := list(islice(waiting, AT_ONCE)):
            await self._place(archive, Path(task["work_dir"]) / FOLDER, part)
            done += len(part)
            facts = {"files_done": done, "files_total": len(found)}
            await hear(Told(done, len(found), facts))
        self._wake()
        return {"files": len(found), "jobs": idents, "batch_id": archive.batch_id}

    async def _place(
        self, archive: JobRow, folder: Path, part: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Store some files and write their jobs with one append: all of them, or none."""
        placed: list[StoredFile] = []
        drafts: list[JobCreated] = []
        try:
            for ident, file in part:
                if await get_job(self._reader, ident) is None:
                    stored = await self._store(folder / str(int(file["number"])), archive.filename)
                    placed.append(stored)
                    drafts.append(
                        _created(archive, ident, clean_filename(str(file["name"])), stored)
                    )
            if drafts:
                await self._journal.append(*drafts, user_id=archive.user_id)
        except Exception:
            for stored in placed:
                await self._files.discard(stored.sha256, partial(is_referred_to, self._reader))
            raise
        # A cancelled wait may still be committed, so then the files stay held, and stay.
        for stored in placed:
            self._files.release(stored.sha256)

    async def _store(self, path: Path, archive: str) -> StoredFile:
        incoming = await self._files.begin()
        try:
            await _copy(path, archive, incoming)
            await incoming.finish()
            return await self._files.place(incoming)
        finally:
            await incoming.abort()


async def _copy(path: Path, archive: str, incoming: Incoming) -> None:
    """Copy a file that a worker wrote; what is no ordinary file of its own is not followed."""
    try:
        number = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise FileMissing(filename=archive) from error
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise FileMissing(filename=archive)
        while block := await asyncio.to_thread(os.read, number, BLOCK_BYTES):
            await incoming.write(block)
    finally:
        os.close(number)


def _created(archive: JobRow, ident: str, name: str, stored: StoredFile) -> JobCreated:
    return JobCreated(
        job_id=ident,
        batch_id=archive.batch_id,
        document_id=_idents(ident, "document", 1)[0],
        filename=name,
        size=stored.size_bytes,
        sha256=stored.sha256,
        plan=plan_for_name(name).describe(),
        priority=archive.state["priority"],
        progress=0.0,
        message=friendly_message("received", {"filename": name}),
        details={"filename": name, "size": stored.size_bytes, "from_job": archive.id},
    )


def _idents(owner: str, what: str, number: int) -> list[str]:
    """Return ids of the owner's time that are always the same, in ascending order."""
    at_ms = int(owner.replace("-", "")[:12], 16)
    marks = (hashlib.blake2b(f"{owner} {what} {n}".encode(), digest_size=10) for n in range(number))
    return sorted(uuid7(at_ms, mark.digest()) for mark in marks)
