"""Jobs: the fold of their events, kept as a table that is also the queue."""

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from aiosqlite import Connection

from app.core.rooms import Room
from app.core.state import JobState, is_reported
from app.store.checkpoints import DELETE, UNDO


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as it stands. `state` is the fold of its events."""

    id: str
    batch_id: str | None
    user_id: str
    document_id: str | None
    filename: str
    size_bytes: int
    sha256: str
    status: str
    undone: bool
    last_seq: int
    state: JobState

    @property
    def reported(self) -> bool:
        """Tell whether its work is done elsewhere: then it has no file here, and stores nothing."""
        return is_reported(self.state)


INSERT = (
    "INSERT INTO job (user_id, batch_id, document_id, filename, size_bytes, sha256, priority,"
    " reported, status, undone, last_seq, state, id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ROWS_AT_ONCE = 100
PARSED_AT_ONCE = 200  # states, some 3 ms; more of them are read in a thread
# Naming `status` would rewrite its index even where it stays the same, which it mostly does.
SAME_STATUS = "job.status = new.status AND job.undone = new.undone"


@cache
def _update(columns: str, condition: str, rows: int) -> str:
    places = ", ".join(["(?, ?, ?, ?, ?)"] * rows)
    return (
        f"WITH new (status, undone, last_seq, state, id) AS (VALUES {places})"  # noqa: S608
        f" UPDATE job SET {columns} FROM new WHERE job.id = new.id AND {condition}"
    )


PLAIN = "last_seq = new.last_seq, state = new.state"
WHOLE = f"status = new.status, undone = new.undone, {PLAIN}"


def insert_jobs(connection: sqlite3.Connection, jobs: Iterable[tuple[str, JobState]]) -> None:
    """Write new jobs, given as (owner, state), inside the caller's transaction."""
    connection.executemany(
        INSERT,
        [
            (
                user_id,
                state["batch_id"],
                state["document_id"],
                state["filename"],
                state["size"],
                state["sha256"],
                state["priority"],
                int(is_reported(state)),
                *_changing(state),
            )
            for user_id, state in jobs
        ],
    )


def update_jobs(connection: sqlite3.Connection, states: Iterable[JobState]) -> None:
    """Write the newer states of jobs inside the caller's transaction.

    Many rows go in one statement, for the reason that insert_events gives.
    """
    rows = [_changing(state) for state in states]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        values = [value for row in some for value in row]
        same = connection.execute(_update(PLAIN, SAME_STATUS, len(some)), values)
        if same.rowcount < len(some):
            connection.execute(_update(WHOLE, f"NOT ({SAME_STATUS})", len(some)), values)


def _changing(state: JobState) -> tuple[str, int, int, bytes, str]:
    return (
        state["status"],
        int(state["undone"]),
        state["last_seq"],
        orjson.dumps(state),
        state["job_id"],
    )


def set_priority(connection: sqlite3.Connection, job_id: str, priority: int) -> None:
    """Let the queue know a job's priority, inside the transaction of the event that says it."""
    connection.execute("UPDATE job SET priority = ? WHERE id = ?", (priority, job_id))


SOME_EVENTS = (
    "DELETE FROM event WHERE seq IN"
    " (SELECT seq FROM event WHERE job_id = ?1 ORDER BY seq LIMIT ?2)"
    " AND EXISTS (SELECT 1 FROM event WHERE job_id = ?1 LIMIT 1 OFFSET ?2)"
)
SOME = 5000


def delete_some_events(connection: sqlite3.Connection, job_id: str) -> bool:
    """Remove the oldest events of a long job that is about to be deleted; tell whether any went.

    A few at a time, since nothing is committed meanwhile. The last few stay: those of nearly every
    job go all at once with the job, so that nobody who listens meets a part of them.
    """
    return connection.execute(SOME_EVENTS, (job_id, SOME)).rowcount > 0


DELETIONS = (
    "DELETE FROM event WHERE job_id = ?1",
    "DELETE FROM share WHERE room = 'job:' || ?1",
    "DELETE FROM job WHERE id = ?1",  # checkpoints and questions go with it
)


def delete_job(connection: sqlite3.Connection, job_id: str) -> None:
    """Forget a job and its events, at the end of the transaction that says so."""
    for statement in DELETIONS:
        connection.execute(statement, (job_id,))


STATE = "SELECT user_id, state FROM job WHERE id = ?"


def read_state(connection: sqlite3.Connection, job_id: str) -> tuple[str, JobState] | None:
    """Return a job's owner and state; None when there is no such job."""
    row = connection.execute(STATE, (job_id,)).fetchone()
    return None if row is None else (row[0], orjson.loads(row[1]))


COLUMNS = (
    "SELECT id, batch_id, user_id, document_id, filename, size_bytes, sha256, status, undone,"
    " last_seq, state FROM job"
)


def _job(row: Any) -> JobRow:
    *plain, undone, last_seq, state = row
    return JobRow(*plain, bool(undone), last_seq, orjson.loads(state))  # type: ignore[call-arg]


def _jobs(rows: Iterable[Any]) -> list[JobRow]:
    return [_job(row) for row in rows]


async def get_job(db: Connection, job_id: str) -> JobRow | None:
    """Return the job, or None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (job_id,)))
    return _job(rows[0]) if rows else None


OWNER = "SELECT user_id, batch_id FROM job WHERE id = ?"


async def owner_of_job(db: Connection, job_id: str) -> tuple[str, str | None] | None:
    """Return whose job it is, and its batch; None when there is none with this id."""
    row = next(iter(await db.execute_fetchall(OWNER, (job_id,))), None)
    return None if row is None else (row[0], row[1])


async def list_jobs(
    db: Connection,
    *,
    user_id: str | None = None,
    batch_id: str | None = None,
    status: str | None = None,
    before_id: str | None = None,
    limit: int = 100,
) -> list[JobRow]:
    """Return at most `limit` jobs, newest first, narrowed by what is not None.

    before_id  only jobs older than this one: the cursor of the next page
    """
    # Found by the batch where there is one: its jobs are the fewest. `+` says not to look by that.
    narrow = "+" if batch_id is not None else ""
    wanted = {
        "batch_id = ?": batch_id,
        f"{narrow}user_id = ?": user_id,
        f"{narrow}status = ?": status,
        "id < ?": before_id,
    }
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    rows = list(
        await db.execute_fetchall(
            f"{COLUMNS} WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit)
        )
    )
    if len(rows) > PARSED_AT_ONCE:
        return await asyncio.to_thread(_jobs, rows)
    return _jobs(rows)


PLANS = """
    SELECT DISTINCT json_extract(CAST(state AS TEXT), '$.plan') FROM job WHERE batch_id = ?
"""


async def plans_in(db: Connection, batch_id: str) -> set[str]:
    """Return the plans by which the files of a batch are read; "" for one that is not known yet."""
    return {row[0] for row in await db.execute_fetchall(PLANS, (batch_id,))}


async def states_in(
    db: Connection, room: Room, before_id: str | None, *, limit: int
) -> list[JobState]:
    """Return a page of the states of a room's jobs, newest first; those older than `before_id`."""
    if room.kind == "job":
        job = await get_job(db, room.id)
        return [] if job is None or before_id is not None else [job.state]
    jobs = await list_jobs(
        db,
        user_id=room.id if room.kind == "user" else None,
        batch_id=room.id if room.kind == "batch" else None,
        before_id=before_id,
        limit=limit,
    )
    return [job.state for job in jobs]


SAME_FILE = (
    # Found by the hash, which few share; `+` says not to look by what many have.
    f"{COLUMNS} WHERE sha256 = ? AND +user_id = ? AND id <> ?"  # noqa: S608 - constants above
    " AND +status = 'completed' AND undone = 0"
    " AND NOT EXISTS (SELECT 1 FROM checkpoint WHERE job_id = job.id"
    f" AND step IN ('{UNDO}', '{DELETE}'))"
    " ORDER BY id"
)


async def find_same_file(
    db: Connection, user_id: str, sha256: str, not_job_id: str
) -> JobRow | None:
    """Return the user's first completed job on the same bytes that stored them and still stands.

    Jobs that were undone or are being undone do not count, nor those that were themselves skipped
    as duplicates.
    """
    for row in await db.execute_fetchall(SAME_FILE, (sha256, user_id, not_job_id)):
        job = _job(row)
        if not (job.state["result"] or {}).get("duplicate_of"):
            return job
    return None


async def stored_hashes(db: Connection) -> set[str]:
    """Return the hash of every file that a job or a deposit refers to."""
    found = await db.execute_fetchall(
        "SELECT sha256 FROM job WHERE sha256 <> '' UNION SELECT sha256 FROM deposit"
    )
    return {row[0] for row in found}  # what is reported from outside has no file


REFERRED = """
    SELECT EXISTS (SELECT 1 FROM job WHERE sha256 = ?1)
        OR EXISTS (SELECT 1 FROM deposit WHERE sha256 = ?1)
"""


async def is_referred_to(db: Connection, sha256: str) -> bool:
    """Tell whether any job or deposit refers to the file with this hash."""
    rows = list(await db.execute_fetchall(REFERRED, (sha256,)))
    return bool(rows[0][0])
