"""Who works on which job, and which jobs are kept out of the queue while something is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.core.errors import Conflict, NotFound
from app.core.state import is_finished
from app.pipeline.job import JobRun
from app.store.database import Database
from app.store.jobs import JobRow, get_job


@dataclass(slots=True)
class Hand:
    """A job that is being worked on.

    turn   held while something is asked of it, and while what was asked for is looked at last
    over   that was done: whoever asks now has to wait until nobody works on it
    ended  nobody works on it any more
    """

    run: JobRun
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Hands:
    """The jobs in hand, by their ids, and those that are held.

    wake  set when a job may be taken from the queue again
    """

    def __init__(self, database: Database, wake: asyncio.Event) -> None:
        self.working: dict[str, Hand] = {}
        self.held: dict[str, asyncio.Event] = {}  # being steered while nobody works on them
        self._database = database
        self._wake = wake

    @asynccontextmanager
    async def at(self, job_id: str) -> AsyncIterator[tuple[JobRow, Hand | None]]:
        """Yield the job and who has it in hand; where nobody does, keep it out of the queue.

        What is asked of a job in hand inside the body is seen by its hand. Raises NotFound.
        """
        while True:
            while (held := self.held.get(job_id)) is not None:
                await held.wait()
            hand = self.working.get(job_id)
            if hand is None:
                break
            async with hand.turn:
                # One whose end could not be written has ended and is not over: nobody would see.
                if not hand.over and not hand.ended.is_set():
                    yield await self.row(job_id), hand
                    return
            await hand.ended.wait()
        self.held[job_id] = asyncio.Event()
        try:
            yield await self.row(job_id), None
        finally:
            self.held.pop(job_id).set()
            self._wake.set()

    @asynccontextmanager
    async def holding(self, job_id: str) -> AsyncIterator[JobRow]:
        """Keep the job out of the queue. Raises Conflict when it is being worked on, NotFound.

        Its end may have been told while its last process still goes: that is waited for.
        """
        while True:
            async with self.at(job_id) as (row, hand):
                if hand is None:
                    yield row
                    return
                if not is_finished(row.state):
                    raise Conflict(
                        what="This file is being worked on right now",
                        todo="Wait a moment and try again.",
                    )
            await hand.ended.wait()

    async def row(self, job_id: str) -> JobRow:
        """Return the job. Raises NotFound."""
        row = await get_job(self._database.reader, job_id)
        if row is None:
            raise NotFound(what="file")
        return row
