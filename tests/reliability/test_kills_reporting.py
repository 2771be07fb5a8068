"""kill -9 while a worker elsewhere reports: each request is whole, once, and in its order."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from app.core.state import fold_all
from tests.integration.serving import settings_for, token_of, with_user
from tests.process import ServerProcess

EACH = 400  # reports of a request
ROUNDS = 2  # of kills at each moment
SEED = 20261120
LONGEST_S = 240.0


class Worker:
    """Reports request after request, each under a key of its own."""

    def __init__(self, client: aiohttp.ClientSession, job_id: str) -> None:
        self.client, self.job_id = client, job_id
        self._path = f"/api/v1/jobs/{job_id}/events"
        self._sent = 0
        self._first_answer: Any = None

    @property
    def last_at(self) -> int:
        """What the last report of the request says that is to be sent now."""
        return (self._sent + 1) * EACH - 1

    def body(self) -> bytes:
        reports: list[dict[str, Any]] = [
            {"type": "processing_progress", "details": {"at": at}, "progress": at / 100}
            for at in range(self._sent * EACH, (self._sent + 1) * EACH)
        ]
        return orjson.dumps(reports)

    async def send(self, body: Any = None) -> Any:
        """Send the request; return its answer. Raises aiohttp.ClientError where it breaks off."""
        key = {"Idempotency-Key": f"request {self._sent}", "Content-Type": "application/json"}
        async with self.client.post(self._path, data=body or self.body(), headers=key) as answer:
            assert answer.status == 200, await answer.text()
            self._first_answer = await answer.json()
            return self._first_answer

    async def go_on(self) -> None:
        """Send it, again if it was sent before, and go on to the next one."""
        before, self._first_answer = self._first_answer, None
        answer = await self.send()
        assert answer["accepted"] == EACH
        assert before in (None, answer), "what was answered once is answered the same again"
        self._first_answer = None
        self._sent += 1


Kill = Callable[[], Awaitable[None]]


async def in_the_middle_of_a_request(worker: Worker, kill: Kill) -> None:
    body = worker.body()

    async def half() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        await kill()
        yield body[len(body) // 2 :]

    with contextlib.suppress(aiohttp.ClientError, OSError):
        await worker.send(half())
        raise AssertionError("it was answered by a server that was dead")


async def once_it_is_told(worker: Worker, kill: Kill) -> None:
    async with worker.client.ws_connect("/ws?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "id": "1", "room": f"job:{worker.job_id}"})
        while (await socket.receive_json())["type"] != "live":
            pass
        sending = asyncio.create_task(worker.send())
        while (await socket.receive_json()).get("details", {}).get("at") != worker.last_at:
            pass
        await kill()
    with contextlib.suppress(aiohttp.ClientError, OSError):  # the answer may have come
        await sending


def at_any_time(chance: random.Random) -> Callable[[Worker, Kill], Awaitable[None]]:
    async def kill_it(worker: Worker, kill: Kill) -> None:
        sending = asyncio.create_task(worker.send())
        for _ in range(chance.randint(0, 300)):  # turns of the loop into the request
            await asyncio.sleep(0)
        await kill()
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await sending

    return kill_it


async def test_reports_survive_kills_whole_once_and_in_order(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with_user(settings, "ann", admin=True)
    moments = (in_the_middle_of_a_request, once_it_is_told, at_any_time(random.Random(SEED)))
    async with ServerProcess(tmp_path) as server, asyncio.timeout(LONGEST_S):
        await server.start()
        async with server.client(token_of(settings, "ann")) as client:
            async with client.post("/api/v1/jobs", json={"name": "nightly"}) as answer:
                made = await answer.json()
            worker = Worker(client, made["job_id"])
            for moment in moments * ROUNDS:
                await worker.go_on()
                await moment(worker, lambda: server.kill(with_workers=True))
                await server.start()
                await worker.go_on()
            done = {"type": "processing_completed"}
            async with client.post(f"/api/v1/jobs/{worker.job_id}/events", json=done) as answer:
                assert answer.status == 200
            events = await everything(client, f"job:{made['job_id']}")
            batch = await everything(client, f"batch:{made['batch_id']}")
            async with client.get(f"/api/v1/jobs/{made['job_id']}") as answer:
                state = await answer.json()
        await server.stop()
    told = [e["details"]["at"] for e in events if e["type"] == "processing_progress"]
    assert told == [*range(2 * len(moments) * ROUNDS * EACH)]
    assert [e["n"] for e in events] == [*range(1, len(events) + 1)]
    assert [e["type"] for e in batch].count("batch_completed") == 1
    folded = fold_all(events)
    assert folded == {key: value for key, value in state.items() if key != "links"}


async def everything(client: aiohttp.ClientSession, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["seq"] if found else 0
        path = f"/api/v1/events/history?room={room}&after={after}&limit=1000"
        async with client.get(path) as answer:
            page = (await answer.json())["events"]
        if not page:
            return found
        found += page
