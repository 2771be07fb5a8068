"""Share links: by each, somebody without an account may follow one job or batch for a while."""

import os
import sqlite3
from dataclasses import dataclass
from typing import Any

from aiosqlite import Connection

from app.core.errors import Conflict, NotFound
from app.core.ids import uuid7
from app.core.rooms import Room, parse_room

SHARES_AT_MOST = 500  # of one user


@dataclass(frozen=True, slots=True)
class Share:
    """A share link. Its token is signed, not stored: it says no more than the id."""

    id: str
    user_id: str
    room: Room
    label: str
    created_ms: int
    expires_ms: int
    last_used_ms: int | None = None


# Inside the caller's transaction


INSERT = (
    "INSERT INTO share (id, user_id, room, label, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)"
)
COUNT = "SELECT count(*) FROM share WHERE user_id = ?"


def add_share(
    connection: sqlite3.Connection,
    user_id: str,
    room: Room,
    label: str,
    at_ms: int,
    expires_ms: int,
) -> Share:
    """Write a new share link. Ended ones are cleared away. Raises Conflict for too many."""
    connection.execute("DELETE FROM share WHERE expires_ms <= ?", (at_ms,))
    if connection.execute(COUNT, (user_id,)).fetchone()[0] >= SHARES_AT_MOST:
        raise Conflict(
            what=f"There are {SHARES_AT_MOST} share links already", todo="Revoke one first."
        )
    share = Share(uuid7(at_ms, os.urandom(10)), user_id, room, label, at_ms, expires_ms)
    connection.execute(INSERT, (share.id, user_id, str(room), label, at_ms, expires_ms))
    return share


def remove_share(connection: sqlite3.Connection, share_id: str) -> None:
    """Revoke a share link. Raises NotFound."""
    if not connection.execute("DELETE FROM share WHERE id = ?", (share_id,)).rowcount:
        raise NotFound(what="share link")


# Reading


COLUMNS = "SELECT id, user_id, room, label, created_ms, expires_ms, last_used_ms FROM share"


def _share(row: Any) -> Share:
    ident, user_id, room, *rest = row
    return Share(ident, user_id, parse_room(room, user_id), *rest)


async def list_shares(
    db: Connection, user_id: str, at_ms: int, room: Room | None = None
) -> list[Share]:
    """Return the user's share links that have not ended, newest first; of one room, or of all."""
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE user_id = ?1 AND expires_ms > ?2 AND (?3 IS NULL OR room = ?3)"
        " ORDER BY id DESC",
        (user_id, at_ms, None if room is None else str(room)),
    )
    return [_share(row) for row in rows]


async def get_share(db: Connection, share_id: str, at_ms: int) -> Share | None:
    """Return the share link; None when there is none with this id, or it has ended."""
    rows = list(
        await db.execute_fetchall(f"{COLUMNS} WHERE id = ? AND expires_ms > ?", (share_id, at_ms))
    )
    return _share(rows[0]) if rows else None
