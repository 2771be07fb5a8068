"""The WebSocket transport: one connection, from its upgrade to its end.

aiohttp reads the request; from then on the connection is our own (see takeover.py). What comes in
is read by the sans-IO protocol of `websockets`; what goes out are whole frames, prebuilt.
"""

import asyncio
import binascii
import logging
import os
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from hashlib import sha1

from aiohttp import web
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from app import __version__
from app.core.errors import InvalidRequest
from app.core.ids import uuid7
from app.core.permissions import Viewer
from app.core.protocol import Close, Hangup, Problem, Welcome
from app.live.connection import Connection, bound_memory
from app.live.dialect import Dialect, agreed
from app.live.hub import Hub
from app.live.limits import limits_of
from app.live.manner import OURS, Manner
from app.live.session import Session
from app.live.takeover import TakenOver, take_over
from app.live.turns import Later, Turns
from app.live.visit import Desk, Visit, Work
from app.settings import Settings

logger = logging.getLogger(__name__)

READ_BYTES = 1024  # in a turn of the loop, of what came in at once
KEY_BYTES = 16
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
VERSION = "13"
NO_STATUS = 1005  # the client gave no code
REASON_BYTES = 120  # of a close frame; 123 would fit
UPGRADED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


class WebSocketConnection(Connection):
    """A client over WebSocket, whose messages are carried out one after the other.

    Nothing more is read while one of them is waited for, nor while the client does not take its
    answers; and never more than READ_BYTES in a turn of the loop, so that a flood of tiny frames
    holds nobody up.
    """

    __slots__ = (
        "_at",
        "_heard",
        "_is_text",
        "_message",
        "_read",
        "_refused",
        "_task",
        "_turn",
        "_turns",
        "_unread",
        "_wire",
        "visit",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        on_lost: Callable[[], None],
        dialect: Dialect,
        max_message_bytes: int,
        turns: Turns,
    ) -> None:
        """turns: who of all clients is read now."""
        super().__init__(transport, on_lost)
        self._turns = turns
        self._wire = Protocol(SERVER, state=OPEN, max_size=max_message_bytes, logger=logger)
        self._wire.extensions = list(dialect.extensions)
        self._read = dialect.read
        self._is_text = True
        self.visit: Visit | None = None  # None: nobody listens to what the client says
        self._unread = b""
        self._at = 0  # in `_unread`
        self._heard: deque[Frame] = deque()  # not carried out yet
        self._message = b""  # its pieces so far
        self._refused: Problem | None = None  # the message that is coming in
        self._task: asyncio.Task[None] | None = None
        self._turn: asyncio.Handle | Later | None = None

    def end(self, goodbye: Hangup) -> None:
        """Send the close frame; see Connection.end.

        What the client still sends is taken from the line, and thrown away: with some of it unread,
        the system would reset the connection, and the client might never read why it ended.
        """
        if self.goodbye is None:
            reason = goodbye.reason.encode()[:REASON_BYTES].decode(errors="ignore")
            if self._wire.state is OPEN:
                self._wire.send_close(goodbye.code, reason)
            super().end(goodbye)
            self._stop()
            self._flush()
            if not self.transport.is_closing():
                self.transport.resume_reading()

    # What the loop calls

    def data_received(self, data: bytes) -> None:
        if self.goodbye is not None:
            # Only the answer to our goodbye still counts, and it fits in here.
            self._wire.receive_data(data[:READ_BYTES])
            self._flush()
        else:
            self._unread = self._unread[self._at :] + data
            self._at = 0
            if self._turn is None and (later := self._turns.begin(self._go_on)):
                self._turn = later
                self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    # Reading

    def _go_on(self) -> None:
        """Carry out what was heard, then read a little more; the rest has its turn later."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        try:
            self._read_on()
        except Exception as error:  # it would wait in vain: nothing else looks at it again
            self._failed(error)

    def _read_on(self) -> None:
        self._carry_out()
        if not self._is_held_up() and self._at < len(self._unread):
            self._wire.receive_data(self._unread[self._at : self._at + READ_BYTES])
            self._at += READ_BYTES
            self._heard.extend(self._wire.events_received())  # type: ignore[arg-type]
            if self._wire.parser_exc is not None and (said := self._wire.close_sent):
                self._hang_up(Hangup(Close(said.code), said.reason))  # it broke the rules
            self._flush()
            self._carry_out()
        if self.transport.is_closing() or self.goodbye is not None:
            return
        if self._is_held_up() or self._at < len(self._unread):
            self.transport.pause_reading()
            if not self._is_held_up():
                self._turn = asyncio.get_running_loop().call_soon(self._go_on)
        else:
            self._unread, self._at = b"", 0
            self.transport.resume_reading()

    def _is_held_up(self) -> bool:
        return self._task is not None or self.writing_paused or self.goodbye is not None

    def _carry_out(self) -> None:
        while self._heard and not self._is_held_up():
            work = self._take(self._heard.popleft())
            if work is not None:
                self._task = asyncio.create_task(work, name="visit")
                self._task.add_done_callback(self._done)

    def _take(self, frame: Frame) -> Work | None:
        """Look at a frame. Returns work that is to be waited for."""
        if self.visit is None:
            return None
        if frame.opcode is Opcode.PONG and self.visit.proved(bytes(frame.data)):
            return None
        refused = self.visit.admit()
        if isinstance(refused, Hangup):
            self._hang_up(refused)
        elif frame.opcode is Opcode.CLOSE:
            self.visit.left(self._wire.close_rcvd.code if self._wire.close_rcvd else NO_STATUS)
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._refused = self._refused or refused
            self._message += bytes(frame.data)
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            if frame.fin:
                return self._whole(self.visit)
        return None

    def _whole(self, visit: Visit) -> Work | None:
        data, refused = self._message, self._refused
        self._message, self._refused = b"", None
        try:
            payload = data.decode() if self._is_text else data
            visit.overhear(payload)
            text = self._read(payload)
        except UnicodeDecodeError:
            self._hang_up(Hangup(Close.INVALID_DATA, "a text message has to be UTF-8"))
        except OverflowError as error:
            self._hang_up(Hangup(Close.MESSAGE_TOO_BIG, f"{error}"))
        else:
            if isinstance(text, Problem):
                visit.refuse(text)
            elif refused is not None:
                visit.refuse(refused, text)
            else:
                return visit.hear(text)
        return None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed(error)
        else:
            self._go_on()

    def _failed(self, error: BaseException) -> None:
        logger.error("a message was not carried out", exc_info=error)
        self._hang_up(Hangup(Close.INTERNAL_ERROR, "something went wrong on the server"))

    def _hang_up(self, goodbye: Hangup) -> None:
        """End what has a session by the session, which is asked for the reason later."""
        if self.visit is None:
            self.end(goodbye)
        else:
            self.visit.hang_up(goodbye)

    def _stop(self) -> None:
        """Carry nothing more out."""
        self._heard.clear()
        self._unread, self._at = b"", 0
        if self._turn is not None:
            self._turn.cancel()
        if self._task is not None:
            self._task.cancel()

    def _flush(self) -> None:
        """Write what the protocol has to say: answers to pings, and the end."""
        for data in self._wire.data_to_send():
            if data:
                self.transport.write(data)
            elif self.goodbye is not None and self.transport.can_write_eof():
                self.transport.write_eof()  # see `end`, which has set a time for the rest
            else:
                self.close_soon()


def serve_websocket(
    request: web.Request,
    desk: Desk,
    viewer: Viewer,
    *,
    client_id: str | None = None,
    address: str = "",
    manner: Manner = OURS,
) -> TakenOver:
    """Upgrade `request` and take its connection over; it lives on after the handler's return.

    viewer     was recognised, and its Origin looked at, by the caller
    client_id  the client's own, durable name; one is made up when it has none
    address    where the client is, for those who look at connections
    manner     how it is greeted, and what it may say

    Raises InvalidRequest for a handshake that is none, ConnectionResetError when the client left.
    """
    hub = desk.hub
    refusal = hub.refusal(viewer, address)
    if refusal is not None:
        return refuse_websocket(request, refusal)
    at_most = limits_of(viewer, desk.settings).max_message_bytes
    dialect = manner.dialect(
        request.headers,
        single=request.query.get("frames") == "single",
        compression=desk.settings.websocket_compression,
        at_most=at_most,
    )
    session: Session | None = None
    bearing = ExitStack()

    def lost() -> None:
        bearing.close()
        if session is not None:
            hub.forget(session)

    head = handshake(request, dialect)
    line, response, rest = _taken_over(request, lost, dialect, at_most, hub.reading)
    session = Session(
        hub,
        line,
        client_id=client_id or uuid7(time.time_ns() // 1_000_000, os.urandom(10)),
        viewer=viewer,
        form=dialect.form,
        address=address,
    )
    position = None
    if client_id is not None:
        position = bearing.enter_context(desk.positions.borne(viewer.holder, client_id))
    line.visit = visit = manner.visit(desk, session, position)
    hub.add(session)
    hello = session.form.say(manner.greeting(session, welcome(hub, session, desk.settings)))
    session.put(head + hello)
    bearing.enter_context(manner.company(session, visit))
    if rest:
        line.data_received(rest)
    return response


def refuse_websocket(request: web.Request, why: Hangup) -> TakenOver:
    """Upgrade `request`, only to tell its client why it is not served. Raises InvalidRequest."""
    dialect = agreed(request.headers, single=False, compression=False, at_most=READ_BYTES)
    head = handshake(request, dialect)
    line, response, _ = _taken_over(request, lambda: None, dialect, READ_BYTES, Turns(1))
    line.transport.write(head)
    line.end(why)
    return response


def _taken_over(
    request: web.Request,
    on_lost: Callable[[], None],
    dialect: Dialect,
    max_message_bytes: int,
    turns: Turns,
) -> tuple[WebSocketConnection, TakenOver, bytes]:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    line = WebSocketConnection(transport, on_lost, dialect, max_message_bytes, turns)
    response, rest = take_over(request, line, status=101)
    bound_memory(transport)
    return line, response, rest


def handshake(request: web.Request, dialect: Dialect) -> bytes:
    """Return the answer to an upgrade, as bytes. Raises InvalidRequest when it is not one.

    Source: RFC 6455 section 4.2.
    """
    headers = request.headers
    if "upgrade" not in headers.get("Connection", "").lower():
        raise InvalidRequest(what="an upgrade needs the header Connection: Upgrade")
    if headers.get("Sec-WebSocket-Version") != VERSION:
        raise InvalidRequest(what=f"the version of WebSocket spoken here is {VERSION}")
    key = headers.get("Sec-WebSocket-Key", "").strip()
    decoded = b""
    with suppress(binascii.Error, ValueError):
        decoded = b64decode(key, validate=True)
    if len(decoded) != KEY_BYTES:
        raise InvalidRequest(what=f"Sec-WebSocket-Key has to be {KEY_BYTES} bytes in base64")
    accept = b64encode(sha1(key.encode() + MAGIC, usedforsecurity=False).digest()).decode()
    lines = [f"Sec-WebSocket-Accept: {accept}"]
    lines += [f"{name}: {value}" for name, value in dialect.headers.items()]
    return (UPGRADED + "\r\n".join(lines) + "\r\n\r\n").encode()


def welcome(hub: Hub, session: Session, settings: Settings) -> Welcome:
    return Welcome(
        client_id=session.client_id,
        user_id=session.viewer.user_id,
        log=hub.log_id,
        head=hub.head,
        heartbeat=settings.websocket_heartbeat_interval,
        limits=limits_of(session.viewer, settings),
        server=f"livetrail/{__version__}",
    )
