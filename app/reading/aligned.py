"""Tables without rulings: lines whose pieces stand below each other in three columns or more."""

import itertools
import re
from collections.abc import Sequence

from app.reading.grids import Table
from app.reading.layout import Piece, median, pieces_of, union
from app.reading.page import Word

MOST_LINES = 1000  # of a page that are looked at
LEAST_ROWS = 3
LEAST_COLUMNS = 3
GUTTER = 0.4  # of the letters' size: the narrowest gap between two columns
ROW_GAP = 4.0  # of a line's height: a wider one ends the table
APART = 1.8  # times the next widest gap: between two tables side by side
SPANNERS = 1  # lines across the gaps, one after another, that a table may have
FILLED = 0.35  # of its cells
WITH_DIGITS = 0.5  # of the cells of a column of figures
PROSE_WORDS = 4.5  # of a cell, on average: a column of sentences, of which tables have one
SURE = 0.8
DIGIT = re.compile(r"\d")
FIGURE = re.compile(r"[^\w]*[A-Z]{0,3}[^\w]*\d[\d\s.,:/'%-]*[^\w]*[A-Z€$£%]{0,3}")


def aligned_tables(rows: Sequence[Sequence[Word]]) -> list[Table]:
    """Return the tables that lines of words build, from the top. `rows` are from the top."""
    lines = [pieces_of(row) for row in rows[:MOST_LINES]]
    tables = []
    at = 0
    while at < len(lines):
        if len(lines[at]) < LEAST_COLUMNS:
            at += 1
            continue
        run = _run(lines, at)
        found = [table for part in _beside(run) if (table := _table(part)) is not None]
        tables += found
        at += len(run) if found else 1
    return tables


def _run(lines: Sequence[list[Piece]], start: int) -> list[list[Piece]]:
    """Return the lines from `start` on that leave the same gaps free."""
    columns = [(piece.x0, piece.x1) for piece in lines[start]]
    run = [lines[start]]
    spanning = 0
    for line in itertools.islice(lines, start + 1, None):
        last = run[-1]
        height = max(piece.height for piece in last)
        if min(piece.y0 for piece in line) - max(piece.y1 for piece in last) > ROW_GAP * height:
            break
        size = median([piece.size for piece in line])
        wider = _merged([*columns, *((piece.x0, piece.x1) for piece in line)], GUTTER * size)
        if len(wider) < len(columns):
            spanning += 1
            if spanning > SPANNERS or len(line) > 1:
                break
            run.append(line)
            continue
        if len(line) > len(wider):
            break  # its own columns are others
        columns, spanning = wider, 0
        run.append(line)
    while len(run) > 1 and len(run[-1]) == 1:
        run.pop()
    return run


def _beside(run: list[list[Piece]]) -> list[list[list[Piece]]]:
    """Return the run as its parts: two tables of the same width may stand side by side."""
    size = median([piece.size for line in run for piece in line])
    columns = _merged([(piece.x0, piece.x1) for line in run for piece in line], GUTTER * size)
    half = len(columns) // 2
    if len(columns) % 2 or half < LEAST_COLUMNS:
        return [run]
    gaps = [right[0] - left[1] for left, right in itertools.pairwise(columns)]
    if gaps[half - 1] < APART * max(gaps[: half - 1] + gaps[half:]):
        return [run]
    middle = columns[half][0]
    left = [[piece for piece in line if piece.x0 < middle] for line in run]
    right = [[piece for piece in line if piece.x0 >= middle] for line in run]
    return [[line for line in part if line] for part in (left, right)]


def _merged(spans: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + gap:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _table(run: Sequence[Sequence[Piece]]) -> Table | None:
    """Return the run as a table; None when it is rather something else."""
    full = [line for line in run if len(line) > 1]
    if len(full) < LEAST_ROWS:
        return None
    size = median([piece.size for line in full for piece in line])
    spans = [(piece.x0, piece.x1) for line in full for piece in line]
    columns = _merged(spans, GUTTER * size)
    if len(columns) < LEAST_COLUMNS:
        return None
    rows = _folded([_cells(line, columns) for line in run])
    cells = [cell for row in rows for cell in row if cell]
    if len(cells) < FILLED * len(rows) * len(columns):
        return None
    if sum(_is_of_prose([row[c] for row in rows]) for c in range(len(columns))) > 1:
        return None
    if not any(_is_of_figures([row[c] for row in rows]) for c in range(len(columns))):
        return None
    words = [word for line in run for piece in line for word in piece.words]
    return Table(union(words), rows, words, SURE)


def _cells(line: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> list[str]:
    cells: list[list[str]] = [[] for _ in columns]
    for piece in line:
        middle = (piece.x0 + piece.x1) / 2
        inside = [c for c, (low, high) in enumerate(columns) if low <= middle <= high]
        first = [c for c, (_, high) in enumerate(columns) if piece.x0 <= high]
        # What lies across several columns belongs to the first of them.
        crossing = [
            c for c, (low, high) in enumerate(columns) if piece.x1 > low and piece.x0 < high
        ]
        place = crossing[0] if len(crossing) > 1 else (inside or first or [len(columns) - 1])[0]
        cells[place].append(piece.text)
    return [" ".join(cell) for cell in cells]


def _folded(rows: Sequence[list[str]]) -> list[list[str]]:
    """Bring the further lines of a cell with several lines into its row."""
    found: list[list[str]] = []
    for row in rows:
        filled = [c for c, cell in enumerate(row) if cell]
        last = found[-1] if found else None
        if (
            last is not None
            and len(filled) == 1
            and not FIGURE.fullmatch(row[filled[0]])
            and last[filled[0]]
            and not FIGURE.fullmatch(last[filled[0]])
            and sum(map(bool, last)) >= LEAST_COLUMNS
        ):
            last[filled[0]] += f"\n{row[filled[0]]}"
        else:
            found.append(row)
    return found


def _is_of_figures(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(bool(DIGIT.search(cell)) for cell in filled) >= WITH_DIGITS * len(
        filled
    )


def _is_of_prose(cells: Sequence[str]) -> bool:
    lines = [line for cell in cells for line in cell.split("\n") if line]
    return sum(len(line.split()) for line in lines) > PROSE_WORDS * max(len(lines), 1)
