"""All connections, from when they come until they are over, and what of the log they read."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from app.core.errors import AppError
from app.core.permissions import Viewer
from app.core.protocol import Hangup
from app.core.rooms import Room
from app.core.state import JobState
from app.live.fanout import Fanout
from app.live.farewell import end_all, restarting
from app.live.figures import Counts
from app.live.formats import Format
from app.live.keeper import Keeper
from app.live.limits import Seats
from app.live.pages import Interest, Keep, Page, Pages, ReadRoom
from app.live.polls import Polls
from app.live.session import Session
from app.live.turns import Turns
from app.settings import Settings
from app.store.retention import PrunedJob, Slice
from app.tasks import report_death

logger = logging.getLogger(__name__)

Remove = Callable[[int], Awaitable[Slice]]
"""head -> what was taken out of the log, in a transaction that is over when it returns."""
ReadFloor = Callable[[Room], Awaitable[int]]
"""room -> the place of its newest pruned event; 0 when nothing of it was pruned."""
ReadPruned = Callable[[Room, int], Awaitable[Sequence[PrunedJob]]]
"""(room, after) -> some of its jobs that were pruned up to past `after`, in that order."""
ReadSnapshot = Callable[[Room, str | None], Awaitable[Sequence[JobState]]]
"""(room, job) -> committed states of some of its jobs older than that one, newest first."""

REPLAYS_A_TURN = 8  # pages written to sessions that catch up; each is up to a few writes
READS_A_TURN = 20  # of what clients say; each brings about a write or two


class Witness(Protocol):
    """Keeps who came, who left and who was turned away. Called in the loop, and never waits."""

    def came(self, session: Session) -> None: ...

    def left(self, session: Session) -> None:
        """`session.goodbye` says why, when it was us who ended it."""

    def turned_away(self, viewer: Viewer, address: str, goodbye: Hangup) -> None: ...

    def denied(self, session: Session, error: AppError, about: str) -> None: ...


class Hub(Fanout):
    """All listeners: those that are live, those that catch up, and those that come and go.

    log_id     id of the log that is told
    read_room  reads events that are committed; only ever asked up to the head
    head       place of the newest event at the start
    snapshot   reads the committed states of a room's jobs, a page at a time
    floor      reads up to where events of a room were pruned
    pruned     reads the committed states of jobs that were pruned, a page at a time
    pruned_upto  nothing past it was pruned, of any room
    witness    is told of every connection; None: nobody is
    """

    def __init__(
        self,
        *,
        log_id: str,
        read_room: ReadRoom,
        head: int,
        settings: Settings,
        snapshot: ReadSnapshot,
        floor: ReadFloor,
        pruned: ReadPruned,
        pruned_upto: int,
        witness: Witness | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seats = Seats(settings)
        self.polls = Polls(self._seats)
        super().__init__(head=head, hear=self.polls.hear, clock=clock)
        self.log_id = log_id
        self.pruned_upto = pruned_upto
        self.transports: Counter[str] = Counter()  # connections by their kind
        self.since_s = clock()
        self.sessions: set[Session] = set()
        self.closing = False
        # Take the seats of those who have left without a sign.
        self.clearing_out: list[Callable[[], None]] = [self.polls.clear_out]
        self.reading = Turns(READS_A_TURN)
        self.replaying = asyncio.Semaphore(REPLAYS_A_TURN)
        self._witness = witness
        self.keeper = Keeper(
            self.sessions, settings, pay=self._pay, head=lambda: self.head, clock=clock
        )
        self._snapshot = snapshot
        self._floor = floor
        self._pruned = pruned
        self._pages = Pages(read_room)
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._keeping: asyncio.Task[None] | None = None
        self._connections = 0  # that there ever were
        self._endings: set[asyncio.Task[None]] = set()

    # What of the log sessions read

    async def page(
        self, interest: Interest, after: int, upto: int, *, form: Format, keep: Keep | None
    ) -> Page:
        return await self._pages.page(interest, after, upto, form=form, keep=keep)

    async def snapshot(self, room: Room, before: str | None) -> Sequence[JobState]:
        return await self._snapshot(room, before)

    async def floor(self, room: Room) -> int:
        async with self._pages.turn:
            return await self._floor(room)

    async def pruned(self, room: Room, after: int) -> Sequence[PrunedJob]:
        async with self._pages.turn:
            jobs = await self._pruned(room, after)
            await self.told(max((job.state["last_seq"] for job in jobs), default=0))
            return jobs

    async def prune(self, remove: Remove) -> Slice:
        """Let `remove` take events out of the log, none past the head, and tell who misses them.

        Nothing that tells of the log is read between its commit and the moment when every session
        that has not reached the place knows. Who is live was told everything up to the head.
        """
        async with self._pages.turn:
            gone = await remove(self.head)
            self._pages.forget()
            self._pay()
            places: dict[tuple[str, str | None], list[int]] = {}
            for job_id, batch_id, user_id, seq in sorted(gone.pruned, key=lambda one: one.seq):
                self.pruned_upto = max(self.pruned_upto, seq)
                for room in (("all", ""), ("user", user_id), ("batch", batch_id), ("job", job_id)):
                    places.setdefault(room, []).append(seq)
            for session in self.sessions:
                session.lose(places)
        return gone

    # Connections

    def refusal(self, viewer: Viewer, address: str) -> Hangup | None:
        """Return why a further connection of `viewer` can not be taken; None when it can."""
        obstacle = self._seats.obstacle(viewer)
        if obstacle is not None:
            for clear_out in self.clearing_out:
                clear_out()
            obstacle = self._seats.obstacle(viewer)
        if self.closing:
            cause, goodbye = "restarting", restarting(len(self.sessions))
        elif obstacle is not None:
            cause, goodbye = obstacle
        else:
            return None
        self.counters.refused[cause] += 1
        if self._witness is not None:
            self._witness.turned_away(viewer, address, goodbye)
        return goodbye

    def add(self, session: Session) -> None:
        """Take `session` in. From now on it is looked after."""
        self.sessions.add(session)
        self._nobody.clear()
        self._seats.take(session.viewer)
        self.transports[session.kind] += 1
        self._connections += 1
        session.number = self._connections
        if self._witness is not None:
            self._witness.came(session)
        if self._keeping is None:
            self._keeping = asyncio.create_task(self.keeper.watch(), name="hub keeper")
            self._keeping.add_done_callback(report_death)

    def forget(self, session: Session) -> None:
        """Let go of `session`, whose connection is over; its catch-up ends here."""
        if session in self.sessions:
            self.sessions.remove(session)
            self._seats.free(session.viewer)
            self.transports[session.kind] -= 1
            goodbye = session.goodbye
            self.counters.closed[session.left_with if goodbye is None else goodbye.code] += 1
            if self._witness is not None:
                self._witness.left(session)
        if not self.sessions:
            self._nobody.set()
        ending = session.stop()
        if ending is not None:
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    def denied(self, session: Session, error: AppError, about: str) -> None:
        """A wish of `session` about a room or a job was not granted."""
        if self._witness is not None:
            self._witness.denied(session, error, about)

    def viewers(self) -> Iterator[Viewer]:
        """Yield who listens, once for each connection and each request that waits."""
        for session in self.sessions:
            yield session.viewer
        yield from self.polls.viewers()

    def end_where(self, why: Callable[[Viewer], Hangup | None]) -> None:
        """End every connection for whose viewer `why` returns a reason."""
        self.polls.end_where(lambda viewer: why(viewer) is not None)
        for session in list(self.sessions):
            goodbye = why(session.viewer)
            if goodbye is not None:
                session.end(goodbye)

    def counts(self) -> Counts:
        behind = sum(session.catching_up for session in self.sessions)
        return Counts(len(self.sessions), len(self._followers), behind)

    async def close(self) -> None:
        """End all connections with 1012; all have the same few seconds to say goodbye."""
        self.closing = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
            self._keeping = None
        self.polls.close()
        await end_all(self.sessions, self._nobody)
        if self._endings:
            await asyncio.wait(self._endings)
