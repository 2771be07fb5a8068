"""A connection of our own: the transport of one listener, taken over from the HTTP server."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from app.core.protocol import Hangup

UNSENT_AT_MOST = 24 * 1024  # bytes; a client for whom more waits falls behind
UNSENT_IN_KERNEL = 64 * 1024  # bytes
CLOSE_S = 2.0  # for the goodbye, and for what is still unsent


class Connection(asyncio.Protocol):
    """The `Line` of a session. What comes in is its subclasses' business.

    on_lost  is called once, in the loop, when the connection is over
    """

    __slots__ = ("_on_lost", "_waiting", "goodbye", "transport", "writing_paused")

    def __init__(self, transport: asyncio.Transport, on_lost: Callable[[], None]) -> None:
        self.transport = transport
        self.writing_paused = False
        self.goodbye: Hangup | None = None
        self._on_lost = on_lost
        self._waiting: list[asyncio.Future[None]] = []

    async def drained(self) -> None:
        """Wait until the transport takes more, or is gone. Cancelling is safe."""
        if self.writing_paused:
            taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(taken)
            await taken

    def end(self, goodbye: Hangup) -> None:
        """Say goodbye. After CLOSE_S what is unsent is thrown away: a clogged connection would
        never end by itself."""
        self.goodbye = goodbye
        asyncio.get_running_loop().call_later(CLOSE_S, self.transport.abort)

    def close_soon(self) -> None:
        """Close once what is unsent was taken, or after CLOSE_S."""
        self.transport.close()
        asyncio.get_running_loop().call_later(CLOSE_S, self.transport.abort)

    # What the loop calls

    def pause_writing(self) -> None:
        self.writing_paused = True

    def resume_writing(self) -> None:
        self.writing_paused = False
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.writing_paused = False
        self._wake()
        self._on_lost()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for taken in waiting:
            if not taken.done():
                taken.set_result(None)


def bound_memory(transport: asyncio.Transport) -> None:
    """Let little gather for a client that does not read, here and in the kernel.

    Here that is a write beyond UNSENT_AT_MOST; with all else that a session needs, less than 100 KB
    also where every client is told something else.
    """
    transport.set_write_buffer_limits(high=UNSENT_AT_MOST)
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with suppress(OSError):  # not a TCP socket
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)
