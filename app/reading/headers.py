"""Where a table begins: the lines above it, the line with its column names, its width."""

from collections import Counter
from dataclasses import dataclass

from app.reading.dialect import looks_typed

HEADER_WITHIN = 60  # rows looked at for the header
MAX_NAME = 120  # letters; one remark may be longer
ALIKE_ROWS = 10
BODY_ROWS = 50  # rows below a candidate that have to look different from it


@dataclass(frozen=True)
class Start:
    """Indexes into the sample rows.

    header  of the row with the column names; None when there is none
    first   of the first row of data; the length of the sample when there is none
    width   cells in an ordinary row
    """

    header: int | None
    first: int
    width: int


def find_start(rows: list[list[str]]) -> Start:
    """Find the header of a sample. Rows are never empty lists."""
    if not rows:
        return Start(None, 0, 0)
    width = _body_width(rows)
    candidates: list[int] = []
    first: int | None = None  # row with values
    for index, row in enumerate(rows[:HEADER_WITHIN]):
        if not _fits(row, width):
            continue
        if _is_header(row, rows[index + 1 : index + 1 + BODY_ROWS], width):
            if first is None or _is_strong(row, width):
                candidates.append(index)
        elif _has_values(row):
            first = index if first is None else first
            if len(row) == width and _filled(row) >= 0.6 * width:
                break  # the data has begun
    if not candidates:
        if first is None:
            first = next((i for i, row in enumerate(rows) if _fits(row, width)), 0)
        return Start(None, first, width)
    header = candidates[0]
    if not _is_strong(rows[header], width):
        # "Account:", "Checking" above the names looks like names too, but fills less of the width.
        header = max(
            candidates, key=lambda index: (len(rows[index]) == width, _filled(rows[index]))
        )
    return Start(header, header + 1, max(width, len(_trimmed(rows[header]))))


def _body_width(rows: list[list[str]]) -> int:
    """The width that holds most of the cells; the wider one of equals.

    A single row, however wide, is an accident where many others are alike.
    """
    counts = Counter(map(len, rows))
    are_many_alike = max(counts.values()) >= ALIKE_ROWS
    cells = {w: w * n for w, n in counts.items() if n > 1 or not are_many_alike}
    return max(cells, key=lambda width: (cells[width], width))


def _filled(row: list[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_strong(row: list[str], width: int) -> bool:
    """A row with which a table clearly begins: of the full width, and hardly a cell empty."""
    return len(row) == width and _filled(row) >= 0.75 * width


def _fits(row: list[str], width: int) -> bool:
    """As wide as the body, give or take trailing empty cells; and not a title in a wide row."""
    filled = _filled(row)
    if width == 1:
        return filled == 1
    close = len(row) == width or abs(len(_trimmed(row)) - width) <= 1
    return close and filled >= max(2, (width + 1) // 3)


def _trimmed(row: list[str]) -> list[str]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _is_header(row: list[str], body: list[list[str]], width: int) -> bool:
    """Names, not values: none of its cells is a value, most are distinct and short."""
    names = [cell.strip() for cell in row if cell.strip()]
    if any(looks_typed(name) for name in names) or sum(len(n) > MAX_NAME for n in names) > 1:
        return False
    if len(set(names)) < 0.5 * len(names):
        return False
    # Where exports were put one behind the other, the names come again as a whole.
    body = [other for other in body if _fits(other, width) and other != row]
    if not body:
        return True
    for column, cell in enumerate(row):
        values = [r[column].strip() for r in body if column < len(r) and r[column].strip()]
        if cell.strip() and cell.strip() in values[:5] and len(values) > 2 and width > 1:
            # A name does not come again as a value: this is an ordinary row of words.
            return False
    return True


def _has_values(row: list[str]) -> bool:
    return any(cell.strip() and looks_typed(cell) for cell in row)


def start_at(rows: list[list[str]], header: int | None) -> Start:
    """Return how a sample begins where a person said which row has the names.

    header  its index; None: there are none
    """
    if header is None:
        width = _body_width(rows)
        return Start(None, next((i for i, row in enumerate(rows) if _fits(row, width)), 0), width)
    width = max(_body_width(rows[header:]), len(_trimmed(rows[header])))
    return Start(header, header + 1, width)


def is_doubtful(rows: list[list[str]], start: Start) -> bool:
    """Tell whether it is not plain which row has the names: the first row of the table is nothing
    but words, and was taken for none.

    In a table that begins with dates and amounts it is plain that there are no names.
    """
    if start.width < 2 or len(rows) < 2:
        return False
    above = rows[: start.first if start.header is None else start.header]
    first = next((row for row in above if _is_strong(row, start.width)), None)
    if start.header is None and first is None:
        first = rows[start.first] if start.first < len(rows) else None
    return first is not None and not _has_values(first)
