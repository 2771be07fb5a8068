"""The one writer of livetrail.db: a thread with the only connection that writes."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.core.errors import StorageFull
from app.core.histogram import SECONDS, Histogram

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

# SQLITE_FULL, and what a full disk looks like when the shared-memory file can not grow.
DISK_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})

# Checkpoints run beside the commits (see database.py); this is only the net below them, in pages.
AUTOCHECKPOINT_PAGES = 20_000


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the connection that writes. Each commit is on the disk when it returns.

    Raises sqlite3.Error when the file can not be opened.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Secrets that were answered are overwritten when they are erased.
    connection.execute("PRAGMA secure_delete = FAST")
    # The command line may write a user or a token beside a running server.
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE and COMMIT around the body; rolled back when anything is raised.

    A full disk raises StorageFull.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode in DISK_FULL:
            raise StorageFull from error
        raise


class Writer:
    """Runs pieces of work one after another, each in a transaction of its own.

    The queue holds at most one entry per waiting caller, so callers bound it. `seconds` counts
    how long the transactions took, from BEGIN to the end of COMMIT.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.seconds = Histogram(SECONDS)
        self._connection = connection
        self._closed = False
        self._queue: queue.SimpleQueue[tuple[Work[Any], asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._work, name="livetrail-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue `work` and return a future of its result, done after the commit.

        Raises RuntimeError once it is closed: nobody would do it any more.
        """
        if self._closed:
            raise RuntimeError("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        return future

    async def run(self, work: Work[T]) -> T:
        """Run `work` inside BEGIN IMMEDIATE and COMMIT, and return what it returned.

        Whatever `work` raises rolls its transaction back and is raised here. A full disk raises
        StorageFull, a closed writer RuntimeError. Cancelling the wait does not take the work back.
        """
        return await self.submit(work)

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if not self._do(*item):
                break
            del item  # else thousands of events stay in memory until there is more to do
        self._connection.close()

    def _do(self, work: Work[Any], future: asyncio.Future[Any]) -> bool:
        """Do it and hand over what came of it; tell whether there is still a loop to hand it to."""
        try:
            outcome, error = self._transact(work), None
        except BaseException as raised:  # handed to whoever waits for it, never swallowed
            outcome, error = None, raised
        try:
            future.get_loop().call_soon_threadsafe(_settle, future, outcome, error)
        except RuntimeError:  # the loop is gone, and with it whoever waited
            return False
        return True

    def _transact(self, work: Work[T]) -> T:
        began_s = time.perf_counter()
        try:
            with transaction(self._connection):
                return work(self._connection)
        finally:
            self.seconds.add(time.perf_counter() - began_s)


def _settle(future: asyncio.Future[Any], outcome: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited was cancelled
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
