"""Deaths between two writes that belong together: whichever came first, the other follows."""

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import ShuttingDown, WorkerCrashed
from app.core.reading import Task, Tell
from app.core.state import JobState
from app.live.journal import Journal
from app.pipeline.patient import Stopping
from app.reading import save
from app.reading.delta import parts_of
from app.reading.parts import Parts
from app.store.checkpoints import DELETE, put_checkpoint
from tests.desk import Desk
from tests.integration.test_pipeline import House, assert_whole, is_step


class DiesBefore:
    """A journal of a server that dies just before an event of this type is written.

    step   and of this step; "" for any
    waits  the writing never returns; else it is refused as in a server that stops
    jobs   so many of them have to come to it
    """

    def __init__(
        self, journal: Journal, kind: str, step: str = "", *, waits: bool, jobs: int = 1
    ) -> None:
        self._journal = journal
        self._kind, self._step = kind, step
        self._waits = waits
        self._missing = jobs
        self.reached = asyncio.Event()

    async def append(self, *drafts: Any, **more: Any) -> Any:
        if any(d.type == self._kind and self._step in ("", d.step) for d in drafts):
            self._missing -= 1
            if self._missing <= 0:
                self.reached.set()
            if not self._waits:
                raise Stopping
            await asyncio.Event().wait()
        return await self._journal.append(*drafts, **more)

    async def state(self, job_id: str) -> JobState | None:
        return await self._journal.state(job_id)


async def test_an_undo_that_took_the_rows_is_told_at_the_next_start(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up(lambda j: DiesBefore(j, "job_undone", waits=False)) as house:
        (job,) = await house.drop("a")
        await house.end_of(job)
        with pytest.raises(ShuttingDown):
            await house.runner.undo(job, "anna")
        assert not (await house.state(job))["undone"]
    async with home.up() as house:
        undone = await house.until(lambda e: e["type"] == "job_undone")
        assert (undone["job_id"], undone["by"], undone["rows"]) == (job, "anna", 6)
        await assert_whole(house, job)
    async with home.up() as house:
        (other,) = await house.drop("b")
        await house.end_of(other)
        assert house.runs_of("undo") == 2, "told once, it is over"


async def test_a_file_whose_undo_has_begun_is_no_duplicate(tmp_path: Path) -> None:
    async with House(tmp_path).up() as house:
        (job,) = await house.drop("a", acts={"undo": "crash"})
        await house.end_of(job)
        with pytest.raises(WorkerCrashed):
            await house.runner.undo(job, "anna")
        (again,) = await house.drop("a")
        assert "duplicate_of" not in (await house.end_of(again))["result"]


async def test_rows_stored_just_before_a_death_go_when_the_job_is_cancelled(tmp_path: Path) -> None:
    deaths: list[DiesBefore] = []

    def dying(journal: Journal) -> DiesBefore:
        deaths.append(DiesBefore(journal, "step_completed", "storing", waits=True))
        return deaths[0]

    async with House(tmp_path, workers=2, shutdown_timeout_s=1).up(dying) as house:
        (first,) = await house.drop("b", user="bob", acts={"extracting": "hang"})
        await house.until(is_step(first, "processing_progress", "extracting"))
        (job,) = await house.drop("a")
        await deaths[0].reached.wait()
    async with House(tmp_path, workers=1).up() as house:
        await house.until(is_step(first, "processing_progress", "extracting"))
        await house.runner.cancel(job, "anna")
        assert house.runs_of("storing") == 1
        assert house.runs_of("undo") == 1


async def test_a_retry_that_died_while_it_took_rows_back_takes_them_back(tmp_path: Path) -> None:
    async with House(tmp_path).up() as house:
        (job,) = await house.drop("a", acts={"classification": "disk full", "undo": "crash once"})
        await house.end_of(job)
        await house.runner.retry(job, "anna", from_step="extracting")
        assert (await house.end_of(job, times=2))["error"]["code"] == "worker_crashed"
        await house.runner.retry(job, "anna")
        await house.end_of(job, times=3)
        order = [line.split()[1] for line in house.diary.read_text().splitlines()]
        stored = [step for step in order if step in ("storing", "undo")]
        assert stored == ["storing", "undo", "undo", "storing"]


async def test_a_job_that_fails_for_good_leaves_no_rows(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        (job,) = await house.drop("a", acts={"entity_resolution": "hang once"})
        await house.until(is_step(job, "processing_progress", "entity_resolution"))
        sha256 = (await house.state(job))["sha256"]
    home.path_of(sha256).unlink()
    async with home.up() as house:
        end = await house.end_of(job)
        assert end["error"]["code"] == "file_missing"
        assert house.runs_of("undo") == 1


def test_a_worker_of_a_killed_server_and_the_next_one_store_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    task = desk.read(desk.task(desk.file("Date,Description,Amount\n2026-11-20,Coffee,-3.50\n")))
    first: list[dict[str, Any]] = []

    def meanwhile(task: Task, tell: Tell) -> Parts:
        """The other worker commits after this one has looked and before it writes."""
        monkeypatch.setattr(save, "parts_of", parts_of)
        other = threading.Thread(target=lambda: first.append(save.store(task, tell)))
        other.start()
        other.join()
        return parts_of(task, tell)

    monkeypatch.setattr(save, "parts_of", meanwhile)

    assert save.store(task, desk.heard) == {"stored": 1, "known": 0, "rejected": 0}
    assert first == [{"stored": 1, "known": 0, "rejected": 0}]
    assert desk.page("job-1").total == 1


# Files that servers die of


async def live_until(home: House, step: str, jobs: int = 1) -> None:
    """Be a server that dies when so many jobs have come to the end of `step`."""
    deaths: list[DiesBefore] = []

    def dying(journal: Journal) -> DiesBefore:
        deaths.append(DiesBefore(journal, "step_completed", step, waits=True, jobs=jobs))
        return deaths[0]

    async with home.up(dying):
        await deaths[0].reached.wait()


@pytest.fixture
async def home(tmp_path: Path) -> House:
    """A house with the file a, whose servers do not wait long for what never ends."""
    home = House(tmp_path, workers=2, shutdown_timeout_s=0.2)
    async with home.up() as house:
        (job,) = await house.drop("a", acts={"extracting": "hang once"})
        await house.until(is_step(job, "processing_progress", "extracting"))
    return home


async def test_a_file_in_whose_step_three_servers_died_is_given_up(home: House) -> None:
    job = home.told[-1]["job_id"]
    for _ in range(3):
        await live_until(home, "extracting")
    async with home.up() as house:
        end = await house.end_of(job)
        assert (end["error"]["code"], end["error"]["retryable"]) == ("crashed", True)
        assert (end["step"], end["error"]["title"].count("3 times")) == ("extracting", 1)
        assert house.runs_of("extracting") == 4, "the last server did not try it"
        await house.runner.retry(job, "anna")
        assert (await house.end_of(job, times=2))["type"] == "processing_completed"
        await assert_whole(house, job)


async def test_deaths_in_different_steps_are_not_counted_together(home: House) -> None:
    job = home.told[-1]["job_id"]
    for step in ("extracting", "extracting", "storing", "storing"):
        await live_until(home, step)
    async with home.up() as house:
        assert (await house.end_of(job))["type"] == "processing_completed"


async def test_a_stop_or_a_pause_is_no_death(tmp_path: Path) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        (job,) = await house.drop("a", acts={"extracting": "hang"})
    for life in range(1, 5):
        async with home.up() as house:
            await house.until(is_step(job, "processing_progress", "extracting"), life)
            assert (await house.state(job))["status"] == "processing"


async def test_files_that_a_server_died_with_are_done_one_at_a_time(tmp_path: Path) -> None:
    home = House(tmp_path, workers=2, shutdown_timeout_s=0.2)
    async with home.up() as house:
        jobs = await house.drop("a", "b", acts={"extracting": "hang once"})
        for job in jobs:
            await house.until(is_step(job, "processing_progress", "extracting"))
    await live_until(home, "extracting", jobs=2)
    told = len(home.told)
    async with home.up() as house:
        for job in jobs:
            await house.end_of(job)
    ends = ("processing_started", "processing_completed")
    order = [(e["job_id"], e["type"]) for e in home.told[told:] if e["type"] in ends]
    assert order == [(job, kind) for job in jobs for kind in ends]


async def test_what_can_not_be_mended_at_the_start_keeps_no_job_waiting(tmp_path: Path) -> None:
    one = House(tmp_path)
    async with one.up() as house:
        (job,) = await house.drop("a")
        await house.end_of(job)
        await house.database.writer.run(
            lambda connection: put_checkpoint(connection, job, DELETE, {"by": "anna"}, 0)
        )
    (one.folder / "files" / hashlib.sha256(b"a").hexdigest()).unlink()  # the delete stumbles
    async with one.up() as house:
        (other,) = await house.drop("b")
        assert (await house.end_of(other))["type"] == "processing_completed"
        assert house.runner.is_working
