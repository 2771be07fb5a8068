"""Files that people take away: CSV, JSON lines, Excel workbooks, Parquet. One table after another.

Rows come one by one and leave memory in portions, however many there are.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson

from app.core.cells import harmless
from app.store.records_schema import decimal_text

Kind = Literal["text", "integer", "number", "micros", "decimal", "date", "json"]
"""What a column holds: micros is an amount in millionths, decimal a text with one, json a text
that is JSON."""

PORTION_ROWS = 50_000
SHEET_ROWS = 1_048_575  # that Excel has, beside the names of the columns
CELL_LETTERS = 32_767  # that a cell of Excel holds
EXACT_IN_EXCEL = 10**15  # its numbers have 15 digits
WIDTHS: Mapping[Kind, int] = {"text": 24, "json": 24, "date": 11}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """What a table looks like; `title` names the sheet."""

    title: str
    columns: tuple[Column, ...]


class FileWriter(Protocol):
    """Writes one file. Not for use after `close`."""

    def begin(self, table: Table) -> None:
        """Begin a table. Only a workbook has more than one."""

    def write(self, row: Sequence[Any], nested: Mapping[str, Any] | None = None) -> None:
        """Write a row; None is nothing. `nested` is what only JSON has room for."""

    def close(self) -> None:
        """End the file. Nobody reads it before."""


class CsvWriter:
    """RFC 4180: UTF-8, commas, CRLF. Dates are ISO, amounts have a point.

    text  what becomes of a text: `harmless`, or `str` to lose nothing
    """

    def __init__(self, path: Path, text: Callable[[str], str] = harmless) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file)
        self._text = text
        self._makers: list[Callable[[Any], Any]] = []

    def begin(self, table: Table) -> None:
        """Write the names of the columns."""
        makers: dict[str, Callable[[Any], Any]] = {"micros": decimal_text}
        makers |= dict.fromkeys(("text", "json"), self._text)
        self._makers = [makers.get(column.kind, _as_it_is) for column in table.columns]
        self._csv.writerow([column.name for column in table.columns])

    def write(self, row: Sequence[Any], nested: Mapping[str, Any] | None = None) -> None:
        """Write a line."""
        made = zip(self._makers, row, strict=True)
        self._csv.writerow([None if value is None else make(value) for make, value in made])

    def close(self) -> None:
        """End the file."""
        self._file.close()


class JsonLinesWriter:
    """An object a line. Amounts are decimal texts, so that nothing is rounded."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._columns: tuple[Column, ...] = ()

    def begin(self, table: Table) -> None:
        """Take the names of the columns as those of the objects."""
        self._columns = table.columns

    def write(self, row: Sequence[Any], nested: Mapping[str, Any] | None = None) -> None:
        """Write a line."""
        made: dict[str, Any] = {}
        for column, value in zip(self._columns, row, strict=True):
            if column.kind == "micros":
                value = decimal_text(value)
            elif column.kind == "json" and value is not None:
                value = orjson.Fragment(value)
            made[column.name] = value
        self._file.write(orjson.dumps({**made, **(nested or {})}, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """End the file."""
        self._file.close()


class WorkbookWriter:
    """An Excel workbook: real dates and numbers; a text is a text, whatever it begins with.

    A table that is longer than a sheet goes on in the next. What is longer than a cell is cut.
    """

    def __init__(self, path: Path) -> None:
        import xlsxwriter  # loaded where a workbook is made

        self._book = xlsxwriter.Workbook(
            str(path), {"constant_memory": True, "tmpdir": str(path.parent)}
        )
        self._book.use_zip64()
        self._bold = self._book.add_format({"bold": True})
        self._money = self._book.add_format({"num_format": "#,##0.00####"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._table = Table("", ())
        self._sheet: Any = None
        self._sheets = 0
        self._row = 0

    def begin(self, table: Table) -> None:
        """Begin a sheet."""
        self._table, self._sheets = table, 0
        self._next_sheet()

    def write(self, row: Sequence[Any], nested: Mapping[str, Any] | None = None) -> None:
        """Write a row."""
        if self._row > SHEET_ROWS:
            self._next_sheet()
        sheet, at = self._sheet, self._row
        for place, (column, value) in enumerate(zip(self._table.columns, row, strict=True)):
            if value is not None:
                self._cell(sheet, at, place, column.kind, value)
        self._row += 1

    def close(self) -> None:
        """Put the workbook together."""
        self._book.close()

    def _cell(self, sheet: Any, at: int, place: int, kind: Kind, value: Any) -> None:
        if kind == "micros" and abs(value) < EXACT_IN_EXCEL:
            sheet.write_number(at, place, value / 1_000_000, self._money)
        elif kind in ("integer", "number"):
            sheet.write_number(at, place, value)
        elif kind == "date" and (day := _day(value)) is not None:
            sheet.write_datetime(at, place, day, self._day)
        elif kind == "decimal" and (micros := _micros(value)) is not None:
            sheet.write_number(at, place, micros / 1_000_000, self._money)
        else:
            text = decimal_text(value) if kind == "micros" else str(value)
            sheet.write_string(at, place, (text or "")[:CELL_LETTERS])

    def _next_sheet(self) -> None:
        self._sheets += 1
        title = self._table.title
        self._sheet = self._book.add_worksheet(
            title if self._sheets == 1 else f"{title} {self._sheets}"
        )
        for place, column in enumerate(self._table.columns):
            self._sheet.set_column(place, place, WIDTHS.get(column.kind, 14))
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._table.columns):
            self._sheet.write_string(0, place, column.name, self._bold)
        self._row = 1


class ParquetWriter:
    """Parquet with real types: dates, and amounts as decimals with six places."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[Path] = []
        self._rows: list[Sequence[Any]] = []
        self._columns: tuple[Column, ...] = ()

    def begin(self, table: Table) -> None:
        """Take the table's columns."""
        self._columns = table.columns

    def write(self, row: Sequence[Any], nested: Mapping[str, Any] | None = None) -> None:
        """Keep a row until there are enough of them for a portion."""
        self._rows.append(row)
        if len(self._rows) >= PORTION_ROWS:
            self._flush()

    def close(self) -> None:
        """Bring the portions together, one after the other."""
        import polars as pl

        if self._rows or not self._parts:
            self._flush()
        pl.scan_parquet(self._parts).sink_parquet(self._path)
        for part in self._parts:
            part.unlink()

    def _flush(self) -> None:
        import polars as pl

        types: dict[Kind, Any] = {
            "integer": pl.Int64,
            "number": pl.Float64,
            "micros": pl.Decimal(38, 6),
            "decimal": pl.Decimal(38, 6),
            "date": pl.Date,
        }
        rows, self._rows = self._rows, []
        series = []
        for place, column in enumerate(self._columns):
            values = [row[place] for row in rows]
            if column.kind == "micros":
                values = [None if v is None else Decimal(v).scaleb(-6) for v in values]
            elif column.kind == "decimal":
                values = [None if v is None else _decimal(v) for v in values]
            elif column.kind == "date":
                values = [None if v is None else _day(v) for v in values]
            kind = types.get(column.kind, pl.String)
            series.append(pl.Series(column.name, values, dtype=kind))
        part = self._path.with_name(f"{self._path.name}.{len(self._parts):05d}")
        pl.DataFrame(series).write_parquet(part)
        self._parts.append(part)


def _as_it_is(value: Any) -> Any:
    return value


def _day(text: str) -> date | None:
    """Return the ISO date in `text`; None for what is none, as a bank may write it."""
    with suppress(ValueError):
        day = date.fromisoformat(text)
        return day if day.year >= 1900 else None  # Excel has no earlier ones
    return None


def _decimal(text: str) -> Decimal | None:
    with suppress(InvalidOperation, ValueError):
        value = Decimal(text)
        return value if value.is_finite() else None
    return None


def _micros(text: str) -> int | None:
    """Return the amount in `text` in millionths, where Excel can hold it exactly."""
    value = _decimal(text)
    if value is None or abs(value) >= EXACT_IN_EXCEL // 1_000_000:
        return None
    return int(value.scaleb(6))
