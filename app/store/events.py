"""The log: events in the order in which they were committed."""

import json
import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from aiosqlite import Connection

from app.core.rooms import Room
from app.core.times import ms_from_iso


class Recorded(NamedTuple):
    """A committed event, as its row. `body` is the JSON object that every listener gets."""

    seq: int
    user_id: str
    batch_id: str | None
    job_id: str | None
    n: int | None
    type: str
    body: bytes


COLUMN_NAMES = "seq, user_id, batch_id, job_id, n, type, body"
ROWS_AT_ONCE = 100


@cache
def _insert(rows: int) -> str:
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO event ({COLUMN_NAMES}) VALUES {places}"  # noqa: S608


def insert_events(connection: sqlite3.Connection, events: Sequence[Recorded]) -> None:
    """Write `events`, whose places are already given, inside the caller's transaction.

    Many rows go in one statement: each statement hands the interpreter lock to the event loop and
    back, and a busy loop makes the way back long.
    """
    for start in range(0, len(events), ROWS_AT_ONCE):
        some = events[start : start + ROWS_AT_ONCE]
        connection.execute(_insert(len(some)), list(chain.from_iterable(some)))


LAST_SEQ = "SELECT seq FROM sqlite_sequence WHERE name = 'event'"


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the highest place ever given, 0 in a new log; pruned events count too."""
    row = connection.execute(LAST_SEQ).fetchone()
    return int(row[0]) if row else 0


COLUMNS = f"SELECT {COLUMN_NAMES} FROM event"  # noqa: S608
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


# Found by their places: the index of jobs has those in order, and knows no n.
OF_JOB = f"{COLUMNS} WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?"
LATEST_OF_JOB = f"{COLUMNS} WHERE job_id = ? AND seq <= ? ORDER BY seq DESC LIMIT ?"


async def read_job(db: Connection, job_id: str, after: int = 0, limit: int = -1) -> list[Recorded]:
    """Return at most `limit` events of a job past the place `after`, oldest first; -1 for all."""
    return [Recorded(*row) for row in await db.execute_fetchall(OF_JOB, (job_id, after, limit))]


async def latest_of_job(db: Connection, job_id: str, upto: int, limit: int) -> list[Recorded]:
    """Return the last `limit` events of a job up to the place `upto`, oldest first."""
    rows = await db.execute_fetchall(LATEST_OF_JOB, (job_id, upto, limit))
    return [Recorded(*row) for row in rows][::-1]


BODIES = "SELECT seq, body FROM event WHERE seq IN ({})"


async def bodies_at(db: Connection, places: Sequence[int]) -> dict[int, bytes]:
    """Return the bodies of the events at `places`, a few; those that were removed are left out."""
    query = BODIES.format(", ".join("?" * len(places)))
    return {row[0]: row[1] for row in await db.execute_fetchall(query, tuple(places))}


ZONES_TOLD = (
    "SELECT type, CAST(body AS TEXT) ->> 'zone_id' FROM event WHERE job_id = ?1"
    " AND type IN ('zone_processing', 'zone_completed') AND n >"
    " (SELECT ifnull(max(n), 0) FROM event WHERE job_id = ?1 AND type = 'job_retried')"
)


async def zones_told(db: Connection, job_id: str) -> set[tuple[str, str]]:
    """Return what a job's latest attempt told of zones, as (type, zone_id)."""
    return {(kind, zone) for kind, zone in await db.execute_fetchall(ZONES_TOLD, (job_id,))}


FROM_PLACE = "SELECT seq, body FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 1"


async def last_before(db: Connection, moment_ms: int, head: int) -> int:
    """Return a place such that what was recorded before `moment_ms` lies at it or before it.

    What was recorded then or later, up to `head`, lies behind it. Times are only written inside the
    events, in their order; so it is found by halving.
    """
    low, high = 0, head  # up to low it was before, behind high it was not
    while low < high:
        middle = (low + high + 1) // 2
        rows = list(await db.execute_fetchall(FROM_PLACE, (middle, high)))
        if rows and ms_from_iso(json.loads(rows[0][1])["timestamp"]) < moment_ms:
            low = rows[0][0]
        else:
            high = middle - 1
    return low


async def head(db: Connection) -> int:
    """Return the place of the newest event, 0 in a new log."""
    rows = list(await db.execute_fetchall(LAST_SEQ))
    return int(rows[0][0]) if rows else 0
