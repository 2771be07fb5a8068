"""How a job ends: its last event, what that says, and what is written with it."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.core.errors import AppError
from app.core.events import ErrorInfo, Event, ProcessingCompleted, ProcessingFailed
from app.core.messages import friendly_message
from app.core.quantities import took
from app.core.state import JobState
from app.core.times import ms_from_iso
from app.pipeline.shop import Shop
from app.pipeline.step_progress import JobInHand
from app.pipeline.steps.duplicate_check import found_before
from app.pipeline.steps.likeness import ended_alike, told_of_likeness
from app.pipeline.steps.result import duplicate_result, fields_read, result_of
from app.store.checkpoints import IN_HAND, drop_checkpoints
from app.store.clarifications import close_questions

logger = logging.getLogger(__name__)

Also = Callable[[sqlite3.Connection], None]


async def write_end(shop: Shop, job_id: str, *drafts: Event, also: Also | None = None) -> None:
    """Append the job's last events, in one transaction with what `also` writes.

    Questions that are still open are closed, and secret answers erased.
    """

    def write(connection: sqlite3.Connection) -> None:
        if also is not None:
            also(connection)
        close_questions(connection, job_id)

    await shop.journal.append(*drafts, also=write)


async def completed(
    shop: Shop,
    hand: JobInHand,
    found: Mapping[str, dict[str, Any]],
    earlier: JobState | None = None,
) -> ProcessingCompleted:
    """Return the last event of a job that came to the end of its plan.

    found    its checkpoints
    earlier  the job that has stored the same already
    """
    took_ms = await _took_ms(shop, hand.id)
    facts = {"filename": hand.filename, "took": took(took_ms)}
    words, result = friendly_message("complete", facts), result_of(hand.id, found)
    if earlier is not None:
        likeness = found.get("likeness", {})
        said = ended_alike(likeness) if likeness else found_before(earlier)
        words = friendly_message(said.step, {**facts, **said.context})
        result = {**duplicate_result(hand.id, earlier), **told_of_likeness(likeness)}
        if likeness:  # what it says is stored nowhere else, and stands beside the other's
            result["fields"] = fields_read(found)
    return ProcessingCompleted(
        job_id=hand.id,
        step="complete",
        progress=100.0,
        message=words,
        result=result,
        duration_ms=took_ms,
    )


async def write_failure(shop: Shop, hand: JobInHand, error: AppError) -> None:
    """Write that the job failed. What can be tried again keeps its checkpoints."""
    info = ErrorInfo(**error.body(hand.step))
    logger.info("job failed: job=%s step=%s code=%s", hand.id, hand.step, info.code)
    draft = ProcessingFailed(
        job_id=hand.id,
        stage=hand.plan.stage_of(hand.step).key,
        step=hand.step,
        message=friendly_message("error", {"reason": info.title}),
        error=info,
        duration_ms=await _took_ms(shop, hand.id),
    )
    steps = (IN_HAND, *(() if info.retryable else hand.plan.step_keys))
    also = partial(drop_checkpoints, job_id=hand.id, steps=steps)
    await write_end(shop, hand.id, draft, also=also)


async def _took_ms(shop: Shop, job_id: str) -> int:
    state = await shop.journal.state(job_id)
    if state is None or state["started_at"] is None:
        return 0
    return max(0, time.time_ns() // 1_000_000 - ms_from_iso(state["started_at"]))
