"""Errands: readers that are run because somebody asked, not because a plan has come to them."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.core.ids import uuid7
from app.core.reading import Task
from app.pipeline.shop import Shop, limits_for, reader_limits
from app.pipeline.workers import Heard

RunErrand = Callable[[Shop, str, str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


async def run_errand(
    shop: Shop, user_id: str, target: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Run `target` ("module:function") in a worker when no job works on the database of rows.

    It is given a task without a file: `options`, the user, records.db, and a folder of its own,
    which is empty and goes away with it. Raises what it raises, and what stopped its worker.
    """
    async with shop.records_turn:
        return await run_look(shop, user_id, target, options)


async def run_look(
    shop: Shop, user_id: str, target: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The same beside jobs, for what only reads, or writes next to nothing at its very end."""
    name = f"errand-{uuid7(time.time_ns() // 1_000_000, os.urandom(10))}"
    work_dir = shop.settings.work_dir / name
    task = Task(
        job_id=name,
        user_id=user_id,
        filename="what you asked for",
        size=0,
        sha256="",
        path="",
        work_dir=str(work_dir.absolute()),
        records_path=str(shop.settings.records_path.absolute()),
        limits=reader_limits(shop.settings),
        options=dict(options),
        found={},
        answers={},
    )
    await asyncio.to_thread(work_dir.mkdir, parents=True)
    try:
        return await shop.workers.run(
            target, task, limits_for(shop.settings, records=True), _unheard
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, work_dir, ignore_errors=True)


async def _unheard(said: Heard) -> None:
    """Whoever asked waits for the answer alone."""
