"""Files that people take away: what is written comes back, and nothing in it is run."""

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.core.cells import harmless
from app.reading import export_files
from app.reading.export import writer_for
from app.reading.export_files import Column, CsvWriter, Table

TABLE = Table(
    "Rows",
    (
        Column("text"),
        Column("count", "integer"),
        Column("amount", "micros"),
        Column("price", "decimal"),
        Column("day", "date"),
        Column("share", "number"),
        Column("extra", "json"),
    ),
)
ROW = ("Tea, “green”", 3, -12_500_000, "4.20", "2026-11-20", 0.5, '{"a":1}')
EMPTY = (None,) * 7


def made(folder: Path, form: str, *rows: Sequence[Any], formulas: str = "safe") -> Path:
    path = folder / f"made.{form}"
    file = writer_for(form, path, formulas=formulas)
    file.begin(TABLE)
    for row in rows:
        file.write(row)
    file.close()
    return path


def test_csv_is_rfc_4180(tmp_path: Path) -> None:
    written = made(tmp_path, "csv", ('a\r\nb,“c” "d"', *EMPTY[1:]), ROW).read_bytes()
    assert written.count(b"\r\n") == 4
    names, first, second = csv.reader(io.StringIO(written.decode(), newline=""))
    assert names == [column.name for column in TABLE.columns]
    assert first == ['a\r\nb,“c” "d"', *[""] * 6]
    assert second == ["Tea, “green”", "3", "-12.50", "4.20", "2026-11-20", "0.5", '{"a":1}']


def test_json_lines_lose_nothing(tmp_path: Path) -> None:
    lines = made(tmp_path, "json", ROW, EMPTY).read_bytes().splitlines()
    assert json.loads(lines[0]) == {
        "text": "Tea, “green”",
        "count": 3,
        "amount": "-12.50",
        "price": "4.20",
        "day": "2026-11-20",
        "share": 0.5,
        "extra": {"a": 1},
    }
    assert set(json.loads(lines[1]).values()) == {None}


ZEROS = ("", 0, 0, "0.00", None, 0.0, "{}")


def test_zero_is_no_gap(tmp_path: Path) -> None:
    with made(tmp_path, "csv", ZEROS).open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["", "0", "0.00", "0.00", "", "0.0", "{}"]
    line = json.loads(made(tmp_path, "json", ZEROS).read_bytes())
    assert list(line.values()) == ["", 0, "0.00", "0.00", None, 0.0, {}]
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", ZEROS))
    assert book.get_sheet_by_index(0).to_python()[1][1:4] == [0, 0, 0]
    row = pl.read_parquet(made(tmp_path, "parquet", ZEROS)).row(0)
    assert row == ("", 0, Decimal("0.000000"), Decimal("0.000000"), None, 0.0, "{}")


@pytest.mark.parametrize("price", ["NaN", "Infinity", "n/a", ""])
def test_a_price_that_is_no_number_is_a_text_or_a_gap(tmp_path: Path, price: str) -> None:
    row = ("x", None, None, price, "yesterday", None, None)
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", row))
    assert book.get_sheet_by_index(0).to_python()[1][3:5] == [price, "yesterday"]
    assert pl.read_parquet(made(tmp_path, "parquet", row)).row(0)[3:5] == (None, None)
    assert json.loads(made(tmp_path, "json", row).read_bytes())["price"] == price


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
micros = st.integers(-(10**18), 10**18)


@settings(max_examples=25)
@given(st.lists(st.tuples(texts, micros, st.dates(date(1900, 1, 1)), micros), max_size=4))
def test_amounts_and_days_come_back_from_every_exact_format(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, int, date, int]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = [
        (text, 1, amount, str(Decimal(price).scaleb(-6)), day.isoformat(), None, None)
        for text, amount, day, price in found
    ]
    wanted = [(text, Decimal(m).scaleb(-6), Decimal(p).scaleb(-6), d) for text, m, d, p in found]
    frame = pl.read_parquet(made(folder, "parquet", *rows))
    assert frame.select("text", "amount", "price", "day").rows() == wanted
    lines = [json.loads(line) for line in made(folder, "json", *rows).read_bytes().splitlines()]
    with made(folder, "csv", *rows, formulas="as_is").open(newline="", encoding="utf-8") as stream:
        cells = list(csv.DictReader(stream))
    for read in (lines, cells):
        assert [
            (
                one["text"],
                Decimal(one["amount"]),
                Decimal(one["price"]),
                date.fromisoformat(one["day"]),
            )
            for one in read
        ] == wanted


def test_a_workbook_has_real_dates_and_numbers(tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", ROW))
    names, row = book.get_sheet_by_index(0).to_python()
    assert names == [column.name for column in TABLE.columns]
    assert row == ["Tea, “green”", 3, -12.5, 4.2, date(2026, 11, 20), 0.5, '{"a":1}']


def test_what_a_number_of_excel_can_not_hold_stays_a_text(tmp_path: Path) -> None:
    exact = 1_234_567_890_123_456_789
    row = ("x", None, exact, "12345678901.123456", "0999-01-01", None, None)
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", row))
    cells = book.get_sheet_by_index(0).to_python()[1]
    assert cells[2:5] == ["1234567890123.456789", "12345678901.123456", "0999-01-01"]


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "SHEET_ROWS", 2)
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", *[ROW] * 5))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert {name: len(rows) for name, rows in sheets.items()} == {
        "Rows": 3,
        "Rows 2": 3,
        "Rows 3": 2,
    }


def test_parquet_has_types_and_its_portions_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "PORTION_ROWS", 3)
    rows = [(f"{n}", *ROW[1:]) for n in range(10)]
    frame = pl.read_parquet(made(tmp_path, "parquet", *rows, EMPTY))
    assert frame["text"].to_list() == [f"{n}" for n in range(10)] + [None]
    assert frame.row(0)[1:] == (
        3,
        Decimal("-12.500000"),
        Decimal("4.200000"),
        date(2026, 11, 20),
        0.5,
        '{"a":1}',
    )
    assert [path.name for path in tmp_path.iterdir()] == ["made.parquet"]


@pytest.mark.parametrize("form", ["csv", "json", "xlsx", "parquet"])
def test_a_file_without_rows_is_a_file_all_the_same(tmp_path: Path, form: str) -> None:
    path = made(tmp_path, form)
    match form:
        case "csv":
            assert path.read_text().count("\n") == 1
        case "json":
            assert path.read_bytes() == b""
        case "xlsx":
            assert len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()) == 1
        case "parquet":
            assert pl.read_parquet(path).shape == (0, 7)


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1", " =1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_not_run_but_kept_for_programs(tmp_path: Path, text: str) -> None:
    # a tab parts cells where that is how a program was told to read
    safe = f"'{text}".replace("\t=", "\t'=")
    for formulas, kept in (("safe", safe), ("as_is", text)):
        path = made(tmp_path, "csv", (text, *EMPTY[1:]), formulas=formulas)
        with path.open(newline="") as stream:
            assert list(csv.reader(stream))[1][0] == kept
    book = CalamineWorkbook.from_path(made(tmp_path, "xlsx", (text, *EMPTY[1:])))
    assert book.get_sheet_by_index(0).to_python()[1][0] == text


# Wherever a program parts cells, what follows is the beginning of one.
@given(st.text() | st.text(st.sampled_from("=+-@＝＠;\t\r\n\v '\u200b1a")))
def test_no_harmless_cell_begins_like_a_formula_and_no_text_is_lost(text: str) -> None:
    cell = harmless(text)
    for part in re.split(r"[;\t\r\n]", cell):
        assert not re.match(r"[\s\u200b]*[=@＝＠]", part), cell
    assert cell.count("'") >= text.count("'")
    assert cell.replace("'", "") == text.replace("'", "")


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1))
def test_any_text_comes_back_from_csv(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    file = CsvWriter(path, str)
    file.begin(Table("T", tuple(Column(f"c{n}") for n in range(len(texts)))))
    file.write(texts)
    file.close()
    with path.open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream))[1] == texts
