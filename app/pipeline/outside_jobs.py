"""Jobs whose work is done elsewhere: creating them, and taking what is reported of them.

`Reporting` called as a function is the one call that tells progress from within the process:
`await reporting(job_id, "extracting", 45, context={"rows_done": 150, "rows_total": 500})`.
"""

import asyncio
import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

import orjson

from app.core.errors import Conflict, JobEnded, NotFound, ShuttingDown
from app.core.events import BatchCreated, Event, JobCreated
from app.core.filling import AskedOutside, Filled, Filler, began_ms
from app.core.ids import uuid7
from app.core.messages import Phrase, friendly_message
from app.core.own_plans import plan_kept, plan_told
from app.core.plans import Plan
from app.core.queueing import PRIORITIES, PriorityName
from app.core.reports import Progressed, Report
from app.core.state import JobState, OutOfPlace, is_finished, is_reported
from app.slices import Slices
from app.store.batches import BatchRow, begin_batch, insert_batch
from app.store.clarifications import Asked, AskedBy, close_questions, insert_clarifications
from app.store.database import Database
from app.store.events import Recorded, read_job
from app.store.jobs import read_state
from app.tasks import finished

JOBS_REMEMBERED = 1024
FILLED_AT_ONCE = 100  # reports

Then = Callable[[sqlite3.Connection, Sequence[Recorded]], None]


class Log(Protocol):
    """The log as reports need it."""

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Callable[[sqlite3.Connection], None] | None = None,
        then: Then | None = None,
    ) -> list[Recorded]:
        """Write the drafts in one transaction with what `also` and `then` write."""

    async def state(self, job_id: str) -> JobState | None:
        """Return the job's committed state; None when there is no such job."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job without a file. `batch`: None for one of its own, which gets `batch_name`."""

    user_id: str
    filename: str
    plan: Plan
    size: int = 0
    media_type: str = "application/octet-stream"
    details: Mapping[str, Any] | None = None
    priority: PriorityName = "normal"
    batch: BatchRow | None = None
    batch_name: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """The details that the job begins with."""
        return {"filename": self.filename, "size": self.size, **(self.details or {})}


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a request's reports. `status` is the job's after them."""

    accepted: int
    last_seq: int
    last_n: int
    status: str
    clarification_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports; `then` writes more, within the transaction of the events."""

    name: str
    then: Callable[[sqlite3.Connection, Taken], None] | None = None


@dataclass(slots=True)
class _Known:
    """What a job's state does not tell: the steps of its plan, and when its attempt began.

    began  (attempt, ms) of the latest one that was reported here
    """

    plan: Plan
    began: tuple[int, int | None] = (0, None)


class Reporting:
    """Takes reports. Those of one request are one transaction: all of them are told, or none.

    settle   tells the end of a batch, if it has come
    asked    tells that a question was written, whose time may be over before all others'
    phrase   makes the sentence of a step

    `slices` is where many reports wait for their turns on the loop.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        *,
        settle: Callable[[str], Awaitable[None]],
        asked: Callable[[], None],
        answer_within_h: float,
        phrase: Phrase = friendly_message,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._database, self._log = database, log
        self._settle, self._asked = settle, asked
        self._answer_within_ms = round(answer_within_h * 3_600_000)
        self._phrase, self._clock_ms = phrase, clock_ms
        self.slices = Slices()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(
        self,
        new: NewJob,
        then: Callable[[sqlite3.Connection, str, str], None] | None = None,
    ) -> tuple[str, str]:
        """Create a job; return its id and its batch's. `then` is given both, to write more.

        Raises StorageFull.
        """
        now_ms = self._clock_ms()
        job_id = self._new_id()
        name = new.batch_name or new.filename
        batch = new.batch or BatchRow(self._new_id(), new.user_id, name, {}, now_ms)
        is_first = new.batch is None or not batch.begun
        created = JobCreated(
            job_id=job_id,
            batch_id=batch.id,
            document_id=self._new_id(),
            filename=new.filename,
            size=new.size,
            media_type=new.media_type,
            plan=new.plan.describe(),
            priority=PRIORITIES[new.priority],
            reported=True,
            progress=0.0,
            message=friendly_message("expected"),
            details=new.facts,
        )
        drafts: list[Event] = [created]
        if is_first:
            words = friendly_message("expected")
            begun = BatchCreated(batch_id=batch.id, name=batch.name or name, jobs=1, message=words)
            drafts.insert(0, begun)

        def also(connection: sqlite3.Connection) -> None:
            if new.batch is None:
                insert_batch(connection, batch)
            elif is_first:
                begin_batch(connection, batch.id, name)
            if then is not None:
                then(connection, job_id, batch.id)

        await self._log.append(*drafts, user_id=new.user_id, also=also)
        return job_id, batch.id

    async def __call__(
        self,
        job_id: str,
        step: str,
        progress: float | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        stage: str | None = None,
        message: str | None = None,
    ) -> Taken:
        """Say that the job is at `step`, and `progress` percent done; None where it was.

        context  facts for the friendly sentence; they go into the event's details too
        extra    further details of the event
        stage    of the job's plan; by default the one to which step and progress belong
        message  in place of the friendly sentence

        Returns after the commit. Raises as `take` does.
        """
        report = Progressed(
            type="processing_progress",
            step=step,
            progress=progress,
            stage=stage,
            message=message,
            context=dict(context or {}),
            details=dict(extra or {}),
        )
        return await self.take(job_id, [report], Reporter("Livetrail"))

    async def take(self, job_id: str, reports: Sequence[Report], reporter: Reporter) -> Taken:
        """Write what is reported of the job, in its order, and return after the commit.

        reports  at least one

        Raises NotFound, Conflict for a job that Livetrail works on itself, JobEnded, InvalidReport
        for one that does not fit its job, StorageFull; then nothing of it was stored.
        Cancelling takes nothing back: it takes effect once the end of a batch is told, too.
        """
        return await finished(self._take(job_id, reports, reporter))

    async def _take(self, job_id: str, reports: Sequence[Report], reporter: Reporter) -> Taken:
        turn = self._turns.setdefault(job_id, asyncio.Lock())
        async with turn:
            state = await self._state(job_id)
            known = await self._known_of(state)
            filler = Filler(
                state,
                known.plan,
                began_ms=began_ms(state, known.began),
                now_ms=self._clock_ms(),
                answer_within_ms=self._answer_within_ms,
                by=reporter.name,
                new_id=self._new_id,
                phrase=self._phrase,
            )
            for start in range(0, len(reports), FILLED_AT_ONCE):
                async with self.slices.one():
                    filler.take(reports[start : start + FILLED_AT_ONCE])
            filled = filler.end()
            taken = await self._write(state, filled, len(reports), reporter)
            known.began = state["attempt"], filled.began_ms
        if filled.asked:
            self._asked()
        if filled.ended and state["batch_id"] is not None:
            with suppress(ShuttingDown):  # the next start tells it
                await self._settle(state["batch_id"])
        return taken

    async def _state(self, job_id: str) -> JobState:
        state = await self._log.state(job_id)
        if state is None:
            raise NotFound(what="job")
        if not is_reported(state):
            raise Conflict(
                what=f"Livetrail works on {state['filename']} itself, so nobody else reports it",
                todo="Create a job without a file for what is done elsewhere.",
            )
        if is_finished(state):
            raise _ended(state)
        return state

    async def _write(
        self, state: JobState, filled: Filled, accepted: int, reporter: Reporter
    ) -> Taken:
        job_id = state["job_id"]
        taken: list[Taken] = []

        def also(connection: sqlite3.Connection) -> None:
            for asked in filled.asked:
                _insert_question(connection, asked, state, self._clock_ms())
            if filled.ended:
                close_questions(connection, job_id)

        def then(connection: sqlite3.Connection, placed: Sequence[Recorded]) -> None:
            last = placed[-1]
            ids = tuple(asked.id for asked in filled.asked)
            status = orjson.loads(last.body)["status"]
            taken.append(Taken(accepted, last.seq, last.n or 0, status, ids))
            if reporter.then is not None:
                reporter.then(connection, taken[-1])

        try:
            await self._log.append(*filled.drafts, also=also, then=then)
        except OutOfPlace as error:  # somebody ended it just now
            raise _ended(await self._log.state(job_id) or state) from error
        except ValueError as error:
            if await self._log.state(job_id) is None:  # somebody deleted it just now
                raise NotFound(what="job") from error
            raise
        return taken[-1]

    async def _known_of(self, state: JobState) -> _Known:
        """Return what its first event told of the job; less of it once that is gone."""
        job_id = state["job_id"]
        known = self._known.get(job_id)
        if known is None:
            first = next(iter(await read_job(self._database.reader, job_id, 0, 1)), None)
            if first is not None and first.n == 1:
                known = _Known(plan_told(orjson.loads(first.body)["plan"]))
            else:
                known = _Known(plan_kept(state))
        self._known[job_id] = known
        self._known.move_to_end(job_id)
        if len(self._known) > JOBS_REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _new_id(self) -> str:
        return uuid7(self._clock_ms(), os.urandom(10))


def _ended(state: JobState) -> JobEnded:
    return JobEnded(filename=state["filename"], job_status=state["status"])


def _insert_question(
    connection: sqlite3.Connection,
    asked: AskedOutside,
    state: JobState,
    now_ms: int,
) -> None:
    known = read_state(connection, state["job_id"])
    if known is None:  # it was deleted just now
        raise NotFound(what="job")
    user_id = known[0]
    by = AskedBy(state["job_id"], state["batch_id"], user_id, state["attempt"], asked.step, None)
    one = Asked(asked.id, asked.question)
    insert_clarifications(connection, [one], by, asked_ms=now_ms, expires_ms=asked.expires_ms)
