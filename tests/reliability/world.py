"""A whole server in this process, its log in a folder, and everything that happens to it."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from app.core.events import (
    BatchCreated,
    Event,
    JobCreated,
    JobRetried,
    ProcessingCompleted,
    ProcessingProgress,
)
from app.core.plans import TRANSACTIONS
from app.keys import HUB, JOURNAL
from app.live.hub import Hub
from app.live.journal import Journal
from app.main import make_app
from app.settings import Settings
from app.store.batches import BatchRow, insert_batch
from tests.integration.serving import settings_for, token_of, with_user
from tests.reliability.promises import Trail

PATIENCE_S = 10.0  # for what comes within milliseconds
IMPATIENCE_S = 2.0  # once something did not come, while the history is made short
PEOPLE = ("ann", "bob")  # ann is the operator


@dataclass(frozen=True)
class Person:
    id: str
    token: str

    @property
    def batch(self) -> str:
        return f"01900000-0000-7000-8002-{self.id[-12:]}"

    def job(self, number: int) -> str:
        return f"01900000-0000-7000-80{number:02d}-{self.id[-12:]}"


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


patience_s = PATIENCE_S


@contextmanager
def in_time(missing: Callable[[], str]) -> Iterator[None]:
    """Say what is missing when the body's time is over; the next one gets less."""
    global patience_s
    try:
        yield
    except TimeoutError:
        waited_s, patience_s = patience_s, IMPATIENCE_S
        raise AssertionError(f"waited {waited_s:g} s in vain for {missing()}") from None


class World:
    """The server, its people and their jobs. `until` is how anybody waits."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        source, self.people = template()
        self.folder = folder / "data"
        shutil.copytree(source.name, self.folder)
        self.settings: Settings = settings_for(
            self.folder,
            max_websocket_connections_per_user=1000,
            websocket_message_rate_limit=1_000_000,
            requests_per_minute=1_000_000,
            **settings,
        )
        self.path = self.settings.database_path
        self.trail = Trail(self.path)
        self.jobs: dict[str, Person] = {}
        self.ended: set[str] = set()
        self.appending: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._stirred = asyncio.Event()
        self._failure: BaseException | None = None

    # The server

    async def start(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._unhandled)
        app = make_app(self.settings, warm=False)
        app.cleanup_ctx.pop()  # the pipeline: what the log gets, the history says
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.hub: Hub = app[HUB]
        self.journal: Journal = app[JOURNAL]
        self.app = app
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
        self.append(draft)

    @asynccontextmanager
    async def disk_held(self) -> AsyncIterator[None]:
        """Let no transaction of the server's begin: another connection is in the middle of one."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                other.execute("ROLLBACK")

    # Waiting

    def stir(self) -> None:
        self._stirred.set()

    def fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self.stir()

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.fail(context.get("exception") or AssertionError(context["message"]))

    def check(self) -> None:
        """Raise what went wrong in the meantime."""
        if self._failure is not None:
            raise self._failure

    async def until(self, condition: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Wait for `condition`, which is looked at whenever something came.

        Raises AssertionError, saying what is missing, when it does not come in time.
        """
        with in_time(missing):
            async with asyncio.timeout(patience_s):
                while not condition():
                    self.check()
                    self._stirred.clear()
                    await self._stirred.wait()
        self.check()

    async def until_server(self, condition: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Wait for a condition within the server, of which nothing comes over the network."""
        with in_time(missing):
            async with asyncio.timeout(patience_s):
                while not condition():  # noqa: ASYNC110
                    await asyncio.sleep(0)
