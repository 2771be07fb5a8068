"""The way to one Socket.IO client: the bodies it polls, and later its WebSocket.

Engine.IO keeps one queue of packets for a client. Once its WebSocket is there the queue is passed
by: what the library has to say (answers, pings) and what the hub tells are written in the order in
which they were said, as whole frames, to one transport.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from aiohttp import web
from engineio.packet import PING
from engineio.packet import Packet as LibraryPacket

from app.core.dialects.packets import PACKETS_AT_MOST, Packet
from app.core.dialects.words import Told
from app.core.protocol import Close, Hangup
from app.live.connection import CLOSE_S, UNSENT_AT_MOST, bound_memory
from app.live.socketio.forms import BETWEEN, framed, packet
from app.tasks import report_death

OUTBOX_AT_MOST = 10 * UNSENT_AT_MOST  # bytes that a client does not poll for; then it is ended
REASON_BYTES = 120  # of a close frame; 123 would fit
A_PACKET = 64  # bytes, about, of one of the library's own
FRAME = 0x80  # set in the first byte of a frame, and of no packet
DISCONNECT = b"41"
COME_BACK = frozenset({Close.RESTART, Close.UNRESPONSIVE, Close.INTERNAL_ERROR})
"""Ends after which a client should try again: it does when its transport ends without a goodbye."""


class Encoded(Protocol):
    """A packet, as the library has them."""

    def encode(self, b64: bool = False) -> str | bytes: ...


class Visitor(Protocol):
    """Who was recognised on a connection."""

    def admit(self, packet: Packet, size_bytes: int) -> bool:
        """Count a packet. Return whether it is carried out; the connection may end over it."""

    def overhear(self, text: str) -> None:
        """Show a packet to whoever looks at this connection."""

    def pinged(self) -> None:
        """A ping goes to it, behind all that was written so far."""


class Prebuilt:
    """Packets in a row, as they stand in a body. To the library they are one packet."""

    __slots__ = ("data", "packets")

    def __init__(self, data: bytes, packets: int) -> None:
        self.data = data
        self.packets = packets

    def encode(self, b64: bool = False) -> str:
        return self.data.decode()


WRITTEN = Prebuilt(b"", 0)
"""Stands for a packet that was written to a WebSocket already."""


class Outbox(asyncio.Queue[Encoded | None]):
    """The packets that wait for a client to poll. It tells its wire when they were taken.

    A poll takes one, and then more until there is none: it gets no more than clients read in one
    body, those of this library too.
    """

    _queue: deque[Encoded | None]  # the base class's

    def __init__(self) -> None:
        super().__init__()
        self.unsent = 0  # bytes
        self.wire = Wire(self)
        self._room = 0  # packets, in the body that is being filled

    async def get(self) -> Encoded | None:
        """Wait for the first packets of a body."""
        self._room = PACKETS_AT_MOST
        return await super().get()

    def get_nowait(self) -> Encoded | None:
        """Return the next of a body. Raises QueueEmpty when there is none that fits in."""
        if not self.empty() and self._room < _packets(self._queue[0]):
            raise asyncio.QueueEmpty
        return super().get_nowait()

    def take_all(self) -> list[Encoded]:
        """Return all that waits, for a client that polls no more."""
        waiting = []
        while not self.empty():
            waiting.append(super().get_nowait())
            self.task_done()
        return [item for item in waiting if item is not None]

    def put_nowait(self, item: Encoded | None) -> None:
        """Take a packet in, or pass it on to the WebSocket. None: there will be no more."""
        if isinstance(item, LibraryPacket) and item.packet_type == PING and self.wire.guest:
            self.wire.guest.pinged()
        if item is not None and self.wire.has_socket:
            self.wire.pass_on(item)
            item = WRITTEN  # whatever waits for packets closes a WebSocket that has none for long
        super().put_nowait(item)

    def _put(self, item: Encoded | None) -> None:
        super()._put(item)
        self.unsent += _size(item)
        if self.unsent > OUTBOX_AT_MOST:
            self.wire.abort()

    def _get(self) -> Encoded | None:
        item: Encoded | None = super()._get()
        self.unsent -= _size(item)
        self._room -= _packets(item)
        self.wire.taken()
        return item


def _size(item: Encoded | None) -> int:
    return len(item.data) if isinstance(item, Prebuilt) else A_PACKET


def _packets(item: Encoded | None) -> int:
    return item.packets if isinstance(item, Prebuilt) else 1


def _bodies(data: bytes) -> Iterator[Prebuilt]:
    """Yield packets in rows of which each fits in a body."""
    packets = data.split(BETWEEN)
    for start in range(0, len(packets), PACKETS_AT_MOST):
        some = packets[start : start + PACKETS_AT_MOST]
        yield Prebuilt(BETWEEN.join(some), len(some))


class Wire(asyncio.WriteTransport):
    """The `Line` of a session, and its transport.

    close_engine  ends the connection of the library; set once that is there
    on_socket     is called when the client has changed over to its WebSocket
    guest         who was recognised; None while nobody is
    """

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self.close_engine: Callable[[], None] | None = None
        self.on_socket: Callable[[], None] | None = None
        self.guest: Visitor | None = None
        self.connects = 0  # attempts to be recognised
        self.strange = 0  # packets of somebody who is not recognised
        self.goodbye: Hangup | None = None
        self.said_close = False  # by a close frame
        self.poll: asyncio.BaseTransport | None = None  # of the request that waits
        self.is_changing = False  # the WebSocket is there, and not tried yet
        self._outbox = outbox
        self._socket: asyncio.Transport | None = None
        self._protocol: Any = None
        self._response: web.WebSocketResponse | None = None
        self._is_over = False
        self._asking: set[str] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._ending: asyncio.Task[None] | None = None

    @property
    def transport(self) -> asyncio.WriteTransport:
        return self

    @property
    def may_come_back(self) -> bool:
        """Whether its client should try again once it is over."""
        return self.goodbye is None or self.goodbye.code in COME_BACK

    @property
    def is_left(self) -> bool:
        """Whether the client has gone that polls: nothing else tells, until it answers no ping."""
        return self._socket is None and self.poll is not None and self.poll.is_closing()

    @property
    def has_socket(self) -> bool:
        return self._socket is not None

    @contextmanager
    def alone(self, method: str) -> Iterator[bool]:
        """Yield whether no other request of this method is being answered, while the body runs."""
        if method in self._asking:
            yield False
            return
        self._asking.add(method)
        try:
            yield True
        finally:
            self._asking.discard(method)

    def change_over(self, request: web.Request, response: web.WebSocketResponse) -> None:
        """Write to the WebSocket of `request` from now on, first of all what waits for a poll.

        Raises ConnectionResetError when the client has left.
        """
        socket = request.transport
        if socket is None:
            raise ConnectionResetError("the client has left")
        bound_memory(socket)
        waiting = self._outbox.take_all()
        self._socket, self._protocol, self._response = socket, request.protocol, response
        self.is_changing = False
        for item in waiting:
            self.pass_on(item)
        self._wake()
        if self.on_socket is not None:
            self.on_socket()

    def pass_on(self, item: Encoded) -> None:
        """Write a packet of the library's, or what was packed for a body, to the WebSocket."""
        encoded = item.encode()
        self.write(encoded.encode() if isinstance(encoded, str) else encoded)

    # The line of a session

    @property
    def writing_paused(self) -> bool:
        if self._socket is not None:
            return bool(self._protocol.writing_paused)
        return self.is_changing or self._outbox.unsent > UNSENT_AT_MOST

    async def drained(self) -> None:
        """Wait until the client takes more, or is gone. Cancelling is safe."""
        while self.writing_paused and not self.is_closing():
            if self._socket is not None:
                with suppress(ConnectionError):
                    await self._protocol._drain_helper()
                return
            taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(taken)
            await taken

    def end(self, goodbye: Hangup) -> None:
        """Say goodbye, and end the connection; after CLOSE_S what is unsent is thrown away."""
        if self.goodbye is not None:
            return
        self.goodbye = goodbye
        said: dict[str, Any] = {"code": int(goodbye.code), "message": goodbye.reason}
        if goodbye.retry_after_s is not None:
            said["retry_after"] = goodbye.retry_after_s
        self.write_packet(packet(Told("goodbye", said)))
        if not self.may_come_back:
            self.write_packet(DISCONNECT)
        if self._response is None:
            self.abort()
        else:
            closing = _close(self._response, goodbye)
            self._ending = asyncio.create_task(closing, name="end of a Socket.IO client")
            self._ending.add_done_callback(report_death)
            asyncio.get_running_loop().call_later(CLOSE_S, self.abort)

    async def ended(self) -> None:
        """Return once the client has answered the close, or the time for that is over.

        What it had sent on is taken from the line meanwhile: with some of it unread, the system
        would reset the connection, and the client never read why it ended.
        """
        if self._ending is not None:
            await asyncio.wait([self._ending])

    # The transport of a session

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write packets as a body or as frames: the library's packets are no frames yet."""
        if not data or self._is_over:
            return
        if self._socket is None:
            for body in _bodies(bytes(data)):
                self._outbox.put_nowait(body)
        else:
            self._socket.write(data if data[0] & FRAME else framed(bytes(data)))

    def write_packet(self, data: bytes) -> None:
        """Write a packet, unless the connection is over."""
        if not self.is_closing():
            self.write(data)

    def get_write_buffer_size(self) -> int:
        if self._socket is None:
            return self._outbox.unsent
        return self._socket.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._is_over or (self._socket is not None and self._socket.is_closing())

    def abort(self) -> None:
        """End the connection; what is unsent may be lost."""
        if self._socket is not None:
            self._socket.abort()
        if self.close_engine is not None:
            self.close_engine()

    # What the library tells

    def taken(self) -> None:
        """Something was taken by a poll."""
        if self._waiting and not self.writing_paused:
            self._wake()

    def over(self) -> None:
        """The connection of the library is over."""
        self._is_over = True
        self._wake()
        loop = asyncio.get_running_loop()
        if self._socket is None:
            loop.call_soon(self._outbox.put_nowait, None)  # a poll ends, behind the last words
        elif not self._socket.is_closing():
            loop.call_later(CLOSE_S, self._socket.abort)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for taken in waiting:
            if not taken.done():
                taken.set_result(None)


async def _close(response: web.WebSocketResponse, goodbye: Hangup) -> None:
    reason = goodbye.reason.encode()[:REASON_BYTES].decode(errors="ignore")
    with suppress(ConnectionError):  # it was quicker
        await response.close(code=goodbye.code, message=reason.encode())
