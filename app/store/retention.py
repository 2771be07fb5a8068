"""What the log no longer holds: events of ended jobs, pruned whole; their last state is kept."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from aiosqlite import Connection

from app.core.ids import lowest_uuid7
from app.core.rooms import Room
from app.core.state import JobState
from app.core.times import iso_from_ms
from app.store.waiting import IS_UNTOLD

EVENTS_AT_ONCE = 500  # about as many in a transaction; other commits wait for its end
JOBS_AT_ONCE = 200  # so many are looked at in one, whether they may go or not


class Pruned(NamedTuple):
    """Events that are gone: of a job, or of a batch as a whole, everything up to `seq`."""

    job_id: str | None
    batch_id: str | None
    user_id: str
    seq: int


class PrunedJob(NamedTuple):
    """A job of which everything up to `pruned_upto` is gone. Later events may be there."""

    pruned_upto: int
    state: JobState


class Slice(NamedTuple):
    """What one transaction removed.

    events   how many
    reached  id of the last job that was looked at; None when there is nothing left to do
    """

    pruned: list[Pruned]
    events: int
    reached: str | None


# Jobs that still have events, in the order in which they were created.
NEXT_JOB = "SELECT min(job_id) FROM event WHERE job_id > ? AND job_id < ?"
AFTER_ALL = "~"
MAY_GO = f"""
    SELECT batch_id, user_id, last_seq FROM job AS ended
    WHERE id = ?1 AND status IN ('completed', 'error', 'cancelled') AND last_seq <= ?2
        AND (?3 IS NULL OR json_extract(CAST(state AS TEXT), '$.updated_at') < ?3)
        AND ({IS_UNTOLD.replace("?1", "ended.batch_id").replace("?2", "0")}) IS NOT TRUE
"""  # noqa: S608 - a constant of waiting.py
MARK_JOB = "UPDATE job SET pruned_upto = last_seq WHERE id = ?"
# What is left of a batch that has no job's events any more, as long as all of it was told.
REST_OF_BATCH = """
    SELECT user_id, max(seq), count(*) FROM event
    WHERE batch_id = ?1
        AND NOT EXISTS (SELECT 1 FROM event WHERE batch_id = ?1 AND job_id IS NOT NULL)
    GROUP BY batch_id HAVING max(seq) <= ?2
"""
MARK_BATCH = "UPDATE batch SET pruned_upto = ? WHERE id = ?"


def prune_slice(
    connection: sqlite3.Connection,
    *,
    head: int,
    after: str,
    before_ms: int | None,
    above_bytes: int,
) -> Slice:
    """Remove events of ended jobs, oldest job first, inside the caller's transaction.

    head          everything up to here was told; no job with later events is touched
    after         only jobs with ids past this one
    before_ms     only jobs to which nothing has happened since; None: all that ended
    above_bytes   nothing is removed while no more than this is used

    A job's events go together. A batch's own go with those of its last job.
    """
    # What was created later can not have ended before.
    created_before = AFTER_ALL if before_ms is None else lowest_uuid7(before_ms)
    ended_before = None if before_ms is None else iso_from_ms(before_ms)
    pruned: list[Pruned] = []
    batches: dict[str, None] = {}
    events = 0
    reached: str | None = after
    for _ in range(JOBS_AT_ONCE):
        if events >= EVENTS_AT_ONCE:
            break
        if used_bytes(connection) <= above_bytes:
            reached = None
            break
        reached = connection.execute(NEXT_JOB, (reached, created_before)).fetchone()[0]
        if reached is None:
            break
        row = connection.execute(MAY_GO, (reached, head, ended_before)).fetchone()
        if row is None:
            continue
        batch_id, user_id, seq = row
        events += connection.execute("DELETE FROM event WHERE job_id = ?", (reached,)).rowcount
        connection.execute(MARK_JOB, (reached,))
        pruned.append(Pruned(reached, batch_id, user_id, seq))
        if batch_id is not None:
            batches[batch_id] = None
    for batch_id in batches:
        for user_id, seq, count in connection.execute(REST_OF_BATCH, (batch_id, head)).fetchall():
            connection.execute("DELETE FROM event WHERE batch_id = ?", (batch_id,))
            connection.execute(MARK_BATCH, (seq, batch_id))
            pruned.append(Pruned(None, batch_id, user_id, seq))
            events += count
    return Slice(pruned, events, reached)


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of what is in the database; the file itself keeps the room of what went."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * page_bytes)


OF_JOBS = "SELECT max(pruned_upto) FROM job WHERE pruned_upto > 0"
OF_BATCHES = "SELECT max(pruned_upto) FROM batch WHERE pruned_upto > 0"
FLOOR = {
    "all": f"SELECT max(ifnull(({OF_JOBS}), 0), ifnull(({OF_BATCHES}), 0))",
    "user": f"SELECT max(ifnull(({OF_JOBS} AND user_id = ?1), 0),"
    f" ifnull(({OF_BATCHES} AND user_id = ?1), 0))",
    "batch": f"SELECT max(ifnull(({OF_JOBS} AND batch_id = ?1), 0),"
    f" ifnull(({OF_BATCHES} AND id = ?1), 0))",
    "job": f"SELECT ifnull(({OF_JOBS} AND id = ?1), 0)",
}


async def floor_of_room(db: Connection, room: Room) -> int:
    """Return the place of the newest event of `room` that was pruned, 0 when none was.

    Everything of the room past it is in the log. Of what lies before it some may be gone: whoever
    asks for events past a lower place has to be told so.
    """
    rows = list(await db.execute_fetchall(FLOOR[room.kind], (room.id,) if room.id else ()))
    return int(rows[0][0])


OF_ROOM = {"all": "", "user": "user_id = ? AND", "batch": "batch_id = ? AND", "job": "id = ? AND"}


async def pruned_jobs(db: Connection, room: Room, after: int, limit: int) -> Sequence[PrunedJob]:
    """Return at most `limit` jobs of `room` that were pruned up to past `after`, in that order."""
    rows = await db.execute_fetchall(
        f"SELECT pruned_upto, state FROM job WHERE {OF_ROOM[room.kind]}"  # noqa: S608 - constants
        " pruned_upto > ? AND pruned_upto > 0 ORDER BY pruned_upto LIMIT ?",
        (*((room.id,) if room.id else ()), after, limit),
    )
    return [PrunedJob(upto, orjson.loads(state)) for upto, state in rows]
