"""Is anything in this file meant to do harm? Malware, active content, bombs, formula cells."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import yara_x

from app.core.notices import ActiveContent, FormulaCells, FormulasWithoutResult
from app.core.plugins import FOREIGN
from app.core.reading import Task, Tell
from app.core.unreadable import ArchiveBomb, MalwareFound
from app.reading.containers import MAX_DEPTH, Unpacker, zip_members
from app.reading.encoding import detect_encoding
from app.reading.formulas import FormulaCounter, UnvaluedCounter
from app.reading.rules import malware_rules, rule_count
from app.reading.sheets import SheetExtent
from app.reading.unlocked import path_of

BLOCK_BYTES = 4 * 1024 * 1024
OVERLAP_BYTES = 1024  # longer than anything a rule looks for in one piece
NESTED_BYTES = 64 * 1024 * 1024  # a zip in a zip is held in memory up to this
HEAD_TAG = "head"
PACKED_KINDS = frozenset({"xlsx", "xlsb", "ods"})
TEXT_TABLES = frozenset({"csv", "tsv"})  # cells of other kinds are met with their rows

ENGINE = f"yara-x {version('yara-x')}"
# Parts of a workbook that are active content by their name alone.
ACTIVE_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r".*vbaProject\.bin$", re.I), "macros (VBA)"),
    (re.compile(r"xl/macrosheets/", re.I), "an Excel 4.0 macro sheet"),
    (re.compile(r"xl/externalLinks/[^/]+$", re.I), "links to other workbooks"),
    (re.compile(r"xl/activeX/", re.I), "ActiveX controls"),
    (re.compile(r"xl/embeddings/", re.I), "embedded objects"),
    (re.compile(r"xl/connections\.xml$", re.I), "connections to outside data"),
)


def scan(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"clean": True, "rules", "findings": [...], "engine"}.

    findings  what was told as a warning, each {"rule", "finding", "where"}

    Raises MalwareFound, ArchiveBomb, DamagedFile. Warns ActiveContent, FormulaCells (of
    text tables; those of other kinds are met with their rows) and FormulasWithoutResult.
    """
    kind = task["found"]["initializing_streaming"]["kind"]
    path = Path(task["path"]) if kind == FOREIGN else path_of(task)
    findings: dict[str, dict[str, str]] = {}
    if kind in PACKED_KINDS:
        _Office(task, tell, findings).scan(path)
    elif kind in TEXT_TABLES:
        _scan_text(path, task, tell, findings)
    else:
        _scan_bytes(path, task, tell, findings)
    for finding in dict.fromkeys(entry["finding"] for entry in findings.values()):
        tell.warn(ActiveContent(finding=finding))
    return {
        "clean": True,
        "rules": rule_count(),
        "findings": list(findings.values()),
        "engine": ENGINE,
    }


class _Matcher:
    """Holds blocks of one file or member against the rules."""

    def __init__(self, filename: str, where: str, findings: dict[str, dict[str, str]]) -> None:
        self._filename = filename
        self._where = where
        self._findings = findings
        self._scanner = yara_x.Scanner(malware_rules())
        self._tail = b""
        self._first = True

    def feed(self, block: bytes) -> None:
        """Look at the next block. Raises MalwareFound."""
        for rule in self._scanner.scan(self._tail + block).matching_rules:
            if HEAD_TAG in rule.tags and not self._first:
                continue
            facts = dict(rule.metadata)
            if facts["severity"] == "block":
                where = f" in {self._where}" if self._where else ""
                raise MalwareFound(filename=self._filename, finding=f"{facts['finding']}{where}")
            self._findings.setdefault(
                rule.identifier,
                {
                    "rule": rule.identifier,
                    "finding": str(facts["finding"]),
                    "where": self._where,
                },
            )
        self._tail = block[-OVERLAP_BYTES:]
        self._first = False


def _scan_bytes(path: Path, task: Task, tell: Tell, findings: dict[str, dict[str, str]]) -> None:
    matcher = _Matcher(task["filename"], "", findings)
    done = 0
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(BLOCK_BYTES):
            done += len(block)
            matcher.feed(block)
            tell(done, task["size"])


def _scan_text(path: Path, task: Task, tell: Tell, findings: dict[str, dict[str, str]]) -> None:
    with path.open("rb", buffering=0) as stream:
        encoding = detect_encoding(stream.read(64 * 1024))
        stream.seek(0)
        decoder = None
        if encoding.wide:
            decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
        matcher = _Matcher(task["filename"], "", findings)
        formulas = FormulaCounter()
        done = 0
        while block := stream.read(BLOCK_BYTES):
            done += len(block)
            matcher.feed(block)
            formulas.feed(decoder.decode(block).encode() if decoder else block)
            tell(done, task["size"])
        formulas.end()
    if formulas.cells:
        tell.warn(FormulaCells(cells=formulas.cells, line=formulas.first_line))


class _Office:
    """Scans a workbook's parts, inflated under the limits, and zips within them."""

    def __init__(self, task: Task, tell: Tell, findings: dict[str, dict[str, str]]) -> None:
        self._task = task
        self._tell = tell
        self._findings = findings
        self._unpacker = Unpacker(task["filename"], task["limits"])
        self._unvalued = UnvaluedCounter()
        self._done = 0  # bytes of the packed file

    def scan(self, path: Path) -> None:
        """Look at every part. Raises MalwareFound, ArchiveBomb, DamagedFile."""
        with path.open("rb") as stream:
            self._scan_zip(stream, depth=1, prefix="")
        self._tell(self._task["size"], self._task["size"])
        if self._unvalued.cells:
            self._tell.warn(FormulasWithoutResult(cells=self._unvalued.cells))

    def _scan_zip(self, stream: BinaryIO, *, depth: int, prefix: str) -> None:
        filename = self._task["filename"]
        if depth > MAX_DEPTH:
            raise ArchiveBomb(
                filename=filename,
                measured=f"archives inside archives, {depth} levels deep",
                limit=f"{MAX_DEPTH} levels",
            )
        for member in zip_members(stream, filename):
            name = prefix + member.name
            for pattern, finding in ACTIVE_PARTS:
                if pattern.match(member.name):
                    self._findings.setdefault(
                        finding, {"rule": "active_part", "finding": finding, "where": name}
                    )
            blocks = self._unpacker.blocks(stream, member)
            if depth == 1:
                blocks = self._watched(blocks, stream)
            nested = self._scan_member(blocks, name)
            if nested is not None:
                self._scan_zip(nested, depth=depth + 1, prefix=f"{name}/")

    def _watched(self, blocks: Iterable[bytes], stream: BinaryIO) -> Iterator[bytes]:
        """Tell how far in the packed file each block brought us."""
        for block in blocks:
            yield block
            self._done = max(self._done, stream.tell())
            self._tell(self._done, self._task["size"])

    def _scan_member(self, blocks: Iterable[bytes], name: str) -> BinaryIO | None:
        """Hold a member against the rules; return it when it is a zip itself."""
        matcher = _Matcher(self._task["filename"], name, self._findings)
        extent = SheetExtent(self._task["filename"])  # any part may be named as a sheet
        kept: io.BytesIO | None = None
        for number, block in enumerate(blocks):
            matcher.feed(block)
            extent.feed(block)
            self._unvalued.feed(block)
            if number == 0 and block.startswith(b"PK\x03\x04"):
                kept = io.BytesIO()
            if kept is not None:
                kept.write(block)
                if kept.tell() > NESTED_BYTES:
                    raise ArchiveBomb(
                        filename=self._task["filename"],
                        measured="another archive of more than 64 MB",
                        limit="64 MB",
                    )
        self._unvalued.end()
        return kept
