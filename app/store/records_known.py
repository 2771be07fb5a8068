"""Deciding afterwards about rows that an earlier file holds: to leave them out, or store them."""

import sqlite3
from collections.abc import Sequence

import orjson

from app.store.records_schema import id_range

IMPORT = (
    "SELECT i.id FROM import i JOIN person p ON p.id = i.person"
    " WHERE i.job_id = ? AND p.user_id = ?"
)
DECIDE_ALL = (
    "UPDATE row SET known = :known WHERE id BETWEEN :low AND :high AND seen IS NOT NULL"
    " AND known <> :known"
)
DECIDE_SOME = f"{DECIDE_ALL} AND id - :low + 1 IN (SELECT value FROM json_each(:rows))"  # noqa: S608
COUNT = "UPDATE import SET stored = stored - ?, known = known + ? WHERE id = ?"


def decide_known(
    connection: sqlite3.Connection,
    user_id: str,
    job_id: str,
    *,
    known: bool,
    rows: Sequence[int] | None = None,
) -> int | None:
    """Leave rows out as known, or store them as new; return how many changed.

    rows  numbers in the file; None for all. Only rows that an earlier file holds can change.
    None when the job has stored nothing. Runs inside the caller's transaction.
    """
    found = connection.execute(IMPORT, (job_id, user_id)).fetchone()
    if found is None:
        return None
    low, high = id_range(found[0])
    values = {"known": int(known), "low": low, "high": high}
    if rows is None:
        changed = connection.execute(DECIDE_ALL, values).rowcount
    else:
        numbers = orjson.dumps(list(rows)).decode()
        changed = connection.execute(DECIDE_SOME, {**values, "rows": numbers}).rowcount
    moved = changed if known else -changed
    connection.execute(COUNT, (moved, moved, found[0]))
    return changed
