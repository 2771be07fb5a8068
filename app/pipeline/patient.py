"""A journal for work that must not be lost: where the disk is full it waits for room."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from app.core.errors import StorageFull
from app.core.events import Event
from app.core.state import JobState
from app.pipeline.log import Journal

logger = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


class Stopping(Exception):
    """The server is going down; what was asked for is done after the next start."""


class PatientJournal:
    """Appends like the journal, but tries again where the disk is full.

    room  clear while somebody here waits for room, and will find it: whoever would begin
          something new waits for that
    """

    def __init__(self, journal: Journal, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._journal = journal
        self._first_wait_s = first_wait_s
        self._stopping = asyncio.Event()
        self._waiting = 0
        self.room = asyncio.Event()
        self.room.set()

    def stop(self) -> None:
        """Wait no more: an append that finds no room raises Stopping."""
        self._stopping.set()

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> object:
        """Append as soon as there is room. Raises Stopping when the server goes down first."""
        wait_s, waits = self._first_wait_s, 0
        try:
            while True:
                try:
                    told = await self._journal.append(*drafts, user_id=user_id, also=also)
                except StorageFull as error:
                    if self._stopping.is_set():
                        raise Stopping from error
                    if self.room.is_set():
                        logger.error("disk full: work is paused until there is room")
                    self.room.clear()
                    self._waiting += 1 - waits
                    waits = 1
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._stopping.wait()
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                else:
                    if not self.room.is_set():
                        logger.info("disk has room again: work goes on")
                        self.room.set()
                    return told
        finally:
            self._waiting -= waits
            if not self._waiting:  # the last one was broken off: whoever is next will see
                self.room.set()

    async def state(self, job_id: str) -> JobState | None:
        """Return the job's committed state; None when there is no such job."""
        return await self._journal.state(job_id)
