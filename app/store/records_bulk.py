"""Writing and taking back all rows of one job in records.db, and finding what is known already.

A row is recognised by a 64-bit key over its owner, its content and the number of equal rows before
it in its file. Keys are looked up and inserted in their own order: the index then grows page after
page instead of at random ones. Should two different rows of a person ever share a key
(one chance in 10^5 at ten million rows), the later one is kept too, marked as known.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.store.documents import delete_document
from app.store.records_schema import id_range

Known = tuple[int, int]
"""A row's number in the file, and the id of the earlier row with the same content."""

FETCH_ROWS = 50_000

# What a stored row may have beside its id, in the order in which it is given.
CELLS = (
    "known",
    "seen",
    "line",
    "label",
    "date",
    "amount_micros",
    "balance_micros",
    "description",
    "counterparty",
    "reference",
    "account",
    "extra",
)


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label as a file brings it; see the table label. Ids count from 1 in each file."""

    id: int
    text: str
    sign: int
    currency: str | None
    source_category: str | None
    rows: int
    amount_micros: int
    first_date: str | None
    last_date: str | None


def person_of(connection: sqlite3.Connection, user_id: str) -> int | None:
    """Return the number under which the user's keys are kept; None before the first import."""
    row = connection.execute("SELECT id FROM person WHERE user_id = ?", (user_id,)).fetchone()
    return None if row is None else int(row[0])


FIND_KNOWN = (
    "SELECT f.n, k.row FROM temp.fresh f CROSS JOIN row_key k ON k.key = f.key"
    " JOIN import i ON i.id = k.row >> 32 WHERE i.person = ?"
)


def known_rows(
    connection: sqlite3.Connection, user_id: str, keys: Iterable[tuple[int, int]]
) -> Iterator[Known]:
    """Yield those rows of a file that the user's earlier files hold, in no particular order.

    keys  (key, number in the file), ascending by key, no key twice
    """
    person = person_of(connection, user_id)
    if person is None:
        return
    has_any = connection.execute("SELECT 1 FROM import WHERE person = ? LIMIT 1", (person,))
    if has_any.fetchone() is None:
        return
    connection.execute("CREATE TEMP TABLE fresh (key INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    try:
        connection.executemany("INSERT INTO temp.fresh (key, n) VALUES (?, ?)", keys)
        found = connection.execute(FIND_KNOWN, (person,))
        while some := found.fetchmany(FETCH_ROWS):
            yield from some
    finally:
        connection.execute("DROP TABLE temp.fresh")


def job_ids(connection: sqlite3.Connection, imports: Iterable[int]) -> dict[int, str]:
    """Return the jobs of imports, by the imports' numbers."""
    sql = "SELECT id, job_id FROM import WHERE id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (orjson.dumps(list(imports)).decode(),)).fetchall())


def begin_import(
    connection: sqlite3.Connection,
    *,
    job_id: str,
    user_id: str,
    columns: Sequence[str],
    has_amounts: bool,
) -> int:
    """Make the job's import and return its number. Raises sqlite3.IntegrityError when it exists."""
    connection.execute("INSERT INTO person (user_id) VALUES (?) ON CONFLICT DO NOTHING", (user_id,))
    made = connection.execute(
        "INSERT INTO import (job_id, person, columns, has_amounts)"
        " SELECT ?, id, ?, ? FROM person WHERE user_id = ?",
        (job_id, orjson.dumps(list(columns)).decode(), has_amounts, user_id),
    )
    return int(made.lastrowid or 0)


def insert_rows(
    connection: sqlite3.Connection, present: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows, given as (id, *cells), in the order of their ids.

    present  the names among CELLS that `rows` give, in order; the others stay empty

    Raises ValueError for a name that is not among them.
    """
    if unknown := set(present) - set(CELLS):
        raise ValueError(f"rows have no columns {sorted(unknown)}")
    names = ("id", *present)
    connection.executemany(
        f"INSERT INTO row ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608
        rows,
    )


INSERT_KEY = "INSERT INTO row_key (key, row) VALUES (?, ?) ON CONFLICT DO NOTHING"


def insert_keys(connection: sqlite3.Connection, keys: Iterable[tuple[int, int]]) -> None:
    """Make an import's rows known. keys: (key, row id), ascending by key.

    A key that an earlier file brought stays with that file's row.
    """
    connection.executemany(INSERT_KEY, keys)


INSERT_LABEL = (
    "INSERT INTO label (import, id, text, sign, currency, source_category, rows, amount_micros,"
    " first_date, last_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_labels(
    connection: sqlite3.Connection, import_id: int, labels: Iterable[NewLabel]
) -> None:
    """Write the import's labels, not decided yet."""
    connection.executemany(
        INSERT_LABEL,
        (
            (
                import_id,
                label.id,
                label.text,
                label.sign,
                label.currency,
                label.source_category,
                label.rows,
                label.amount_micros,
                label.first_date,
                label.last_date,
            )
            for label in labels
        ),
    )


INSERT_REJECTED = (
    "INSERT INTO rejected (import, id, line, code, reason, cells) VALUES (?, ?, ?, ?, ?, ?)"
)


def insert_rejected(
    connection: sqlite3.Connection,
    import_id: int,
    rejected: Iterable[tuple[int, str, str, str]],
) -> int:
    """Write rows that could not be read, as (line, code, reason, cells as a JSON array).

    Returns how many there were.
    """
    count = 0

    def numbered() -> Iterator[tuple[int, int, int, str, str, str]]:
        nonlocal count
        for line, code, reason, cells in rejected:
            yield import_id, count, line, code, reason, cells
            count += 1

    connection.executemany(INSERT_REJECTED, numbered())
    return count


FINISH = "UPDATE import SET stored = ?, known = ?, rejected = ? WHERE id = ?"


def finish_import(
    connection: sqlite3.Connection, import_id: int, *, stored: int, known: int, rejected: int
) -> None:
    """Write the counts of an import whose rows are all there."""
    connection.execute(FINISH, (stored, known, rejected, import_id))


# Undo. An heir is the earliest remaining row with the content of a row that goes.
HEIRS = (
    "INSERT INTO temp.heir (old, new) SELECT seen, min(id) FROM row"
    " WHERE seen BETWEEN ? AND ? GROUP BY seen"
)
PROMOTED = (
    "SELECT id >> 32, count(*) FROM row"
    " WHERE id IN (SELECT new FROM temp.heir) AND known = 1 GROUP BY 1"
)
INHERIT_KEYS = (
    "UPDATE row_key SET row = (SELECT new FROM temp.heir WHERE old = row_key.row)"
    " WHERE row IN (SELECT old FROM temp.heir)"
)
PROMOTE = "UPDATE row SET known = 0, seen = NULL WHERE id IN (SELECT new FROM temp.heir)"
FOLLOW = (
    "UPDATE row SET seen = (SELECT new FROM temp.heir WHERE old = row.seen)"
    " WHERE seen BETWEEN ? AND ?"
)
DROP_KEYS = "DELETE FROM row_key WHERE row BETWEEN ? AND ?"
DROP_ROWS = "DELETE FROM row WHERE id BETWEEN ? AND ?"
ADD_PROMOTED = "UPDATE import SET stored = stored + ?, known = known - ? WHERE id = ?"


def _let_heirs_follow(connection: sqlite3.Connection, own: tuple[int, int]) -> None:
    """Let the rows of other imports that were seen before in the rows `own` take their place."""
    connection.execute("CREATE TEMP TABLE heir (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    try:
        if connection.execute(HEIRS, own).rowcount:
            promoted = connection.execute(PROMOTED).fetchall()
            connection.execute(INHERIT_KEYS)
            connection.execute(PROMOTE)
            connection.execute(FOLLOW, own)
            connection.executemany(ADD_PROMOTED, ((rows, rows, heir) for heir, rows in promoted))
    finally:
        connection.execute("DROP TABLE temp.heir")


def undo_import(connection: sqlite3.Connection, job_id: str) -> int:
    """Take back what the job stored, as if it had never been there; return its number of rows.

    A row of another job that was known only because of it becomes new, in the earliest job that
    has it. A job that stored nothing is taken back to no effect. Runs inside the caller's
    transaction.
    """
    found = connection.execute(
        "SELECT id, stored FROM import WHERE job_id = ?", (job_id,)
    ).fetchone()
    if found is None:
        return 0
    import_id, stored = found
    own = id_range(import_id)
    _let_heirs_follow(connection, own)
    # Keys are found by a look at all of everybody's: only where there are some to find.
    if connection.execute(DROP_ROWS, own).rowcount:
        connection.execute(DROP_KEYS, own)
    for table in ("label", "rejected", "vendor"):
        connection.execute(f"DELETE FROM {table} WHERE import = ?", (import_id,))  # noqa: S608
    delete_document(connection, import_id)
    connection.execute("DELETE FROM import WHERE id = ?", (import_id,))
    return int(stored)
