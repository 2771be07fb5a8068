"""Listeners in other processes, and a server in this one for them to listen to."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from app.main import listening
from app.settings import Settings
from app.store.accounts import issue_token, register_user

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = 1000
NEEDLE = '"seq":'
RAW_NEEDLE = "#seq#:"
SUBSCRIBE = '{"op":"subscribe","id":"1","room":"user:me"}'


@dataclass
class Served:
    """A running server and what a listener needs to know about it."""

    app: web.Application
    port: int
    token: str
    user_id: str


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    """Run a whole server with one user in this process."""
    settings = Settings(
        port=0,
        data_dir=folder,
        max_websocket_connections_per_user=PEOPLE,
        log_level="WARNING",
    )
    user = register_user(settings.database_path, "bench", "only for the bench", admin=True)
    token = issue_token(settings.database_path, "bench")
    async with listening(settings, warm=False) as (app, url):
        yield Served(app, int(url.rpartition(":")[2]), token, user.id)


class Crowd:
    """PEOPLE listeners. Enter: all are live. `heard()`: all have had `events` events."""

    def __init__(
        self,
        port: int,
        *,
        events: int,
        token: str = "",
        latency: bool = False,
        people: int = PEOPLE,
        needle: str = NEEDLE,
    ) -> None:
        self._wanted = {
            "port": port,
            "token": token,
            "count": people,
            "events": events,
            "latency": latency,
            "subscribe": SUBSCRIBE,
            "needle": needle,
        }

    async def __aenter__(self) -> "Crowd":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.listeners",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**30,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._wanted).encode() + b"\n")
        await self._line()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def heard(self) -> dict[str, Any]:
        """Wait until everybody has had everything. Raises RuntimeError when somebody can not."""
        said: dict[str, Any] = json.loads(await self._line())
        return said

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(120):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the listeners ended early; what they said stands above")
        return line


class RawSocket(asyncio.Protocol):
    """A connection that is only written to. `free` is set while its buffer has room."""

    transport: asyncio.Transport

    def __init__(self, everybody: list["RawSocket"], complete: asyncio.Event) -> None:
        self._everybody = everybody
        self._complete = complete
        self.free = asyncio.Event()
        self.free.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is of no common class
        self._everybody.append(self)
        if len(self._everybody) == PEOPLE:
            self._complete.set()

    def pause_writing(self) -> None:
        self.free.clear()

    def resume_writing(self) -> None:
        self.free.set()


@asynccontextmanager
async def raw_sockets(
    *, events: int, latency: bool = False
) -> AsyncIterator[tuple["Crowd", list[RawSocket]]]:
    """Connect the same crowd to bare sockets: what the machine does without Livetrail."""
    everybody: list[RawSocket] = []
    complete = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(
        lambda: RawSocket(everybody, complete), "127.0.0.1", 0, backlog=1024
    )
    port = server.sockets[0].getsockname()[1]
    async with Crowd(port, events=events, latency=latency, needle=RAW_NEEDLE) as crowd:
        async with asyncio.timeout(60):
            await complete.wait()
        yield crowd, everybody
    server.close()


def cpu_s() -> float:
    """Return the processor seconds that this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
