"""Pause, resume, cancel, retry, delete and priorities, at every moment, and through deaths."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import Conflict, InvalidRequest, NotFound, WorkerCrashed
from app.core.plans import TRANSACTIONS
from app.core.queueing import Waiting
from app.live.journal import Journal
from app.pipeline import job as job_module
from app.pipeline import line
from app.pipeline.steps import STEPS
from app.store.jobs import get_job
from tests.integration.test_crash_windows import DiesBefore
from tests.integration.test_pipeline import (
    Body,
    House,
    assert_whole,
    is_step,
    new_id,
    steps_completed,
)
from tests.process import alive


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path).up() as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause breaks steps off at once, so that no test waits for the grace to be over."""
    monkeypatch.setattr(job_module, "PAUSE_WITHIN_S", 0.0)


def dying(deaths: list[DiesBefore], journal: Journal, kind: str, step: str = "") -> DiesBefore:
    deaths.append(DiesBefore(journal, kind, step, waits=True))
    return deaths[0]


async def heard(house: House, kind: str, job_id: str, times: int = 1) -> Body:
    return await house.until(lambda e: e["type"] == kind and e["job_id"] == job_id, times)


def is_reading(event: Body) -> bool:
    return event["type"] == "processing_progress" and event["step"] == "extracting"


def types_of(trail: list[Body]) -> list[str]:
    return [body["type"] for body in trail]


def last_worker(house: House) -> int:
    return int(house.diary.read_text().split()[-1])


async def open_gate(house: House) -> None:
    """Let the reader go on that waits at the gate."""
    await asyncio.to_thread(house.diary.with_name("gate").write_bytes, b"go")


async def at_the_gate(house: House, step: str = "extracting") -> str:
    """Return a job whose step runs, and ends only once the gate is opened."""
    os.mkfifo(house.diary.with_name("gate"))
    (job,) = await house.drop("a", acts={step: "wait at the gate"})
    await house.until(is_step(job, "processing_progress", step))
    return job


# Pause


async def test_a_pause_lets_the_running_step_end(house: House) -> None:
    job = await at_the_gate(house)
    await house.runner.pause(job, "anna")
    assert (await house.state(job))["steering"] == {"op": "pause", "by": "anna"}
    assert (await house.state(job))["status"] == "processing"
    await open_gate(house)
    paused = await heard(house, "job_paused", job)
    assert (paused["by"], paused["status"]) == ("anna", "paused")
    trail = await assert_whole(house, job)
    assert steps_completed(trail)[-1] == "extracting"
    assert (await house.state(job))["steering"] is None


async def test_a_pause_breaks_off_a_step_that_takes_too_long(house: House, impatient: None) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang once"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await house.runner.pause(job, "anna")
    await heard(house, "job_paused", job)
    assert not alive(last_worker(house))
    await house.runner.resume(job, "anna")
    await house.end_of(job)
    trail = await assert_whole(house, job)
    assert steps_completed(trail) == list(TRANSACTIONS.step_keys)
    assert (house.runs_of("malware_scan"), house.runs_of("extracting")) == (1, 2)


async def test_a_paused_job_gives_its_worker_to_another(house: House, impatient: None) -> None:
    first, second = await house.drop("a", "b", acts={"extracting": "hang once"})
    await house.until(is_step(first, "processing_progress", "extracting"))
    await house.runner.pause(first, "anna")
    await house.until(is_step(second, "processing_progress", "extracting"))
    assert (await house.state(first))["status"] == "paused"


async def test_a_job_that_has_not_begun_is_paused_at_once(house: House) -> None:
    running, waiting = await house.drop("a", "b", acts={"extracting": "hang once"})
    await house.until(is_step(running, "processing_progress", "extracting"))
    await house.runner.pause(waiting, "anna")
    await house.runner.cancel(running, "anna")
    (other,) = await house.drop("c")
    await house.end_of(other)
    assert types_of(await house.trail(waiting)) == ["job_created", "job_paused"]
    await house.runner.resume(waiting, "anna")
    await house.until(is_step(waiting, "processing_progress", "extracting"))


async def test_pausing_and_resuming_twice_changes_nothing(house: House, impatient: None) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang once"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await house.runner.resume(job, "anna")
    await asyncio.gather(*(house.runner.pause(job, "anna") for _ in range(3)))
    await heard(house, "job_paused", job)
    await house.runner.pause(job, "anna")
    await asyncio.gather(*(house.runner.resume(job, "anna") for _ in range(3)))
    await house.end_of(job)
    types = types_of(await assert_whole(house, job))
    assert (types.count("job_paused"), types.count("job_resumed")) == (1, 1)
    assert types.count("control_requested") == 1


async def test_a_pause_may_be_withdrawn_before_the_step_has_ended(house: House) -> None:
    job = await at_the_gate(house)
    await house.runner.pause(job, "anna")
    await house.runner.resume(job, "anna")
    await open_gate(house)
    await house.end_of(job)
    trail = await assert_whole(house, job)
    assert "job_paused" not in types_of(trail)
    assert house.runs_of("extracting") == 1


async def test_a_job_may_end_before_its_pause(house: House) -> None:
    job = await at_the_gate(house, TRANSACTIONS.step_keys[-1])
    await house.runner.pause(job, "anna")
    await open_gate(house)
    assert (await house.end_of(job))["type"] == "processing_completed"
    assert (await house.state(job))["steering"] is None
    await assert_whole(house, job)


async def test_what_has_ended_is_neither_paused_nor_resumed(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    for ask in (house.runner.pause, house.runner.resume):
        with pytest.raises(Conflict):
            await ask(job, "anna")
        with pytest.raises(NotFound):
            await ask("no such job", "anna")


async def test_a_pause_asked_for_just_before_a_question_is_kept(house: House) -> None:
    os.mkfifo(house.diary.with_name("gate"))
    acts = {"field_detection": "wait at the gate", "platform_detection": "ask"}
    (job,) = await house.drop("a", acts=acts)
    await house.until(is_step(job, "processing_progress", "field_detection"))
    await open_gate(house)
    await heard(house, "clarification_requested", job)
    await house.runner.pause(job, "anna")
    assert (await house.state(job))["status"] == "paused"
    await house.runner.resume(job, "anna")
    state = await house.state(job)
    assert (state["status"], len(state["waiting_for"])) == ("waiting", 1)


# Cancel


async def test_a_paused_job_can_be_cancelled(house: House, impatient: None) -> None:
    (job,) = await house.drop("a", acts={"classification": "hang once"})
    await house.until(is_step(job, "processing_progress", "classification"))
    await house.runner.pause(job, "anna")
    await heard(house, "job_paused", job)
    await house.runner.cancel(job, "ben")
    assert (await house.end_of(job))["by"] == "ben"
    assert house.runs_of("undo") == 1


async def test_a_cancel_overtakes_a_pause(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await house.runner.pause(job, "anna")
    await house.runner.cancel(job, "anna")
    assert (await house.end_of(job))["type"] == "job_cancelled"
    assert "job_paused" not in types_of(await assert_whole(house, job))


async def test_a_cancel_is_seen_before_what_was_stored_is_taken_back(house: House) -> None:
    (job,) = await house.drop("a", acts={"classification": "hang once"})
    await house.until(is_step(job, "processing_progress", "classification"))
    worker = last_worker(house)
    await house.runner.cancel(job, "anna")
    assert not alive(worker)
    trail = await assert_whole(house, job)
    assert types_of(trail)[-2:] == ["control_requested", "job_cancelled"]


async def test_cancelling_twice_cancels_once(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await asyncio.gather(*(house.runner.cancel(job, "anna") for _ in range(3)))
    await house.runner.cancel(job, "anna")
    assert types_of(await assert_whole(house, job)).count("job_cancelled") == 1


# Retry


async def test_a_finished_file_is_read_anew_from_a_step(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    with pytest.raises(InvalidRequest):
        await house.runner.retry(job, "anna", from_step="no such step")
    await house.runner.retry(job, "anna", from_step="classification")
    await house.end_of(job, times=2)
    trail = await assert_whole(house, job)
    (again,) = [body for body in trail if body["type"] == "job_retried"]
    # The rows of the first time are gone with the folder they were in.
    assert again["from_step"] == "field_detection"
    order = [line.split()[1] for line in house.diary.read_text().splitlines()]
    assert [step for step in order if step in ("storing", "undo")] == ["storing", "undo", "storing"]
    assert house.runs_of("malware_scan") == 1


async def test_a_file_that_was_taken_back_is_read_anew_without_taking_back(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    await house.runner.undo(job, "anna")
    await house.runner.retry(job, "anna", from_step="extracting")
    await house.end_of(job, times=2)
    assert not (await house.state(job))["undone"]
    assert (house.runs_of("undo"), house.runs_of("storing")) == (1, 2)


async def test_a_retry_with_input_answers_what_would_be_asked(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "ask", "storing": "disk full"})
    await heard(house, "clarification_requested", job)
    await house.runner.cancel(job, "anna")
    await house.runner.retry(job, "anna", answers={"mark": ","})
    end = await house.end_of(job, times=2)
    assert (end["type"], end["step"]) == ("processing_failed", "storing")
    assert types_of(await house.trail(job)).count("clarification_requested") == 1


async def test_a_cancelled_retry_leaves_no_rows_of_the_first_time(house: House) -> None:
    blocker, job = await house.drop("x", "a", acts={"enrichment": "hang once"})
    await house.until(is_step(blocker, "processing_progress", "enrichment"))
    await house.runner.cancel(blocker, "anna")
    await house.until(is_step(job, "processing_progress", "enrichment"))
    await house.runner.cancel(job, "anna")
    await house.runner.retry(blocker, "anna")
    await house.end_of(blocker, times=2)
    (other,) = await house.drop("y", acts={"extracting": "hang"}, user="ben")
    await house.until(is_step(other, "processing_progress", "extracting"))
    await house.runner.retry(blocker, "anna", from_step="storing")
    await house.runner.cancel(blocker, "anna")
    assert house.runs_of("undo") == 3


# Delete


async def test_a_deleted_job_leaves_nothing(house: House) -> None:
    (job,) = await house.drop("a")
    await house.end_of(job)
    state = await house.state(job)
    await house.runner.delete(job, "anna")
    gone = await house.until(lambda e: e["type"] == "job_deleted")
    assert (gone["deleted"], gone["job_id"], gone["batch_id"]) == (job, None, state["batch_id"])
    assert await house.trail(job) == []
    assert await get_job(house.database.reader, job) is None
    assert await house.journal.state(job) is None
    assert house.runs_of("undo") == 1
    assert not house.path_of(state["sha256"]).exists()
    with pytest.raises(NotFound):
        await house.runner.delete(job, "anna")


async def test_a_running_job_is_cancelled_and_then_deleted(house: House) -> None:
    (job,) = await house.drop("a", acts={"extracting": "hang"})
    await house.until(is_step(job, "processing_progress", "extracting"))
    await house.runner.delete(job, "anna")
    await heard(house, "job_cancelled", job)
    assert await house.trail(job) == []
    (other,) = await house.drop("b")
    await house.end_of(other)


# Priorities


async def test_urgent_files_go_before_the_others_of_their_owner(house: House) -> None:
    (blocker,) = await house.drop("x", acts={"extracting": "hang"})
    await house.until(is_step(blocker, "processing_progress", "extracting"))
    last, usual, urgent = await house.drop("1", "2", "3")
    (ben,) = await house.drop("4", user="ben")
    await house.runner.prioritise(urgent, "anna", 1)
    await house.runner.prioritise(last, "anna", -1)
    await house.runner.cancel(blocker, "anna")
    for job in (last, usual, urgent, ben):
        await house.end_of(job)
    started = [b["job_id"] for b in house.told if b["type"] == "processing_started"]
    assert started[1:] == [ben, urgent, usual, last], "nobody goes before another user by it"
    assert (await house.state(urgent))["priority"] == 1
    with pytest.raises(Conflict):
        await house.runner.prioritise(urgent, "anna", 0)


async def test_a_job_that_is_gone_meanwhile_is_told_no_place_and_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = line.line

    async def and_one_that_is_gone(reader: Any) -> list[Waiting]:
        return [Waiting(new_id(), 1, 1), *await waiting(reader)]

    monkeypatch.setattr(line, "TOLD_EVERY_S", 0.0)
    monkeypatch.setattr(line, "line", and_one_that_is_gone)
    async with House(tmp_path).up() as house:
        (blocker,) = await house.drop("x", acts={"extracting": "hang"})
        await house.until(is_step(blocker, "processing_progress", "extracting"))
        for number in range(2):  # and not only once
            (job,) = await house.drop(str(number))
            await heard(house, "queue_moved", job)


async def test_those_who_wait_are_told_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "TOLD_EVERY_S", 0.0)
    async with House(tmp_path).up() as house:
        (blocker,) = await house.drop("x", acts={"extracting": "hang"})
        await house.until(is_step(blocker, "processing_progress", "extracting"))
        jobs = await house.drop("1", "2", "3", "4", "5")
        far = await heard(house, "queue_moved", jobs[4])
        assert (far["ahead"], far["starts_in"]) == (4, None)
        assert far["message"] == "4 files go before this one"
        assert await house.runner.place_of(jobs[1]) == (1, None)
        assert await house.runner.place_of(blocker) is None
        await house.runner.cancel(blocker, "anna")
        for job in jobs:
            await house.end_of(job)
        told = [
            b["ahead"] for b in await assert_whole(house, jobs[4]) if b["type"] == "queue_moved"
        ]
        assert told == sorted(told, reverse=True)
        assert len(told) <= 2, "only where it is another order of magnitude"


async def test_heavy_steps_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(STEPS["extracting"]), "is_heavy", lambda work, task: True)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    async with House(tmp_path, workers=2).up() as house:
        jobs = await house.drop("a", "b", acts={"extracting": "hang"})
        running = (await house.until(lambda e: is_reading(e)))["job_id"]
        (waiting,) = set(jobs) - {running}
        await house.until(is_step(waiting, "step_started", "extracting"))
        await house.runner.cancel(running, "anna")
        began = await house.until(lambda e: is_reading(e) and e["job_id"] == waiting)
        (asked,) = [e for e in house.told if e["type"] == "control_requested"]
        assert began["seq"] > asked["seq"], "not before the other had to stop"


# Deaths


async def test_a_pause_asked_for_before_a_death_is_made_at_the_next_start(
    tmp_path: Path, impatient: None
) -> None:
    home, deaths = House(tmp_path, shutdown_timeout_s=1), list[DiesBefore]()
    async with home.up(lambda j: dying(deaths, j, "job_paused")) as house:
        (job,) = await house.drop("a", acts={"extracting": "hang once"})
        await house.until(is_step(job, "processing_progress", "extracting"))
        await house.runner.pause(job, "anna")
        await deaths[0].reached.wait()
    async with home.up() as house:
        assert (await heard(house, "job_paused", job))["by"] == "anna"
        assert house.runs_of("extracting") == 1
        await house.runner.resume(job, "anna")
        await house.end_of(job)
        await assert_whole(house, job)


async def test_a_cancel_asked_for_before_a_death_is_made_at_the_next_start(tmp_path: Path) -> None:
    home, deaths = House(tmp_path, shutdown_timeout_s=1), list[DiesBefore]()
    async with home.up(lambda j: dying(deaths, j, "job_cancelled")) as house:
        (job,) = await house.drop("a", acts={"classification": "hang once"})
        await house.until(is_step(job, "processing_progress", "classification"))
        cancelling = asyncio.create_task(house.runner.cancel(job, "anna"))
        await deaths[0].reached.wait()
        cancelling.cancel()
    async with home.up() as house:
        assert (await house.end_of(job))["type"] == "job_cancelled"
        await assert_whole(house, job)
    assert home.runs_of("classification") == 1
    assert home.runs_of("undo") == 2, "whoever died may have died before it was done"


async def test_a_delete_that_has_begun_is_ended_at_the_next_start(tmp_path: Path) -> None:
    home, deaths = House(tmp_path, shutdown_timeout_s=1), list[DiesBefore]()
    async with home.up(lambda j: dying(deaths, j, "job_deleted")) as house:
        (job,) = await house.drop("a")
        await house.end_of(job)
        deleting = asyncio.create_task(house.runner.delete(job, "anna"))
        await deaths[0].reached.wait()
        deleting.cancel()
    async with home.up() as house:
        assert (await house.until(lambda e: e["type"] == "job_deleted"))["by"] == "anna"
        assert await get_job(house.database.reader, job) is None


async def test_a_file_read_anew_by_a_server_that_died_is_stored_once(tmp_path: Path) -> None:
    home, deaths = House(tmp_path, shutdown_timeout_s=1), list[DiesBefore]()
    async with home.up() as house:
        (job,) = await house.drop("a")
        await house.end_of(job)
    async with home.up(lambda j: dying(deaths, j, "step_started", "field_detection")) as house:
        await house.runner.retry(job, "anna", from_step="storing")
        await deaths[0].reached.wait()
    async with home.up() as house:
        await house.end_of(job, times=2)
        await assert_whole(house, job)
    order = [line.split()[1] for line in home.diary.read_text().splitlines()]
    assert [step for step in order if step in ("storing", "undo")] == ["storing", "undo", "storing"]


async def test_a_file_read_anew_while_its_undo_was_broken_off_is_not_undone_later(
    tmp_path: Path,
) -> None:
    home = House(tmp_path)
    async with home.up() as house:
        (job,) = await house.drop("a", acts={"undo": "crash once"})
        await house.end_of(job)
        with pytest.raises(WorkerCrashed):
            await house.runner.undo(job, "anna")
        await house.runner.retry(job, "anna", from_step="extracting")
        await house.end_of(job, times=2)
    async with home.up() as house:
        (other,) = await house.drop("b")
        await house.end_of(other)
        assert not (await house.state(job))["undone"]
