"""Event streams (server-sent events): one response that does not end by itself.

aiohttp writes the head of the response and the chunk that ends it. What lies between are whole
chunks, written straight to the transport in the loop, as frames are on a socket.
"""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import HttpVersion11, web

from app.core.ids import uuid7
from app.core.permissions import Viewer
from app.core.places import Place
from app.core.protocol import Conversation, Follow, Goodbye, Hangup, Reset, Subscribe
from app.core.rooms import Room
from app.live.formats import sse
from app.live.hub import Hub
from app.live.line import CLOSE_S, HttpLine, bound_memory
from app.live.session import Session
from app.live.websocket import welcome
from app.settings import Settings

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold blocks back until it has a bufferful
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to hear.

    place     past which it is told everything; None: from now on
    snapshot  the folded states first, instead of old events
    """

    rooms: Sequence[Room]
    types: Sequence[str] | None
    place: Place | None
    snapshot: bool


class _Leaving:
    """Notices that the client left. What it sends behind its request is read by nobody."""

    def __init__(self) -> None:
        self._left = asyncio.Event()
        self.wait = self._left.wait

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        return False, b""

    def feed_eof(self) -> None:
        self._left.set()


async def serve_stream(
    request: web.Request,
    hub: Hub,
    viewer: Viewer,
    settings: Settings,
    wish: Wish,
    *,
    address: str = "",
) -> web.StreamResponse:
    """Answer `request` with what is told, until either side ends it.

    viewer  was recognised, may follow the rooms of `wish`, and may have one more connection
    """
    response = web.StreamResponse(headers=HEADERS)
    response.force_close()
    writer = await response.prepare(request)
    transport = request.transport
    if writer is None or transport is None:
        return response
    bound_memory(transport)
    end_when_unheard(transport, settings.websocket_connection_timeout)
    leaving = _Leaving()
    request.protocol.set_parser(cast(Any, leaving))
    patience = asyncio.timeout(None)
    line = HttpLine(writer, transport, request.protocol, patience)
    session = Session(
        hub,
        line,
        client_id=uuid7(time.time_ns() // 1_000_000, os.urandom(10)),
        viewer=viewer,
        form=sse(hub.log_id, chunked=request.version >= HttpVersion11),
        address=address,
    )
    try:
        async with patience:
            hub.add(session)
            begin(hub, session, settings, wish)
            await leaving.wait()
    except TimeoutError:
        if line.goodbye is None:
            raise
        session.goodbye = line.goodbye
        await session.stop()
        say_goodbye(session, line.goodbye)
    finally:
        await hub.remove(session)
    return response


def begin(hub: Hub, session: Session, settings: Settings, wish: Wish) -> None:
    """Say where the stream goes on from, and follow the rooms, in one step of the loop.

    The first message has the place in its id, so that who is cut off before the first event comes
    back to where it was. Where the states come first it has none: only they lead there.
    """
    plans = {room: _plan(room, wish, hub) for room in wish.rooms}
    first = next(iter(plans.values()))
    place = None if first.reset or first.snapshot else first.after
    session.put(session.form.say(welcome(hub, session, settings), place))
    for room, plan in plans.items():
        if plan.reset:
            session.say(Reset(room=str(room), log=hub.log_id, head=hub.head))
    for room, plan in plans.items():
        session.follow(room, plan)


def _plan(room: Room, wish: Wish, hub: Hub) -> Follow:
    ask = Subscribe(
        op="subscribe",
        room=str(room),
        after=None if wish.place is None else wish.place.seq,
        log=None if wish.place is None else wish.place.log,
        types=None if wish.types is None else list(wish.types),
        snapshot=wish.snapshot,
    )
    plan = Conversation.decide(ask, log=hub.log_id, head=hub.head)
    assert isinstance(plan, Follow)  # a number is never refused
    return plan


def say_goodbye(session: Session, goodbye: Hangup) -> None:
    """Say why the stream ends, to those who read; for the others what is unsent is thrown away.

    The chunk that ends it is aiohttp's, when the handler has returned.
    """
    if not session.flow.writing_paused and not session.is_closing():
        session.write(session.form.say(Goodbye(code=goodbye.code, message=goodbye.reason)))
    asyncio.get_running_loop().call_later(CLOSE_S, session.transport.abort)


def end_when_unheard(transport: asyncio.Transport, after_s: float) -> None:
    """Let the system end the connection when nothing of it was acknowledged for `after_s`.

    A reader of a stream sends nothing by which we could tell that it lives.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with suppress(OSError):  # not a TCP socket
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(after_s * 1000))
