"""What people's corrections and answers taught, in records.db: small values by kind and key."""

import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

import orjson

MemoryKind = Literal["profile", "template", "category", "vendor", "document"]

MOST_OF_A_KIND = 20_000  # of one person; what was changed longest ago goes first

PERSON = "(SELECT id FROM person WHERE user_id = ?)"
ADD_PERSON = "INSERT INTO person (user_id) VALUES (?) ON CONFLICT DO NOTHING"
ALL = f"SELECT key, value FROM memory WHERE person = {PERSON} AND kind = ?"  # noqa: S608
ONE = f"SELECT value FROM memory WHERE person = {PERSON} AND kind = ? AND key = ?"  # noqa: S608
PUT = (
    "INSERT INTO memory (person, kind, key, value, changed_ms)"  # noqa: S608
    f" VALUES ({PERSON}, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET value = excluded.value, changed_ms = excluded.changed_ms"
)
TAUGHT_BY = (
    f"DELETE FROM memory WHERE person = {PERSON} AND kind = 'profile'"  # noqa: S608
    " AND json_extract(value, '$.job_id') = ?"
)
REWRITE = f"UPDATE memory SET value = ? WHERE person = {PERSON} AND kind = ? AND key = ?"  # noqa: S608
DROP = f"DELETE FROM memory WHERE person = {PERSON} AND kind = ? AND key = ?"  # noqa: S608
TRIM = (
    f"DELETE FROM memory WHERE person = {PERSON} AND kind = ? AND key IN ("  # noqa: S608
    f"SELECT key FROM memory WHERE person = {PERSON} AND kind = ?"
    " ORDER BY changed_ms DESC, key LIMIT -1 OFFSET ?)"
)


def memories(
    connection: sqlite3.Connection, user_id: str, kind: MemoryKind
) -> dict[str, dict[str, Any]]:
    """Return everything of a kind that a person taught, by its key."""
    found = connection.execute(ALL, (user_id, kind))
    return {key: orjson.loads(value) for key, value in found}


def memory_of(
    connection: sqlite3.Connection, user_id: str, kind: MemoryKind, key: str
) -> dict[str, Any] | None:
    """Return what is remembered under `key`; None when nothing is."""
    row = connection.execute(ONE, (user_id, kind, key)).fetchone()
    return None if row is None else dict(orjson.loads(row[0]))


def remember(
    connection: sqlite3.Connection,
    user_id: str,
    kind: MemoryKind,
    key: str,
    value: Mapping[str, Any],
    now_ms: int,
) -> None:
    """Keep `value` under `key` in place of what was there, inside the caller's transaction."""
    connection.execute(ADD_PERSON, (user_id,))
    connection.execute(PUT, (user_id, kind, key, orjson.dumps(dict(value)).decode(), now_ms))
    connection.execute(TRIM, (user_id, kind, user_id, kind, MOST_OF_A_KIND))


def forget(connection: sqlite3.Connection, user_id: str, kind: MemoryKind, key: str) -> bool:
    """Forget what is kept under `key`; say whether there was something."""
    return connection.execute(DROP, (user_id, kind, key)).rowcount > 0


def forget_taught_by(connection: sqlite3.Connection, user_id: str, job_id: str) -> None:
    """Forget what this job alone taught: profiles last answered for it, and vendors' templates."""
    connection.execute(TAUGHT_BY, (user_id, job_id))
    for key, template in memories(connection, user_id, "template").items():
        jobs = template.get("jobs", [])
        if job_id not in jobs:
            continue
        template["jobs"] = [one for one in jobs if one != job_id]
        if template["jobs"]:
            value = orjson.dumps(template).decode()
            connection.execute(REWRITE, (value, user_id, "template", key))
        else:
            forget(connection, user_id, "template", key)
