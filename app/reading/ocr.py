"""Words out of pictures: rapidocr on one thread, with the models that it brings along.

The engine is made in the worker that needs it, never before a fork. What runs its models tells its
maker how it is used, and starts threads for that as it is imported: it is told not to before.
"""

import math
import operator
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.reading.page import Word

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from rapidocr import RapidOCR

MOST_STRETCHED = 60  # times as long as wide: no page; the engine would make nothing of it
# The engine stretches a picture until its shorter side is long enough. It gives wide ones a border
# before, so that this stays affordable; tall ones it would make gigabytes of.
TALLEST = 8  # times as high as wide
TALL = 1.5  # times as high as wide: text that goes up or down
LOOKED_AT = 12  # lines by which is told whether the page stands on its head
SURE_SIDE = 0.6  # of them say so
CLEAR_SCORE = 0.9  # of a page that surely does not
LEAST_SCORE = 0.5  # of a line that is taken at all
ENGINE = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.return_word_box": True,
    "Global.text_score": LEAST_SCORE,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
}

Pixels = NDArray[np.uint8]
Quads = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read in a picture.

    words   boxes in pixels of the picture once it is turned
    turned  by how many quarters it has to be turned clockwise to stand upright
    slope   of its lines then: pixels down for each to the right
    """

    words: list[Word]
    turned: int
    slope: float


class Ocr:
    """The engine."""

    def __init__(self) -> None:
        # Else it makes an id for this machine and sends how it is used to its makers.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        cv2.setNumThreads(1)
        self._engine: Any = RapidOCR(params=dict(ENGINE))

    def read(self, image: Image.Image) -> Seen:
        """Return the words of a picture in RGB."""
        if min(image.size) * MOST_STRETCHED < max(image.size):
            return Seen([], 0, 0.0)
        pixels: Pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
        turned = 0
        result = self._recognise(pixels)
        if _go_up(_quads(result)):
            pixels, turned = _turned(pixels), 1
            result = self._recognise(pixels)
        if _is_doubtful(result) and self._on_its_head(pixels, _quads(result)):
            pixels, turned = _turned(_turned(pixels)), turned + 2
            result = self._recognise(pixels)
        words = []
        for quad, text, score, parts in _lines(result):
            words += _words(quad, text, score, parts, width=pixels.shape[1])
        return Seen(words, turned, _slope(_quads(result)))

    def _recognise(self, pixels: Pixels) -> Any:
        return self._engine(_widened(pixels), use_det=True, use_cls=False, use_rec=True)

    def _on_its_head(self, pixels: Pixels, quads: Quads) -> bool:
        """Tell whether most of the longest lines stand on their heads."""
        longest = sorted(quads, key=lambda quad: -_length(quad))[:LOOKED_AT]
        votes = []
        for quad in longest:
            line = _cut(pixels, quad)
            found: Any = self._engine(line, use_det=False, use_cls=True, use_rec=False)
            if found.cls_res:
                votes.append(bool(found.cls_res[0][0] == "180"))
        return sum(votes) >= SURE_SIDE * max(len(votes), 1)


def _quads(result: Any) -> Quads:
    """Return where lines of text are: their four corners, from the top left on."""
    if result.boxes is None or not len(result.boxes):
        return np.zeros((0, 4, 2))
    return np.asarray(result.boxes, dtype=np.float64)


def _lines(result: Any) -> Iterator[tuple[NDArray[np.float64], str, float, Sequence[Any]]]:
    quads = _quads(result)
    if not len(quads) or result.txts is None:
        return
    parts = result.word_results
    if len(parts) != len(quads):  # a line without words of its own: then none is told
        parts = [()] * len(quads)
    for quad, text, score, some in zip(quads, result.txts, result.scores, parts, strict=True):
        yield quad, text, float(score), some


def _is_doubtful(result: Any) -> bool:
    """Tell whether the text was read so badly that it may stand on its head."""
    if result.scores is None or not len(result.scores):
        return False
    letters = [len(text) for text in result.txts]
    mean = sum(map(operator.mul, result.scores, letters)) / max(sum(letters), 1)
    return bool(mean < CLEAR_SCORE)


def _words(
    quad: NDArray[np.float64], text: str, score: float, parts: Sequence[Any], *, width: int
) -> list[Word]:
    """Return the words of a line, each with its own box where the engine tells it.

    width  of the picture, which may have been read with a border
    """
    height = float(np.linalg.norm(quad[3] - quad[0]))
    known = [part for part in parts if part[2] is not None]
    if not known or "".join(part[0] for part in known) != "".join(text.split()):
        known = _shared_out(quad, text, score)
    words = []
    for word, sure, corners in known:
        xs, ys = zip(*corners, strict=True)
        words.append(
            Word(
                round(min(float(min(xs)), width), 1),
                round(float(min(ys)), 1),
                round(min(float(max(xs)), width), 1),
                round(float(max(ys)), 1),
                word,
                round(0.75 * height, 1),
                round(min(float(sure), score), 3),
            )
        )
    return words


def _shared_out(quad: NDArray[np.float64], text: str, score: float) -> list[Any]:
    """Return the line's words as parts, each as long as its letters are many."""
    found = []
    at = 0
    for word in text.split():
        at = text.index(word, at)
        start, end = at / len(text), (at + len(word)) / len(text)
        at += len(word)
        top, bottom = quad[1] - quad[0], quad[2] - quad[3]
        corners = [
            quad[0] + top * start,
            quad[0] + top * end,
            quad[3] + bottom * end,
            quad[3] + bottom * start,
        ]
        found.append((word, score, corners))
    return found


def _go_up(quads: Quads) -> bool:
    """Tell whether most of the text goes up or down the page."""
    if not len(quads):
        return False
    along = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1)
    down = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    tall = down > TALL * along
    return bool(down[tall].sum() > along[~tall].sum())


def _slope(quads: Quads) -> float:
    """Return how the lines lean, by the longer half of them."""
    if not len(quads):
        return 0.0
    across = quads[:, 1] - quads[:, 0]
    long = across[across[:, 0] >= np.median(across[:, 0])]
    slopes = long[:, 1] / np.maximum(long[:, 0], 1.0)
    lean = float(np.median(slopes))
    return lean if math.isfinite(lean) and abs(lean) < 0.5 else 0.0


def _length(quad: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]))


def _cut(pixels: Pixels, quad: NDArray[np.float64]) -> Pixels:
    height, width = pixels.shape[:2]
    low = np.clip(quad.min(axis=0), 0, (width - 2, height - 2)).astype(int)
    high = np.maximum(np.clip(quad.max(axis=0), 0, (width, height)).astype(int), low + 1)
    return pixels[low[1] : high[1], low[0] : high[0]]


def _turned(pixels: Pixels) -> Pixels:
    """Return the picture turned clockwise by a quarter."""
    return np.ascontiguousarray(np.rot90(pixels, -1))


def _widened(pixels: Pixels) -> Pixels:
    """Return the picture, with white on the right where it is far higher than wide."""
    height, width = pixels.shape[:2]
    if height <= TALLEST * width:
        return pixels
    more = 2 * height // TALLEST - width  # as much as the engine gives to wide ones
    return np.pad(pixels, ((0, 0), (0, more), (0, 0)), constant_values=255)
