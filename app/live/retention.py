"""Takes the events of jobs that ended long ago out of the log, as the operator wishes."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial

from app.core.errors import StorageFull
from app.core.times import DAY_MS
from app.live.hub import Hub
from app.settings import Settings
from app.store.retention import Slice, prune_slice
from app.store.writer import Writer
from app.tasks import finished

logger = logging.getLogger(__name__)

PRUNE_EVERY_S = 3600.0


class Retention:
    """Keeps the log within the age and the size that the settings allow; 0 is without bounds.

    What is gone is gone for everybody: its last state stays, and a client that comes from before
    is told so (Hub.prune).
    """

    def __init__(
        self,
        writer: Writer,
        hub: Hub,
        settings: Settings,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._writer = writer
        self._hub = hub
        self._days = settings.log_retention_days
        self._bytes = settings.log_retention_bytes
        self._clock_ms = clock_ms

    async def keep(self) -> None:
        """Prune now and every hour. To be run as a task; returns at once when nothing is asked."""
        while self._days or self._bytes:
            try:
                await self.prune()
            except (StorageFull, sqlite3.Error) as error:
                logger.warning("the log was not pruned: error=%r", error)
            await asyncio.sleep(PRUNE_EVERY_S)

    async def prune(self) -> int:
        """Take out what is too old, then what is too much; return how many events that were."""
        events = 0
        if self._days:
            before_ms = max(0, self._clock_ms() - self._days * DAY_MS)
            events += await self._walk(before_ms=before_ms, above_bytes=0)
        if self._bytes:
            events += await self._walk(before_ms=None, above_bytes=self._bytes)
        if events:
            logger.info("the log was pruned: events=%d", events)
        return events

    async def _walk(self, *, before_ms: int | None, above_bytes: int) -> int:
        """Look at every job that has events, a slice of them a transaction."""
        events = 0
        reached: str | None = ""
        while reached is not None:
            work = partial(prune_slice, after=reached, before_ms=before_ms, above_bytes=above_bytes)
            gone = await finished(self._hub.prune(partial(self._remove, work)))
            events += gone.events
            reached = gone.reached
        return events

    async def _remove(self, work: Callable[..., Slice], head: int) -> Slice:
        return await self._writer.run(partial(work, head=head))
