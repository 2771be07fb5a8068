"""How messages go over each kind of connection: what is packed into one write.

A write is built once, and the same bytes go to every listener of the same format.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Protocol

import orjson
import ormsgpack

from app.core.protocol import Heartbeat, ServerMessage
from app.core.wire import (
    PING,
    WRITE_AT_MOST,
    binary_frame,
    chunk,
    deflated_text_frame,
    stream_block,
    text_frame,
)


class Message(Protocol):
    """An event of the log, or what is said beside it.

    seq   its place; beside the log, up to where its reader has been told; None where it does not
          matter
    body  one JSON object, UTF-8
    """

    @property
    def seq(self) -> int | None: ...

    @property
    def type(self) -> str: ...

    @property
    def body(self) -> bytes: ...


class Said(NamedTuple):
    """A message beside the events."""

    seq: int | None
    type: str
    body: bytes


class Chunk(NamedTuple):
    """One write: whole messages, with every event that matched up to `seq`."""

    data: bytes
    seq: int
    events: int


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One way to put messages on a connection. Sessions of one format share their bytes.

    pack   messages in order -> one write
    ping   what asks the other side for a sign of life; empty where the transport has none
    quiet  (head, timestamp) -> our own sign of life

    places     what is said beside the events has a place of its own too
    lasting    the same messages give the same bytes at any time
    transport  what the kind of connection is called where connections are looked at
    """

    name: str
    pack: Callable[[Sequence[Message]], bytes]
    ping: bytes
    quiet: Callable[[int, str], bytes]
    transport: str = "websocket"
    places: bool = False
    lasting: bool = True

    def say(self, messages: Iterable[ServerMessage], seq: int | None = None) -> bytes:
        """Return `messages` as one write. seq: see Message."""
        return self.pack([Said(seq, message.type, message.encoded()) for message in messages])


def chunks(
    events: Iterable[Message], form: Format, *, at_most: int = WRITE_AT_MOST
) -> tuple[Chunk, ...]:
    """Return `events`, in order of seq, as writes of about `at_most` bytes before packing."""
    found: list[Chunk] = []
    batch: list[Message] = []
    size = last = 0
    for event in events:
        if batch and size + len(event.body) > at_most:
            found.append(Chunk(form.pack(batch), last, len(batch)))
            batch, size = [], 0
        batch.append(event)
        size += len(event.body) + 1
        last = event.seq or 0
    if batch:
        found.append(Chunk(form.pack(batch), last, len(batch)))
    return tuple(found)


def _joined(frame: Callable[[bytes], bytes], name: str) -> Format:
    """Return text frames as `frame` makes them; the objects of a write share one, by lines."""

    def pack(messages: Sequence[Message]) -> bytes:
        if len(messages) == 1:
            return frame(messages[0].body)
        return frame(b"\n".join([message.body for message in messages]))

    return Format(name, pack, PING, _beat)


def _apart(frame: Callable[[bytes], bytes], name: str) -> Format:
    """Return text frames as `frame` makes them, one for each object, back to back in one write."""

    def pack(messages: Sequence[Message]) -> bytes:
        return b"".join([frame(message.body) for message in messages])

    return Format(name, pack, PING, _beat)


def _beat(head: int, timestamp: str) -> bytes:
    return text_frame(Heartbeat(head=head, timestamp=timestamp).encoded())


JSON_LINES = _joined(text_frame, "json")
JSON_SINGLE = _apart(text_frame, "json, single")
DEFLATED_LINES = _joined(deflated_text_frame, "json, deflated")
DEFLATED_SINGLE = _apart(deflated_text_frame, "json, single, deflated")


def _as_msgpack(body: bytes) -> bytes:
    return ormsgpack.packb(orjson.loads(body))


def _msgpack(messages: Sequence[Message]) -> bytes:
    return binary_frame(b"".join([_as_msgpack(message.body) for message in messages]))


def _msgpack_single(messages: Sequence[Message]) -> bytes:
    return b"".join([binary_frame(_as_msgpack(message.body)) for message in messages])


def _msgpack_beat(head: int, timestamp: str) -> bytes:
    return binary_frame(_as_msgpack(Heartbeat(head=head, timestamp=timestamp).encoded()))


MSGPACK = Format("msgpack", _msgpack, PING, _msgpack_beat)
"""Binary frames; the objects of a write share one, one after the other."""
MSGPACK_SINGLE = Format("msgpack, single", _msgpack_single, PING, _msgpack_beat)


NO_PLACE = frozenset({"reset", "truncated", "snapshot", "goodbye"})
"""Types whose receiver is no further yet: coming back, it has to be told the same again."""


@cache
def sse(log_id: str, *, chunked: bool) -> Format:
    """Return the event stream of the log: blocks whose id is `<log>:<seq>`.

    chunked  each write is a chunk of HTTP/1.1; before that, streams just end with the connection
    """
    mark = log_id.encode()

    def wrap(data: bytes) -> bytes:
        return chunk(data) if chunked else data

    def block(message: Message) -> bytes:
        position = None
        if message.seq is not None and message.type not in NO_PLACE:
            position = b"%b:%d" % (mark, message.seq)
        return stream_block(message.type, message.body, position)

    def pack(messages: Sequence[Message]) -> bytes:
        return wrap(b"".join([block(message) for message in messages]))

    def quiet(head: int, timestamp: str) -> bytes:
        return wrap(b": heartbeat %d %b\n\n" % (head, timestamp.encode()))

    return Format("sse" if chunked else "sse, plain", pack, b"", quiet, "sse", places=True)
