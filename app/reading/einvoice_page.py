"""An e-invoice in XML as a page, so that it can be shown, searched and compared like any other."""

import ctypes
from textwrap import wrap
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from app.core.field_values import TITLES
from app.reading.einvoice import EInvoice
from app.reading.page import Word

WIDTH, HEIGHT = 595.0, 842.0  # A4, in points; more lines make it longer
MARGIN, LINE, SIZE, LETTER = 40.0, 16.0, 9.0, 5.0
VALUES = 200.0  # where values begin, right of their labels
LETTERS = 56  # of a description before the numbers
ITEMS = ("quantity", "unit_price", "amount")
COLUMNS = (340.0, 420.0, 500.0)  # where the numbers of an item begin


def words_of(einvoice: EInvoice) -> tuple[list[Word], float]:
    """Return the words of a page that shows the fields and lines, and the page's height."""
    words: list[Word] = []
    y = MARGIN
    title = "Credit note" if einvoice.document_type == "credit_note" else "Invoice"
    words += _text(title, MARGIN, y)
    for name, field in einvoice.reading["fields"].items():
        if field["value"]:
            y += LINE
            words += _text(TITLES[name], MARGIN, y)
            words += _text(field["value"], VALUES, y)
    for item in einvoice.reading["line_items"]:
        y += LINE
        for name, x in zip(ITEMS, COLUMNS, strict=True):
            words += _text(str(item.get(name, "")), x, y)
        for place, part in enumerate(wrap(item.get("description", ""), LETTERS)):
            y += LINE if place else 0.0
            words += _text(part, MARGIN, y)
    return words, max(HEIGHT, y + LINE + MARGIN)


def picture_of(einvoice: EInvoice, dpi: float) -> Any:
    """Return the page drawn at `dpi`, as a Pillow image in RGB.

    PDFium draws it, since its own fonts have the letters of all six languages.
    """
    words, height = words_of(einvoice)
    document = pypdfium2.PdfDocument.new()
    try:
        page = document.new_page(WIDTH, height)
        for word in words:
            text = pdfium.FPDFPageObj_NewTextObj(document.raw, b"Helvetica", SIZE)
            wide = (word.text + "\0").encode("utf-16-le")
            letters = (ctypes.c_ushort * (len(wide) // 2)).from_buffer_copy(wide)
            pdfium.FPDFText_SetText(text, letters)
            pdfium.FPDFPageObj_Transform(text, 1, 0, 0, 1, word.x0, height - word.y1)
            pdfium.FPDFPage_InsertObject(page.raw, text)
        pdfium.FPDFPage_GenerateContent(page.raw)
        return page.render(scale=dpi / 72).to_pil().convert("RGB")
    finally:
        document.close()


def _text(text: str, x: float, y: float) -> list[Word]:
    """Return the words of a text that begins at `x`, in letters of one width."""
    words = []
    for part in text.split():
        right = x + len(part) * LETTER
        words.append(Word(x, y, right, y + SIZE, part, SIZE))
        x = right + LETTER / 2
    return words
