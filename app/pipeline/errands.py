"""Errands: readers that are run because somebody asked, not because a plan has come to them."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.ids import uuid7
from app.core.reading import Task
from app.pipeline.shop import Shop, limits_for, reader_limits
from app.pipeline.worker import Heard
from app.store.jobs import JobRow

SHOWN_WITHIN_S = 30.0  # somebody waits for it, and others behind

Take = Callable[[Path], Awaitable[None]]
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
    task = _task_for(shop, user_id, options)
    async with _folder_of(task):
        return await shop.workers.run(
            target, task, limits_for(shop.settings, records=True), _unheard
        )


async def run_look_into(
    shop: Shop, row: JobRow, target: str, options: Mapping[str, Any], take: Take
) -> dict[str, Any]:
    """Run `target` on a job's file, beside jobs and without records.db.

    take  is given the folder in which it left its work, before that goes away

    Raises also StepTimeout past SHOWN_WITHIN_S.
    """
    task = _task_for(shop, row.user_id, options)
    task["filename"], task["size"], task["sha256"] = row.filename, row.size_bytes, row.sha256
    task["path"] = str(shop.path_of(row.sha256).absolute())
    async with _folder_of(task) as work_dir:
        limits = limits_for(shop.settings, records=False)
        limits = replace(limits, timeout_s=min(limits.timeout_s, SHOWN_WITHIN_S))
        found = await shop.workers.run(target, task, limits, _unheard)
        await take(work_dir)
        return found


def _task_for(shop: Shop, user_id: str, options: Mapping[str, Any]) -> Task:
    name = f"errand-{uuid7(time.time_ns() // 1_000_000, os.urandom(10))}"
    return Task(
        job_id=name,
        user_id=user_id,
        filename="what you asked for",
        size=0,
        sha256="",
        path="",
        work_dir=str((shop.settings.work_dir / name).absolute()),
        records_path=str(shop.settings.records_path.absolute()),
        limits=reader_limits(shop.settings),
        options=dict(options),
        found={},
        answers={},
    )


@asynccontextmanager
async def _folder_of(task: Task) -> AsyncIterator[Path]:
    """The task's folder, which goes away at the end."""
    work_dir = Path(task["work_dir"])
    await asyncio.to_thread(work_dir.mkdir, parents=True)
    try:
        yield work_dir
    finally:
        await asyncio.to_thread(shutil.rmtree, work_dir, ignore_errors=True)


async def _unheard(said: Heard) -> None:
    """Whoever asked waits for the answer alone."""
