"""What operators see of the live side: connections, figures, and the frames of one of them."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import ormsgpack

from app.keys import FRAME_LOGS, HUB, JOURNAL
from app.live.frames import FRAMES_KEPT, LOGS_AT_MOST
from tests.integration.listening import until
from tests.integration.serving import LONGEST_S, Server, ended, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
STATUS = "/api/v1/websocket/status"


async def status_of(operator: aiohttp.ClientSession, **query: int) -> dict[str, Any]:
    async with operator.get(STATUS, params=query) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def log_of(operator: aiohttp.ClientSession, ident: str, **wish: Any) -> dict[str, Any]:
    path = f"/api/v1/websocket/connections/{ident}/log"
    method = "POST" if wish else "GET"
    async with operator.request(method, path, json=wish or None) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def heard(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """Return the first message of type `kind`. The socket has one object a frame."""
    async with asyncio.timeout(LONGEST_S):
        while (message := await socket.receive_json())["type"] != kind:
            pass
    told: dict[str, Any] = message
    return told


async def test_each_connection_is_described_and_what_it_was_told_is_counted(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws/phone?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "room": "user:me"})
        await socket.send_json({"op": "nonsense"})
        await heard(socket, "error")
        job = (await ended(bob, await upload(bob, ("a.csv", CSV))))[0]
        async with bob.get("/api/v1/auth/me") as answer:
            me = await answer.json()
        await until(lambda: server.app[HUB].counts().connections == 1)
        told = await status_of(ann)
    (phone,) = told["connections"]
    assert phone["client_id"] == "phone"
    assert (phone["user"], phone["user_id"]) == ("bob", me["user_id"])
    assert (phone["client"], phone["transport"]) == ("cookie", "websocket")
    assert phone["address"] == "127.0.0.1"
    assert phone["rooms"] == [f"user:{me['user_id']}"]
    assert (phone["state"], phone["lag"], phone["cursor"]) == ("live", 0, told["head"])
    assert phone["messages_in"] == 2
    assert phone["events_out"] >= job["n"]
    assert phone["bytes_out"] > 100 * job["n"]
    assert phone["logged_until"] is None
    assert told["rejected"] == {"unknown_op": 1}
    assert told["telling_s"]["count"] >= job["n"]
    assert told["telling_s"]["buckets"][-1] == [None, told["telling_s"]["count"]]
    assert told["transports"] == {"websocket": 1}


async def test_the_latest_connections_are_told_first_and_no_more_than_asked_for(
    ann: aiohttp.ClientSession,
) -> None:
    async with AsyncExitStack() as open_sockets:
        for name in "abc":
            socket = await open_sockets.enter_async_context(ann.ws_connect(f"/ws/{name}"))
            await socket.receive()
        told = await status_of(ann, limit=2)
        assert [one["client_id"] for one in told["connections"]] == ["c", "b"]
        assert told["connected"] == 3


async def test_what_goes_over_a_connection_is_logged_for_a_while(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws?frames=single") as socket:
        await heard(socket, "welcome")
        (ident,) = (one["id"] for one in (await status_of(ann))["connections"])
        assert (await log_of(ann, ident, on=True, seconds=60))["on"]
        await socket.send_json({"op": "ping", "id": "hello"})
        await heard(socket, "pong")
        assert (await status_of(ann))["connections"][0]["logged_until"]
        told = await log_of(ann, ident)
        assert [(f["direction"], f["kind"]) for f in told["frames"]] == [
            ("in", "text"), ("out", "text"),
        ]  # fmt: skip
        assert "hello" in told["frames"][0]["text"]
        assert '"pong"' in told["frames"][1]["text"]
        assert not (await log_of(ann, ident, on=False))["on"]
        await socket.send_json({"op": "ping"})
        await heard(socket, "pong")
        assert len((await log_of(ann, ident))["frames"]) == 2
    async with ann.get("/api/v1/websocket/connections/999/log") as answer:
        assert answer.status == 404


async def test_who_asked_for_the_frames_is_noted(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws/phone") as socket:
        await socket.receive()
        (ident,) = (one["id"] for one in (await status_of(ann))["connections"])
        await log_of(ann, ident, on=True, seconds=30)
    async with ann.get("/api/v1/audit", params={"kind": "frames_logged"}) as answer:
        (entry,) = (await answer.json())["entries"]
    assert entry["name"] == "ann"
    wanted = {"client_id": "phone", "of_user": "bob", "seconds": 30}
    assert wanted.items() <= entry["facts"].items()


async def test_frames_of_every_transport_can_be_read(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with (
        bob.get("/api/v1/events") as stream,
        bob.ws_connect("/ws", protocols=["livetrail.v1.msgpack"]) as packed,
    ):
        await stream.content.readuntil(b"\n\n")
        await packed.receive()
        told = (await status_of(ann))["connections"]
        assert {(one["transport"], one["format"]) for one in told} == {
            ("sse", "sse"), ("websocket", "msgpack"),
        }  # fmt: skip
        logs = {one["format"]: one["id"] for one in told}
        for ident in logs.values():
            await log_of(ann, ident, on=True)
        await packed.send_bytes(b"\0" + ormsgpack.packb({"op": "subscribe", "room": "user:me"}))
        await packed.receive()
        await ended(bob, await upload(bob, ("a.csv", CSV)))
        shown = {form: await log_of(ann, ident) for form, ident in logs.items()}
    kinds = {(f["direction"], f["kind"]) for form in shown for f in shown[form]["frames"]}
    assert kinds == {("out", "stream"), ("in", "binary"), ("out", "binary")}
    for log in shown.values():
        assert any("batch_created" in frame["text"] for frame in log["frames"])


async def test_sockets_that_are_not_let_in_are_counted_by_reason(
    server: Server, ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    async with stranger.ws_connect("/ws") as socket:
        await socket.receive()
    assert (await status_of(ann))["refused"] == {"not_authenticated": 1}


async def test_a_log_of_frames_ends_by_itself_and_stays_when_its_connection_is_over(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws") as socket:
        await socket.receive()
        (session,) = server.app[HUB].sessions
        log = server.app[FRAME_LOGS].start(session, 0.01)
        write = session.write
        await until(lambda: not log.is_on)
        assert session.write != write
        assert session.tap is None
        await log_of(ann, str(session.number), on=True)
        await socket.send_json({"op": "ping"})
        await socket.receive()
    await until(lambda: not server.app[HUB].sessions)
    told = await log_of(ann, str(session.number))
    assert not told["on"]
    assert len(told["frames"]) == 2


async def test_only_the_last_frames_are_kept_and_only_of_a_few_connections(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    logs = server.app[FRAME_LOGS]
    async with ann.ws_connect("/ws") as socket:
        await socket.receive()
        (session,) = server.app[HUB].sessions
        log = logs.start(session, 60)
        for _ in range(FRAMES_KEPT + 5):
            session.put(b"\x81\x01x")
        assert [frame.n for frame in log.frames] == list(range(6, FRAMES_KEPT + 6))
        for number in range(100, 100 + LOGS_AT_MOST):
            log.stop()
            session.number = number
            log = logs.start(session, 60)
        assert logs.of(100) is not None
        assert sum(logs.of(number) is not None for number in range(200)) == LOGS_AT_MOST


async def test_the_figures_tell_how_the_live_side_does(
    server: Server, stranger: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "room": "user:me"})
        await ended(bob, await upload(bob, ("a.csv", CSV)))
        async with stranger.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    commits = server.app[JOURNAL].sizes.count
    assert found['livetrail_connections_by_transport{transport="websocket"}'] == "1.0"
    assert float(found["livetrail_telling_seconds_count"]) > 0
    assert float(found["livetrail_commit_events_count"]) == commits
    assert float(found['livetrail_transaction_seconds_bucket{le="+Inf"}']) >= commits
    assert float(found["livetrail_sent_bytes_total"]) > 1000
    assert "livetrail_loop_lag_seconds_sum" in found


async def test_codes_that_clients_make_up_are_one_figure(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    for code in (1000, 3000, 3999, 4999):
        async with bob.ws_connect("/ws") as socket:
            await socket.close(code=code)
    await until(lambda: server.app[HUB].counts().connections == 0)
    assert (await status_of(ann, limit=0))["closed"] == {"1000": 1, "3000": 3}
