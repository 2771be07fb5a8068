"""A background task that has an owner: it ends with its owner, and its death is heard."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running(
    job: Coroutine[Any, Any, None], *, name: str
) -> AsyncIterator[asyncio.Task[None]]:
    """Run `job` beside the body; at the end cancel it, wait for it, and raise what killed it.

    An early death is logged the moment it happens.
    """
    task = asyncio.create_task(job, name=name)
    task.add_done_callback(report_death)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])  # which tells its cancellation from one of whoever waits here
        if not task.cancelled():
            task.result()


async def finished(job: Coroutine[Any, Any, T]) -> T:
    """Run `job` and return its result. Cancelling takes effect only once the job has ended."""
    task = asyncio.create_task(job)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait({task})


def report_death(task: asyncio.Task[None]) -> None:
    """Log the early end of a task. To be added to it as a callback; a cancelled one is silent."""
    if not task.cancelled() and task.exception() is not None:
        logger.error("background task died: task=%s", task.get_name(), exc_info=task.exception())
