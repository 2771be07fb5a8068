"""The Python client against a server that tells too little, or twice: it notices and asks again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app.client import Incomplete, Livetrail, Position, Refused, Snapshot, Unreachable, http
from app.client import following as module
from app.client.following import HOLES_AT_MOST, Caught, Following, apart_s
from tests.patience import LONGEST_S

LOG = "log-1"
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
    reason  what goes with it
    """

    scripts: Sequence[Sequence[Message]]
    log: str = LOG
    close: int = 1012
    reason: str = ""
    asked: list[Message] = field(default_factory=list)

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        await socket.send_json({"type": "welcome", "log": self.log, "heartbeat": 30})
        self.asked.append(json.loads(await socket.receive_str()))
        await socket.send_str("\n".join(json.dumps(message) for message in script))
        await socket.close(code=self.close, message=self.reason.encode())
        return socket


@asynccontextmanager
async def talking_to(*routes: web.RouteDef) -> AsyncIterator[Livetrail]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with (
            asyncio.timeout(LONGEST_S),
            Livetrail(f"http://{host}:{port}", "lt_any") as trail,
        ):
            yield trail
    finally:
        await runner.cleanup()


@asynccontextmanager
async def following(teller: Teller, after: Position | int) -> AsyncIterator[Following]:
    async with (
        talking_to(web.get("/ws", teller.listen)) as trail,
        trail.follow("job:job-1", after) as told,
    ):
        yield told


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


async def test_a_server_that_restarts_says_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(module, "apart_s", lambda said: waited.append(apart_s(said) or 0) or 0.01)
    teller = Teller([[event(1)], [event(2)]], reason="restarting; retry_after=3.217")
    async with following(teller, 0) as told:
        assert await heard(told, 2) == [1, 2]
    assert waited[0] == 3.217
    assert (apart_s("restarting"), apart_s("retry_after=9e9"), apart_s(None)) == (None, 9, None)


async def test_who_is_turned_away_for_good_is_told_so() -> None:
    teller = Teller([[event(1)]], close=4001)
    async with following(teller, 0) as told:
        assert await heard(told, 1) == [1]
        with pytest.raises(Refused) as refused:
            await anext(told)
        assert refused.value.status == 401
    assert len(teller.asked) == 1


async def test_a_cut_while_another_log_is_told_of_gives_the_states_again() -> None:
    """A place of the old log means nothing in the new one: it must not be sent as if."""
    reset = {"type": "reset", "room": "job:job-1", "log": "log-2", "head": 99}
    state = {"type": "snapshot", "room": "job:job-1", "state": {"job_id": "job-1", "n": 4}}
    live = {"type": "live", "room": "job:job-1", "seq": 99}
    teller = Teller([[reset], [reset, state, live], []], log="log-2")
    async with following(teller, Position(LOG, 60)) as told:
        assert isinstance(await anext(told), Snapshot)
        assert told.position == Position(LOG, 60)
        assert await told.next() == Caught(99)
        assert told.position == Position("log-2", 99)
    assert [(ask["after"], ask["log"]) for ask in teller.asked] == [(60, LOG), (60, LOG)]


@dataclass
class Poller:
    """A server through which no socket gets, with a page for each time it is asked.

    asked   the place and the log with which each page was asked for
    """

    pages: Sequence[Message | web.Response]
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        page = self.pages[min(len(self.asked), len(self.pages) - 1)]
        self.asked.append((request.query["after"], request.query["log"]))
        return page if isinstance(page, web.Response) else web.json_response(page)

    @asynccontextmanager
    async def following(self, after: Position) -> AsyncIterator[Following]:
        async with (
            talking_to(
                web.get("/api/v1/events/history", self.answer),
                web.get("/api/v1/jobs/job-1", self.state),
            ) as trail,
            trail.follow("job:job-1", after) as told,
        ):
            yield told

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response({"job_id": "job-1", "n": 4})


def page(*events: Message, log: str = LOG, after: int, reset: bool = False) -> Message:
    rest = {"head": after, "more": False, "reset": reset, "truncated": False}
    return {"events": events, "after": after, "log": log, **rest}


async def test_polling_too_a_place_goes_with_its_log() -> None:
    poller = Poller(
        [page(log="log-2", after=99, reset=True), page(event(5, 100), log="log-2", after=101)]
    )
    async with poller.following(Position(LOG, 60)) as told:
        assert isinstance(await anext(told), Snapshot)
        assert told.position == Position(LOG, 60)
        assert await heard(told, 1) == [5]
        assert told.position == Position("log-2", 100)
    assert poller.asked == [("60", LOG), ("99", "log-2")]


async def test_an_answer_that_is_not_livetrails_is_waited_out() -> None:
    poller = Poller([web.Response(text="<p>Sign in to this network"), page(event(7), after=70)])
    async with poller.following(Position(LOG, 60)) as told:
        assert await heard(told, 1) == [7]


@pytest.mark.parametrize("answers", [[web.Response(status=502)], [page(after=10)]])
async def test_a_socket_is_tried_again_when_polling_ends(
    monkeypatch: pytest.MonkeyPatch, answers: list[web.Response | Message]
) -> None:
    """A proxy says 502 while the server restarts: that is no reason to poll for ever."""
    monkeypatch.setattr(module, "POLLED_FOR_S", 0.1)
    teller, poller, is_down = Teller([[event(2)]]), Poller(answers), [True]

    async def listen(request: web.Request) -> web.StreamResponse:
        return web.Response(status=502) if is_down.pop() else await teller.listen(request)

    async with (
        talking_to(
            web.get("/ws", listen), web.get("/api/v1/events/history", poller.answer)
        ) as trail,
        trail.follow("job:job-1", Position(LOG, 10)) as told,
    ):
        is_down.insert(0, False)
        assert await heard(told, 1) == [2]
    assert teller.asked[0]["after"] == 10
    assert poller.asked


async def test_that_nobody_answers_is_told_to_the_log_and_waited_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    teller, failures = Teller([[event(1)]]), [500] * module.TOLD_AFTER

    async def listen(request: web.Request) -> web.StreamResponse:
        return web.Response(status=failures.pop()) if failures else await teller.listen(request)

    async with (
        talking_to(web.get("/ws", listen)) as trail,
        trail.follow("job:job-1", 0) as told,
    ):
        assert await heard(told, 1) == [1]
    assert [record.getMessage() for record in caplog.records if "asked again" in record.message]


async def test_what_is_told_after_the_end_was_seen_is_not_left_out() -> None:
    """The state says that it has ended a moment before the socket tells how."""
    told_now, ended = asyncio.Event(), {**event(2), "type": "processing_completed"}

    async def listen(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "welcome", "log": LOG, "heartbeat": 30})
        await socket.receive_str()
        live = {"type": "live", "room": "job:job-1", "seq": 10}
        await socket.send_str("\n".join(map(json.dumps, [event(1), live])))
        await told_now.wait()
        await socket.send_json(ended)
        await socket.receive()
        return socket

    async def state(request: web.Request) -> web.Response:
        return web.json_response({"status": "completed"})

    async def rest(request: web.Request) -> web.Response:
        told_now.set()
        events = [] if int(request.query["after"]) >= ended["seq"] else [ended]
        return web.json_response(page(*events, after=90))

    async with talking_to(
        web.get("/ws", listen),
        web.get("/api/v1/jobs/job-1", state),
        web.get("/api/v1/events/history", rest),
    ) as trail:
        told = [one async for one in trail.until_done("job:job-1")]
    assert [getattr(one, "n", None) for one in told] == [1, 2]


async def test_a_file_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return answer

    into = tmp_path / "mine.csv"
    into.write_text("from before")
    async with talking_to(web.get("/api/v1/jobs/1/original", half)) as trail:
        with pytest.raises(Unreachable):
            await trail.original("1", into)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["from before"]


async def test_who_else_answers_is_not_taken_for_livetrail() -> None:
    async def home(request: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")

    async with talking_to(web.get("/api/v1/auth/me", home)) as trail:
        with pytest.raises(Unreachable, match="not as Livetrail does"):
            await trail.me()


async def test_a_repetition_waits_for_the_first_try_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "wait_s", lambda failures: 0.0)
    keys: list[str] = []

    async def take(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            assert request.transport is not None
            request.transport.abort()  # it is worked on all the same
        if len(keys) == 2:
            return web.json_response({"code": "conflict"}, status=409)
        return web.json_response({"job_id": "job-1"})

    async with talking_to(web.post("/api/v1/jobs", take)) as trail:
        assert await trail.create_job("nightly.parquet") == {"job_id": "job-1"}
    assert len(set(keys)) == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost:8080", "ftp://there", "http://", ""])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a server"):
        Livetrail(url, "lt_any")


@pytest.mark.parametrize("room", ["me", "job", "job:", "user:me", ""])
async def test_what_is_no_job_and_no_batch_is_not_taken_for_one(room: str, tmp_path: Path) -> None:
    async with talking_to() as trail:
        for asked in (
            trail.undo(room),
            trail.export(tmp_path, room),
            anext(trail.until_done(room)),
        ):
            with pytest.raises(ValueError, match="is no job and no batch"):
                await asked
