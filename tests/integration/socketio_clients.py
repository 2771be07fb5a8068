"""Socket.IO clients for tests: python-socketio's, and one that says exactly what it is told to."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from app.core.events import BatchCreated, JobCreated, ProcessingProgress
from app.core.ids import uuid7
from app.core.plans import TRANSACTIONS
from app.keys import JOURNAL
from app.store.accounts import find_user, now_ms
from app.store.batches import BatchRow, insert_batch
from app.store.events import Recorded
from app.store.offline import offline
from tests.integration.serving import LONGEST_S, Server, token_of

POLL = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
TRANSPORTS = (["websocket"], ["polling"], ["polling", "websocket"])

Told = tuple[str, dict[str, Any]]


class Trail:
    """A job whose events a test writes itself, as fast as it likes."""

    def __init__(self, server: Server, name: str = "ann") -> None:
        self.journal = server.app[JOURNAL]
        self.job_id, self.batch_id = new_id(), new_id()
        with offline(server.settings.database_path) as database:
            self.user_id = find_user(database, name).id

    async def begin(self) -> None:
        row = BatchRow(self.batch_id, self.user_id, "March", {}, 0)
        await self.journal.append(
            BatchCreated(batch_id=row.id, jobs=1, message="..."),
            JobCreated(
                job_id=self.job_id,
                batch_id=row.id,
                filename="a.csv",
                size=1,
                plan=TRANSACTIONS.describe(),
                reported=True,  # nobody else works on it
                message="...",
            ),
            user_id=self.user_id,
            also=lambda connection: insert_batch(connection, row),
        )

    async def progress(self, times: int = 1, size: int = 0) -> list[Recorded]:
        """Write progress, one commit for all; return what was written."""
        draft = ProcessingProgress(
            job_id=self.job_id, stage="parsing", step="extracting", message="x" * size
        )
        return await self.journal.append(*[draft] * times)


def new_id() -> str:
    return uuid7(now_ms(), os.urandom(10))


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
        wait_timeout=LONGEST_S,
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
        hello = await socket.receive_str(timeout=LONGEST_S)
        assert hello.startswith("0{")
        yield socket


async def connect_raw(socket: aiohttp.ClientWebSocketResponse, auth: Mapping[str, Any]) -> None:
    """Connect, and take what every client is told first."""
    await socket.send_str("40" + json.dumps(auth))
    assert (await socket.receive_str(timeout=LONGEST_S)).startswith('40{"sid"')
    assert (await socket.receive_str(timeout=LONGEST_S)).startswith('42["connected"')


@asynccontextmanager
async def polling(server: Server, **auth: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Yield a client of ann's that polls, connected and welcomed, and its address."""
    async with aiohttp.ClientSession(server.url) as http:
        async with http.get(POLL) as answer:
            address = f"{POLL}&sid={json.loads((await answer.text())[1:])['sid']}"
        given = {"token": token_of(server.settings, "ann"), **auth}
        async with http.post(address, data="40" + json.dumps(given)) as answer:
            assert answer.status == 200
        async with http.get(address) as answer:
            connected, welcome, *_ = (await answer.text()).split("\x1e")
            assert connected.startswith('40{"sid"')
            assert welcome.startswith('42["connected"')
        yield http, address
