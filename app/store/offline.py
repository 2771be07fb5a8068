"""Accounts from the command line: the server may run meanwhile, elsewhere, or not at all."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import NotAllowed
from app.core.permissions import Scope
from app.core.times import DAY_MS
from app.store.accounts import (
    User,
    add_signin_link,
    add_user,
    change_password,
    find_user,
    now_ms,
    renew_setup_link,
)
from app.store.database import migrate
from app.store.secrets import hash_password
from app.store.tokens import add_token, usual_scopes
from app.store.writer import connect_writer


@contextmanager
def offline(path: Path) -> Iterator[sqlite3.Connection]:
    """Open livetrail.db at `path`, made if missing, for one transaction.

    Waits up to ten seconds while a running server writes. Raises sqlite3.Error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect_writer(path)
    try:
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    finally:
        connection.close()


def register_user(
    path: Path, name: str, password: str, *, admin: bool = False, at_least: int = 8
) -> User:
    """Add a user to the database at `path`. Raises NameTaken, WeakPassword, InvalidRequest."""
    password_hash = hash_password(password, at_least)
    with offline(path) as connection:
        return add_user(
            connection, name, password_hash, "operator" if admin else "member", now_ms()
        )


def reset_password(path: Path, name: str, password: str, *, at_least: int = 8) -> User:
    """Give a user a new password. Raises NotFound, WeakPassword."""
    password_hash = hash_password(password, at_least)
    with offline(path) as connection:
        user = find_user(connection, name)
        change_password(connection, user.id, password_hash)
        return user


def issue_token(
    path: Path,
    name: str,
    label: str = "command line",
    scopes: Iterable[Scope] | None = None,
    days: int | None = None,
) -> str:
    """Return a new API token of the user called `name`.

    scopes  what it may be used for; None: everything that the user may do
    days    until it ends; None: never

    Raises NotFound, Conflict for too many tokens, NotAllowed for more than the user may do.
    """
    at_ms = now_ms()
    with offline(path) as connection:
        user = find_user(connection, name)
        wanted = usual_scopes(user.role) if scopes is None else frozenset(scopes)
        if "operate" in wanted and user.role != "operator":
            raise NotAllowed(why=f"{user.name} is no operator")
        expires_ms = None if days is None else at_ms + days * DAY_MS
        secret, _ = add_token(
            connection, user.id, label, at_ms, scopes=wanted, expires_ms=expires_ms
        )
        return secret


def mint_setup_link(path: Path) -> str | None:
    """Return the secret for http://host:port/setup#token=...; None once somebody owns it."""
    with offline(path) as connection:
        return renew_setup_link(connection)


def mint_signin_link(path: Path, name: str, *, minutes: int = 60) -> str:
    """Return the secret for http://host:port/signin#token=..., good once. Raises NotFound."""
    with offline(path) as connection:
        user = find_user(connection, name)
        return add_signin_link(connection, user.id, now_ms() + minutes * 60_000)
