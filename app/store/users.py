"""The people of the server, as operators see and change them."""

import sqlite3
from dataclasses import dataclass

from aiosqlite import Connection

from app.core.errors import Conflict, NotFound
from app.core.permissions import Role
from app.store.accounts import User


@dataclass(frozen=True, slots=True)
class Member:
    """A user, since when there is one, and in how many browsers they are signed in."""

    user: User
    created_ms: int
    sessions: int


# Inside the caller's transaction


OTHER_OPERATOR = "SELECT EXISTS (SELECT 1 FROM user WHERE role = 'operator' AND id <> ?)"
FIND = "SELECT id, name, role, epoch FROM user WHERE id = ?"


def change_role(connection: sqlite3.Connection, user_id: str, role: Role) -> User:
    """Give a user another role, and return them as they were.

    Raises NotFound, Conflict when nobody would be left to operate the server.
    """
    user = find_member(connection, user_id)
    if role != "operator":
        _keep_an_operator(connection, user)
    connection.execute("UPDATE user SET role = ? WHERE id = ?", (role, user_id))
    return user


def remove_user(connection: sqlite3.Connection, user_id: str) -> User:
    """Remove a user with everything that let them in; return them as they were.

    What they brought stays, for operators to see. Raises NotFound, Conflict when nobody would be
    left to operate the server.
    """
    user = find_member(connection, user_id)
    _keep_an_operator(connection, user)
    connection.execute("DELETE FROM user WHERE id = ?", (user_id,))
    return user


def find_member(connection: sqlite3.Connection, user_id: str) -> User:
    """Return the user with this id. Raises NotFound."""
    row = connection.execute(FIND, (user_id,)).fetchone()
    if row is None:
        raise NotFound(what="user")
    return User(*row)


def _keep_an_operator(connection: sqlite3.Connection, user: User) -> None:
    if user.role == "operator" and not connection.execute(OTHER_OPERATOR, (user.id,)).fetchone()[0]:
        raise Conflict(
            what=f"{user.name} is the only operator", todo="Make somebody else an operator first."
        )


# Reading


LIST = (
    "SELECT user.id, user.name, user.role, user.epoch, user.created_ms,"
    " (SELECT count(*) FROM login WHERE login.user_id = user.id AND login.expires_ms > ?)"
    " FROM user WHERE (?2 IS NULL OR user.id = ?2) ORDER BY user.name COLLATE NOCASE"
)


async def list_users(db: Connection, at_ms: int, user_id: str | None = None) -> list[Member]:
    """Return everybody, by name; or the one with this id, or nobody."""
    return [
        Member(User(*who), created_ms, sessions)
        for *who, created_ms, sessions in await db.execute_fetchall(LIST, (at_ms, user_id))
    ]
