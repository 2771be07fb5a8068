"""Batches: what a person gave us at once."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiosqlite import Connection

from app.core.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One upload of one or more files, with the options it came with.

    begun  False: a client has given it its id, and no file of it is there yet
    """

    id: str
    user_id: str
    name: str
    options: dict[str, Any]
    created_ms: int
    begun: bool = True


INSERT = (
    "INSERT INTO batch (id, user_id, name, options, created_ms, begun) VALUES (?, ?, ?, ?, ?, ?)"
)


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
            int(batch.begun),
        ),
    )


def claim_batch(connection: sqlite3.Connection, wanted: BatchRow) -> BatchRow:
    """Give a client's own id to a batch, inside the caller's transaction; return the batch.

    A batch of the same user that has the id already is returned as it stands. As long as nobody
    has said its name and options, those of `wanted` become its own.

    Raises NotFound for somebody else's and for the id of a job, Conflict when other options were
    said before.
    """
    row = connection.execute(f"{COLUMNS} WHERE id = ?", (wanted.id,)).fetchone()
    if row is None:
        # What is looked for by an id alone, a task or a session, is one thing and no other.
        if connection.execute("SELECT 1 FROM job WHERE id = ?", (wanted.id,)).fetchone():
            raise NotFound(what="batch", is_foreign=True)
        insert_batch(connection, wanted)
        return wanted
    batch = _batch(row)
    if batch.user_id != wanted.user_id:
        raise NotFound(what="batch", is_foreign=True)
    if not (wanted.name or wanted.options):
        return batch
    if not (batch.begun or batch.name or batch.options):
        connection.execute(
            "UPDATE batch SET name = ?, options = ? WHERE id = ?",
            (wanted.name, orjson.dumps(wanted.options).decode(), batch.id),
        )
        return replace(batch, name=wanted.name, options=wanted.options)
    if wanted.options != batch.options or wanted.name not in ("", batch.name):
        raise Conflict(
            what="This batch was begun with other options",
            todo="Send the same ones or none, or use a batch of its own.",
        )
    return batch


def begin_batch(connection: sqlite3.Connection, batch_id: str, name: str) -> None:
    """Write that the first file of a claimed batch is there; `name` is used if it has none."""
    connection.execute(
        "UPDATE batch SET begun = 1, name = CASE name WHEN '' THEN ? ELSE name END WHERE id = ?",
        (name, batch_id),
    )


def owner_of_batch(connection: sqlite3.Connection, batch_id: str) -> str | None:
    """Return the id of the batch's owner; None when there is no such batch."""
    row = connection.execute("SELECT user_id FROM batch WHERE id = ?", (batch_id,)).fetchone()
    return None if row is None else str(row[0])


COLUMNS = "SELECT id, user_id, name, options, created_ms, begun FROM batch"


def _batch(row: Any) -> BatchRow:
    return BatchRow(row[0], row[1], row[2], orjson.loads(row[3]), row[4], bool(row[5]))


async def get_batch(db: Connection, batch_id: str) -> BatchRow | None:
    """Return the batch, or None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (batch_id,)))
    return _batch(rows[0]) if rows else None


OWN = f"{COLUMNS} WHERE user_id = ? AND begun = 1"
OLDER = "AND (created_ms, id) < (SELECT created_ms, id FROM batch WHERE id = ?)"
NEWEST_FIRST = "ORDER BY created_ms DESC, id DESC LIMIT ?"


async def list_batches(
    db: Connection, user_id: str, before_id: str | None = None, limit: int = 100
) -> list[BatchRow]:
    """Return at most `limit` of a user's batches, newest first.

    before_id  only batches older than this one; nothing when there is no such batch
    """
    if before_id is None:
        rows = await db.execute_fetchall(f"{OWN} {NEWEST_FIRST}", (user_id, limit))
    else:
        query = f"{OWN} {OLDER} {NEWEST_FIRST}"
        rows = await db.execute_fetchall(query, (user_id, before_id, limit))
    return [_batch(row) for row in rows]


COUNTS = "SELECT status, count(*) FROM job WHERE batch_id = ? GROUP BY status"


async def status_counts(db: Connection, batch_id: str) -> dict[str, int]:
    """Return how many of the batch's jobs have each status; statuses without jobs are left out."""
    return {row[0]: row[1] for row in await db.execute_fetchall(COUNTS, (batch_id,))}


JOB_IDS = """
    SELECT job.id FROM job JOIN json_each(?) AS wanted ON wanted.value = +job.status
    WHERE batch_id = ? ORDER BY wanted.key, job.id
"""


async def job_ids_of(db: Connection, batch_id: str, statuses: Sequence[str]) -> list[str]:
    """Return the batch's jobs with one of `statuses`, in the order of these, then as they came."""
    rows = await db.execute_fetchall(JOB_IDS, (orjson.dumps(statuses).decode(), batch_id))
    return [row[0] for row in rows]
