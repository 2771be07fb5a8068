"""The fields of stored invoices in records.db: read and corrected inside a transaction."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from app.core.documents import FIELDS, FieldValue, absent

DOCUMENT = (
    "SELECT d.import FROM document d JOIN import i ON i.id = d.import"
    " JOIN person p ON p.id = i.person WHERE i.job_id = ? AND p.user_id = ?"
)


def document_of(connection: sqlite3.Connection, user_id: str, job_id: str) -> int | None:
    """Return the import of the job's document; None where the user's job has stored none."""
    row = connection.execute(DOCUMENT, (job_id, user_id)).fetchone()
    return None if row is None else int(row[0])


FIELDS_OF = (
    "SELECT name, value, confidence, source, page, x0, y0, x1, y1, status FROM field"
    " WHERE import = ?"
)


def fields_of(connection: sqlite3.Connection, import_id: int) -> dict[str, FieldValue]:
    """Return every field there is, in its order; absent ones say so."""
    stored = {row[0]: field_of(row[1:]) for row in connection.execute(FIELDS_OF, (import_id,))}
    return {name: stored.get(name, absent()) for name in FIELDS}


def field_of(row: Any) -> FieldValue:
    """Return a stored field: value, confidence, source, page, x0, y0, x1, y1, status."""
    value, confidence, source, page, *box, status = row
    return FieldValue(
        value=value,
        confidence=confidence,
        source=source,
        page=page,
        bbox=None if box[0] is None else [float(edge) for edge in box],
        status=status,
    )


TEXTS = "SELECT number, text FROM page WHERE import = ? ORDER BY number LIMIT ?"


def page_texts(connection: sqlite3.Connection, import_id: int, limit: int) -> list[tuple[int, str]]:
    """Return (number, text) of the first pages."""
    rows = connection.execute(TEXTS, (import_id, limit))
    return [(int(number), str(text)) for number, text in rows]


SAY_FIELD = (
    "INSERT INTO field (import, name, value, confidence, source, page, x0, y0, x1, y1, status)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value,"
    " confidence = excluded.confidence, source = excluded.source, page = excluded.page,"
    " x0 = excluded.x0, y0 = excluded.y0, x1 = excluded.x1, y1 = excluded.y1,"
    " status = excluded.status"
)
NO_BOX = (None, None, None, None)


def say_fields(
    connection: sqlite3.Connection, import_id: int, fields: Mapping[str, FieldValue]
) -> None:
    """Write fields in place of what was read."""
    connection.executemany(
        SAY_FIELD,
        (
            (
                import_id,
                name,
                field["value"],
                field["confidence"],
                field["source"],
                field["page"],
                *(field["bbox"] or NO_BOX),
                field["status"],
            )
            for name, field in fields.items()
        ),
    )


SAY_DOCUMENT = (
    "UPDATE document SET vendor_key = ?, number = ?, date = ?, total_micros = ?, currency = ?"
    " WHERE import = ?"
)
VENDOR = "SELECT vendor_key FROM document WHERE import = ?"


def vendor_of(connection: sqlite3.Connection, import_id: int) -> str | None:
    """Return under which name the document's vendor is known."""
    row = connection.execute(VENDOR, (import_id,)).fetchone()
    return None if row is None else row[0]


def say_document(
    connection: sqlite3.Connection,
    import_id: int,
    *,
    vendor_key: str | None,
    number: str | None,
    date: str | None,
    total_micros: int | None,
    currency: str | None,
) -> None:
    """Write what the document is found by."""
    values = (vendor_key, number, date, total_micros, currency, import_id)
    connection.execute(SAY_DOCUMENT, values)
