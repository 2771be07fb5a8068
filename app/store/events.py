"""The log: events in the order in which they were committed."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from aiosqlite import Connection

from app.core.rooms import Room


@dataclass(frozen=True, slots=True)
class Recorded:
    """A committed event. `body` is the JSON object that every listener gets."""

    seq: int
    user_id: str
    batch_id: str | None
    job_id: str | None
    n: int | None
    type: str
    body: bytes


INSERT = (
    "INSERT INTO event (seq, user_id, batch_id, job_id, n, type, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def insert_events(connection: sqlite3.Connection, events: Sequence[Recorded]) -> None:
    """Write `events`, whose places are already given, inside the caller's transaction."""
    connection.executemany(
        INSERT,
        [(e.seq, e.user_id, e.batch_id, e.job_id, e.n, e.type, e.body) for e in events],
    )


LAST_SEQ = "SELECT seq FROM sqlite_sequence WHERE name = 'event'"


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the highest place ever given, 0 in a new log; pruned events count too."""
    row = connection.execute(LAST_SEQ).fetchone()
    return int(row[0]) if row else 0


COLUMNS = "SELECT seq, user_id, batch_id, job_id, n, type, body FROM event"
ROOM_COLUMN = {"user": "user_id", "batch": "batch_id", "job": "job_id"}


async def read_room(
    db: Connection,
    room: Room,
    after: int,
    upto: int,
    limit: int,
    types: Sequence[str] | None = None,
) -> list[Recorded]:
    """Return at most `limit` events of `room` with after < seq <= upto, oldest first.

    types  only these; None for all
    """
    where = "seq > ? AND seq <= ?"
    parameters: list[int | str] = [after, upto]
    if room.kind != "all":
        where += f" AND {ROOM_COLUMN[room.kind]} = ?"
        parameters.append(room.id)
    if types is not None:
        where += f" AND type IN ({', '.join('?' * len(types))})"
        parameters.extend(types)
    query = f"{COLUMNS} WHERE {where} ORDER BY seq LIMIT ?"
    return [Recorded(*row) for row in await db.execute_fetchall(query, (*parameters, limit))]


OF_JOB = f"{COLUMNS} WHERE job_id = ? AND n > ? ORDER BY seq LIMIT ?"


async def read_job(
    db: Connection, job_id: str, after_n: int = 0, limit: int = -1
) -> list[Recorded]:
    """Return at most `limit` events of a job with n > after_n, oldest first; -1 for all."""
    return [Recorded(*row) for row in await db.execute_fetchall(OF_JOB, (job_id, after_n, limit))]


async def head(db: Connection) -> int:
    """Return the place of the newest event, 0 in a new log."""
    rows = list(await db.execute_fetchall(LAST_SEQ))
    return int(rows[0][0]) if rows else 0
