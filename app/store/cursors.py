"""How far clients with a durable name have acknowledged the log.

A name belongs to its holder: a user, or a share link.
"""

import sqlite3
from collections.abc import Iterable

NAMES_AT_MOST = 1000  # of one holder; the one unused longest is forgotten for another

ADVANCE = "UPDATE cursor SET acked = max(acked, ?), seen_ms = ? WHERE holder = ? AND name = ?"
INSERT = (
    "INSERT INTO cursor (acked, seen_ms, holder, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
TRIM = (
    "DELETE FROM cursor WHERE holder = ?1 AND name IN"
    " (SELECT name FROM cursor WHERE holder = ?1 ORDER BY seen_ms DESC LIMIT -1 OFFSET ?2)"
)


def advance_cursors(
    connection: sqlite3.Connection, places: Iterable[tuple[str, str, int]], now_ms: int
) -> None:
    """Write (holder, name, acked) of names in use, inside the caller's transaction.

    A cursor never moves back.
    """
    for holder, name, acked in places:
        row = (acked, now_ms, holder, name)
        if not connection.execute(ADVANCE, row).rowcount:
            _insert(connection, row)


def begin_cursor(
    connection: sqlite3.Connection, holder: str, name: str, acked: int, now_ms: int
) -> int:
    """Return where the name stands; one that is not known begins at `acked`."""
    _insert(connection, (acked, now_ms, holder, name))
    found = connection.execute(
        "SELECT acked FROM cursor WHERE holder = ? AND name = ?", (holder, name)
    )
    return int(found.fetchone()[0])


def _insert(connection: sqlite3.Connection, row: tuple[int, int, str, str]) -> None:
    if connection.execute(INSERT, row).rowcount:
        connection.execute(TRIM, (row[2], NAMES_AT_MOST))


FORGET = """
    DELETE FROM cursor
    WHERE seen_ms < ?
        OR NOT EXISTS (SELECT 1 FROM user WHERE id = holder)
            AND NOT EXISTS (SELECT 1 FROM share WHERE 'share:' || id = holder)
"""


def forget_cursors(connection: sqlite3.Connection, before_ms: int) -> int:
    """Forget names last used before then, and those whose holder is gone; return how many."""
    return connection.execute(FORGET, (before_ms,)).rowcount
