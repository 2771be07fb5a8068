"""Event streams (server-sent events): one response that does not end by itself.

aiohttp writes the head of the response; from then on the connection is our own (see takeover.py),
and whole chunks are written to it, as frames are to a socket.
"""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiohttp import HttpVersion11, web

from app.core.conversation import Conversation, Follow
from app.core.ids import uuid7
from app.core.permissions import Viewer
from app.core.protocol import Goodbye, Hangup, Reset, Subscribe
from app.core.rooms import Room
from app.core.wire import LAST_CHUNK, chunk, stream_block
from app.live.connection import Connection, bound_memory
from app.live.formats import sse
from app.live.hub import Hub
from app.live.session import Session
from app.live.takeover import take_over
from app.live.websocket import welcome
from app.settings import Settings

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold blocks back until it has a bufferful
}

# How long a browser waits before each attempt to come back. It keeps to that for as long as nobody
# answers, so it is never short; and chance has a part in it, so that not all come at once.
PATIENCE_S, SPREAD_S = 1.0, 2.0

_chance = random.SystemRandom()

Asks = Sequence[tuple[Room, Subscribe]]
"""What a client wants to hear: each room once, all of them from the same place."""


class StreamConnection(Connection):
    """A client that only reads. What it sends behind its request is read by nobody."""

    __slots__ = ("_chunked",)

    def __init__(
        self, transport: asyncio.Transport, on_lost: Callable[[], None], *, chunked: bool
    ) -> None:
        """chunked: what is sent is made of chunks, as of HTTP/1.1; so is its end"""
        super().__init__(transport, on_lost)
        self._chunked = chunked

    def end(self, goodbye: Hangup) -> None:
        """Say why the stream ends, behind what is unsent; who does not read it misses both."""
        if self.goodbye is None:
            super().end(goodbye)
            if not self.transport.is_closing():
                last = last_block(goodbye)
                self.transport.write(chunk(last) + LAST_CHUNK if self._chunked else last)
            self.transport.close()


def retry(wait_s: float) -> bytes:
    """Return a line that belongs before a block: how long to wait before each attempt."""
    return b"retry: %d\n" % round((PATIENCE_S + wait_s) * 1000)


def last_block(goodbye: Hangup) -> bytes:
    """Return what ends a stream: why, and where it is known when to come back."""
    wait_s = goodbye.retry_after_s
    message = Goodbye(code=goodbye.code, message=goodbye.reason, retry_after=wait_s)
    block = stream_block(message.type, message.encoded(), None)
    return block if wait_s is None else retry(wait_s) + block


async def serve_stream(
    request: web.Request,
    hub: Hub,
    viewer: Viewer,
    settings: Settings,
    asks: Asks,
    *,
    address: str = "",
) -> web.StreamResponse:
    """Answer `request` with what is told, until either side ends it; its connection is taken over.

    viewer  was recognised, may follow the rooms of `asks`, and may have one more connection

    Raises ConnectionResetError when the client has left.
    """
    response = web.StreamResponse(headers=HEADERS)
    response.force_close()
    await response.prepare(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    bound_memory(transport)
    end_when_unheard(transport, settings.websocket_connection_timeout)
    chunked = request.version >= HttpVersion11
    form = sse(hub.log_id, chunked=chunked)
    line = StreamConnection(transport, lambda: hub.forget(session), chunked=chunked)
    session = Session(
        hub,
        line,
        client_id=uuid7(time.time_ns() // 1_000_000, os.urandom(10)),
        viewer=viewer,
        form=form,
        address=address,
    )
    taken, _ = take_over(request, line, response.status)
    hub.add(session)
    patience = retry(_chance.uniform(0, SPREAD_S))
    session.put(chunk(patience) if chunked else patience)
    begin(hub, session, settings, asks)
    return taken


def begin(hub: Hub, session: Session, settings: Settings, asks: Asks) -> None:
    """Say where the stream goes on from, and follow the rooms, in one step of the loop.

    The first message has the place in its id, so that who is cut off before the first event comes
    back to where it was. Where the states come first it has none: only they lead there.
    """
    plans = {room: _plan(ask, hub) for room, ask in asks}
    first = next(iter(plans.values()))
    place = None if first.reset or first.snapshot else first.after
    session.put(session.form.say([welcome(hub, session, settings)], place))
    for room, plan in plans.items():
        if plan.reset:
            session.say(Reset(room=str(room), log=hub.log_id, head=hub.head))
    for room, plan in plans.items():
        session.follow(room, plan)


def _plan(ask: Subscribe, hub: Hub) -> Follow:
    plan = Conversation.decide(ask, log=hub.log_id, head=hub.head)
    assert isinstance(plan, Follow)  # a number is never refused
    return plan


def end_when_unheard(transport: asyncio.Transport, after_s: float) -> None:
    """Let the system end the connection when nothing of it was acknowledged for `after_s`.

    A reader of a stream sends nothing by which we could tell that it lives.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with suppress(OSError):  # not a TCP socket
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(after_s * 1000))
