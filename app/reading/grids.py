"""Ruled tables: the cells between the edges drawn on a page, and the words in them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.reading.layout import Box, rows_of
from app.reading.page import Word
from app.reading.pdf_marks import Marks

SNAP = 3.0  # points between edges that are meant as one
TOUCH = 3.0  # points by which edges may miss one another
LEAST_CELLS = 4
MOST_CROSSINGS = 2_000_000  # of a page that are looked at
MOST_LINES = 600  # of one table and direction; more is a drawing
FILLED = 0.25  # of the cells of a real table hold words


@dataclass(slots=True)
class Table:
    """A table; rows of cells' texts, "" for an empty one and for what a wide cell covers."""

    box: Box
    rows: list[list[str]]
    words: list[Word] = field(repr=False)
    confidence: float = 1.0

    @property
    def text(self) -> str:
        return "\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in self.rows)


@dataclass(slots=True)
class _Line:
    """An edge: at `at` on one axis, from `low` to `high` on the other."""

    at: float
    low: float
    high: float
    group: int = -1


def ruled_tables(marks: Marks, words: Sequence[Word]) -> list[Table]:
    """Return the tables that the page's edges enclose, from the top."""
    across = _joined((y, x0, x1) for x0, y, x1, _ in marks.across)
    down = _joined((x, y0, y1) for x, y0, _, y1 in marks.down)
    if len(across) * len(down) > MOST_CROSSINGS:
        return []  # a drawing
    found = []
    for rows, columns in _connected(across, down):
        if len(rows) < 2 or len(columns) < 2 or max(len(rows), len(columns)) > MOST_LINES:
            continue
        table = _Grid(rows, columns).table(words)
        if table is not None:
            found.append(table)
    return sorted(_outermost(found), key=lambda table: table.box[1])


def _joined(edges: Iterable[tuple[float, float, float]]) -> list[_Line]:
    """Bring edges on the same line together, and those of a line that touch into one."""
    lines: list[_Line] = []
    for places in _snapped(sorted(edges)):
        at = sum(place for place, _, _ in places) / len(places)
        spans = sorted((low, high) for _, low, high in places)
        start, end = spans[0]
        for low, high in spans[1:]:
            if low <= end + TOUCH:
                end = max(end, high)
            else:
                lines.append(_Line(at, start, end))
                start, end = low, high
        lines.append(_Line(at, start, end))
    return lines


def _snapped(
    edges: Sequence[tuple[float, float, float]],
) -> Iterable[list[tuple[float, float, float]]]:
    group: list[tuple[float, float, float]] = []
    for edge in edges:
        if group and edge[0] - group[-1][0] > SNAP:
            yield group
            group = []
        group.append(edge)
    if group:
        yield group


def _connected(
    across: Sequence[_Line], down: Sequence[_Line]
) -> Iterable[tuple[list[_Line], list[_Line]]]:
    """Yield the sets of lines that hang together by crossing."""
    parents = list(range(len(across) + len(down)))

    def root(of: int) -> int:
        while parents[of] != of:
            parents[of] = parents[parents[of]]
            of = parents[of]
        return of

    for i, row in enumerate(across):
        for j, column in enumerate(down, start=len(across)):
            if (
                row.low - TOUCH <= column.at <= row.high + TOUCH
                and column.low - TOUCH <= row.at <= column.high + TOUCH
            ):
                parents[root(j)] = root(i)
    groups: dict[int, tuple[list[_Line], list[_Line]]] = defaultdict(lambda: ([], []))
    for i, line in enumerate((*across, *down)):
        groups[root(i)][0 if i < len(across) else 1].append(line)
    return groups.values()


class _Grid:
    """The smallest cells between the lines of one table, and which of them are one."""

    def __init__(self, across: Sequence[_Line], down: Sequence[_Line]) -> None:
        self._ys = sorted({line.at for line in across})
        self._xs = sorted({line.at for line in down})
        self._across: dict[float, list[_Line]] = defaultdict(list)
        self._down: dict[float, list[_Line]] = defaultdict(list)
        for line in across:
            self._across[line.at].append(line)
        for line in down:
            self._down[line.at].append(line)

    def table(self, words: Sequence[Word]) -> Table | None:
        """Return the table with its words; None when it is none."""
        xs, ys = self._xs, self._ys
        if (len(xs) - 1) * (len(ys) - 1) < LEAST_CELLS - 1:
            return None
        box = (xs[0], ys[0], xs[-1], ys[-1])
        owners = self._owners()
        cells: dict[tuple[int, int], list[Word]] = defaultdict(list)
        inside = []
        for word in words:
            place = self._place(word)
            if place is not None:
                cells[owners[place]].append(word)
                inside.append(word)
        distinct = set(owners.values())
        if len(distinct) < LEAST_CELLS - 1 or len(cells) < max(2, FILLED * len(distinct)):
            return None
        rows = [
            [
                _text(cells[(r, c)]) if owners[(r, c)] == (r, c) and (r, c) in cells else ""
                for c in range(len(xs) - 1)
            ]
            for r in range(len(ys) - 1)
        ]
        rows = _without_empty(rows)
        if not rows or len(rows[0]) < 2 or len(rows) < 2:
            return None
        return Table(box, rows, inside)

    def _place(self, word: Word) -> tuple[int, int] | None:
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        column = _interval(self._xs, x)
        row = _interval(self._ys, y)
        return None if column is None or row is None else (row, column)

    def _owners(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return for each small cell the first one of the cell that it is part of."""
        owners: dict[tuple[int, int], tuple[int, int]] = {}
        for r in range(len(self._ys) - 1):
            for c in range(len(self._xs) - 1):
                left = c > 0 and not self._walled(r, c)
                above = r > 0 and not self._floored(r, c)
                if above and (not left or owners[(r - 1, c)] != (r - 1, c)):
                    owners[(r, c)] = owners[(r - 1, c)]
                elif left:
                    owners[(r, c)] = owners[(r, c - 1)]
                elif above:
                    owners[(r, c)] = owners[(r - 1, c)]
                else:
                    owners[(r, c)] = (r, c)
        return owners

    def _walled(self, r: int, c: int) -> bool:
        """Tell whether a line parts the cell from the one on its left."""
        middle = (self._ys[r] + self._ys[r + 1]) / 2
        return any(line.low <= middle <= line.high for line in self._down[self._xs[c]])

    def _floored(self, r: int, c: int) -> bool:
        """Tell whether a line parts the cell from the one above it."""
        middle = (self._xs[c] + self._xs[c + 1]) / 2
        return any(line.low <= middle <= line.high for line in self._across[self._ys[r]])


def _interval(edges: Sequence[float], at: float) -> int | None:
    if not edges[0] - 1 <= at <= edges[-1] + 1:
        return None
    for index in range(len(edges) - 1):
        if at < edges[index + 1]:
            return index
    return len(edges) - 2


def _text(words: Sequence[Word]) -> str:
    return "\n".join(" ".join(word.text for word in row) for row in rows_of(words))


def _without_empty(rows: list[list[str]]) -> list[list[str]]:
    """Leave out rows and columns without any text: they lie between double lines."""
    rows = [row for row in rows if any(row)]
    kept = [c for c in range(len(rows[0])) if any(row[c] for row in rows)] if rows else []
    return [[row[c] for c in kept] for row in rows]


def _outermost(tables: list[Table]) -> list[Table]:
    """Leave out tables that lie within others."""
    return [
        table
        for table in tables
        if not any(other is not table and _within(table.box, other.box) for other in tables)
    ]


def _within(inner: Box, outer: Box) -> bool:
    return (
        inner[0] >= outer[0] - 1
        and inner[1] >= outer[1] - 1
        and inner[2] <= outer[2] + 1
        and inner[3] <= outer[3] + 1
    )
