"""Worker processes: what they return, how they fail, and that none is ever left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import (
    AppError,
    InternalError,
    OutOfMemory,
    StepTimeout,
    StorageFull,
    WorkerCrashed,
)
from app.core.notices import Notice
from app.core.reading import Task
from app.core.unreadable import NotATable
from app.pipeline import memory
from app.pipeline.worker import Heard, Limits, Told
from app.pipeline.workers import Workers
from app.settings import GIB
from tests.integration import readers_for_tests
from tests.integration.readers_for_tests import READERS
from tests.patience import LONGEST_S

LIMITS = Limits(timeout_s=30.0, memory_bytes=4 * GIB, file_bytes=GIB)
TARGET = READERS["extracting"]


class Ear:
    """Keeps what a worker tells, and lets a test wait for the first word."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.warned: list[Notice] = []
        self.spoken = asyncio.Event()

    async def __call__(self, said: Told | Notice) -> None:
        if isinstance(said, Told):
            self.told.append(said)
        else:
            self.warned.append(said)
        self.spoken.set()


def task_for(folder: Path, act: str | None = None) -> Task:
    options: dict[str, Any] = {"acts": {"extracting": act}, "diary": str(folder / "diary")}
    return Task(
        job_id="j",
        user_id="u",
        filename="expenses.csv",
        size=1,
        sha256="",
        path=str(folder / "file"),
        work_dir=str(folder),
        records_path=str(folder / "records.db"),
        limits={
            "max_rows": 1,
            "max_columns": 1,
            "max_line_bytes": 1,
            "max_unpacked_bytes": 1,
            "max_unpack_ratio": 1,
            "max_pages": 1,
            "max_ocr_pages": 1,
            "max_image_pixels": 1,
        },
        options=options,
        found={},
        answers={},
    )


def worker_pid(folder: Path) -> int:
    return int((folder / "diary").read_text().split()[-1])


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    async with Workers(("tests.integration.readers_for_tests",)) as warm:
        yield warm


async def failure(workers: Workers, task: Task, limits: Limits = LIMITS) -> AppError:
    with pytest.raises(AppError) as caught:
        await workers.run(TARGET, task, limits, Ear())
    return caught.value


async def test_a_worker_returns_what_its_reader_found(workers: Workers, tmp_path: Path) -> None:
    found = await workers.run(TARGET, task_for(tmp_path), LIMITS, Ear())
    assert found == {"rows": 10, "rejected": 1, "parts": 1}


async def test_each_step_has_a_process_of_its_own(workers: Workers, tmp_path: Path) -> None:
    await asyncio.gather(
        *(workers.run(TARGET, task_for(tmp_path), LIMITS, Ear()) for _ in range(3))
    )
    pids = {line.split()[-1] for line in (tmp_path / "diary").read_text().splitlines()}
    assert len(pids) == 3
    assert str(os.getpid()) not in pids


async def test_the_first_and_the_last_report_always_arrive(
    workers: Workers, tmp_path: Path
) -> None:
    ear = Ear()
    await workers.run(TARGET, task_for(tmp_path, "chat"), LIMITS, ear)
    assert ear.told[0].done == 1
    assert ear.told[-1].done == 50_000
    assert len(ear.told) < 1000


async def test_a_warning_crosses_with_its_facts(workers: Workers, tmp_path: Path) -> None:
    ear = Ear()
    await workers.run(TARGET, task_for(tmp_path, "warn"), LIMITS, ear)
    assert [notice.body()["code"] for notice in ear.warned] == ["rejected_rows"]
    assert ear.warned[0].facts == {"rejected": 1, "rows": 10}


async def test_a_readers_own_error_keeps_its_facts(workers: Workers, tmp_path: Path) -> None:
    error = await failure(workers, task_for(tmp_path, "refuse"))
    assert isinstance(error, NotATable)
    assert str(error) == "I found no rows and columns in expenses.csv"


async def test_an_unforeseen_error_is_told_by_a_reference_only(
    workers: Workers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = await failure(workers, task_for(tmp_path, "stumble"))
    assert isinstance(error, InternalError)
    assert "secret" not in str(error.body())
    assert error.facts["reference"] in caplog.text
    assert "a secret of the inside" in caplog.text


async def test_a_worker_that_dies_is_a_crash_with_its_reason(
    workers: Workers, tmp_path: Path
) -> None:
    error = await failure(workers, task_for(tmp_path, "crash"))
    assert isinstance(error, WorkerCrashed)
    assert error.facts["reason"] == "a fault in a library"


@pytest.mark.parametrize("act", ["leave", "babble"])
async def test_a_worker_without_an_answer_is_a_crash(
    workers: Workers, tmp_path: Path, act: str
) -> None:
    assert isinstance(await failure(workers, task_for(tmp_path, act)), WorkerCrashed)


async def test_a_worker_that_never_stops_talking_is_ended(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pipeline.worker.MOST_TOLD_BYTES", 4_000_000)
    heard: list[int] = []

    async def hear(said: Heard) -> None:
        heard.append(1)

    with pytest.raises(WorkerCrashed):
        await workers.run(TARGET, task_for(tmp_path, "never stop talking"), LIMITS, hear)
    assert 1 <= len(heard) <= 5


async def test_a_crash_does_not_touch_the_neighbour(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    crash, fine = await asyncio.gather(
        workers.run(TARGET, task_for(tmp_path / "a", "crash"), LIMITS, Ear()),
        workers.run(TARGET, task_for(tmp_path / "b", "chat"), LIMITS, Ear()),
        return_exceptions=True,
    )
    assert isinstance(crash, WorkerCrashed)
    assert isinstance(fine, dict)


async def test_memory_beyond_the_limit_is_told_as_such(workers: Workers, tmp_path: Path) -> None:
    assert isinstance(await failure(workers, task_for(tmp_path, "eat memory")), OutOfMemory)


async def test_a_library_that_gives_up_for_memory_is_told_apart_from_a_crash(
    workers: Workers, tmp_path: Path
) -> None:
    task = task_for(tmp_path, "give up for memory")
    assert isinstance(await failure(workers, task), OutOfMemory)


async def test_a_worker_that_the_system_ends_for_memory_is_told_apart(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_for(tmp_path, "be killed")
    crash = await failure(workers, task)
    assert crash.facts["reason"] == "something else ended it"
    now = memory.oom_kills()
    monkeypatch.setattr(memory, "oom_kills", lambda: now + 1)
    starved = await failure(workers, task)
    assert (starved.code, starved.facts["memory"]) == ("worker_crashed", True)
    assert (await failure(workers, task)).facts["reason"] == "something else ended it"


async def test_a_full_disk_is_told_as_such(workers: Workers, tmp_path: Path) -> None:
    assert isinstance(await failure(workers, task_for(tmp_path, "disk full")), StorageFull)


@pytest.mark.parametrize("act", ["hang", "burn"])
async def test_a_step_that_takes_too_long_is_killed(
    workers: Workers, tmp_path: Path, act: str
) -> None:
    await workers.ready()  # so that the time is the step's alone
    limits = Limits(timeout_s=2.0, memory_bytes=4 * GIB)
    error = await failure(workers, task_for(tmp_path, act), limits)
    assert isinstance(error, StepTimeout)
    assert not is_alive(worker_pid(tmp_path))


async def test_a_cancelled_worker_is_gone_when_the_call_returns(
    workers: Workers, tmp_path: Path
) -> None:
    ear = Ear()
    step = asyncio.create_task(workers.run(TARGET, task_for(tmp_path, "hang"), LIMITS, ear))
    await ear.spoken.wait()
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert not is_alive(worker_pid(tmp_path))


async def test_work_goes_on_after_the_fork_server_was_killed(
    workers: Workers, tmp_path: Path
) -> None:
    ear = Ear()
    step = asyncio.create_task(workers.run(TARGET, task_for(tmp_path, "hang"), LIMITS, ear))
    await ear.spoken.wait()
    os.kill(await workers.ready(), signal.SIGKILL)
    with pytest.raises(WorkerCrashed):
        await step
    await until_gone(worker_pid(tmp_path))
    assert await workers.run(TARGET, task_for(tmp_path), LIMITS, Ear())


async def test_a_process_that_the_system_refuses_fails_its_own_step_alone(tmp_path: Path) -> None:
    ear = Ear()
    refusing = f"{readers_for_tests.__name__}:refuse_the_second_fork"
    async with Workers((refusing,)) as workers:
        other = asyncio.create_task(workers.run(TARGET, task_for(tmp_path, "hang"), LIMITS, ear))
        await ear.spoken.wait()
        refused = await failure(workers, task_for(tmp_path))
        assert (refused.code, refused.facts["reason"]) == (
            "worker_crashed",
            "it could not be started",
        )
        assert await workers.run(TARGET, task_for(tmp_path), LIMITS, Ear())
        assert not other.done()
        other.cancel()
        await asyncio.wait([other])


async def test_what_is_prepared_at_the_start_is_there_in_every_worker(tmp_path: Path) -> None:
    async with Workers(("tests.integration.readers_for_tests:prepare",)) as workers:
        for _ in range(2):
            task = task_for(tmp_path, "show what is prepared")
            found = await workers.run(TARGET, task, LIMITS, Ear())
            assert found == {"prepared": ["made before the fork"]}


async def test_a_module_that_can_not_be_preloaded_harms_nobody(tmp_path: Path) -> None:
    async with Workers(
        ("no_such_module", "os:no_such_function", "tests.integration.readers_for_tests")
    ) as workers:
        assert await workers.run(TARGET, task_for(tmp_path), LIMITS, Ear())


SERVER = """
import asyncio, sys
from pathlib import Path
from app.pipeline.workers import Workers
from tests.integration.test_workers import LIMITS, TARGET, task_for

async def main(folder):
    async def hear(said):
        print(await workers.ready(), flush=True)
    async with Workers(("tests.integration.readers_for_tests",)) as workers:
        await workers.run(TARGET, task_for(folder, "hang"), LIMITS, hear)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_kill_9_of_the_server_leaves_no_worker_alive(tmp_path: Path) -> None:
    server = subprocess.Popen(  # noqa: ASYNC220 - a test may wait for a process to begin
        [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    with server.stdout:
        fork_server_pid = int(await asyncio.to_thread(server.stdout.readline))
    server.kill()
    await asyncio.to_thread(server.wait)
    await until_gone(worker_pid(tmp_path))
    await until_gone(fork_server_pid)


async def test_kill_9_while_the_libraries_load_leaves_nothing_behind(tmp_path: Path) -> None:
    slow = tmp_path / "slow_to_load.py"
    say = tmp_path / "say"
    slow.write_text(
        f"import os, time\nprint(os.getpid(), file=open({str(say)!r}, 'w'))\n"
        "while True: time.sleep(0.01)\n"
    )
    os.mkfifo(say)
    code = (
        "import asyncio\nfrom app.pipeline.workers import Workers\n"
        "async def main():\n    async with Workers(('slow_to_load',)):\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    server = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}
    )
    pid = int(await asyncio.to_thread(say.read_text))
    server.kill()
    await asyncio.to_thread(server.wait)
    await until_gone(pid)


def is_alive(pid: int) -> bool:
    """Tell whether the process exists and has not ended (a zombie has)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def until_gone(pid: int) -> None:
    """Wait for a process that is not our child; the system tells when it has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, gone.set)
    try:
        async with asyncio.timeout(LONGEST_S):
            await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
