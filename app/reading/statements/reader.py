"""The seam to the path of tables: files of records give the same shape and rows as a CSV does."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from app.core.notices import FormulaCells, Notice
from app.core.reading import Limits
from app.reading.formulas import is_formula, may_hold_formulas
from app.reading.lines import Chunk
from app.reading.statements import objects
from app.reading.statements.camt import CAMT
from app.reading.statements.mt940 import MT940
from app.reading.statements.ofx import OFX
from app.reading.statements.qif import QIF
from app.reading.statements.record import Format, Record, Source

FORMATS: dict[str, Format] = {"ofx": OFX, "qif": QIF, "mt940": MT940, "camt": CAMT}
OBJECTS = frozenset({"json", "ndjson"})
RECORD_KINDS = OBJECTS | FORMATS.keys()
CHUNK_ROWS = 5000


class RecordReader:
    """Iterates over chunks of a file's records, like LineReader over a text table.

    header  names of the columns, as columns_of gave them
    """

    def __init__(
        self, path: Path, kind: str, header: tuple[str, ...], limits: Limits, filename: str = ""
    ) -> None:
        self._source = Source(path, filename or path.name, limits["max_line_bytes"])
        self._kind = kind
        self._header = header
        self._formula_cells = 0
        self._formula_line = 0

    def notices(self) -> list[Notice]:
        if not self._formula_cells:
            return []
        return [FormulaCells(cells=self._formula_cells, line=self._formula_line)]

    def records(self) -> Iterator[Record]:
        """Yield the records one by one. Raises what the formats raise."""
        if self._kind in FORMATS:
            return FORMATS[self._kind].read(self._source)
        return objects.read(self._source, self._kind, self._header)

    def __iter__(self) -> Iterator[Chunk]:
        records = self.records()
        self._formula_cells = self._formula_line = 0
        while part := list(islice(records, CHUNK_ROWS)):
            rows = [record.cells for record in part]
            self._count_formulas(part, rows)
            yield Chunk([record.line for record in part], rows, part[-1].bytes_done)

    def _count_formulas(self, part: list[Record], rows: list[list[str]]) -> None:
        if not may_hold_formulas(iter(rows)):
            return
        for record in part:
            if found := sum(map(is_formula, record.cells)):
                self._formula_cells += found
                self._formula_line = self._formula_line or record.line


def columns_of(
    path: Path, kind: str, limits: Limits, filename: str
) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """Return the columns' names, and their roles where the format fixes them, else ()."""
    if kind in FORMATS:
        columns = FORMATS[kind].columns
        return tuple(name for name, _ in columns), tuple(role for _, role in columns)
    source = Source(path, filename, limits["max_line_bytes"])
    return tuple(objects.columns_of(source, kind)), ()
