"""Files as nobody should send them, made small; and the code that each is told with."""

import io
import random
import struct
import zipfile
from dataclasses import dataclass

import xlsxwriter

# Put together here, so that no scanner takes this file for the test file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
HEADER = b"Date,Description,Amount\n"
ROW = b"2026-01-02,Coffee House,-3.20\n"

# The limits of the server that the files below are made for.
LIMITS = {"max_rows": 1000, "max_columns": 500, "max_line_bytes": 128 * 1024}


@dataclass(frozen=True)
class Bad:
    """A file that is refused, or read with a warning, under `code`."""

    filename: str
    content: bytes
    code: str


def table(rows: int = 3, header: bytes = HEADER) -> bytes:
    """Return a bank export with rows that differ."""
    lines = (b"2026-01-%02d,Shop %d,-%d.20\n" % (n % 28 + 1, n, n % 90 + 1) for n in range(rows))
    return header + b"".join(lines)


def workbook(*sheets: list[list[str]]) -> bytes:
    """Return an xlsx with these sheets; one small table when none is given."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"strings_to_formulas": False}) as book:
        for rows in sheets or (
            [["Date", "Description", "Amount"], ["2026-01-02", "Tea", "-2.10"]],
        ):
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return made.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """Return the zip `content` with one more part."""
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, part)
    return made.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def locked_workbook() -> bytes:
    """Return a workbook as Excel saves it with a password: an OLE container of two streams.

    Source: MS-CFB 2.2 to 2.6 for the container, MS-OFFCRYPTO 1.3 for the streams' names.
    """
    end, free, fat_sector = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    package = random.Random(7).randbytes(5120)  # ten sectors, from the third on
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, 1, 1, 0, 4096, end, 0, end, 0, 0,
    )  # fmt: skip
    fat = [fat_sector, end, *range(3, 12), end]
    return b"".join(
        [
            header + struct.pack("<108I", *[free] * 108),
            struct.pack("<128I", *fat, *[free] * (128 - len(fat))),
            _ole_entry("Root Entry", 5, end, 0, child=1),
            _ole_entry("EncryptedPackage", 2, 2, len(package), left=2),
            _ole_entry("EncryptionInfo", 2, end, 0),
            bytes(128),
            package,
        ]
    )


def _ole_entry(
    name: str, kind: int, sector: int, size: int, *, left: int = -1, child: int = -1
) -> bytes:
    """Return one of the four entries of a directory sector."""
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack(
        "<64sHBBiii16sIQQIQ", text, len(text), kind, 1, left, -1, child, b"", 0, 0, 0, sector, size
    )


def bomb(megabytes: int) -> bytes:
    """Return a part of a workbook that packs to a thousandth."""
    return b"<row/>" * (megabytes * 1024 * 1024 // 6)


NOISE = random.Random(1).randbytes(20_000)
WIDE = ",".join(f"c{number}" for number in range(10_000)).encode()
FORMULA = "=cmd|' /C calc'!A0"
LATIN = "2026-01-04,Café Müller,-4.10\n"

REFUSED = {
    "empty file": Bad("empty.csv", b"", "empty_file"),
    "nothing but blanks": Bad("blank.csv", b"\xef\xbb\xbf \r\n\r\n", "empty_file"),
    "header only": Bad("header.csv", HEADER, "no_rows"),
    "workbook with a header only": Bad(
        "header.xlsx", workbook([["Date", "Description", "Amount"]]), "no_rows"
    ),
    "empty workbook": Bad("empty.xlsx", workbook([]), "not_a_table"),
    "binary named csv": Bad("noise.csv", NOISE, "disguised_file"),
    "photo named csv": Bad("scan.csv", b"\0\0\0\x18ftypheic" + NOISE, "disguised_file"),
    "photo of another format": Bad("a.heic", b"\0\0\0\x18ftypheic" + NOISE, "unsupported_type"),
    "nothing but NUL bytes": Bad("nul.csv", bytes(300_000), "disguised_file"),
    "long line": Bad("line.csv", b"x" * 200_000, "line_too_long"),
    "long line far down": Bad("deep.csv", table(500) + b"y" * 200_000 + b"\n", "line_too_long"),
    "10,000 columns": Bad("wide.csv", WIDE + b"\n" + WIDE + b"\n", "too_many_columns"),
    "too many rows": Bad("long.csv", table(1001), "too_many_rows"),
    "damaged workbook": Bad("half.xlsx", workbook()[:3000], "damaged_file"),
    "workbook with a password": Bad("secret.xlsx", locked_workbook(), "password_protected"),
    "xlsx bomb": Bad(
        "bomb.xlsx", with_part(workbook(), "xl/worksheets/sheet9.xml", bomb(24)), "archive_bomb"
    ),
    "archives in archives": Bad(
        "nest.xlsx",
        with_part(workbook(), "xl/a.zip", zipped("b.zip", zipped("c.zip", EICAR))),
        "archive_bomb",
    ),
    "zip bomb": Bad("bomb.zip", zipped("rows.csv", bomb(24)), "archive_bomb"),
    "archives in archives in an archive": Bad(
        "deep.zip", zipped("a.zip", zipped("b.zip", zipped("c.csv", b"x"))), "archive_bomb"
    ),
    "archive without a file": Bad("none.zip", zipped("__MACOSX/._x", b"x"), "empty_file"),
    "zip bomb named xlsx": Bad("rows.xlsx", zipped("rows.csv", bomb(24)), "archive_bomb"),
    "malware": Bad("eicar.csv", EICAR + b"\n", "malware_found"),
    "malware behind rows": Bad("rows.csv", table() + EICAR + b"\n", "malware_found"),
    "malware in a workbook": Bad(
        "eicar.xlsx", with_part(workbook(), "xl/media/image1.png", EICAR), "malware_found"
    ),
}

WARNED = {
    "NUL bytes": Bad("nuls.csv", table() + b"2026-01-04,Ta\0xi,-9.90\n", "nul_bytes"),
    "mixed encodings": Bad(
        "mixed.csv",
        table() + LATIN.encode() + LATIN.encode("latin-1").replace(b"-4.10", b"-4.20"),
        "mixed_encodings",
    ),
    "an old encoding": Bad("latin.csv", table() + LATIN.encode("latin-1"), "guessed_encoding"),
    "a quote that never closes": Bad(
        "quote.csv", table(9) + b'2026-01-05,"5 inch nail,-7.00\n' + table(40, b""), "open_quotes"
    ),
    "duplicate headers": Bad(
        "twice.csv",
        b"Date,Description,Description,Amount\n2026-01-02,Rent,March,-900.00\n",
        "duplicate_headers",
    ),
    "no header": Bad("bare.csv", table(header=b""), "no_header"),
    "formula injection": Bad(
        "formula.csv",
        table() + b"2026-01-05,=HYPERLINK(\"http://example.com\"),-1.00\n"
        b"2026-01-06,@SUM(1+1)*cmd|'/C calc'!A0,-1.00\n",
        "formula_cells",
    ),
    "formula injection in a workbook": Bad(
        "formula.xlsx",
        workbook([["Date", "Description", "Amount"], ["2026-01-07", FORMULA, "-20.00"]]),
        "formula_cells",
    ),
    "formulas that were never computed": Bad(
        "bare.xlsx",
        with_part(workbook(), "xl/worksheets/sheet9.xml", b'<c r="A1"><f>1+1</f><v/></c>'),
        "formulas_without_result",
    ),
    "macros": Bad(
        "macro.xlsx", with_part(workbook(), "xl/vbaProject.bin", b"\0" * 100), "active_content"
    ),
    "workbook named csv": Bad("book.csv", workbook(), "extension_mismatch"),
    "two sheets": Bad(
        "sheets.xlsx",
        workbook(
            [["Date", "Description", "Amount"], ["2026-01-07", "Train", "-20.00"]],
            [["Note"], ["nothing here"]],
        ),
        "other_sheets",
    ),
    "ragged rows": Bad("ragged.csv", table() + b"never,a,b,c,d\n", "rejected_rows"),
    "one row of 9,000 cells": Bad(
        "spill.csv", table(20) + b"x," * 9000 + b"\n" + table(9, header=b""), "rejected_rows"
    ),
    "dates either way": Bad(
        "dates.csv", HEADER + b"01/02/2026,Tea,-2.00\n03/04/2026,Tea,-2.50\n", "ambiguous_dates"
    ),
    "amounts either way": Bad(
        "marks.csv", b"Date;Text;Amount\n2026-01-02;Tea;1,234\n2026-01-03;Tea;2,345\n",
        "ambiguous_decimals",
    ),
    "no amounts": Bad("people.csv", b"Name,Town\nAnn,Berlin\nBob,Paris\n", "no_amounts"),
}  # fmt: skip
