"""The words of a PDF page: PDFium's characters, cut where there is a blank, a gap or a new line."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from app.reading.page import Word

MOST_CHARACTERS = 500_000  # of one page; a hostile one may have millions
GAP = 0.3  # of a letter's height, from which on two letters are two words
BOLD_WEIGHT = 600
BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi")
LONGEST_NAME = 256
LINE_END_HYPHEN = 0x0002  # what PDFium calls a hyphen that a line ends with

Edge = tuple[float, float, float, float]
Boxes = NDArray[np.float32]
"""Rows of x0, y0, x1, y1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the page's box lies in PDF space, and by how many quarters it is turned clockwise."""

    left: float
    bottom: float
    right: float
    top: float
    turns: int

    @property
    def width(self) -> float:
        return self.top - self.bottom if self.turns % 2 else self.right - self.left

    @property
    def height(self) -> float:
        return self.right - self.left if self.turns % 2 else self.top - self.bottom

    def shown(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return where a point (or arrays of them) of PDF space is on the page shown."""
        if self.turns == 1:
            return y - self.bottom, x - self.left
        if self.turns == 2:
            return self.right - x, y - self.bottom
        if self.turns == 3:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def boxes(self, left: Any, top: Any, right: Any, bottom: Any) -> Boxes:
        """Return boxes of PDF space as they are shown."""
        xs, ys = self.shown(left, top)
        xe, ye = self.shown(right, bottom)
        return np.stack(
            (np.minimum(xs, xe), np.minimum(ys, ye), np.maximum(xs, xe), np.maximum(ys, ye)), axis=1
        )


def _blanks() -> NDArray[np.bool_]:
    table = np.zeros(65536, dtype=bool)
    table[:33] = True
    table[LINE_END_HYPHEN] = False
    table[127:161] = True
    table[[0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF, 0xFFFE, 0xFFFF]] = True
    table[0x2000:0x2010] = True
    return table


BLANK = _blanks()


def read_words(textpage: Any, frame: Frame, down: Sequence[Edge] = ()) -> list[Word]:
    """Return the words of an open text page, in the order in which the file has them.

    down  edges that part words: text that was too long for its cell runs into the next one
    """
    count = min(pdfium.FPDFText_CountChars(textpage), MOST_CHARACTERS)
    if count <= 0:
        return []
    buffer = (ctypes.c_ushort * (count + 1))()
    count = min(count, max(pdfium.FPDFText_GetText(textpage, 0, count, buffer) - 1, 0))
    codes = np.frombuffer(buffer, dtype=np.uint16)[:count].copy()
    inked = ~BLANK[codes]
    if not inked.any():
        return []
    codes[codes == LINE_END_HYPHEN] = ord("-")
    boxes = _boxes(textpage, frame, inked)
    starts, ends = _cuts(inked, boxes, _parted(boxes, inked, down))
    size = pdfium.FPDFText_GetFontSize
    bolds = _Bolds(textpage)
    text = codes.tobytes()
    words = []
    unions = _unions(boxes, starts, ends)
    for start, end, (x0, y0, x1, y1) in zip(starts, ends, unions, strict=True):
        written = text[2 * start : 2 * end].decode("utf-16-le", "replace")
        letters = _size(size(textpage, start), y1 - y0)
        words.append(Word(x0, y0, x1, y1, written, letters, 1.0, bolds.at(start)))
    return words


class _Bolds:
    """Tells whether letters are bold: by their font's name, which is looked up once a font."""

    def __init__(self, textpage: Any) -> None:
        self._textpage = textpage
        self._known: dict[int | None, bool] = {}
        self._name = ctypes.create_string_buffer(LONGEST_NAME)

    def at(self, index: int) -> bool:
        item = pdfium.FPDFText_GetTextObject(self._textpage, index)
        font = pdfium.FPDFTextObj_GetFont(item) if item else None
        address = ctypes.c_void_p.from_buffer(font).value if font else None
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = bool(font) and self._is_bold(font, index)
        return known

    def _is_bold(self, font: Any, index: int) -> bool:
        size = pdfium.FPDFFont_GetBaseFontName(font, self._name, LONGEST_NAME)
        name = self._name.value.lower() if 0 < size <= LONGEST_NAME else b""
        if any(sign in name for sign in BOLD_NAMES):
            return True
        return bool(pdfium.FPDFText_GetFontWeight(self._textpage, index) >= BOLD_WEIGHT)


def _boxes(textpage: Any, frame: Frame, inked: NDArray[np.bool_]) -> Boxes:
    """Return the box of every character, ascent and descent of its font included."""
    count = len(inked)
    rects = (pdfium.FS_RECTF * count)()
    ask = pdfium.FPDFText_GetLooseCharBox
    for index in np.flatnonzero(inked).tolist():
        ask(textpage, index, rects[index])
    found = np.frombuffer(rects, dtype=np.float32).reshape(count, 4)
    return frame.boxes(found[:, 0], found[:, 1], found[:, 2], found[:, 3])


def _parted(boxes: Boxes, inked: NDArray[np.bool_], down: Sequence[Edge]) -> NDArray[np.bool_]:
    """Tell for each letter whether an edge stands between it and the letter before."""
    parted = np.zeros(len(inked), dtype=bool)
    if not down:
        return parted
    edges = sorted(down)
    places = np.array([edge[0] for edge in edges])
    across = (boxes[:, 0] + boxes[:, 2]) / 2
    first = np.searchsorted(places, across[:-1], side="right")
    last = np.searchsorted(places, across[1:], side="left")
    for at in np.flatnonzero((last > first) & inked[:-1] & inked[1:]).tolist():
        middle = (boxes[at, 1] + boxes[at, 3]) / 2
        between = edges[first[at] : last[at]]
        parted[at + 1] = any(top <= middle <= bottom for _, top, _, bottom in between)
    return parted


def _cuts(
    inked: NDArray[np.bool_], boxes: Boxes, parted: NDArray[np.bool_]
) -> tuple[list[int], list[int]]:
    """Return where words begin, and where they end."""
    x0, y0, x1, y1 = boxes.T
    height = np.maximum(y1 - y0, 0.1)
    before = np.concatenate(([False], inked[:-1]))
    starts = inked & ~before
    run = np.cumsum(starts) - 1  # of letters without a blank between them
    upright = _upright(starts, inked, boxes)[np.maximum(run, 0)]
    middle = (y0 + y1) / 2
    least = np.minimum(height[1:], height[:-1])
    jump = np.zeros(len(inked), dtype=bool)
    jump[1:] = (
        (np.abs(middle[1:] - middle[:-1]) > 0.6 * least)
        | (x0[1:] - x1[:-1] > GAP * least)
        | (x1[1:] < x0[:-1] - GAP * least)
    )
    starts |= inked & (jump | parted) & upright
    follows = np.concatenate((~inked[1:] | starts[1:], [True]))
    return np.flatnonzero(starts).tolist(), (np.flatnonzero(inked & follows) + 1).tolist()


def _upright(
    starts: NDArray[np.bool_], inked: NDArray[np.bool_], boxes: Boxes
) -> NDArray[np.bool_]:
    """Tell for each run of letters whether it goes along the page rather than up or down."""
    first = np.flatnonzero(starts)
    last = np.flatnonzero(inked & np.concatenate((~inked[1:], [True])))
    second = np.minimum(first + 1, last)
    across, down = np.abs(boxes[last, :2] - boxes[first, :2]).T
    step_across, step_down = np.abs(boxes[second, :2] - boxes[first, :2]).T
    upright: NDArray[np.bool_] = (across >= down) | (step_across >= step_down)
    return upright


def _unions(boxes: Boxes, starts: list[int], ends: list[int]) -> list[list[float]]:
    # reduceat goes from each start to the next one: blanks in between must not count.
    pairs = np.array([starts, ends]).T.reshape(-1)
    wide = np.vstack((boxes, boxes[-1:]))  # an end may be one past the last
    lows = np.minimum.reduceat(wide[:, :2], pairs)[::2]
    highs = np.maximum.reduceat(wide[:, 2:], pairs)[::2]
    found: list[list[float]] = np.hstack((lows, highs)).astype(float).round(2).tolist()
    return found


def _size(said: float, height: float) -> float:
    """Return the letters' size: what the font says, where that is in keeping with their height."""
    if 0.6 * height <= said <= 1.2 * height:
        return round(said, 2)
    return round(height, 2)
