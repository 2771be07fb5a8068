"""Jobs from the log to their end, through crashes, stops, cancels and a full disk."""

import asyncio
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from app.core.errors import Conflict, InvalidRequest, NotFound, StorageFull
from app.core.events import BatchCreated, JobCreated
from app.core.ids import uuid7
from app.core.plans import TRANSACTIONS
from app.core.rooms import Room
from app.core.state import JobState, fold_all
from app.core.unreadable import NotATable
from app.live.journal import Journal
from app.pipeline.runner import Runner
from app.settings import Settings
from app.store.batches import BatchRow, insert_batch
from app.store.checkpoints import checkpoints_of
from app.store.database import Database
from app.store.events import Recorded, read_room
from app.store.jobs import JobRow
from app.store.rates import read_rates
from app.web import feedview
from tests.integration.readers_for_tests import READERS
from tests.patience import LONGEST_S

Body = dict[str, Any]
PRELOAD = ("tests.integration.readers_for_tests:open_the_diary",)


class House:
    """One data folder with its log. `up` runs a server's pipeline over it, as often as you like."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=folder, **{"workers": 1, **settings})
        self.folder = folder
        self.told: list[Body] = []
        self._news = asyncio.Event()
        self.diary = folder / "diary"
        self.database: Database
        self.journal: Journal
        self.runner: Runner

    def hear(self, events: Sequence[Recorded]) -> None:
        self.told += [json.loads(event.body) for event in events]
        self._news.set()

    @asynccontextmanager
    async def up(self, journal: Callable[[Journal], Any] = lambda j: j) -> AsyncIterator["House"]:
        self.database = await Database.open(self.settings.database_path)
        try:
            async with (
                Journal(self.database, self.hear) as self.journal,
                Runner(
                    self.settings,
                    self.database,
                    journal(self.journal),
                    READERS,
                    self.path_of,
                    preload=PRELOAD,
                    forget_exports=self.forget_exports,
                    forget_file=self.forget_file,
                ) as self.runner,
            ):
                yield self
        finally:
            await self.database.close()

    async def forget_exports(self, job: JobRow) -> None:
        with self.diary.open("a") as stream:
            stream.write(f"{job.filename} exports\n")

    async def forget_file(self, sha256: str) -> None:
        self.path_of(sha256).unlink()

    def path_of(self, sha256: str) -> Path:
        return self.folder / "files" / sha256

    async def drop(
        self, *contents: str, user: str = "anna", acts: dict[str, str] | None = None, **options: Any
    ) -> list[str]:
        """Put one file for each of `contents` into the log as one batch; return the jobs' ids."""
        batch_id = new_id()
        drafts: list[Any] = []
        for number, content in enumerate(contents, 1):
            sha256 = hashlib.sha256(content.encode()).hexdigest()
            self.path_of(sha256).parent.mkdir(exist_ok=True)
            self.path_of(sha256).write_text(content)
            drafts.append(
                JobCreated(
                    job_id=new_id(),
                    batch_id=batch_id,
                    document_id=new_id(),
                    filename=f"{user}-{number}.csv",
                    size=len(content),
                    sha256=sha256,
                    plan=TRANSACTIONS.describe(),
                    message="here",
                )
            )
        row = BatchRow(
            batch_id,
            user,
            "",
            {"acts": acts or {}, "diary": str(self.diary), **options},
            time.time_ns() // 1_000_000,
        )
        await self.journal.append(
            BatchCreated(batch_id=batch_id, jobs=len(drafts), message="here"),
            *drafts,
            user_id=user,
            also=lambda connection: insert_batch(connection, row),
        )
        self.runner.wake()
        return [draft.job_id for draft in drafts]

    async def until(self, seen: Callable[[Body], bool], times: int = 1) -> Body:
        """Wait until as many events as `times` are as wanted; return the last of them."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                self._news.clear()
                found = [body for body in self.told if seen(body)]
                if len(found) >= times:
                    return found[times - 1]
                await self._news.wait()

    async def end_of(self, job_id: str, times: int = 1) -> Body:
        """Wait for the end of the job, and of its batch after it."""
        ends = ("processing_completed", "processing_failed", "job_cancelled")
        end = await self.until(lambda e: e["job_id"] == job_id and e["type"] in ends, times)
        await self.until(
            lambda e: (
                e["type"] == "batch_completed"
                and e["batch_id"] == end["batch_id"]
                and e["seq"] > end["seq"]
            )
        )
        return end

    async def trail(self, job_id: str) -> list[Body]:
        """Return the job's events as the log has them."""
        reader = self.database.reader
        events = await read_room(reader, Room("job", job_id), 0, 1 << 60, 100_000)
        return [json.loads(event.body) for event in events]

    async def state(self, job_id: str) -> JobState:
        state = await self.journal.state(job_id)
        assert state is not None
        return state

    def runs_of(self, step: str) -> int:
        lines = self.diary.read_text().splitlines() if self.diary.exists() else []
        return sum(line.split()[1] == step for line in lines)


def new_id() -> str:
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def steps_completed(trail: Sequence[Body]) -> list[str]:
    return [body["step"] for body in trail if body["type"] == "step_completed"]


def is_step(job_id: str, kind: str, step: str) -> Callable[[Body], bool]:
    return lambda e: e["job_id"] == job_id and e["type"] == kind and e["step"] == step


async def assert_whole(house: House, job_id: str) -> list[Body]:
    """The trail has no hole and no repetition, and the table equals the log replayed."""
    trail = await house.trail(job_id)
    assert [body["n"] for body in trail] == list(range(1, len(trail) + 1))
    retried = max((i for i, b in enumerate(trail) if b["type"] == "job_retried"), default=0)
    done = steps_completed(trail[retried:])
    assert len(done) == len(set(done))
    progress = [body["progress"] for body in trail[retried:]]
    assert progress == sorted(progress)
    assert fold_all(trail) == await house.state(job_id)
    return trail


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path).up() as running:
        yield running


# The way through


async def test_a_file_goes_through_every_step_in_order(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    trail = await assert_whole(house, job)
    assert steps_completed(trail) == list(TRANSACTIONS.step_keys)
    assert trail[-1]["progress"] == 100.0


async def test_no_process_that_touched_the_file_before_speaks_for_the_scan(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    process = {line.split()[1]: line.split()[-1] for line in house.diary.read_text().splitlines()}
    assert process["malware_scan"] != process["initializing_streaming"]


async def test_the_sentences_of_a_file_tell_a_story(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    told = [body["message"] for body in await house.trail(job)]
    assert told[:-1] == [
        "here",
        "Starting on anna-1.csv...",
        "Getting ready to read anna-1.csv...",
        "Getting ready to read anna-1.csv...",
        "Checking if I've seen anna-1.csv before...",
        "I haven't seen anna-1.csv before",
        "Checking anna-1.csv for anything harmful...",
        "Nothing harmful found in anna-1.csv",
        "Analyzing the structure of your data...",
        "Analyzing the structure of your data: 2 columns...",
        "Found 2 columns, with their names on line 1",
        "Figuring out where this data came from...",
        "This data looks like it came from Stripe",
        "Understanding what type of document this is...",
        "This looks like: list of payments",
        "Reading through your data...",
        "Reading through your data: 1 of 10 rows...",
        "Reading through your data: 10 of 10 rows...",
        "Comparing your data with everything I already know...",
        "This data overlaps with something I already have: 3 rows",
        "Spotted the differences: 6 new rows, 3 I already know",
        "Spotted the differences: 6 new rows, 3 I already know",
        "Setting up secure storage for 10 rows...",
        "Saving your file details...",
        "Saved 6 new rows, left out 3 I already had",
        "Matching entities across your data...",
        "Matching entities across your data: 5 of 6...",
        "Categorizing your transactions...",
        "Categorizing your transactions: 6 of 6...",
        "Adding context to your data...",
        "Adding context to your data: 2 details so far...",
    ]
    assert told[-1].startswith("Done! I've processed anna-1.csv successfully in ")


async def test_no_sentence_of_an_overlap_stands_twice_among_the_messages(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    shown = [line.text for line in feedview.told(await house.trail(job), {})]
    assert len([text for text in shown if text.startswith("Spotted the differences")]) == 1
    assert len([text for text in shown if text.startswith("This data overlaps")]) == 1


async def test_the_state_knows_what_the_steps_found(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    state = await house.state(job)
    assert (state["document_type"], state["platform"]) == ("list of payments", "Stripe")
    assert {stage["key"]: stage["summary"] for stage in state["stages"]} == {
        "validation": "CSV, 1 byte",
        "scanning": "Nothing harmful found",
        "parsing": "10 rows, 1 could not be read",
        "database": "6 new, 3 known",
        "categorization": "5 categorized, 1 to review",
    }


async def test_the_result_sums_the_job_up(house: House) -> None:
    (job,) = await house.drop("a")
    result = (await house.end_of(job))["result"]
    assert (result["rows"], result["new_rows"], result["existing_rows"]) == (10, 6, 3)
    assert result["links"] == {
        "rows": f"/api/v1/jobs/{job}/rows",
        "rejected": f"/api/v1/jobs/{job}/rejected.csv",
    }


async def test_the_working_folder_is_cleared_after_success(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    assert not (house.settings.work_dir / job).exists()


async def test_warnings_that_are_left_out_are_not_left_out_in_silence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pipeline.reader_run.WARNINGS_AT_MOST", 3)
    acts = dict.fromkeys(("extracting", "classification"), "warn and warn")
    (job,) = await house.drop("a", acts=acts)
    await house.end_of(job)
    told = [b["warning"]["code"] for b in house.told if b["type"] == "processing_warning"]
    assert told == ["rejected_rows", "rejected_rows", "rejected_rows", "warnings_left_out"] * 2


async def test_a_warning_is_told_and_kept(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "warn"})
    await house.end_of(job)
    (warning,) = (await house.state(job))["warnings"]
    assert warning["title"] == "1 of 10 rows could not be read; the rest is fine"


async def test_the_pipeline_never_blocks_the_loop(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        jobs = await house.drop("a", "b", acts={"extracting": "chat", "storing": "crash"})
        with blockbuster_ctx("app"):
            for job in jobs:
                await house.end_of(job)
                await house.runner.retry(job, "anna")
                await house.end_of(job, times=2)


async def test_how_long_steps_take_is_known_after_a_restart(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        (job,) = await house.drop("a")
        await house.end_of(job)
        known = await read_rates(house.database.reader)
    assert {step for step, kind in known if kind == "csv"} == {*TRANSACTIONS.step_keys}
    assert known["job", ""].samples == 1
    async with home.up() as house:
        (other,) = await house.drop("b")
        await house.end_of(other)
        again = await read_rates(house.database.reader)
    assert {rate.samples for rate in again.values()} == {2}


# The same file again


async def test_the_same_file_again_is_recognised_and_not_read(house: House) -> None:
    (first,) = await house.drop("same")
    await house.end_of(first)
    (second,) = await house.drop("same")
    end = await house.end_of(second)
    assert end["result"]["duplicate_of"] == first
    assert end["message"].startswith("Found an exact match - I've processed anna-1.csv before, on ")
    assert steps_completed(await house.trail(second)) == list(TRANSACTIONS.step_keys[:2])
    (found,) = [b for b in await house.trail(second) if b["step"] == "duplicate_found"]
    assert found["details"]["duplicate_of"] == first


async def test_the_same_file_is_read_again_when_asked_for(house: House) -> None:
    (first,) = await house.drop("same")
    await house.end_of(first)
    (second,) = await house.drop("same", on_duplicate="keep")
    assert "duplicate_of" not in (await house.end_of(second))["result"]


async def test_another_persons_same_file_is_no_duplicate(house: House) -> None:
    (first,) = await house.drop("same")
    await house.end_of(first)
    (second,) = await house.drop("same", user="ben")
    assert "duplicate_of" not in (await house.end_of(second))["result"]


# Failures


async def test_a_worker_that_crashes_once_is_tried_again(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "crash once"})
    assert (await house.end_of(job))["type"] == "processing_completed"
    await assert_whole(house, job)
    assert house.runs_of("extracting") == 2


async def test_a_worker_that_crashes_twice_fails_the_job_in_three_sentences(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "crash"})
    end = await house.end_of(job)
    assert end["error"] == {
        "code": "worker_crashed",
        "title": "The worker that was reading anna-1.csv stopped unexpectedly"
        " (a fault in a library)",
        "detail": "Every step before this one is kept, and nothing is half stored.",
        "hint": "Retry; it starts at the step that stopped.",
        "step": "extracting",
        "retryable": True,
    }
    assert house.runs_of("extracting") == 2


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("refuse", "not_a_table"),
        ("eat memory", "out_of_memory"),
        ("disk full", "storage_full"),
        ("stumble", "internal_error"),
    ],
)
async def test_a_failed_file_has_its_own_code_and_the_next_one_works(
    house: House, act: str, code: str
) -> None:
    (bad,) = await house.drop("bad", acts={"extracting": act})
    assert (await house.end_of(bad))["error"]["code"] == code
    (good,) = await house.drop("good")
    assert (await house.end_of(good))["type"] == "processing_completed"


async def test_a_step_that_hangs_ends_at_its_time_limit(tmp_path: Path) -> None:
    async with House(tmp_path, step_timeout_s=0.5).up() as house:
        (job,) = await house.drop("a", acts={"extracting": "hang"})
        assert (await house.end_of(job))["error"]["code"] == "step_timeout"


async def test_a_lost_file_is_told_as_such(house: House) -> None:
    (blocker,) = await house.drop("first", acts={"extracting": "hang"})
    await house.until(is_step(blocker, "processing_progress", "extracting"))
    (job,) = await house.drop("second")
    house.path_of(hashlib.sha256(b"second").hexdigest()).unlink()
    await house.runner.cancel(blocker, "anna")
    assert (await house.end_of(job))["error"]["code"] == "file_missing"


# Cancel, retry, undo


async def test_a_running_job_can_be_cancelled(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await house.runner.cancel(job, "anna")
    end = await house.end_of(job)
    assert (end["type"], end["by"]) == ("job_cancelled", "anna")
    await assert_whole(house, job)
    assert house.runs_of("undo") == 0


async def test_a_waiting_job_can_be_cancelled_and_never_begins(house: House) -> None:
    running, waiting = await house.drop("a", "b", acts={"extracting": "hang"})
    await house.until(is_step(running, "processing_progress", "extracting"))
    await house.runner.cancel(waiting, "anna")
    await house.runner.cancel(running, "anna")
    await house.end_of(running)
    assert [body["type"] for body in await house.trail(waiting)] == ["job_created", "job_cancelled"]


async def test_cancelling_takes_back_what_was_stored_already(house: House) -> None:
    (job,) = await house.drop("a", acts={"classification": "hang once"})
    await house.until(is_step(job, "processing_progress", "classification"))
    await house.runner.cancel(job, "anna")
    assert house.runs_of("undo") == 1
    await house.runner.retry(job, "anna")
    await house.end_of(job, times=2)
    assert house.runs_of("storing") == 2


async def test_what_has_ended_can_not_be_cancelled(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    with pytest.raises(Conflict):
        await house.runner.cancel(job, "anna")
    with pytest.raises(NotFound):
        await house.runner.cancel(new_id(), "anna")


async def test_a_failed_job_goes_on_at_the_step_that_failed(house: House) -> None:
    (job,) = await house.drop("a", acts={"delta_analysis": "disk full"})
    await house.end_of(job)
    await house.runner.retry(job, "anna")
    await house.end_of(job, times=2)
    trail = await assert_whole(house, job)
    (retried,) = [body for body in trail if body["type"] == "job_retried"]
    assert (retried["from_step"], retried["attempt"]) == ("delta_analysis", 2)
    assert house.runs_of("extracting") == 1
    assert house.runs_of("delta_analysis") == 2


async def test_a_retry_may_begin_earlier_but_not_later(house: House) -> None:
    (job,) = await house.drop("a", acts={"delta_analysis": "disk full"})
    await house.end_of(job)
    with pytest.raises(InvalidRequest):
        await house.runner.retry(job, "anna", from_step="storing")
    await house.runner.retry(job, "anna", from_step="malware_scan")
    await house.end_of(job, times=2)
    assert house.runs_of("malware_scan") == 2
    await assert_whole(house, job)


async def test_a_retry_from_before_the_storing_takes_the_rows_back_first(house: House) -> None:
    (job,) = await house.drop("a", acts={"classification": "disk full"})
    await house.end_of(job)
    await house.runner.retry(job, "anna", from_step="extracting")
    await house.end_of(job, times=2)
    order = [line.split()[1] for line in house.diary.read_text().splitlines()]
    assert [step for step in order if step in ("storing", "undo")] == ["storing", "undo", "storing"]


async def test_a_completed_job_can_not_be_retried(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    with pytest.raises(Conflict):
        await house.runner.retry(job, "anna")


async def test_undo_takes_back_once_and_the_file_may_come_again(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    assert await house.runner.undo(job, "anna") == 6
    assert (await house.state(job))["undone"]
    assert (await house.trail(job))[-1]["message"] == "Taken back: 6 rows of anna-1.csv"
    with pytest.raises(Conflict):
        await house.runner.undo(job, "anna")
    (again,) = await house.drop("a")
    assert "duplicate_of" not in (await house.end_of(again))["result"]


async def test_a_failed_job_can_not_be_undone(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "refuse"})
    await house.end_of(job)
    with pytest.raises(Conflict):
        await house.runner.undo(job, "anna")


# Errands

ERRAND = "tests.integration.readers_for_tests:errand"


async def test_an_errand_returns_what_its_reader_found_and_leaves_no_folder(house: House) -> None:
    found = await house.runner.errand("anna", ERRAND, {"rule": 7})
    assert (found["user"], found["options"]) == ("anna", {"rule": 7})
    assert not Path(found["folder"]).exists()


async def test_an_errands_own_error_reaches_whoever_asked(house: House) -> None:
    with pytest.raises(NotATable):
        await house.runner.errand("anna", ERRAND, {"act": "refuse"})


async def test_an_errand_waits_until_no_job_writes_rows(house: House) -> None:
    (job,) = await house.drop("a", acts={"storing": "chat"})
    await house.until(is_step(job, "processing_progress", "storing"))
    await house.runner.errand("anna", ERRAND, {"diary": str(house.diary)})
    steps = [line.split()[1] for line in house.diary.read_text().splitlines()]
    assert steps.index("errand") > steps.index("enrichment")


# Batches and turns


async def test_the_end_of_a_batch_is_told_once_with_its_counts(tmp_path: Path) -> None:
    async with House(tmp_path, workers=3).up() as house:
        jobs = await house.drop("a", "b", "c")
        for job in jobs:
            await house.end_of(job)
        ends = [body for body in house.told if body["type"] == "batch_completed"]
        assert [end["counts"] for end in ends] == [{"completed": 3}]
        assert ends[0]["message"] == "All 3 files are done"


async def test_the_end_of_a_batch_is_told_again_after_a_retry(house: House) -> None:
    (job,) = await house.drop("a", acts={"storing": "crash"})
    await house.end_of(job)
    await house.runner.retry(job, "anna")
    await house.end_of(job, times=2)
    ends = [body for body in house.told if body["type"] == "batch_completed"]
    assert [end["counts"] for end in ends] == [{"error": 1}, {"error": 1}]


async def test_one_persons_many_files_do_not_delay_another(house: House) -> None:
    (blocker,) = await house.drop("x", acts={"extracting": "hang"})
    await house.until(is_step(blocker, "processing_progress", "extracting"))
    anna = await house.drop("a1", "a2", "a3", "a4")
    ben = await house.drop("b1", "b2", user="ben")
    await house.runner.cancel(blocker, "anna")
    for job in (*anna, *ben):
        await house.end_of(job)
    started = [b["job_id"] for b in house.told if b["type"] == "processing_started"]
    order = ["anna" if job in anna else "ben" for job in started[1:]]
    assert order == ["ben", "anna", "ben", "anna", "anna", "anna"]


async def test_no_more_jobs_at_once_than_there_are_workers(tmp_path: Path) -> None:
    async with House(tmp_path, workers=2).up() as house:
        jobs = await house.drop("a", "b", "c", acts={"extracting": "hang"})
        await house.until(
            lambda e: e["type"] == "processing_progress" and e["step"] == "extracting", times=2
        )
        assert house.runner.active == 2
        started = {b["job_id"] for b in house.told if b["type"] == "processing_started"}
        assert len(started & set(jobs)) == 2


# Stop and go on


async def test_a_stopped_job_goes_on_at_its_first_unfinished_step(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        (job,) = await house.drop("a", acts={"extracting": "hang once"})
        await house.until(is_step(job, "processing_progress", "extracting"))
    async with home.up() as house:
        await house.end_of(job)
        trail = await assert_whole(house, job)
    assert steps_completed(trail) == list(TRANSACTIONS.step_keys)
    starts = [body for body in trail if body["type"] == "processing_started"]
    assert [start["resumed"] for start in starts] == [False, True]
    assert starts[1]["message"] == "Picking up where I left off with anna-1.csv"
    assert house.runs_of("malware_scan") == 1
    assert house.runs_of("extracting") == 2


async def test_a_stop_writes_no_failure_and_keeps_what_waits(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        jobs = await house.drop("a", "b", acts={"extracting": "hang once"})
        await house.until(is_step(jobs[0], "processing_progress", "extracting"))
    assert not any(body["type"] == "processing_failed" for body in home.told)
    async with home.up() as house:
        # The second one hangs in its turn.
        await house.until(is_step(jobs[1], "processing_progress", "extracting"))
    async with home.up() as house:
        for job in jobs:
            await house.end_of(job)
            await assert_whole(house, job)


async def test_the_end_of_a_batch_is_mended_at_start(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up(journal=Silent) as house:
        (job,) = await house.drop("a")
        await house.until(lambda e: e["type"] == "processing_completed")
    assert not any(body["type"] == "batch_completed" for body in home.told)
    async with home.up() as house:
        await house.end_of(job)
    async with home.up():
        pass
    assert sum(body["type"] == "batch_completed" for body in home.told) == 1


async def test_leftover_working_folders_are_swept_at_start(tmp_path: Path) -> None:
    home = House(tmp_path)
    leftover = home.settings.work_dir / new_id()
    leftover.mkdir(parents=True)
    async with home.up() as house:
        (failed,) = await house.drop("a", acts={"storing": "disk full"})
        await house.end_of(failed)
    async with home.up() as house:
        (job,) = await house.drop("b")
        await house.end_of(job)
        assert not leftover.exists()
        assert (home.settings.work_dir / failed).exists()


async def test_a_checkpoint_is_there_for_every_step_told_as_completed(house: House) -> None:
    (job,) = await house.drop("a", acts={"storing": "disk full"})
    await house.end_of(job)
    kept = await checkpoints_of(house.database.reader, job)
    assert sorted(kept) == sorted(steps_completed(await house.trail(job)))


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.integration.test_pipeline import House

async def main(folder, step):
    async with House(folder).up() as house:
        (job,) = await house.drop("a", acts={step: "hang once"})
        await house.until(lambda e: e["type"] == "processing_progress" and e["step"] == step)
        print(job, flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize(
    "step", [step for step in TRANSACTIONS.step_keys if step != "duplicate_check"]
)
async def test_a_killed_server_goes_on_at_the_step_it_died_in(tmp_path: Path, step: str) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 - a test may wait for a process to begin
        [sys.executable, "-c", SERVER, str(tmp_path), step], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        job = (await asyncio.to_thread(server.stdout.readline)).strip()
        server.kill()
    assert job, "it died by itself"
    async with House(tmp_path).up() as house:
        await house.end_of(job)
        trail = await assert_whole(house, job)
    assert steps_completed(trail) == list(TRANSACTIONS.step_keys)
    keys = [key for key in TRANSACTIONS.step_keys if key != "duplicate_check"]
    runs = {key: house.runs_of(key) for key in keys}
    assert runs == {key: 2 if key == step else 1 for key in runs}


# A full disk


class Silent:
    """A journal of a server that dies just before it tells the end of a batch."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def append(self, *drafts: Any, **more: Any) -> Any:
        if any(draft.type == "batch_completed" for draft in drafts):
            return []
        return await self._journal.append(*drafts, **more)

    async def state(self, job_id: str) -> JobState | None:
        return await self._journal.state(job_id)


class Watched(Silent):
    """A journal that lets a test wait for the moment in which the disk is full."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.full = asyncio.Event()

    async def append(self, *drafts: Any, **more: Any) -> Any:
        try:
            return await self._journal.append(*drafts, **more)
        except StorageFull:
            self.full.set()
            raise


async def test_a_full_disk_pauses_the_queue_and_loses_no_job(tmp_path: Path) -> None:
    watched: list[Watched] = []

    def watch(journal: Journal) -> Watched:
        watched.append(Watched(journal))
        return watched[0]

    async with House(tmp_path).up(journal=watch) as house:
        jobs = await house.drop("a", "b")
        await house.database.writer.run(let_grow_to("(SELECT page_count FROM pragma_page_count)"))
        await watched[0].full.wait()
        await house.database.writer.run(let_grow_to("1000000"))
        for job in jobs:
            assert (await house.end_of(job))["type"] == "processing_completed"
            await assert_whole(house, job)


async def test_a_server_with_a_full_disk_stops_and_goes_on_later(tmp_path: Path) -> None:
    watched: list[Watched] = []

    def watch(journal: Journal) -> Watched:
        watched.append(Watched(journal))
        return watched[0]

    home = House(tmp_path)
    async with home.up(journal=watch) as house:
        jobs = await house.drop("a", "b")
        await house.database.writer.run(let_grow_to("(SELECT page_count FROM pragma_page_count)"))
        await watched[0].full.wait()
    async with home.up() as house:
        for job in jobs:
            assert (await house.end_of(job))["type"] == "processing_completed"
            await assert_whole(house, job)


def let_grow_to(pages: str) -> Callable[[sqlite3.Connection], None]:
    """Give the database room for as many pages, as a quota on the disk would."""

    def work(connection: sqlite3.Connection) -> None:
        (limit,) = connection.execute(f"SELECT {pages}").fetchone()
        connection.execute(f"PRAGMA max_page_count = {limit}")

    return work
