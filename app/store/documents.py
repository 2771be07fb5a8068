"""Writing, taking back and indexing in records.db what one job read out of a PDF or an image."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.documents import FieldValue
from app.store.documents_fields import say_fields


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document as it is stored; see the table of that name.

    title           what it calls itself; "" where it does not say
    text_signature  of its words, image_hash of its looks, for finding documents like it
    """

    kind: str
    title: str
    pages: int
    sha256: str
    vendor_key: str | None = None
    number: str | None = None
    date: str | None = None
    total_micros: int | None = None
    currency: str | None = None
    text_signature: bytes | None = None
    image_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewZone:
    """A zone as it is stored; see the table of that name."""

    index: int
    id: str
    kind: str
    box: tuple[float, float, float, float]
    tool: str
    confidence: float
    duration_ms: int
    text: str
    data: dict[str, Any] | None


ADD_DOCUMENT = (
    "INSERT INTO document (import, kind, title, pages, sha256, vendor_key, number, date,"
    " total_micros, currency, text_signature, image_hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_document(connection: sqlite3.Connection, import_id: int, new: NewDocument) -> None:
    """Write the document of an import. Raises sqlite3.IntegrityError when it has one."""
    values = (
        new.kind,
        new.title,
        new.pages,
        new.sha256,
        new.vendor_key,
        new.number,
        new.date,
        new.total_micros,
        new.currency,
        new.text_signature,
        new.image_hash,
    )
    connection.execute(ADD_DOCUMENT, (import_id, *values))


ADD_PAGE = (
    "INSERT INTO page (import, number, width, height, source, problem, turned, text)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_ZONE = (
    "INSERT INTO zone (import, idx, id, page, kind, x0, y0, x1, y1, tool, confidence,"
    " duration_ms, text, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_page(
    connection: sqlite3.Connection,
    import_id: int,
    *,
    number: int,
    width: float,
    height: float,
    source: str,
    problem: str | None,
    turned: int,
    text: str,
    zones: Iterable[NewZone],
) -> None:
    """Write a page and its zones."""
    connection.execute(ADD_PAGE, (import_id, number, width, height, source, problem, turned, text))
    connection.executemany(
        ADD_ZONE,
        (
            (
                import_id,
                zone.index,
                zone.id,
                number,
                zone.kind,
                *zone.box,
                zone.tool,
                zone.confidence,
                zone.duration_ms,
                zone.text,
                orjson.dumps(zone.data).decode() if zone.data is not None else None,
            )
            for zone in zones
        ),
    )


ADD_ITEM = "INSERT INTO line_item (import, idx, item) VALUES (?, ?, ?)"


def insert_fields(
    connection: sqlite3.Connection,
    import_id: int,
    fields: Mapping[str, FieldValue],
    line_items: Iterable[Mapping[str, Any]],
) -> None:
    """Write the fields of an invoice (core.documents.FieldValue by name) and its lines."""
    say_fields(connection, import_id, fields)
    items = enumerate(line_items)
    connection.executemany(
        ADD_ITEM, ((import_id, at, orjson.dumps(dict(item)).decode()) for at, item in items)
    )


NUMBERS = (
    "SELECT d.number FROM document d JOIN import i ON i.id = d.import"
    " JOIN person p ON p.id = i.person"
    " WHERE d.vendor_key = ? AND d.number IS NOT NULL AND p.user_id = ? AND i.job_id <> ?"
)


def invoice_numbers(
    connection: sqlite3.Connection, user_id: str, vendor_key: str, not_job_id: str
) -> list[str]:
    """Return the numbers of the user's invoices from one vendor, other than this job's own."""
    found = connection.execute(NUMBERS, (vendor_key, user_id, not_job_id))
    return [str(number) for (number,) in found]


IS_STORED = (
    "SELECT d.pages, (SELECT count(*) FROM zone z WHERE z.import = d.import),"
    " (SELECT count(*) FROM field f WHERE f.import = d.import AND f.value IS NOT NULL)"
    " FROM document d JOIN import i ON i.id = d.import WHERE i.job_id = ?"
)


def stored_document(connection: sqlite3.Connection, job_id: str) -> tuple[int, int, int] | None:
    """Return how many pages, zones and found fields the job stored; None when no document."""
    row = connection.execute(IS_STORED, (job_id,)).fetchone()
    return None if row is None else (int(row[0]), int(row[1]), int(row[2]))


TO_INDEX = (
    "SELECT d.import FROM document d JOIN import i ON i.id = d.import"
    " WHERE i.job_id = ? AND d.indexed = 0"
)
INDEX = "INSERT INTO page_text (rowid, text) SELECT id, text FROM page WHERE import = ?"
INDEXED = "UPDATE document SET indexed = 1 WHERE import = ?"


def index_pages(connection: sqlite3.Connection, job_id: str) -> None:
    """Make the job's pages searchable; those that are already stay so."""
    row = connection.execute(TO_INDEX, (job_id,)).fetchone()
    if row is not None:
        connection.execute(INDEX, row)
        connection.execute(INDEXED, row)


# The index of words must be told the text that goes, and only what it has been told before.
UNINDEX = (
    "INSERT INTO page_text (page_text, rowid, text) SELECT 'delete', p.id, p.text FROM page p"
    " JOIN document d ON d.import = p.import WHERE d.import = ? AND d.indexed = 1"
)


def delete_document(connection: sqlite3.Connection, import_id: int) -> None:
    """Take back the document of an import, where it has one, with all that belongs to it."""
    connection.execute(UNINDEX, (import_id,))
    for table in ("page", "zone", "field", "line_item", "filling", "document"):
        connection.execute(f"DELETE FROM {table} WHERE import = ?", (import_id,))  # noqa: S608
