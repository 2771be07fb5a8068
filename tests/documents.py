"""PDFs made for tests: lines of text, rulings and pictures at places of a page."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 595, 842  # points, A4


@dataclass(frozen=True)
class Line:
    """Text that stands on the line `y` points from the top, from `x` on."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False


@dataclass(frozen=True)
class Rule:
    """A ruling from one point to another, from the top left."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Picture:
    """An image in a box, from the top left."""

    image: Image.Image
    x0: float
    y0: float
    x1: float
    y1: float


Mark = Line | Rule | Picture


def pdf_of(
    folder: Path, pages: Sequence[Sequence[Mark]], *, turned: int = 0, name: str = "test.pdf"
) -> Path:
    """Write a PDF with the pages' marks; return its path. `turned`: degrees, clockwise."""
    path = folder / name
    path.write_bytes(_Pdf(turned).of(pages))
    return path


def grid(x: Sequence[float], y: Sequence[float]) -> list[Rule]:
    """Return the rulings of a table with these edges."""
    across = [Rule(x[0], at, x[-1], at) for at in y]
    return across + [Rule(at, y[0], at, y[-1]) for at in x]


class _Pdf:
    def __init__(self, turned: int) -> None:
        self._turned = turned
        self._objects: list[bytes] = []

    def of(self, pages: Sequence[Sequence[Mark]]) -> bytes:
        self._add(b"<< /Type /Catalog /Pages 2 0 R >>")
        self._add(b"")  # the list of pages, known at the end
        for font in (b"Helvetica", b"Helvetica-Bold"):
            self._add(
                b"<< /Type /Font /Subtype /Type1 /BaseFont /%b /Encoding /WinAnsiEncoding >>" % font
            )
        numbers = [self._page(marks) for marks in pages]
        kids = b" ".join(b"%d 0 R" % number for number in numbers)
        self._objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(numbers))
        return self._whole()

    def _page(self, marks: Sequence[Mark]) -> int:
        drawn, pictures = [], []
        for mark in marks:
            if isinstance(mark, Line):
                text = mark.text.encode("cp1252")
                for letter in (b"\\", b"(", b")"):
                    text = text.replace(letter, b"\\" + letter)
                drawn.append(
                    b"BT /F%d %.2f Tf %.2f %.2f Td (%b) Tj ET"
                    % (1 + mark.bold, mark.size, mark.x, HEIGHT - mark.y, text)
                )
            elif isinstance(mark, Rule):
                ends = (mark.x0, HEIGHT - mark.y0, mark.x1, HEIGHT - mark.y1)
                drawn.append(b"%.2f %.2f m %.2f %.2f l S" % ends)
            else:
                pictures.append(self._picture(mark.image))
                place = (mark.x1 - mark.x0, mark.y1 - mark.y0, mark.x0, HEIGHT - mark.y1)
                drawn.append(b"q %.2f 0 0 %.2f %.2f %.2f cm /I%d Do Q" % (*place, len(pictures)))
        content = self._stream(b"", b"\n".join(drawn))
        names = b" ".join(b"/I%d %d 0 R" % item for item in enumerate(pictures, start=1))
        return self._add(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Rotate %d /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << %b >> >> >>"
            % (WIDTH, HEIGHT, self._turned, content, names)
        )

    def _picture(self, image: Image.Image) -> int:
        grey = image.convert("L")
        head = (
            b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray"
            b" /BitsPerComponent 8" % grey.size
        )
        return self._stream(head, grey.tobytes())

    def _stream(self, head: bytes, content: bytes) -> int:
        packed = zlib.compress(content)
        return self._add(
            b"<< %b /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream"
            % (head, len(packed), packed)
        )

    def _add(self, body: bytes) -> int:
        self._objects.append(body)
        return len(self._objects)

    def _whole(self) -> bytes:
        out = bytearray(b"%PDF-1.7\n")
        places = []
        for number, body in enumerate(self._objects, start=1):
            places.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        table = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
            len(places) + 1,
            table,
        )
        return bytes(out)
