"""A server of somebody else, which ours calls: it answers as a test says, and notes who came."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.patience import LONGEST_S

Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Call:
    """One request that came: its path, its headers and its body."""

    path: str
    headers: dict[str, str]
    body: bytes


async def well(request: web.Request) -> web.StreamResponse:
    """Answer 200, with a word."""
    return web.Response(text="thanks")


@dataclass
class Receiver:
    """Answers every request as `answer` says. `calls` has what came; `came` wakes who waits."""

    url: str
    answer: Answerer = well
    calls: list[Call] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def called(self, times: int) -> list[Call]:
        """Wait until it was called so often, and return the calls."""
        async with asyncio.timeout(LONGEST_S), self.came:
            await self.came.wait_for(lambda: len(self.calls) >= times)
        return list(self.calls)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Note the request, and answer it."""
        call = Call(request.path, dict(request.headers), await request.read())
        async with self.came:
            self.calls.append(call)
            self.came.notify_all()
        return await self.answer(request)


@asynccontextmanager
async def receiving(
    answer: Answerer = well, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Receiver]:
    """Run a receiver until the body ends; what it still answers then is cut."""
    receiver = Receiver("", answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        receiver.url = f"http://{host}:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
