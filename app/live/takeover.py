"""Taking a connection over from the HTTP server, once its request was answered.

aiohttp keeps for each connection its request, two tasks, a parser and their buffers, which a
listener that stays for days has no use for. What is left after the takeover is the transport, and
the protocol that it was given to.
"""

import asyncio
from typing import Any, cast

from aiohttp import web


class _Rest:
    """Takes what came in behind the request, before the new owner was there."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        pass


class TakenOver(web.StreamResponse):
    """What a handler returns whose connection is another's by now: nothing is left to send."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def take_over(
    request: web.Request, owner: asyncio.Protocol, status: int
) -> tuple[TakenOver, bytes]:
    """Give the connection of `request` to `owner`, for good.

    Returns what the handler has to return, without a wait in between, and the bytes that came in
    behind the request, which `owner` has to see first.

    Relies on two things of aiohttp that tests/integration/test_takeover.py holds to its version: a
    protocol whose `transport` is None neither writes nor closes, and its `connection_lost` may be
    called early.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    served = request.protocol
    rest = _Rest()
    served.set_parser(cast(Any, rest))
    transport.set_protocol(owner)
    served.transport = None
    task = asyncio.current_task()
    if task is not None:  # after aiohttp, which has added its own callback before
        task.add_done_callback(lambda _: served.connection_lost(None))
    response = TakenOver(status=status)
    response.force_close()
    return response, rest.data
