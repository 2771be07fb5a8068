"""kill -9 while a worker elsewhere reports: each request is whole, once, and in its order."""

import asyncio
import contextlib
import random
from pathlib import Path
from typing import Any

import aiohttp

from app.core.state import fold_all
from tests.integration.serving import settings_for, token_of, with_user
from tests.process import ServerProcess

KILLS = 6
REQUESTS, EACH = 60, 400
SEED = 20261120
LONGEST_S = 120.0


class Worker:
    """Reports request after request; what got no answer is sent again under its key."""

    def __init__(self, client: aiohttp.ClientSession, job_id: str) -> None:
        self._client, self._job_id = client, job_id
        self.unanswered = 0
        self.sent = 0
        self.sending = asyncio.Event()

    async def work(self, up: asyncio.Event) -> None:
        while self.sent < REQUESTS:
            await up.wait()
            try:
                await self._send()
            except (aiohttp.ClientError, OSError):
                self.unanswered += 1
                up.clear()  # whoever killed it tells when it is back
            else:
                self.sent += 1

    async def _send(self) -> None:
        start = self.sent * EACH
        reports: list[dict[str, Any]] = [
            {"type": "processing_progress", "details": {"at": at}, "progress": at / 300}
            for at in range(start, start + EACH)
        ]
        if self.sent == REQUESTS - 1:
            reports.append({"type": "processing_completed"})
        path = f"/api/v1/jobs/{self._job_id}/events"
        key = {"Idempotency-Key": f"request {self.sent}"}
        self.sending.set()
        async with self._client.post(path, json=reports, headers=key) as answer:
            assert answer.status == 200, await answer.text()
            assert (await answer.json())["accepted"] == len(reports)


async def test_reports_survive_kills_whole_once_and_in_order(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with_user(settings, "ann", admin=True)
    headers = {"Authorization": f"Bearer {token_of(settings, 'ann')}"}
    chance = random.Random(SEED)
    server = ServerProcess(tmp_path)
    await server.start()
    up = asyncio.Event()
    up.set()
    async with (
        asyncio.timeout(LONGEST_S),
        aiohttp.ClientSession(server.url, headers=headers) as client,
    ):
        async with client.post("/api/v1/jobs", json={"name": "nightly"}) as answer:
            made = await answer.json()
        worker = Worker(client, made["job_id"])
        working = asyncio.create_task(worker.work(up))
        for _ in range(KILLS):
            worker.sending.clear()
            await worker.sending.wait()
            for _ in range(chance.randint(0, 300)):  # turns of the loop into the request
                await asyncio.sleep(0)
            await server.kill(with_workers=True)
            await server.start()
            up.set()
        while not working.done():  # it may notice the last kill only now
            up.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(working), 0.05)
        await working
        events = await everything(client, f"job:{made['job_id']}")
        batch = await everything(client, f"batch:{made['batch_id']}")
        async with client.get(f"/api/v1/jobs/{made['job_id']}") as answer:
            state = await answer.json()
    await server.stop()
    assert worker.unanswered >= 2  # some of the kills met a request
    told = [e["details"]["at"] for e in events if e["type"] == "processing_progress"]
    assert told == [*range(REQUESTS * EACH)]
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
