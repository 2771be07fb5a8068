"""Socket.IO under way: changing over to a WebSocket, reading slowly, being ended."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from app.core.protocol import Close
from app.core.wire import WRITE_AT_MOST
from app.keys import HUB
from app.live.connection import UNSENT_AT_MOST
from app.live.session import Session
from app.live.socketio.wire import Wire
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
    WEBSOCKET,
    Listener,
    Trail,
    connect,
    connect_raw,
    listening,
    polling,
    raw_socket,
)
from tests.integration.test_slow_clients import HANDSHAKE, Reader, masked


def told(packets: Iterable[str], name: str = "task_update") -> list[int]:
    """Return the places of the events of this name."""
    events = [json.loads(packet[2:]) for packet in packets if packet[:2] == "42"]
    return [payload["seq"] for called, payload in events if called == name]


def the_session(server: Server) -> Session:
    (session,) = server.app[HUB].sessions
    return session


async def polled(http: aiohttp.ClientSession, address: str) -> list[str]:
    async with http.get(address) as answer:
        return (await answer.text()).split("\x1e")


async def test_a_client_changes_over_amid_events_and_hears_each_once(server: Server) -> None:
    trail = Trail(server)
    await trail.begin()
    async with polling(server) as (http, address), asyncio.timeout(LONGEST_S):
        async with http.post(address, data='42["join_task","' + trail.job_id + '"]') as answer:
            assert answer.status == 200
        await trail.progress(20)
        seen = told(await polled(http, address))
        waiting = asyncio.create_task(polled(http, address))
        sid = URL(address).query["sid"]
        async with http.ws_connect(f"{WEBSOCKET}&sid={sid}", autoping=False) as ws:
            await trail.progress(20)
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            seen += told(await waiting)
            await trail.progress(20)
            await ws.ping(b"still nothing")
            assert (await ws.receive()).type is aiohttp.WSMsgType.PONG
            seen += told(await polled(http, address))  # nothing more comes here but a no-op
            await ws.send_str("5")
            head = (await trail.progress(20))[-1].seq
            while not seen or seen[-1] < head:
                seen += told([await ws.receive_str()])
            assert seen == list(range(seen[0], head + 1))
            assert the_session(server).form.name == "WebSocket"
            await ws.send_str('429["subscribe","x"]')  # answers and acknowledgements as before
            assert (await ws.receive_str()).startswith('42["error"')
            assert await ws.receive_str() == "439[]"
            async with http.get(address) as answer:
                assert answer.status == 400


async def test_who_gives_up_changing_over_goes_on_polling(server: Server) -> None:
    trail = Trail(server)
    await trail.begin()
    async with polling(server, system="A") as (http, address), asyncio.timeout(LONGEST_S):
        sid = URL(address).query["sid"]
        for says in ((), ("2probe",), ("nonsense",), ("2probe", "nonsense")):
            async with http.ws_connect(f"{WEBSOCKET}&sid={sid}") as ws:
                for text in says:
                    await ws.send_str(text)
                if says[:1] == ("2probe",):
                    assert await ws.receive_str() == "3probe"
            head = (await trail.progress())[-1].seq
            seen: list[int] = []
            while not seen:
                seen = told(await polled(http, address), "job_update")
            assert seen == [head]


async def test_there_is_no_second_websocket(server: Server) -> None:
    async with polling(server) as (http, address), asyncio.timeout(LONGEST_S):
        sid = URL(address).query["sid"]
        async with http.ws_connect(f"{WEBSOCKET}&sid={sid}") as ws:
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await http.ws_connect(f"{WEBSOCKET}&sid={sid}")


@asynccontextmanager
async def a_slow_reader(server: Server, job_id: str) -> AsyncIterator[Reader]:
    """Connect and follow a job over a bare socket with a small buffer; read no further."""
    raw = socket.socket()
    raw.setblocking(False)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    url = URL(server.url)
    await asyncio.get_running_loop().sock_connect(raw, (url.host or "", url.port or 0))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    try:
        writer.write(HANDSHAKE.replace("/ws?who={who}", WEBSOCKET).encode())
        await reader.readuntil(b"\r\n\r\n")
        slow = Reader(reader, writer)
        writer.write(masked(b'40{"token":"' + token_of(server.settings, "ann").encode() + b'"}'))
        writer.write(masked(b'42["join_task","' + job_id.encode() + b'"]'))
        while not (await slow.frame())[1].startswith(b'42["joined_task"'):
            pass
        yield slow
    finally:
        writer.transport.abort()


async def test_who_reads_slowly_holds_little_delays_nobody_and_misses_nothing(
    server: Server,
) -> None:
    trail = Trail(server)
    await trail.begin()
    held_at_most = UNSENT_AT_MOST + 2 * WRITE_AT_MOST
    async with asyncio.timeout(120), a_slow_reader(server, trail.job_id) as slow:
        session = the_session(server)
        async with listening(server) as quick:
            await quick.sio.emit("join_task", trail.job_id)
            await quick.hears("joined_task")
            most = 0
            for _ in range(50):
                head = (await trail.progress(20, size=8000))[-1].seq
                most = max(most, session.transport.get_write_buffer_size())
            await quick.hears("task_update", seq=head)
        assert session.catching_up
        assert 0 < most <= held_at_most
        seen: list[int] = []
        while not seen or seen[-1] < head:
            seen += told([(await slow.frame())[1].decode()])
        assert seen == list(range(seen[0], head + 1))
        async with asyncio.timeout(LONGEST_S):
            live = (await trail.progress())[-1].seq
            assert told([(await slow.frame())[1].decode()]) == [live]


async def test_who_takes_no_answers_is_not_listened_to(server: Server) -> None:
    trail = Trail(server)
    await trail.begin()
    async with asyncio.timeout(120), a_slow_reader(server, trail.job_id) as slow:
        session = the_session(server)
        await trail.progress(500, size=8000)
        assert session.line.writing_paused
        received = session.received
        for _ in range(500):
            slow.writer.write(masked(b'42["subscribe","x"]'))
        await trail.progress(20)
        assert session.received - received <= 2


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]], ids="+".join)
async def test_who_signs_out_is_disconnected_for_good(
    server: Server, transports: list[str]
) -> None:
    async with server.client("ann") as browser:
        cookies = "; ".join(f"{c.key}={c.value}" for c in browser.cookie_jar)
        headers = {"Cookie": cookies, "Origin": server.url}
        options = {"headers": headers, "name": None, "transports": transports}
        async with listening(server, **options) as listener:  # type: ignore[arg-type]
            async with browser.post("/api/v1/auth/logout") as answer:
                assert answer.status in (200, 204)
            assert (await listener.hears("goodbye"))["code"] == Close.NOT_AUTHENTICATED
            assert (await listener.hears("disconnect"))["reason"] == "server disconnect"


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]], ids="+".join)
async def test_who_is_here_when_the_server_stops_is_told_to_come_back(
    tmp_path: Path, transports: list[str]
) -> None:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    listener = Listener()
    async with serving(settings) as server:
        await connect(listener, server, transports=transports)
        await listener.hears("connected")
    assert (await listener.hears("goodbye"))["code"] == Close.RESTART
    assert (await listener.hears("disconnect"))["reason"] != "server disconnect"
    await listener.sio.disconnect()


async def test_silence_ends_a_connection(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path / "data", websocket_heartbeat_interval=0.2, websocket_connection_timeout=0.5
    )
    with_user(settings, "ann")
    async with serving(settings) as server, raw_socket(server) as ws:
        await connect_raw(ws, {"token": token_of(settings, "ann")})
        async with asyncio.timeout(LONGEST_S):
            assert await ws.receive_str() == "2"  # a ping, which is not answered
            async for _ in ws:
                pass


async def test_an_operator_can_look_at_what_goes_over_a_connection(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    trail = Trail(server)
    await trail.begin()
    async with listening(server) as listener:
        await listener.sio.emit("join_task", trail.job_id)
        await listener.hears("task_update")
        number = the_session(server).number
        address = f"/api/v1/websocket/connections/{number}/log"
        async with ann.post(address, json={"on": True}) as answer:
            assert answer.status == 200
        head = (await trail.progress())[-1].seq
        await listener.hears("task_update", seq=head)
        await listener.sio.call("subscribe", "x", timeout=LONGEST_S)
        async with ann.get(address) as answer:
            frames = (await answer.json())["frames"]
        texts = [frame["text"] for frame in frames if frame["kind"] == "text"]
        assert any(text.startswith('42["task_update"') for text in texts)
        assert any(text.startswith('42["error"') for text in texts)
        heard = [frame["text"] for frame in frames if frame["direction"] == "in"]
        assert any(text.endswith('["subscribe","x"]') for text in heard)


async def test_who_connects_while_the_server_stops_is_sent_away_to_come_back(
    server: Server,
) -> None:
    async with raw_socket(server) as socket:
        server.app[HUB].closing = True
        await socket.send_str("40" + json.dumps({"token": token_of(server.settings, "ann")}))
        said = [message.data async for message in socket]
    assert [text[:14] for text in said] == ['42["goodbye",{']  # "44": it would never try again
    assert socket.close_code == Close.RESTART


async def test_without_websockets_clients_poll(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", enable_websockets=False)
    with_user(settings, "ann")
    both = ["polling", "websocket"]
    async with serving(settings) as server, listening(server, transports=both) as listener:
        await listener.hears("connected")
        assert listener.sio.transport() == "polling"


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", enable_socketio=False)
    with_user(settings, "ann")
    async with (
        serving(settings) as server,
        server.client() as http,
        http.get("/socket.io/?EIO=4&transport=polling") as answer,
    ):
        assert answer.status == 409


def waits(session: Session) -> bool:
    line = session.line
    return isinstance(line, Wire) and line.poll is not None


async def test_who_polled_and_left_takes_no_seat_from_others(server: Server) -> None:
    at_most = server.settings.max_websocket_connections_per_user
    sessions = server.app[HUB].sessions
    async with asyncio.timeout(LONGEST_S):
        for number in range(at_most):
            async with polling(server) as (http, address):
                waiting = asyncio.create_task(polled(http, address))
                await until(lambda number=number: sum(map(waits, sessions)) > number)  # type: ignore[misc]
            with pytest.raises(aiohttp.ClientError):  # it has gone without a word
                await waiting
        async with listening(server) as listener:
            await listener.hears("connected")
