"""The e-invoice in a file: within a PDF, as Factur-X and ZUGFeRD do, or the XML itself."""

from pathlib import Path

import pypdfium2 as pdfium

from app.core.reading import Task
from app.core.unreadable import DamagedFile
from app.reading.einvoice import LARGEST_XML_BYTES, EInvoice, NotAnEInvoice, read_einvoice

MOST_ATTACHMENTS = 100
PREFERRED = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml")
"""The names that the standards prescribe; compared without case, read before all others."""


def embedded_einvoice(document: pdfium.PdfDocument) -> EInvoice | None:
    """Return the e-invoice in a PDF; None when it carries none.

    Raises NotAnEInvoice when an attachment is named like one and can not be read.
    """
    names: list[tuple[str, pdfium.PdfAttachment]] = []
    for index in range(min(document.count_attachments(), MOST_ATTACHMENTS)):
        attachment = document.get_attachment(index)
        name = attachment.get_name().lower()
        if name.endswith(".xml"):
            names.append((name, attachment))
    names.sort(key=lambda one: one[0] not in PREFERRED)
    unread: NotAnEInvoice | None = None
    for name, attachment in names:
        try:
            return read_einvoice(_content(attachment))
        except NotAnEInvoice as error:
            if name in PREFERRED:
                unread = unread or error
    if unread is not None:
        raise unread
    return None


def _content(attachment: pdfium.PdfAttachment) -> bytes:
    try:
        content = bytes(attachment.get_data())
    except pdfium.PdfiumError as error:
        raise NotAnEInvoice("its XML can not be taken out") from error
    return content[: LARGEST_XML_BYTES + 1]


def einvoice_of(task: Task) -> EInvoice:
    """Return what a file says that is an e-invoice itself. Raises DamagedFile."""
    with Path(task["path"]).open("rb") as stream:
        content = stream.read(LARGEST_XML_BYTES + 1)
    try:
        return read_einvoice(content)
    except NotAnEInvoice as error:
        raise DamagedFile(filename=task["filename"]) from error
