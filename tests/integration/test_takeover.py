"""Taking a connection over from aiohttp relies on how this version of it lets go."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.live.takeover import take_over
from tests.patience import LONGEST_S

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Echo(asyncio.Protocol):
    """Says back what it gets, in capitals, and keeps what happened."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@pytest.mark.parametrize("cancelling", [False, True])
async def test_a_connection_lives_on_without_its_request(cancelling: bool) -> None:
    echo = Echo()
    requests: list[weakref.ref[web.Request]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        requests.append(weakref.ref(request))
        echo.transport = request.transport
        response, rest = take_over(request, echo, 101)
        echo.data_received(rest)
        return response

    app = web.Application()
    app.router.add_get("/", handler)
    async with (
        TestServer(app, handler_cancellation=cancelling) as server,
        asyncio.timeout(LONGEST_S),
    ):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(REQUEST + b"behind the request, ")
        assert await reader.readexactly(20) == b"BEHIND THE REQUEST, "
        writer.write(b"and later")
        assert await reader.readexactly(9) == b"AND LATER"
        assert server.handler is not None
        assert not server.handler.connections  # aiohttp has let go
        gc.collect()
        assert requests[0]() is None  # and with it what it kept
        writer.close()
        await echo.lost.wait()
