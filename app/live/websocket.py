"""The WebSocket transport: one aiohttp connection, from its upgrade to its end.

What comes in is read through aiohttp. What goes out are whole frames, written straight to the
transport in the loop, so that they never interleave with the close frames aiohttp writes itself.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from app import __version__
from app.core.errors import AppError, NotAllowed, NotFound
from app.core.ids import uuid7
from app.core.permissions import Thing, Viewer, may_follow, obstacle
from app.core.protocol import (
    SUBSCRIPTIONS_AT_MOST,
    Ack,
    Answer,
    Close,
    Conversation,
    Hangup,
    Ok,
    Ping,
    Pong,
    Problem,
    Reset,
    Steer,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    nameless,
)
from app.core.rooms import Room
from app.core.wire import pong_frame
from app.live.dialect import SUBPROTOCOLS, Read, agreed
from app.live.hub import Hub
from app.live.limits import limits_of
from app.live.line import CLOSE_S, HttpLine, bound_memory
from app.live.positions import Position
from app.live.session import NO_GOODBYE, Session
from app.settings import Settings

BelongingOf = Callable[[Room], Awaitable[Thing | None]]
Control = Callable[[Steer | Answer], Awaitable[None]]


async def serve_websocket(
    request: web.Request,
    hub: Hub,
    viewer: Viewer,
    settings: Settings,
    *,
    belonging_of: BelongingOf,
    client_id: str | None = None,
    position: Position | None = None,
    control: Control | None = None,
    address: str = "",
) -> web.WebSocketResponse:
    """Upgrade `request`, and serve it until either side ends it.

    viewer        was recognised, and its Origin looked at, by the caller
    belonging_of  what a room is about; None when there is no such thing
    client_id     the client's own name; one is made up when it has none
    position      how far a client with a durable name has acknowledged; None when it has none
    control       carries out what steers a job; raises AppError with the reason when it can not
    address       where the client is, for those who look at connections
    """
    limits = limits_of(viewer, settings)
    ws = web.WebSocketResponse(
        compress=settings.websocket_compression,
        autoping=False,
        max_msg_size=limits.max_message_bytes + 1,  # aiohttp refuses the size itself
        protocols=SUBPROTOCOLS,
        timeout=CLOSE_S,
    )
    writer = await ws.prepare(request)
    transport = request.transport
    if transport is None:
        return ws
    refusal = hub.refusal(viewer, address)
    if refusal is not None:
        await say_goodbye(ws, transport, refusal)
        return ws
    bound_memory(transport)
    dialect = agreed(
        ws,
        single=request.query.get("frames") == "single",
        at_most=limits.max_message_bytes,
    )
    patience = asyncio.timeout(None)
    line = HttpLine(writer, transport, request.protocol, patience)
    session = Session(
        hub,
        line,
        client_id=client_id or uuid7(time.time_ns() // 1_000_000, os.urandom(10)),
        viewer=viewer,
        form=dialect.form,
        address=address,
    )
    visit = Visit(hub, viewer, session, settings, belonging_of, position, control)
    try:
        try:
            async with patience:
                hub.add(session)
                session.say(welcome(hub, session, settings))
                goodbye = await visit.listen(ws, dialect.read)
        except TimeoutError:
            if line.goodbye is None:
                raise
            goodbye = line.goodbye
        if goodbye is not None:
            session.goodbye = goodbye
            await session.stop()
            await say_goodbye(ws, transport, goodbye)
    finally:
        await hub.remove(session)
    return ws


async def say_goodbye(
    ws: web.WebSocketResponse, transport: asyncio.Transport, goodbye: Hangup
) -> None:
    """Send the close frame and wait a little for its answer.

    After CLOSE_S what is unsent is thrown away: a clogged connection would never end by itself.
    """
    asyncio.get_running_loop().call_later(CLOSE_S, transport.abort)
    await ws.close(code=goodbye.code, message=goodbye.reason.encode()[:120], drain=False)


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


class Visit:
    """Carries out what one client asks for, one message after the other."""

    def __init__(
        self,
        hub: Hub,
        viewer: Viewer,
        session: Session,
        settings: Settings,
        belonging_of: BelongingOf,
        position: Position | None,
        control: Control | None,
    ) -> None:
        self._hub = hub
        self._viewer = viewer
        self._session = session
        self._belonging_of = belonging_of
        self._position = position
        self._control = control
        self._conversation = Conversation(
            viewer.user_id, limits_of(viewer, settings).messages_per_second, hub.clock()
        )

    async def listen(self, ws: web.WebSocketResponse, read: Read) -> Hangup | None:
        """Read and answer until the connection ends. Returns a Hangup when we are to end it."""
        while True:
            await self._session.drained()  # who does not read the answers may not ask
            message = await ws.receive()
            now_s = self._session.heard_s = self._hub.clock()
            if message.type is WSMsgType.PONG:
                continue
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING):
                self._session.left_with = ws.close_code or NO_GOODBYE
                return None
            self._session.received += 1
            self._hub.counters.received += 1
            if self._session.tap is not None:
                self._session.tap.hears(message.data)
            refused = self._conversation.admit(now_s)
            if isinstance(refused, Hangup):
                return refused
            if message.type is WSMsgType.PING:
                self._session.put(pong_frame(bytes(message.data)))
                continue
            try:
                text = read(message.data)
            except OverflowError as error:
                return Hangup(Close.MESSAGE_TOO_BIG, f"{error}")
            if refused is not None:
                self._reject(refused.model_copy(update={"id": self._id_of(text)}))
            elif isinstance(text, Problem):
                self._reject(text)
            else:
                await self._carry_out(text)

    def _reject(self, why: Problem) -> None:
        """Say why a message is not carried out."""
        self._hub.counters.rejected[why.code] += 1
        self._session.say(why)

    def _id_of(self, text: str | Problem) -> str | int | None:
        return self._conversation.receive(text).id if isinstance(text, str) else None

    async def _carry_out(self, text: str) -> None:
        say = self._session.say
        match ask := self._conversation.receive(text):
            case Problem():
                self._reject(ask)
            case Subscribe():
                await self._subscribe(ask)
            case Unsubscribe():
                room = self._conversation.room(ask)
                if isinstance(room, Problem):
                    self._reject(room)
                else:
                    self._session.unfollow(room)
                    say(Unsubscribed(id=ask.id, room=str(room)))
            case Ping():
                say(Pong(id=ask.id))
            case Ack():
                self._acknowledge(ask)
            case Steer() | Answer():
                await self._steer(ask)

    async def _subscribe(self, ask: Subscribe) -> None:
        session = self._session
        room = self._conversation.room(ask)
        if isinstance(room, Problem):
            self._reject(room)
            return
        try:
            await self._check(room)
        except AppError as error:
            self._reject(Problem.of(error, ask.id))
            return
        if room not in session.subscriptions and (
            len(session.subscriptions) >= SUBSCRIPTIONS_AT_MOST
        ):
            self._reject(
                Problem(
                    id=ask.id,
                    code="too_many_subscriptions",
                    message=f"A connection follows at most {SUBSCRIPTIONS_AT_MOST} rooms.",
                )
            )
            return
        acked = None
        if ask.after == "acked" and self._position is not None:
            try:
                acked = await self._position.begin(self._hub.head)
            except AppError as error:
                self._reject(Problem.of(error, ask.id))
                return
        # No await from here on: the head that is answered is the one that is gone on from.
        head = self._hub.head
        plan = self._conversation.decide(ask, log=self._hub.log_id, head=head, acked=acked)
        if isinstance(plan, Problem):
            self._reject(plan)
            return
        session.say(Subscribed(id=ask.id, room=str(room), head=head))
        if plan.reset:
            session.say(Reset(id=ask.id, room=str(room), log=self._hub.log_id, head=head))
        session.follow(room, plan)

    def _acknowledge(self, ask: Ack) -> None:
        if self._position is None:
            self._session.say(nameless(ask))
            return
        told = self._session.told_upto
        seq = self._conversation.acknowledged(ask, head=self._hub.head, told=told)
        if isinstance(seq, Problem):
            self._session.say(seq)
        else:
            self._position.ack(seq)

    async def _check(self, room: Room) -> None:
        """Raise NotAllowed or NotFound unless the viewer may follow `room`."""
        if may_follow(self._viewer, room, await self._belonging_of(room)):
            return
        if room.kind == "all":
            raise NotAllowed(why=obstacle(self._viewer, "operate"))
        raise NotFound(what=room.kind)

    async def _steer(self, ask: Steer | Answer) -> None:
        if self._control is None:
            self._reject(
                Problem(
                    id=ask.id,
                    code="unsupported",
                    message=f"This connection can not {ask.op}; use the HTTP API.",
                )
            )
            return
        try:
            await self._control(ask)
        except AppError as error:
            self._reject(Problem.of(error, ask.id))
        else:
            self._session.say(Ok(id=ask.id))
