"""Checkpoints: what a finished step found, so that nothing is done twice after a crash."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson
from aiosqlite import Connection

UNDO = "undo"
"""In place of a step: taking back has begun. It stands until `job_undone` is written."""
TAKE_BACK = "take_back"
"""In place of a step: what an earlier attempt stored is taken back before the next one begins."""
DELETE = "delete"
"""In place of a step: the job is being deleted, with everything that came of it."""
IN_HAND = "in_hand"
"""In place of a step: one is being done. It stands from its start until it is over in any way, so
that whoever finds it knows that a server died meanwhile. `deaths` counts the ones before."""

PUT = (
    "INSERT INTO checkpoint (job_id, step, found, took_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET found = excluded.found, took_ms = excluded.took_ms"
)


def put_checkpoint(
    connection: sqlite3.Connection, job_id: str, step: str, found: dict[str, Any], took_ms: int
) -> None:
    """Keep what `step` found, inside the caller's transaction."""
    connection.execute(PUT, (job_id, step, orjson.dumps(found).decode(), took_ms))


def drop_checkpoints(connection: sqlite3.Connection, job_id: str, steps: Iterable[str]) -> None:
    """Forget what `steps` found, so that they are done again."""
    connection.executemany(
        "DELETE FROM checkpoint WHERE job_id = ? AND step = ?", [(job_id, step) for step in steps]
    )


async def checkpoints_of(db: Connection, job_id: str) -> dict[str, dict[str, Any]]:
    """Return what each finished step of the job found."""
    rows = await db.execute_fetchall(
        "SELECT step, found FROM checkpoint WHERE job_id = ?", (job_id,)
    )
    return {row[0]: orjson.loads(row[1]) for row in rows}
