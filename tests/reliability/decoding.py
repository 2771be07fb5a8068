"""What comes over a connection, read by other code than the server's: bytes in, objects out.

Nothing here is shared with `app`, so that a mistake in what is written can not hide behind the
same mistake in what is read. Every decoder takes whatever the network hands over, cut anywhere.
The one way out is `packed`, for clients that speak msgpack.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

Object = dict[str, Any]


class Frame(NamedTuple):
    """One WebSocket frame as it was on the wire."""

    opcode: int
    compressed: bool
    payload: bytes


class Head:
    """The head of an HTTP answer: its first line and its fields, in lower case."""

    def __init__(self, text: bytes) -> None:
        first, *rest = text.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ", 2)[1])
        self.fields = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in rest)}


class Heads:
    """Takes the head off a stream of bytes."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return the head and what came behind it; None until it is whole."""
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        return (Head(head), rest) if found else None


class Frames:
    """WebSocket frames of a server (RFC 6455): unmasked, and here never in fragments."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._data += data
        while (frame := self._take()) is not None:
            yield frame

    def _take(self) -> Frame | None:
        data = self._data
        if len(data) < 2:
            return None
        assert data[0] & 0x80, "the server cut a message into fragments"
        assert not data[0] & 0x30, "reserved bits are set"
        assert not data[1] & 0x80, "a server never masks"
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start or len(data) < start + size:
            return None
        frame = Frame(data[0] & 0x0F, bool(data[0] & 0x40), bytes(data[start : start + size]))
        del data[: start + size]
        return frame


class Texts:
    """Objects of text frames, one a line; deflated ones as RFC 7692 has it, with one window."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    def objects(self, frame: Frame) -> list[Object]:
        assert frame.opcode == 0x1, f"a frame of kind {frame.opcode} where text is due"
        payload = frame.payload
        if frame.compressed:
            payload = self._inflate.decompress(payload + b"\x00\x00\xff\xff")
        return [json.loads(line) for line in payload.split(b"\n")]


class Packs:
    """Objects of binary frames: a flag, and msgpack objects one after the other."""

    def objects(self, frame: Frame) -> list[Object]:
        assert frame.opcode == 0x2, f"a frame of kind {frame.opcode} where binary is due"
        assert not frame.compressed
        flag, payload = frame.payload[0], frame.payload[1:]
        assert flag in (0, 1), f"unknown flag {flag}"
        return unpacked(gzip.decompress(payload) if flag else payload)


def unpacked(data: bytes) -> list[Object]:
    """Return the msgpack objects that stand one after the other in `data`."""
    found, at = [], 0
    while at < len(data):
        value, at = _value(data, at)
        found.append(value)
    return found


def packed(value: Any) -> bytes:
    """Return `value` as msgpack, always in the widest form: servers have to read those too."""
    match value:
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return b"\xd3" + value.to_bytes(8, "big", signed=True)
        case str():
            text = value.encode()
            return b"\xdb" + len(text).to_bytes(4, "big") + text
        case list():
            return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(packed, value))
        case dict():
            items = b"".join(packed(key) + packed(item) for key, item in value.items())
            return b"\xdf" + len(value).to_bytes(4, "big") + items
        case _:
            raise TypeError(f"no message has {value!r}")


_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_TEXTS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """Return the value that begins at `at`, and where it ends. Bytes and extensions have none."""
    kind, at = data[at], at + 1
    if kind < 0x80:
        return kind, at
    if kind >= 0xE0:
        return kind - 0x100, at
    if kind < 0x90:
        return _map(data, at, kind & 0x0F)
    if kind < 0xA0:
        return _list(data, at, kind & 0x0F)
    if kind < 0xC0:
        return _text(data, at, kind & 0x1F)
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], at
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    for widths, read in ((_TEXTS, _text), (_LISTS, _list), (_MAPS, _map)):
        if kind in widths:
            width = widths[kind]
            return read(data, at + width, int.from_bytes(data[at : at + width], "big"))
    raise AssertionError(f"no msgpack that JSON could hold: 0x{kind:02x}")


def _text(data: bytes, at: int, size: int) -> tuple[str, int]:
    return data[at : at + size].decode(), at + size


def _list(data: bytes, at: int, size: int) -> tuple[list[Any], int]:
    found = []
    for _ in range(size):
        value, at = _value(data, at)
        found.append(value)
    return found, at


def _map(data: bytes, at: int, size: int) -> tuple[Object, int]:
    found: Object = {}
    for _ in range(size):
        key, at = _value(data, at)
        found[key], at = _value(data, at)
    return found, at


class Chunked:
    """The body of an HTTP/1.1 answer in chunks (RFC 9112 section 7.1)."""

    def __init__(self) -> None:
        self._data = b""
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """Return what became whole of the body."""
        self._data += data
        found = b""
        while not self.ended:
            line, end, rest = self._data.partition(b"\r\n")
            if not end:
                break
            size = int(line, 16)
            if len(rest) < size + 2:
                break
            assert rest[size : size + 2] == b"\r\n", "a chunk has another size than it said"
            found, self._data = found + rest[:size], rest[size + 2 :]
            self.ended = size == 0
        return found


class Told(NamedTuple):
    """One message of an event stream."""

    id: str | None
    event: str
    data: Object


class EventStream:
    """Server-sent events, as WHATWG HTML section 9.2 has a browser read them."""

    def __init__(self) -> None:
        self._data = b""
        self._fields: dict[str, str] = {}
        self.retry_ms: int | None = None
        self.comments = 0

    def feed(self, data: bytes) -> Iterator[Told]:
        self._data += data
        while b"\n" in self._data:
            line, _, self._data = self._data.partition(b"\n")
            assert not line.endswith(b"\r"), "lines end in several ways"
            if line:
                self._line(line.decode())
            elif self._fields:
                fields, self._fields = self._fields, {}
                if "data" in fields:
                    body = json.loads(fields["data"])
                    yield Told(fields.get("id"), fields.get("event", "message"), body)

    def _line(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments += 1
        elif name == "retry":
            self.retry_ms = int(value)
        elif name == "data" and "data" in self._fields:
            self._fields["data"] += "\n" + value
        else:
            self._fields[name] = value
