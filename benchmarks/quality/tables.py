"""Tables in PDFs: their cells, on files whose table somebody wrote down as CSV.

A cell counts where the same text stands in the row that corresponds; the share is F1, of cells
missed and cells invented. Beside ours, pdfplumber with its defaults. Source of the files: see
tabula-java/README.md among the samples.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pdfplumber

from app.reading.aligned import aligned_tables
from app.reading.grids import ruled_tables
from app.reading.layout import rows_of
from app.reading.pdf import Pdf
from benchmarks.quality.scores import Score

Rows = Sequence[Sequence[str | None]]
AIM = 0.95


def measure(root: Path, *, quick: bool) -> Iterator[Score]:
    """Yield F1 of ruled and of other tables; quick makes no difference, it takes two seconds."""
    ruled, others = F1("tables: cells, ruled", aim=AIM), F1("tables: cells, without rulings")
    peer = F1("tables: cells, all, by pdfplumber")
    for path in sorted((root / "tabula-java").glob("*.pdf")):
        with path.with_suffix(".csv").open(encoding="utf-8", newline="") as stream:
            wanted = list(csv.reader(stream))
        tables, is_ruled = _ours(path)
        (ruled if is_ruled else others).compare(path.name, wanted, tables)
        with pdfplumber.open(path) as document:
            found = document.pages[0].extract_tables()
        peer.compare(path.name, wanted, [row for table in found for row in table])
    yield from (ruled, others, peer)


class F1(Score):
    """Counts cells: `right` twice those found, `of` those wanted and those found."""

    def compare(self, name: str, wanted: Rows, found: Rows) -> None:
        """Count one document's tables, and name its share where it is not whole."""
        told, read = [_cells(row) for row in wanted], [_cells(row) for row in found]
        both = 2 * _in_common(told, read)
        cells = sum(row.total() for row in told + read)
        self.right += both
        self.of += cells
        if both < cells:
            missed, invented = sum(told, Counter()), sum(read, Counter())
            some = ", ".join(repr(cell) for cell in list(missed - invented)[:4])
            self.misses.append(f"{name}: {both / max(cells, 1):.3f}; missed {some or 'none'}")


def _ours(path: Path) -> tuple[Rows, bool]:
    """Return the rows of the first page's tables, and whether rulings enclose them."""
    pdf = Pdf(path)
    with pdf.page(1) as page:
        marks = page.marks()
        words = page.words(marks)
        tables = ruled_tables(marks, words)
        found = tables or aligned_tables(rows_of(words))
        return [row for table in found for row in table.rows], bool(tables)


def _cells(row: Sequence[str | None]) -> Counter[str]:
    plain = (" ".join((cell or "").split()) for cell in row)
    return Counter(cell for cell in plain if cell)


def _in_common(wanted: Sequence[Counter[str]], found: Sequence[Counter[str]]) -> int:
    """Return how many cells are the same when rows are paired, in order, as well as can be."""
    best = [0] * (len(found) + 1)
    for row in wanted:
        before, best = best, [0]
        for at, other in enumerate(found):
            same = before[at] + (row & other).total()
            best.append(max(same, before[at + 1], best[-1]))
    return best[-1]
