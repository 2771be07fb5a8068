"""The log: committed before it is told, whole or not at all, and there after any death."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from app.core.errors import StorageFull
from app.core.events import (
    BatchCompleted,
    BatchCreated,
    JobCreated,
    JobDeleted,
    ProcessingProgress,
)
from app.core.plans import TRANSACTIONS
from app.core.rooms import Room
from app.core.state import fold_all
from app.live.journal import BACKLOG_AT_MOST, COMMIT_AT_MOST, TOLD_AT_ONCE, Journal
from app.store.batches import BatchRow, insert_batch
from app.store.database import Database, DatabaseTooNew
from app.store.events import Recorded, read_job, read_room
from app.store.jobs import SOME, delete_some_events, get_job
from tests.patience import LONGEST_S

USER = "01900000-0000-7000-8000-00000000000a"
BATCH = "01900000-0000-7000-8000-00000000000b"


def job_id(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012d}"


def progress(number: int, done: float = 10.0) -> ProcessingProgress:
    return ProcessingProgress(
        job_id=job_id(number), stage="parsing", step="extracting", progress=done, message="..."
    )


@asynccontextmanager
async def a_journal(
    path: Path, told: list[Recorded] | None = None
) -> AsyncIterator[tuple[Journal, Database]]:
    database = await Database.open(path)
    try:
        heard: list[Recorded] = [] if told is None else told
        async with Journal(database, heard.extend) as journal:
            yield journal, database
    finally:
        await database.close()


async def create(journal: Journal, jobs: int) -> list[Recorded]:
    batch = BatchRow(BATCH, USER, "March close", {}, 0)
    return await journal.append(
        BatchCreated(batch_id=BATCH, jobs=jobs, message="..."),
        *(
            JobCreated(
                job_id=job_id(number),
                batch_id=BATCH,
                filename=f"{number}.csv",
                size=1,
                plan=TRANSACTIONS.describe(),
                message="...",
            )
            for number in range(jobs)
        ),
        user_id=USER,
        also=lambda connection: insert_batch(connection, batch),
    )


async def test_an_event_is_on_the_disk_before_anybody_hears_it(tmp_path: Path) -> None:
    path = tmp_path / "livetrail.db"
    seen_by_another_connection: list[bool] = []

    def look(events: Sequence[Recorded]) -> None:
        with sqlite3.connect(path) as other:
            stored = dict(other.execute("SELECT seq, body FROM event").fetchall())
        seen_by_another_connection.extend(stored[e.seq] == e.body for e in events)

    database = await Database.open(path)
    async with Journal(database, look) as journal:
        await create(journal, 3)
        await asyncio.gather(*(journal.append(progress(n % 3)) for n in range(50)))
    await database.close()
    assert seen_by_another_connection == [True] * 54


async def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (_, database):
        level = await database.writer.run(lambda c: c.execute("PRAGMA synchronous").fetchone()[0])
        assert level == 2  # FULL


async def test_events_are_told_in_order_and_numbered_without_a_hole(tmp_path: Path) -> None:
    told: list[Recorded] = []
    async with a_journal(tmp_path / "l.db", told) as (journal, _):
        await create(journal, 5)
        await asyncio.gather(*(journal.append(progress(n % 5), progress(n % 5)) for n in range(99)))
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    for number in range(5):
        own = [event.n for event in told if event.job_id == job_id(number)]
        assert own == list(range(1, len(own) + 1))


async def test_many_appends_share_a_commit(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, _):
        await create(journal, 1)
        before = journal.sizes.count
        await asyncio.gather(*(journal.append(progress(0)) for _ in range(COMMIT_AT_MOST * 3)))
        assert journal.sizes.count - before < 20


async def test_thousands_of_events_of_one_caller_are_told_by_turns_and_nothing_between_them(
    tmp_path: Path,
) -> None:
    told: list[list[int]] = []
    turns: list[int] = []  # of the loop, in which each part was told
    turn = 0
    database = await Database.open(tmp_path / "l.db")

    def hear(events: Sequence[Recorded]) -> None:
        told.append([event.seq for event in events])
        turns.append(turn)

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with Journal(database, hear) as journal:
        await create(journal, 2)
        told.clear()
        turns.clear()
        counting = asyncio.create_task(count())
        many = asyncio.create_task(journal.append(*[progress(0)] * (2 * TOLD_AT_ONCE + 1)))
        await asyncio.sleep(0)
        await journal.append(progress(1))
        assert journal.head == told[-1][-1]
        assert len(await many) == 2 * TOLD_AT_ONCE + 1
        counting.cancel()
    await database.close()
    assert [len(part) for part in told] == [TOLD_AT_ONCE, TOLD_AT_ONCE, 1, 1]
    assert [seq for part in told for seq in part] == [*range(4, 2 * TOLD_AT_ONCE + 6)]
    assert len(set(turns)) == len(turns)


class Crowd:
    """An audience to which telling takes long: it says when all have heard."""

    takes_long = True

    def __init__(self) -> None:
        self.waits: asyncio.Queue[Callable[[], None]] = asyncio.Queue()

    def when_told(self, then: Callable[[], None]) -> None:
        self.waits.put_nowait(then)


async def test_a_crowd_has_heard_one_part_before_the_next_is_told(tmp_path: Path) -> None:
    told: list[Recorded] = []
    async with a_journal(tmp_path / "l.db", told) as (journal, _), asyncio.timeout(60):
        await create(journal, 1)
        told.clear()
        crowd = journal.audience = Crowd()
        many = asyncio.create_task(journal.append(*[progress(0)] * (TOLD_AT_ONCE + 1)))
        next_part = await crowd.waits.get()
        assert len(told) == TOLD_AT_ONCE
        behind = asyncio.create_task(journal.append(progress(0, 20.0)))
        assert not many.done()
        next_part()
        assert len(told) == len(await many) == TOLD_AT_ONCE + 1
        (await crowd.waits.get())()
        (await crowd.waits.get())()
        assert told[-1] == (await behind)[0]


async def test_nothing_is_written_of_a_job_that_is_deleted_just_now(tmp_path: Path) -> None:
    told: list[Recorded] = []
    async with a_journal(tmp_path / "l.db", told) as (journal, database):
        await create(journal, 2)
        gone = JobDeleted(batch_id=BATCH, deleted=job_id(0), by="ann", message="...")
        # Three transactions at most: what comes in one turn of the loop shares some of them.
        before, *_, after = await asyncio.gather(
            journal.append(progress(0)),
            *(journal.append(progress(1)) for _ in range(3)),
            journal.append(gone, user_id=USER),
            *(journal.append(progress(0)) for _ in range(5)),
            return_exceptions=True,
        )
        assert isinstance(before, list)
        assert isinstance(after, ValueError)
        assert await journal.state(job_id(0)) is None
        assert await read_job(database.reader, job_id(0)) == []
    place = next(event.seq for event in told if event.type == "job_deleted")
    assert [event.seq for event in told if event.job_id == job_id(0) and event.seq > place] == []


async def test_only_of_a_long_job_some_events_go_before_it_does(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, database):
        await create(journal, 2)
        await journal.append(*[progress(1)] * SOME)

        async def some_went(number: int) -> bool:
            return await database.writer.run(partial(delete_some_events, job_id=job_id(number)))

        assert [await some_went(0), await some_went(1), await some_went(1)] == [False, True, False]
        assert len(await read_job(database.reader, job_id(0))) == 1
        assert len(await read_job(database.reader, job_id(1))) == 1


async def test_a_journal_that_closes_tells_thousands_to_their_end(tmp_path: Path) -> None:
    told: list[Recorded] = []
    async with a_journal(tmp_path / "l.db", told) as (journal, _):
        await create(journal, 1)
        writing = asyncio.create_task(journal.append(*[progress(0)] * (2 * TOLD_AT_ONCE + 1)))
        await asyncio.sleep(0)
    assert len(told) == 2 * TOLD_AT_ONCE + 3
    assert len(await writing) == 2 * TOLD_AT_ONCE + 1


async def test_who_leaves_the_queue_for_the_backlog_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, _):
        await create(journal, 1)
        writing = [asyncio.create_task(journal.append(progress(0))) for _ in range(BACKLOG_AT_MOST)]
        await asyncio.sleep(0)
        leaving = [
            asyncio.create_task(journal.append(progress(0))) for _ in range(BACKLOG_AT_MOST * 2)
        ]
        staying = asyncio.create_task(journal.append(progress(0)))
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        async with asyncio.timeout(LONGEST_S):
            await asyncio.gather(*writing, staying)
        assert all(task.cancelled() for task in leaving)


async def test_the_table_of_jobs_is_the_log_folded(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, database):
        await create(journal, 3)
        await asyncio.gather(*(journal.append(progress(n % 3, float(n))) for n in range(60)))
        for number in range(3):
            job = await get_job(database.reader, job_id(number))
            events = await read_job(database.reader, job_id(number))
            assert job is not None
            assert job.state == fold_all(orjson.loads(event.body) for event in events)
            assert job.state == await journal.state(job_id(number))
            assert (job.status, job.last_seq) == (job.state["status"], events[-1].seq)


async def test_an_append_that_fails_writes_nothing_and_harms_no_other(tmp_path: Path) -> None:
    told: list[Recorded] = []

    def refuse(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('half', 'written')")
        raise RuntimeError("not today")

    async with a_journal(tmp_path / "l.db", told) as (journal, database):
        await create(journal, 2)
        outcomes = await asyncio.gather(
            journal.append(progress(0)),
            journal.append(progress(1), progress(1), also=refuse),
            journal.append(progress(7)),  # nobody knows this job
            journal.append(progress(0)),
            return_exceptions=True,
        )
        meta = await database.writer.run(
            lambda c: c.execute("SELECT count(*) FROM meta WHERE key = 'half'").fetchone()[0]
        )
    assert [type(outcome) for outcome in outcomes] == [list, RuntimeError, ValueError, list]
    assert [event.n for event in told if event.job_id == job_id(0)] == [1, 2, 3]
    assert [event.n for event in told if event.job_id == job_id(1)] == [1]
    assert meta == 0


async def test_a_full_disk_is_told_and_the_journal_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, database):
        await create(journal, 1)

        used = await database.writer.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await database.writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {used}").fetchone())
        with pytest.raises(StorageFull):
            for _ in range(50):
                await journal.append(*(progress(0) for _ in range(200)))
        await database.writer.run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
        await journal.append(progress(0))
        events = await read_job(database.reader, job_id(0))
        assert [event.n for event in events] == list(range(1, len(events) + 1))


async def test_a_journal_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, _):
        first = await create(journal, 2)
        log_id = journal.log_id
    async with a_journal(tmp_path / "l.db") as (journal, _):
        assert journal.head == first[-1].seq
        assert journal.log_id == log_id
        (event,) = await journal.append(progress(1))
        assert (event.seq, event.n, event.user_id) == (first[-1].seq + 1, 2, USER)
        (batch,) = await journal.append(BatchCompleted(batch_id=BATCH, message="..."))
        assert (batch.user_id, batch.n) == (USER, None)


async def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, _):
        await create(journal, 1)
    with pytest.raises(RuntimeError, match="closed"):
        await journal.append(progress(0))


async def test_a_room_is_read_in_bounded_pages(tmp_path: Path) -> None:
    async with a_journal(tmp_path / "l.db") as (journal, database):
        await create(journal, 2)
        await journal.append(*(progress(n % 2) for n in range(20)))
        room = Room("job", job_id(1))
        page = await read_room(database.reader, room, 0, journal.head, 5)
        rest = await read_room(database.reader, room, page[-1].seq, journal.head - 4, 100)
        everything = await read_room(database.reader, Room("all"), 0, journal.head, 100)
        typed = await read_room(
            database.reader, Room("user", USER), 0, journal.head, 100, ["job_created"]
        )
    assert [event.n for event in page + rest] == list(range(1, 10))
    assert [event.seq for event in everything] == list(range(1, 24))
    assert [event.type for event in typed] == ["job_created"] * 2


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(DatabaseTooNew, match="newer Livetrail"):
        await Database.open(path)


APPENDER = """
import asyncio, sys
from pathlib import Path
from tests.integration.test_journal import a_journal, create, progress

async def main(path):
    async with a_journal(Path(path)) as (journal, _):
        await create(journal, 4)
        async def busy(number):
            while True:
                (event,) = await journal.append(progress(number))
                sys.stdout.write(f"{event.seq}\\n")
                sys.stdout.flush()
        await asyncio.gather(*(busy(number) for number in range(4)))

asyncio.run(main(sys.argv[1]))
"""


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        APPENDER,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert process.stdout is not None
    acknowledged = [int(await process.stdout.readline()) for _ in range(300)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in (await process.stdout.read()).split(b"\n")[:-1]]
    await process.wait()

    async with a_journal(path) as (_, database):
        events = await read_room(database.reader, Room("all"), 0, 10**9, 10**9)
        seqs = [event.seq for event in events]
        assert seqs == list(range(1, len(seqs) + 1))
        assert set(acknowledged) <= set(seqs)
        for number in range(4):
            job = await get_job(database.reader, job_id(number))
            own = [orjson.loads(event.body) for event in events if event.job_id == job_id(number)]
            assert job is not None
            assert job.state == fold_all(own)


async def test_nobody_waits_for_a_database_that_is_closed(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "l.db")
    await database.close()
    with pytest.raises(RuntimeError, match="closed"):
        async with asyncio.timeout(10):
            await database.writer.run(lambda connection: None)
