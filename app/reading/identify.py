"""What kind of file this is, by what is in it; its name is only compared with that."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from app.core.errors import (
    DisguisedFile,
    EmptyFile,
    PasswordProtected,
    UnsupportedType,
)
from app.core.notices import ExtensionMismatch
from app.core.reading import Task, Tell
from app.reading.containers import (
    OLE_MAGIC,
    Unpacker,
    ole_kind,
    ole_streams,
    zip_kind,
    zip_members,
)
from app.reading.dialect import detect_dialect, sample_lines
from app.reading.encoding import detect_encoding

HEAD_BYTES = 256 * 1024
CLEAR_SCORE = 0.3  # of a dialect; prose with some commas stays below
PROSE_DELIMITERS = " :"  # set cells apart only where the name says so too
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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
WORDLIKE = (b"PAR1", b"OggS", b"ID3", b"fLaC", b"wOFF", b"BZh")  # could begin a table
# Text of a known kind, by how it begins (after blanks).
TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"OFXHEADER\s*:|<\?OFX|<OFX>", re.I), "ofx", "an OFX bank statement"),
    (re.compile(r"<\?xml.{0,600}<(?:\w+:)?OFX", re.I | re.S), "ofx", "an OFX bank statement"),
    (re.compile(r"!(?:Type|Account|Option|Clear)\s*:", re.I), "qif", "a QIF file"),
    (re.compile(r"(?:.{0,400}[\r\n])?:20:.{0,80}[\r\n]+:(?:21|25)|:6[01][FM]?:[CD\d]", re.S),
     "mt940", "an MT940 bank statement"),
    (re.compile(r"<\?xml.{0,900}:camt\.05", re.S), "camt", "a CAMT bank statement"),
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
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "tif", "tiff", "webp"), ("image", "an image")),
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
    "jar": "program", "apk": "program", "camt": "xml",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What the content is: `kind` for programs, `found` for people, `family` of its endings."""

    kind: str
    found: str
    evidence: str

    @property
    def family(self) -> str:
        return FAMILIES.get(self.kind, self.kind)


def identify(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"kind": "csv" | "tsv" | "xlsx", "media_type", "label", "evidence"}.

    Raises EmptyFile, UnsupportedType, DisguisedFile, PasswordProtected, DamagedFile. Warns
    ExtensionMismatch.
    """
    path, filename = Path(task["path"]), task["filename"]
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        if len(head) < HEAD_BYTES:
            raise EmptyFile(filename=filename)
        found = Kind("binary", "nothing but empty bytes", "no content in the first 256 KiB")
    else:
        found = _binary_kind(path, head, task) or _text_kind(head, whole=len(head) < HEAD_BYTES)
    tell(task["size"], task["size"])
    ending = PurePath(filename).suffix.lower().lstrip(".")
    family, claimed = CLAIMS.get(ending, ("", ""))
    if found.kind == "prose" and (family in (TABLE_TEXT, "text") or not ending):
        found = replace(found, kind="csv", found="a table in text (CSV)")
    if found.kind == "text" and (not ending or family in TEXT_FAMILIES):
        found = Kind("csv", "a table in text (CSV)", "lines of text, one value a line")
    if found.kind == "encrypted":
        raise PasswordProtected(filename=filename)
    if found.kind not in {"csv", "tsv", "xlsx"}:
        if family and family not in {found.family, "text"}:
            raise DisguisedFile(filename=filename, claimed=claimed, found=found.found)
        if family == "text" and found.kind in {"binary", "program", "image", "archive"}:
            raise DisguisedFile(filename=filename, claimed=claimed, found=found.found)
        raise UnsupportedType(filename=filename, found=found.found)
    mine = ("sheet",) if found.kind == "xlsx" else (TABLE_TEXT, "text", "")
    if family not in mine and not (found.kind == "xlsx" and not family):
        tell.warn(ExtensionMismatch(claimed=claimed, found=found.found))
    return {
        "kind": found.kind,
        "media_type": {
            "csv": "text/csv",
            "tsv": "text/tab-separated-values",
            "xlsx": XLSX,
        }[found.kind],
        "label": {"csv": "CSV", "tsv": "TSV", "xlsx": "Excel"}[found.kind],
        "evidence": found.evidence,
    }


def _binary_kind(path: Path, head: bytes, task: Task) -> Kind | None:
    """Return what its magic bytes and container say; None for what may be text."""
    for magic, kind, found in MAGIC:
        if head.startswith(magic) and (magic not in WORDLIKE or b"\0" in head[:4096]):
            return Kind(kind, found, f"begins with {magic[:8]!r}")
    if b"%PDF-1." in head[:1024]:
        return Kind("pdf", "a PDF document", "has a PDF header")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(path, task)
    if head.startswith(OLE_MAGIC):
        kind, found = ole_kind(ole_streams(path))
        return Kind(kind, found, "an OLE container with its streams")
    if head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return Kind("image" if head[8:12] == b"WEBP" else "media", "an image, sound or film",
                    "a RIFF container")  # fmt: skip
    if head[4:8] == b"ftyp":
        return Kind("media", "a video or photo", "an ISO media container")
    if head[257:262] == b"ustar":
        return Kind("archive", "a tar archive", "has a tar header")
    if head.startswith(b"MZ") and b"\0" in head[:256]:
        return Kind("program", "a Windows program", "begins with MZ and holds a program header")
    return None


def _zip(path: Path, task: Task) -> Kind:
    filename = task["filename"]
    with path.open("rb") as stream:
        members = zip_members(stream, filename)
        mimetype = ""
        for member in members:
            if member.name == "mimetype" and not member.encrypted:
                blocks = Unpacker(filename, task["limits"]).blocks(stream, member)
                mimetype = next(blocks, b"")[:200].decode("ascii", "replace")
    kind, found = zip_kind({member.name for member in members}, mimetype)
    if kind == "xlsx" and any(member.encrypted for member in members):
        raise PasswordProtected(filename=filename)
    return Kind(kind, found, f"a zip container with {len(members):,} parts, as {found} has")


def _text_kind(head: bytes, *, whole: bool) -> Kind:
    encoding = detect_encoding(head, whole=whole)
    text = head[encoding.bom :].decode(encoding.name, "replace")
    if not _is_text(text):
        return Kind("binary", "binary data of an unknown kind", "holds bytes that are no letters")
    start = text.lstrip("\ufeff \t\r\n\0")
    for pattern, kind, found in TEXTS:
        if pattern.match(start):
            return Kind(kind, found, f"begins with {start[:20]!r}")
    if start[:1] in "[{" and whole and _is_json(text):
        return Kind("json", "a JSON file", "parses as JSON")
    dialect = detect_dialect(sample_lines(text, whole=whole))
    if dialect.delimiter == "\t" and dialect.score:
        return Kind("tsv", "a table set apart by tabs (TSV)", "lines of cells, set apart by tabs")
    if not dialect.score:
        return Kind("text", "plain text", "text without cells")
    evidence = f"lines of cells, set apart by {dialect.delimiter!r}"
    if dialect.score < CLEAR_SCORE or dialect.delimiter in PROSE_DELIMITERS:
        return Kind("prose", "plain text", evidence)
    return Kind("csv", "a table in text (CSV)", evidence)


def _is_text(text: str) -> bool:
    """A few NUL bytes and stray control characters happen in exports; more is no text."""
    sample = text[:65_536]
    odd = sum(1 for c in sample if c < " " and c not in "\t\n\r\f\x1a\x1b")
    nuls = sample.count("\0")
    return odd - nuls <= len(sample) * 0.01 + 1 and nuls <= len(sample) * 0.2


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
