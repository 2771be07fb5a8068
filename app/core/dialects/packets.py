"""What a Socket.IO client may send, packet by packet: Engine.IO 4, Socket.IO protocol 5.

Stricter than the library that carries the packets out, which raises in its own depths for some of
what is refused here. Source: github.com/socketio/engine.io-protocol, socket.io-protocol.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["close", "pong", "connect", "disconnect", "event", "ack"]

SEPARATOR = "\x1e"
"""Between the packets of one body, when a client polls."""
PACKETS_AT_MOST = 16
"""In one body, of those that are polled; and what the library takes of one that is posted."""
PROBE, UPGRADE = "2probe", "5"
"""What a client says on a WebSocket to which it changes over from polling."""

MESSAGE = "4"
ENGINE: dict[str, Kind] = {"1": "close", "3": "pong"}
SOCKET: dict[str, Kind] = {"0": "connect", "1": "disconnect", "2": "event", "3": "ack"}
# Names the library has for what happens to a connection; said by a client they would happen to it.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener"})

REST = re.compile(
    r"(?P<namespace>/[^,\s]{0,60}(?:,|$))?(?P<id>\d{0,15})(?P<data>[\[{].*)?", re.S | re.A
)


class Malformed(ValueError):
    """It is no packet of the protocol, or one that a client has no business to send."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that may be carried out.

    name       of the event; "" where it is none
    namespace  "/" where none is named
    """

    kind: Kind
    name: str = ""
    namespace: str = "/"


def read_packet(text: str) -> Packet:
    """Return what `text` is. Raises Malformed, and nothing else."""
    if text in ENGINE:
        return Packet(ENGINE[text])
    if text[:1] != MESSAGE:
        raise Malformed("not a packet that a client sends")
    kind, rest = SOCKET.get(text[1:2]), REST.fullmatch(text, 2)
    if kind is None or rest is None:
        raise Malformed("not a packet of Socket.IO without attachments")
    namespace = (rest["namespace"] or "/").removesuffix(",")
    data = _json(rest["data"])
    match kind:
        case "connect" if rest["id"] or isinstance(data, list):
            raise Malformed("what comes with a connect is an object")
        case "disconnect" if rest["id"] or data is not None:
            raise Malformed("nothing comes with a disconnect")
        case "ack" if not rest["id"] or not isinstance(data, list):
            raise Malformed("an acknowledgement has an id and a list")
        case "event":
            return Packet(kind, _name(data), namespace)
    return Packet(kind, "", namespace)


def _name(data: object) -> str:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise Malformed("an event is a list that begins with its name")
    if data[0] in RESERVED:
        raise Malformed("this name of an event is reserved")
    return data[0]


def _json(text: str | None) -> object:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("what comes with it is not JSON") from error
