"""Exports: files made of what is stored, for a person to take away."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiosqlite import Connection

from app.core.errors import Conflict
from app.core.times import ms_from_iso
from app.store.jobs import JobRow

ExportState = Literal["pending", "running", "completed", "failed"]
UNFINISHED_AT_MOST = 20  # of one user


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export as it stands.

    user_id    who asked for it, and whose it is
    batch_id, job_id  of what; both None for all that the user has stored
    wish       content, formulas, filters; and `told_in`, the batch in whose room it is told
    rows       written so far as it is known, in the end all
    error      of a failed one, as its event tells it
    """

    id: str
    user_id: str
    batch_id: str | None
    job_id: str | None
    wish: dict[str, Any]
    format: str
    state: ExportState
    filename: str
    size_bytes: int | None
    rows: int | None
    sha256: str | None
    error: dict[str, Any] | None
    created_ms: int
    ended_ms: int | None


# Inside the caller's transaction


COUNT = "SELECT count(*) FROM export WHERE user_id = ? AND state IN ('pending', 'running')"
INSERT = (
    "INSERT INTO export (id, user_id, batch_id, job_id, query, format, state, filename, created_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?)"
)


def insert_export(connection: sqlite3.Connection, export: ExportRow) -> None:
    """Write a new, pending export. Raises Conflict where too many of the user's wait."""
    if connection.execute(COUNT, (export.user_id,)).fetchone()[0] >= UNFINISHED_AT_MOST:
        raise Conflict(
            what=f"{UNFINISHED_AT_MOST} of your exports are being made already",
            todo="Wait until one of them is done, or delete one.",
        )
    values = (export.id, export.user_id, export.batch_id, export.job_id)
    wish = orjson.dumps(export.wish).decode()
    connection.execute(INSERT, (*values, wish, export.format, export.filename, export.created_ms))


def mark_running(connection: sqlite3.Connection, export_id: str) -> None:
    """Note that the export has begun."""
    connection.execute("UPDATE export SET state = 'running' WHERE id = ?", (export_id,))


COMPLETE = (
    "UPDATE export SET state = 'completed', rows = ?, size_bytes = ?, sha256 = ?, ended_ms = ?"
    " WHERE id = ?"
)


def mark_completed(
    connection: sqlite3.Connection,
    export_id: str,
    *,
    rows: int,
    size_bytes: int,
    sha256: str,
    at_ms: int,
) -> None:
    """Note that the file is there."""
    connection.execute(COMPLETE, (rows, size_bytes, sha256, at_ms, export_id))


def mark_failed(
    connection: sqlite3.Connection, export_id: str, error: dict[str, Any], at_ms: int
) -> None:
    """Note that there is no file, and why."""
    connection.execute(
        "UPDATE export SET state = 'failed', error = ?, ended_ms = ? WHERE id = ?",
        (orjson.dumps(error).decode(), at_ms, export_id),
    )


def delete_exports(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Forget exports. Their files are the caller's business."""
    connection.executemany("DELETE FROM export WHERE id = ?", [(ident,) for ident in ids])


# Reading


COLUMNS = (
    "SELECT id, user_id, batch_id, job_id, query, format, state, filename, size_bytes, rows,"
    " sha256, error, created_ms, ended_ms FROM export"
)


def _export(row: Any) -> ExportRow:
    ident, user_id, batch_id, job_id, wish, form, state, filename, size, rows, sha, error, *at = row
    told = None if error is None else orjson.loads(error)
    wish = orjson.loads(wish)
    return ExportRow(
        ident, user_id, batch_id, job_id, wish, form, state, filename, size, rows, sha, told, *at
    )


async def get_export(db: Connection, export_id: str) -> ExportRow | None:
    """Return the export; None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (export_id,)))
    return _export(rows[0]) if rows else None


LIST = (
    f"{COLUMNS} WHERE user_id = ?1 AND (?2 IS NULL OR job_id = ?2)"
    " AND (?3 IS NULL OR batch_id = ?3) AND (?4 IS NULL OR id < ?4) ORDER BY id DESC LIMIT ?5"
)


async def list_exports(
    db: Connection,
    user_id: str,
    *,
    job_id: str | None = None,
    batch_id: str | None = None,
    before_id: str | None = None,
    limit: int = 100,
) -> list[ExportRow]:
    """Return at most `limit` of a user's exports, newest first; of a job or batch where named."""
    rows = await db.execute_fetchall(LIST, (user_id, job_id, batch_id, before_id, limit))
    return [_export(row) for row in rows]


WAITING = "SELECT user_id, min(id) FROM export WHERE state IN ('pending', 'running')"


async def waiting_exports(db: Connection) -> dict[str, str]:
    """Return for each user the oldest export that is not done, oldest first."""
    rows = await db.execute_fetchall(f"{WAITING} GROUP BY user_id ORDER BY min(id)")
    return {row[0]: row[1] for row in rows}


OUTDATED = "SELECT id FROM export WHERE ended_ms < ?"
# From the newest on, what goes beyond the quota; the newest one always stays.
BEYOND = """
    SELECT id FROM (
        SELECT id, row_number() OVER newest AS place, sum(size_bytes) OVER newest AS used
        FROM export WHERE state = 'completed'
        WINDOW newest AS (PARTITION BY user_id ORDER BY id DESC)
    ) WHERE place > 1 AND used > ?
"""


async def outdated_exports(db: Connection, before_ms: int) -> list[str]:
    """Return exports that ended before then."""
    return [row[0] for row in await db.execute_fetchall(OUTDATED, (before_ms,))]


async def exports_beyond(db: Connection, quota_bytes: int) -> list[str]:
    """Return the oldest exports of users whose files are larger than that together."""
    return [row[0] for row in await db.execute_fetchall(BEYOND, (quota_bytes,))]


# One that waits takes what is there when its turn comes; one of the very job would be empty.
HOLDING = """
    SELECT id FROM export WHERE job_id = ?1
    UNION ALL SELECT id FROM export WHERE batch_id = ?2 AND state <> 'pending'
    UNION ALL SELECT id FROM export
    WHERE user_id = ?3 AND job_id IS NULL AND batch_id IS NULL AND state <> 'pending'
        AND created_ms >= ?4
"""


async def exports_holding(db: Connection, job: JobRow) -> list[str]:
    """Return the exports that may hold something of a job: of it, its batch, or all files."""
    came_ms = ms_from_iso(job.state["created_at"])
    rows = await db.execute_fetchall(HOLDING, (job.id, job.batch_id, job.user_id, came_ms))
    return [row[0] for row in rows]


async def all_export_ids(db: Connection) -> set[str]:
    """Return the ids of exports whose file may be there."""
    rows = await db.execute_fetchall("SELECT id FROM export WHERE state = 'completed'")
    return {row[0] for row in rows}


STORED = "SELECT id, filename FROM job WHERE +status = 'completed' AND undone = 0"


async def exported_jobs(db: Connection, export: ExportRow) -> dict[str, str]:
    """Return the file names of the jobs that an export takes, by their ids."""
    if export.job_id is not None:
        rows = await db.execute_fetchall(f"{STORED} AND id = ?", (export.job_id,))
    elif export.batch_id is not None:
        rows = await db.execute_fetchall(f"{STORED} AND batch_id = ?", (export.batch_id,))
    else:
        rows = await db.execute_fetchall(f"{STORED} AND user_id = ?", (export.user_id,))
    return {row[0]: row[1] for row in rows}
