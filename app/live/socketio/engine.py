"""python-socketio, made to fit: its connections are kept by it, and written to by the hub.

Relies on more of the library than it promises; tests/integration/test_socketio_library.py holds
that to its version. It is given only what core/dialects/packets.py has found well formed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import engineio
import socketio
from aiohttp import WSMsgType, web
from engineio.async_drivers.aiohttp import translate_request

from app.core.dialects.packets import (
    PACKETS_AT_MOST,
    PROBE,
    SEPARATOR,
    UPGRADE,
    Malformed,
    Packet,
    read_packet,
)
from app.core.errors import BodyTooLarge, InvalidRequest
from app.core.protocol import Close, Hangup
from app.live.socketio.wire import Outbox, Wire
from app.settings import Settings

logger = logging.getLogger(__name__)
# Its lines below ERROR hold what clients send, tokens too.
library_logger = logging.getLogger("app.live.socketio.library")
library_logger.setLevel(logging.ERROR)

PING_TIMEOUT_S = 20.0
CONNECT_WITHIN_S = 10.0  # from the transport to a client that was recognised
TRY_WITHIN_S = 10.0  # for each word on a WebSocket that is tried
BODY_S = 20.0  # for the whole of a body
BODY = web.RequestKey("socketio_body", bytes)

Admit = Callable[[Wire, Packet, int], bool]
"""(wire, packet, its size in bytes) -> whether it is carried out; may end the connection."""
OnConnect = Callable[[str, str], None]
Hello = Callable[[str, str], dict[str, Any]]


class _Body:
    """What a client posted, as the library wants to read it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, size: int) -> bytes:
        return self._data[:size]


async def _environ(request: web.Request) -> dict[str, Any]:
    environ: dict[str, Any] = translate_request(request)
    body = request.get(BODY, b"")
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = _Body(body), str(len(body))
    return environ


class Upgraded:
    """A WebSocket as the library has it: it reads from it; what it writes goes by the wire."""

    def __init__(self, handler: Any, engine: "Engine") -> None:
        """handler: of the library's connection, which it belongs to"""
        self._handler = handler
        self._engine = engine
        self._connection = handler.__self__
        self._wire: Wire = self._connection.queue.wire
        self._response: web.WebSocketResponse

    async def __call__(self, environ: dict[str, Any]) -> web.StreamResponse:
        self._request: web.Request = environ["aiohttp.request"]
        connection, wire = self._connection, self._wire
        if wire.is_changing or wire.has_socket:
            raise InvalidRequest(what="this client has a WebSocket already")
        wire.is_changing = True
        self._response = web.WebSocketResponse(
            max_msg_size=self._engine.max_http_buffer_size, compress=False
        )
        try:
            await self._response.prepare(self._request)
            await self._handler(self)
        finally:
            wire.is_changing = False
            if not connection.upgraded:
                connection.upgrading = False  # the library goes on holding the polls back
            wire.taken()
        return self._response

    async def wait(self) -> str:
        """Return the next packet that may be carried out. Raises OSError when there is none."""
        if self._connection.upgraded and not self._wire.has_socket:
            self._wire.change_over(self._request, self._response)
        while True:
            if self._wire.has_socket:
                await self._wire.drained()  # of whom takes no answers, no more is read
            try:
                # On a socket that is only tried nobody sends pings, and nobody counts it.
                async with asyncio.timeout(None if self._wire.has_socket else TRY_WITHIN_S):
                    message = await self._response.receive()
            except TimeoutError:
                await self._response.close(code=Close.UNRESPONSIVE, message=b"not tried in time")
                raise
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    await self._response.close(code=Close.INVALID_DATA, message=b"text only")
                elif message.type is WSMsgType.CLOSE and self._wire.has_socket:
                    self._wire.said_close = True
                raise OSError("no further packet")
            text: str = message.data
            if not self._wire.has_socket:
                if text not in (PROBE, UPGRADE):
                    await self._response.close(code=Close.INVALID_DATA, message=b"not a probe")
                    raise OSError("not a probe")
                return text
            if self._engine.admits(self._wire, text):
                return text
            if self._wire.goodbye is not None:
                await self._wire.ended()
                raise OSError("no further packet")

    async def send(self, message: str | bytes) -> None:
        """Write the answer to the probe: all else was passed on by the outbox."""
        if message and not self._response.closed:
            await self._response.send_str(str(message))

    async def close(self) -> None:
        await self._response.close()


class Engine(engineio.AsyncServer):  # type: ignore[misc]
    """The connections, below what is said on them.

    admit  decides about each packet; see Admit
    """

    admit: Admit

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async: dict[str, Any] = {
            **vars(self)["_async"],
            "websocket": Upgraded,
            "translate_request": _environ,
        }
        self._tasks: set[asyncio.Task[Any]] = set()

    def create_queue(self, *args: Any, **options: Any) -> Outbox:
        return Outbox()

    def start_background_task(
        self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(target(*args, **options))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def wire_of(self, eio_sid: str) -> Wire | None:
        """Return the wire of a connection; None when it is over."""
        connection = self.sockets.get(eio_sid)
        if connection is None or connection.closed:
            return None
        wire: Wire = connection.queue.wire
        return wire

    def admits(self, wire: Wire, text: str) -> bool:
        """Tell whether a packet is carried out; what is none ends the connection."""
        try:
            packet = read_packet(text)
        except Malformed as error:
            wire.end(Hangup(Close.INVALID_DATA, str(error)))
            return False
        if wire.guest is not None and packet.kind != "connect":  # which may hold a token
            wire.guest.overhear(text)
        return self.admit(wire, packet, len(text.encode()))

    async def posted(self, request: web.Request, wire: Wire) -> list[bytes]:
        """Return those of the packets in the body of `request` that are carried out, as bodies.

        A client posts all that it has to say at once, and the library reads PACKETS_AT_MOST.

        Raises BodyTooLarge, InvalidRequest; then the connection is over.
        """
        limit = self.max_http_buffer_size
        try:
            async with asyncio.timeout(BODY_S):
                body = await request.content.read(limit + 1)
                while len(body) <= limit and not request.content.at_eof():
                    body += await request.content.read(limit + 1 - len(body))
        except TimeoutError as error:
            wire.end(Hangup(Close.UNRESPONSIVE, "the body did not come"))
            raise InvalidRequest(what="the body did not come") from error
        if len(body) > limit:
            reason = f"a body has at most {limit} bytes"
            wire.end(Hangup(Close.MESSAGE_TOO_BIG, reason))
            raise BodyTooLarge
        admitted = []
        for text in body.decode(errors="replace").split(SEPARATOR):
            if self.admits(wire, text):
                admitted.append(text)
            if wire.goodbye is not None:
                raise InvalidRequest(what=wire.goodbye.reason)
        rows = range(0, len(admitted), PACKETS_AT_MOST)
        return [
            SEPARATOR.join(admitted[start : start + PACKETS_AT_MOST]).encode() for start in rows
        ]

    def close_soon(self, eio_sid: str) -> None:
        """End a connection, as soon as the loop comes to it."""
        connection = self.sockets.get(eio_sid)
        if connection is not None and not connection.closed and not connection.closing:
            self.start_background_task(self._close, connection)

    async def _close(self, connection: Any) -> None:
        wire, reason = connection.queue.wire, self.reason.SERVER_DISCONNECT
        with suppress(engineio.exceptions.SocketIsClosedError):
            # A client that polls comes back when its next poll fails, not when it is told to close.
            await connection.close(wait=False, abort=wire.may_come_back, reason=reason)
        wire.over()

    async def shutdown(self) -> None:
        """Let go of everything that waits."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """What is said on the connections.

    on_connected     is called once a client was told that it is connected
    hello            returns what it is told then, beside its id
    """

    eio: Engine

    def __init__(self, settings: Settings) -> None:
        limit = PACKETS_AT_MOST * settings.websocket_max_message_size
        with_sockets = settings.enable_websockets
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,  # one after the other, in the order in which they came
            namespaces=["/"],
            logger=library_logger,
            engineio_logger=library_logger,
            cors_allowed_origins=[],  # web looks at origins
            ping_interval=settings.websocket_heartbeat_interval,
            ping_timeout=min(PING_TIMEOUT_S, settings.websocket_connection_timeout),
            max_http_buffer_size=limit,
            http_compression=False,
            transports=["polling", "websocket"] if with_sockets else ["polling"],
            allow_upgrades=with_sockets,
        )
        self.on_connected: OnConnect
        self.hello: Hello

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        wire = self.eio.wire_of(eio_sid)
        assert wire is not None
        wire.close_engine = partial(self.eio.close_soon, eio_sid)
        self.expect(eio_sid)
        await super()._handle_eio_connect(eio_sid, environ)

    def expect(self, eio_sid: str) -> None:
        """End the connection in a while, unless somebody is recognised on it meanwhile."""

        def look() -> None:
            wire = self.eio.wire_of(eio_sid)
            if wire is not None and wire.guest is None:
                self.eio.close_soon(eio_sid)

        asyncio.get_running_loop().call_later(CONNECT_WITHIN_S, look)

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        if pkt.packet_type == socketio.packet.CONNECT_ERROR:
            wire = self.eio.wire_of(eio_sid)
            if wire is None or wire.goodbye is not None:
                return  # that is said already; who is refused in so many words never tries again
        if pkt.packet_type == socketio.packet.CONNECT:
            pkt.data = {**pkt.data, **self.hello(eio_sid, pkt.data["sid"])}
        await super()._send_packet(eio_sid, pkt)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        if sid is not None and (namespace or "/") == "/":
            self.on_connected(eio_sid, sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None:
            connection.queue.wire.over()
