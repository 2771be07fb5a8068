"""Taking back what a job stored: of one that was cancelled, that failed, or that is undone."""

from functools import partial

from app.core.events import JobCancelled, JobUndone
from app.core.messages import friendly_message
from app.core.plans import Plan
from app.pipeline.again import first_open
from app.pipeline.ends import write_end
from app.pipeline.shop import Shop, limits_for, task_for
from app.pipeline.worker import Heard
from app.store.checkpoints import (
    IN_HAND,
    TAKE_BACK,
    UNDO,
    checkpoints_of,
    drop_checkpoints,
    put_checkpoint,
)
from app.store.jobs import JobRow


async def take_back(shop: Shop, row: JobRow) -> int:
    """Take back whatever the job stored, and tell nobody; return how many rows that were.

    Raises what stopped the worker.
    """
    task = await task_for(shop, row)
    async with shop.records_turn:
        gone = await shop.workers.run(
            shop.readers["undo"], task, limits_for(shop.settings, records=True), _ignore
        )
    return int(gone.get("rows", 0))


async def forget_stored(shop: Shop, row: JobRow, plan: Plan) -> None:
    """Take back the rows of a job that has not ended well, where it may have stored any."""
    found = await checkpoints_of(shop.database.reader, row.id)
    # A server that died may have stored them without a checkpoint that says so.
    if TAKE_BACK in found or first_open(plan, found) in plan.storing_steps:
        # Dropped first: should the server die in between, the rows are stored again.
        await drop(shop, row.id, plan.storing_steps)
        await take_back(shop, row)
        await drop(shop, row.id, (TAKE_BACK,))


async def cancel(shop: Shop, row: JobRow, plan: Plan, by: str) -> None:
    """End a job that nobody works on as cancelled, and take back what it stored."""
    if not row.reported:
        await forget_stored(shop, row, plan)
    words = friendly_message("cancelled_outside" if row.reported else "cancelled")
    draft = JobCancelled(job_id=row.id, by=by, message=words)
    steps = (IN_HAND, *plan.step_keys)
    await write_end(shop, row.id, draft, also=partial(drop_checkpoints, job_id=row.id, steps=steps))


async def undo(shop: Shop, row: JobRow, by: str) -> int:
    """Take back what a completed job stored; return how many rows that were.

    What was begun is noted first: should the server die in between, the next start ends it.
    """
    found = await checkpoints_of(shop.database.reader, row.id)
    begun = found.get(UNDO)
    if begun is None:
        note = partial(put_checkpoint, job_id=row.id, step=UNDO, found={"by": by}, took_ms=0)
        await shop.database.writer.run(note)
    else:
        by = begun["by"]
    rows = await take_back(shop, row)
    if begun is not None and not rows:  # they were gone when it was broken off
        rows = int(found.get("storing", {}).get("stored", 0))
    message = friendly_message("undone", {"filename": row.filename, "rows": rows})
    await shop.journal.append(
        JobUndone(job_id=row.id, by=by, rows=rows, message=message),
        also=partial(drop_checkpoints, job_id=row.id, steps=(UNDO,)),
    )
    return rows


async def drop(shop: Shop, job_id: str, steps: tuple[str, ...]) -> None:
    """Forget what these steps found."""
    await shop.database.writer.run(partial(drop_checkpoints, job_id=job_id, steps=steps))


async def _ignore(said: Heard) -> None:
    """Taking back has nothing to tell on the way."""
