"""Workbooks as rows: which sheet, and its cells as the text a person sees in them."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import python_calamine as calamine

from app.core.notices import FormulaCells, Notice
from app.core.unreadable import (
    ArchiveBomb,
    DamagedFile,
    NotATable,
    PasswordProtected,
)
from app.reading.formulas import is_formula, may_hold_formulas
from app.reading.lines import Chunk

CHUNK_ROWS = 5000
MAX_CELLS = 100_000_000  # of the rectangle around all cells; each takes memory, empty or not
# As loosely as XML may be written, and the reader of workbooks takes it.
COLUMN = re.compile(rb"""\sr\s{0,8}=\s{0,8}["']([A-Za-z]{1,3})\d""")
ROW = re.compile(rb"""\sr\s{0,8}=\s{0,8}["'][A-Za-z]{0,3}(\d{1,7})["']""")
ROW_BEGINS = re.compile(rb"<(?:\w{1,20}:)?row[\s/>]")
CELL_BEGINS = re.compile(rb"<(?:\w{1,20}:)?c[\s/>]")  # without a reference it is the next one
# What a quick look asks: is there a cell beyond column Z, one beyond row 99,999, one that does not
# begin with its place? Each finds at least what the expressions above do.
PLACE = r"""\sr\s{0,8}=\s{0,8}["']"""
WIDE = PLACE + "[A-Za-z]{2}"
TALL = PLACE + r"[A-Za-z]{0,3}\d{6}"
UNPLACED = r"<(?:\w{1,20}:)?c(?:[>/]|\s+(?:[^r\s]|r[^\s=]))"
NARROW, LOW = 26, 99_999
TAIL_BYTES = 64  # longer than one reference


def cell_text(value: Any) -> str:
    """Return a cell as text: dates as ISO, numbers without float noise, nothing as ""."""
    if type(value) is str:
        return value
    if type(value) is float:
        return number_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def number_text(value: float) -> str:
    """Return a number as a spreadsheet shows it: 15 digits, no exponent where it can be avoided.

    0.1 + 0.2 is "0.3", 12.0 is "12", 1e15 is "1000000000000000".
    """
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    short = f"{value:.15g}"
    if "e" in short or "E" in short:
        return f"{value:.20f}".rstrip("0") if 1e-15 < abs(value) < 1 else short
    return short


@contextmanager
def _told(filename: str) -> Iterator[None]:
    """Tell what the reader of workbooks makes of a bad file in our words."""
    try:
        yield
    except calamine.PasswordError as error:
        raise PasswordProtected(filename=filename) from error
    except (calamine.CalamineError, OSError) as error:
        raise DamagedFile(filename=filename) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # its way to say: this can not be
            raise
        raise DamagedFile(filename=filename) from error


class Workbook:
    """An open workbook. Raises PasswordProtected or DamagedFile, each with the file's name."""

    def __init__(self, path: Path, filename: str) -> None:
        self.last_row = 0  # of the sheet whose rows are read; rows without any value count
        self._filename = filename
        with _told(filename):
            self._book = calamine.CalamineWorkbook.from_path(path)

    def sheet_names(self) -> list[str]:
        """Names of the worksheets a person can see, in their order."""
        return [
            sheet.name
            for sheet in self._book.sheets_metadata
            if sheet.typ == calamine.SheetTypeEnum.WorkSheet
            and sheet.visible == calamine.SheetVisibleEnum.Visible
        ]

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (row number from 1, cells); rows without any value are left out."""
        with _told(self._filename):
            try:
                found = self._book.get_sheet_by_name(sheet)
            except calamine.WorksheetNotFound as error:
                raise NotATable(filename=self._filename) from error
        if found.start is None:
            return
        self.last_row = found.start[0] + found.height
        for number, cells in enumerate(found.iter_rows(), 1):  # from the sheet's top, empty or not
            row = [value if type(value) is str else cell_text(value) for value in cells]
            if any(row):
                yield number, row


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One of a workbook's sheets, and the row (from 1) from which it holds data."""

    sheet: str
    first_line: int


class SheetReader:
    """Iterates over chunks of one or more sheets, like LineReader over a text file.

    parts  the sheets in the order in which they are read
    width  cells in a row; the sheet's name follows them where there are several parts

    Cells that begin like a formula are counted in whole sheets, above their first lines too.
    """

    def __init__(
        self, path: Path, parts: Sequence[SheetPart], *, width: int, filename: str = ""
    ) -> None:
        self.formula_cells = 0
        self.formula_line = 0
        self._path = path
        self._parts = parts
        self._width = width
        self._filename = filename or path.name

    def notices(self) -> list[Notice]:
        if not self.formula_cells:
            return []
        return [FormulaCells(cells=self.formula_cells, line=self.formula_line)]

    def __iter__(self) -> Iterator[Chunk]:
        size = self._path.stat().st_size / len(self._parts)
        book = Workbook(self._path, self._filename)
        self.formula_cells = self.formula_line = 0
        for number, part in enumerate(self._parts):
            for lines, rows in self._chunks(book, part):
                done = number + lines[-1] / max(book.last_row, lines[-1])
                if len(self._parts) > 1:
                    rows = [with_sheet(row, self._width, part.sheet) for row in rows]
                yield Chunk(lines, rows, int(size * done))

    def _chunks(
        self, book: Workbook, part: SheetPart
    ) -> Iterator[tuple[list[int], list[list[str]]]]:
        rows = book.rows(part.sheet)
        while found := list(islice(rows, CHUNK_ROWS)):
            self._count_formulas(found)
            if found[0][0] < part.first_line:
                found = [pair for pair in found if pair[0] >= part.first_line]
            if found:
                yield [line for line, _ in found], [row for _, row in found]

    def _count_formulas(self, part: list[tuple[int, list[str]]]) -> None:
        if not may_hold_formulas(row for _, row in part):
            return
        for number, row in part:
            if found := sum(map(is_formula, row)):
                self.formula_cells += found
                self.formula_line = self.formula_line or number


def with_sheet(row: list[str], width: int, sheet: str) -> list[str]:
    """Put the sheet's name behind an ordinary row's cells; what lies beyond comes after it."""
    beyond = row[width:] if any(row[width:]) else []
    return [*row[:width], *[""] * (width - len(row)), sheet, *beyond]


class SheetExtent:
    """The rectangle around a sheet's cells, from its XML as it comes in blocks.

    A cell in the last corner of an otherwise empty sheet costs gigabytes in the reader.
    """

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._tail = b""
        self._columns: set[bytes] = set()
        self._last_row = 0
        self._rows = 0  # counted, as are the cells of the row that goes on, and of the widest
        self._cells = 0
        self._widest = 0

    def feed(self, block: bytes) -> None:
        """Look at the next block of the sheet's XML. Raises ArchiveBomb.

        Closely only where a quick look finds something far out: most sheets are small.
        """
        text = self._tail + block
        self._tail = block[-TAIL_BYTES:]
        seen = pl.Series([text.decode("latin-1")])
        if seen.str.contains(WIDE)[0]:
            self._columns.update(COLUMN.findall(text))
        wide = max([NARROW, *map(column_number, self._columns)])
        if wide > MAX_CELLS // LOW or seen.str.contains(TALL)[0]:
            self._last_row = max([self._last_row, *map(int, set(ROW.findall(text)))])
        else:
            self._last_row = max(self._last_row, LOW)
        if seen.str.contains(UNPLACED)[0]:
            self._count(block)
        elif rows := block.count(b"<row") + block.count(b":row"):
            self._rows, self._cells = self._rows + rows, 0
        wide = max(wide, self._widest)
        cells = max(self._rows, self._last_row) * wide
        if cells > MAX_CELLS:
            raise ArchiveBomb(
                filename=self._filename,
                measured=f"a sheet of {cells:,} cells",
                limit=f"{MAX_CELLS:,} cells",
            )

    def _count(self, block: bytes) -> None:
        """Count rows and cells; a tag that two blocks share is missed, which changes little."""
        first, *others = ROW_BEGINS.split(block)
        self._cells += len(CELL_BEGINS.findall(first))
        self._widest = max(self._widest, self._cells)
        if others:
            self._rows += len(others)
            counts = [len(CELL_BEGINS.findall(row)) for row in others]
            self._cells = counts[-1]
            self._widest = max(self._widest, *counts)


def column_number(letters: bytes) -> int:
    """Return the number of a column: b"A" is 1, b"AA" is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
