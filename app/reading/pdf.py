"""A PDF as PDFium reads it: words with boxes, drawn edges, pictures. One process, one thread."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from app.core.asking import Asking, Question
from app.core.reading import Task
from app.core.unreadable import DamagedFile, PasswordProtected
from app.reading.page import Word
from app.reading.pdf_marks import Marks, read_marks
from app.reading.pdf_text import Frame, read_words

PASSWORDS_ASKED = 3
PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD


class WrongPdfPassword(Exception):
    """The document opens with another password, or with one at all."""


class BrokenPdf(Exception):
    """PDFium can not open the document; the text says why."""


class BrokenPage(Exception):
    """PDFium can not load the page."""


@dataclass(slots=True)
class PdfPage:
    """One page. Boxes are points from the top left of the page as it is shown."""

    raw: Any
    number: int
    frame: Frame
    _textpage: Any = field(default=None, repr=False)

    @property
    def width(self) -> float:
        return self.frame.width

    @property
    def height(self) -> float:
        return self.frame.height

    def words(self, marks: Marks | None = None) -> list[Word]:
        """Return the words that the file itself holds, in its own order.

        marks  those of the page, whose edges part the words of neighbouring cells
        """
        textpage = pdfium.FPDFText_LoadPage(self.raw)
        if not textpage:
            return []
        try:
            return read_words(textpage, self.frame, marks.down if marks else ())
        finally:
            pdfium.FPDFText_ClosePage(textpage)

    def marks(self) -> Marks:
        """Return the straight edges and the pictures drawn on the page."""
        return read_marks(self.raw, self.frame)

    def picture(self, dpi: float) -> Image.Image:
        """Return the page drawn at `dpi`, in RGB."""
        width = max(1, round(self.width * dpi / 72))
        height = max(1, round(self.height * dpi / 72))
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_RENDER_LIMITEDIMAGECACHE
        pdfium.FPDF_RenderPageBitmap(bitmap.raw, self.raw, 0, 0, width, height, 0, flags)
        image: Image.Image = bitmap.to_pil()
        return image.convert("RGB")


class Pdf:
    """An open document."""

    def __init__(self, path: Path, password: str | None = None) -> None:
        """Open `path`. Raises WrongPdfPassword and BrokenPdf."""
        try:
            self._document = pypdfium2.PdfDocument(path, password=password)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == PASSWORD_ERROR:
                raise WrongPdfPassword from error
            raise BrokenPdf(str(error)) from error

    def __len__(self) -> int:
        return len(self._document)

    def close(self) -> None:
        self._document.close()

    @property
    def document(self) -> Any:
        """The pypdfium2 document, for what is asked of it elsewhere: its attachments."""
        return self._document

    @contextmanager
    def page(self, number: int) -> Iterator[PdfPage]:
        """The page `number`, from 1. Raises BrokenPage."""
        raw = pdfium.FPDF_LoadPage(self._document.raw, number - 1)
        if not raw:
            raise BrokenPage
        try:
            yield PdfPage(raw, number, _frame(raw))
        finally:
            pdfium.FPDF_ClosePage(raw)


@contextmanager
def open_pdf(task: Task) -> Iterator[Pdf]:
    """The task's document, with the password that a person gave where it needs one.

    Raises DamagedFile; Asking for the password, three times at most, then PasswordProtected.
    """
    pdf = _opened(task)
    try:
        yield pdf
    finally:
        pdf.close()


def _opened(task: Task) -> Pdf:
    path, filename = Path(task["path"]), task["filename"]
    password: str | None = None
    for asked in range(PASSWORDS_ASKED + 1):
        try:
            return Pdf(path, password)
        except BrokenPdf as error:
            raise DamagedFile(filename=filename) from error
        except WrongPdfPassword:
            key = f"password:{asked + 1}" if asked else "password"
            answer = task["answers"].get(key)
            if answer is None and asked < PASSWORDS_ASKED:
                raise Asking(
                    _password_question(key, filename, again=asked > 0),
                    unanswered=(PasswordProtected.code, {"filename": filename}),
                ) from None
            password = str(answer)
    raise PasswordProtected(filename=filename)


def _password_question(key: str, filename: str, *, again: bool) -> Question:
    text = f"{filename} is locked. Which password opens it?"
    if again:
        text = f"That password does not open {filename}. Which one does?"
    return Question(key=key, kind="password", text=text, evidence={"filename": filename})


def _frame(raw: Any) -> Frame:
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(raw, ctypes.byref(box))
    return Frame(
        left=box.left,
        bottom=min(box.bottom, box.top),
        right=box.right,
        top=max(box.bottom, box.top),
        turns=pdfium.FPDFPage_GetRotation(raw) % 4,
    )
