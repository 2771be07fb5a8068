"""What files begin with, what their names promise, and which kinds can be read."""

import re
from typing import NamedTuple

from app.core.plans import ARCHIVE, DOCUMENT, INVOICE, TRANSACTIONS


class Readable(NamedTuple):
    """A kind of file that is read: what it is called, and the plan that reads it.

    families  what an honest name for it may promise, besides nothing
    """

    media_type: str
    label: str
    families: tuple[str, ...]
    plan: str = TRANSACTIONS.name


# Magic bytes that do not occur at the start of text.
MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "pdf", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "image", "a PNG image"),
    (b"\xff\xd8\xff", "image", "a JPEG image"),
    (b"GIF87a", "image", "a GIF image"),
    (b"GIF89a", "image", "a GIF image"),
    (b"II*\x00", "image", "a TIFF image"),
    (b"MM\x00*", "image", "a TIFF image"),
    (b"\x7fELF", "program", "a Linux program"),
    (b"\xfe\xed\xfa\xce", "program", "a macOS program"),
    (b"\xfe\xed\xfa\xcf", "program", "a macOS program"),
    (b"\xcf\xfa\xed\xfe", "program", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "program", "a Java or macOS program"),
    (b"\x00asm", "program", "a WebAssembly program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "program", "a Windows shortcut"),
    (b"\x1f\x8b", "archive", "a gzip archive"),
    (b"BZh", "archive", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "archive", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "archive", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "archive", "a RAR archive"),
    (b"MSCF\x00\x00\x00\x00", "archive", "a Windows cabinet"),
    (b"SQLite format 3\x00", "database", "an SQLite database"),
    (b"PAR1", "data", "a Parquet file"),
    (b"OggS", "media", "an audio or video file"),
    (b"ID3", "media", "an MP3 file"),
    (b"fLaC", "media", "a FLAC file"),
    (b"\x1a\x45\xdf\xa3", "media", "a Matroska video"),
    (b"wOFF", "data", "a font"),
    (b"{\\rtf", "document", "an RTF document"),
    (b"%!PS", "document", "a PostScript document"),
)
BITMAP_HEADERS = (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")  # their sizes
PHOTO_BRANDS = {
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), "a photo in HEIC format"
    ),
    **dict.fromkeys((b"avif", b"avis"), "a photo in AVIF format"),
}
WORDLIKE = (b"PAR1", b"OggS", b"ID3", b"fLaC", b"wOFF", b"BZh")  # could begin a table
# Text of a known kind, by how it begins (after blanks).
TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"OFXHEADER\s*:|<\?OFX|<OFX>", re.I), "ofx", "an OFX bank statement"),
    (re.compile(r"<\?xml.{0,600}<(?:\w+:)?OFX", re.I | re.S), "ofx", "an OFX bank statement"),
    (re.compile(r"!(?:Type|Account|Option|Clear)\s*:", re.I), "qif", "a QIF file"),
    (re.compile(r"(?:.{0,400}[\r\n])?:20:.{0,80}[\r\n]+:(?:21|25)|:6[01][FM]?:[CD\d]", re.S),
     "mt940", "an MT940 bank statement"),
    (re.compile(r"<\?xml.{0,900}:camt\.05[234]", re.S), "camt", "a CAMT bank statement"),
    (re.compile(r"<(?:\w+:)?Document\s[^>]{0,900}:camt\.05[234]"), "camt", "a CAMT bank statement"),
    (re.compile(r"<(?:\?xml.{0,20000}?<)?(?:\w+:)?(?:CrossIndustryInvoice|CrossIndustryDocument)\b",
                re.S), "einvoice", "an e-invoice"),
    (re.compile(r"<(?:\?xml.{0,20000}?<)?(?:\w+:)?(?:Invoice|CreditNote)\s[^>]{0,2000}"
                r":ubl:schema:xsd:(?:Invoice|CreditNote)-2", re.S), "einvoice", "an e-invoice"),
    (re.compile(r"<\?xml.{0,300}progid=\"Excel", re.S), "xml", "an Excel 2003 XML file"),
    (re.compile(r"<!doctype html|<html|<table", re.I), "html", "a web page"),
    (re.compile(r"<\?php", re.I), "script", "a PHP script"),
    (re.compile(r"<\?xml|<[a-z][\w:.-]*(?:\s[^<>]*)?>", re.I), "xml", "an XML file"),
    (re.compile(r"#!\s*/"), "script", "a script"),
    (re.compile(r"@echo off", re.I), "script", "a Windows batch script"),
    (re.compile(r"-----BEGIN [A-Z ]+-----"), "key", "a key or certificate"),
    (re.compile(r"\[\s*\{\s*\"|\{\s*\"(?:[^\"\\]|\\.)*\"\s*:"), "json", "a JSON file"),
)  # fmt: skip

# What a name's ending claims: its family and what a person calls it.
TABLE_TEXT = "table"
TEXT_FAMILIES = (TABLE_TEXT, "text", "program")  # the scan has a word to say on the last
CLAIMS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("csv", "tsv", "tab", "psv"), (TABLE_TEXT, "a table in text (CSV)")),
    **dict.fromkeys(("txt", "dat", "asc"), ("text", "text")),
    **dict.fromkeys(("xlsx", "xlsm"), ("sheet", "an Excel workbook")),
    **dict.fromkeys(("xls", "xlsb", "ods", "numbers"), ("sheet", "a spreadsheet")),
    "pdf": ("pdf", "a PDF document"),
    **dict.fromkeys(
        ("png", "jpg", "jpeg", "gif", "tif", "tiff", "webp", "bmp"), ("image", "an image")
    ),
    **dict.fromkeys(("heic", "heif", "avif"), ("photo", "a photo (HEIC)")),
    **dict.fromkeys(("json", "jsonl", "ndjson"), ("json", "a JSON file")),
    **dict.fromkeys(("ofx", "qfx"), ("ofx", "an OFX bank statement")),
    "qif": ("qif", "a QIF file"),
    **dict.fromkeys(("sta", "mt940", "940"), ("mt940", "an MT940 bank statement")),
    "xml": ("xml", "an XML file"),
    **dict.fromkeys(("html", "htm"), ("html", "a web page")),
    **dict.fromkeys(("zip", "gz", "7z", "rar"), ("archive", "an archive")),
    **dict.fromkeys(("doc", "docx", "odt", "rtf"), ("document", "a document")),
    **dict.fromkeys(("exe", "dll", "com", "scr", "jar", "apk"), ("program", "a program")),
}
FAMILIES = {
    "xlsx": "sheet", "xls": "sheet", "xlsb": "sheet", "ods": "sheet", "numbers": "sheet",
    "docx": "document", "doc": "document", "odf": "document", "zip": "archive",
    "jar": "program", "apk": "program", "camt": "xml", "einvoice": "xml", "ndjson": "json",
}  # fmt: skip

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
READABLE: dict[str, Readable] = {
    "csv": Readable("text/csv", "CSV", (TABLE_TEXT, "text")),
    "tsv": Readable("text/tab-separated-values", "TSV", (TABLE_TEXT, "text")),
    "xlsx": Readable(XLSX, "Excel", ("sheet",)),
    "xls": Readable("application/vnd.ms-excel", "Excel (old)", ("sheet",)),
    "xlsb": Readable("application/vnd.ms-excel.sheet.binary.macroenabled.12", "Excel", ("sheet",)),
    "ods": Readable(
        "application/vnd.oasis.opendocument.spreadsheet", "OpenDocument table", ("sheet",)
    ),
    "ofx": Readable("application/x-ofx", "OFX", ("ofx", "text", "xml")),
    "qif": Readable("application/x-qif", "QIF", ("qif", "text")),
    "mt940": Readable("application/x-mt940", "MT940", ("mt940", "text")),
    "camt": Readable("application/xml", "CAMT", ("xml", "text")),
    "json": Readable("application/json", "JSON", ("json", "text")),
    "ndjson": Readable("application/x-ndjson", "JSON lines", ("json", "text")),
    "zip": Readable("application/zip", "ZIP archive", ("archive",), ARCHIVE.name),
    "einvoice": Readable("application/xml", "E-invoice", ("xml", "text"), INVOICE.name),
    "pdf": Readable("application/pdf", "PDF", ("pdf",), DOCUMENT.name),
    "image": Readable("image/*", "Image", ("image",), DOCUMENT.name),
}
IMAGE_TYPES = {
    "a PNG image": "image/png",
    "a JPEG image": "image/jpeg",
    "a GIF image": "image/gif",
    "a TIFF image": "image/tiff",
    "a WebP image": "image/webp",
    "a BMP image": "image/bmp",
}
