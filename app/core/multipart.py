"""multipart/form-data, taken apart as it arrives: bytes in, parts out. No socket, no file.

Written by hand because the parser at hand goes line by line: a body of nothing but line ends held
the event loop for seconds. Here each chunk costs a search or two, however it is made.
Source: RFC 7578, RFC 2046 section 5.1.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from enum import Enum, auto
from urllib.parse import unquote

from app.core.errors import MalformedMultipart

LONGEST_BOUNDARY = 70
PREAMBLE_BYTES = 1024  # text before the first boundary; nobody sends any
HEADER_BYTES = 8 * 1024  # of one part
PADDING_BYTES = 64  # blanks that may follow a boundary

PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)')
# Only these two: a browser sends the path C:\new.csv as it is.
ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A new part. `name` and `filename` are as they came, None where they were not given."""

    name: str | None
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """More of the part that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part that began last is complete."""


Piece = PartBegins | PartData | PartEnds


class _At(Enum):
    PREAMBLE = auto()
    BOUNDARY = auto()  # right behind one
    HEADERS = auto()
    DATA = auto()
    END = auto()


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names. Raises MalformedMultipart."""
    header = Message()
    header["Content-Type"] = content_type.encode(errors="replace").decode()
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not re.fullmatch(r"[ -~]+", boundary):
        raise MalformedMultipart(what="the Content-Type names no boundary")
    if len(boundary) > LONGEST_BOUNDARY:
        raise MalformedMultipart(what=f"the boundary is longer than {LONGEST_BOUNDARY} characters")
    return boundary.encode()


class MultipartParser:
    """Takes one body apart. Keeps less than a boundary or a part's headers between two chunks."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._at = _At.PREAMBLE
        self._skip = 0  # bytes at the beginning of what is left that are not the part's
        self._left = b"\r\n"  # so that a boundary at the very beginning is like any other

    @property
    def ended(self) -> bool:
        """Whether the last boundary was seen; what follows it is of no interest."""
        return self._at is _At.END

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that `data` completes. To be exhausted before the next call.

        Raises MalformedMultipart.
        """
        self._left += data
        while True:
            match self._at:
                case _At.PREAMBLE:
                    if not self._find_first():
                        return
                case _At.BOUNDARY:
                    if not self._pass_boundary():
                        return
                case _At.HEADERS:
                    begins = self._read_headers()
                    if begins is None:
                        return
                    yield begins
                case _At.DATA:
                    found = self._left.find(self._delimiter)
                    if found < 0:
                        yield from self._pass_on(len(self._left) - len(self._delimiter) + 1)
                        return
                    yield from self._pass_on(found)
                    self._left = self._left[len(self._delimiter) :]
                    self._at = _At.BOUNDARY
                    yield PartEnds()
                case _At.END:
                    self._left = b""
                    return

    def close(self) -> None:
        """Say that nothing more comes. Raises MalformedMultipart before the last boundary."""
        match self._at:
            case _At.END:
                return
            case _At.PREAMBLE:
                raise MalformedMultipart(what="the boundary of the Content-Type is not in the body")
            case _:
                raise MalformedMultipart(what="the body ends before its last boundary")

    def _find_first(self) -> bool:
        found = self._left.find(self._delimiter, 0, PREAMBLE_BYTES + len(self._delimiter))
        if found < 0:
            if len(self._left) > PREAMBLE_BYTES + len(self._delimiter):
                raise MalformedMultipart(what="the body does not begin with its boundary")
            return False
        self._left = self._left[found + len(self._delimiter) :]
        self._at = _At.BOUNDARY
        return True

    def _pass_boundary(self) -> bool:
        if self._left.startswith(b"--"):
            self._at = _At.END
            return True
        end = self._left.find(b"\r\n", 0, PADDING_BYTES)
        if end < 0:
            if len(self._left) >= PADDING_BYTES:
                raise MalformedMultipart(what="a boundary is not alone in its line")
            return False
        if self._left[:end].strip(b" \t"):
            raise MalformedMultipart(what="a boundary is not alone in its line")
        self._left = self._left[end:]  # keeps the line end: headers may be none at all
        self._at = _At.HEADERS
        return True

    def _read_headers(self) -> PartBegins | None:
        end = self._left.find(b"\r\n\r\n", 0, HEADER_BYTES)
        if end < 0:
            if len(self._left) >= HEADER_BYTES:
                raise MalformedMultipart(
                    what=f"the headers of a part are longer than {HEADER_BYTES} bytes"
                )
            return None
        block = self._left[:end]
        # A boundary begins with a line end, which may be that of the empty line before the content.
        self._left = self._left[end + 2 :]
        self._skip = 2
        self._at = _At.DATA
        return _disposition(block)

    def _pass_on(self, size: int) -> Iterator[PartData]:
        """Yield the first `size` bytes, if there are any, and let go of them."""
        if size > 0:
            data, self._left = self._left[self._skip : size], self._left[size:]
            self._skip = max(0, self._skip - size)
            if data:
                yield PartData(data)


def _disposition(block: bytes) -> PartBegins:
    """Return what a part's headers say about it. Bytes that are not UTF-8 become surrogates."""
    for line in block.decode(errors="surrogateescape").split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            given = {name.lower(): _plain(text) for name, text in PARAMETER.findall(value)}
            exact = given.get("filename*", "").partition("''")[2]
            filename = unquote(exact) if exact else given.get("filename")
            return PartBegins(given.get("name"), filename)
    return PartBegins(None, None)


def _plain(text: str) -> str:
    return ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text
