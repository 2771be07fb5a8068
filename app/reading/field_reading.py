"""Step: the fields of an invoice or receipt, by its e-invoice and by what its pages show.

Each reader answers by itself; a later step brings the answers together.
"""

import time
from collections.abc import Sequence
from typing import Any

from app.core.documents import FieldValue, Reading, absent
from app.core.messages import friendly_message
from app.core.reading import Task, Tell
from app.core.unreadable import DamagedFile
from app.reading.attachments import einvoice_of, embedded_einvoice
from app.reading.document_kind import FIRST_PAGES, LABELS, WITH_FIELDS, kind_of_text
from app.reading.einvoice import EInvoice, NotAnEInvoice
from app.reading.evidence import find
from app.reading.invoice_reading import read_layout
from app.reading.page import Page, load_pages
from app.reading.pdf import open_pdf

MOST_PAGES = 20  # of a long document, whose invoice stands on its first pages


def read_fields(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"readings", "document_type", "label", "payable"}.

    readings  by source ("xml", "layout"): {"fields", "line_items"}
    payable   what an e-invoice says is left to pay, a decimal text, or None

    Tells a model_result of each reader.
    """
    pages = [page for page, _ in zip(load_pages(task["work_dir"]), range(MOST_PAGES), strict=False)]
    known = task["found"].get("document_kind", {})
    readings: dict[str, Reading] = {}
    payable: str | None = None
    document_type = str(known.get("document_type", "document"))
    if known.get("einvoice"):
        began_s = time.perf_counter()
        found = _einvoice(task)
        if found is not None:
            readings["xml"] = _placed(found.reading, pages)
            payable = found.payable
            _tell(tell, "xml", readings["xml"], began_s)
    if document_type not in WITH_FIELDS:
        # What an image is shows only now that its text is read.
        document_type = _type_of(pages, document_type)
    shown = task["found"]["initializing_streaming"]["kind"] != "einvoice"
    if shown and (document_type in WITH_FIELDS or document_type == "image"):
        began_s = time.perf_counter()
        receipt = document_type in ("receipt", "image")
        readings["layout"] = read_layout(pages, receipt=receipt)
        _tell(tell, "layout", readings["layout"], began_s)
    tell(1, 1)
    return {
        "readings": readings,
        "document_type": document_type,
        "label": LABELS[document_type],
        "payable": payable,
    }


def _type_of(pages: Sequence[Page], known: str) -> str:
    kind = kind_of_text("\n".join(page.text for page in pages[:FIRST_PAGES]))
    return known if kind.document_type == "document" else kind.document_type


def _einvoice(task: Task) -> EInvoice | None:
    """Return the e-invoice that an earlier step found."""
    if task["found"]["initializing_streaming"]["kind"] == "einvoice":
        return einvoice_of(task)
    try:
        with open_pdf(task) as pdf:
            return embedded_einvoice(pdf.document)
    except (NotAnEInvoice, DamagedFile):
        return None  # it was told when it was found


def _placed(reading: Reading, pages: Sequence[Page]) -> Reading:
    """Return exact values with where the pages show them."""
    fields: dict[str, FieldValue] = {}
    for name, field in reading["fields"].items():
        fields[name] = field if field["value"] else absent()
        place = find(name, field["value"], pages) if field["value"] else None
        if place is not None:
            fields[name] = {**field, "page": place.page, "bbox": place.bbox}
    return Reading(fields=fields, line_items=reading["line_items"])


def _tell(tell: Tell, source: str, reading: Reading, began_s: float) -> None:
    found = {name: field["value"] for name, field in reading["fields"].items() if field["value"]}
    facts = {"source": source, "fields_found": len(found)}
    tell.events(
        [
            {
                "type": "model_result",
                "model_name": source,
                "model_status": "completed",
                "duration_ms": round((time.perf_counter() - began_s) * 1000),
                "result": {"fields": found, "line_items": len(reading["line_items"])},
                "message": friendly_message("field_reading", facts),
            }
        ]
    )
