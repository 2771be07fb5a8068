"""What every job in hand shares, and what its readers are given."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.model_names import chosen_among, model_names
from app.core.plans import Plan
from app.core.reading import Limits as ReaderLimits
from app.core.reading import Task
from app.pipeline.answers import Deadlines
from app.pipeline.patient import PatientJournal
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.questions import Recall
from app.pipeline.rates import Rates
from app.pipeline.step_progress import StepProgress
from app.pipeline.steps.work import Work
from app.pipeline.worker import Hear, Limits
from app.pipeline.workers import Workers
from app.settings import GIB, Settings
from app.store.batches import get_batch
from app.store.checkpoints import checkpoints_of
from app.store.clarifications import answers_of, defaults_of, learned_from
from app.store.database import Database
from app.store.jobs import JobRow

ServerStep = Callable[[Task, Hear], Awaitable[dict[str, Any]]]

LARGEST_WORK_FILE_BYTES = 8 * GIB


@dataclass(frozen=True, slots=True)
class Shop:
    """What every job needs.

    readers       by step, and "undo": the dotted name of the function that does it
    server_steps  steps that wait for something else than a file, by step: they run in the server,
                  and are given the task and where to tell
    path_of       where the file with this SHA-256 is stored
    records_turn  held by the one job that works on the database of rows
    heavy_turn    held by each job whose step keeps a core and much memory busy
    steps         every step there is, those of plugins too
    plugins       what was added to the plans
    recall        what people's answers to earlier questions were, see questions.Recall
    deadlines     is told when something was asked
    """

    settings: Settings
    database: Database
    journal: PatientJournal
    report: StepProgress
    workers: Workers
    readers: Mapping[str, str]
    server_steps: Mapping[str, ServerStep]
    path_of: Callable[[str], Path]
    records_turn: asyncio.Lock
    heavy_turn: asyncio.Semaphore
    rates: Rates
    recall: Recall
    deadlines: Deadlines
    steps: Mapping[str, Work]
    plugins: Plugins


async def task_for(shop: Shop, row: JobRow) -> Task:
    """Return what the readers of the job's next step are given; its working folder exists."""
    settings, reader = shop.settings, shop.database.reader
    batch = await get_batch(reader, row.batch_id) if row.batch_id else None
    work_dir = settings.work_dir / row.id
    await asyncio.to_thread(work_dir.mkdir, parents=True, exist_ok=True)
    return Task(
        job_id=row.id,
        user_id=row.user_id,
        filename=row.filename,
        size=row.size_bytes,
        sha256=row.sha256,
        path=str(shop.path_of(row.sha256).absolute()),
        work_dir=str(work_dir.absolute()),
        records_path=str(settings.records_path.absolute()),
        limits=reader_limits(settings),
        options=options_for(settings, batch.options if batch else {}),
        found=await checkpoints_of(reader, row.id),
        answers=await answers_of(reader, row.id),
        defaults=await defaults_of(reader, row.id),
        learned=await learned_from(reader, row.id),
        claims=[part.model_dump(mode="json") for part in shop.plugins.of("reader")],
    )


async def plan_of(shop: Shop, row: JobRow) -> Plan:
    """Return the plan that the job goes by, with what plugins add, as soon as that is known."""
    plugins = await shop.plugins.known()
    found = await checkpoints_of(shop.database.reader, row.id)
    return plugins.plan(row.state["plan"], found)


def options_for(settings: Settings, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an upload asked for, and the settings where it did not.

    models  full names, only ones that are configured: an upload can choose fewer, never others
    """
    wanted, threshold = asked.get("models"), asked.get("confidence_threshold")
    chosen = chosen_among(model_names(settings.models), wanted)
    return {
        **asked,
        "models": [model.name for model in chosen],
        "confidence_threshold": settings.confidence_threshold if threshold is None else threshold,
    }


def reader_limits(settings: Settings) -> ReaderLimits:
    """Return what a reader must not exceed."""
    return ReaderLimits(
        max_rows=settings.max_rows,
        max_columns=settings.max_columns,
        max_line_bytes=settings.max_line_bytes,
        max_unpacked_bytes=settings.max_unpacked_bytes,
        max_unpack_ratio=settings.max_unpack_ratio,
        max_archive_files=settings.max_archive_files,
        max_archive_depth=settings.max_archive_depth,
        max_pages=settings.max_pages,
        max_ocr_pages=settings.max_ocr_pages,
        max_image_pixels=settings.max_image_pixels,
    )


def limits_for(settings: Settings, *, records: bool) -> Limits:
    """Return what a worker may use.

    records  it writes the database of rows, whose size has no limit here
    """
    return Limits(
        timeout_s=settings.step_timeout_s,
        memory_bytes=settings.worker_memory_bytes,
        file_bytes=None if records else LARGEST_WORK_FILE_BYTES,
        records=records,
    )
