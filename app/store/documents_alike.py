"""What is looked for among a person's stored documents: those that may be the same as a new one."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.store.records_memory import PERSON

LOOKED_AT = 20_000  # documents of a person, the newest


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A stored document, as far as another is compared with it."""

    import_id: int
    job_id: str
    vendor_key: str | None
    number: str | None
    date: str | None
    total_micros: int | None
    currency: str | None
    text_signature: bytes | None
    image_hash: bytes | None
    sha256: str


OTHERS = (
    "SELECT d.import, i.job_id, d.vendor_key, d.number, d.date, d.total_micros, d.currency,"  # noqa: S608
    " d.text_signature, d.image_hash, d.sha256 FROM document d JOIN import i ON i.id = d.import"
    f" WHERE i.person = {PERSON} AND i.job_id <> ? ORDER BY d.import DESC LIMIT ?"
)


def other_documents(
    connection: sqlite3.Connection, user_id: str, job_id: str
) -> Iterator[StoredDocument]:
    """Yield the person's documents of other jobs, the newest first."""
    for row in connection.execute(OTHERS, (user_id, job_id, LOOKED_AT)):
        yield StoredDocument(*row)


FACTS = (
    "SELECT d.kind, d.title, d.pages, (SELECT value FROM field WHERE import = d.import"
    " AND name = 'vendor_name') FROM document d WHERE d.import = ?"
)


def shown_facts(connection: sqlite3.Connection, import_id: int) -> dict[str, Any]:
    """Return kind, title, pages and vendor of a document, for showing it beside another."""
    row = connection.execute(FACTS, (import_id,)).fetchone() or (None,) * 4
    return dict(zip(("kind", "title", "pages", "vendor"), row, strict=True))


SAME_MARK = (
    "SELECT d.vendor_key FROM document d JOIN import i ON i.id = d.import"  # noqa: S608
    " JOIN field f ON f.import = d.import AND f.name = ?"
    f" WHERE i.person = {PERSON} AND i.job_id <> ? AND f.value = ? AND d.vendor_key IS NOT NULL"
    " ORDER BY d.import LIMIT 1"
)


def vendor_with(
    connection: sqlite3.Connection, user_id: str, job_id: str, field: str, value: str
) -> str | None:
    """Return the vendor of the first document whose `field` has this value; None without one."""
    row = connection.execute(SAME_MARK, (field, user_id, job_id, value)).fetchone()
    return None if row is None else str(row[0])


VENDORS = (
    "SELECT f.value, count(*) FROM document d JOIN import i ON i.id = d.import"  # noqa: S608
    f" JOIN field f ON f.import = d.import AND f.name = 'vendor_name' WHERE i.person = {PERSON}"
    " AND f.value IS NOT NULL GROUP BY f.value"
)
RENAME = (
    "UPDATE document SET vendor_key = ? WHERE vendor_key = ?"  # noqa: S608
    f" AND import IN (SELECT id FROM import WHERE person = {PERSON})"
)


def document_vendors(connection: sqlite3.Connection, user_id: str) -> list[tuple[str, int]]:
    """Return the vendors of a person's documents as they are printed, with how many there are."""
    return connection.execute(VENDORS, (user_id,)).fetchall()


def rename_vendor(connection: sqlite3.Connection, user_id: str, key: str, into: str) -> int:
    """Let documents of the vendor `key`, a normalised name, be of `into`; return how many."""
    return connection.execute(RENAME, (into, key, user_id)).rowcount if key and into else 0


FILL = (
    "UPDATE field SET value = ?, confidence = ?, source = ?, page = NULL, x0 = NULL, y0 = NULL,"
    " x1 = NULL, y1 = NULL, status = 'read' WHERE import = ? AND name = ? AND status = 'absent'"
)
ADD = (
    "INSERT INTO field (import, name, value, confidence, source, status)"
    " VALUES (?, ?, ?, ?, ?, 'read') ON CONFLICT DO NOTHING"
)
NOTE = "INSERT INTO filling (job_id, import, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
COLUMNS = {
    "invoice_number": "number",
    "invoice_date": "date",
    "currency": "currency",
}
FILLED = "SELECT name FROM filling WHERE job_id = ? AND import = ? ORDER BY name"


def fill_fields(
    connection: sqlite3.Connection,
    job_id: str,
    import_id: int,
    fields: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Give a document the fields that it lacks; return which of them the job has brought.

    fields  as core.documents.FieldValue. Where they stand on the other copy's pages means nothing
            on this one's. Doing it again changes nothing.
    """
    for name, field in fields.items():
        if field["value"] is None:
            continue
        values = (field["value"], field["confidence"], field["source"])
        changed = connection.execute(FILL, (*values, import_id, name)).rowcount
        changed += connection.execute(ADD, (import_id, name, *values)).rowcount
        if changed > 0:
            connection.execute(NOTE, (job_id, import_id, name))
            if name in COLUMNS:
                connection.execute(
                    f"UPDATE document SET {COLUMNS[name]} = ?"  # noqa: S608
                    f" WHERE import = ? AND {COLUMNS[name]} IS NULL",
                    (field["value"], import_id),
                )
    return [name for (name,) in connection.execute(FILLED, (job_id, import_id))]


TO_EMPTY = "SELECT import, name FROM filling WHERE job_id = ?"
EMPTY = (
    "UPDATE field SET value = NULL, confidence = 1, source = '', status = 'absent'"
    " WHERE import = ? AND name = ? AND status = 'read'"
)
DROP = "DELETE FROM filling WHERE job_id = ?"


def empty_filled(connection: sqlite3.Connection, job_id: str) -> int:
    """Take back the fields that the job filled in another's document; return how many."""
    count = 0
    for import_id, name in connection.execute(TO_EMPTY, (job_id,)).fetchall():
        count += connection.execute(EMPTY, (import_id, name)).rowcount
        if name in COLUMNS:
            connection.execute(
                f"UPDATE document SET {COLUMNS[name]} = NULL WHERE import = ?",  # noqa: S608
                (import_id,),
            )
    connection.execute(DROP, (job_id,))
    return count
