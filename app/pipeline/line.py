"""Telling those who wait how many files go before theirs, and when theirs will begin."""

import asyncio
from collections.abc import Callable
from functools import partial

from app.core.errors import StorageFull
from app.core.events import QueueMoved
from app.core.messages import friendly_message
from app.core.queueing import Place, nearness, places
from app.core.rates import KNOWN_AFTER
from app.pipeline.log import Journal
from app.pipeline.rates import Rates
from app.store.database import Database
from app.store.waiting import line

TOLD_EVERY_S = 5.0
TOLD_AT_ONCE = 500  # events of one round; whoever is left out is told in the next

Busy = Callable[[], tuple[int, float]]
"""How many jobs can begin at once, and how long those that run still take together, ms."""


class Line:
    """Knows the places of all jobs that wait.

    workers  how many jobs are worked on at once
    busy     what is being worked on now

    A job is told its place when that has become another order of magnitude: a thousand files are
    told a few times each, and not at each other's every move.
    """

    def __init__(
        self, database: Database, journal: Journal, rates: Rates, workers: int, busy: Busy
    ) -> None:
        self._database = database
        self._journal = journal
        self._rates = rates
        self._workers = workers
        self._busy = busy
        self._moved = asyncio.Event()
        self._told: dict[str, int] = {}  # how near each job was when it was told

    def moved(self) -> None:
        """Say that the places may be others now."""
        self._moved.set()

    async def place_of(self, job_id: str) -> Place | None:
        """Return the place of a job that waits for its turn; None for any other."""
        return (await self._places()).get(job_id)

    async def keep(self) -> None:
        """Tell the places again and again, but not all the time, until this is cancelled."""
        while True:
            await self._moved.wait()
            await asyncio.sleep(TOLD_EVERY_S)
            self._moved.clear()
            await self.tell()

    async def tell(self) -> None:
        """Tell its place to each job whose place is notably another than when it was told last."""
        found = await self._places()
        near = {job_id: nearness(place.ahead) for job_id, place in found.items()}
        news = [job_id for job_id in near if self._told.get(job_id) != near[job_id]]
        self._told = {job_id: self._told[job_id] for job_id in near if job_id in self._told}
        for job_id in news[:TOLD_AT_ONCE]:
            self._told[job_id] = near[job_id]
        if len(news) > TOLD_AT_ONCE:
            self._moved.set()
        told = [self._tell(job_id, found[job_id]) for job_id in news[:TOLD_AT_ONCE]]
        await asyncio.gather(*told)

    async def _tell(self, job_id: str, place: Place) -> None:
        facts = {"ahead": place.ahead, "starts_in": place.starts_in}
        known = {key: value for key, value in facts.items() if value is not None}
        draft = QueueMoved(
            job_id=job_id,
            ahead=place.ahead,
            starts_in=place.starts_in,
            message=friendly_message("queued", known),
        )
        try:
            await self._journal.append(draft)
        except (ValueError, StorageFull):  # its turn has come, or it is gone; or the disk is full
            return

    async def _places(self) -> dict[str, Place]:
        waiting = await line(self._database.reader)
        free, left_ms = self._busy()
        rate = self._rates.whole_job
        takes = partial(_takes_ms, rate.fixed_ms, rate.per_mb_ms)
        return places(
            waiting,
            free=free,
            workers=self._workers,
            left_ms=left_ms,
            takes_ms=takes if rate.samples >= KNOWN_AFTER else None,
        )


def _takes_ms(fixed_ms: float, per_mb_ms: float, jobs: int, size_bytes: int) -> float:
    return jobs * fixed_ms + per_mb_ms * size_bytes / 1e6
