"""What Socket.IO here relies on beyond what python-socketio and aiohttp promise, by version."""

import asyncio
import inspect
from importlib.metadata import version

import aiohttp
import engineio
import pytest
import socketio
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from engineio.async_drivers import aiohttp as driver
from engineio.async_socket import AsyncSocket

from app.core.dialects.packets import PACKETS_AT_MOST
from app.keys import HUB, SOCKETIO
from app.live.socketio.engine import Engine, Upgraded
from app.live.socketio.wire import Outbox
from tests.integration.serving import Server
from tests.integration.socketio_clients import listening
from tests.patience import LONGEST_S

TRIED = {"python-socketio": "5.18", "python-engineio": "4.15", "aiohttp": "3.14"}


@pytest.mark.parametrize("name", sorted(TRIED))
def test_these_are_the_versions_that_were_tried(name: str) -> None:
    """With another version: read what is relied on here, then raise the number."""
    assert version(name).startswith(TRIED[name] + ".")


def test_python_reads_as_many_packets_in_a_body_as_are_put_in_one() -> None:
    assert engineio.payload.Payload.max_decode_packets == PACKETS_AT_MOST


def test_the_driver_is_made_of_what_is_replaced_in_it() -> None:
    assert {"websocket", "translate_request"} <= set(driver._async)
    assert list(inspect.signature(driver.WebSocket).parameters) == ["handler", "server"]
    for name in ("wait", "send", "close"):
        assert callable(getattr(Upgraded, name))
    assert "_websocket_handler" in vars(AsyncSocket)
    assert RequestHandler.writing_paused and callable(RequestHandler._drain_helper)  # noqa: PT018
    methods = ("_handle_connect", "_handle_eio_connect", "_handle_eio_disconnect")
    for name in (*methods, "_engineio_server_class"):
        assert callable(getattr(socketio.AsyncServer, name))
    assert callable(engineio.AsyncServer.create_queue)


async def test_the_transport_of_the_request_is_that_of_the_websocket(server: Server) -> None:
    async with listening(server) as listener:
        service = server.app[SOCKETIO]
        engine: Engine = service._engine
        (connection,) = engine.sockets.values()
        assert isinstance(connection.queue, Outbox)
        wire = connection.queue.wire
        assert wire.has_socket
        environ = service._server.environ[connection.sid]
        request: web.Request = environ["aiohttp.request"]
        assert request.transport is wire._socket
        assert request.protocol is wire._protocol
        session = next(iter(server.app[HUB].sessions))
        wire.write(session._forms.event("written", {"by": "hand"}))  # type: ignore[attr-defined]
        assert await listener.hears("written") == {"by": "hand"}


async def test_nothing_waits_in_the_queue_once_the_websocket_is_there(server: Server) -> None:
    async with listening(server) as listener:
        engine: Engine = server.app[SOCKETIO]._engine
        (connection,) = engine.sockets.values()
        for number in range(3):
            await engine.send(connection.sid, f'2["own",{{"number":{number}}}]')
            session = next(iter(server.app[HUB].sessions))
            session.tell("own", {"number": number + 0.5})  # type: ignore[attr-defined]
        await listener.hears("own", number=2.5)
        assert [payload["number"] for payload in listener.of("own")] == [0, 0.5, 1, 1.5, 2, 2.5]


async def test_the_library_compresses_nothing(server: Server) -> None:
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.ws_connect("/socket.io/?EIO=4&transport=websocket", compress=15) as socket,
        asyncio.timeout(LONGEST_S),
    ):
        assert not socket.compress
        assert (await socket.receive_str()).startswith("0{")
