"""Channels: the services by which people are notified, and up to where each was told."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiosqlite import Connection

from app.core.errors import Conflict, NotFound
from app.core.ids import uuid7
from app.core.notifications import KINDS, Kind

CHANNELS_AT_MOST = 20  # of one user

ChannelState = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A service by which somebody is notified.

    address  how it is reached, with its secrets: never shown or logged
    shown    the same without them
    cursor   everything up to there was told, or is not worth it
    told_ms  of the last notification, whether it arrived or not
    error    why that one did not; "" when it did
    """

    id: str
    user_id: str
    label: str
    address: str = field(repr=False)
    service: str
    shown: str
    kinds: tuple[Kind, ...]
    state: ChannelState
    cursor: int
    told_ms: int | None
    error: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class ChannelUpdate:
    """What of a channel is to be different; None stays as it is."""

    label: str | None = None
    kinds: tuple[Kind, ...] | None = None
    state: ChannelState | None = None


# Inside the caller's transaction


INSERT = (
    "INSERT INTO channel (id, user_id, label, address, service, shown, kinds, state, cursor, error,"
    " told_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
COUNT = "SELECT count(*) FROM channel WHERE user_id = ?"


def add_channel(connection: sqlite3.Connection, one: Channel) -> None:
    """Write a new channel. Raises Conflict when there are too many."""
    if connection.execute(COUNT, (one.user_id,)).fetchone()[0] >= CHANNELS_AT_MOST:
        raise Conflict(
            what=f"There are {CHANNELS_AT_MOST} services already", todo="Remove one first."
        )
    who = (one.id, one.user_id, one.label, one.address, one.service, one.shown)
    how = (" ".join(one.kinds), one.state, one.cursor, one.error, one.told_ms, one.created_ms)
    connection.execute(INSERT, (*who, *how))


def new_channel_id(at_ms: int) -> str:
    """Return the id of a new channel."""
    return uuid7(at_ms, os.urandom(10))


CHANGE = """
    UPDATE channel SET label = ifnull(?1, label), kinds = ifnull(?2, kinds),
        cursor = iif(state = 'off' AND ?3 = 'on', max(cursor, ?4), cursor),
        error = iif(?3 IS NULL, error, ''), state = ifnull(?3, state)
    WHERE id = ?5
"""


def change_channel(
    connection: sqlite3.Connection, channel_id: str, change: ChannelUpdate, head: int
) -> None:
    """Change a channel. Its address stays. Raises NotFound.

    head  of the log: a channel that is turned on is told what happens from there on
    """
    kinds = None if change.kinds is None else " ".join(change.kinds)
    values = (change.label, kinds, change.state, head, channel_id)
    if not connection.execute(CHANGE, values).rowcount:
        raise NotFound(what="service")


def remove_channel(connection: sqlite3.Connection, channel_id: str) -> None:
    """Forget a channel. Raises NotFound."""
    if not connection.execute("DELETE FROM channel WHERE id = ?", (channel_id,)).rowcount:
        raise NotFound(what="service")


TOLD = "UPDATE channel SET cursor = max(cursor, ?), told_ms = ?, error = ? WHERE id = ?"


def note_told(
    connection: sqlite3.Connection, channel_id: str, cursor: int, at_ms: int, error: str
) -> None:
    """Write up to where a channel was told, and why the last notification did not arrive."""
    connection.execute(TOLD, (cursor, at_ms, error, channel_id))


# Reading


COLUMNS = (
    "SELECT id, user_id, label, address, service, shown, kinds, state, cursor, told_ms, error,"
    " created_ms FROM channel"
)


def _channel(row: Any) -> Channel:
    *who, kinds, state, cursor, told_ms, error, created_ms = row
    words = kinds.split()
    wanted = tuple(kind for kind in KINDS if kind in words)
    return Channel(*who, wanted, state, cursor, told_ms, error, created_ms)  # type: ignore[call-arg]


async def get_channel(db: Connection, channel_id: str) -> Channel | None:
    """Return the channel; None when there is none with this id."""
    rows = list(await db.execute_fetchall(f"{COLUMNS} WHERE id = ?", (channel_id,)))
    return _channel(rows[0]) if rows else None


async def list_channels(db: Connection, user_id: str) -> Sequence[Channel]:
    """Return the user's channels, newest first."""
    where = f"{COLUMNS} WHERE user_id = ? ORDER BY id DESC"
    return [_channel(row) for row in await db.execute_fetchall(where, (user_id,))]


async def working_channels(db: Connection) -> Sequence[Channel]:
    """Return every channel that is on."""
    rows = await db.execute_fetchall(f"{COLUMNS} WHERE state = 'on' ORDER BY id")
    return [_channel(row) for row in rows]
