"""What is spoken on a socket: how frames go out, and how those that come in are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
import ormsgpack
from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.headers import build_extension, parse_extension, parse_subprotocol

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
# Neither side refers to earlier messages: ours are made once for all, theirs need no memory here.
DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)

Read = Callable[[str | bytes], str | Problem]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What both sides agreed on.

    form        of what is sent
    read        payload of a text or binary message -> the JSON in it, or what is wrong with it;
                raises OverflowError when there is more in it than a client may send
    headers     of the answer to the upgrade
    extensions  through which frames that come in are read
    """

    form: Format
    read: Read
    headers: Mapping[str, str]
    extensions: tuple[Extension, ...] = ()


def agreed(asked: Mapping[str, str], *, single: bool, compression: bool, at_most: int) -> Dialect:
    """Return what will be spoken, from the headers of the upgrade.

    single       the client wants one object a frame
    compression  permessage-deflate may be agreed on
    at_most      bytes of a message that is sent to us
    """
    headers: dict[str, str] = {}
    subprotocol = _chosen(asked.get("Sec-WebSocket-Protocol"))
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    if subprotocol == MSGPACK_SUBPROTOCOL:
        form = MSGPACK_SINGLE if single else MSGPACK
        return Dialect(form, _reader_of_msgpack(at_most), headers)
    offered = asked.get("Sec-WebSocket-Extensions")
    deflate = _deflate(offered) if compression and offered else None
    if deflate is None:
        return Dialect(JSON_SINGLE if single else JSON_LINES, _read_json, headers)
    header, extension = deflate
    headers["Sec-WebSocket-Extensions"] = header
    form = DEFLATED_SINGLE if single else DEFLATED_LINES
    return Dialect(form, _read_json, headers, (extension,))


def _chosen(offered: str | None) -> str | None:
    """Return the first subprotocol of the client's that we speak."""
    if not offered:
        return None
    try:
        names = parse_subprotocol(offered)
    except InvalidHeader:
        return None
    return next((name for name in names if name in SUBPROTOCOLS), None)


def _deflate(offered: str) -> tuple[str, Extension] | None:
    """Return the first offer of permessage-deflate that fits: our header, and what reads theirs."""
    try:
        offers = parse_extension(offered)
    except InvalidHeader:
        return None
    for name, asked in offers:
        if name != DEFLATE.name:
            continue
        try:
            answer, extension = DEFLATE.process_request_params(asked, [])
        except NegotiationError:
            continue
        # Our frames are built for no smaller window.
        if isinstance(extension, PerMessageDeflate) and (
            extension.local_max_window_bits == WINDOW_BITS
        ):
            return build_extension([(name, answer)]), extension
    return None


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
