"""What is drawn on a PDF page beside text: straight edges, and where its pictures lie."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from app.reading.pdf_text import Frame

MOST_OBJECTS = 50_000  # of one page that are looked at
MOST_EDGES = 20_000
DEEPEST_FORM = 5
STRAIGHT = 0.5  # points that an edge may lean
SHORTEST_EDGE = 2.0

Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(slots=True)
class Marks:
    """Points from the top left of the page as it is shown.

    across, down  edges as boxes without height, or without width
    pictures      boxes of images
    drawings      boxes of curved or leaning paths, as those of a chart
    """

    across: list[Box] = field(default_factory=list)
    down: list[Box] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    drawings: list[Box] = field(default_factory=list)


def read_marks(page: Any, frame: Frame) -> Marks:
    """Return the marks of a loaded page."""
    marks = Marks()
    count = min(pdfium.FPDFPage_CountObjects(page), MOST_OBJECTS)
    looker = _Looker(marks, frame)
    for index in range(count):
        looker.see(pdfium.FPDFPage_GetObject(page, index), IDENTITY, 0)
    return marks


class _Looker:
    """Gathers marks, object by object."""

    def __init__(self, marks: Marks, frame: Frame) -> None:
        self._marks = marks
        self._frame = frame
        self._left = MOST_OBJECTS
        self._bounds = tuple(ctypes.c_float() for _ in range(4))
        self._bounds_ref = tuple(map(ctypes.byref, self._bounds))
        self._point = (ctypes.c_float(), ctypes.c_float())
        self._point_ref = tuple(map(ctypes.byref, self._point))

    def see(self, item: Any, matrix: Matrix, depth: int) -> None:
        """Take up what `item` draws; `matrix` leads from its space to the page's."""
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            self._path(item, matrix)
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            box = self._box(item, matrix)
            if box is not None:
                self._marks.pictures.append(box)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < DEEPEST_FORM:
            inner = _times(_matrix(item), matrix)
            for index in range(pdfium.FPDFFormObj_CountObjects(item)):
                self._left -= 1
                if self._left < 0:
                    return
                self.see(pdfium.FPDFFormObj_GetObject(item, index), inner, depth + 1)

    def _box(self, item: Any, matrix: Matrix) -> Box | None:
        if not pdfium.FPDFPageObj_GetBounds(item, *self._bounds_ref):
            return None
        left, bottom, right, top = (value.value for value in self._bounds)
        corners = [
            self._frame.shown(*_applied(matrix, x, y)) for x in (left, right) for y in (bottom, top)
        ]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        width, height = self._frame.width, self._frame.height
        x0, y0 = max(min(xs), 0.0), max(min(ys), 0.0)
        x1, y1 = min(max(xs), width), min(max(ys), height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _path(self, item: Any, matrix: Matrix) -> None:
        mode, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(item, ctypes.byref(mode), ctypes.byref(stroke))
        if not mode.value and not stroke.value:
            return  # it only clips
        marks = self._marks
        if len(marks.across) + len(marks.down) > MOST_EDGES:
            return
        leaning = False
        for x0, y0, x1, y1 in self._lines(item, _times(_matrix(item), matrix)):
            if abs(y1 - y0) <= STRAIGHT:
                if abs(x1 - x0) >= SHORTEST_EDGE:
                    marks.across.append((min(x0, x1), y0, max(x0, x1), y0))
            elif abs(x1 - x0) <= STRAIGHT:
                if abs(y1 - y0) >= SHORTEST_EDGE:
                    marks.down.append((x0, min(y0, y1), x0, max(y0, y1)))
            else:
                leaning = True
        if leaning and (box := self._box(item, matrix)) is not None:
            marks.drawings.append(box)

    def _lines(self, item: Any, matrix: Matrix) -> Iterator[Box]:
        """Yield the path's lines; a curve as the line between its ends."""
        start = here = (0.0, 0.0)
        for index in range(min(pdfium.FPDFPath_CountSegments(item), MOST_EDGES)):
            segment = pdfium.FPDFPath_GetPathSegment(item, index)
            pdfium.FPDFPathSegment_GetPoint(segment, *self._point_ref)
            x, y = _applied(matrix, self._point[0].value, self._point[1].value)
            there = self._frame.shown(x, y)
            if pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_MOVETO:
                start = there
            else:
                yield (*here, *there)
            here = there
            if pdfium.FPDFPathSegment_GetClose(segment):
                yield (*here, *start)
                here = start


def _matrix(item: Any) -> Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(found)):
        return IDENTITY
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def _times(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def _applied(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f
