"""Socket.IO as the application has it: requests in, guests at the hub's table."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import socketio
from aiohttp import web

from app.core.dialects.packets import Packet
from app.core.errors import InvalidRequest
from app.core.permissions import Viewer, obstacle
from app.core.protocol import Close, Hangup
from app.live.hub import Hub
from app.live.session import NO_GOODBYE
from app.live.socketio.comebacks import Comebacks
from app.live.socketio.engine import BODY, Server
from app.live.socketio.forms import make_forms
from app.live.socketio.guest import Guest
from app.live.socketio.marks import Marks
from app.live.socketio.wire import Wire
from app.live.visit import Desk

logger = logging.getLogger(__name__)

CONNECTS_AT_MOST = 5  # attempts on one connection
CONNECT_BYTES = 4096  # of a connect, which may hold a token
AGENT_AT_MOST = 200  # characters
SAID_AT_MOST = 32  # packets of somebody who is not recognised
NOT_AUTHENTICATED = "not authenticated"
WENT_WRONG = "something went wrong on the server"
TWICE = "a client polls once at a time, and posts once at a time"
HOW_TO_SAY_WHO = (
    "Send an API token in auth, {token}, or a ticket or listen-only token of"
    " POST /api/v1/auth/websocket-token in the URL, as token or session_token. A user_id in the URL"
    " is the one that GET /api/v1/auth/me tells."
)
NORMAL = 1000

Recognise = Callable[[web.Request, Mapping[str, Any]], Awaitable[Viewer | None]]
"""(the request that opened the connection, auth) -> who it is, or None."""
AddressOf = Callable[[web.Request], str]
Refused = Callable[[web.Request, Viewer | None, Hangup], None]


class SocketIO:
    """All Socket.IO clients.

    recognise   tells who somebody is
    refused     is told of everybody who is turned away
    """

    def __init__(
        self, desk: Desk, *, recognise: Recognise, address_of: AddressOf, refused: Refused
    ) -> None:
        self._desk = desk
        self._hub: Hub = desk.hub
        self._recognise = recognise
        self._address_of = address_of
        self._refused = refused
        self._marks = Marks()
        self._comebacks = Comebacks(desk.hub.clock)
        self._polling, self._over_websocket = make_forms(self._marks)
        self._guests: dict[str, Guest] = {}  # by the id of the connection
        self._starts: dict[str, Mapping[str, Any]] = {}  # the auth of those who are let in
        self._hub.clearing_out.append(self.clear_out)
        self._server = Server(desk.settings)
        self._engine = self._server.eio
        self._engine.admit = self._admit
        self._server.on_connected = self._connected
        self._server.hello = self._hello
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        for name in ("join_task", "leave_task", "subscribe", "unsubscribe"):
            self._server.on(name, self._carrying_out(name))

    def knows(self, eio_sid: str) -> bool:
        """Tell whether a connection of this id is there. Ids can not be guessed."""
        return self._engine.wire_of(eio_sid) is not None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request whose query was looked at: its `sid`, where it has one, is known.

        Raises InvalidRequest, BodyTooLarge.
        """
        wire = self._engine.wire_of(request.query.get("sid", ""))
        if wire is None or request.query.get("transport") == "websocket":
            return await self._answer(request)
        # As others' servers have it: each request would hold a connection that nobody counts.
        with wire.alone(request.method) as is_alone:
            if is_alone:
                return await self._answer(request, wire)
        wire.end(Hangup(Close.INVALID_DATA, TWICE))
        raise InvalidRequest(what=TWICE)

    async def _answer(self, request: web.Request, wire: Wire | None = None) -> web.StreamResponse:
        response: web.StreamResponse
        if wire is not None and request.method == "POST":
            response = web.Response(text="ok")
            for body in await self._engine.posted(request, wire):
                request[BODY] = body
                response = await self._engine.handle_request(request)
            return response
        wire = self._engine.wire_of(request.query.get("sid", ""))
        if wire is None:
            response = await self._engine.handle_request(request)
            return response
        wire.poll = request.transport
        try:
            response = await self._engine.handle_request(request)
        finally:
            wire.poll = None
        return response

    def clear_out(self) -> None:
        """Take the seats of clients that polled and have left."""
        for guest in list(self._guests.values()):
            if guest.wire.is_left:
                guest.wire.abort()
                self._over(guest, is_cut=True)

    async def close(self) -> None:
        """Let go of what the library has running; the hub has ended all sessions before."""
        await self._engine.shutdown()

    def _admit(self, wire: Wire, packet: Packet, size_bytes: int) -> bool:
        if wire.guest is not None:
            return wire.guest.admit(packet, size_bytes)
        wire.strange += 1
        wire.connects += packet.kind == "connect"
        if packet.kind in ("close", "pong") and wire.strange <= SAID_AT_MOST:
            return True
        if packet.kind != "connect" or wire.connects > CONNECTS_AT_MOST:
            wire.end(Hangup(Close.INVALID_DATA, "connect first"))
        elif size_bytes > CONNECT_BYTES:
            reason = f"a connect has at most {CONNECT_BYTES} bytes"
            wire.end(Hangup(Close.MESSAGE_TOO_BIG, reason))
        return wire.goodbye is None

    async def _connect(
        self, sid: str, environ: dict[str, Any], auth: Mapping[str, Any] | None = None
    ) -> None:
        """Let a client in. Raises ConnectionRefusedError with the reason."""
        request: web.Request = environ["aiohttp.request"]
        eio_sid = self._server.manager.eio_sid_from_sid(sid, "/")
        given = auth or {}
        viewer = await self._recognise(request, given)
        why: Hangup | None = None
        address = self._address_of(request)
        if viewer is None:
            why = Hangup(Close.NOT_AUTHENTICATED, NOT_AUTHENTICATED)
        elif words := obstacle(viewer, "listen"):
            why = Hangup(Close.NOT_ALLOWED, words)
        if why is not None:
            self._refused(request, viewer, why)
        elif viewer is not None:
            why = self._hub.refusal(viewer, address)
        wire = self._engine.wire_of(eio_sid)
        if why is not None and why.code is Close.RESTART and wire is not None:
            wire.end(why)
        if why is not None:
            facts: dict[str, Any] = {"code": int(why.code), "retry_after": why.retry_after_s}
            if why.code is Close.NOT_AUTHENTICATED:
                facts["hint"] = HOW_TO_SAY_WHO
            raise socketio.exceptions.ConnectionRefusedError(why.reason, facts)
        if wire is None or viewer is None:  # it left meanwhile
            raise socketio.exceptions.ConnectionRefusedError("the connection is over")
        forms = self._over_websocket if wire.has_socket else self._polling
        agent = request.headers.get("User-Agent", "")[:AGENT_AT_MOST]
        guest = Guest(self._desk, wire, self._marks, forms, viewer, sid, address, agent)
        wire.guest = guest
        self._guests[sid] = guest
        self._starts[sid] = given
        self._hub.add(guest.session)

    def _hello(self, eio_sid: str, sid: str) -> dict[str, Any]:
        """Return what a client is told with its id: whoever follows a user may be recovered."""
        environ = self._server.environ.get(eio_sid)
        if environ is None:
            return {}
        asked = environ["aiohttp.request"].query
        is_theirs = _is_conversational(asked, self._starts.get(sid, {}))
        return {"pid": self._hub.log_id} if is_theirs else {}

    def _connected(self, eio_sid: str, sid: str) -> None:
        given = self._starts.pop(sid, None)
        guest = self._guests.get(sid)
        wire = self._engine.wire_of(eio_sid)
        environ = self._server.environ.get(eio_sid)
        if given is None or guest is None:
            return
        if wire is None or environ is None:  # it was over before the library knew it as connected
            del self._guests[sid]
            guest.over()
            return
        if wire.has_socket:
            guest.session.speak(self._over_websocket)  # it changed over while it was let in
        wire.on_socket = lambda: guest.session.speak(self._over_websocket)
        logger.info("Socket.IO client connected: client=%s", sid)
        asked = environ["aiohttp.request"].query
        is_theirs = _is_conversational(asked, given)
        was_cut_at = self._comebacks.back(guest.client) if is_theirs else None
        guest.begin(sid, given, is_conversational=is_theirs, was_cut_at=was_cut_at)

    async def _disconnect(self, sid: str, reason: str) -> None:
        guest = self._guests.pop(sid, None)
        self._starts.pop(sid, None)
        if guest is None:
            return
        logger.info("Socket.IO client left: client=%s reason=%s", sid, reason)
        reasons = self._server.reason
        codes = {
            reasons.CLIENT_DISCONNECT: NORMAL,
            reasons.PING_TIMEOUT: Close.UNRESPONSIVE,
        }
        # A close frame is a goodbye too: some clients say no other.
        left_with = NORMAL if guest.wire.said_close else NO_GOODBYE
        guest.session.left_with = codes.get(reason, left_with)
        is_cut = guest.session.left_with != NORMAL and guest.wire.may_come_back
        self._over(guest, is_cut=is_cut)
        eio_sid = self._server.manager.eio_sid_from_sid(sid, "/")
        wire = None if eio_sid is None else self._engine.wire_of(eio_sid)
        if wire is not None:
            wire.guest = None
            wire.on_socket = None
            self._server.expect(eio_sid)

    def _over(self, guest: Guest, *, is_cut: bool) -> None:
        """The connection of `guest` is over. is_cut: it did not want that, and may come back."""
        place = guest.cut_at
        guest.over()
        if is_cut and place is not None:
            self._comebacks.cut(guest.client, place)

    def _carrying_out(self, name: str) -> Callable[..., Awaitable[None]]:
        async def carry_out(sid: str, *said: Any) -> None:
            guest = self._guests.get(sid)
            if guest is None:
                return
            try:
                await getattr(guest, name)(*said)
            except Exception:  # the client would wait in vain for its answer
                logger.exception("a message was not carried out: client=%s", sid)
                guest.session.end(Hangup(Close.INTERNAL_ERROR, WENT_WRONG))

        return carry_out


def _is_conversational(asked: Mapping[str, str], auth: Mapping[str, Any]) -> bool:
    """Tell whether a client is of system A: it says so, or comes as only those do."""
    system = auth.get("system")
    if system is not None:
        return bool(system == "A")
    return "user_id" in asked or "session_token" in asked or "after" in auth
