"""Files that came before it was said what is to become of them."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection


@dataclass(frozen=True, slots=True)
class Deposit:
    """One such file. Its bytes are in the file store, under its hash."""

    id: str
    user_id: str
    sha256: str
    filename: str
    size_bytes: int
    media_type: str
    expires_ms: int


INSERT = """
    INSERT INTO deposit (id, user_id, sha256, filename, size_bytes, media_type, expires_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def add_deposit(connection: sqlite3.Connection, deposit: Deposit) -> None:
    """Write a new deposit."""
    connection.execute(
        INSERT,
        (
            deposit.id,
            deposit.user_id,
            deposit.sha256,
            deposit.filename,
            deposit.size_bytes,
            deposit.media_type,
            deposit.expires_ms,
        ),
    )


def let_go_of_deposits(connection: sqlite3.Connection, now_ms: int) -> list[str]:
    """Forget the deposits whose time is over.

    Returns the hashes of their files, which may be of use to somebody else.
    """
    over = connection.execute(
        "DELETE FROM deposit WHERE expires_ms <= ? RETURNING sha256", (now_ms,)
    )
    return [row[0] for row in over.fetchall()]


GET = """
    SELECT id, user_id, sha256, filename, size_bytes, media_type, expires_ms FROM deposit
    WHERE id = ? AND expires_ms > ?
"""


async def get_deposit(db: Connection, deposit_id: str, now_ms: int) -> Deposit | None:
    """Return the deposit; None when there is none of this id, or none any more."""
    rows = list(await db.execute_fetchall(GET, (deposit_id, now_ms)))
    return Deposit(*rows[0]) if rows else None
