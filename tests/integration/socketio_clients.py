"""Socket.IO clients for tests: python-socketio's, and one that says exactly what it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from tests.integration.serving import LONGEST_S, Server, token_of

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
TRANSPORTS = (["websocket"], ["polling"], ["polling", "websocket"])

Told = tuple[str, dict[str, Any]]


class Listener:
    """A client, and everything it was told in order."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncClient(reconnection=False)
        self.told: list[Told] = []
        self._news = asyncio.Condition()
        self.sio.on("*", self._hear)
        self.sio.on("disconnect", self._left)
        self.sio.on("connect_error", self._refused)

    async def _hear(self, name: str, *said: Any) -> None:
        async with self._news:
            self.told.append((name, *said))  # type: ignore[arg-type]
            self._news.notify_all()

    async def _left(self, reason: str) -> None:
        await self._hear("disconnect", {"reason": reason})

    async def _refused(self, why: Any) -> None:
        await self._hear("connect_error", why)

    async def until(self, fits: Callable[[str, dict[str, Any]], bool], count: int = 1) -> Told:
        """Wait until so many of what it was told fit; return the last of them."""
        async with asyncio.timeout(LONGEST_S), self._news:
            while len(found := [told for told in self.told if fits(*told)]) < count:
                await self._news.wait()
            return found[count - 1]

    async def hears(self, name: str, count: int = 1, **facts: Any) -> dict[str, Any]:
        """Wait for an event of this name whose payload has `facts`; return the payload."""

        def fits(told: str, payload: dict[str, Any]) -> bool:
            return told == name and facts.items() <= payload.items()

        return (await self.until(fits, count))[1]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [payload for told, payload in self.told if told == name]


async def connect(
    listener: Listener,
    server: Server,
    *,
    auth: Mapping[str, Any] | None = None,
    name: str | None = "ann",
    transports: list[str] | None = None,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Connect, by default with an API token of ann's and over a WebSocket."""
    given = dict(auth or {})
    if name is not None:
        given["token"] = token_of(server.settings, name)
    await listener.sio.connect(
        server.url + query,
        auth=given or None,
        transports=transports or ["websocket"],
        headers=dict(headers or {}),
        wait_timeout=20,
    )


@asynccontextmanager
async def listening(server: Server, **options: Any) -> AsyncIterator[Listener]:
    """Yield a client that is connected; options as of `connect`."""
    listener = Listener()
    await connect(listener, server, **options)
    try:
        yield listener
    finally:
        await listener.sio.disconnect()


@asynccontextmanager
async def raw_socket(
    server: Server, query: str = ""
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Yield a WebSocket on which Engine.IO has said hello, and nobody is connected."""
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.ws_connect(f"/socket.io/?EIO=4&transport=websocket{query}", max_msg_size=0) as socket,
    ):
        hello = await socket.receive_str(timeout=20)
        assert hello.startswith("0{")
        yield socket


async def connect_raw(socket: aiohttp.ClientWebSocketResponse, auth: Mapping[str, Any]) -> None:
    """Connect, and take what every client is told first."""
    await socket.send_str("40" + json.dumps(auth))
    assert (await socket.receive_str(timeout=20)).startswith('40{"sid"')
    assert (await socket.receive_str(timeout=20)).startswith('42["connected"')
