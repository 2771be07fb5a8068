"""The steps of a job in one process: when they share it, when they never do, and that it goes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import WorkerCrashed
from app.core.unreadable import NotATable
from app.pipeline import relay as relay_module
from app.pipeline.memory import last_words
from app.pipeline.relay import Relay
from app.pipeline.steps import STEPS
from app.pipeline.workers import Workers
from app.settings import GIB
from tests.integration import hostile_readers, readers_for_tests
from tests.integration.readers_for_tests import READERS
from tests.integration.test_workers import (
    LIMITS,
    TARGET,
    Ear,
    is_alive,
    task_for,
    until_gone,
    worker_pid,
)

RECORDS = replace(LIMITS, records=True)


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    async with Workers((readers_for_tests.__name__, hostile_readers.__name__)) as warm:
        yield warm


def pids(folder: Path) -> list[int]:
    return [int(line.split()[-1]) for line in (folder / "diary").read_text().splitlines()]


async def test_quick_steps_share_a_process_and_it_is_gone_at_the_end(
    workers: Workers, tmp_path: Path
) -> None:
    ear = Ear()
    async with Relay(workers) as relay:
        for _ in range(3):
            assert await relay.run(TARGET, task_for(tmp_path), LIMITS, ear)
        assert is_alive(worker_pid(tmp_path))
    assert len(set(pids(tmp_path))) == 1
    assert len(ear.told) == 3
    assert not is_alive(worker_pid(tmp_path))


async def test_a_step_that_may_touch_more_or_less_has_a_process_of_its_own(
    workers: Workers, tmp_path: Path
) -> None:
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        await relay.run(TARGET, task_for(tmp_path), RECORDS, Ear())
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        await relay.run(TARGET, {**task_for(tmp_path), "path": "another"}, LIMITS, Ear())
    assert len(set(pids(tmp_path))) == 4
    assert not any(is_alive(pid) for pid in pids(tmp_path))


async def test_a_step_begins_anew_where_no_earlier_one_may_speak_for_it(
    workers: Workers, tmp_path: Path
) -> None:
    assert STEPS["malware_scan"].fresh
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        relay.begin_anew()
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
    assert len(set(pids(tmp_path))) == 2


@pytest.mark.parametrize(("act", "error"), [("refuse", NotATable), ("crash", WorkerCrashed)])
async def test_nothing_goes_on_in_a_process_that_failed(
    workers: Workers, tmp_path: Path, act: str, error: type[Exception]
) -> None:
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        with pytest.raises(error):
            await relay.run(TARGET, task_for(tmp_path, act), LIMITS, Ear())
        assert not is_alive(worker_pid(tmp_path))
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
    first, failed, fresh = pids(tmp_path)
    assert first == failed != fresh


async def test_a_second_step_that_is_cancelled_is_gone_when_the_call_returns(
    workers: Workers, tmp_path: Path
) -> None:
    ear = Ear()
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        step = asyncio.create_task(relay.run(TARGET, task_for(tmp_path, "hang"), LIMITS, ear))
        await ear.spoken.wait()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert not is_alive(worker_pid(tmp_path))


async def test_a_process_that_has_used_much_is_not_given_another_step(
    workers: Workers, tmp_path: Path
) -> None:
    busy = READERS["extracting"].replace("read_extracting", "use_the_processor")
    large = READERS["extracting"].replace("read_extracting", "keep_memory")
    async with Relay(workers) as relay:
        for target in (busy, large, TARGET):
            await relay.run(target, task_for(tmp_path), LIMITS, Ear())
    assert len(set(pids(tmp_path))) == 3


async def test_the_time_of_earlier_steps_is_not_taken_from_the_next(
    workers: Workers, tmp_path: Path
) -> None:
    limit = READERS["extracting"].replace("read_extracting", "tell_the_limits")
    async with Relay(workers) as relay:
        first = await relay.run(limit, task_for(tmp_path), LIMITS, Ear())
        second = await relay.run(limit, task_for(tmp_path), LIMITS, Ear())
    assert first == second == {"cpu_s": [60, 62], "memory": [4 * GIB] * 2, "file": [GIB] * 2}


async def test_who_waits_long_for_the_next_step_gives_the_process_back(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_S", 0.0)
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        await until_gone(worker_pid(tmp_path))
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
    assert len(set(pids(tmp_path))) == 2


async def test_a_process_that_died_while_it_waited_is_a_crash_of_the_next_step(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_S", 60.0)
    async with Relay(workers) as relay:
        await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        os.kill(worker_pid(tmp_path), signal.SIGKILL)
        await until_gone(worker_pid(tmp_path))
        with pytest.raises(WorkerCrashed):
            await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        assert await relay.run(TARGET, task_for(tmp_path), LIMITS, Ear())


async def test_last_words_are_those_of_the_step_that_died(workers: Workers, tmp_path: Path) -> None:
    speak = READERS["extracting"].replace("read_extracting", "speak_to_nobody")
    async with Relay(workers) as relay:
        await relay.run(speak, task_for(tmp_path), LIMITS, Ear())
        assert last_words(task_for(tmp_path)) == "memory allocation of a lot failed\n"
        with pytest.raises(WorkerCrashed):
            await relay.run(TARGET, task_for(tmp_path, "crash"), LIMITS, Ear())
    assert last_words(task_for(tmp_path)) == ""


async def test_the_jail_holds_in_later_steps(workers: Workers, tmp_path: Path) -> None:
    await workers.ready()
    assert workers.held_by is not None
    if not workers.held_by.landlock:
        pytest.skip(f"not in force on this system: {workers.held_by.sentence()}")
    (tmp_path / "work").mkdir()
    (tmp_path / "others").write_text("content")
    task = {**task_for(tmp_path), "work_dir": str(tmp_path / "work")}
    task["options"] = {"wanted": [str(tmp_path / "others")]}
    async with Relay(workers) as relay:
        for _ in range(2):
            look = f"{hostile_readers.__name__}:look_around"
            found = await relay.run(look, task, LIMITS, Ear())
            assert found == {str(tmp_path / "others"): "refused"}
