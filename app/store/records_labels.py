"""Changing what stored rows are said to be: their vendor and category, all of a label or some rows.

Rows that share a label share what is said of them. Where only some of them are to change, they
move to a label of their own, which otherwise says the same.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.store.records import Label
from app.store.records_schema import REVIEW_BELOW, id_range


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of rows. edited: a person said it of these very rows."""

    vendor: str | None
    category: str | None
    reason: str | None
    confidence: float | None
    edited: bool


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label and the import in which it is."""

    import_id: int
    job_id: str
    label: Label


LABEL = (
    "l.id, l.text, l.sign, l.currency, l.source_category, l.rows, l.amount_micros, l.vendor,"
    " l.category, l.reason, l.confidence, l.edited"
)
OF_PERSON = (
    f"SELECT i.id, i.job_id, {LABEL} FROM label l JOIN import i ON i.id = l.import"  # noqa: S608
    " JOIN person p ON p.id = i.person WHERE p.user_id = ? AND i.has_amounts ORDER BY i.id, l.id"
)
OF_ROW = (
    f"SELECT i.id, i.job_id, {LABEL} FROM import i"  # noqa: S608
    " JOIN person p ON p.id = i.person JOIN row r ON r.id = (i.id << 32) + ?"
    " JOIN label l ON l.import = i.id AND l.id = r.label"
    " WHERE p.user_id = ? AND i.job_id = ?"
)


def labels_of_person(connection: sqlite3.Connection, user_id: str) -> Iterator[PlacedLabel]:
    """Yield every label of a person's files that hold money, file after file."""
    for row in connection.execute(OF_PERSON, (user_id,)):
        yield PlacedLabel(row[0], row[1], Label(*row[2:]))


def label_of_row(
    connection: sqlite3.Connection, user_id: str, job_id: str, number: int
) -> PlacedLabel | None:
    """Return the label of row `number` of a job; None when there is no such row."""
    row = connection.execute(OF_ROW, (number, user_id, job_id)).fetchone()
    return None if row is None else PlacedLabel(row[0], row[1], Label(*row[2:]))


ROWS = (
    "SELECT r.id, r.label, r.description, r.account FROM row r"
    " WHERE r.id BETWEEN ? AND ? AND r.label IS NOT NULL ORDER BY r.id"
)


def texts_of(
    connection: sqlite3.Connection, import_id: int
) -> Iterator[tuple[int, int, str | None, str | None]]:
    """Yield (row id, label, description, account) of all rows of an import."""
    yield from connection.execute(ROWS, id_range(import_id))


SAY = (
    "UPDATE label SET vendor = ?, category = ?, reason = ?, confidence = ?, edited = ?"
    " WHERE import = ? AND id = ?"
)
TWIN = (
    "SELECT t.id FROM label l JOIN label t ON t.import = l.import AND t.id <> l.id"
    " AND t.text = l.text AND t.sign = l.sign AND t.currency IS l.currency"
    " AND t.source_category IS l.source_category"
    " WHERE l.import = ? AND l.id = ? AND t.vendor IS ? AND t.category IS ? AND t.reason IS ?"
    " AND t.confidence IS ? AND t.edited = ?"
)
COPY = (
    "INSERT INTO label (import, id, text, sign, currency, source_category, rows, amount_micros,"
    " first_date, last_date, vendor, category, reason, confidence, edited)"
    " SELECT import, (SELECT max(id) + 1 FROM label WHERE import = ?1), text, sign, currency,"
    " source_category, 0, 0, first_date, last_date, ?3, ?4, ?5, ?6, ?7"
    " FROM label WHERE import = ?1 AND id = ?2 RETURNING id"
)
MOVE = "UPDATE row SET label = ? WHERE id = ? AND label = ?"
SUM = "SELECT count(*), coalesce(sum(amount_micros), 0) FROM row WHERE label = ?1 AND id = ?2"
ADD = (
    "UPDATE label SET rows = rows + ?, amount_micros = amount_micros + ?"
    " WHERE import = ? AND id = ?"
)
EMPTY = "DELETE FROM label WHERE import = ? AND id = ? AND rows <= 0"


def say_of_label(
    connection: sqlite3.Connection, import_id: int, label_id: int, saying: Saying
) -> None:
    """Say something of all rows of a label, inside the caller's transaction."""
    connection.execute(SAY, (*_values(saying), import_id, label_id))


def say_of_rows(
    connection: sqlite3.Connection,
    import_id: int,
    label: Label,
    row_ids: Sequence[int],
    saying: Saying,
) -> None:
    """Say something of some rows of a label, inside the caller's transaction.

    row_ids  no id twice; those that do not carry the label are left alone
    """
    if len(row_ids) >= label.rows:
        say_of_label(connection, import_id, label.id, saying)
        return
    values = _values(saying)
    twin = connection.execute(TWIN, (import_id, label.id, *values)).fetchone()
    if twin is None:
        # RETURNING is read to its end, so that the statement is done.
        twin = connection.execute(COPY, (import_id, label.id, *values)).fetchall()[0]
    rows = amount = 0
    for row_id in row_ids:
        count, micros = connection.execute(SUM, (label.id, row_id)).fetchone()
        rows, amount = rows + count, amount + micros
    connection.executemany(MOVE, ((twin[0], row_id, label.id) for row_id in row_ids))
    connection.execute(ADD, (rows, amount, import_id, twin[0]))
    connection.execute(ADD, (-rows, -amount, import_id, label.id))
    connection.execute(EMPTY, (import_id, label.id))


def _values(saying: Saying) -> tuple[str | None, str | None, str | None, float | None, int]:
    return (
        saying.vendor,
        saying.category,
        saying.reason,
        saying.confidence,
        int(saying.edited),
    )


RECOUNT = (
    "UPDATE import SET review = (SELECT coalesce(sum(rows), 0) FROM label"
    " WHERE label.import = import.id AND confidence < ?) WHERE id = ?"
)


def recount_review(connection: sqlite3.Connection, import_ids: Iterable[int]) -> None:
    """Count again how many rows of these imports wait for a person's look."""
    connection.executemany(RECOUNT, ((REVIEW_BELOW, import_id) for import_id in import_ids))
