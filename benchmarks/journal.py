"""How many events a second become durable, beside plain sqlite3 doing the same writes.

The limit runs the very statements of the journal (the events and the folded states of their jobs,
synchronous=FULL, the same number in a transaction), with everything computed beforehand.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
import uvloop

from app.core.events import BatchCreated, JobCreated, ProcessingProgress
from app.core.plans import TRANSACTIONS
from app.core.rooms import Room
from app.core.state import JobState, fold
from app.live.journal import Journal
from app.store.batches import BatchRow, insert_batch
from app.store.database import Database
from app.store.events import Recorded, insert_events, read_room
from app.store.jobs import update_jobs
from app.store.writer import connect_writer
from benchmarks.figures import Beside, Figure, median

USER = "01900000-0000-7000-8000-00000000000a"
BATCH = "01900000-0000-7000-8000-00000000000b"
JOBS = 100
# (appenders at once, events in each of their appends): one reader; many readers; reporting workers
LOADS = ((1, 1), (20, 1), (200, 1), (4, 100), (12, 250))


def run(*, quick: bool) -> list[Figure]:
    """Measure a few ways of appending; rounds of ours and of the limit, interleaved."""
    rounds = 3 if quick else 5
    figures = []
    for appenders, size in LOADS:
        events = min(20_000, 1_000 * appenders * size)
        ours, limits, sizes = [], [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
                rate, recorded, commits = uvloop.run(
                    through_journal(Path(folder), appenders, size, events)
                )
                ours.append(rate)
                sizes.append(len(recorded) / commits)
                limits.append(plainly(Path(folder), recorded, round(len(recorded) / commits)))
        ratio = median(ours) / median(limits)
        figures.append(
            Figure(
                bench="journal",
                what=f"durable events: {appenders} × {size} at once, {median(sizes):.0f} a commit",
                value=median(ours),
                unit="events/s",
                beside=(Beside(median(limits), "plain sqlite3, same rows and batches"),),
                aim="at least 0.7 of the limit",
                met=ratio >= 0.7,
            )
        )
    return figures


def job_id(number: int) -> str:
    """Return the id of one of the jobs written to."""
    return f"01900000-0000-7000-8000-{number:012d}"


async def through_journal(
    folder: Path, appenders: int, size: int, events: int
) -> tuple[float, list[Recorded], int]:
    """Return events a second, the events, and the number of commits they took."""
    database = await Database.open(folder / "journal.db")
    async with Journal(database, lambda events: None) as journal:
        await create_jobs(journal)
        first, commits = journal.head, journal.sizes.count

        drafts = [
            [
                [progress((number + n) % JOBS, done) for n in range(size)]
                for done in range(events // appenders // size)
            ]
            for number in range(appenders)
        ]

        async def appending(number: int) -> None:
            for some in drafts[number]:
                await journal.append(*some)

        began = time.perf_counter()
        await asyncio.gather(*(appending(number) for number in range(appenders)))
        took = time.perf_counter() - began
        commits = journal.sizes.count - commits
    told = await read_room(database.reader, Room("all"), first, journal.head, events)
    await database.close()
    return len(told) / took, told, commits


async def create_jobs(journal: Journal, user_id: str = USER) -> None:
    """Put the jobs that are written to into the log."""
    await journal.append(
        BatchCreated(batch_id=BATCH, jobs=JOBS, message="100 files are here and safe"),
        *(
            JobCreated(
                job_id=job_id(number),
                batch_id=BATCH,
                filename="expenses.csv",
                size=1_024_000,
                plan=TRANSACTIONS.describe(),
                message="expenses.csv is here and safe",
                status="completed",  # nobody is to work on it
            )
            for number in range(JOBS)
        ),
        user_id=user_id,
        also=lambda connection: insert_batch(connection, BatchRow(BATCH, user_id, "", {}, 0)),
    )


def progress(number: int, done: int) -> ProcessingProgress:
    """Return a progress event as a reader reports it."""
    return ProcessingProgress(
        job_id=job_id(number),
        stage="parsing",
        step="extracting",
        progress=45.5,
        message="Reading through your data: 150 of 500 rows...",
        estimated_time_remaining=12,
        details={"processed": done, "total": 500, "errors": 2, "filename": "expenses.csv"},
    )


def plainly(folder: Path, recorded: Sequence[Recorded], size: int) -> float:
    """Return events a second for the same rows, `size` in a transaction, without Livetrail."""
    source = connect_writer(folder / "journal.db")
    states: dict[str, JobState] = {
        row[0]: orjson.loads(row[1])
        for row in source.execute(
            "SELECT job_id, body FROM event WHERE type = 'job_created'"
        ).fetchall()
    }
    states = {key: fold(None, body) for key, body in states.items()}
    setup = source.execute(
        "SELECT seq, user_id, batch_id, job_id, n, type, body FROM event"
    ).fetchmany(JOBS + 1)
    target = connect_writer(folder / "plain.db")
    target.executescript(
        "\n".join(
            f"{row[0]};"
            for row in source.execute(
                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            )
        )
    )
    target.execute("ATTACH ? AS source", (str(folder / "journal.db"),))
    target.execute("INSERT INTO main.job SELECT * FROM source.job")
    insert_events(target, [Recorded(*row) for row in setup])
    target.execute("DETACH source")
    source.close()
    batches: list[tuple[list[Recorded], list[JobState]]] = []
    for start in range(0, len(recorded), size):
        chunk = list(recorded[start : start + size])
        changed: dict[str, JobState] = {}
        for event in chunk:
            if event.job_id is not None:
                states[event.job_id] = fold(states[event.job_id], orjson.loads(event.body))
                changed[event.job_id] = states[event.job_id]
        batches.append((chunk, list(changed.values())))
    began = time.perf_counter()
    for chunk, new_states in batches:
        target.execute("BEGIN IMMEDIATE")
        update_jobs(target, new_states)
        insert_events(target, chunk)
        target.execute("COMMIT")
    took = time.perf_counter() - began
    target.close()
    return len(recorded) / took
