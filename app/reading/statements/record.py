"""What every format of records gives: its columns, and its records as rows of text."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.core.unreadable import LineTooLong
from app.reading.containers import readable_bytes
from app.reading.encoding import detect_encoding

SAMPLE_BYTES = 256 * 1024


class Record(NamedTuple):
    """One row: the line (from 1) it begins on, its cells, and the bytes of the file read so far."""

    line: int
    cells: list[str]
    bytes_done: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file of records, and the longest line, or single value, that it may hold."""

    path: Path
    filename: str
    max_line_bytes: int

    def too_long(self, line: int) -> LineTooLong:
        """Return what to raise for a line, or a value, beyond the limit."""
        limit = readable_bytes(self.max_line_bytes)
        return LineTooLong(line=line, limit=limit, filename=self.filename)


@dataclass(frozen=True, slots=True)
class Format:
    """A statement's format.

    columns  each (name, role or None for what is kept as it is); see column_names.NAMES
    read     its records in file order; each has as many cells as there are columns
    """

    columns: Sequence[tuple[str, str | None]]
    read: Callable[[Source], Iterator[Record]]


BOOKING: tuple[tuple[str, str | None], ...] = (
    ("Date", "date"),
    ("Value date", "value_date"),
    ("Amount", "amount"),
    ("Currency", "currency"),
    ("Counterparty", "counterparty"),
    ("Description", "description"),
    ("Reference", "reference"),
    ("Account", "account"),
)
"""The columns that the formats of banks begin with."""


class Line(NamedTuple):
    """A line of text without its end, its number from 1, and the bytes read so far."""

    number: int
    text: str
    bytes_done: int


def text_lines(source: Source) -> Iterator[Line]:
    """Yield a text file's lines, whatever ends them, without NUL. Raises LineTooLong."""
    limit = source.max_line_bytes
    with source.path.open("rb") as raw:
        encoding = detect_encoding(raw.read(SAMPLE_BYTES))
        raw.seek(encoding.bom)
        odd = "replace" if encoding.wide else "surrogateescape"
        stream = io.TextIOWrapper(raw, encoding.name, errors=odd, newline=None)
        number = 0
        while text := stream.readline(limit + 1):
            number += 1
            if len(text) > limit:
                raise source.too_long(number)
            mended = _mended(text.rstrip("\n"), encoding.name, encoding.fallback)
            yield Line(number, mended, raw.tell())


def _mended(text: str, name: str, fallback: str | None) -> str:
    """Read a line that does not fit the file's encoding by the other one that occurs."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raw = text.encode(name, "surrogateescape")
        text = raw.decode(fallback or "cp1252", "replace")
    return text.replace("\0", "")


def exact(number: str) -> str:
    """Return a number with a decimal point so that nobody can take it for thousands: 1.2340."""
    _, mark, decimals = number.partition(".")
    return f"{number}0" if mark and len(decimals) == 3 else number


def spaced(text: str) -> str:
    """Return words without line ends and doubled spaces."""
    return " ".join(text.split())
