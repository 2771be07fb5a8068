"""How messages go over each kind of connection: what is packed into one write.

A write is built once, and the same bytes go to every listener of the same format.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.core.protocol import Heartbeat, ServerMessage
from app.core.wire import PING, WRITE_AT_MOST, text_frame


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


@dataclass(frozen=True, slots=True)
class Format:
    """One way to put messages on a connection. Sessions of one format share their bytes.

    pack   messages in order -> one write
    ping   what asks the other side for a sign of life; empty where the transport has none
    quiet  (head, timestamp) -> our own sign of life
    """

    name: str
    pack: Callable[[Sequence[Message]], bytes]
    ping: bytes
    quiet: Callable[[int, str], bytes]

    def say(self, message: ServerMessage, seq: int | None = None) -> bytes:
        """Return `message` as one write. seq: see Message."""
        return self.pack((Said(seq, message.type, message.encoded()),))


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


def _lines(messages: Sequence[Message]) -> bytes:
    if len(messages) == 1:
        return text_frame(messages[0].body)
    return text_frame(b"\n".join([message.body for message in messages]))


def _single(messages: Sequence[Message]) -> bytes:
    return b"".join([text_frame(message.body) for message in messages])


def _beat(head: int, timestamp: str) -> bytes:
    return text_frame(Heartbeat(head=head, timestamp=timestamp).encoded())


JSON_LINES = Format("json", _lines, PING, _beat)
"""Text frames; the objects of a write share one, separated by newlines."""
JSON_SINGLE = Format("json, single", _single, PING, _beat)
"""Text frames, one for each object, back to back in one write."""
