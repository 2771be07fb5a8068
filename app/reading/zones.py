"""What the blocks of a page are: headings, lists, pairs of a key and its value, plain text."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from app.reading.layout import Block, Box, Piece, bold, median
from app.reading.margins import Margins
from app.reading.page import Word

HEADING_SIZE = 1.15  # times the size of most of the page's words
HEADING_WORDS = 14
PAIR_KEY_WORDS = 5
MOST_PAIRED = 1000  # blocks of a page among which values are looked for
PAIR_GAP = 400.0  # points between a key and its value
PAIR = re.compile(r"(?P<key>[^:]{2,60}?)\s*:\s+(?P<value>\S.*)")
BULLET = re.compile(r"[•●▪■◦○‣⁃∙·–—*-]\s*\S|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]\s")
FIGURE = re.compile(r"[^\w]*[A-Z]{0,3}[^\w]*\d[\d\s.,:/'%-]*[^\w]*[A-Z]{0,3}[^\w]*")
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


def drafts_of(
    blocks: Sequence[Block], *, tool: str, margins: Margins, height: float
) -> list[Draft]:
    """Return a draft for every block; `height` is the page's, in points."""
    body = median([word.size for block in blocks for word in block.words])
    drafts: list[Draft] = []
    for block in blocks:
        kind = margins.kind_of(block, height)
        if kind is None:
            drafts += _drafts_of(block, body, tool)
        else:
            sure = confidence_of(block.words)
            drafts.append(Draft(kind, block.box, block.text, tool=tool, confidence=sure))
    return _paired(drafts)


def _drafts_of(block: Block, body: float, tool: str) -> Iterable[Draft]:
    sure = confidence_of(block.words)
    pairs = [_pair(piece) for piece in block.pieces]
    if not all(pairs):
        yield Draft(_kind(block, body), block.box, block.text, tool=tool, confidence=sure)
        return
    for piece, pair in zip(block.pieces, pairs, strict=True):
        box = (piece.x0, piece.y0, piece.x1, piece.y1)
        yield Draft("key_value", box, piece.text, tool=tool, confidence=sure, data=pair)


def _paired(drafts: Sequence[Draft]) -> list[Draft]:
    """Bring keys and the values on their right together: as many lines of each, on one height."""
    found: list[Draft] = []
    values = {id(draft): draft for draft in drafts if draft.kind in ("text", "heading", "list")}
    if len(values) > MOST_PAIRED:
        return list(drafts)
    taken: set[int] = set()
    for draft in drafts:
        if id(draft) in taken:
            continue
        keys, value = draft.text.split("\n"), None
        if id(draft) in values and _are_short(keys):
            value = _value_of(draft, list(values.values()))
        if value is None:
            found.append(draft)
            continue
        taken.add(id(value))
        del values[id(value)]
        found += _pairs(draft, value, keys, value.text.split("\n"))
    return [draft for draft in found if id(draft) not in taken]


def _value_of(key: Draft, others: Sequence[Draft]) -> Draft | None:
    """Return what stands alone on the right of `key` and is its value; None where nothing is."""
    right = [one for one in others if one is not key and _is_beside(key, one)]
    value = min(right, key=lambda one: one.box[0], default=None)
    if value is None:
        return None
    keys, texts = key.text.split("\n"), value.text.split("\n")
    colons = sum(line.rstrip().endswith(":") for line in keys) * 2 > len(keys)
    figures = len(right) == 1 and all(FIGURE.fullmatch(text) for text in texts)
    return value if len(keys) == len(texts) and (colons or figures) else None


def _pairs(key: Draft, value: Draft, keys: list[str], texts: list[str]) -> Iterable[Draft]:
    top, bottom = min(key.box[1], value.box[1]), max(key.box[3], value.box[3])
    step = (bottom - top) / len(keys)
    for at, (name, text) in enumerate(zip(keys, texts, strict=True)):
        yield Draft(
            "key_value",
            (key.box[0], round(top + at * step, 2), value.box[2], round(top + (at + 1) * step, 2)),
            f"{name} {text}",
            tool=key.tool,
            confidence=min(key.confidence, value.confidence),
            data={"key": name.rstrip(" :"), "value": text},
        )


def _are_short(lines: Sequence[str]) -> bool:
    """Tell whether the lines may name something."""
    return all(
        line[:1].isalpha() and len(line.split()) <= PAIR_KEY_WORDS and not FIGURE.fullmatch(line)
        for line in lines
    )


def _is_beside(key: Draft, value: Draft) -> bool:
    """Tell whether `value` stands on the right of `key`, on its height, not far away."""
    height = (key.box[3] - key.box[1]) / (key.text.count("\n") + 1)
    gap = value.box[0] - key.box[2]
    return (
        0 <= gap <= PAIR_GAP
        and abs(key.box[1] - value.box[1]) < 0.6 * height
        and abs(key.box[3] - value.box[3]) < 0.6 * height
    )


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
