"""How a text table sets its cells apart: delimiter, quote and escape, found by trying and scoring.

Each candidate parses the sample; the best score wins:

    (share of rows with the modal width)^2 x (1 - 1/width)
    x (0.4 + share of cells that look like a number, date, mail, URL or nothing)
    x (1 - share of cells in which a quote was left)
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

DELIMITERS = ",;\t|:^~ "
QUOTES = ('"', "'")
SAMPLE_ROWS = 300
SAMPLE_CHARS = 256 * 1024
LINE_END = re.compile(r"\r\n|\n|\r")
SCORED_CELLS = 20_000  # enough to tell; a table of 10,000 columns must not cost more

# Characters that stand inside ordinary cells have to be clearly better to win; tabs hardly do.
WEIGHTS = {"\t": 1.2, ":": 0.5, " ": 0.3, "^": 0.9, "~": 0.9, "|": 0.95}

NUMBER = re.compile(
    r"[(+\-−]?\s?(?:[$€£¥]|[A-Z]{3}|CHF|kr)?\s?[+\-−]?\d{1,3}(?:[.,'  ]?\d{3})*(?:[.,]\d+)?"
    r"(?:[eE][+-]?\d+)?\s?(?:[$€£¥%]|[A-Z]{2,3}|kr)?[)\-]?"
)
DATE = re.compile(
    r"\d{1,4}[-/.]\s?\d{1,2}[-/.]\s?\d{1,4}\.?(?:[T ,]\s?\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[ \-/.]?[A-Za-zÀ-ÿ]{3,9}[ \-/.,]{0,2}\d{2,4}"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?"
)
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.\w+|(?:https?://|www\.)\S+")


@dataclass(frozen=True)
class Dialect:
    """How cells are set apart. A `score` of 0 means that nothing told the candidates apart."""

    delimiter: str
    quote: str
    escape: str | None
    skip_space: bool
    score: float
    width: int = 0  # cells in most rows of the sample

    @property
    def doublequote(self) -> bool:
        return self.escape is None


class RowParser(Protocol):
    """What csv.reader gives. `line_num` is the number of lines taken from the source."""

    line_num: int

    def __iter__(self) -> "RowParser": ...

    def __next__(self) -> list[str]: ...


@lru_cache(maxsize=4096)
def looks_typed(cell: str) -> bool:
    """Say whether a cell looks like a value rather than words; an empty one does."""
    text = cell.strip()
    return not text or (
        len(text) < 400
        and bool(NUMBER.fullmatch(text) or DATE.fullmatch(text) or ADDRESS.fullmatch(text))
    )


def detect_dialect(lines: list[str]) -> Dialect:
    """Return the best dialect for the first lines of a table, without line ends.

    Falls back to comma and double quote with score 0 when no candidate gives two columns.
    """
    lines = lines[: SAMPLE_ROWS * 2]
    text = "\n".join(lines)
    best = Dialect(",", '"', _escape(text, '"'), skip_space=False, score=0.0)
    for delimiter in DELIMITERS:
        if delimiter not in text:
            continue
        for quote in QUOTES:
            if quote == "'" and not _opens_cells(text, delimiter, quote):
                continue
            escape = _escape(text, quote)
            skip_space = delimiter != " " and bool(
                re.search(rf"{re.escape(delimiter)} {{1,99}}{quote}", text)
            )
            score, width = _score(lines, Dialect(delimiter, quote, escape, skip_space, 0.0))
            if score > best.score:
                best = Dialect(delimiter, quote, escape, skip_space, score, width)
    return best


def sample_lines(text: str, *, whole: bool) -> list[str]:
    """Return the lines of a sample without line ends; not the last one when it may be cut."""
    lines = LINE_END.split(text[:SAMPLE_CHARS].replace("\0", ""))
    if len(lines) > 1 and (not whole or len(text) > SAMPLE_CHARS or not lines[-1]):
        lines.pop()
    return lines


def rows_of(lines: Iterable[str], dialect: Dialect) -> RowParser:
    """Return the standard library's reader for these lines."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        doublequote=dialect.doublequote,
        skipinitialspace=dialect.skip_space,
    )


def _escape(text: str, quote: str) -> str | None:
    """Backslashes before quotes are escapes only where quotes are not doubled instead."""
    escaped = text.count("\\" + quote)
    return "\\" if escaped and escaped > text.count(quote * 2) else None


def _opens_cells(text: str, delimiter: str, quote: str) -> bool:
    edge = re.escape(delimiter)
    opened = re.findall(rf"(?:^|{edge}){quote}", text, re.MULTILINE)
    closed = re.findall(rf"{quote}(?:$|{edge})", text, re.MULTILINE)
    return bool(opened) and bool(closed)


def _score(lines: list[str], dialect: Dialect) -> tuple[float, int]:
    rows: list[list[str]] = []
    try:
        for row in rows_of((line + "\n" for line in lines), dialect):
            if row:
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0, 0
    if not rows:
        return 0.0, 0
    widths = Counter(len(row) for row in rows)
    width, fitting = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < 2:
        return 0.0, 0
    typed = quoted = cells = 0
    for row in rows:
        for cell in row:
            typed += looks_typed(cell)
            quoted += _still_quoted(cell, dialect.quote)
        cells += len(row)
        if cells > SCORED_CELLS:
            break
    share = fitting / len(rows)
    told = (0.4 + typed / cells) * (1 - quoted / cells)
    return share**2 * (1 - 1 / width) * told * WEIGHTS.get(dialect.delimiter, 1.0), width


def _still_quoted(cell: str, quote: str) -> bool:
    """A quote without its partner, or one around the whole cell, was meant to be taken off."""
    text = cell.strip()
    return text.count(quote) % 2 == 1 or (
        len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES
    )
