"""Batches: what a person gave us at once."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiosqlite import Connection


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One upload of one or more files, with the options it came with."""

    id: str
    user_id: str
    name: str
    options: dict[str, Any]
    created_ms: int


INSERT = "INSERT INTO batch (id, user_id, name, options, created_ms) VALUES (?, ?, ?, ?, ?)"


def insert_batch(connection: sqlite3.Connection, batch: BatchRow) -> None:
    """Write a new batch inside the caller's transaction."""
    connection.execute(
        INSERT,
        (
            batch.id,
            batch.user_id,
            batch.name,
            orjson.dumps(batch.options).decode(),
            batch.created_ms,
        ),
    )


def owner_of_batch(connection: sqlite3.Connection, batch_id: str) -> str | None:
    """Return the id of the batch's owner; None when there is no such batch."""
    row = connection.execute("SELECT user_id FROM batch WHERE id = ?", (batch_id,)).fetchone()
    return None if row is None else str(row[0])


COLUMNS = "SELECT id, user_id, name, options, created_ms FROM batch"


def _batch(row: Any) -> BatchRow:
    return BatchRow(row[0], row[1], row[2], orjson.loads(row[3]), row[4])


async def get_batch(db: Connection, batch_id: str) -> BatchRow | None:
    """Return the batch, or None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (batch_id,)))
    return _batch(rows[0]) if rows else None


LIST = f"{COLUMNS} WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC"


async def list_batches(
    db: Connection, user_id: str | None = None, before_id: str | None = None, limit: int = 100
) -> list[BatchRow]:
    """Return at most `limit` batches, newest first; of one user, or of all for None."""
    rows = await db.execute_fetchall(f"{LIST} LIMIT ?3", (user_id, before_id, limit))
    return [_batch(row) for row in rows]


COUNTS = "SELECT status, count(*) FROM job WHERE batch_id = ? GROUP BY status"


async def status_counts(db: Connection, batch_id: str) -> dict[str, int]:
    """Return how many of the batch's jobs have each status; statuses without jobs are left out."""
    return {row[0]: row[1] for row in await db.execute_fetchall(COUNTS, (batch_id,))}


JOB_IDS = """
    SELECT job.id FROM job JOIN json_each(?) AS wanted ON wanted.value = job.status
    WHERE batch_id = ? ORDER BY wanted.key, job.id
"""


async def job_ids_of(db: Connection, batch_id: str, statuses: Sequence[str]) -> list[str]:
    """Return the batch's jobs with one of `statuses`, in the order of these, then as they came."""
    rows = await db.execute_fetchall(JOB_IDS, (orjson.dumps(statuses).decode(), batch_id))
    return [row[0] for row in rows]
