"""Signed-in browsers: each session, what it came from, and its end."""

import os
import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection

from app.core.errors import NotAllowed, NotAuthenticated, NotFound
from app.core.ids import uuid7
from app.core.permissions import Role
from app.store.secrets import hash_secret, new_secret

LOGINS_AT_MOST = 100  # of one user; the oldest go first
LONGEST_CLIENT = 200


@dataclass(frozen=True, slots=True)
class Login:
    """A browser that is signed in. `client` is what it calls itself, `address` where it began."""

    id: str
    client: str
    address: str
    created_ms: int
    expires_ms: int


# Inside the caller's transaction


CURRENT = "SELECT 1 FROM user WHERE id = ? AND epoch = ?"
INSERT = (
    "INSERT INTO login (secret_hash, id, user_id, created_ms, expires_ms, client, address)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
DELETE_SURPLUS = (
    "DELETE FROM login WHERE user_id = ?1 AND id NOT IN"
    " (SELECT id FROM login WHERE user_id = ?1 ORDER BY created_ms DESC, id DESC LIMIT ?2)"
)


def add_login(
    connection: sqlite3.Connection,
    user_id: str,
    epoch: int,
    at_ms: int,
    expires_ms: int,
    client: str = "",
    address: str = "",
) -> str:
    """Write a new browser session and return its secret. Ended ones are cleared away.

    epoch  of the user when they were recognised. Raises NotAuthenticated when it is over.
    """
    if connection.execute(CURRENT, (user_id, epoch)).fetchone() is None:
        raise NotAuthenticated
    secret = new_secret()
    connection.execute("DELETE FROM login WHERE expires_ms <= ?", (at_ms,))
    ident = uuid7(at_ms, os.urandom(10))
    connection.execute(
        INSERT,
        (
            hash_secret(secret),
            ident,
            user_id,
            at_ms,
            expires_ms,
            client[:LONGEST_CLIENT],
            address,
        ),
    )
    connection.execute(DELETE_SURPLUS, (user_id, LOGINS_AT_MOST))
    return secret


STANDS = (
    "SELECT user.role FROM login JOIN user ON user.id = login.user_id"
    " WHERE login.id = ? AND login.expires_ms > ?"
)


def demand_login(
    connection: sqlite3.Connection, login_id: str, at_ms: int, role: Role = "member"
) -> None:
    """Refuse what is done by a session that has ended since its request began.

    Who may come in is changed by those alone who may still be in: a request can be begun, and sent
    to its end after everything was ended to keep its sender out.

    role  that its user has to have, at least

    Raises NotAuthenticated, NotAllowed.
    """
    row = connection.execute(STANDS, (login_id, at_ms)).fetchone()
    if row is None:
        raise NotAuthenticated
    if role == "operator" and row[0] != "operator":
        raise NotAllowed(why="this is for operators")


def remove_login(connection: sqlite3.Connection, user_id: str, login_id: str) -> None:
    """Sign one of the user's browsers out. Raises NotFound."""
    ended = connection.execute(
        "DELETE FROM login WHERE id = ? AND user_id = ?", (login_id, user_id)
    )
    if not ended.rowcount:
        raise NotFound(what="session")


def remove_login_of(connection: sqlite3.Connection, secret: str) -> None:
    """Sign out the browser that has `secret`, if it is signed in."""
    connection.execute("DELETE FROM login WHERE secret_hash = ?", (hash_secret(secret),))


def remove_logins(connection: sqlite3.Connection, user_id: str, but: str = "") -> None:
    """Sign out every browser of the user, but the one with the session `but`."""
    connection.execute("DELETE FROM login WHERE user_id = ? AND id <> ?", (user_id, but))


# Reading


LIST = (
    "SELECT id, client, address, created_ms, expires_ms FROM login"
    " WHERE user_id = ? AND expires_ms > ? ORDER BY created_ms DESC, id DESC"
)


async def list_logins(db: Connection, user_id: str, at_ms: int) -> list[Login]:
    """Return the browsers in which the user is signed in, newest first."""
    return [Login(*row) for row in await db.execute_fetchall(LIST, (user_id, at_ms))]
