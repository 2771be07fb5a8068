"""Commit, then tell: every event gets its place, is written, and only then handed on."""

import asyncio
import logging
import sqlite3
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Protocol

import orjson

from app.core.events import Event, JobDeleted
from app.core.histogram import SIZES, Histogram
from app.core.state import JobState, check_place, place
from app.store.batches import owner_of_batch
from app.store.database import Database
from app.store.events import Recorded, insert_events, last_seq
from app.store.jobs import delete_job, insert_jobs, read_state, update_jobs

logger = logging.getLogger(__name__)

Also = Callable[[sqlite3.Connection], None]
Then = Callable[[sqlite3.Connection, Sequence[Recorded]], None]
OnCommit = Callable[[Sequence[Recorded]], None]

COMMIT_AT_MOST = 500  # events in one transaction: more would hold the interpreter for milliseconds
TOLD_AT_ONCE = 1000  # events in one turn of the loop: a millisecond
BACKLOG_AT_MOST = 2000  # events that wait for theirs; appenders beyond it wait too
JOBS_REMEMBERED = 4096
# While a crowd listens, commits that follow each other closely are given time to grow.
HOT_S = 0.005  # since the last one was told
GATHER_S = 0.001
GATHERED = 100  # appends that need not wait for more


class Audience(Protocol):
    """Who is told what was committed."""

    @property
    def takes_long(self) -> bool: ...

    def when_told(self, then: Callable[[], None]) -> None:
        """Call `then` once everything that was handed on is told."""


@dataclass(slots=True)
class _Append:
    """What one caller asked for; it is written as a whole or not at all."""

    drafts: tuple[Event, ...]
    user_id: str | None
    also: Also | None
    then: Then | None
    done: asyncio.Future[list[Recorded]]
    asked_s: float


@dataclass(slots=True)
class _Written:
    """What one transaction changed, applied to memory only after its commit."""

    seq: int
    events: list[Recorded] = field(default_factory=list)
    per_append: list[list[Recorded]] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)  # of jobs and batches
    states: dict[str, JobState] = field(default_factory=dict)
    new_jobs: dict[str, JobState] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)


class Journal:
    """The way into the log. Used as an async context manager, which waits for the last commit.

    `head` is the place of the newest event that was committed and handed to `on_commit`;
    `asked_s` is when the first append of that commit was asked for, on time.monotonic().
    `sizes` counts the events of each commit.
    """

    def __init__(
        self,
        database: Database,
        on_commit: OnCommit,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.log_id = database.log_id
        self.head = 0
        self.asked_s = 0.0
        self.sizes = Histogram(SIZES)
        self._writer = database.writer
        self._on_commit = on_commit
        self._told_s = float("-inf")  # when a crowd was last told, on the loop's clock
        self.audience: Audience | None = None  # behind `on_commit`; None: nothing waits for it
        self._clock_ms = clock_ms
        self._last_seq = 0  # of the newest committed event
        self._pending: deque[_Append] = deque()
        self._pending_events = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._jobs: OrderedDict[str, tuple[str, JobState]] = OrderedDict()
        self._batches: OrderedDict[str, str] = OrderedDict()
        self._writing = False  # a transaction is on its way
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    async def __aenter__(self) -> "Journal":
        self.head = self._last_seq = await self._writer.run(last_seq)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit and tell what was asked for, then stop."""
        self._closing = True
        await self._idle.wait()

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Also | None = None,
        then: Then | None = None,
    ) -> list[Recorded]:
        """Write `drafts` in one transaction, and return them with their places after the commit.

        user_id  the owner; needed with batch_created and job_created, known otherwise
        also     further writes of the same transaction; runs before the events are placed
        then     the same, once they are placed: it is given them

        A job that is told to be deleted is gone with its events in the same transaction.

        Waits while too many events are uncommitted. Raises ValueError for an event of an unknown
        job or batch, OutOfPlace for one that steers a job that has ended, StorageFull when the disk
        is full, RuntimeError after the journal was closed; then nothing was written and nobody was
        told. Cancelling the wait takes nothing back.
        """
        asked_s = time.monotonic()
        if self._waiting or self._pending_events >= BACKLOG_AT_MOST:
            await self._turn()
        if self._closing:
            raise RuntimeError("the journal is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Recorded]] = loop.create_future()
        self._pending.append(_Append(drafts, user_id, also, then, done, asked_s))
        self._pending_events += len(drafts)
        if not self._writing:
            self._writing = True
            self._idle.clear()
            self._begin(loop)
        return await done

    async def _turn(self) -> None:
        """Wait, first come first served, until the backlog has room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    async def state(self, job_id: str) -> JobState | None:
        """Return the job's committed state; None when there is no such job."""
        known = self._jobs.get(job_id)
        if known is None:
            known = await self._writer.run(partial(_read_state, job_id))
        return known[1] if known else None

    def known_job(self, job_id: str) -> tuple[str, str | None] | None:
        """Return a job's owner and batch, where they are remembered; None where they are not."""
        known = self._jobs.get(job_id)
        return (known[0], known[1]["batch_id"]) if known else None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start soon: with what else comes in this turn of the loop, or while a crowd is told so
        much that each event on its own would cost it too much, in the next millisecond."""
        if self._has_crowd() and loop.time() - self._told_s < HOT_S:
            loop.call_later(GATHER_S, self._start)
        else:
            loop.call_soon(self._start_from_rest)

    def _start_from_rest(self) -> None:
        """Begin with half of what waits: from then on callers that append again as soon as they
        were told do so while the other half is on its way to the disk."""
        waiting = len(self._pending)
        self._start(waiting if self._has_crowd() else (waiting + 1) // 2)

    def _has_crowd(self) -> bool:
        return self.audience is not None and self.audience.takes_long

    def _start(self, at_most: int = COMMIT_AT_MOST) -> None:
        """Take up to `at_most` of what waits, and a transaction's worth; hand it to the writer."""
        appends: list[_Append] = []
        size = 0
        while self._pending and size < COMMIT_AT_MOST and len(appends) < at_most:
            append = self._pending.popleft()
            size += len(append.drafts)
            appends.append(append)
        self._pending_events -= size
        # As many as found room go on; they come in the order in which they began to wait.
        room = BACKLOG_AT_MOST - self._pending_events
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():  # else its caller was cancelled
                turn.set_result(None)
                room -= 1
        self._hand_over(appends)

    def _hand_over(self, appends: list[_Append]) -> None:
        writing = self._writer.submit(partial(self._write, appends))
        writing.add_done_callback(partial(self._committed, appends))

    def _committed(self, appends: list[_Append], writing: asyncio.Future[_Written]) -> None:
        """Tell what was committed, while the next transaction runs.

        Where that takes longer than a transaction, the next one waits for it: so it grows, and each
        listener gets more events with one write. It also waits where it takes several turns of the
        loop, because one caller wrote thousands.
        """
        error = writing.exception()
        if error is not None:
            self._separate(appends, error)
            return
        written = writing.result()
        self._remember(written)
        self.sizes.add(len(written.events))
        if self._has_crowd() or len(written.events) > TOLD_AT_ONCE:
            self._tell_by_turns(appends, written, 0)
            return
        self._go_on()
        try:
            self._tell(written.events, appends[0].asked_s)
        finally:
            _settle(appends, written)

    def _tell_by_turns(self, appends: list[_Append], written: _Written, start: int) -> None:
        """Tell the events from `start` on, and the rest once all listeners have these."""
        upto = start + TOLD_AT_ONCE
        crowd = self.audience if self._has_crowd() else None
        try:
            self._tell(written.events[start:upto], appends[0].asked_s)
        finally:
            goes_on: Callable[[], None]
            if upto < len(written.events):
                goes_on = partial(self._tell_by_turns, appends, written, upto)
            else:
                goes_on = self._go_on if crowd is None else self._go_on_with_crowd
                _settle(appends, written)
            if crowd is not None:
                crowd.when_told(goes_on)
            else:
                asyncio.get_running_loop().call_soon(goes_on)

    def _go_on(self) -> None:
        if self._pending or self._waiting:
            self._start()
        else:
            self._writing = False
            self._idle.set()

    def _go_on_with_crowd(self) -> None:
        loop = asyncio.get_running_loop()
        self._told_s = loop.time()
        if 0 < len(self._pending) < GATHERED:
            loop.call_later(GATHER_S, self._start)
        else:
            self._go_on()

    def _separate(self, appends: list[_Append], error: BaseException) -> None:
        """One append spoiled the transaction: find it by halves, and let the others through."""
        if len(appends) == 1:
            _fail(appends[0], error)
            self._go_on()
            return
        middle = len(appends) // 2
        for append in reversed(appends[middle:]):
            self._pending.appendleft(append)
            self._pending_events += len(append.drafts)
        self._hand_over(appends[:middle])

    def _write(self, appends: list[_Append], connection: sqlite3.Connection) -> _Written:
        """In the writer's thread: place, fold and write, within its transaction."""
        written = _Written(self._last_seq)
        now_ms = self._clock_ms()
        events, place_one = written.events, self._place
        for append in appends:
            if append.also is not None:
                append.also(connection)
            start = len(events)
            for draft in append.drafts:
                events.append(place_one(draft, append.user_id, now_ms, connection, written))
            placed = events[start:]
            written.per_append.append(placed)
            if append.then is not None:
                append.then(connection, placed)
        insert_jobs(
            connection, [(written.owners[key], state) for key, state in written.new_jobs.items()]
        )
        update_jobs(
            connection,
            [state for key, state in written.states.items() if key not in written.new_jobs],
        )
        insert_events(connection, written.events)
        for job_id in written.deleted:
            delete_job(connection, job_id)
        return written

    def _place(
        self,
        draft: Event,
        user_id: str | None,
        now_ms: int,
        connection: sqlite3.Connection,
        written: _Written,
    ) -> Recorded:
        job_id = draft.job_id
        before = written.states.get(job_id) if job_id is not None else None
        if before is not None and job_id is not None and job_id not in written.deleted:
            owner = written.owners[job_id]
        else:
            owner, before = self._known(draft, user_id, connection, written)
        check_place(draft, before)
        if isinstance(draft, JobDeleted):
            written.deleted.append(draft.deleted)
        written.seq += 1
        body, after = place(draft, before, seq=written.seq, now_ms=now_ms)
        if after is not None and job_id is not None:
            written.owners[job_id] = owner
            written.states[job_id] = after
            if before is None or job_id in written.new_jobs:
                written.new_jobs[job_id] = after
        return Recorded(
            written.seq,
            owner,
            body["batch_id"],
            job_id,
            body["n"],
            draft.type,
            orjson.dumps(body),
        )

    def _known(
        self,
        draft: Event,
        user_id: str | None,
        connection: sqlite3.Connection,
        written: _Written,
    ) -> tuple[str, JobState | None]:
        """Return the owner of the event, and its job's state so far."""
        if draft.job_id in written.deleted:
            raise ValueError(f"{draft.type} for {draft.job_id}, which was deleted just now")
        if draft.job_id is not None:
            known = self._jobs.get(draft.job_id) or read_state(connection, draft.job_id)
            if known is not None:
                return known
        elif draft.batch_id is not None:
            owner = self._batches.get(draft.batch_id) or owner_of_batch(connection, draft.batch_id)
            if owner is not None:
                written.owners[draft.batch_id] = owner
                return owner, None
        if user_id is None:
            raise ValueError(f"{draft.type} belongs to no job or batch that is known")
        return user_id, None

    def _remember(self, written: _Written) -> None:
        self._last_seq = written.seq
        for key, owner in written.owners.items():
            state = written.states.get(key)
            if state is None:
                self._batches[key] = owner
            else:
                self._jobs[key] = (owner, state)
                self._jobs.move_to_end(key)
        for job_id in written.deleted:
            self._jobs.pop(job_id, None)
        while len(self._jobs) > JOBS_REMEMBERED:
            self._jobs.popitem(last=False)
        while len(self._batches) > JOBS_REMEMBERED:
            self._batches.popitem(last=False)

    def _tell(self, events: list[Recorded], asked_s: float) -> None:
        if events:
            self.head = events[-1].seq
            self.asked_s = asked_s
        self._on_commit(events)


def _read_state(job_id: str, connection: sqlite3.Connection) -> tuple[str, JobState] | None:
    return read_state(connection, job_id)


def _settle(appends: list[_Append], written: _Written) -> None:
    for append, events in zip(appends, written.per_append, strict=True):
        if not append.done.done():
            append.done.set_result(events)


def _fail(append: _Append, error: BaseException) -> None:
    if append.done.done():
        logger.error("an append failed after its caller had left: error=%r", error)
    else:
        append.done.set_exception(error)
