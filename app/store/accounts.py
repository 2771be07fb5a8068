"""People: who there is, their passwords, and the single-use links by which they come in."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TypeVar

from aiosqlite import Connection

from app.core.errors import AlreadyClaimed, NameTaken, NotAuthenticated, NotFound
from app.core.ids import uuid7
from app.core.permissions import Role
from app.core.times import DAY_MS
from app.store.logins import add_login, remove_login_of, remove_logins
from app.store.secrets import (
    clean_name,
    hash_password,
    hash_secret,
    new_secret,
    password_fits,
)
from app.store.writer import Writer

T = TypeVar("T")

HASHING_AT_ONCE = 2  # each takes 64 MiB


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `epoch` grows when everything that was signed in ends."""

    id: str
    name: str
    role: Role
    epoch: int = 0


def now_ms() -> int:
    """Return whole milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


# Inside the caller's transaction


USER = "SELECT id, name, role, epoch FROM user"
CLAIMED = "SELECT EXISTS (SELECT 1 FROM user)"
FIND_LOGIN = "SELECT id, name, role, epoch, password_hash FROM user WHERE name = ?"
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
    row = connection.execute(f"{USER} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(what=f"user as {name}")
    return User(*row)


def change_password(
    connection: sqlite3.Connection, user_id: str, password_hash: str, keep_login: str = ""
) -> None:
    """Write a new password, and end what the old one let in. Raises NotFound.

    keep_login  id of the one session that stays
    """
    connection.execute("UPDATE user SET password_hash = ? WHERE id = ?", (password_hash, user_id))
    end_everything(connection, user_id, keep_login)


def end_everything(connection: sqlite3.Connection, user_id: str, keep_login: str = "") -> None:
    """End a user's sessions, sign-in links and listen-only tokens. Raises NotFound.

    keep_login  id of the one session that stays
    """
    ended = connection.execute("UPDATE user SET epoch = epoch + 1 WHERE id = ?", (user_id,))
    if not ended.rowcount:
        raise NotFound(what="user")
    remove_logins(connection, user_id, keep_login)
    connection.execute("DELETE FROM link WHERE user_id = ?", (user_id,))


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
    return User(*connection.execute(f"{USER} WHERE id = ?", used).fetchone())


# The server


class Accounts:
    """The people of the server, and the ways in by which they become known to it.

    Used as an async context manager, whose end is that of the threads that hash passwords.
    """

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
        self._clock_ms = clock_ms
        self._claimed = False
        # Threads of its own: what is begun goes on when whoever asked has left, and still counts.
        self._hashing = ThreadPoolExecutor(HASHING_AT_ONCE, thread_name_prefix="livetrail-hashing")

    async def __aenter__(self) -> "Accounts":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the hashes that are being made, and begin no other."""
        await asyncio.to_thread(self._hashing.shutdown, cancel_futures=True)

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
        password_hash = await self.hashed(password, at_least)
        at_ms = self._clock_ms()
        return await self._writer.run(lambda db: claim(db, secret, name, password_hash, at_ms))

    async def hashed(self, password: str, at_least: int) -> str:
        """Return the hash of a new password. Raises WeakPassword, InvalidRequest."""
        return await self._in_turn(partial(hash_password, password, at_least))

    async def user(self, user_id: str) -> User | None:
        """Return the user with this id; None when there is none."""
        rows = list(await self._reader.execute_fetchall(f"{USER} WHERE id = ?", (user_id,)))
        return User(*rows[0]) if rows else None

    async def sign_in(self, name: str, password: str) -> User | None:
        """Return the user with this name and password; None, after the same time, for nobody."""
        rows = list(await self._reader.execute_fetchall(FIND_LOGIN, (name.strip(),)))
        *who, password_hash = rows[0] if rows else (None,)
        fits = await self._in_turn(partial(password_fits, password, password_hash))
        return User(*who) if rows and fits else None

    async def _in_turn(self, work: Callable[[], T]) -> T:
        """Do `work`, which hashes. Cancelled before its turn, it is not done at all."""
        return await asyncio.get_running_loop().run_in_executor(self._hashing, work)

    async def begin_session(self, user: User, *, client: str, address: str) -> str:
        """Sign a browser in and return the secret for its cookie.

        client   as the browser calls itself
        address  where it is

        Raises NotAuthenticated when meanwhile everything of the user's was ended, as by a new
        password: what was checked before is worth nothing then.
        """
        at_ms = self._clock_ms()
        return await self._writer.run(
            partial(
                add_login,
                user_id=user.id,
                epoch=user.epoch,
                at_ms=at_ms,
                expires_ms=at_ms + self._lasts_ms,
                client=client,
                address=address,
            )
        )

    async def end_session(self, secret: str) -> None:
        """Sign a browser out."""
        await self._writer.run(partial(remove_login_of, secret=secret))

    async def take_link(self, secret: str) -> User:
        """Use a sign-in link up. Raises NotAuthenticated when it is not one, or was used."""
        at_ms = self._clock_ms()
        return await self._writer.run(lambda db: take_signin_link(db, secret, at_ms))
