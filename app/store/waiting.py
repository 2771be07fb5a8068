"""What the runner asks of the tables: who is next, and which batches have ended untold."""

import orjson
from aiosqlite import Connection

from app.core.queueing import Waiting
from app.store.checkpoints import DELETE, IN_HAND, TAKE_BACK, UNDO

# Rows are numbered as jobs come: what happens to one that waits does not send it to the end.
NEXT = """
    SELECT user_id, id FROM (
        SELECT user_id, id, rowid AS came, row_number() OVER (
            PARTITION BY user_id ORDER BY status = 'pending', priority DESC, rowid
        ) AS place
        FROM job
        WHERE status IN ('pending', 'processing') AND reported = 0
            AND id NOT IN (SELECT value FROM json_each(?))
    ) WHERE place = 1 ORDER BY came
"""


async def next_jobs(db: Connection, without: list[str]) -> dict[str, str]:
    """Return for each user the job to do next, in the order in which these came.

    What was begun before comes first, then by priority, then what came first.

    without  ids of jobs that are being worked on
    """
    rows = await db.execute_fetchall(NEXT, (orjson.dumps(without).decode(),))
    return {row[0]: row[1] for row in rows}


LINE = """
    SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY priority DESC, rowid), size_bytes
    FROM job
    WHERE status = 'pending' AND reported = 0
"""


async def line(db: Connection) -> list[Waiting]:
    """Return every job that waits for its turn, with its place among those of its owner."""
    return [Waiting(*row) for row in await db.execute_fetchall(LINE)]


# The newest event of these kinds says whether the end of a batch was told since a job ended last.
LAST_END = """
    SELECT type FROM event
    WHERE batch_id = ?1
        AND type IN (
            'batch_completed', 'processing_completed', 'processing_failed', 'job_cancelled'
        )
    ORDER BY seq DESC LIMIT 1
"""
STILL_OPEN = """
    SELECT 1 FROM job
    WHERE batch_id = ?1 AND status NOT IN ('completed', 'error', 'cancelled')
    UNION ALL SELECT 1 FROM upload WHERE batch_id = ?1 AND job_id IS NULL AND expires_ms >= ?2
    LIMIT 1
"""
IS_UNTOLD = f"({LAST_END}) <> 'batch_completed' AND NOT EXISTS ({STILL_OPEN})"
"""NULL for a batch of whose ends the log holds none any more. ?1 is its id, ?2 as `awaited_ms`."""
ENDED_UNTOLD = f"""
    SELECT id FROM batch WHERE {IS_UNTOLD.replace("?1", "batch.id").replace("?2", "?1")}
    ORDER BY id
"""  # noqa: S608 - a constant above


async def batch_has_ended_untold(db: Connection, batch_id: str, awaited_ms: int) -> bool:
    """Tell whether every job of the batch has ended and nothing has said so since.

    A batch to which a file is still on its way has not ended.

    awaited_ms  an upload that is kept until then, or longer, is on its way; any other is not waited
                for: see awaited_ms() of uploads.py
    """
    if list(await db.execute_fetchall(STILL_OPEN, (batch_id, awaited_ms))):
        return False
    rows = list(await db.execute_fetchall(LAST_END, (batch_id,)))
    return bool(rows) and rows[0][0] != "batch_completed"


async def batches_ended_untold(db: Connection, awaited_ms: int) -> list[str]:
    """Return the batches whose end was not told, because the server died just before."""
    return [row[0] for row in await db.execute_fetchall(ENDED_UNTOLD, (awaited_ms,))]


# The condition of the partial index, word for word, so that it is used.
IS_MARK = f"step IN ('{UNDO}', '{TAKE_BACK}', '{DELETE}', '{IN_HAND}')"
UNDOS_BEGUN = f"""
    SELECT id FROM checkpoint CROSS JOIN job ON job.id = checkpoint.job_id
    WHERE step = '{UNDO}' AND {IS_MARK} AND +status = 'completed' AND undone = 0
    ORDER BY id
"""  # noqa: S608 - constants above


async def undos_begun(db: Connection) -> list[str]:
    """Return the jobs whose rows were being taken back when the server died."""
    return [row[0] for row in await db.execute_fetchall(UNDOS_BEGUN)]


MAY_GO_ON = """
    SELECT id FROM job
    WHERE id IN (SELECT value FROM json_each(?))
        AND (
            status NOT IN ('completed', 'cancelled', 'error')
            OR (status = 'error' AND json_extract(CAST(state AS TEXT), '$.error.retryable'))
        )
"""


async def those_that_may_go_on(db: Connection, job_ids: list[str]) -> set[str]:
    """Return which of these jobs have not ended, or failed in a way that can be tried again."""
    rows = await db.execute_fetchall(MAY_GO_ON, (orjson.dumps(job_ids).decode(),))
    return {row[0] for row in rows}


JOBS_WITH = f"SELECT job_id FROM checkpoint WHERE step = ? AND {IS_MARK} ORDER BY job_id"  # noqa: S608


async def jobs_with(db: Connection, mark: str) -> list[str]:
    """Return the jobs that have the mark `mark` in place of a step."""
    return [row[0] for row in await db.execute_fetchall(JOBS_WITH, (mark,))]


STEERED = """
    SELECT id FROM job
    WHERE status IN ('pending', 'processing', 'paused', 'waiting')
        AND json_extract(CAST(state AS TEXT), '$.steering') IS NOT NULL
    ORDER BY id
"""


async def steered(db: Connection) -> list[str]:
    """Return the jobs of which something was asked that was not done when the server died."""
    return [row[0] for row in await db.execute_fetchall(STEERED)]
