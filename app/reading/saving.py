"""The steps saving and indexing: a document into records.db, all of it at once; then its words."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.reading import Task, Tell
from app.reading.answered import keep_answers
from app.reading.page import Page, Zone, load_pages
from app.reading.payees import payee_key
from app.store.documents import (
    NewDocument,
    NewZone,
    index_pages,
    insert_document,
    insert_fields,
    insert_page,
    stored_document,
)
from app.store.records_bulk import begin_import, finish_import
from app.store.records_schema import MICROS, reading_records, writing_records

LONGEST_TITLE = 200
LARGEST_TOTAL = Decimal(2**62) / MICROS


def save_document(task: Task, tell: Tell) -> dict[str, Any]:
    """Store a document, its pages, zones and fields; a job that stored before stores nothing again.

    Takes fields and line items of the step that came last: field_check or field_reading; and what
    likeness found: text_signature and image_hash in hexadecimal, vendor_key.
    Returns {"pages", "zones", "fields": those found}. Raises StorageFull.
    """
    with reading_records(task["records_path"]) as connection:
        if done := stored_document(connection, task["job_id"]):
            return _found(done)
    read = task["found"]["page_reading"]
    fields, items = fields_of(task)
    with writing_records(task["records_path"]) as connection:
        # Meanwhile the last worker of a server that was killed may have stored it.
        if done := stored_document(connection, task["job_id"]):
            return _found(done)
        import_id = begin_import(
            connection,
            job_id=task["job_id"],
            user_id=task["user_id"],
            columns=[],
            has_amounts=False,
        )
        keep_answers(connection, task)
        title = ""
        for page in load_pages(task["work_dir"]):
            title = title or _title(page)
            insert_page(
                connection,
                import_id,
                number=page.number,
                width=page.width,
                height=page.height,
                source=page.source,
                problem=page.problem,
                turned=page.turned,
                text=page.text,
                zones=[_zone(zone) for zone in page.zones],
            )
            tell(page.number, read["pages"], pages_done=page.number, pages_total=read["pages"])
        insert_document(connection, import_id, _document(task, title, fields))
        insert_fields(connection, import_id, fields, items)
        finish_import(connection, import_id, stored=0, known=0, rejected=0)
        done = stored_document(connection, task["job_id"])
    return _found(done or (0, 0, 0))


def index(task: Task, tell: Tell) -> dict[str, Any]:
    """Make the document's text searchable. Returns {"pages"}."""
    pages = task["found"]["saving"]["pages"]
    with writing_records(task["records_path"]) as connection:
        index_pages(connection, task["job_id"])
    tell(pages, pages)
    return {"pages": pages}


def _found(done: tuple[int, int, int]) -> dict[str, Any]:
    return dict(zip(("pages", "zones", "fields"), done, strict=True))


def fields_of(task: Task) -> tuple[Mapping[str, Any], list[Any]]:
    """Return the fields and line items of the step that came last."""
    for step in ("field_check", "field_reading"):
        if "fields" in task["found"].get(step, {}):
            found = task["found"][step]
            return found["fields"], found.get("line_items", [])
    return {}, []


def _document(task: Task, title: str, fields: Mapping[str, Any]) -> NewDocument:
    likeness = task["found"].get("likeness", {})
    values = {name: field["value"] for name, field in fields.items()}
    vendor = values.get("vendor_name")
    return NewDocument(
        kind=task["found"].get("document_kind", {}).get("document_type", "document"),
        title=title,
        pages=task["found"]["page_reading"]["pages"],
        sha256=task["sha256"],
        vendor_key=likeness.get("vendor_key") or (payee_key(vendor) if vendor else None),
        number=values.get("invoice_number"),
        date=values.get("invoice_date"),
        total_micros=micros_of(values.get("total_amount")),
        currency=values.get("currency"),
        text_signature=_bytes(likeness.get("text_signature")),
        image_hash=_bytes(likeness.get("image_hash")),
    )


def _title(page: Page) -> str:
    """Return the page's first heading, in one line."""
    found = next((zone.text for zone in page.zones if zone.kind == "heading"), "")
    return " ".join(found.split())[:LONGEST_TITLE]


def _zone(zone: Zone) -> NewZone:
    return NewZone(
        zone.index,
        zone.id,
        zone.kind,
        zone.bbox,
        zone.tool,
        zone.confidence,
        zone.duration_ms,
        zone.text,
        zone.data,
    )


def micros_of(amount: str | None) -> int | None:
    """Return a decimal text as a count of millionths; None for what is no amount."""
    try:
        value = Decimal(amount or "")
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) > LARGEST_TOTAL:
        return None
    return int(value * MICROS)


def _bytes(text: str | None) -> bytes | None:
    return bytes.fromhex(text) if text else None
