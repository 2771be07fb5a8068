"""A whole page: its tables, figures and blocks as zones, and its lines in the order of reading."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.reading.aligned import aligned_tables
from app.reading.grids import Table, ruled_tables
from app.reading.layout import Block, Box, blocks_of, pieces_of, rows_of
from app.reading.margins import Margins
from app.reading.page import Word
from app.reading.sources import Sheet
from app.reading.zones import Draft, confidence_of, drafts_of

FIGURE_SHARE = 0.005  # of the page that a picture covers at least
BACKGROUND_SHARE = 0.85  # a picture of the whole page is what the words stand on
DRAWINGS = 8  # leaning or curved paths near each other: a chart or a logo
MOST_BOXES = 500  # of a page that are brought together
NEAR = 12.0  # points
PROSE_LINES = 4
PROSE_WORDS = 4.0  # a line, on average
UPWARDS = 2.5  # times as high as its letters: a word that goes up or down the page
DEEPEST_CUT = 40  # columns within rows within columns
ASKEW = 0.002  # a slope that is worth straightening


@dataclass(slots=True)
class Layout:
    """`lines` are words in the order of reading; `drafts` the zones in that order."""

    lines: list[list[Word]]
    drafts: list[Draft]


def lay_out(sheet: Sheet, margins: Margins) -> Layout:
    """Return what belongs together on the page, and in which order it is read."""
    tool = "rapidocr" if sheet.source in ("ocr", "both") else "pdfium"
    slope = sheet.slope if abs(sheet.slope) > ASKEW else 0.0
    upright = [word for word in sheet.words if not _goes_up(word)]
    aside = [[word] for word in sheet.words if _goes_up(word)]
    rows = rows_of(upright, slope)
    tables = ruled_tables(sheet.marks, upright)
    tools = ["rulings"] * len(tables)
    left = _without(rows, tables)
    found = aligned_tables(left)
    tables, tools = tables + found, tools + ["alignment"] * len(found)
    blocks = blocks_of([pieces_of(row) for row in _without(left, found)])
    blocks += [Block(pieces_of(row)) for row in aside]
    drafts = drafts_of(blocks, tool=tool, margins=margins, height=sheet.height)
    drafts += [_of_table(table, by) for table, by in zip(tables, tools, strict=True)]
    drafts += [
        Draft("figure", box, "", tool="pdfium")
        for box in _figures(sheet, [table.box for table in tables])
    ]
    return Layout(_lines(rows, blocks) + aside, in_order(drafts))


def _goes_up(word: Word) -> bool:
    height, width = word.y1 - word.y0, word.x1 - word.x0
    return len(word.text) > 2 and height > UPWARDS * max(width, 1.0)


def _without(rows: Sequence[list[Word]], tables: Sequence[Table]) -> list[list[Word]]:
    """Return the rows without the words that stand in tables."""
    taken = {id(word) for table in tables for word in table.words}
    if not taken:
        return list(rows)
    left = ([word for word in row if id(word) not in taken] for row in rows)
    return [row for row in left if row]


def _of_table(table: Table, tool: str) -> Draft:
    sure = min(table.confidence, confidence_of(table.words))
    return Draft(
        "table", table.box, table.text, tool=tool, confidence=sure, data={"rows": table.rows}
    )


def _lines(rows: Sequence[list[Word]], blocks: Sequence[Block]) -> list[list[Word]]:
    """Return the page's lines: across the page, but columns of prose one after another."""
    prose = [block for block in blocks if _is_prose(block)]
    beside = [block for block in prose if any(_beside(block, other) for other in prose)]
    column = {id(word): block for block in beside for word in block.words}
    if not column:
        return list(rows)
    lines: list[list[Word]] = []
    told: set[int] = set()
    for row in rows:
        alone = [word for word in row if id(word) not in column]
        if alone:
            lines.append(alone)
        begun = next((column[id(word)] for word in row if id(word) in column), None)
        if begun is None or id(begun) in told:
            continue
        together = [one for one in beside if id(one) not in told and _meet(one, begun)]
        for block in sorted(together, key=lambda one: one.box[0]):
            told.add(id(block))
            lines += [piece.words for piece in block.pieces]
    lines += [piece.words for block in beside if id(block) not in told for piece in block.pieces]
    return lines


def _is_prose(block: Block) -> bool:
    lines = len(block.pieces)
    return lines >= PROSE_LINES and len(block.words) >= PROSE_WORDS * lines


def _meet(one: Block, other: Block) -> bool:
    return one.box[1] < other.box[3] and other.box[1] < one.box[3]


def _beside(one: Block, other: Block) -> bool:
    return _meet(one, other) and (one.box[2] < other.box[0] or other.box[2] < one.box[0])


def _figures(sheet: Sheet, tables: Sequence[Box]) -> list[Box]:
    """Return where pictures and drawings are that are more than a background or an ornament."""
    page = max(sheet.width * sheet.height, 1.0)
    boxes = [box for box in sheet.marks.pictures if _area(box) < BACKGROUND_SHARE * page]
    boxes += [box for box, count in _clusters(sheet.marks.drawings) if count >= DRAWINGS]
    merged = [box for box, _ in _clusters(boxes)]
    return [
        box
        for box in merged
        if FIGURE_SHARE * page <= _area(box) < BACKGROUND_SHARE * page
        and not any(_overlap(box, table) > 0.5 * _area(box) for table in tables)
    ]


def _clusters(boxes: Sequence[Box]) -> list[tuple[Box, int]]:
    """Bring boxes near each other together; return each bunch's box, and how many it holds."""
    found: list[tuple[Box, int]] = []
    for x0, y0, x1, y1 in sorted(boxes)[:MOST_BOXES]:
        box, count = (x0, y0, x1, y1), 1
        apart = []
        for other, held in found:
            if (
                other[0] - NEAR <= box[2]
                and box[0] - NEAR <= other[2]
                and other[1] - NEAR <= box[3]
                and box[1] - NEAR <= other[3]
            ):
                box = (
                    min(box[0], other[0]),
                    min(box[1], other[1]),
                    max(box[2], other[2]),
                    max(box[3], other[3]),
                )
                count += held
            else:
                apart.append((other, held))
        found = [*apart, (box, count)]
    return found


def in_order(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the zones as they are read: header first, then by rows or columns, footer last."""
    ends = {"header": 0, "footer": 2}
    parts: list[list[Draft]] = [[], [], []]
    for draft in drafts:
        parts[ends.get(draft.kind, 1)].append(draft)
    return [draft for part in parts for draft in _cut(part)]


def _cut(drafts: list[Draft], depth: int = 0) -> list[Draft]:
    """Order by cutting between rows where there is room across, else between columns."""
    if len(drafts) < 2:
        return drafts
    for axis in (1, 0) if depth < DEEPEST_CUT else ():
        groups = _parted(drafts, axis)
        if len(groups) > 1:
            return [draft for group in groups for draft in _cut(group, depth + 1)]
    return sorted(drafts, key=lambda draft: (draft.box[1], draft.box[0]))


def _parted(drafts: list[Draft], axis: int) -> list[list[Draft]]:
    """Return the drafts in groups that do not overlap on the axis (0 across, 1 down)."""
    groups: list[list[Draft]] = []
    reach = float("-inf")
    for draft in sorted(drafts, key=lambda draft: (draft.box[axis], draft.box[1 - axis])):
        low, high = draft.box[axis], draft.box[axis + 2]
        if low >= reach - 1 or not groups:
            groups.append([])
        groups[-1].append(draft)
        reach = max(reach, high)
    return groups


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _overlap(one: Box, other: Box) -> float:
    return _area(
        (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    )
