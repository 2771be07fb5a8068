"""Webhooks: who is told of what at which address, and how far that went."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiosqlite import Connection

from app.core.errors import Conflict, NotFound
from app.core.ids import uuid7
from app.core.rooms import Room, parse_room
from app.core.webhooks import OLD_SECRET_MS

WEBHOOKS_AT_MOST = 50  # of one user

HookState = Literal["on", "off", "disabled"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook.

    types     of events that it is told of; () for all
    why       it is disabled; "" when it is not
    cursor    up to there it has a delivery of everything that it is told of
    revision  grows with each change that somebody makes
    failures  attempts that failed since `failing_since_ms`, one after another
    operates  its owner is an operator, and may be told of everybody's
    """

    id: str
    user_id: str
    url: str
    label: str
    room: Room
    types: tuple[str, ...]
    secret: str = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_until_ms: int
    state: HookState
    why: str
    cursor: int
    revision: int
    failing_since_ms: int | None
    failures: int
    created_ms: int
    operates: bool

    def secrets(self, at_ms: int) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        if self.old_secret is None or at_ms >= self.old_until_ms:
            return (self.secret,)
        return (self.secret, self.old_secret)


WishedState = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class HookWish:
    """What a new webhook is to be."""

    url: str
    label: str
    room: Room
    types: tuple[str, ...]
    state: WishedState
    cursor: int


@dataclass(frozen=True, slots=True)
class HookChange:
    """What of a webhook is to be different; None stays as it is.

    after  where its cursor goes, back or forth
    """

    url: str | None = None
    label: str | None = None
    room: Room | None = None
    types: tuple[str, ...] | None = None
    state: WishedState | None = None
    after: int | None = None


# Inside the caller's transaction


INSERT = (
    "INSERT INTO webhook (id, user_id, url, label, room, types, secret, state, cursor, created_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
COUNT = "SELECT count(*) FROM webhook WHERE user_id = ?"


def add_hook(
    connection: sqlite3.Connection, user_id: str, wish: HookWish, secret: str, at_ms: int
) -> str:
    """Write a new webhook and return its id. Raises Conflict when there are too many."""
    if connection.execute(COUNT, (user_id,)).fetchone()[0] >= WEBHOOKS_AT_MOST:
        raise Conflict(
            what=f"There are {WEBHOOKS_AT_MOST} webhooks already", todo="Remove one first."
        )
    ident = uuid7(at_ms, os.urandom(10))
    row = (ident, user_id, wish.url, wish.label, str(wish.room), " ".join(wish.types), secret)
    connection.execute(INSERT, (*row, wish.state, wish.cursor, at_ms))
    return ident


# What it was looked through for as it was when that was read says nothing of what it is since.
CHANGE = """
    UPDATE webhook SET url = ifnull(?1, url), label = ifnull(?2, label), room = ifnull(?3, room),
        types = ifnull(?4, types),
        cursor = ifnull(?5, iif(revision = ?6, max(cursor, ?7), cursor)),
        revision = revision + 1,
        failing_since_ms = iif(state = ifnull(?8, state), failing_since_ms, NULL),
        failures = iif(state = ifnull(?8, state), failures, 0),
        why = iif(state = ifnull(?8, state), why, ''), state = ifnull(?8, state)
    WHERE id = ?9
"""


def change_hook(
    connection: sqlite3.Connection, hook: Hook, change: HookChange, reached: int
) -> None:
    """Change a webhook; turning it on forgets its failures. Raises NotFound.

    hook     as it was read; what somebody else has changed since stays
    reached  up to where the log was looked through for it
    """
    room = None if change.room is None else str(change.room)
    types = None if change.types is None else " ".join(change.types)
    what = (change.url, change.label, room, types, change.after)
    values = (*what, hook.revision, reached, change.state, hook.id)
    if not connection.execute(CHANGE, values).rowcount:
        raise NotFound(what="webhook")


def remove_hook(connection: sqlite3.Connection, hook_id: str) -> None:
    """Forget a webhook and its deliveries. Raises NotFound."""
    if not connection.execute("DELETE FROM webhook WHERE id = ?", (hook_id,)).rowcount:
        raise NotFound(what="webhook")


ROTATE = "UPDATE webhook SET old_secret = secret, old_until_ms = ?, secret = ? WHERE id = ?"


def rotate_secret(connection: sqlite3.Connection, hook_id: str, secret: str, at_ms: int) -> None:
    """Give a webhook a new secret; for a day the one before signs too. Raises NotFound."""
    values = (at_ms + OLD_SECRET_MS, secret, hook_id)
    if not connection.execute(ROTATE, values).rowcount:
        raise NotFound(what="webhook")


FORGET_OLD = "UPDATE webhook SET old_secret = NULL WHERE old_until_ms <= ?"


def forget_old_secrets(connection: sqlite3.Connection, at_ms: int) -> None:
    """Erase the secrets that sign no more."""
    connection.execute(FORGET_OLD, (at_ms,))


DISABLE = "UPDATE webhook SET state = 'disabled', why = ? WHERE id = ? AND state = 'on'"


def disable_hook(connection: sqlite3.Connection, hook_id: str, why: str) -> None:
    """Turn off a webhook that does not work any more."""
    connection.execute(DISABLE, (why, hook_id))


SUCCEEDED = "UPDATE webhook SET failing_since_ms = NULL, failures = 0 WHERE id = ?"
HURRY = "UPDATE delivery SET next_ms = ? WHERE webhook_id = ? AND state = 'pending'"
FAILED = (
    "UPDATE webhook SET failing_since_ms = ifnull(failing_since_ms, ?), failures = failures + ?"
    " WHERE id = ? RETURNING failing_since_ms, failures"
)


def note_success(connection: sqlite3.Connection, hook: Hook, at_ms: int) -> None:
    """It works: when it had failed before, what waits for another attempt is tried at once."""
    if hook.failing_since_ms is not None:
        connection.execute(SUCCEEDED, (hook.id,))
        connection.execute(HURRY, (at_ms, hook.id))


def note_failures(
    connection: sqlite3.Connection, hook_id: str, times: int, at_ms: int
) -> tuple[int, int]:
    """It did not work; return since when that is so, and how often. Zeros when it is gone."""
    row = connection.execute(FAILED, (at_ms, times, hook_id)).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


# Reading


COLUMNS = (
    "SELECT webhook.id, user_id, url, label, room, types, secret, old_secret, old_until_ms, state,"
    " why, cursor, revision, failing_since_ms, failures, webhook.created_ms, user.role = 'operator'"
    " FROM webhook JOIN user ON user.id = webhook.user_id"
)


def _hook(row: Any) -> Hook:
    ident, user_id, url, label, room, types, *rest, operates = row
    return Hook(
        ident,
        user_id,
        url,
        label,
        parse_room(room, user_id),
        tuple(types.split()),
        *rest,  # type: ignore[call-arg]
        bool(operates),
    )


async def get_hook(db: Connection, hook_id: str) -> Hook | None:
    """Return the webhook; None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE webhook.id = ?", (hook_id,)))
    return _hook(rows[0]) if rows else None


async def list_hooks(db: Connection, user_id: str) -> Sequence[Hook]:
    """Return the user's webhooks, newest first."""
    where = f"{COLUMNS} WHERE user_id = ? ORDER BY webhook.id DESC"
    return [_hook(row) for row in await db.execute_fetchall(where, (user_id,))]


async def working_hooks(db: Connection) -> Sequence[Hook]:
    """Return every webhook that is on."""
    rows = await db.execute_fetchall(f"{COLUMNS} WHERE state = 'on' ORDER BY webhook.id")
    return [_hook(row) for row in rows]
