"""What a Socket.IO client may do wrong: it ends its own connection, with a reason, and no other."""

import asyncio
import json
import logging
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from app.core.protocol import Close
from app.keys import HUB, SOCKETIO
from app.live.session import Session
from app.live.socketio import engine, wire
from app.live.socketio.guest import Guest
from tests.integration.listening import until
from tests.integration.serving import (
    LONGEST_S,
    Server,
    serving,
    settings_for,
    token_of,
    with_user,
)
from tests.integration.socketio_clients import (
    POLL,
    WEBSOCKET,
    Listener,
    Trail,
    connect_raw,
    listening,
    polling,
    raw_socket,
)


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read until the connection ends, and return why."""
    async with asyncio.timeout(LONGEST_S):
        async for _ in socket:
            pass
    return socket.close_code


@pytest.fixture
async def witness(server: Server) -> AsyncIterator[Listener]:
    """Another client of the same user, who has to notice nothing of it all."""
    trail = Trail(server)
    await trail.begin()
    async with listening(server, auth={"system": "A"}) as listener:
        yield listener
        await trail.progress()
        await listener.hears("job_update")
        assert not listener.of("disconnect")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "9",
        "42",
        "42{}",
        '42["a"',
        '42["disconnect"]',
        '42["connect"]',
        "40{}",
        '451-["a",{"_placeholder":true,"num":0}]',
        "3[[[[[[[[",
        "42" + "[" * 900,
        "2probe",
    ],
)
async def test_a_malformed_packet_ends_the_connection(
    server: Server, witness: Listener, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    async with raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        await socket.send_str(text)
        assert await close_code(socket) == Close.INVALID_DATA
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_binary_frame_ends_the_connection(server: Server, witness: Listener) -> None:
    async with raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        await socket.send_bytes(b"\x00\x01")
        assert await close_code(socket) == Close.INVALID_DATA


@pytest.mark.parametrize("size", [1025, 17_000])
async def test_a_message_that_is_too_big_ends_the_connection(
    server: Server, witness: Listener, size: int
) -> None:
    async with raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        await socket.send_str('42["subscribe","' + "x" * size + '"]')
        assert await close_code(socket) == Close.MESSAGE_TOO_BIG


async def test_a_flood_is_answered_then_ended(server: Server, witness: Listener) -> None:
    async with raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        for _ in range(50):
            await socket.send_str('42["subscribe","x"]')
        codes = []
        async with asyncio.timeout(LONGEST_S):
            async for message in socket:
                name, payload = json.loads(message.data[2:]) if message.data != "41" else ("", {})
                if name == "error":
                    codes.append(payload["code"])
                    assert payload["code"] == "not_found" or payload["retry_after"] > 0
        assert socket.close_code == Close.TOO_MANY_MESSAGES
        assert set(codes) == {"not_found", "too_many_messages"}


def frame(text: str) -> bytes:
    """Return a short text as a frame of a client, masked with zeros."""
    data = text.encode()
    return bytes((0x81, 0x80 | len(data))) + bytes(4) + data


def flooded(url: str, ticket: str) -> bytes:
    """Connect, say a lot without listening, and return all that was answered.

    Raises OSError where the line is reset.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LONGEST_S) as line:
        line.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket&token={ticket} HTTP/1.1"
            f"\r\nHost: {host}:{port}"
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
            "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        line.sendall(frame("40"))
        heard = b""
        while b'"connected"' not in heard:
            heard += line.recv(4096)
        line.sendall(
            frame('42["subscribe","x"]') * 200_000
        )  # more than the system holds for either side
        while (more := line.recv(65536)) and b'"goodbye"' not in heard:
            heard += more
        return heard + more


async def test_a_flood_that_goes_on_while_it_is_ended_hears_why(
    server: Server,
    ann: aiohttp.ClientSession,
    witness: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ended with some of it unread, the line would be reset, and the client come back with it."""
    monkeypatch.setattr(wire, "CLOSE_S", LONGEST_S)
    async with ann.post("/api/v1/auth/websocket-token", json={}) as answer:
        ticket = (await answer.json())["token"]
    heard = await asyncio.to_thread(flooded, server.url, ticket)
    assert b'42["goodbye",{"code":4008' in heard


async def test_whoever_says_anything_before_the_connect_is_ended(server: Server) -> None:
    async with raw_socket(server) as socket:
        await socket.send_str('42["subscribe","x"]')
        assert await close_code(socket) == Close.INVALID_DATA


async def test_whoever_is_not_let_in_does_not_stay(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(20):  # before a ping that nobody answers ends them
        with monkeypatch.context() as hurried:
            hurried.setattr(engine, "CONNECT_WITHIN_S", 0.3)
            async with raw_socket(server) as silent:
                assert await close_code(silent) is not None
        async with raw_socket(server) as refused:
            await refused.send_str("40")
            said = await refused.receive_str(timeout=LONGEST_S)
            assert said.startswith('44{"message":"not authenticated"')
            assert await close_code(refused) is not None
    async with raw_socket(server) as guessing:
        for _ in range(6):
            await guessing.send_str('40{"token":"guess"}')
        assert await close_code(guessing) == Close.INVALID_DATA


async def test_a_websocket_that_is_never_tried_does_not_stay(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TRY_WITHIN_S", 0.3)
    for said in ((), ("2probe",)):
        async with aiohttp.ClientSession(server.url) as http:
            async with http.get(POLL) as answer:
                sid = json.loads((await answer.text())[1:])["sid"]
            async with http.ws_connect(f"{WEBSOCKET}&sid={sid}") as socket:
                for text in said:
                    await socket.send_str(text)
                assert await close_code(socket) == Close.UNRESPONSIVE


async def test_a_fault_of_ours_is_said_and_does_not_keep_the_client_waiting(
    server: Server, witness: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Guest, "join_task", fails)
    async with raw_socket(server) as socket, asyncio.timeout(LONGEST_S):
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        await socket.send_str('42["join_task","x"]')
        said = [message.data async for message in socket]
    assert [text[:28] for text in said] == ['42["goodbye",{"code":1011,"m']  # and no "41": it may
    assert socket.close_code == Close.INTERNAL_ERROR  # come back


async def test_who_could_not_be_recognised_does_not_stay(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(engine, "CONNECT_WITHIN_S", 1.0)
    monkeypatch.setattr(server.app[SOCKETIO], "_recognise", fails)
    async with raw_socket(server) as socket:
        await socket.send_str('40{"token":"x"}')
        assert await close_code(socket) is not None


async def test_whoever_is_given_up_amid_its_connect_takes_no_seat(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, library = server.app[HUB], server.app[SOCKETIO]._engine
    add, seen = hub.add, []

    def late(session: Session) -> None:
        add(session)
        seen.append(session)
        for connection in library.sockets.values():
            connection.last_ping = 1.0  # and never answered: found out with the next word to it

    monkeypatch.setattr(hub, "add", late)
    async with raw_socket(server) as socket:
        await socket.send_str("40" + json.dumps({"token": token_of(server.settings, "ann")}))
        await close_code(socket)
    await until(lambda: not hub.sessions)
    assert seen


async def test_another_namespace_is_refused_and_does_no_harm(server: Server) -> None:
    async with raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(server.settings, "ann")})
        await socket.send_str("40/admin,")
        assert (await socket.receive_str(timeout=LONGEST_S)).startswith("44/admin,")
        await socket.send_str('42["subscribe","x"]')
        assert (await socket.receive_str(timeout=LONGEST_S)).startswith('42["error"')


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"nonsense", 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b'42["a"]\x1e42{', 400),
        (b"\x1e".join([b"3"] * 50), 400),
        (b"4" * 20_000, 413),
        (b'42["subscribe","' + b"x" * 1100 + b'"]', 400),
    ],
)
async def test_a_malformed_body_ends_the_connection(
    server: Server, witness: Listener, body: bytes, status: int
) -> None:
    async with polling(server) as (http, address):
        async with http.post(address, data=body) as answer:
            assert answer.status == status
            assert (await answer.json())["code"] in ("invalid_request", "body_too_large")
        async with http.get(address) as answer:  # it may have said why
            text = await answer.text()
            assert answer.status == 400 or "goodbye" in text
        async with http.post(address, data='42["subscribe","x"]') as answer:
            assert answer.status == 400


async def test_a_client_may_post_all_that_it_has_to_say_at_once(tmp_path: Path) -> None:
    """As Socket.IO's own does: what was said while a post was under way goes with the next."""
    settings = settings_for(tmp_path / "data", websocket_message_rate_limit=50)
    with_user(settings, "ann")
    said = [f'42["subscribe","{number}"]' for number in range(40)]
    async with serving(settings) as server, polling(server) as (http, address):
        async with http.post(address, data="\x1e".join(said)) as answer:
            assert answer.status == 200
        told: list[str] = []
        while len(told) < len(said):
            async with http.get(address) as answer:
                told += [text for text in (await answer.text()).split("\x1e") if text != "2"]
    assert [json.loads(text[2:])[1]["sessionId"] for text in told] == [str(n) for n in range(40)]


async def test_a_body_in_pieces_is_read_whole(server: Server) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'42["subs', b'cribe","x', b'"]\x1e42["subscribe","y"]'):
            yield piece
            await asyncio.sleep(0)

    async with polling(server) as (http, address):
        async with http.post(address, data=pieces()) as answer:
            assert (answer.status, await answer.text()) == (200, "OK")
        said = ""
        while said.count('42["error"') < 2:
            async with http.get(address) as answer:
                said += await answer.text()


@pytest.mark.parametrize(
    "query",
    [
        "EIO=3&transport=polling",
        "EIO=4&transport=carrier-pigeon",
        "EIO=4&transport=websocket",
        "EIO=4&transport=polling&sid=nobody",
        "EIO=4&transport=polling&j=1",
        "transport=polling",
    ],
)
async def test_a_request_that_no_client_sends_is_refused_in_words(
    server: Server, query: str
) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.get(f"/socket.io/?{query}") as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["code"] == "invalid_request"


async def test_who_polls_never_holds_little_and_misses_nothing(
    server: Server, witness: Listener
) -> None:
    trail = Trail(server)
    await trail.begin()
    async with polling(server) as (http, address):
        async with http.post(address, data='42["join_task","' + trail.job_id + '"]') as answer:
            assert answer.status == 200
        for _ in range(50):
            await trail.progress(20, size=2000)
        (session,) = [s for s in server.app[HUB].sessions if s.form.name == "polling"]
        assert 0 < session.transport.get_write_buffer_size() < 100_000
        assert session.catching_up
        told: list[int] = []
        async with asyncio.timeout(LONGEST_S):
            while len(told) < 1001:
                async with http.get(address) as answer:
                    packets = (await answer.text()).split("\x1e")
                assert len(packets) <= 16
                events = [json.loads(packet[2:]) for packet in packets if packet[:2] == "42"]
                told += [p["seq"] for name, p in events if name == "task_update"]
        assert told == list(range(told[0], told[0] + 1001))


async def test_nobody_stays_by_signs_of_life_alone(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        async with http.get(POLL) as answer:
            address = f"{POLL}&sid={json.loads((await answer.text())[1:])['sid']}"
        statuses = []
        for _ in range(3):
            async with http.post(address, data="\x1e".join(["3"] * 16)) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 200, 400]


async def test_a_client_has_one_poll_and_one_post_at_a_time(
    server: Server, witness: Listener
) -> None:
    async with polling(server) as (http, address):

        async def poll() -> tuple[int, str]:
            async with http.get(address) as answer:
                return answer.status, await answer.text()

        polls = [asyncio.create_task(poll()) for _ in range(5)]
        async with asyncio.timeout(LONGEST_S):  # none of them is left hanging
            answers = await asyncio.gather(*polls)
        assert sum(status == 200 for status, _ in answers) <= 1
        assert any("once at a time" in text for _, text in answers)
        async with http.post(address, data='42["subscribe","x"]') as answer:
            assert answer.status == 400  # the connection is over


async def test_a_second_post_ends_the_connection_while_the_first_hangs(
    server: Server, witness: Listener
) -> None:
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'42["subscribe",'
        await goes_on.wait()
        yield b'"x"]'

    async with polling(server) as (http, address):

        async def post(data: object) -> int:
            async with http.post(address, data=data) as answer:
                return answer.status

        first = asyncio.create_task(post(slow()))
        async with asyncio.timeout(LONGEST_S):
            # whichever of them comes first, one finds the other there
            statuses = [await post("3") for _ in range(5)]
            goes_on.set()
            statuses.append(await first)
        assert 400 in statuses[:-1]
        assert statuses[-1] == 400


async def test_who_polls_never_and_asks_for_more_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "OUTBOX_AT_MOST", 2000)
    settings = settings_for(tmp_path / "data", websocket_message_rate_limit=1000)
    with_user(settings, "ann")
    async with serving(settings) as server, polling(server) as (http, address):
        statuses = []
        for _ in range(40):  # each is answered with more than a hundred bytes
            async with http.post(address, data='42["subscribe","x"]') as answer:
                statuses.append(answer.status)
    assert statuses[0] == 200
    assert statuses[-1] == 400
