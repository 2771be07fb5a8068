"""Reading records.db from end to end, for files that people take away: rows, documents, items."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.core.documents import FIELDS, LineItem
from app.store.records_schema import REVIEW_BELOW, id_range, number_of

RowState = Literal["new", "known", "review", "all"]
FETCH_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Filters:
    """What is taken; None takes everything.

    first, last  ISO dates, both included; without a date a row or document is then left out
    account, category, vendor, currency  the whole text, whether large or small ASCII letters
    text         somewhere in description, counterparty or reference; of a document in its title,
                 number or vendor
    state        of rows
    """

    first: str | None = None
    last: str | None = None
    account: str | None = None
    category: str | None = None
    vendor: str | None = None
    currency: str | None = None
    text: str | None = None
    state: RowState = "all"


@dataclass(frozen=True, slots=True)
class Import:
    """What one job stored."""

    id: int
    job_id: str
    rows: int


def imports(connection: sqlite3.Connection) -> list[Import]:
    """Return everything that is stored, in the order in which it came."""
    found = connection.execute("SELECT id, job_id, stored + known FROM import ORDER BY id")
    return [Import(*row) for row in found]


# Rows


# In the order of ROW_COLUMNS, which the writers of files know.
ROWS = (
    "SELECT r.id, r.line, CASE r.known WHEN 1 THEN 'known' ELSE 'new' END, r.date, r.description,"
    " r.counterparty, r.amount_micros, l.currency, r.balance_micros, r.reference, r.account,"
    " l.vendor, l.category, l.reason, l.confidence, r.extra"
)
LABELLED = " FROM row r LEFT JOIN label l ON l.import = :import AND l.id = r.label"
IN_IMPORT = " WHERE r.id BETWEEN :low AND :high"
ROW_TEXT = (
    "(r.description LIKE :text ESCAPE '\\' OR r.counterparty LIKE :text ESCAPE '\\'"
    " OR r.reference LIKE :text ESCAPE '\\')"
)
ROW_FILTERS = {
    "first": "r.date >= :first",
    "last": "r.date <= :last",
    "account": "r.account = :account COLLATE NOCASE",
    "category": "l.category = :category COLLATE NOCASE",
    "vendor": "l.vendor = :vendor COLLATE NOCASE",
    "currency": "l.currency = :currency COLLATE NOCASE",
    "text": ROW_TEXT,
}
ROW_STATES = {
    "new": "r.known = 0",
    "known": "r.known = 1",
    "review": "l.confidence < :below",
}


def count_rows(connection: sqlite3.Connection, source: Import, filters: Filters) -> int:
    """Return how many rows of `source` are taken."""
    where, values = _rows_where(source, filters)
    if where == IN_IMPORT:
        return source.rows
    return int(connection.execute(f"SELECT count(*){LABELLED}{where}", values).fetchone()[0])


def rows_of(
    connection: sqlite3.Connection, source: Import, filters: Filters
) -> Iterator[Sequence[Any]]:
    """Yield the rows of `source` that are taken, in the order of their file; see ROWS."""
    where, values = _rows_where(source, filters)
    found = connection.execute(f"{ROWS}{LABELLED}{where} ORDER BY r.id", values)
    while some := found.fetchmany(FETCH_ROWS):
        for row in some:
            yield (number_of(row[0]), *row[1:])


def _rows_where(source: Import, filters: Filters) -> tuple[str, dict[str, Any]]:
    low, high = id_range(source.id)
    clauses, values = _where(ROW_FILTERS, filters)
    values |= {"import": source.id, "low": low, "high": high, "below": REVIEW_BELOW}
    if filters.state != "all":
        clauses.append(ROW_STATES[filters.state])
    return " AND ".join([IN_IMPORT, *clauses]), values


# Documents


DOCUMENT = (
    "SELECT d.kind, d.title, d.pages FROM document d"
    " LEFT JOIN field v ON v.import = d.import AND v.name = 'vendor_name'"
    " WHERE d.import = :import"
)
DOCUMENT_FILTERS = {
    "first": "d.date >= :first",
    "last": "d.date <= :last",
    "vendor": "v.value = :vendor COLLATE NOCASE",
    "currency": "d.currency = :currency COLLATE NOCASE",
    "text": "(d.title LIKE :text ESCAPE '\\' OR d.number LIKE :text ESCAPE '\\'"
    " OR v.value LIKE :text ESCAPE '\\')",
}
FIELDS_OF = "SELECT name, value, status FROM field WHERE import = ?"
ITEMS_OF = "SELECT item FROM line_item WHERE import = ? ORDER BY idx"


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document.

    fields    by the names in core.documents.FIELDS; only those that are there
    to_check  names of fields that wait for a person's look
    """

    kind: str
    title: str
    pages: int
    fields: dict[str, str]
    to_check: list[str]
    line_items: list[LineItem]


def document_of(
    connection: sqlite3.Connection, source: Import, filters: Filters
) -> Document | None:
    """Return the document that `source` is; None where it is none, or is not taken."""
    clauses, values = _where(DOCUMENT_FILTERS, filters)
    where = "".join(f" AND {clause}" for clause in clauses)
    found = connection.execute(DOCUMENT + where, {**values, "import": source.id}).fetchone()
    if found is None:
        return None
    told = connection.execute(FIELDS_OF, (source.id,)).fetchall()
    status = {name: status for name, _, status in told}
    items = connection.execute(ITEMS_OF, (source.id,))
    return Document(
        kind=found[0],
        title=found[1],
        pages=found[2],
        fields={name: value for name, value, _ in told if value is not None},
        to_check=[name for name in FIELDS if status.get(name) == "check"],
        line_items=[orjson.loads(item) for (item,) in items],
    )


def _where(known: dict[str, str], filters: Filters) -> tuple[list[str], dict[str, Any]]:
    values = {name: value for name in known if (value := getattr(filters, name)) is not None}
    clauses = [known[name] for name in values]
    if "text" in values:
        literal = values["text"].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values["text"] = f"%{literal}%"
    return clauses, values
