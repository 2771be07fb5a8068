"""Notifies people, by services they name, when an upload is done or a question waits."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType

import orjson

from app.core.errors import StorageFull
from app.core.notifications import TYPES, Gathered, Message, gather, message_of
from app.core.rooms import Room
from app.live.crew import Crew
from app.live.messenger import Messenger, Told
from app.store.batches import get_batch
from app.store.channels import Channel, get_channel, note_told, working_channels
from app.store.database import Database
from app.store.events import Recorded, read_room
from app.store.jobs import get_job

logger = logging.getLogger(__name__)

GATHER_S = 3.0  # what happens meanwhile is told together
PAGE = 500  # events that are told together at most
WAITS_S = (60.0, 600.0, 3600.0)  # before attempt 2, 3, 4; then it is given up
ASKED_AGAIN_MS = 15 * 60_000  # questions of one upload are told once in that time
AGAIN_S = 5.0  # after a database that could not be read or written
TEST = Message("Livetrail", "This is a test. You will be told here when something happens.")


@dataclass(frozen=True, slots=True)
class Desk:
    """What all channels share. head returns the place of the newest event that was told."""

    database: Database
    head: Callable[[], int]
    messenger: Messenger
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class Herald:
    """Serves one channel until it is off or gone. `news` wakes it."""

    def __init__(self, desk: Desk, channel: Channel) -> None:
        self.news = asyncio.Event()
        self.user_id = channel.user_id
        self._desk = desk
        self._ident = channel.id
        self._looked = channel.cursor
        self._attempts = 0
        self._not_before_s = 0.0  # on time.monotonic(), after a failure
        self._asked: dict[str, int] = {}  # when a question of an upload was last told

    async def run(self) -> None:
        """Tell, again and again. What can not be read, written or told now is tried later."""
        while True:
            self.news.clear()
            try:
                channel = await get_channel(self._desk.database.reader, self._ident)
                if channel is None or channel.state != "on":
                    return
                rest_s = self._not_before_s - time.monotonic()
                patience_s = rest_s if rest_s > 0 else await self._serve(channel)
            except (StorageFull, sqlite3.Error) as error:
                logger.warning("notifying has to wait: channel=%s error=%r", self._ident, error)
                await asyncio.sleep(AGAIN_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self.news.wait()
                    await asyncio.sleep(GATHER_S)

    async def _serve(self, channel: Channel) -> float | None:
        """Tell what has happened since; return how long to wait with the rest, None for news."""
        after, head = max(self._looked, channel.cursor), self._desk.head()
        room = Room("user", channel.user_id)
        page = await read_room(self._desk.database.reader, room, after, head, PAGE, TYPES)
        upto = page[-1].seq if len(page) == PAGE else head
        found = gather(orjson.loads(one.body) for one in page)
        message = message_of(self._fresh(found), channel.kinds, await self._names(found))
        if message is None:
            self._looked = upto
            return 0.0 if upto < head else None
        told = await self._desk.messenger.tell(channel.user_id, channel.address, message)
        if told.why and self._attempts < len(WAITS_S):
            await self._note(channel, channel.cursor, told)
            wait_s = WAITS_S[self._attempts]
            self._attempts += 1
            self._not_before_s = time.monotonic() + wait_s
            return wait_s
        if told.why:
            logger.warning("notification given up: channel=%s why=%s", channel.id, told.why)
        self._attempts = 0
        at_ms = self._desk.clock_ms()
        self._asked = {key: ms for key, ms in self._asked.items() if at_ms - ms < ASKED_AGAIN_MS}
        self._asked.update({ident: at_ms for ident, one in found.items() if one.questions})
        await self._note(channel, upto, told)
        self._looked = upto
        return 0.0 if upto < head else None

    def _fresh(self, found: Mapping[str, Gathered]) -> dict[str, Gathered]:
        """Return `found` without questions of uploads of which one was told a short while ago."""
        at_ms = self._desk.clock_ms()
        return {
            ident: one
            for ident, one in found.items()
            if one.counts is not None
            or at_ms - self._asked.get(ident, -ASKED_AGAIN_MS) >= ASKED_AGAIN_MS
        }

    async def _names(self, idents: Mapping[str, Gathered]) -> dict[str, str]:
        """Return the names of batches and jobs."""
        reader = self._desk.database.reader
        names = {}
        for ident in idents:
            batch = await get_batch(reader, ident)
            job = await get_job(reader, ident) if batch is None else None
            names[ident] = batch.name if batch else job.filename if job else ""
        return names

    async def _note(self, channel: Channel, upto: int, told: Told) -> None:
        await self._desk.database.writer.run(
            partial(
                note_told,
                channel_id=channel.id,
                cursor=upto,
                at_ms=self._desk.clock_ms(),
                error=told.why,
            )
        )


class Notifier:
    """Tells channels what was committed. Used as an async context manager.

    head  returns the place of the newest event that was told

    Each channel has a cursor in the log, which moves once a notification has arrived, or is given
    up: a server that is killed in between tells it once more.
    """

    def __init__(
        self,
        database: Database,
        *,
        head: Callable[[], int],
        messenger: Messenger,
    ) -> None:
        self._desk = Desk(database, head, messenger)
        self._heralds: Crew[Herald] = Crew("channel")

    async def __aenter__(self) -> "Notifier":
        for channel in await working_channels(self._desk.database.reader):
            self._serve(channel)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._heralds.dismiss()

    def told(self, events: Sequence[Recorded]) -> None:
        """Events were committed: wake whom they concern. Cheap, for it runs at each commit."""
        if not len(self._heralds):
            return
        owners = {event.user_id for event in events if event.type in TYPES}
        if owners:
            for herald in self._heralds:
                if herald.user_id in owners:
                    herald.news.set()

    async def changed(self, channel_id: str) -> None:
        """A channel was made, changed or removed."""
        if self._heralds.wake(channel_id):
            return
        channel = await get_channel(self._desk.database.reader, channel_id)
        if channel is not None and channel.state == "on":
            self._serve(channel)

    def look_again(self) -> None:
        """Somebody was removed, and their channels with them."""
        self._heralds.wake_all()

    async def look(self, user_id: str, address: str) -> Told:
        """Return what an address leads to; nobody is called."""
        return await self._desk.messenger.look(user_id, address)

    async def test(self, channel: Channel) -> Told:
        """Tell a channel that this is a test, and return how that went. Raises StorageFull."""
        told = await self._desk.messenger.tell(channel.user_id, channel.address, TEST)
        with suppress(sqlite3.Error):
            await self._desk.database.writer.run(
                partial(
                    note_told,
                    channel_id=channel.id,
                    cursor=0,
                    at_ms=self._desk.clock_ms(),
                    error=told.why,
                )
            )
        return told

    def _serve(self, channel: Channel) -> None:
        self._heralds.engage(channel.id, lambda: Herald(self._desk, channel))
