"""Reads what the server writes the way other people's clients do: nothing of the app is used."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import msgpack

from tests.unit.listeners import unframed

Decode = Callable[[bytes], list[Any]]


def text_messages(data: bytes) -> list[Any]:
    """Return the JSON objects in text frames, of which some may be compressed."""
    inflater = zlib.decompressobj(-15)  # one for the connection, as browsers have it
    found = []
    for first, payload in unframed(data):
        assert first in (0x81, 0xC1)
        if first == 0xC1:
            payload = inflater.decompress(payload + b"\x00\x00\xff\xff")
        found += [json.loads(line) for line in payload.split(b"\n")]
    return found


def binary_messages(data: bytes) -> list[Any]:
    """Return the msgpack objects in binary frames."""
    found: list[Any] = []
    for first, payload in unframed(data):
        assert first == 0x82
        found += packed_messages(payload)
    return found


def packed_messages(payload: bytes) -> list[Any]:
    """Return the msgpack objects in the payload of one binary frame."""
    assert payload[0] in (0, 1)
    packed = gzip.decompress(payload[1:]) if payload[0] else payload[1:]
    return list(msgpack.Unpacker(BytesIO(packed)))


@dataclass(frozen=True)
class StreamEvent:
    """What a browser's EventSource hands to a page."""

    type: str
    data: str
    last_event_id: str


class EventStream:
    """Reads an event stream as the HTML standard says, section 9.2.6; it comes in any pieces."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self.comments: list[str] = []
        self.last_event_id = ""
        self._rest = ""
        self._id = ""
        self._type = ""
        self._data: list[str] = []

    def feed(self, text: str) -> Iterator[StreamEvent]:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            yield from self._line(line)

    def _line(self, line: str) -> Iterator[StreamEvent]:
        if not line:
            self.last_event_id = self._id
            if self._data:
                yield StreamEvent(self._type or "message", "\n".join(self._data), self._id)
            self._type, self._data = "", []
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments.append(value)
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
            case "retry":
                self.retry_ms = int(value)


def unchunked(data: bytes) -> list[bytes]:
    """Return the chunks of an HTTP/1.1 body, without the last one."""
    found = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        assert data[length : length + 2] == b"\r\n"
        if length == 0:
            assert data == b"\r\n"
            break
        found.append(data[:length])
        data = data[length + 2 :]
    return found


def stream_messages(data: bytes) -> list[Any]:
    """Return the JSON objects in an event stream."""
    return [json.loads(event.data) for event in EventStream().feed(data.decode())]


def chunked_messages(data: bytes) -> list[Any]:
    return stream_messages(b"".join(unchunked(data)))
