"""Claims about the shape of tables and about reading their rows."""

import csv
import datetime as dt
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.asking import Asking
from app.core.errors import AppError
from app.core.reading import Task
from app.core.unreadable import (
    DamagedFile,
    EmptyFile,
    LineTooLong,
    NotATable,
    PasswordProtected,
)
from app.reading import lines as lines_module
from app.reading.dialect import Dialect
from app.reading.encoding import Encoding
from app.reading.lines import LineReader
from app.reading.sheets import number_text, with_sheet
from app.reading.tables import Rows, TableShape, detect_shape, read_rows
from tests.readers import LIMITS, Heard, task_for
from tests.samples import ROOT, sample

COMMA = Dialect(",", '"', None, skip_space=False, score=1.0)
UTF8 = Encoding("utf-8", "cp1252", 0, guessed=False)


def unasked(path: Path, kind: str | None = None) -> Task:
    """The task for a file about which nobody can be asked."""
    task = task_for(path, kind)
    task["options"] = {"ask": False}
    return task


def table(folder: Path, content: str | bytes, name: str = "export.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def shape_of(path: Path, heard: Heard | None = None) -> TableShape:
    return detect_shape(unasked(path), heard or Heard())[0]


def rows_in(path: Path) -> list[list[str]]:
    return [row for chunk in read_rows(path, shape_of(path), LIMITS) for row in chunk.rows]


def numbered(reader: Rows | LineReader) -> list[tuple[int, list[str]]]:
    return [pair for c in reader for pair in zip(c.lines, c.rows, strict=True)]


def workbook(folder: Path, sheets: dict[str, Iterable[Iterable[object]]]) -> Path:
    path = folder / "book.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return path


# Where the table begins


def test_title_lines_above_the_header_are_left_out(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        '"Kontonummer:";"DE12 3456 / Girokonto";\n\n"Von:";"01.01.2026";\n"Bis:";"31.01.2026";\n'
        '\n"Buchungstag";"Empfänger";"Zweck";"Betrag";\n'
        '"02.01.2026";"Bäcker";"Brot";"-3,20";\n"03.01.2026";"Lohn";"";"1.000,00";\n',
    )
    shape = shape_of(path)
    assert (shape.header_line, shape.first_row_line, shape.preamble_lines) == (6, 7, 5)
    assert shape.header[:4] == ("Buchungstag", "Empfänger", "Zweck", "Betrag")
    assert len(rows_in(path)) == 2


LAYOUTS = {
    "ing": (
        "Umsatzanzeige;Datei erstellt am: 21.11.2026\n\nIBAN;DE12 3456\nKontoname;Girokonto\n"
        "Bank;ING\nKunde;Max\nZeitraum;01.01.2026 - 21.11.2026\nSaldo;1.234,56;EUR\n\n"
        "Buchung;Valuta;Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung\n"
        + "20.11.2026;20.11.2026;REWE;Lastschrift;Einkauf;1.234,56;EUR;-23,10;EUR\n"
        * 3,
        10,
    ),
    "comdirect": (
        ';\n"Umsätze Girokonto";"Zeitraum: 30 Tage";\n"Neuer Kontostand";"1.234,56 EUR";\n\n'
        '"Buchungstag";"Wertstellung";"Vorgang";"Buchungstext";"Umsatz in EUR";\n'
        + '"20.11.2026";"20.11.2026";"Lastschrift";"REWE";"-23,10";\n' * 3
        + '\n"Alter Kontostand";"1.000,00 EUR";\n',
        5,
    ),
    "bank of america": (
        'Description,,Summary Amt.\nBeginning balance as of 11/01/2026,,"1,000.00"\n'
        'Total credits,,"500.00"\n\nDate,Description,Amount,Running Bal.\n'
        + '11/02/2026,"SHOP","-20.00","980.00"\n'
        * 4,
        5,
    ),
    "chase": (
        "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
        + 'DEBIT,11/20/2026,"SHOP",-23.10,ACH_DEBIT,1000.00,,\n' * 3,
        1,
    ),
    "wells fargo": ('"11/20/2026","-23.10","*","","SHOP"\n' * 3, None),
    "padded by a spreadsheet": (
        "My Bank;;;;;\nAccount;DE12;;;;\nPeriod;01.01.2026;31.01.2026;;;\n;;;;;\n"
        "Datum;Empfänger;Zweck;Kategorie;Betrag;Saldo\n" + "01.01.2026;A;B;C;-1,00;2,00\n" * 4,
        5,
    ),
    "narrow": (
        "Account:,Checking\nBalance:,12.00\nDate,Payee,Amount\n"
        "2026-01-02,Shop,1.00\n2026-01-03,Bar,2.00\n",
        3,
    ),
}


@pytest.mark.parametrize("bank", LAYOUTS)
def test_the_header_is_found_below_what_banks_write_above_it(tmp_path: Path, bank: str) -> None:
    content, line = LAYOUTS[bank]
    assert shape_of(table(tmp_path, content)).header_line == line


def test_a_table_without_names_is_told_and_loses_no_row(tmp_path: Path) -> None:
    heard = Heard()
    path = table(tmp_path, "18.09.2017;HOFER;-33,87\n19.09.2017;LIDL;-24,11\n")
    assert shape_of(path, heard).header_line is None
    assert heard.codes == ["no_header"]
    assert len(rows_in(path)) == 2


def test_names_that_come_twice_are_told_once(tmp_path: Path) -> None:
    heard = Heard()
    shape_of(table(tmp_path, "id,name,id,name\n1,a,2,b\n3,c,4,d\n"), heard)
    assert heard.codes == ["duplicate_headers"]
    assert heard.facts("duplicate_headers") == {"name": "id"}


def test_a_header_without_rows_has_a_shape_and_no_rows(tmp_path: Path) -> None:
    path = table(tmp_path, "Date,Payee,Amount\n")
    shape, rows = detect_shape(unasked(path), Heard())
    assert (shape.header_line, rows) == (1, [])
    assert rows_in(path) == []


def test_the_sep_line_of_excel_sets_the_delimiter(tmp_path: Path) -> None:
    path = table(tmp_path, "sep=|\nDate|Payee|Amount\n2026-01-02|A;B;C|1,00\n")
    shape = shape_of(path)
    assert (shape.delimiter, shape.header_line) == ("|", 2)
    assert rows_in(path) == [["2026-01-02", "A;B;C", "1,00"]]


def test_a_header_over_two_lines_is_no_row(tmp_path: Path) -> None:
    path = table(tmp_path, 'Date,"Amount\n(EUR)",Payee\n')
    assert shape_of(path).header == ("Date", "Amount\n(EUR)", "Payee")
    assert rows_in(path) == []


@pytest.mark.parametrize("line", ['sep="', "sep=a", "sep=\\", "sep=;;", "sep="])
def test_a_sep_line_that_makes_no_sense_is_a_line_like_any_other(tmp_path: Path, line: str) -> None:
    path = table(tmp_path, f"{line}\nDate;Payee;Amount\n2026-01-02;Shop;1,00\n")
    assert shape_of(path).delimiter == ";"


def test_a_shape_survives_json(tmp_path: Path) -> None:
    shape = shape_of(table(tmp_path, "Date;Amount\n01.02.2026;1,50\n"))
    assert TableShape.from_json(json.loads(json.dumps(shape.to_json()))) == shape


def test_ten_thousand_columns_are_seen_without_reading_them_all(tmp_path: Path) -> None:
    row = ",".join(str(n) for n in range(10_000))
    header = ",".join(f"c{n}" for n in range(10_000))
    shape, rows = detect_shape(
        unasked(table(tmp_path, header + "\n" + (row + "\n") * 400)), Heard()
    )
    assert shape.width == 10_000
    assert len(rows) < 100


@pytest.mark.parametrize("content", ["\n\n\n", "   \n"])
def test_blank_lines_alone_are_an_empty_file(tmp_path: Path, content: str) -> None:
    path = table(tmp_path, content)
    with pytest.raises(EmptyFile):
        unasked(path)
    with pytest.raises(NotATable):
        detect_shape(unasked(path, "csv"), Heard())


# Rows and their lines


cells = st.text(st.sampled_from('ab1,;"\n é'), max_size=6)


@settings(max_examples=150)
@given(
    rows=st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=30),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.sampled_from([7, 64, 100_000]),
)
def test_rows_are_read_as_they_were_written_wherever_the_blocks_end(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, block: int
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    text = written.getvalue().replace("\n", end)
    path = table(tmp_path_factory.getbasetemp(), text, "property.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "BLOCK_BYTES", block)
        found = numbered(LineReader(path, UTF8, COMMA, max_line_bytes=100_000))
    assert [row for _, row in found] == rows
    line, expected = 1, []
    for row in rows:
        expected.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert [number for number, _ in found] == expected


def test_blank_lines_are_left_out_but_counted(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b\n\n1,2\n   \n\r\n3,4")
    found = numbered(LineReader(path, UTF8, COMMA, max_line_bytes=1024))
    assert found == [(1, ["a", "b"]), (3, ["1", "2"]), (6, ["3", "4"])]


def test_ragged_rows_come_as_they_are(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8,9\n")
    assert rows_in(path) == [["1", "2", "3"], ["4", "5"], ["6", "7", "8", "9"]]


def test_one_row_of_too_many_cells_is_not_taken_for_the_table(tmp_path: Path) -> None:
    body = [f"2026-01-{n % 28 + 1:02},Shop {n},{n}.00" for n in range(20)]
    path = table(tmp_path, "\n".join(["Date,Payee,Amount", *body, "x," * 9000, *body]))
    shape = shape_of(path)
    assert (shape.width, shape.header) == (3, ("Date", "Payee", "Amount"))


def test_a_quote_that_never_closes_costs_one_row_and_not_the_file(tmp_path: Path) -> None:
    body = [f"2026-01-{n % 28 + 1:02},Shop {n},{n}.00" for n in range(5000)]
    body[1000] = '2026-01-05,"5 inch nail,7.00'
    path = table(tmp_path, "Date,Payee,Amount\n" + "\n".join(body) + "\n")
    reader = read_rows(path, shape_of(path), LIMITS)
    found = numbered(reader)
    assert [number for number, _ in found] == list(range(2, 5002))
    assert found[1000][1] == ["2026-01-05", '"5 inch nail', "7.00"]
    assert all(len(row) == 3 for _, row in found)


def test_two_stray_quotes_do_not_swallow_the_rows_between_them(tmp_path: Path) -> None:
    body = [f"2026-01-{n % 28 + 1:02},Shop {n},{n}.00" for n in range(100)]
    body[10] = '2026-01-05,"5 inch nail,7.00'
    body[60] = '2026-01-05,"6 inch nail,7.00'
    path = table(tmp_path, "Date,Payee,Amount\n" + "\n".join(body) + "\n")
    assert len(rows_in(path)) == 100


def test_nothing_but_stray_quotes_is_read_in_one_pass(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b\n" + '1,"x\n' * 3 + '2,"""\n' * 20_000)
    reader = LineReader(path, UTF8, COMMA, max_line_bytes=1024 * 1024, width=2)
    assert sum(len(chunk.rows) for chunk in reader) >= 10_000


def test_after_a_hundred_stray_quotes_each_line_is_a_row(tmp_path: Path) -> None:
    body = [f'{n},"x' if n % 1500 == 0 else f"{n},y" for n in range(170_000)]
    path = table(tmp_path, "a,b\n" + "\n".join(body) + "\n")
    reader = LineReader(path, UTF8, COMMA, max_line_bytes=1024 * 1024, width=2)
    assert [row[0] for _, row in numbered(reader)] == ["a", *map(str, range(170_000))]
    assert reader.stray_quotes == 100


def test_nul_bytes_are_left_out_and_told_with_their_line(tmp_path: Path) -> None:
    heard = Heard()
    path = table(tmp_path, b"id,name\n1,An\0na\n2,\0\0Bert\n")
    shape_of(path, heard)
    assert heard.facts("nul_bytes") == {"count": 3, "line": 2}
    assert rows_in(path) == [["1", "Anna"], ["2", "Bert"]]


def test_what_was_told_with_the_shape_is_not_told_again(tmp_path: Path) -> None:
    path = table(tmp_path, b"id,name\n1,An\0na\n")
    reader = read_rows(path, shape_of(path), LIMITS)
    assert len(numbered(reader)) == 1
    assert reader.notices() == []


def test_in_a_long_file_nul_bytes_are_told_at_its_end_with_their_sum(tmp_path: Path) -> None:
    heard = Heard()
    path = table(tmp_path, b"id,name\n" + b"1,An\0na\n" * 3000)
    shape = shape_of(path, heard)
    assert heard.codes == []
    reader = read_rows(path, shape, LIMITS)
    assert len(numbered(reader)) == 3000
    assert [notice.facts for notice in reader.notices()] == [{"count": 3000, "line": 2}]


def test_lines_in_another_encoding_are_read_and_told(tmp_path: Path) -> None:
    lines = [f"{n};Überweisung" for n in range(2000)]
    data = [line.encode() for line in lines]
    data[1500] = lines[1500].encode("cp1252")
    path = table(tmp_path, b"Nr;Text\n" + b"\n".join(data) + b"\n")
    reader = read_rows(path, shape_of(path), LIMITS)
    assert [row[1] for _, row in numbered(reader)] == ["Überweisung"] * 2000
    assert [(n.code, n.facts) for n in reader.notices()] == [
        ("mixed_encodings", {"lines": 1, "line": 1502, "encoding": "cp1252"})
    ]


def test_text_cells_of_a_workbook_that_begin_like_a_formula_are_told(tmp_path: Path) -> None:
    path = tmp_path / "formulas.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["Date", "Payee", "Amount"])
        for row in range(1, 9):
            sheet.write_row(row, 0, ["2026-01-02", "Shop", -3.2])
        sheet.write_string("B4", "=cmd|' /C calc'!A0")
        sheet.write_string("B6", "@SUM(1+1)*cmd|'/C calc'!A0")
        sheet.write_string("C6", "-3,20")
        sheet.write_rich_string("B7", "=HYPER", book.add_format({"bold": True}), 'LINK("http")')
        sheet.write_string("B8", '="0123"')
    reader = read_rows(path, shape_of(path), LIMITS)
    assert len(numbered(reader)) == 8
    assert [(n.code, n.facts) for n in reader.notices()] == [
        ("formula_cells", {"cells": 3, "line": 4})
    ]


@pytest.mark.parametrize("times", [1, 4, 4000])
def test_an_even_mixture_of_encodings_is_read_line_by_line_and_told(
    tmp_path: Path, times: int
) -> None:
    heard = Heard()
    words = ["Café", "Müller", "Crème", "Größe", "Über", "Äpfel"] * times
    data = [f"{n};{word}".encode(("utf-8", "cp1252")[n % 2]) for n, word in enumerate(words)]
    path = table(tmp_path, b"Nr;Text\n" + b"\n".join(data) + b"\n")
    reader = read_rows(path, shape_of(path, heard), LIMITS)
    assert [row[1] for _, row in numbered(reader)] == words
    told = [(notice.code, notice.facts) for notice in [*heard.notices, *reader.notices()]]
    assert told == [("mixed_encodings", {"lines": 3 * times, "line": 3, "encoding": "cp1252"})]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-32-be", "cp1252", "utf-8-sig"])
def test_a_table_reads_the_same_in_every_encoding(tmp_path: Path, name: str) -> None:
    text = "Datum;Empfänger;Betrag\r\n" + "01.02.2026;Bäckerei Müller;-3,20\r\n" * 20_000
    path = table(tmp_path, text.encode(name))
    rows = rows_in(path)
    assert len(rows) == 20_000
    assert rows[-1] == ["01.02.2026", "Bäckerei Müller", "-3,20"]


# Too long, too large


@pytest.mark.parametrize("name", ["utf-8", "utf-16-le"])
def test_a_line_beyond_the_limit_is_refused_with_its_number(tmp_path: Path, name: str) -> None:
    path = table(tmp_path, ("a,b\n" * 1000 + "x" * 300_000 + "\n").encode(name))
    encoding = Encoding(name, None, 0, guessed=False)
    reader = LineReader(path, encoding, COMMA, max_line_bytes=100_000, filename="long.csv")
    with pytest.raises(LineTooLong) as caught:
        list(reader)
    assert caught.value.facts == {"line": 1001, "limit": "100 KB", "filename": "long.csv"}


PEAK_OF_READING = """
import sys
from pathlib import Path
from app.core.unreadable import LineTooLong
from app.reading.tables import detect_shape
from tests.readers import Heard, task_for

try:
    detect_shape(task_for(Path(sys.argv[1])), Heard())
except LineTooLong:
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_gigabyte_without_a_line_end_is_refused_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n1,2\n" + b"x" * (3 * 1024 * 1024))
        stream.truncate(1024**3)  # the rest is a hole and takes no room
    told = subprocess.run(
        [sys.executable, "-c", PEAK_OF_READING, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert int(told.stdout) < 150 * 1024  # KiB, most of it imports


@given(
    st.lists(
        st.sampled_from(
            [b"a,b\n", b'"', b",", b"\n", b"\r", b"\0", b"\xff", b";1", b"\t", b"sep=;\n"]
        )
        | st.binary(max_size=8),
        max_size=60,
    ).map(b"".join)
)
def test_any_bytes_are_read_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = table(tmp_path_factory.getbasetemp(), data, "fuzz.csv")
    with suppress(AppError):  # nothing else may come out
        shape = detect_shape(unasked(path, "csv"), Heard())[0]
        assert TableShape.from_json(shape.to_json()) == shape
        lines = [line for line, _ in numbered(read_rows(path, shape, LIMITS))]
        assert lines == sorted(set(lines))


# Workbooks


def test_a_sheet_reads_like_a_text_table(tmp_path: Path) -> None:
    day = dt.date(2026, 1, 2)
    path = workbook(
        tmp_path,
        {
            "Notes": [["Only a remark"]],
            "Transactions": [
                ["My Bank"],
                [],
                ["Date", "Payee", "Amount", "Cleared"],
                [day, "Shop", -12.5, True],
                [day, "Salary", 0.1 + 0.2, False],
                [day, "Rent", 1200, True],
            ],
        },
    )
    heard = Heard()
    shape = shape_of(path, heard)
    assert (shape.sheet, shape.sheets) == ("Transactions", ("Notes", "Transactions"))
    assert (shape.header_line, shape.first_row_line, shape.preamble_lines) == (3, 4, 2)
    assert heard.facts("other_sheets") == {"sheets": 2, "sheet": "Transactions"}
    assert numbered(read_rows(path, shape, LIMITS)) == [
        (4, ["2026-01-02", "Shop", "-12.5", "true"]),
        (5, ["2026-01-02", "Salary", "0.3", "false"]),
        (6, ["2026-01-02", "Rent", "1200", "true"]),
    ]


MONTH = ["Date", "Payee", "Amount"]


def test_sheets_under_the_same_names_are_one_table_whose_rows_know_their_sheet(
    tmp_path: Path,
) -> None:
    path = workbook(
        tmp_path,
        {
            "January": [["My Bank"], MONTH, ["2026-01-02", "Shop", -1.5], ["2026-01-03", "Bar", 2]],
            "Notes": [["Only", "a", "remark"], ["and", "another", "one"]],
            "February": [[*MONTH, ""], ["2026-02-02", "Rent", -900]],
            "March": [[name.upper() for name in MONTH], ["2026-03-02", "Tea", -3, "beyond"]],
            "April": [MONTH],
        },
    )
    heard = Heard()
    shape, sample = detect_shape(unasked(path), heard)
    assert shape.header == ("Date", "Payee", "Amount", "Sheet")
    assert heard.codes == ["other_sheets"]
    found = numbered(read_rows(path, shape, LIMITS))
    assert found == [
        (3, ["2026-01-02", "Shop", "-1.5", "January"]),
        (4, ["2026-01-03", "Bar", "2", "January"]),
        (2, ["2026-02-02", "Rent", "-900", "February"]),
        (2, ["2026-03-02", "Tea", "-3", "March", "beyond"]),
    ]
    assert sample == [row for _, row in found]
    assert TableShape.from_json(json.loads(json.dumps(shape.to_json()))) == shape


def test_a_row_that_ends_early_still_knows_its_sheet() -> None:
    assert with_sheet(["a"], 3, "May") == ["a", "", "", "May"]
    assert with_sheet(["a", "b", "c", "", ""], 3, "May") == ["a", "b", "c", "May"]
    assert with_sheet(["a", "b", "c", "", "x"], 3, "May") == ["a", "b", "c", "May", "", "x"]


@pytest.mark.parametrize("way", ["hide", "very_hidden"])
def test_a_sheet_that_nobody_sees_is_not_read(tmp_path: Path, way: str) -> None:
    path = tmp_path / "hidden.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name, payee in (("Shown", "Shop"), ("Aside", "Secret")):
            sheet = book.add_worksheet(name)
            for at, row in enumerate([MONTH, ["2026-01-02", payee, -1.5]]):
                sheet.write_row(at, 0, row)
        getattr(book.get_worksheet_by_name("Aside"), way)()
    shape, _ = detect_shape(unasked(path), Heard())
    assert shape.sheets == ("Shown",)
    assert numbered(read_rows(path, shape, LIMITS)) == [(2, ["2026-01-02", "Shop", "-1.5"])]


def test_a_workbook_of_months_is_read_without_a_remark(tmp_path: Path) -> None:
    heard = Heard()
    days = {f"{m:02}": [MONTH, *[[f"2026-{m:02}-02", "Shop", -m]] * 400] for m in range(1, 4)}
    path = workbook(tmp_path, days)
    shape, sample = detect_shape(unasked(path), heard)
    assert heard.codes == []
    rows = [row for _, row in numbered(read_rows(path, shape, LIMITS))]
    assert (len(rows), len(sample)) == (1200, 300)
    assert sample == rows[:300]


@pytest.mark.parametrize("name", ["calamine/date.xls", "csvkit/test.xls"])
def test_old_workbooks_read_like_new_ones(name: str) -> None:
    new = rows_in(sample(name.replace(".xls", ".xlsx")))
    assert rows_in(sample(name)) == new


def test_an_opendocument_table_is_read(tmp_path: Path) -> None:
    path = opendocument(
        tmp_path,
        ods_row("Date", "Payee", "Amount"),
        ods_row("2026-01-02", "Shop", "-1.50"),
        ods_row("2026-01-03", "Bar", "-2.50", more='table:number-rows-repeated="3"'),
        '<table:table-row table:number-rows-repeated="1048570"><table:table-cell'
        ' table:number-columns-repeated="16384"/></table:table-row>',
    )
    task = unasked(path)
    assert task["found"]["initializing_streaming"]["kind"] == "ods"
    assert [row[1] for row in rows_in(path)] == ["Shop", "Bar", "Bar", "Bar"]


def test_an_opendocument_table_that_repeats_itself_without_end_is_refused(tmp_path: Path) -> None:
    rows, columns = "table:number-rows-repeated", "table:number-columns-repeated"
    path = opendocument(tmp_path, ods_row("x", more=f'{rows}="1048576"', wide=f'{columns}="16384"'))
    with pytest.raises(DamagedFile):
        shape_of(path)


def test_an_opendocument_table_with_a_password_is_told_so() -> None:
    path = sample("calamine/pass_protected.ods")
    with pytest.raises(PasswordProtected):
        shape_of(path)


def ods_row(*cells: str, more: str = "", wide: str = "") -> str:
    inner = "".join(
        f'<table:table-cell {wide} office:value-type="string"><text:p>{cell}</text:p>'
        "</table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row {more}>{inner}</table:table-row>"


def opendocument(folder: Path, *rows: str) -> Path:
    path = folder / "table.ods"
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
            "/>",
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet><table:table"
            f' table:name="S">{"".join(rows)}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return path


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_cut_old_workbook_is_damaged(tmp_path: Path, share: float) -> None:
    whole = sample("csvkit/test.xls").read_bytes()
    with pytest.raises(DamagedFile):
        rows_in(table(tmp_path, whole[: int(len(whole) * share)], "cut.xls"))


@given(
    places=st.lists(st.integers(0, 20_000), min_size=1, max_size=8),
    value=st.sampled_from([0, 255, 128]),
    name=st.sampled_from(["csvkit/test.xlsx", "csvkit/sheets.xlsx"]),
)
def test_workbooks_with_wrong_bytes_are_read_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], value: int, name: str
) -> None:
    content = bytearray(sample(name).read_bytes())
    for place in places:
        content[2048 + place % (len(content) - 2048)] = value
    path = table(tmp_path_factory.getbasetemp(), bytes(content), "fuzz")
    with suppress(AppError):  # nothing else may come out
        rows_in(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.0, "12"), (0.1 + 0.2, "0.3"), (-337.49, "-337.49"), (1e15, "1000000000000000"),
     (41800000.01, "41800000.01"), (1e-7, "0.0000001"), (float("1e300"), "1e+300")],
)  # fmt: skip
def test_numbers_come_out_of_cells_without_noise(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_workbook_without_cells_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(NotATable):
        shape_of(workbook(tmp_path, {"Sheet1": []}))


def test_a_cut_workbook_is_damaged(tmp_path: Path) -> None:
    whole = workbook(tmp_path, {"Sheet1": [["a", "b"], [1, 2]]}).read_bytes()
    with pytest.raises(DamagedFile):
        unasked(table(tmp_path, whole[: len(whole) // 2], "cut.xlsx"))


# The samples of others


SAMPLES = ("bank2ynab", "beanhub-extract", "csvkit", "frictionless", "calamine", "csv-spectrum",
           "csvsniffer", "csvsniffer/dialects")  # fmt: skip


@pytest.mark.parametrize("folder", SAMPLES)
def test_every_sample_is_read_or_refused_with_a_code(folder: str) -> None:
    for path in sorted(sample(folder).iterdir()):
        if not path.is_file():
            continue
        with suppress(AppError, Asking):  # nothing else may come out; a locked one asks
            shape, rows = detect_shape(unasked(path), Heard())
            total = sum(len(c.rows) for c in read_rows(path, shape, LIMITS))
            assert total >= len(rows), path


HEADERS = {
    "bank2ynab/TransactionHistory_20180418043121.csv": 6,
    "bank2ynab/MS_JANE_SMITH_01-12-2019_14-12-2019.csv": 1,
    "bank2ynab/Umsaetze_KtoNr538917600_EUR_02-03-2018_1503.CSV": 1,
    "bank2ynab/test_raiffeisen_01.csv": None,
    "bank2ynab/statement_1.csv": None,
    "csvkit/test_skip_lines.csv": 4,
    "csvkit/no_header_row.csv": None,
    "csvsniffer/Wakefield Council Procurement Card Transactions (over £500) - July 2015.csv": 3,
    "beanhub-extract/mercury.csv": 1,
    "frictionless/blank-headers.csv": 1,
}


@pytest.mark.parametrize(("name", "line"), HEADERS.items())
def test_the_header_of_a_real_export_is_found(name: str, line: int | None) -> None:
    path = sample(name) if "Wakefield" not in name else wakefield()
    assert shape_of(path).header_line == line


def wakefield() -> Path:
    sample("csvsniffer")
    return next((ROOT / "csvsniffer").glob("Wakefield*.csv"))


SPECTRUM = ("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines",
            "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8")  # fmt: skip


@pytest.mark.parametrize("name", SPECTRUM)
def test_the_acid_tests_are_parsed_as_they_were_meant(name: str) -> None:
    path = sample(f"csv-spectrum/{name}.csv")
    header = shape_of(path).header
    meant = json.loads(path.with_suffix(".json").read_text().replace("\\r\\n", "\\n"))
    assert [dict(zip(header, row, strict=True)) for row in rows_in(path)] == meant
