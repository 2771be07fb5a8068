"""Work that waits while the disk is full: who waits, for how long, and who does not any more."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable

import pytest

from app.core.errors import StorageFull
from app.core.events import Event, JobPaused
from app.core.state import JobState
from app.pipeline.patient import PatientJournal, Stopping

EVENT = JobPaused(job_id="j", by="ann", message="Paused")
LONG_S = 3600.0


class Disk:
    """A journal whose disk is full for a while."""

    def __init__(self, full: int) -> None:
        self.full = full  # as often an append finds no room
        self.asked = asyncio.Event()

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> object:
        self.asked.set()
        if self.full:
            self.full -= 1
            raise StorageFull
        return drafts

    async def state(self, job_id: str) -> JobState | None:
        return None


async def test_an_append_is_tried_again_until_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    journal = PatientJournal(Disk(full=3), first_wait_s=0.0)
    assert await journal.append(EVENT) == (EVENT,)
    assert journal.room.is_set()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_whoever_would_begin_something_waits_for_those_who_wait() -> None:
    disk = Disk(full=1)
    journal = PatientJournal(disk, first_wait_s=LONG_S)
    waiting = asyncio.create_task(journal.append(EVENT))
    await disk.asked.wait()
    assert not journal.room.is_set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_work_that_is_broken_off_while_it_waits_does_not_keep_all_others_waiting() -> None:
    disk = Disk(full=2)
    journal = PatientJournal(disk, first_wait_s=LONG_S)
    first, second = (asyncio.create_task(journal.append(EVENT)) for _ in range(2))
    while disk.full:
        disk.asked.clear()
        await disk.asked.wait()
    for waiting, may_begin in ((first, False), (second, True)):
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert journal.room.is_set() is may_begin


async def test_a_stop_ends_the_waiting() -> None:
    disk = Disk(full=1000)
    journal = PatientJournal(disk, first_wait_s=LONG_S)
    waiting = asyncio.create_task(journal.append(EVENT))
    await disk.asked.wait()
    journal.stop()
    with pytest.raises(Stopping):
        await waiting
