"""From words to lines to blocks: what on a page belongs together, in the order of reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.reading.page import Word

Box = tuple[float, float, float, float]

ROWS_BACK = 3  # among which a word's line is looked for
SAME_LINE = 0.5  # of the lower word's height that two words share on one line
PIECE_GAP = 1.2  # of the letters' size: a wider gap begins another piece of the line
LINE_GAP = 0.75  # of a line's height between two lines of one block
LIKE_SIZE = 1.25  # letters of one block differ in size by less


@dataclass(slots=True)
class Piece:
    """Words beside each other, without a wide gap between them."""

    words: list[Word]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float

    @classmethod
    def of(cls, words: list[Word]) -> "Piece":
        x0, y0, x1, y1 = union(words)
        return cls(words, x0, y0, x1, y1, median([word.size for word in words]))

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def height(self) -> float:
        return self.y1 - self.y0


@dataclass(slots=True)
class Block:
    """Pieces below each other that belong together."""

    pieces: list[Piece]

    @property
    def box(self) -> Box:
        return union(self.pieces)

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.pieces)

    @property
    def words(self) -> list[Word]:
        return [word for piece in self.pieces for word in piece.words]

    @property
    def size(self) -> float:
        return median([piece.size for piece in self.pieces])


def rows_of(words: Sequence[Word], slope: float = 0.0) -> list[list[Word]]:
    """Return the words line by line: from the top, each line from the left.

    slope  of the lines of a page that lies askew: points down for each to the right
    """
    if slope:
        return _rows_askew(words, slope)
    rows: list[_Row] = []
    for word in sorted(words, key=lambda word: (word.y0 + word.y1, word.x0)):
        for row in rows[: -(ROWS_BACK + 1) : -1]:
            if row.takes(word):
                row.add(word)
                break
        else:
            rows.append(_Row(word))
    found = [sorted(row.words, key=lambda word: word.x0) for row in rows]
    return sorted(found, key=lambda row: (row[0].y0 + row[0].y1, row[0].x0))


class _Row:
    """Words of one line, and where they reach."""

    __slots__ = ("bottom", "left", "right", "top", "words")

    def __init__(self, word: Word) -> None:
        self.words = [word]
        self.top, self.bottom = word.y0, word.y1
        self.left, self.right = word.x0, word.x1

    def takes(self, word: Word) -> bool:
        """Tell whether the word is on the line's height, and does not lie upon another word."""
        shared = min(self.bottom, word.y1) - max(self.top, word.y0)
        if shared <= SAME_LINE * min(self.bottom - self.top, word.y1 - word.y0):
            return False
        if word.x0 >= self.right or word.x1 <= self.left:
            return True
        return all(
            min(word.x1, other.x1) - max(word.x0, other.x0) < 0.5 * min(width(word), width(other))
            for other in self.words
        )

    def add(self, word: Word) -> None:
        self.words.append(word)
        self.left, self.right = min(self.left, word.x0), max(self.right, word.x1)


def _rows_askew(words: Sequence[Word], slope: float) -> list[list[Word]]:
    """Find the lines on the page put straight; a box that leans is higher than its letters."""
    straight: dict[int, Word] = {}
    moved = []
    for word in words:
        middle = (word.y0 + word.y1) / 2 - slope * (word.x0 + word.x1) / 2
        half = max(word.y1 - word.y0 - abs(slope) * width(word), 0.5 * word.size, 0.5) / 2
        put = replace(word, y0=middle - half, y1=middle + half)
        straight[id(put)] = word
        moved.append(put)
    return [[straight[id(word)] for word in row] for row in rows_of(moved)]


def width(word: Word) -> float:
    return max(word.x1 - word.x0, 0.1)


def pieces_of(row: Sequence[Word]) -> list[Piece]:
    """Return the pieces of a line, cut at its wide gaps."""
    pieces: list[list[Word]] = []
    for word in row:
        last = pieces[-1][-1] if pieces else None
        if last is None or word.x0 - last.x1 > PIECE_GAP * max(last.size, word.size):
            pieces.append([])
        pieces[-1].append(word)
    return [Piece.of(words) for words in pieces]


def blocks_of(rows: Iterable[Sequence[Piece]]) -> list[Block]:
    """Return the blocks that the lines' pieces build, in the order of their first lines."""
    blocks: list[Block] = []
    growing: list[Block] = []
    for row in rows:
        taken: list[Block] = []
        for piece in row:
            growing = [one for one in growing if piece.y0 - one.pieces[-1].y1 < 3 * piece.height]
            fitting = [one for one in growing if one not in taken and _continues(one, piece)]
            if len(fitting) == 1 and _alone(fitting[0], row):
                fitting[0].pieces.append(piece)
            else:
                fitting = [Block([piece])]
                blocks.append(fitting[0])
                growing.append(fitting[0])
            taken.append(fitting[0])
    return blocks


def _continues(block: Block, piece: Piece) -> bool:
    last = block.pieces[-1]
    if piece.y0 - last.y1 > LINE_GAP * min(last.height, piece.height):
        return False
    if piece.y0 < last.y0 + 0.3 * last.height:
        return False
    if max(piece.size, last.size) > LIKE_SIZE * min(piece.size, last.size):
        return False
    if bold(last.words) != bold(piece.words):
        return False
    return min(last.x1, piece.x1) > max(last.x0, piece.x0)


def _alone(block: Block, row: Sequence[Piece]) -> bool:
    """Tell whether only one piece of the line lies below the block's last."""
    last = block.pieces[-1]
    return sum(min(last.x1, one.x1) > max(last.x0, one.x0) for one in row) == 1


def bold(words: Sequence[Word]) -> bool:
    return sum(word.bold for word in words) * 2 > len(words)


def union(items: Iterable[Word | Piece]) -> Box:
    """Return the box around all items. Raises ValueError without any."""
    boxes = [(item.x0, item.y0, item.x1, item.y1) for item in items]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def median(values: Sequence[float]) -> float:
    """Return the middle of the values, the upper one of two; 0 without any."""
    return sorted(values)[len(values) // 2] if values else 0.0
