"""A whole server in this process, its log in a folder, and everything that happens to it."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from aiohttp import web

from app import main
from app.core.events import (
    BatchCompleted,
    BatchCreated,
    Event,
    JobCreated,
    JobRetried,
    ProcessingCompleted,
    ProcessingProgress,
)
from app.core.plans import TRANSACTIONS
from app.core.times import DAY_MS
from app.keys import DATABASE, HUB, JOURNAL
from app.live.hub import Hub
from app.live.journal import Journal
from app.live.retention import Retention
from app.settings import Settings
from app.store.batches import BatchRow, insert_batch
from tests.integration.serving import settings_for, token_of, with_user
from tests.reliability.promises import Trail
from tests.reliability.stage import Person, Place

PEOPLE = ("ann", "bob")  # ann is the operator


@cache
def template() -> tuple[TemporaryDirectory[str], dict[str, Person]]:
    """Return a data folder with people in it, from which every history begins."""
    folder = TemporaryDirectory(prefix="livetrail-promises-")
    settings = settings_for(Path(folder.name))
    people = {}
    for name in PEOPLE:
        user = with_user(settings, name)
        people[name] = Person(user.id, token_of(settings, name))
    return folder, people


class World(Place):
    """The server, its people and their jobs. `until` is how anybody waits."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__()
        source, self.people = template()
        self.folder = folder / "data"
        shutil.copytree(source.name, self.folder)
        self.settings: Settings = settings_for(
            self.folder,
            max_websocket_connections_per_user=1000,
            websocket_message_rate_limit=1_000_000,
            requests_per_minute=1_000_000,
            log_retention_days=1,
            **settings,
        )
        self.path = self.settings.database_path
        self.trail = Trail(self.path)
        self.jobs: dict[str, Person] = {}
        self.ended: set[str] = set()
        self.appending: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None

    # The server

    async def start(self) -> None:
        self.watch_the_loop()
        with patch.object(main, "setup_pages"):  # nobody looks, and templates take long to load
            app = main.make_app(self.settings, warm=False)
        app.cleanup_ctx.pop()  # the pipeline: what the log gets, the history says
        app.on_shutdown.remove(main.break_arrivals_off)  # which belong to it
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.hub: Hub = app[HUB]
        self.journal: Journal = app[JOURNAL]
        self.app = app
        self.log_id = self.journal.log_id
        self.port: int = self._runner.addresses[0][1]

    async def stop(self, *, gently: bool) -> None:
        """End the server; not gently: every connection breaks without a word."""
        assert self._runner is not None
        if not gently and self._runner.server is not None:
            for connection in list(self._runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()
        await self._runner.cleanup()
        self._runner = None

    async def close(self) -> None:
        if self._runner is not None:
            await self.stop(gently=False)
        self.trail.close()

    # What is written

    async def open_batch(self, person: Person, jobs: Sequence[int]) -> None:
        """Record a batch, if it is not there yet, with further jobs of these numbers."""
        row = BatchRow(person.batch, person.id, "March", {}, 0)
        is_new = person not in self.jobs.values()
        first = [BatchCreated(batch_id=row.id, jobs=len(jobs), message="...")] if is_new else []
        created = [
            JobCreated(
                job_id=person.job(number),
                batch_id=row.id,
                filename=f"{number}.csv",
                size=1,
                plan=TRANSACTIONS.describe(),
                message="...",
            )
            for number in jobs
        ]

        def also(connection: sqlite3.Connection) -> None:
            if is_new:
                insert_batch(connection, row)

        await self.journal.append(*first, *created, user_id=person.id, also=also)
        self.jobs.update((person.job(number), person) for number in jobs)

    def append(self, *drafts: Event) -> None:
        """Begin to write `drafts` in one transaction. `written` waits for its end."""
        task = asyncio.ensure_future(self.journal.append(*drafts))
        self.appending.add(task)
        task.add_done_callback(self._appended)

    def _appended(self, task: asyncio.Task[Any]) -> None:
        self.appending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)
        self.stir()

    async def written(self) -> None:
        """Wait until everything that was appended is committed, and see it in the file."""
        await self.until(lambda: not self.appending, lambda: f"commits of {self.appending}")
        self.trail.look()

    def progress(self, job_id: str, size: int = 0) -> ProcessingProgress:
        done = 10.0 + len(self.trail.facts) % 80
        return ProcessingProgress(
            job_id=job_id, stage="parsing", step="extracting", progress=done, message="x" * size
        )

    def end_job(self, job_id: str) -> None:
        """Complete a job, or let one that ended begin again."""
        if job_id in self.ended:
            self.ended.remove(job_id)
            draft: Event = JobRetried(job_id=job_id, attempt=2, message="again")
        else:
            self.ended.add(job_id)
            draft = ProcessingCompleted(job_id=job_id, result={}, message="done")
        owner = self.jobs[job_id]
        own = {job for job, person in self.jobs.items() if person is owner}
        over = [BatchCompleted(batch_id=owner.batch, message="all done")] * (own <= self.ended)
        self.append(draft, *over)

    async def prune(self) -> int:
        """Take the events of all jobs that have ended out of the log; return how many."""
        await self.written()
        later_ms = time.time_ns() // 1_000_000 + 10 * DAY_MS
        writer = self.app[DATABASE].writer
        retention = Retention(writer, self.hub, self.settings, clock_ms=lambda: later_ms)
        await retention.prune()
        return len(self.trail.look_for_what_was_pruned())

    @asynccontextmanager
    async def disk_held(self) -> AsyncIterator[None]:
        """Let no transaction of the server's begin: another connection is in the middle of one."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                other.execute("ROLLBACK")
