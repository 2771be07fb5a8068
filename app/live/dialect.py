"""What is spoken on a socket: how frames go out, and how those that come in are read."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson
import ormsgpack
from aiohttp import web

from app.core.protocol import MSGPACK_SUBPROTOCOL, SUBPROTOCOL, Problem
from app.core.wire import WINDOW_BITS, binary_payload
from app.live.formats import (
    DEFLATED_LINES,
    DEFLATED_SINGLE,
    JSON_LINES,
    JSON_SINGLE,
    MSGPACK,
    MSGPACK_SINGLE,
    Format,
)

SUBPROTOCOLS = (SUBPROTOCOL, MSGPACK_SUBPROTOCOL)

Read = Callable[[str | bytes], str | Problem]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What both sides agreed on.

    form  of what is sent
    read  payload of a text or binary frame -> the JSON of the message in it, or what is wrong with
          it; raises OverflowError when there is more in it than a client may send
    """

    form: Format
    read: Read


def agreed(ws: web.WebSocketResponse, *, single: bool, at_most: int) -> Dialect:
    """Return what is spoken on `ws`, which has been prepared.

    single   the client wants one object a frame
    at_most  bytes of a message that is sent to us
    """
    if ws.ws_protocol == MSGPACK_SUBPROTOCOL:
        return Dialect(MSGPACK_SINGLE if single else MSGPACK, _reader_of_msgpack(at_most))
    if ws.compress == WINDOW_BITS:  # our frames are built for no smaller window
        return Dialect(DEFLATED_SINGLE if single else DEFLATED_LINES, _read_json)
    return Dialect(JSON_SINGLE if single else JSON_LINES, _read_json)


def _read_json(data: str | bytes) -> str | Problem:
    if isinstance(data, bytes):
        return Problem(code="unsupported", message="Send JSON in text frames.")
    return data


def _reader_of_msgpack(at_most: int) -> Read:
    def read(data: str | bytes) -> str | Problem:
        if isinstance(data, str):
            return Problem(code="unsupported", message="Send msgpack in binary frames.")
        try:
            message = ormsgpack.unpackb(binary_payload(data, at_most))
            return orjson.dumps(message).decode()
        except (ValueError, TypeError) as error:  # also what JSON has no word for
            return Problem(code="bad_msgpack", message=f"This is not a message: {error}.")

    return read
