"""The Python client against a server that tells too little, or twice: it notices and asks again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from app.client import Incomplete, Livetrail, Position, Refused
from app.client import following as module
from app.client.following import HOLES_AT_MOST, Following

LOG, TEST_S = "log-1", 30.0
Message = dict[str, Any]


def event(n: int, seq: int | None = None, job_id: str = "job-1") -> Message:
    """Return the nth event of a job, as it is sent."""
    said = {"type": "processing_progress", "message": "...", "timestamp": "2026-01-02T03:04:05Z"}
    return {**said, "job_id": job_id, "n": n, "seq": 10 * n if seq is None else seq}


@dataclass
class Teller:
    """A server with one script for each connection: its answers to what is subscribed to.

    asked   what each connection subscribed to
    close   the code with which each of them ends, once its script was told
    """

    scripts: Sequence[Sequence[Message]]
    log: str = LOG
    close: int = 1012
    asked: list[Message] = field(default_factory=list)

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        await socket.send_json({"type": "welcome", "log": self.log, "heartbeat": 30})
        self.asked.append(json.loads(await socket.receive_str()))
        await socket.send_str("\n".join(json.dumps(message) for message in script))
        await socket.close(code=self.close)
        return socket


@asynccontextmanager
async def following(teller: Teller, after: Position | int) -> AsyncIterator[Following]:
    app = web.Application()
    app.router.add_get("/ws", teller.listen)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with (
            asyncio.timeout(TEST_S),
            Livetrail(f"http://{host}:{port}", "lt_any") as trail,
            trail.follow("job:job-1", after) as told,
        ):
            yield told
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "wait_s", lambda failures: 0.0)


async def heard(told: Following, count: int) -> list[int | None]:
    return [getattr(await anext(told), "n", None) for _ in range(count)]


async def test_a_hole_is_asked_for_again_from_the_last_whole_place() -> None:
    teller = Teller([[event(1), event(2), event(4)], [event(3), event(4)]])
    async with following(teller, 0) as told:
        assert await heard(told, 4) == [1, 2, 3, 4]
        assert told.heard == {"job-1": 4}
        assert told.position == Position(LOG, 40)
    assert [ask["after"] for ask in teller.asked] == [0, 20]


async def test_a_hole_that_is_always_there_is_said_so() -> None:
    teller = Teller([[event(1), event(4)], [event(4)]])
    async with following(teller, 0) as told:
        assert await heard(told, 1) == [1]
        with pytest.raises(Incomplete, match="events 2 to 3 of the job job-1"):
            await anext(told)
    assert len(teller.asked) == HOLES_AT_MOST + 1


async def test_from_the_start_the_beginning_of_a_job_may_not_be_missing_either() -> None:
    teller = Teller([[event(2)], [event(1), event(2)]])
    async with following(teller, 0) as told:
        assert await heard(told, 2) == [1, 2]
    gone = {"type": "snapshot", "room": "job:job-1", "state": {"job_id": "job-1", "n": 4}}
    async with following(Teller([[gone, event(5)]]), 0) as told:
        assert await heard(told, 2) == [None, 5]


async def test_what_was_told_before_is_not_told_again() -> None:
    teller = Teller([[event(1), event(2)], [event(1), event(2), event(3)]])
    async with following(teller, 0) as told:
        assert await heard(told, 3) == [1, 2, 3]


async def test_a_place_goes_with_the_log_that_it_is_in() -> None:
    teller = Teller([[event(7)], [event(8)]], log="log-2")
    async with following(teller, Position(LOG, 60)) as told:
        assert await heard(told, 2) == [7, 8]
    assert [(ask["after"], ask["log"]) for ask in teller.asked] == [(60, LOG), (70, "log-2")]


async def test_another_log_counts_from_its_own_beginning() -> None:
    teller = Teller([[event(1), event(2)], [{"type": "reset"}, event(1), event(2)]])
    async with following(teller, 0) as told:
        assert await heard(told, 4) == [1, 2, 1, 2]


async def test_who_is_turned_away_for_good_is_told_so() -> None:
    teller = Teller([[event(1)]], close=4001)
    async with following(teller, 0) as told:
        assert await heard(told, 1) == [1]
        with pytest.raises(Refused) as refused:
            await anext(told)
        assert refused.value.status == 401
    assert len(teller.asked) == 1
