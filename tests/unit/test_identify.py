"""Claims about what a file is taken for, whatever its name says."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from app.core.asking import Asking
from app.core.errors import AppError
from app.core.unreadable import (
    ArchiveBomb,
    DamagedFile,
    DisguisedFile,
    EmptyFile,
    PasswordProtected,
    UnsupportedType,
)
from app.reading.identify import identify
from app.reading.magic import READABLE
from tests.readers import Heard, task_for
from tests.samples import sample

TABLE = b"Date,Payee,Amount\n2026-01-02,Shop,-3.20\n2026-01-03,Bar,-5.00\n"
PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 200 + b"PE\0\0"


def found_in(folder: Path, content: bytes, name: str, heard: Heard | None = None) -> dict[str, Any]:
    path = folder / "stored-by-its-hash"
    path.write_bytes(content)
    return identify(task_for(path, "unknown", filename=name), heard or Heard())


def workbook(folder: Path) -> bytes:
    path = folder / "made.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_row(0, 0, ["Date", "Amount"])
    return path.read_bytes()


def zipped(folder: Path, *names: str) -> bytes:
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet")
    return path.read_bytes()


@pytest.mark.parametrize("name", ["export.csv", "export.txt", "EXPORT.CSV", "export", "kta.dat"])
def test_a_text_table_is_csv_under_any_usual_name(tmp_path: Path, name: str) -> None:
    heard = Heard()
    assert found_in(tmp_path, TABLE, name, heard)["kind"] == "csv"
    assert heard.codes == []


def test_tabs_make_it_tsv(tmp_path: Path) -> None:
    found = found_in(tmp_path, TABLE.replace(b",", b"\t"), "export.csv")
    assert (found["kind"], found["media_type"]) == ("tsv", "text/tab-separated-values")


def test_a_workbook_named_csv_is_read_as_a_workbook_and_told(tmp_path: Path) -> None:
    heard = Heard()
    found = found_in(tmp_path, workbook(tmp_path), "export.csv", heard)
    assert (found["kind"], found["label"]) == ("xlsx", "Excel")
    assert heard.facts("extension_mismatch")["found"] == "an Excel workbook"


def test_a_table_named_like_a_spreadsheet_is_read_and_told(tmp_path: Path) -> None:
    heard = Heard()
    assert found_in(tmp_path, TABLE, "export.xls", heard)["kind"] == "csv"
    assert heard.codes == ["extension_mismatch"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PROGRAM, "a Windows program"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 60, "a Linux program"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 60, "a photo in HEIC format"),
        (gzip.compress(TABLE, mtime=0), "a gzip archive"),
        (b"SQLite format 3\0" + b"\0" * 80, "an SQLite database"),
        (bytes(range(256)) * 8, "binary data of an unknown kind"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "a web page"),
        (b"#!/bin/sh\nrm -rf /\n", "a script"),
    ],
)
def test_what_is_named_csv_and_is_none_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, found: str
) -> None:
    with pytest.raises(DisguisedFile) as caught:
        found_in(tmp_path, content, "export.csv")
    assert caught.value.facts["found"] == found
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (b"\0\0\0\x18ftypheic" + b"\0" * 60, "receipt.heic", "a photo in HEIC format"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 60, "receipt.avif", "a photo in AVIF format"),
        (b"# Notes\n\nSome words, and then some more.\n", "notes.md", "plain text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old", "an old Office file"),
    ],
)
def test_an_honest_file_of_another_kind_is_refused_for_its_kind(
    tmp_path: Path, content: bytes, name: str, found: str
) -> None:
    with pytest.raises(UnsupportedType) as caught:
        found_in(tmp_path, content, name)
    assert caught.value.facts["found"] == found


@pytest.mark.parametrize(
    ("content", "name", "kind", "media_type"),
    [
        (b"%PDF-1.7\n", "invoice.pdf", "pdf", "application/pdf"),
        (b"\0junk\n%PDF-1.3\n", "invoice.pdf", "pdf", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "receipt.png", "image", "image/png"),
        (b"\xff\xd8\xff\xe0\0", "receipt.jpg", "image", "image/jpeg"),
        (b"II*\0" + b"\0" * 60, "scan.tif", "image", "image/tiff"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "receipt.webp", "image", "image/webp"),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "scan.bmp", "image", "image/bmp"),
    ],
)
def test_documents_and_images_are_read_by_their_plan(
    tmp_path: Path, content: bytes, name: str, kind: str, media_type: str
) -> None:
    heard = Heard()
    found = found_in(tmp_path, content, name, heard)
    assert (found["kind"], found["media_type"], found["plan"]) == (kind, media_type, "document")
    assert heard.codes == []


def test_a_table_named_like_a_document_goes_by_the_plan_of_tables(tmp_path: Path) -> None:
    heard = Heard()
    assert found_in(tmp_path, TABLE, "statement.pdf", heard)["plan"] == "transactions"
    assert heard.codes == ["extension_mismatch"]


def test_a_document_named_like_a_table_is_read_and_told(tmp_path: Path) -> None:
    heard = Heard()
    assert found_in(tmp_path, b"%PDF-1.7\n1 0 obj\n", "export.csv", heard)["plan"] == "document"
    assert heard.facts("extension_mismatch")["found"] == "a PDF document"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("word/document.xml", "[Content_Types].xml"), "a Word document"),
        (("META-INF/MANIFEST.MF", "A.class"), "a Java program"),
    ],
)
def test_a_zip_is_told_by_what_is_in_it(tmp_path: Path, names: tuple[str, ...], found: str) -> None:
    with pytest.raises(UnsupportedType) as caught:
        found_in(tmp_path, zipped(tmp_path, *names), "thing")
    assert caught.value.facts["found"] == found


def test_old_excel_files_are_told_by_their_streams() -> None:
    found = task_for(sample("calamine/date.xls"))["found"]["initializing_streaming"]
    assert (found["kind"], found["plan"]) == ("xls", "transactions")


CAMT = b"""<?xml version="1.0"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt/></Document>"""
RECORDS = [
    (b'{"a": 1, "b": [1, 2]}', "json", "rows.json"),
    (b'[\n {"a": 1},\n {"a": 2}\n]', "json", "rows.json"),
    (b'{"a": 1}\n{"a": 2}\n', "ndjson", "rows.jsonl"),
    (b'{"a": 1}\n\n{"a": 2}\n', "ndjson", "rows.json"),
    (b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX>", "ofx", "bank.qfx"),
    (b'<?xml version="1.0"?>\n<?OFX OFXHEADER="200"?><OFX>', "ofx", "bank.ofx"),
    (b"!Type:Bank\nD01/02/2026\nT-3.20\n^\n", "qif", "money.qif"),
    (b":20:START\r\n:25:DE123/456\r\n:28C:1/1\r\n", "mt940", "konto.sta"),
    (b"{1:F01X}{4:\r\n:20:START\r\n:25:DE123/456\r\n", "mt940", "konto.txt"),
    (CAMT, "camt", "konto.xml"),
    (CAMT.partition(b"\n")[2], "camt", "konto.xml"),
]


@pytest.mark.parametrize(("content", "kind", "name"), RECORDS)
def test_files_of_records_are_told_by_how_they_begin(
    tmp_path: Path, content: bytes, kind: str, name: str
) -> None:
    heard = Heard()
    found = found_in(tmp_path, content, name, heard)
    assert (found["kind"], found["plan"]) == (kind, "transactions")
    assert heard.codes == []


def test_a_single_line_of_json_is_a_row_where_the_name_says_so(tmp_path: Path) -> None:
    assert found_in(tmp_path, b'{"a": 1}\n', "rows.ndjson")["kind"] == "ndjson"


@pytest.mark.parametrize(("content", "kind", "_name"), RECORDS)
def test_files_of_records_under_a_name_of_another_kind_are_read_and_told(
    tmp_path: Path, content: bytes, kind: str, _name: str
) -> None:
    heard = Heard()
    assert found_in(tmp_path, content, "export.csv", heard)["kind"] == kind
    assert heard.codes == ["extension_mismatch"]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("mimetype", "content.xml"), "ods"),
        (("xl/workbook.bin", "[Content_Types].xml"), "xlsb"),
        (("readme.txt",), "zip"),
    ],
)
def test_workbooks_and_archives_are_told_by_what_is_in_them(
    tmp_path: Path, names: tuple[str, ...], kind: str
) -> None:
    assert found_in(tmp_path, zipped(tmp_path, *names), "thing")["kind"] == kind


def test_a_workbook_with_a_password_is_told_so() -> None:
    for filename in ("", "export.csv"):
        with pytest.raises(Asking) as asking:
            task_for(sample("calamine/pass_protected.xlsx"), filename=filename)
        assert asking.value.unanswered is not None
        assert asking.value.unanswered[0] == PasswordProtected.code


def test_an_opendocument_table_with_a_password_is_told_so_under_any_name(tmp_path: Path) -> None:
    content = sample("calamine/pass_protected.ods").read_bytes()
    for filename in ("01f3", "table.ods"):
        with pytest.raises(PasswordProtected):
            found_in(tmp_path, content, filename)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b" \r\n\t"])
def test_nothing_but_blanks_is_an_empty_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EmptyFile):
        found_in(tmp_path, content, "export.csv")


def test_a_zip_without_its_end_is_damaged(tmp_path: Path) -> None:
    whole = workbook(tmp_path)
    with pytest.raises(DamagedFile):
        found_in(tmp_path, whole[:-200], "export.xlsx")


def test_a_zip_of_too_many_files_is_refused_before_its_directory_is_read(tmp_path: Path) -> None:
    names = [f"xl/worksheets/sheet{n}.xml" for n in range(2500)]
    with pytest.raises(ArchiveBomb) as caught:
        found_in(tmp_path, zipped(tmp_path, *names), "export.xlsx")
    assert caught.value.facts["measured"] == "2,500 files"


def test_a_few_nul_bytes_do_not_make_a_table_binary(tmp_path: Path) -> None:
    assert found_in(tmp_path, TABLE.replace(b"Shop", b"Sh\0p"), "export.csv")["kind"] == "csv"


@pytest.mark.parametrize("word", [b"PAR1", b"ID3", b"OggS", b"MZ", b"BZh"])
def test_a_header_may_begin_with_the_letters_of_a_magic_number(tmp_path: Path, word: bytes) -> None:
    assert found_in(tmp_path, word + b"," + TABLE, "export.csv")["kind"] == "csv"


@given(
    content=st.binary(max_size=3000)
    | st.binary(max_size=600).map(lambda tail: b"PK\x03\x04" + tail)
    | st.binary(max_size=1500).map(lambda tail: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + tail)
    | st.binary(max_size=300).map(lambda tail: b"PK\x03\x04" + tail + b"PK\x05\x06" + b"\0" * 18),
    name=st.sampled_from(["a.csv", "a.xlsx", "a.pdf", "a", "a.xyz"]),
)
def test_any_bytes_are_identified_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    try:
        found = found_in(tmp_path_factory.getbasetemp(), content, name)
    except AppError as refused:
        assert "?" not in str(refused).replace(name, "")  # noqa: PT017
    else:
        assert found["kind"] in READABLE
