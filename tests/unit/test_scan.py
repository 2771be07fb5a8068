"""Claims about what the scan stops, what it tells, and what it leaves alone."""

import io
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.unreadable import ArchiveBomb, DamagedFile, MalwareFound
from app.reading import scan as scan_module
from app.reading import sheets
from app.reading.formulas import (
    FormulaCounter,
    UnvaluedCounter,
    is_formula,
    may_hold_formulas,
)
from app.reading.scan import scan
from tests.readers import Heard, task_for

# Put together here, so that no scanner takes this file for the test file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TABLE = b"Date,Payee,Amount\n" + b"2026-01-02,Shop,-3.20\n" * 50
PROGRAM = (
    b"MZ" + b"\x90\0" * 29 + b"\x80\0\0\0" + b"\0" * 14
    + b"!This program cannot be run in DOS mode.\r\r\n$" + b"\0" * 8 + b"PE\0\0" + b"\0" * 200
)  # fmt: skip


def scanned(path: Path, heard: Heard | None = None, **limits: int) -> dict[str, Any]:
    return scan(task_for(path, **limits), heard or Heard())


def table(folder: Path, content: bytes) -> Path:
    path = folder / "export.csv"
    path.write_bytes(content)
    return path


def workbook(folder: Path, parts: dict[str, bytes] | None = None, rows: int = 3) -> Path:
    """An xlsx with further parts put into it."""
    path = folder / "export.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row in range(rows):
            sheet.write_row(row, 0, ["Shop", -3.2])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
    return path


def packed(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content", content)
    return made.getvalue()


# Malware


@pytest.mark.parametrize("before", [b"", TABLE, b"Payee\n"])
def test_the_eicar_test_file_is_stopped_wherever_it_stands(tmp_path: Path, before: bytes) -> None:
    with pytest.raises(MalwareFound) as caught:
        scanned(table(tmp_path, before + EICAR + b"\n"))
    assert caught.value.facts["finding"] == "the EICAR test file"


def test_what_lies_across_two_blocks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "BLOCK_BYTES", 4096)
    with pytest.raises(MalwareFound):
        scanned(table(tmp_path, (TABLE * 10)[: 4096 - 30] + EICAR + TABLE))


@pytest.mark.parametrize(
    ("part", "content", "finding"),
    [
        ("xl/media/image1.png", EICAR, "the EICAR test file in xl/media/image1.png"),
        ("xl/embeddings/a.bin", PROGRAM, "a Windows program in xl/embeddings/a.bin"),
        ("xl/embeddings/b.bin", b"x" * 99 + PROGRAM, "a Windows program inside in"),
        ("xl/embeddings/c.bin", b"\x7fELF\x02" + b"\0" * 60, "a Linux program in"),
        ("xl/embeddings/d.zip", packed(EICAR), "the EICAR test file in xl/embeddings/d.zip/"),
        ("xl/embeddings/e.hta", b"<script>new ActiveXObject('WScript.Shell')</script>",
         "a script that starts programs"),
    ],
)  # fmt: skip
def test_malware_inside_a_workbook_is_stopped(
    tmp_path: Path, part: str, content: bytes, finding: str
) -> None:
    with pytest.raises(MalwareFound) as caught:
        scanned(workbook(tmp_path, {part: content}))
    assert caught.value.facts["finding"].startswith(finding)


@pytest.mark.parametrize(
    ("part", "content", "finding"),
    [
        ("xl/vbaProject.bin", b"anything", "macros (VBA)"),
        ("xl/macrosheets/sheet1.xml", b"<xm:macrosheet/>", "an Excel 4.0 macro sheet"),
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>", "links to other workbooks"),
        ("xl/embeddings/object.bin", b"harmless", "embedded objects"),
        ("xl/connections.xml", b"<connections/>", "connections to outside data"),
        ("xl/other.xml", b"<ddeLink ddeService='cmd'/>", "a link that starts a program (DDE)"),
        ("xl/_rels/x.rels", b'<R Type="http://x/oleObject" Target="http://e" '
         b'TargetMode="External"/>', "a part that is loaded from elsewhere"),
    ],
)  # fmt: skip
def test_active_content_is_told_and_read_all_the_same(
    tmp_path: Path, part: str, content: bytes, finding: str
) -> None:
    heard = Heard()
    found = scanned(workbook(tmp_path, {part: content}), heard)
    assert found["clean"] is True
    assert {"finding": finding} in [notice.facts for notice in heard.notices]
    assert any(entry["where"] == part for entry in found["findings"])


def test_ordinary_files_have_no_findings(tmp_path: Path) -> None:
    heard = Heard()
    for path in (table(tmp_path, TABLE), workbook(tmp_path)):
        found = scanned(path, heard)
        assert found["findings"] == []
        assert found["rules"] > 10
        assert found["engine"].startswith("yara-x ")
    assert heard.notices == []


@pytest.mark.parametrize(
    "content",
    [
        b"MZ,Payee\nThis program cannot be run in DOS mode,1\n",
        b"CWS,FWS\n1,2\n",
        b"Date,Note\n2026-01-02,CreateObject(WScript.Shell) was blocked\n",
        b"Date,Note\n2026-01-02,see $EICAR in the manual\n",
        b"Date,Note\n2026-01-02,powershell course -encore edition\n",
    ],
)
def test_words_about_malware_are_no_malware(tmp_path: Path, content: bytes) -> None:
    assert scanned(table(tmp_path, content))["findings"] == []


def test_a_hyperlink_is_no_active_content(tmp_path: Path) -> None:
    path = tmp_path / "links.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_url(0, 0, "https://example.com/")
    assert scanned(path)["findings"] == []


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    heard = Heard()
    path = table(tmp_path, TABLE)
    scanned(path, heard)
    assert heard.done[-1] == path.stat().st_size


# Bombs


def test_a_workbook_that_unpacks_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"xl/a.bin": bytes(1_000_000), "xl/b.bin": bytes(1_000_000)})
    with pytest.raises(ArchiveBomb) as caught:
        scanned(path, max_unpacked_bytes=1_500_000)
    assert caught.value.facts["measured"] == "more than 2 MB"


def test_a_workbook_that_grows_out_of_proportion_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"xl/sharedStrings2.xml": bytes(40 * 1024 * 1024)})
    with pytest.raises(ArchiveBomb) as caught:
        scanned(path)
    assert caught.value.facts["limit"] == "100 times"


def test_sizes_that_the_directory_claims_are_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"xl/big.bin": bytes(40 * 1024 * 1024)})
    data = bytearray(path.read_bytes())
    true_size = (40 * 1024 * 1024).to_bytes(4, "little")
    assert data.count(true_size) == 2  # local header and directory
    path.write_bytes(bytes(data.replace(true_size, (1000).to_bytes(4, "little"))))
    with pytest.raises(ArchiveBomb):
        scanned(path)


def test_archives_in_archives_end_at_a_depth(tmp_path: Path) -> None:
    deep = packed(packed(packed(b"deeper")))
    with pytest.raises(ArchiveBomb) as caught:
        scanned(workbook(tmp_path, {"xl/embeddings/a.zip": deep}))
    assert caught.value.facts["measured"] == "archives inside archives, 3 levels deep"


def test_a_sheet_of_two_cells_far_apart_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write("A1", 1)
        sheet.write("XFD1048576", 2)
    with pytest.raises(ArchiveBomb) as caught:
        scanned(path)
    assert caught.value.facts["measured"] == "a sheet of 17,179,869,184 cells"


def test_a_part_that_does_not_inflate_is_damage(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"xl/a.bin": zlib.compress(bytes(range(256))) * 50})
    data = bytearray(path.read_bytes())
    at = data.index(b"xl/a.bin") + len(b"xl/a.bin")
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedFile):
        scanned(path)


# Formula cells

TOLD = [
    b"a,b\n=1+1,2\n",
    b"a,b\n1,\"=cmd|'/C calc'!A0\"\n",
    b"a,b\n1,+cmd|' /C calc'!A0\n",
    b"a;b\n1;@SUM(1+9)*cmd|' /C calc'!A0\n",
    b"a,b\n1,-2+3+cmd|' /C calc'!A0\n",
    b"a\tb\n1\t=A1\n",
    b"a,b\n1,\t=SUM(A1)\n",
    b"a,b\n1, =1+2\n",
    b'a,b\n1,"=HYPERLINK(""http://x"")"\n',
    b"a,b\n1,-SUM(A1)\n",
    b"a,b\n1,=-1+2\n",
]
LEFT_ALONE = [
    b"a,b\n-5,-3.20\n",
    b"a,b\n+49 170 1234567,+5257,28\n",
    b'a,b\n="0123",1\n',
    b'a,b\n"=""0123""",1\n',
    b"a,b\n@bob,mail@example.com\n",
    b"a,b\nx=y,1 = 1\n",
    b"a,b\n==,=\n",
    b"a,b\n-,+\n",
    b"a,b\nhello =SUM(1),1\n",
    b"a,b\n-12.50 (fee),- Miete (Jan)\n",
    b"a,b\n+49(0)30 1234,https://x.example/?a=b\n",
]


def count(content: bytes, block: int) -> FormulaCounter:
    counter = FormulaCounter()
    for at in range(0, len(content), block):
        counter.feed(content[at : at + block])
    counter.end()
    return counter


@pytest.mark.parametrize("block", [1, 7, 4096])
@pytest.mark.parametrize("content", TOLD)
def test_formula_cells_are_counted_with_their_line(content: bytes, block: int) -> None:
    counter = count(content, block)
    assert (counter.cells, counter.first_line) == (1, 2)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_a_long_cell_is_judged_by_its_beginning_and_once(block: int) -> None:
    content = b"a,b\n" + b"x" * 300 + b" =1+1\n" + b"=1+1 " + b"y" * 300 + b" =2+2\n"
    counter = count(content, block)
    assert (counter.cells, counter.first_line) == (1, 3)


@pytest.mark.parametrize("content", LEFT_ALONE)
def test_signs_phone_numbers_and_wrapped_text_are_no_formulas(content: bytes) -> None:
    assert count(content, 4096).cells == 0


@given(
    parts=st.lists(st.sampled_from([b"=1+1", b"plain", b"-5", b"x" * 600]), max_size=40),
    block=st.integers(1, 700),
)
def test_the_count_does_not_depend_on_where_blocks_end(parts: list[bytes], block: int) -> None:
    content = b"\n".join(b"1," + part for part in parts) + b"\n"
    counter = count(content, block)
    assert counter.cells == parts.count(b"=1+1")
    if counter.cells:
        assert counter.first_line == parts.index(b"=1+1") + 1


def test_formulas_in_a_table_are_told_and_not_refused(tmp_path: Path) -> None:
    heard = Heard()
    found = scanned(table(tmp_path, TABLE + b"=1+1,x,1\n2026-01-02,=A1,2\n"), heard)
    assert found["clean"] is True
    assert heard.facts("formula_cells") == {"cells": 2, "line": 52}


def test_formulas_are_found_in_utf_16_too(tmp_path: Path) -> None:
    heard = Heard()
    scanned(table(tmp_path, "Date,Payee\n2026-01-02,=A1\n".encode("utf-16")), heard)
    assert heard.codes == ["formula_cells"]


# Formulas of a workbook


@pytest.mark.parametrize("cell", [c for content in TOLD for c in content[4:-1].decode().split(",")])
def test_the_quick_look_at_many_cells_misses_none(cell: str) -> None:
    cell = cell.strip('"').replace('""', '"')
    assert may_hold_formulas([["-3.20", "x"], ["", cell]]) or not is_formula(cell)


def test_ordinary_cells_need_no_close_look() -> None:
    assert not may_hold_formulas([["2026-01-02", "A=B", "", "-3.20"], ["+5257,28", "x@y", "-5"]])


def test_formulas_without_a_stored_result_are_counted_over_all_sheets(tmp_path: Path) -> None:
    heard = Heard()
    path = tmp_path / "formulas.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for _ in range(2):
            sheet = book.add_worksheet()
            sheet.write_formula("A1", "=1+1", None, 2)
            sheet.write_formula("A2", '="x"', None, "x")
            sheet.write_formula("A3", "=1+1", None, "")
            sheet.write_string("A4", "=1+1")
    scanned(path, heard)
    assert [(n.code, n.facts) for n in heard.notices] == [("formulas_without_result", {"cells": 2})]


UNVALUED = [
    b'<c r="A1"><f>1+1</f><v></v></c>',
    b'<c r="A1" s="1"><f>SUM(A2:A3)</f><v /></c>',  # as openpyxl writes it
    b'<c r="A1"><f t="shared" si="0"/></c>',
    b"<c><f>1&lt;2</f></c>",
    b'<x:c r="A1">\n <x:f>1+1</x:f>\n</x:c>',
    b"<c><f>" + b"1+" * 4000 + b"1</f></c>",
]
VALUED = [
    b'<c r="A1"><f>1+1</f><v>2</v></c>',
    b'<c r="A1" t="str"><f>IF(B1,B2,"")</f><v></v></c>',  # its result is an empty text
    b'<c r="A1"/>',
    b'<c r="A1"><v>1</v></c>',
    b"<c:cat><c:f>Sheet1!$A$1</c:f></c:cat>",  # of a chart
]


def unvalued(content: bytes, block: int) -> int:
    counter = UnvaluedCounter()
    for at in range(0, len(content), block):
        counter.feed(content[at : at + block])
    return counter.cells


@pytest.mark.parametrize("block", [1, 7, 4096, 1 << 20])
def test_a_formula_without_a_value_is_known_wherever_blocks_end(block: int) -> None:
    content = b"<row>".join([*UNVALUED[:-1], *VALUED])
    assert unvalued(content, block) == len(UNVALUED) - 1


@pytest.mark.parametrize("cell", UNVALUED)
def test_every_way_to_write_a_formula_without_a_value_is_known(cell: bytes) -> None:
    content = b"<row>" + cell + b"</row>" + b" " * 50_000
    assert unvalued(content, 5000) == unvalued(content, 1 << 20) == 1


@pytest.mark.parametrize("piece", [b"<c ", b"<c><f>", b"<c><f/>", b"<c><f>" + b"x" * 8999, b"<c> "])
def test_xml_that_is_made_to_be_slow_is_not(piece: bytes) -> None:
    before = time.process_time()
    assert unvalued(piece * (4_000_000 // len(piece)), 1 << 20) == 0
    assert time.process_time() - before < 2


# Memory

PEAK_OF_SCAN = """
import sys
from pathlib import Path
from app.reading import sheets
from app.reading.scan import scan
from tests.readers import Heard, task_for

scan(task_for(Path(sys.argv[1]), "csv"), Heard())
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_large_file_is_scanned_in_flat_memory(tmp_path: Path) -> None:
    path = table(tmp_path, TABLE)
    with path.open("r+b") as stream:
        stream.truncate(256 * 1024 * 1024)  # a hole
    told = subprocess.run(
        [sys.executable, "-c", PEAK_OF_SCAN, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert int(told.stdout) < 200 * 1024  # KiB, most of it imports


@given(content=st.binary(max_size=2000).map(lambda tail: TABLE + tail))
def test_any_text_is_scanned_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = table(tmp_path_factory.getbasetemp(), content)
    try:
        found = scan(task_for(path, "csv"), Heard())
    except AppError as refused:
        assert refused.code == "malware_found"  # noqa: PT017
    else:
        assert found["clean"]


REFERENCES = st.lists(
    st.sampled_from(
        [" r", "\tr", "=", " ", '"', "'", "A", "AB", "XFD", "7", "99999", "100000", "1048576", "<c"]
    ),
    max_size=12,
).map("".join)


@given(REFERENCES)
def test_the_quick_look_at_places_finds_what_the_close_one_does(text: str) -> None:
    seen = pl.Series([text])
    columns = sheets.COLUMN.findall(text.encode())
    rows = [int(row) for row in sheets.ROW.findall(text.encode())]
    if any(sheets.column_number(column) > sheets.NARROW for column in columns):
        assert seen.str.contains(sheets.WIDE)[0]
    if any(row > sheets.LOW for row in rows):
        assert seen.str.contains(sheets.TALL)[0]


@pytest.mark.parametrize(
    "cells", ["<c><v>1</v></c>", "<c\n><v>1</v></c>", "<x:c s='1'/>", "<c s='1' t='n'><v>1</v></c>"]
)
def test_cells_without_a_place_are_counted(cells: str) -> None:
    extent = sheets.SheetExtent("wide.xlsx")
    with pytest.raises(ArchiveBomb):
        for _ in range(200):
            extent.feed(b"<row>" + cells.encode() * 16_000 + b"</row>" + b"<row/>" * 5000)
