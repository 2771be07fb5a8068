"""Named clients that connect and wait: they subscribe to nothing, and are told what is theirs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.keys import HUB, POSITIONS
from app.web.identity import COOKIE
from tests.documents import Line, pdf_of
from tests.integration.listening import until
from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    serving,
    session_of,
    settings_for,
    token_of,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
BESIDE = {"connection", "welcome", "live", "heartbeat", "pong", "error", "subscribed"}
PRESENCE = {"connection_established", "reconnected", "connection_lost", "user_disconnected"}


class Client:
    """What such a page is: every message goes to whoever waits for its type."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(LONGEST_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        self.seen.append(message)
        return message

    async def until(self, kind: str) -> dict[str, Any]:
        while (message := await self.next())["type"] != kind:
            pass
        return message

    @property
    def seqs(self) -> list[int]:
        return [m["seq"] for m in self.seen if m["type"] not in BESIDE | PRESENCE]


@asynccontextmanager
async def page(
    server: Server, client_id: str, name: str = "ann", query: str = ""
) -> AsyncIterator[Client]:
    """Yield a client in a browser in which the user called `name` is signed in."""
    cookie = f"{COOKIE}={session_of(server.settings, name)}"
    headers = {"Cookie": cookie, "Origin": server.url}
    address = server.url.replace("http", "ws")
    path = f"/ws/{client_id}{query}"
    # As a browser, it takes everything in at once, and answers pings, whatever its page is doing.
    async with connect(address + path, additional_headers=headers, max_queue=None) as socket:
        yield Client(socket)


async def test_it_is_greeted_and_told_what_is_its_users(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with page(server, "page-1") as client:
        assert await client.next() == {
            "type": "connection", "status": "connected", "client_id": "page-1",
        }  # fmt: skip
        assert (await client.next())["type"] == "welcome"
        await upload(bob, ("b.csv", CSV))
        accepted = await upload(ann, ("a.csv", CSV))
        await client.until("batch_completed")
    events = [m for m in client.seen if m["type"] not in BESIDE]
    assert {event["batch_id"] for event in events} == {accepted["batch_id"]}
    assert [e["n"] for e in events if e["job_id"]] == list(range(1, len(events) - 1))


async def test_zones_have_a_status_of_their_own(
    server: Server, ann: aiohttp.ClientSession, tmp_path: Path
) -> None:
    lines = [Line(60, 90 + 60 * n, f"A quiet note about the weather, part {n}") for n in range(4)]
    document = pdf_of(tmp_path, [lines, lines]).read_bytes()
    async with page(server, "zones") as client:
        await client.next()
        form = aiohttp.FormData()
        form.add_field("files", document, filename="note.pdf")
        async with ann.post("/api/v1/batches", data=form) as answer:
            assert answer.status == 202
        await client.until("batch_completed")
    zones = [m for m in client.seen if m["type"].startswith("zone_")]
    assert zones
    for zone in zones:
        own = "completed" if zone["type"] == "zone_completed" else "processing"
        assert (zone["status"], zone["job_status"]) == (own, "processing")
        wanted = {"document_id", "zone_id", "zone_index", "processing_tool"}
        assert zone.keys() >= wanted
    moved = [m for m in client.seen if m["type"] == "processing_progress"]
    fields = {
        "document_id", "job_id", "progress", "current_zone", "zones_completed", "zones_total",
        "estimated_time_remaining", "current_operation",
    }  # fmt: skip
    assert all(m.keys() >= fields and isinstance(m["current_operation"], str) for m in moved)
    assert any(m["current_operation"].startswith("Processing zone ") for m in moved)
    assert moved[-1]["zones_total"] == moved[-1]["zones_completed"]


async def test_a_browser_that_takes_compressed_frames_is_told_the_same(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", websocket_compression=True)
    with_user(settings, "ann")
    lines = [Line(60, 90 + 60 * n, f"A quiet note about the weather, part {n}") for n in range(4)]
    document = pdf_of(tmp_path, [lines]).read_bytes()
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        page(server, "zones") as client,
    ):
        assert "permessage-deflate" in str(client.socket.response.headers)
        await upload(ann, ("note.pdf", document))
        await client.until("batch_completed")
    read = [m["status"] for m in client.seen if m["type"] == "zone_completed"]
    assert set(read) == {"completed"}


@pytest.mark.parametrize(
    "nonsense", ["{", "[]", '{"type":"hello"}', '{"op":"nonsense"}', "x" * 900]
)
async def test_what_is_not_understood_is_answered_and_changes_nothing(
    server: Server, ann: aiohttp.ClientSession, nonsense: str
) -> None:
    async with page(server, "odd") as client:
        await client.until("welcome")
        await client.socket.send(nonsense)
        assert (await client.until("error"))["code"] in (
            "bad_json",
            "unknown_op",
            "invalid_request",
        )
        await client.until("live")
        accepted = await upload(ann, ("a.csv", CSV))
        assert (await client.until("batch_completed"))["batch_id"] == accepted["batch_id"]


@pytest.mark.parametrize(("messages", "code"), [(["ping"] * 40, 4008), (["x" * 5000], 1009)])
async def test_a_flood_and_a_giant_message_end_the_connection(
    server: Server, messages: list[str], code: int
) -> None:
    async with page(server, "loud") as client:
        with pytest.raises(ConnectionClosed) as closed:
            for message in messages:
                await client.socket.send(message)
            async with asyncio.timeout(LONGEST_S):
                while True:
                    await client.socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_what_happens_while_it_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        async with page(server, "tablet") as client:
            await client.next()
            await ended(ann, await upload(ann, ("a.csv", CSV)))
            await client.until("batch_completed")
        await ended(ann, await upload(ann, ("b.csv", CSV + b"2025-02-01,Tea,-1.00\n")))
    # and the server was restarted meanwhile
    async with serving(settings) as server, page(server, "tablet") as again:
        while (await again.until("job_created"))["filename"] != "b.csv":
            pass
        await again.until("batch_completed")
        head = server.app[HUB].head
    known = {*client.seqs, *again.seqs}
    assert known == set(range(min(known), head + 1))
    assert again.seqs == sorted(set(again.seqs))


async def test_what_a_ping_proves_is_not_told_again(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    async with page(server, "tablet") as client:
        await client.next()
        await ended(ann, await upload(ann, ("a.csv", CSV)))
        last = await client.until("batch_completed")
        names = server.app[POSITIONS]
        await until_acked(names, "tablet", last["seq"])
    await ended(ann, await upload(ann, ("b.csv", CSV + b"2025-02-01,Tea,-1.00\n")))
    async with page(server, "tablet") as again:
        await again.until("batch_completed")
    assert not set(client.seqs) & set(again.seqs)


async def test_answers_to_our_pings_are_no_messages_of_the_clients_own(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", websocket_message_rate_limit=1)
    with_user(settings, "ann")
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        page(server, "t") as client,
    ):
        await client.until("welcome")
        for number in range(4):  # each of them is asked about
            await ended(ann, await upload(ann, (f"{number}.csv", CSV + b"2025-02-01,Tea,-1\n")))
            last = await client.until("batch_completed")
            await until_acked(server.app[POSITIONS], "t", last["seq"])
        assert "error" not in {message["type"] for message in client.seen}


async def until_acked(positions: Any, name: str, seq: int) -> None:
    await until(
        lambda: any(
            position.name == name and (position.acked or 0) >= seq
            for position in positions._known.values()
        )
    )


async def test_who_subscribes_hears_only_what_was_asked_for(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job = (await ended(ann, await upload(ann, ("a.csv", CSV))))[0]
    async with page(server, "till-3") as client:
        await client.until("welcome")
        await client.socket.send(
            json.dumps({"op": "subscribe", "room": f"job:{job['job_id']}", "after": 0})
        )
        await client.until("live")
        await ended(ann, await upload(ann, ("b.csv", CSV + b"2025-02-01,Tea,-1.00\n")))
        await client.socket.send('{"op":"ping","id":"end"}')
        while (await client.next()).get("id") != "end":
            pass
    told = [m for m in client.seen if m["type"] not in BESIDE]
    assert {m["job_id"] for m in told} == {job["job_id"]}
    assert len(told) == job["n"]


async def test_who_subscribes_late_hears_only_that_from_then_on(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job = (await ended(ann, await upload(ann, ("a.csv", CSV))))[0]
    async with page(server, "slow") as client:
        await client.until("live")  # it was taken for one that does not know how to
        await client.socket.send(
            json.dumps({"op": "subscribe", "room": f"job:{job['job_id']}", "id": 7})
        )
        assert (await client.until("subscribed"))["id"] == 7
        await client.until("live")
        (session,) = (s for s in server.app[HUB].sessions if s.client_id == "slow")
        assert [str(room) for room in session.subscriptions] == [f"job:{job['job_id']}"]


@pytest.mark.parametrize("query", ["?frames=single", "?frames=lines"])
async def test_who_shows_that_it_speaks_our_protocol_is_left_in_peace(
    server: Server, ann: aiohttp.ClientSession, query: str
) -> None:
    async with page(server, "native", query=query) as client, page(server, "other") as other:
        assert (await client.next())["type"] == "welcome"
        await other.until("live")  # a second has passed
        await ended(ann, await upload(ann, ("a.csv", CSV)))
        await client.socket.send('{"op":"ping"}')
        assert (await client.next())["type"] == "pong"


@pytest.mark.parametrize(
    ("said", "answer"), [("ping", "pong"), ('{"type":"ping"}', '{"type":"pong"}')]
)
async def test_a_ping_is_answered_in_kind(server: Server, said: str, answer: str) -> None:
    async with page(server, "page-1") as client:
        await client.until("welcome")
        await client.socket.send(said)
        assert await client.socket.recv() == answer


async def test_others_of_the_user_and_operators_hear_who_comes_and_goes(server: Server) -> None:
    async with page(server, "desk", "bob") as bob, page(server, "office", "ann") as operator:
        await bob.until("welcome")
        await operator.until("welcome")
        for kind in ("connection_established", "reconnected"):
            async with page(server, "phone", "bob"):
                told = await bob.until(kind)
                assert told["client_id"] == "phone"
                assert (await operator.until(kind))["client_id"] == "phone"
            assert (await bob.until("connection_lost"))["client_id"] == "phone"
            assert (await bob.until("user_disconnected"))["client_id"] == "phone"
            assert (await operator.until("connection_lost"))["user_id"] == told["user_id"]
        async with page(server, "hers", "ann"):
            assert (await operator.until("connection_established"))["client_id"] == "hers"
        await operator.until("user_disconnected")
    assert {m["client_id"] for m in bob.seen if m["type"] in PRESENCE} == {"phone"}
    assert {m["client_id"] for m in operator.seen if m["type"] == "user_disconnected"} == {"hers"}


async def test_pages_of_ours_hear_of_nobody(server: Server, ann: aiohttp.ClientSession) -> None:
    async with ann.ws_connect("/ws?frames=single") as ours, page(server, "phone") as phone:
        await phone.until("welcome")
        await ours.send_json({"op": "ping"})
        assert [(await ours.receive_json())["type"] for _ in range(2)] == ["welcome", "pong"]


async def test_somebody_else_of_the_same_name_is_another(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    async with page(server, "tablet", "ann") as hers, page(server, "tablet", "bob") as his:
        await hers.until("live")
        await ended(bob, await upload(bob, ("b.csv", CSV)))
        await his.until("batch_completed")
        await hers.socket.send("ping")
        async with asyncio.timeout(LONGEST_S):
            while (text := await hers.socket.recv()) != "pong":
                assert json.loads(text)["type"] in PRESENCE


async def test_a_token_is_as_good_in_the_address_or_the_header(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    async with bob.post("/api/v1/auth/websocket-token", json={"kind": "listen"}) as answer:
        listen = (await answer.json())["token"]
    address = f"{server.url.replace('http', 'ws')}/ws/worker"
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'bob')}"}
    async with (
        connect(f"{address}?token={listen}") as one,
        connect(address, additional_headers=headers) as two,
    ):
        assert json.loads(await one.recv())["client_id"] == "worker"
        assert json.loads(await two.recv())["client_id"] == "worker"


async def test_nobody_gets_in_without_a_name_that_is_known(server: Server) -> None:
    address = server.url.replace("http", "ws")
    for token in ("", "?token=nonsense"):
        async with connect(f"{address}/ws/page-1{token}") as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4001
