"""What the blocks of a page are: headings, lists, pairs of a key and its value, plain text."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from app.reading.layout import Block, Box, Piece, bold, median
from app.reading.page import Word

HEADING_SIZE = 1.15  # times the size of most of the page's words
HEADING_WORDS = 14
PAIR_KEY_WORDS = 5
PAIR = re.compile(r"(?P<key>[^:]{2,60}?)\s*:\s+(?P<value>\S.*)")
BULLET = re.compile(r"[•●▪■◦○‣⁃∙·–—*-]\s*\S|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]\s")
LONGEST_TEXT = 20_000


class Draft:
    """A zone before it has a name and a place in the document."""

    __slots__ = ("box", "confidence", "data", "kind", "text", "tool")

    def __init__(
        self,
        kind: str,
        box: Box,
        text: str,
        *,
        tool: str,
        confidence: float = 1.0,
        data: dict[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.box = box
        self.text = text[:LONGEST_TEXT]
        self.tool = tool
        self.confidence = confidence
        self.data = data


def drafts_of(blocks: Sequence[Block], *, tool: str) -> list[Draft]:
    """Return a draft for every block, in the blocks' order."""
    body = median([word.size for block in blocks for word in block.words])
    return [draft for block in blocks for draft in _drafts_of(block, body, tool)]


def _drafts_of(block: Block, body: float, tool: str) -> Iterable[Draft]:
    sure = confidence_of(block.words)
    pairs = [_pair(piece) for piece in block.pieces]
    if all(pairs):
        for piece, pair in zip(block.pieces, pairs, strict=True):
            box = (piece.x0, piece.y0, piece.x1, piece.y1)
            yield Draft("key_value", box, piece.text, tool=tool, confidence=sure, data=pair)
        return
    yield Draft(_kind(block, body), block.box, block.text, tool=tool, confidence=sure)


def _kind(block: Block, body: float) -> str:
    if _is_heading(block, body):
        return "heading"
    marked = sum(bool(BULLET.match(piece.text)) for piece in block.pieces)
    if marked >= 2 and marked * 2 >= len(block.pieces):
        return "list"
    return "text"


def _is_heading(block: Block, body: float) -> bool:
    words = block.words
    if len(words) > HEADING_WORDS or len(block.pieces) > 3:
        return False
    if not any(letter.isalpha() for letter in block.text) or block.text.endswith((",", ";")):
        return False
    if block.size >= HEADING_SIZE * body:
        return True
    return bold(words) and len(block.pieces) == 1 and not block.text.endswith((".", ":"))


def _pair(piece: Piece) -> dict[str, Any] | None:
    found = PAIR.fullmatch(piece.text)
    if found is None or len(found["key"].split()) > PAIR_KEY_WORDS:
        return None
    return {"key": found["key"], "value": found["value"]}


def confidence_of(words: Sequence[Word]) -> float:
    """Return how sure the words are on average, 0 to 1; 1 where there are none."""
    if not words:
        return 1.0
    return round(sum(word.confidence for word in words) / len(words), 3)
