"""Where pages come from: the text of a PDF, or what OCR sees in its pictures and in images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from PIL import Image

from app.core.notices import DamagedImage
from app.core.reading import Task, Tell
from app.core.unreadable import DamagedFile
from app.reading.attachments import einvoice_of
from app.reading.einvoice import EInvoice
from app.reading.einvoice_page import WIDTH, words_of
from app.reading.images import Pictures, open_pictures
from app.reading.ocr import Ocr
from app.reading.page import Word
from app.reading.pdf import BrokenPage, Pdf, open_pdf
from app.reading.pdf_marks import Marks

FEW_LETTERS = 20
COVERED = 0.5  # of the page by pictures
OUTLINES = 200  # drawings on a page without text: its letters may be among them
UNKNOWN = 0.4  # of a text's letters that mean nothing
OCR_DPI = 150.0
MOST_OCR_PIXELS = 12_000_000

OnOcr = Callable[[int], None]
"""Called with a page's number before OCR looks at it, which takes a second or two."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on a page, before its layout is known.

    slope    of the lines: points down for each to the right
    turned   by how many quarters it was turned clockwise, to stand upright
    problem  why it could not be read, in words; None where it was
    """

    number: int
    width: float
    height: float
    words: list[Word] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    source: str = "none"
    slope: float = 0.0
    turned: int = 0
    problem: str | None = None


class Source(Protocol):
    """A document's pages."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> Sheet:
        """Return the page `number`, from 1; one that can not be read says so."""

    def peek(self, number: int) -> tuple[list[Word], float]:
        """Return the words of a page, and its height, where they cost next to nothing."""


@contextmanager
def open_source(task: Task, tell: Tell, on_ocr: OnOcr) -> Iterator[Source]:
    """The pages of the task's file. Raises DamagedFile, ImageTooLarge, Asking."""
    eye = _Eye(task["limits"]["max_ocr_pages"], on_ocr)
    if task["found"]["initializing_streaming"]["kind"] == "image":
        with open_pictures(task) as pictures:
            yield _ImagePages(pictures, eye, tell)
    elif task["found"]["initializing_streaming"]["kind"] == "einvoice":
        yield _EInvoicePage(einvoice_of(task))
    else:
        with open_pdf(task) as pdf:
            yield _PdfPages(pdf, eye)


class _Eye:
    """OCR, up to a number of pages; the engine is made when the first of them comes."""

    def __init__(self, most_pages: int, on_ocr: OnOcr) -> None:
        self._most_pages = most_pages
        self._on_ocr = on_ocr
        self._pages = 0
        self._ocr: Ocr | None = None

    @property
    def is_tired(self) -> bool:
        return self._pages >= self._most_pages

    @property
    def tired(self) -> str:
        return f"it needs OCR, which I do for {self._most_pages} pages of a document"

    def look(self, sheet: Sheet, image: Image.Image) -> Sheet:
        """Return the sheet with the words seen in its picture."""
        self._pages += 1
        self._on_ocr(sheet.number)
        self._ocr = self._ocr or Ocr()
        seen = self._ocr.read(image)
        turned = seen.turned % 2 == 1
        width, height = (sheet.height, sheet.width) if turned else (sheet.width, sheet.height)
        pixels = image.height if turned else image.width
        scale = width / max(pixels, 1)
        words = [_scaled(word, scale) for word in seen.words]
        own = [] if seen.turned else [word for word in sheet.words if not _covered(word, words)]
        source = "both" if own and words else "ocr" if words else "text" if own else "none"
        return replace(
            sheet,
            width=width,
            height=height,
            words=words + own,
            source=source,
            slope=seen.slope,
            turned=seen.turned,
        )


class _EInvoicePage:
    """The one page that an e-invoice without a PDF makes."""

    def __init__(self, einvoice: EInvoice) -> None:
        self._words, self._height = words_of(einvoice)

    def __len__(self) -> int:
        return 1

    def peek(self, number: int) -> tuple[list[Word], float]:
        return (self._words, self._height) if number == 1 else ([], 0.0)

    def read(self, number: int) -> Sheet:
        return Sheet(number, WIDTH, self._height, words=self._words, source="text")


class _PdfPages:
    def __init__(self, pdf: Pdf, eye: _Eye) -> None:
        self._pdf = pdf
        self._eye = eye
        self._ahead: Sheet | None = None

    def __len__(self) -> int:
        return len(self._pdf)

    def peek(self, number: int) -> tuple[list[Word], float]:
        if number > len(self._pdf):
            return [], 0.0
        self._ahead = self._sheet(number)
        return self._ahead.words, self._ahead.height

    def read(self, number: int) -> Sheet:
        ahead = self._ahead
        sheet = ahead if ahead and ahead.number == number else self._sheet(number)
        if sheet.problem or not _needs_ocr(sheet):
            return sheet
        if self._eye.is_tired:
            return replace(sheet, problem=None if sheet.words else self._eye.tired)
        if _means_nothing(sheet.words):
            sheet = replace(sheet, words=[])
        size = sheet.width * sheet.height / 72 / 72
        dpi = min(OCR_DPI, (MOST_OCR_PIXELS / max(size, 0.01)) ** 0.5)
        with self._pdf.page(number) as page:
            picture = page.picture(dpi)
        return self._eye.look(sheet, picture)

    def _sheet(self, number: int) -> Sheet:
        try:
            with self._pdf.page(number) as page:
                marks = page.marks()
                words = page.words(marks)
                source = "text" if words else "none"
                return Sheet(number, page.width, page.height, words, marks, source)
        except BrokenPage:
            return Sheet(number, 0.0, 0.0, problem="it can not be loaded")


class _ImagePages:
    def __init__(self, pictures: Pictures, eye: _Eye, tell: Tell) -> None:
        self._pictures = pictures
        self._eye = eye
        self._tell = tell
        self._count = len(pictures)

    def peek(self, number: int) -> tuple[list[Word], float]:
        return [], 0.0

    def __len__(self) -> int:
        return self._count

    def read(self, number: int) -> Sheet:
        if self._eye.is_tired:
            return Sheet(number, 0.0, 0.0, problem=self._eye.tired)
        was_damaged = self._pictures.damaged
        try:
            picture = self._pictures.page(number)
        except DamagedFile:
            if self._count == 1:
                raise
            return Sheet(number, 0.0, 0.0, problem="it can not be loaded")
        if self._pictures.damaged and not was_damaged:
            self._tell.warn(DamagedImage())
        return self._eye.look(Sheet(number, picture.width, picture.height), picture.image)


def _needs_ocr(sheet: Sheet) -> bool:
    letters = sum(len(word.text) for word in sheet.words)
    if letters >= FEW_LETTERS:
        return _means_nothing(sheet.words)
    page = max(sheet.width * sheet.height, 1.0)
    covered = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sheet.marks.pictures)
    return covered > COVERED * page or len(sheet.marks.drawings) > OUTLINES


def _means_nothing(words: Sequence[Word]) -> bool:
    """Tell whether the text has no letters but places in a font that nobody can know."""
    text = "".join(word.text for word in words)
    unknown = sum("\ue000" <= letter <= "\uf8ff" or letter == "\ufffd" for letter in text)
    return unknown > UNKNOWN * len(text)


def _scaled(word: Word, scale: float) -> Word:
    x0, y0, x1, y1 = (round(edge * scale, 2) for edge in (word.x0, word.y0, word.x1, word.y1))
    return replace(word, x0=x0, y0=y0, x1=x1, y1=y1, size=round(word.size * scale, 2))


def _covered(word: Word, others: Sequence[Word]) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return any(one.x0 <= x <= one.x1 and one.y0 <= y <= one.y1 for one in others)
