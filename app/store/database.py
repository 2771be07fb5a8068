"""livetrail.db: opening, migrating, and the two ways in: one writer, one reader."""

import sqlite3
import threading
import uuid
from pathlib import Path

import aiosqlite

from app.store.migrations import SCRIPTS
from app.store.writer import Writer, connect_writer

CHECKPOINT_EVERY_S = 0.2  # more seldom, each takes so long that commits beside it wait


class DatabaseTooNew(Exception):
    """The file was written by a newer Livetrail; an older one must not touch it."""


def migrate(connection: sqlite3.Connection, scripts: tuple[str, ...] = SCRIPTS) -> None:
    """Bring the database to the newest shape, one transaction a step.

    Raises DatabaseTooNew when it has seen more scripts than there are.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(scripts):
        raise DatabaseTooNew(
            f"the data folder was last used by a newer Livetrail (schema {version}, this one knows"
            f" {len(scripts)}); start that version, or use another data folder"
        )
    for number, script in enumerate(scripts[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;"
        )


def log_id_of(connection: sqlite3.Connection) -> str:
    """Return the id of this log, minted once: a cursor of another log is told so, not served."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('log_id', ?) ON CONFLICT DO NOTHING",
        (uuid.uuid4().hex,),
    )
    row = connection.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()
    return str(row[0])


class Database:
    """The open database. `writer` changes it, `reader` only looks."""

    def __init__(
        self, path: Path, log_id: str, writer: Writer, reader: aiosqlite.Connection
    ) -> None:
        self.path = path
        self.log_id = log_id
        self.writer = writer
        self.reader = reader
        self._checkpointer = _Checkpointer(path)

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open `path`, made and migrated as needed. Raises DatabaseTooNew and sqlite3.Error."""
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect_writer(path)
        try:
            migrate(connection)
            log_id = log_id_of(connection)
        except BaseException:
            connection.close()
            raise
        reader = await aiosqlite.connect(path, isolation_level=None)
        await reader.execute("PRAGMA query_only = ON")
        await reader.execute("PRAGMA busy_timeout = 10000")
        return cls(path, log_id, Writer(connection), reader)

    async def close(self) -> None:
        """Finish queued writes and close every connection."""
        await self.writer.close()
        await self.reader.close()
        self._checkpointer.close()


class _Checkpointer:
    """Moves the write-ahead log into the database beside the commits, never inside one.

    Source: measured, an automatic checkpoint inside COMMIT is what makes the slowest commits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livetrail-checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        wal = self._path.with_name(self._path.name + "-wal")
        seen = -1
        while not self._ended.wait(CHECKPOINT_EVERY_S):
            try:
                changed = wal.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            if changed != seen:
                seen = changed
                # Busy or full: the next round tries again, and commits do not depend on it.
                try:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                except sqlite3.OperationalError:
                    seen = -1
        connection.close()
