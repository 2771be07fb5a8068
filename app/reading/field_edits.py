"""Errand: a person says what fields of a stored invoice are, and its vendor's next one knows."""

from collections.abc import Mapping
from typing import Any

from app.core.documents import FieldValue
from app.core.errors import NotFound
from app.core.reading import Task, Tell
from app.reading.field_check import MOST_PAGES, edited, learn
from app.reading.page import Page, Word
from app.reading.payees import payee_key
from app.reading.saving import micros_of
from app.store.documents_fields import (
    document_of,
    fields_of,
    page_texts,
    say_document,
    say_fields,
    vendor_of,
)
from app.store.records_schema import writing_records


def edit_fields(task: Task, tell: Tell) -> dict[str, Any]:
    """Write fields as a person says they are. Options: job_id, and fields: normal values or None.

    Returns fields, all of them, and learned: whether the vendor's next invoice knows. Raises
    NotFound where the job has stored no document.
    """
    said: Mapping[str, str | None] = task["options"]["fields"]
    job_id: str = task["options"]["job_id"]
    with writing_records(task["records_path"]) as connection:
        import_id = document_of(connection, task["user_id"], job_id)
        if import_id is None:
            raise NotFound(what="document")
        fields = fields_of(connection, import_id)
        texts = page_texts(connection, import_id, MOST_PAGES)
        pages = [_page(number, text) for number, text in texts]
        changed = {name: edited(name, value, fields[name], pages) for name, value in said.items()}
        fields.update(changed)
        say_fields(connection, import_id, changed)
        vendor = vendor_of(connection, import_id)
        if "vendor_name" in said:
            vendor = _vendor_key(fields)
        say_document(
            connection,
            import_id,
            vendor_key=vendor,
            number=fields["invoice_number"]["value"],
            date=fields["invoice_date"]["value"],
            total_micros=micros_of(fields["total_amount"]["value"]),
            currency=fields["currency"]["value"],
        )
    return {"fields": fields, "learned": learn(task, job_id, fields, list(said), pages)}


def _vendor_key(fields: Mapping[str, FieldValue]) -> str | None:
    name = fields["vendor_name"]["value"]
    return payee_key(name) if name else None


def _page(number: int, text: str) -> Page:
    """Return a stored page as one of words without boxes: its lines are those that were read."""
    lines = [[Word(0, 0, 0, 0, word) for word in line.split(" ")] for line in text.split("\n")]
    return Page(number, 0.0, 0.0, "text", [line for line in lines if line])
