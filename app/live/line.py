"""The way to a client over one connection of aiohttp's, onto which whole messages are written."""

import asyncio
import socket
from contextlib import suppress

from aiohttp.abc import AbstractStreamWriter

from app.core.protocol import Hangup
from app.core.wire import WRITE_AT_MOST
from app.live.ports import Flow

CLOSE_S = 2.0  # for saying goodbye, and for what is still unsent


class HttpLine:
    """The session's way to its client, whatever is spoken on it."""

    def __init__(
        self,
        writer: AbstractStreamWriter,
        transport: asyncio.Transport,
        flow: Flow,
        patience: asyncio.Timeout,
    ) -> None:
        """patience: holds what the handler does until it is to say goodbye."""
        self.transport: asyncio.WriteTransport = transport
        self.flow = flow
        self.goodbye: Hangup | None = None
        self._writer = writer
        self._patience = patience
        self._draining: asyncio.Task[None] | None = None

    async def drained(self) -> None:
        """Wait until the transport takes more, or is gone. Cancelling is safe.

        aiohttp has one waiter for everybody who drains, and cancelling one wait would cancel it
        for all. So a task of its own waits, which ends with the pause or with the connection.
        """
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain(), name="drain")
        await asyncio.wait({self._draining})

    async def _drain(self) -> None:
        with suppress(ConnectionError):
            await self._writer.drain()

    def end(self, goodbye: Hangup) -> None:
        """Make the handler stop listening; it says goodbye in its own time."""
        self.goodbye = goodbye
        self._patience.reschedule(asyncio.get_running_loop().time())


def bound_memory(transport: asyncio.Transport) -> None:
    """Let little gather for a client that does not read, here and in the kernel."""
    transport.set_write_buffer_limits(high=WRITE_AT_MOST)
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with suppress(OSError):  # not a TCP socket
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, WRITE_AT_MOST)
