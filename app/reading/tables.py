"""Tables in files: what shape one has, and its rows, for text and workbooks alike."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from app.core.asking import Asking
from app.core.notices import (
    DuplicateHeaders,
    GuessedEncoding,
    NoHeader,
    Notice,
    OtherSheets,
)
from app.core.reading import Limits, Task, Tell
from app.core.unreadable import EmptyFile, NotATable, NoTransactions
from app.reading.dialect import SAMPLE_ROWS, Dialect, detect_dialect, sample_lines
from app.reading.doubts import ENCODING, HEADER_ROW, encoding_of, header_row, may_ask
from app.reading.encoding import ALPHABETS, Encoding, detect_encoding, likely_pages
from app.reading.headers import HEADER_WITHIN, Start, find_start, is_doubtful, start_at
from app.reading.lines import Chunk, LineReader
from app.reading.sheets import SheetPart, SheetReader, Workbook, with_sheet
from app.reading.statements.reader import RECORD_KINDS, RecordReader, columns_of
from app.reading.unlocked import path_of

SAMPLE_BYTES = 1024 * 1024
SAMPLE_CELLS = 200_000
SEP_LINE = re.compile(r'"?sep=([^\w"\'\\])"?', re.IGNORECASE)  # Excel's own first line


LISTS = ("sheets", "parts", "part_lines", "header", "roles", "told")
SHEET_COLUMN = "Sheet"  # says of each row which one it is from, where several were read
SHEETS = frozenset({"xlsx", "xlsb", "xls", "ods"})


@dataclass(frozen=True)
class TableShape:
    """Everything needed to read a table's rows again, as JSON values.

    kind            as identify names it
    encoding        Python's name; fallback_encoding is for lines that do not fit it
    bom             bytes of the byte order mark
    delimiter, quote, escape, skip_space   as the csv module means them; quotes are doubled
                    unless there is an escape
    sheet, sheets   the worksheet read, and all visible ones; None and [] for text
    parts, part_lines   the sheets read as one table, and where the data of each begins; () for one
    preamble_lines  source lines above the header (or above the first row without a header)
    header_line     source line of the column names, from 1; None when there are none
    first_row_line  source line from which rows are data, from 1
    width           cells in an ordinary row
    header          the cells of the header line as they are, padded to `width`; [] without one
    roles           what each column means, where the file's format says so; () where it does not
    told            codes of the notices about its lines that were told with their final counts
    """

    kind: str
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    bom: int = 0
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    skip_space: bool = False
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    part_lines: tuple[int, ...] = ()
    preamble_lines: int = 0
    header_line: int | None = None
    first_row_line: int = 1
    width: int = 0
    header: tuple[str, ...] = ()
    roles: tuple[str | None, ...] = ()
    told: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        return {**found, **{name: list(found[name]) for name in LISTS}}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "TableShape":
        return cls(**{**found, **{name: tuple(found[name]) for name in LISTS}})


class Rows(Protocol):
    """Chunks of a table in file order, and what was met in them."""

    def __iter__(self) -> Iterator[Chunk]: ...

    def notices(self) -> list[Notice]:
        """What a person should know about the lines read so far and was not told yet.

        To be asked after the last row, when the counts are final.
        """


def detect_shape(task: Task, tell: Tell) -> tuple[TableShape, list[list[str]]]:
    """Return the shape of a job's table and up to 300 of its rows, reading only its beginning.

    The rows are data: not the header, not what is above it; of any width. Raises EmptyFile,
    NotATable, LineTooLong, DamagedFile, PasswordProtected. Warns GuessedEncoding,
    DuplicateHeaders, NoHeader, OtherSheets; and NulBytes, MixedEncodings and OpenQuotes when the
    rows it read are all there are: in a longer file their counts are known at its end only.
    Raises Asking where it is not plain which line has the names.
    """
    kind = task["found"]["initializing_streaming"]["kind"]
    path = path_of(task)
    if kind in SHEETS:
        shape, rows = _detect_sheet(path, kind, task, tell)
    elif kind in RECORD_KINDS:
        return _detect_records(path, kind, task)
    else:
        shape, rows = _detect_text(path, task, tell)
    names = Counter(name.strip() for name in shape.header if name.strip())
    if twice := next((name for name, count in names.items() if count > 1), None):
        tell.warn(DuplicateHeaders(name=twice))
    if shape.header_line is None:
        tell.warn(NoHeader())
    return shape, rows


def read_rows(
    path: Path,
    shape: TableShape,
    limits: Limits,
    filename: str = "",
    as_frame: Callable[[str, Dialect, int], Any] | None = None,
) -> Rows:
    """Return all rows below the header, in chunks, in bounded memory.

    as_frame  makes columns of a block of text, or None of one that it can not: see Chunk.frame

    Ragged rows come as they are; blank lines are left out, but counted in the line numbers.
    Iterating raises LineTooLong.
    """
    if shape.kind in RECORD_KINDS:
        return RecordReader(path, shape.kind, shape.header, limits, filename)
    if shape.kind in SHEETS:
        parts = list(map(SheetPart, shape.parts, shape.part_lines))
        only = [SheetPart(shape.sheet or "", shape.first_row_line)]
        width = shape.width - 1 if parts else shape.width
        return SheetReader(path, parts or only, width=width, filename=filename)
    return LineReader(
        path,
        Encoding(shape.encoding, shape.fallback_encoding, shape.bom, guessed=False),
        Dialect(shape.delimiter, shape.quote, shape.escape, shape.skip_space, 1.0),
        first_line=shape.first_row_line,
        width=shape.width,
        max_line_bytes=limits["max_line_bytes"],
        filename=filename,
        as_frame=as_frame,
        told=shape.told,
    )


def _detect_text(path: Path, task: Task, tell: Tell) -> tuple[TableShape, list[list[str]]]:
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample:
        raise EmptyFile(filename=task["filename"])
    encoding = _encoding(task, sample)
    told: list[Notice] = []
    if encoding.guessed:
        told.append(GuessedEncoding(encoding=encoding.name))
    text = sample[encoding.bom :].decode(encoding.name, "replace")
    lines = sample_lines(text, whole=len(sample) == path.stat().st_size)
    sep = SEP_LINE.fullmatch(lines[0].rstrip())
    dialect = detect_dialect(lines[1:] if sep else lines)
    if sep:
        dialect = replace(dialect, delimiter=sep[1])
    reader = LineReader(
        path,
        encoding,
        dialect,
        first_line=2 if sep else 1,
        width=dialect.width,
        max_line_bytes=task["limits"]["max_line_bytes"],
        filename=task["filename"],
    )
    rows = (pair for chunk in reader for pair in zip(chunk.lines, chunk.rows, strict=True))
    numbered = list(_sampled(rows))
    if next(rows, None) is None:  # that was all: the counts are final
        told += reader.notices()
    for notice in told:
        tell.warn(notice)
    if not any(cell.strip() for _, row in numbered for cell in row):
        raise NotATable(filename=task["filename"])
    start = _start(task, numbered)
    return _shape(
        numbered,
        start,
        TableShape(
            kind="tsv" if dialect.delimiter == "\t" else "csv",
            encoding=encoding.name,
            fallback_encoding=encoding.fallback,
            bom=encoding.bom,
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            escape=dialect.escape,
            skip_space=dialect.skip_space,
            told=tuple(notice.code for notice in told),
        ),
    )


def _encoding(task: Task, sample: bytes) -> Encoding:
    """Return how the letters are written, as a person said where one was asked. Raises Asking."""
    found = detect_encoding(sample, whole=len(sample) == task["size"])
    if not found.guessed:
        return found
    said = task["answers"].get(ENCODING)
    if said in ALPHABETS:
        return Encoding(said, found.fallback, 0, guessed=False)
    if may_ask(task) and (pages := likely_pages(sample)):
        raise Asking(encoding_of(pages))
    return found


def _start(task: Task, numbered: list[tuple[int, list[str]]]) -> Start:
    """Return where the table begins, as a person said where one was asked. Raises Asking."""
    rows = [row for _, row in numbered]
    start = find_start(rows)
    said = task["answers"].get(HEADER_ROW)
    if said is not None:
        at = next((i for i, (line, _) in enumerate(numbered) if line >= int(said)), None)
        return start_at(rows, at if said else None)
    if may_ask(task) and is_doubtful(rows, start):
        raise Asking(header_row(numbered[:HEADER_WITHIN], default=0))
    return start


def _sampled(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Enough rows to tell, and not too many cells where each row has thousands."""
    cells = 0
    for number, row in islice(rows, SAMPLE_ROWS + HEADER_WITHIN):
        yield number, row
        cells += len(row)
        if cells > SAMPLE_CELLS:
            return


def _detect_records(path: Path, kind: str, task: Task) -> tuple[TableShape, list[list[str]]]:
    """A file of records has neither a header line nor anything above it."""
    filename, limits = task["filename"], task["limits"]
    header, roles = columns_of(path, kind, limits, filename)
    shape = TableShape(kind=kind, width=len(header), header=header, roles=roles)
    records = RecordReader(path, kind, header, limits, filename).records()
    sample = [record.cells for record in islice(records, SAMPLE_ROWS)]
    if not sample:
        raise NoTransactions(filename=filename)
    return shape, sample


def _detect_sheet(
    path: Path, kind: str, task: Task, tell: Tell
) -> tuple[TableShape, list[list[str]]]:
    filename = task["filename"]
    book = Workbook(path, filename)
    names = book.sheet_names()
    samples = {name: list(_sampled(book.rows(name))) for name in names}
    if not any(samples.values()):
        raise NotATable(filename=filename)
    best = max(names, key=lambda name: _sheet_score(samples[name]))
    numbered = samples[best]
    start = _start(task, numbered)
    shape, rows = _shape(numbered, start, TableShape(kind=kind, sheet=best, sheets=tuple(names)))
    alike = _alike(samples, shape)
    read = list(alike) or [best]
    if sum(bool(sample) for sample in samples.values()) > len(read):
        tell.warn(OtherSheets(sheets=len(names), sheet="”, “".join(read)))
    if len(read) == 1:
        return shape, rows
    several = replace(
        shape,
        parts=tuple(alike),
        part_lines=tuple(alike.values()),
        width=shape.width + 1,
        header=(*shape.header, SHEET_COLUMN),
    )
    sample = (
        with_sheet(row, shape.width, name)
        for name, first in alike.items()
        for line, row in samples[name]
        if line >= first
    )
    return several, list(islice(sample, SAMPLE_ROWS))


def _alike(samples: dict[str, list[tuple[int, list[str]]]], shape: TableShape) -> dict[str, int]:
    """Return the sheets under the very same column names, each with its first row of data.

    People keep a sheet a month, or one an account: together they are the table.
    """
    names = _plain(shape.header)
    found: dict[str, int] = {}
    for name, numbered in samples.items() if any(names) else ():
        start = find_start([row for _, row in numbered])
        if start.header is None or start.first >= len(numbered):
            continue
        if _plain(numbered[start.header][1]) == names:
            found[name] = numbered[start.first][0]
    return found


def _plain(header: Iterable[str]) -> list[str]:
    plain = [name.strip().casefold() for name in header]
    while plain and not plain[-1]:
        plain.pop()
    return plain


def _sheet_score(sample: list[tuple[int, list[str]]]) -> float:
    """More rows of the same, not too small a width are more of a table."""
    if not sample:
        return 0.0
    start = find_start([row for _, row in sample])
    return len(sample) * min(start.width, 8) * (1.0 if start.header is not None else 0.6)


def _shape(
    numbered: list[tuple[int, list[str]]], start: Start, found: TableShape
) -> tuple[TableShape, list[list[str]]]:
    header: tuple[str, ...] = ()
    header_line = None
    if start.header is not None:
        header_line, cells = numbered[start.header]
        header = tuple(cells[: start.width] + [""] * (start.width - len(cells)))
    if start.first < len(numbered):
        first_row_line = numbered[start.first][0]
    else:
        last_line, last = numbered[-1]
        first_row_line = last_line + 1 + sum(cell.count("\n") for cell in last)
    above = (header_line or first_row_line) - 1
    shape = replace(
        found,
        preamble_lines=above,
        header_line=header_line,
        first_row_line=first_row_line,
        width=start.width,
        header=header,
    )
    return shape, [row for _, row in numbered[start.first :][:SAMPLE_ROWS]]
