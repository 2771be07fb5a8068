"""A worker as the server hears it: what it may say, and for how long."""

import asyncio
from typing import Any

import orjson
import pytest

from app.core.errors import StepTimeout, WorkerCrashed
from app.core.reading import Task
from app.pipeline.memory import MemoryWatch
from app.pipeline.worker import Heard, Limits, Told, Worker
from tests.integration.test_workers import task_for

TOLD: dict[str, Any] = {"is": "told", "done": 1, "total": 2, "context": {}}
FOUND: dict[str, Any] = {"is": "found", "found": {"rows": 1}, "can_go_on": False}
SOON = Limits(timeout_s=0.5, memory_bytes=1)


@pytest.fixture
def task(tmp_path: Any) -> Task:
    return task_for(tmp_path)


class Nowhere(asyncio.Transport):
    """Where what a worker is told goes: nobody reads it."""

    def write(self, data: Any) -> None: ...

    def close(self) -> None: ...

    def is_closing(self) -> bool:
        return True


async def worker_that_says(*messages: Any) -> Worker:
    """Return a worker that has said this, and nothing more for now."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    for message in messages:
        reader.feed_data(orjson.dumps(message) + b"\n")
    writer = asyncio.StreamWriter(Nowhere(), asyncio.StreamReaderProtocol(reader), reader, loop)

    async def end() -> int | None:
        return None

    return Worker(reader, writer, end, MemoryWatch())


async def test_the_time_of_a_step_stands_still_while_the_server_writes_down_what_it_heard(
    task: Task,
) -> None:
    heard: list[Heard] = []

    async def hear(said: Heard) -> None:
        written = asyncio.Event()
        asyncio.get_running_loop().call_later(1.2 * SOON.timeout_s, written.set)
        await written.wait()
        heard.append(said)

    worker = await worker_that_says(TOLD, FOUND)
    assert await worker.do("a:b", task, SOON, hear) == {"rows": 1}
    assert heard == [Told(1, 2, {})]


async def test_the_time_of_a_step_goes_on_after_it(task: Task) -> None:
    async def hear(said: Heard) -> None: ...

    worker = await worker_that_says(TOLD)
    with pytest.raises(StepTimeout):
        await worker.do("a:b", task, SOON, hear)


@pytest.mark.parametrize(
    "nonsense",
    [
        [],
        {"is": "told"},
        {**TOLD, "total": "x"},
        {**TOLD, "total": []},
        {**TOLD, "context": 1},
        {"is": "warned", "code": "no such", "facts": {}},
        {"is": "events", "events": [1]},
    ],
)
async def test_what_is_no_message_is_not_believed(task: Task, nonsense: Any) -> None:
    async def hear(said: Heard) -> None:
        raise AssertionError(said)

    worker = await worker_that_says(nonsense, FOUND)
    with pytest.raises(WorkerCrashed):
        await worker.do("a:b", task, SOON, hear)
