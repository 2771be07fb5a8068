"""What worker processes read and write in records.db about one import: labels, vendors, totals.

The rows themselves are written by records_bulk, and read for the pages by records_reader.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from app.store.records_reader import RecordsReader, RowsPage
from app.store.records_schema import (
    MICROS,
    REVIEW_BELOW,
    connect_records,
    decimal_text,
    reading_records,
    writing_records,
)

__all__ = [
    "MICROS",
    "REVIEW_BELOW",
    "CurrencyTotal",
    "Import",
    "Label",
    "RecordsReader",
    "RowsPage",
    "VendorTotal",
    "connect_records",
    "decimal_text",
    "get_import",
    "known_categories",
    "known_vendors",
    "labels_of",
    "reading_records",
    "save_categories",
    "save_label_vendors",
    "save_vendors",
    "totals",
    "vendor_totals",
    "writing_records",
]


@dataclass(frozen=True, slots=True)
class Import:
    """What one job stored. stored counts rows that are new; all rows are stored + known."""

    id: int
    job_id: str
    user_id: str
    has_amounts: bool
    stored: int
    known: int
    rejected: int
    review: int


@dataclass(frozen=True, slots=True)
class Label:
    """All rows of an import with the same payee text, sign, currency and source category.

    sign           -1 money out, 1 money in, 0 no amount or zero
    rows           how many rows carry it, new and known
    amount_micros  their sum
    edited         1 where a person said so
    """

    id: int
    text: str
    sign: int
    currency: str | None
    source_category: str | None
    rows: int
    amount_micros: int
    vendor: str | None
    category: str | None
    reason: str | None
    confidence: float | None
    edited: int = 0


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """The money of an import in one currency; currency None: the file does not say.

    spending_micros is negative or zero.
    """

    currency: str | None
    rows: int
    income_micros: int
    spending_micros: int
    first_date: str | None
    last_date: str | None


@dataclass(frozen=True, slots=True)
class VendorTotal:
    """What an import moved to or from one vendor, in one currency."""

    vendor: str
    currency: str | None
    rows: int
    amount_micros: int


GET_IMPORT = (
    "SELECT i.id, i.job_id, p.user_id, i.has_amounts, i.stored, i.known, i.rejected, i.review"
    " FROM import i JOIN person p ON p.id = i.person WHERE i.job_id = ?"
)


def get_import(connection: sqlite3.Connection, job_id: str) -> Import | None:
    """Return what the job stored, or None while it has stored nothing."""
    row = connection.execute(GET_IMPORT, (job_id,)).fetchone()
    if row is None:
        return None
    return Import(row[0], row[1], row[2], bool(row[3]), *row[4:])


LABELS = (
    "SELECT l.id, l.text, l.sign, l.currency, l.source_category, l.rows, l.amount_micros,"
    " l.vendor, l.category, l.reason, l.confidence, l.edited"
    " FROM label l JOIN import i ON i.id = l.import WHERE i.job_id = ? ORDER BY l.id"
)


def labels_of(connection: sqlite3.Connection, job_id: str) -> list[Label]:
    """Return the labels of the job's import in the order of their first rows; [] without one."""
    return [Label(*row) for row in connection.execute(LABELS, (job_id,))]


SAVE_LABEL_VENDOR = (
    "UPDATE label SET vendor = ? WHERE import = (SELECT id FROM import WHERE job_id = ?) AND id = ?"
)


def save_label_vendors(
    connection: sqlite3.Connection, job_id: str, vendors: Iterable[tuple[int, str | None]]
) -> None:
    """Write (label_id, vendor), inside the caller's transaction."""
    connection.executemany(
        SAVE_LABEL_VENDOR, ((vendor, job_id, label_id) for label_id, vendor in vendors)
    )


SAVE_CATEGORY = (
    "UPDATE label SET category = ?, reason = ?, confidence = ?"
    " WHERE import = (SELECT id FROM import WHERE job_id = ?) AND id = ?"
)
COUNT_REVIEW = (
    "UPDATE import SET review = (SELECT coalesce(sum(rows), 0) FROM label"
    " WHERE label.import = import.id AND confidence < ?) WHERE job_id = ?"
)


def save_categories(
    connection: sqlite3.Connection,
    job_id: str,
    categories: Iterable[tuple[int, str | None, str | None, float | None]],
) -> None:
    """Write (label_id, category, reason, confidence), inside the caller's transaction.

    Rows whose confidence is below REVIEW_BELOW are counted as waiting for review.
    """
    connection.executemany(
        SAVE_CATEGORY,
        (
            (category, reason, confidence, job_id, label_id)
            for label_id, category, reason, confidence in categories
        ),
    )
    connection.execute(COUNT_REVIEW, (REVIEW_BELOW, job_id))


KNOWN_VENDORS = (
    "SELECT v.key, v.name FROM vendor v JOIN import i ON i.id = v.import"
    " JOIN person p ON p.id = i.person WHERE p.user_id = ? AND i.job_id <> ? ORDER BY i.id DESC"
)


def known_vendors(
    connection: sqlite3.Connection, user_id: str, not_job_id: str = ""
) -> dict[str, str]:
    """Return the user's vendors of other jobs, normalised name -> name as first written."""
    return dict(connection.execute(KNOWN_VENDORS, (user_id, not_job_id)).fetchall())


KNOWN_CATEGORIES = (
    "SELECT l.vendor, l.category, sum(l.rows) FROM label l JOIN import i ON i.id = l.import"
    " JOIN person p ON p.id = i.person WHERE p.user_id = ? AND i.job_id <> ?"
    " AND l.confidence >= 1.0 AND l.edited = 0 AND l.vendor IS NOT NULL AND l.category IS NOT NULL"
    " GROUP BY l.vendor, l.category ORDER BY 3, 2 DESC"
)


def known_categories(
    connection: sqlite3.Connection, user_id: str, not_job_id: str = ""
) -> dict[str, str]:
    """Return what the user's other files themselves say of a vendor: name -> commonest category."""
    found = connection.execute(KNOWN_CATEGORIES, (user_id, not_job_id))
    return {vendor: category for vendor, category, _ in found}


SAVE_VENDOR = (
    "INSERT INTO vendor (import, key, name)"
    " SELECT id, ?, ? FROM import WHERE job_id = ? ON CONFLICT DO UPDATE SET name = excluded.name"
)
DROP_VENDORS = "DELETE FROM vendor WHERE import = (SELECT id FROM import WHERE job_id = ?)"


def save_vendors(
    connection: sqlite3.Connection, job_id: str, vendors: Iterable[tuple[str, str]]
) -> None:
    """Replace the vendors of the job's import by (normalised name, name)."""
    connection.execute(DROP_VENDORS, (job_id,))
    connection.executemany(SAVE_VENDOR, ((key, name, job_id) for key, name in vendors))


TOTALS = (
    "SELECT l.currency, sum(l.rows), sum(max(l.amount_micros, 0)), sum(min(l.amount_micros, 0)),"
    " min(l.first_date), max(l.last_date)"
    " FROM label l JOIN import i ON i.id = l.import WHERE i.job_id = ?"
    " GROUP BY l.currency ORDER BY 2 DESC, 1"
)


def totals(connection: sqlite3.Connection, job_id: str) -> list[CurrencyTotal]:
    """Return the money of the whole file, new and known rows, the commonest currency first."""
    return [CurrencyTotal(*row) for row in connection.execute(TOTALS, (job_id,))]


VENDOR_TOTALS = (
    "SELECT l.vendor, l.currency, sum(l.rows), sum(l.amount_micros)"
    " FROM label l JOIN import i ON i.id = l.import WHERE i.job_id = ? AND l.vendor IS NOT NULL"
    " GROUP BY l.vendor, l.currency ORDER BY abs(sum(l.amount_micros)) DESC, 1 LIMIT ?"
)


def vendor_totals(
    connection: sqlite3.Connection, job_id: str, limit: int = 10
) -> list[VendorTotal]:
    """Return the vendors with whom most money moved, new and known rows."""
    return [VendorTotal(*row) for row in connection.execute(VENDOR_TOTALS, (job_id, limit))]
