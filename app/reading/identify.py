"""What kind of file this is, by what is in it; its name is only compared with that."""

import json
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from app.core.notices import ExtensionMismatch
from app.core.plans import TRANSACTIONS
from app.core.plugins import FOREIGN, Part
from app.core.reading import Task, Tell
from app.core.unreadable import (
    DisguisedFile,
    EmptyFile,
    PasswordProtected,
    UnsupportedType,
)
from app.reading.containers import (
    OLE_MAGIC,
    is_locked_opendocument,
    look_into_zip,
    ole_kind,
    ole_streams,
)
from app.reading.dialect import detect_dialect, sample_lines
from app.reading.encoding import detect_encoding
from app.reading.magic import (
    BITMAP_HEADERS,
    CLAIMS,
    FAMILIES,
    IMAGE_TYPES,
    MAGIC,
    PHOTO_BRANDS,
    READABLE,
    TABLE_TEXT,
    TEXT_FAMILIES,
    TEXTS,
    WORDLIKE,
)
from app.reading.unlocked import unlock

HEAD_BYTES = 256 * 1024
CLEAR_SCORE = 0.3  # of a dialect; prose with some commas stays below
LINES_OF_JSON = ("jsonl", "ndjson")
PROSE_DELIMITERS = " :"  # set cells apart only where the name says so too


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
    """Return {"kind": one of READABLE, "media_type", "label", "evidence", "plan"}.

    locked  there, and true, where a password opened it: see reading/unlocked
    plan  the name of the plan that reads such files
    read_by  there, and the key of a plugin's reader, where one reads it: its kind is FOREIGN

    Raises EmptyFile, UnsupportedType, DisguisedFile, PasswordProtected, DamagedFile. Warns
    ExtensionMismatch.
    """
    path, filename = Path(task["path"]), task["filename"]
    ending = PurePath(filename).suffix.lower().lstrip(".")
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head and (reader := claimed_by(task, ending, head)) is not None:
        return _foreign(reader)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        if len(head) < HEAD_BYTES:
            raise EmptyFile(filename=filename)
        found = Kind("binary", "nothing but empty bytes", "no content in the first 256 KiB")
    else:
        found = _binary_kind(path, head, task) or _text_kind(head, whole=len(head) < HEAD_BYTES)
    tell(task["size"], task["size"])
    family, claimed = CLAIMS.get(ending, ("", ""))
    if found.kind == "prose" and (family in (TABLE_TEXT, "text") or not ending):
        found = replace(found, kind="csv", found="a table in text (CSV)")
    if found.kind == "text" and (not ending or family in TEXT_FAMILIES):
        found = Kind("csv", "a table in text (CSV)", "lines of text, one value a line")
    if found.kind == "json" and ending in LINES_OF_JSON:  # one line is a table of one row
        found = replace(found, kind="ndjson")
    is_locked = found.kind == "encrypted"
    if is_locked:
        found = _unlocked_kind(task)
    readable = READABLE.get(found.kind)
    if readable is None:
        if family and family not in {found.family, "text"}:
            raise DisguisedFile(filename=filename, claimed=claimed, found=found.found)
        if family == "text" and found.kind in {"binary", "program", "photo", "archive"}:
            raise DisguisedFile(filename=filename, claimed=claimed, found=found.found)
        raise UnsupportedType(filename=filename, found=found.found)
    if family and family not in readable.families:
        tell.warn(ExtensionMismatch(claimed=claimed, found=found.found))
    return {
        "kind": found.kind,
        "media_type": IMAGE_TYPES.get(found.found, readable.media_type),
        "label": readable.label,
        "evidence": found.evidence,
        "plan": readable.plan,
        **({"locked": True} if is_locked else {}),
    }


def claimed_by(task: Task, ending: str, head: bytes) -> Part | None:
    """Return the plugin's reader that reads files of this name and beginning; None for most."""
    for claim in map(Part.model_validate, task.get("claims", ())):
        if ending in claim.endings and head.startswith(bytes.fromhex(claim.magic)):
            return claim
    return None


def _foreign(reader: Part) -> dict[str, Any]:
    return {
        "kind": FOREIGN,
        "media_type": "application/octet-stream",
        "label": reader.label,
        "evidence": f"the plugin {reader.plugin} reads files of this name",
        "plan": TRANSACTIONS.name,
        "read_by": reader.key,
    }


def _unlocked_kind(task: Task) -> Kind:
    """Return what a workbook is without its lock. Raises Asking, PasswordProtected."""
    path = unlock(task)
    with path.open("rb") as stream:
        found = _binary_kind(path, stream.read(HEAD_BYTES), task)
    if found is None or found.kind == "encrypted":
        raise PasswordProtected(filename=task["filename"])
    return found


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
    if head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:18] in BITMAP_HEADERS:
        return Kind("image", "a BMP image", "begins with a bitmap's header")
    if head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        if head[8:12] == b"WEBP":
            return Kind("image", "a WebP image", "a RIFF container with a WebP image")
        return Kind("media", "a sound or film", "a RIFF container")
    if head[4:8] == b"ftyp":
        if photo := PHOTO_BRANDS.get(head[8:12]):
            return Kind("photo", photo, "an ISO media container with a photo")
        return Kind("media", "a video or photo", "an ISO media container")
    if head[257:262] == b"ustar":
        return Kind("archive", "a tar archive", "has a tar header")
    if head.startswith(b"MZ") and b"\0" in head[:256]:
        return Kind("program", "a Windows program", "begins with MZ and holds a program header")
    return None


def _zip(path: Path, task: Task) -> Kind:
    kind, found, members = look_into_zip(path, task["filename"], task["limits"])
    if kind in ("xlsx", "zip") and any(member.encrypted for member in members):
        raise PasswordProtected(filename=task["filename"])
    # Its reader only knows a locked one by the ending of its name, which stored files do not have.
    if kind == "ods" and is_locked_opendocument(path, task["filename"], task["limits"], members):
        raise PasswordProtected(filename=task["filename"])
    return Kind(kind, found, f"a zip container with {len(members):,} parts, as {found} has")


def _text_kind(head: bytes, *, whole: bool) -> Kind:
    encoding = detect_encoding(head, whole=whole)
    text = head[encoding.bom :].decode(encoding.name, "replace")
    if not _is_text(text):
        return Kind("binary", "binary data of an unknown kind", "holds bytes that are no letters")
    start = text.lstrip("\ufeff \t\r\n\0")
    for pattern, kind, found in TEXTS:
        if pattern.match(start):
            if kind == "json":
                return _json_kind(start, f"begins with {start[:20]!r}")
            return Kind(kind, found, f"begins with {start[:20]!r}")
    if start[:1] in "[{" and whole and _is_json(text):
        return _json_kind(start, "parses as JSON")
    dialect = detect_dialect(sample_lines(text, whole=whole))
    if dialect.delimiter == "\t" and dialect.score:
        return Kind("tsv", "a table set apart by tabs (TSV)", "lines of cells, set apart by tabs")
    if not dialect.score:
        return Kind("text", "plain text", "text without cells")
    evidence = f"lines of cells, set apart by {dialect.delimiter!r}"
    if dialect.score < CLEAR_SCORE or dialect.delimiter in PROSE_DELIMITERS:
        return Kind("prose", "plain text", evidence)
    return Kind("csv", "a table in text (CSV)", evidence)


def _json_kind(start: str, evidence: str) -> Kind:
    """Tell objects of which each has a line of its own from one value over the whole file."""
    first, _, rest = start.partition("\n")
    if first.startswith("{") and rest.lstrip().startswith("{") and _is_json(first):
        return Kind("ndjson", "a file of JSON lines", "each line is a JSON object")
    return Kind("json", "a JSON file", evidence)


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
