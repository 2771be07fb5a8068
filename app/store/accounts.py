"""People and their keys: users, browser sessions, API tokens, single-use links."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiosqlite import Connection

from app.core.errors import AlreadyClaimed, NameTaken, NotAuthenticated, NotFound
from app.core.ids import uuid7
from app.core.permissions import Role
from app.store.database import migrate
from app.store.secrets import (
    TOKEN_PREFIX,
    clean_name,
    hash_password,
    hash_secret,
    new_secret,
    password_fits,
)
from app.store.writer import Writer, connect_writer

DAY_MS = 86_400_000
TOKEN_USE_NOTED_EVERY_MS = 3_600_000
HASHING_AT_ONCE = 2  # each takes 64 MiB


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    id: str
    name: str
    role: Role


def now_ms() -> int:
    """Return whole milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


# Inside the caller's transaction


CLAIMED = "SELECT EXISTS (SELECT 1 FROM user)"
INSERT_USER = "INSERT INTO user (id, name, role, password_hash, created_ms) VALUES (?, ?, ?, ?, ?)"


def add_user(
    connection: sqlite3.Connection, name: str, password_hash: str, role: Role, at_ms: int
) -> User:
    """Write a new user. The first one is an operator, and claims the instance.

    Raises NameTaken, InvalidRequest for an impossible name.
    """
    name = clean_name(name)
    if not connection.execute(CLAIMED).fetchone()[0]:
        role = "operator"
    user = User(uuid7(at_ms, os.urandom(10)), name, role)
    try:
        connection.execute(INSERT_USER, (user.id, name, role, password_hash, at_ms))
    except sqlite3.IntegrityError as error:
        raise NameTaken(name=name) from error
    connection.execute("DELETE FROM link WHERE purpose = 'setup'")
    return user


def find_user(connection: sqlite3.Connection, name: str) -> User:
    """Return the user called `name`. Raises NotFound."""
    row = connection.execute("SELECT id, name, role FROM user WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(what=f"user as {name}")
    return User(*row)


def change_password(connection: sqlite3.Connection, name: str, password_hash: str) -> User:
    """Write a new password, and sign the user out of every browser. Raises NotFound."""
    user = find_user(connection, name)
    connection.execute("UPDATE user SET password_hash = ? WHERE id = ?", (password_hash, user.id))
    connection.execute("DELETE FROM login WHERE user_id = ?", (user.id,))
    return user


INSERT_KEY = (
    "INSERT INTO token (id, secret_hash, user_id, label, created_ms, expires_ms)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


def add_token(
    connection: sqlite3.Connection,
    user_id: str,
    label: str,
    at_ms: int,
    expires_ms: int | None = None,
) -> str:
    """Write a new API token and return it; only its hash is kept."""
    secret = new_secret(TOKEN_PREFIX)
    ident = uuid7(at_ms, os.urandom(10))
    connection.execute(INSERT_KEY, (ident, hash_secret(secret), user_id, label, at_ms, expires_ms))
    return secret


INSERT_LINK = "INSERT INTO link (secret_hash, purpose, user_id, expires_ms) VALUES (?, ?, ?, ?)"


def renew_setup_link(connection: sqlite3.Connection) -> str | None:
    """Return the secret of a new setup link, and end every earlier one; None once claimed."""
    connection.execute("DELETE FROM link WHERE purpose = 'setup'")
    if connection.execute(CLAIMED).fetchone()[0]:
        return None
    secret = new_secret()
    connection.execute(INSERT_LINK, (hash_secret(secret), "setup", None, None))
    return secret


def add_signin_link(connection: sqlite3.Connection, user_id: str, expires_ms: int) -> str:
    """Return the secret of a link that signs one browser in as the user, once."""
    secret = new_secret()
    connection.execute(INSERT_LINK, (hash_secret(secret), "signin", user_id, expires_ms))
    return secret


TAKE_LINK = (
    "DELETE FROM link WHERE secret_hash = ? AND purpose = ?"
    " AND (expires_ms IS NULL OR expires_ms > ?) RETURNING user_id"
)


def claim(
    connection: sqlite3.Connection, secret: str, name: str, password_hash: str, at_ms: int
) -> User:
    """Use the setup link up and write the first user.

    Raises AlreadyClaimed when the link is not the latest, or somebody owns the instance.
    """
    if connection.execute(CLAIMED).fetchone()[0]:
        raise AlreadyClaimed
    used = connection.execute(TAKE_LINK, (hash_secret(secret), "setup", at_ms)).fetchone()
    if used is None:
        raise AlreadyClaimed
    return add_user(connection, name, password_hash, "operator", at_ms)


def take_signin_link(connection: sqlite3.Connection, secret: str, at_ms: int) -> User:
    """Use a sign-in link up and return whose it was. Raises NotAuthenticated."""
    used = connection.execute(TAKE_LINK, (hash_secret(secret), "signin", at_ms)).fetchone()
    if used is None:
        raise NotAuthenticated
    row = connection.execute("SELECT id, name, role FROM user WHERE id = ?", used).fetchone()
    return User(*row)


def add_session(connection: sqlite3.Connection, user_id: str, at_ms: int, expires_ms: int) -> str:
    """Write a new browser session and return its secret. Ended ones are cleared away."""
    secret = new_secret()
    connection.execute("DELETE FROM login WHERE expires_ms <= ?", (at_ms,))
    connection.execute(
        "INSERT INTO login (secret_hash, user_id, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
        (hash_secret(secret), user_id, at_ms, expires_ms),
    )
    return secret


# The command line: the server may run meanwhile, in another process, or not at all


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
        return change_password(connection, name, password_hash)


def issue_token(path: Path, name: str, label: str = "command line") -> str:
    """Return a new API token of the user called `name`. Raises NotFound."""
    with offline(path) as connection:
        return add_token(connection, find_user(connection, name).id, label, now_ms())


def mint_setup_link(path: Path) -> str | None:
    """Return the secret for http://host:port/setup#token=...; None once somebody owns it."""
    with offline(path) as connection:
        return renew_setup_link(connection)


def mint_signin_link(path: Path, name: str, *, minutes: int = 60) -> str:
    """Return the secret for http://host:port/signin#token=..., good once. Raises NotFound."""
    with offline(path) as connection:
        user = find_user(connection, name)
        return add_signin_link(connection, user.id, now_ms() + minutes * 60_000)


# The server


FIND_LOGIN = "SELECT id, name, role, password_hash FROM user WHERE name = ?"
FIND_USER = "SELECT id, name, role FROM user WHERE id = ?"
FIND_SESSION = (
    "SELECT user.id, user.name, user.role, login.expires_ms FROM login"
    " JOIN user ON user.id = login.user_id WHERE secret_hash = ? AND expires_ms > ?"
)
FIND_KEY = (
    "SELECT user.id, user.name, user.role, last_used_ms FROM token"
    " JOIN user ON user.id = token.user_id"
    " WHERE secret_hash = ? AND (expires_ms IS NULL OR expires_ms > ?)"
)
EXTEND = "UPDATE login SET expires_ms = ? WHERE secret_hash = ?"
NOTE_USE = "UPDATE token SET last_used_ms = ? WHERE secret_hash = ?"


class Accounts:
    """Who is it? Asked with every request, so it reads, and writes only when it must."""

    def __init__(
        self,
        writer: Writer,
        reader: Connection,
        *,
        session_days: int,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._lasts_ms = session_days * DAY_MS
        self._renewed_every_ms = min(DAY_MS, self._lasts_ms // 4)
        self._clock_ms = clock_ms
        self._claimed = False
        self._hashing = asyncio.Semaphore(HASHING_AT_ONCE)

    async def claimed(self) -> bool:
        """Tell whether somebody owns the instance. Asks again until somebody does."""
        if not self._claimed:
            rows = list(await self._reader.execute_fetchall(CLAIMED))
            self._claimed = bool(rows[0][0])
        return self._claimed

    async def claim(self, secret: str, name: str, password: str, *, at_least: int) -> User:
        """Make the first user, with the setup link.

        Raises AlreadyClaimed, WeakPassword, InvalidRequest; then the link is still good.
        """
        async with self._hashing:
            password_hash = await asyncio.to_thread(hash_password, password, at_least)
        at_ms = self._clock_ms()
        return await self._writer.run(lambda db: claim(db, secret, name, password_hash, at_ms))

    async def user(self, user_id: str) -> User | None:
        """Return the user with this id; None when there is none."""
        rows = list(await self._reader.execute_fetchall(FIND_USER, (user_id,)))
        return User(*rows[0]) if rows else None

    async def sign_in(self, name: str, password: str) -> User | None:
        """Return the user with this name and password; None, after the same time, for nobody."""
        rows = list(await self._reader.execute_fetchall(FIND_LOGIN, (name.strip(),)))
        password_hash = rows[0][3] if rows else None
        async with self._hashing:
            fits = await asyncio.to_thread(password_fits, password, password_hash)
        return User(*rows[0][:3]) if rows and fits else None

    async def begin_session(self, user_id: str) -> str:
        """Sign a browser in and return the secret for its cookie."""
        at_ms = self._clock_ms()
        return await self._writer.run(
            partial(add_session, user_id=user_id, at_ms=at_ms, expires_ms=at_ms + self._lasts_ms)
        )

    async def session(self, secret: str) -> tuple[User, bool] | None:
        """Return whose session it is, and whether it was prolonged; None when it is not one.

        A session that is used lasts on; it is written at most once a day.
        """
        at_ms, key = self._clock_ms(), hash_secret(secret)
        rows = list(await self._reader.execute_fetchall(FIND_SESSION, (key, at_ms)))
        if not rows:
            return None
        *who, expires_ms = rows[0]
        fresh_until = at_ms + self._lasts_ms
        stale = fresh_until - expires_ms >= self._renewed_every_ms
        if stale:
            await self._writer.run(lambda db: db.execute(EXTEND, (fresh_until, key)).rowcount)
        return User(*who), stale

    async def end_session(self, secret: str) -> None:
        """Sign a browser out."""
        key = hash_secret(secret)
        await self._writer.run(
            lambda db: db.execute("DELETE FROM login WHERE secret_hash = ?", (key,)).rowcount
        )

    async def owner_of_token(self, secret: str) -> User | None:
        """Return whose API token it is, None for no token; its last use is noted to the hour."""
        at_ms, key = self._clock_ms(), hash_secret(secret)
        rows = list(await self._reader.execute_fetchall(FIND_KEY, (key, at_ms)))
        if not rows:
            return None
        *who, last_used_ms = rows[0]
        if last_used_ms is None or at_ms - last_used_ms >= TOKEN_USE_NOTED_EVERY_MS:
            await self._writer.run(lambda db: db.execute(NOTE_USE, (at_ms, key)).rowcount)
        return User(*who)

    async def take_link(self, secret: str) -> User:
        """Use a sign-in link up. Raises NotAuthenticated when it is not one, or was used."""
        at_ms = self._clock_ms()
        return await self._writer.run(lambda db: take_signin_link(db, secret, at_ms))
