"""Files that arrive in pieces: whose turn it is, what is kept of them, and how far they came."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aiohttp import web

from app.core.errors import (
    ChecksumMismatch,
    InvalidRequest,
    PieceCut,
    ShuttingDown,
    UploadTooLarge,
)
from app.core.events import UploadProgress
from app.core.quantities import size_text
from app.core.tus import Checksum
from app.live.journal import Journal
from app.settings import Settings
from app.store.accounts import now_ms
from app.store.database import Database
from app.store.files import FileStore
from app.store.partials import Partial, drop_partial, open_partial, partials_in, size_of_partial
from app.store.uploads import (
    HOUR_MS,
    UploadRow,
    awaited_ms,
    batches_not_awaited,
    delete_upload,
    expired_uploads,
    forget_unused_batches,
    get_upload,
    kept_until_ms,
    move_upload,
    unfinished_uploads,
)
from app.tasks import finished
from app.web.progress import Pace, upload_progress

logger = logging.getLogger(__name__)

KEEP_BYTES = 8 * 1024 * 1024  # of one piece between two times that they are made safe
KEEP_S = 2.0
REMEMBERED = 1000  # uploads of which it is known what their bytes hash to


class Turn:
    """One request's turn with an upload. It ends early when a newer request wants it."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._is_wanted = False
        self._waiting: asyncio.Timeout | None = None

    def give_way(self) -> None:
        """Ask for the turn: what waits for more of a body waits no longer."""
        self._is_wanted = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def next_of(self, body: web.Request, idle_s: float) -> bytes:
        """Return what comes next of the body; b"" at its end.

        Raises TimeoutError after `idle_s` without anything and when somebody else wants the turn,
        ConnectionResetError when the client has left.
        """
        if self._is_wanted:
            raise TimeoutError
        try:
            async with asyncio.timeout(idle_s) as self._waiting:
                return await body.content.readany()
        finally:
            self._waiting = None


@dataclass(slots=True)
class _Known:
    """What is remembered of an upload between its pieces; all of it can be had again.

    digest  SHA-256 of its first `offset_bytes`
    """

    offset_bytes: int = 0
    digest: Any = None
    pace: Pace = field(default_factory=Pace)


class Arrivals:
    """The uploads that are under way. Bounded: so many are remembered, the others looked up.

    settle  tells the end of a batch, if it has ended: nothing more is on its way to it
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        files: FileStore,
        journal: Journal,
        settle: Callable[[str], Awaitable[None]],
    ) -> None:
        self._settle = settle
        self._settings = settings
        self._database = database
        self._files = files
        self._journal = journal
        self._turns: dict[str, Turn] = {}
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._closing = False

    @asynccontextmanager
    async def turn(self, upload_id: str) -> AsyncIterator[Turn]:
        """Have the upload alone. The request that has it saves what it got, and ends.

        Its client has lost it: there is one client, and it asks for one thing at a time.
        Raises ShuttingDown.
        """
        while (other := self._turns.get(upload_id)) is not None:
            other.give_way()
            await other.over.wait()
        if self._closing:
            raise ShuttingDown
        turn = self._turns[upload_id] = Turn()
        try:
            yield turn
        finally:
            del self._turns[upload_id]
            turn.over.set()

    def close(self) -> None:
        """Let every request save what it got, and let no new one begin."""
        self._closing = True
        for turn in self._turns.values():
            turn.give_way()

    async def get(self, upload_id: str) -> UploadRow | None:
        """Return the upload as it stands: no more counts than is in its file."""
        row = await get_upload(self._database.reader, upload_id)
        if row is None or row.expires_ms < now_ms():
            return None
        if row.job_id is not None:
            return row
        size = await size_of_partial(self._files, upload_id)
        return replace(row, offset_bytes=min(row.offset_bytes, size))

    @asynccontextmanager
    async def opened(self, row: UploadRow) -> AsyncIterator[Partial]:
        """Open the upload's file where it stands. What was not kept by the end is gone."""
        stored = await get_upload(self._database.reader, row.id)
        known = self._remembered(row.id)
        counted = row.offset_bytes if stored is None else stored.offset_bytes
        digest = known.digest if known.offset_bytes == counted else None
        file = await open_partial(self._files, row.id, counted, digest)
        try:
            if file.kept_bytes != counted:  # somebody has cut the file short, or taken it away
                shorter = replace(row, offset_bytes=file.kept_bytes)
                await self._database.writer.run(partial(move_upload, upload=shorter))
            yield file
        finally:
            known.offset_bytes, known.digest = file.kept_bytes, file.kept_digest
            await file.put_away()

    async def receive(
        self, row: UploadRow, request: web.Request, turn: Turn, checksum: Checksum | None
    ) -> UploadRow:
        """Add the request's body to the file, and return how it stands then.

        checksum  of the body: all of it counts, or nothing

        Raises PieceCut when the body broke off: what came is kept. InvalidRequest, UploadTooLarge
        when it goes past the end, StorageFull: what was safe is kept. ChecksumMismatch: nothing of
        the body is kept.
        """
        limit = self._settings.max_upload_bytes if row.length_bytes is None else row.length_bytes
        if row.offset_bytes + (request.content_length or 0) > limit:
            raise _too_long(row, limit)
        hashed = None if checksum is None else checksum.begin()
        async with self.opened(row) as file:
            kept_s = time.monotonic()
            try:
                while data := await turn.next_of(request, self._settings.upload_idle_s):
                    if file.size_bytes + len(data) > limit:
                        raise _too_long(row, limit)
                    if hashed is not None:
                        hashed.update(data)
                    await file.write(data)
                    is_due = (
                        file.size_bytes - file.kept_bytes >= KEEP_BYTES
                        or time.monotonic() - kept_s >= KEEP_S
                    )
                    if checksum is None and is_due:
                        row = await finished(self._keep(row, file))
                        kept_s = time.monotonic()
            except (ConnectionResetError, TimeoutError, web.RequestPayloadError) as error:
                if checksum is None:
                    row = await finished(self._keep(row, file))
                if self._closing:
                    raise ShuttingDown from error
                raise PieceCut(filename=row.filename, offset=row.offset_bytes) from error
            if checksum is not None and not checksum.is_of(hashed):
                raise ChecksumMismatch(filename=row.filename, offset=row.offset_bytes)
            return await finished(self._keep(row, file))

    async def drop(self, row: UploadRow) -> None:
        """Forget an upload and what came of it. A job that became of it stays."""
        kept = await self._database.writer.run(partial(delete_upload, upload_id=row.id))
        self._known.pop(row.id, None)
        if kept is not None:  # not as `row` has it: more may have come since
            await drop_partial(self._files, row.id, kept)
            await self._settle(row.batch_id)

    def expires_ms(self) -> int:
        """Return until when an upload is kept to which something came now."""
        return kept_until_ms(now_ms(), self._settings.upload_expires_h)

    async def sweep(self) -> int:
        """Forget what was not resumed in time; return how many uploads that were.

        Batches that need not wait for one any more are told to have ended.
        """
        gone = 0
        for row in await expired_uploads(self._database.reader, now_ms()):
            if row.id not in self._turns:
                await finished(self.drop(row))
                gone += 1
        # Whose user was removed. A row is written before its file, so one without is nobody's.
        idents = await partials_in(self._files)
        known = await unfinished_uploads(self._database.reader)
        for ident in idents:
            if ident not in known and ident not in self._turns:
                await drop_partial(self._files, ident, await size_of_partial(self._files, ident))
                gone += 1
        now, expires_h = now_ms(), self._settings.upload_expires_h
        for batch_id in await batches_not_awaited(
            self._database.reader, awaited_ms(now, expires_h)
        ):
            await self._settle(batch_id)
        before_ms = now - round(expires_h * HOUR_MS)
        await self._database.writer.run(partial(forget_unused_batches, before_ms=before_ms))
        if gone:
            logger.info("uploads that were not resumed are gone: uploads=%d", gone)
        return gone

    async def _keep(self, row: UploadRow, file: Partial) -> UploadRow:
        """Make safe what came, write it down, and tell it where that says something new."""
        kept = await file.keep()
        moved = replace(row, offset_bytes=kept, expires_ms=self.expires_ms())
        write = partial(move_upload, upload=moved)
        if self._remembered(row.id).pace.is_news(kept, row.length_bytes):
            await self._journal.append(progress_of(moved), user_id=row.user_id, also=write)
        else:
            await self._database.writer.run(write)
        return moved

    def _remembered(self, upload_id: str) -> _Known:
        known = self._known.setdefault(upload_id, _Known())
        self._known.move_to_end(upload_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known


def progress_of(row: UploadRow) -> UploadProgress:
    """Return how far an upload has come, as an event of its batch."""
    return upload_progress(
        row.filename,
        row.offset_bytes,
        row.length_bytes,
        batch_id=row.batch_id,
        upload_id=row.id,
    )


def _too_long(row: UploadRow, limit: int) -> InvalidRequest | UploadTooLarge:
    if row.length_bytes is None:
        return UploadTooLarge(filename=row.filename, limit=size_text(limit))
    return InvalidRequest(what="the body goes past the Upload-Length that was told")
