"""What webhooks are owed and were told: one row a message, kept after it arrived to be shown."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aiosqlite import Connection

KEPT = 1000  # that have ended, of one webhook; the oldest go

DeliveryState = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook.

    id         what its receiver knows it by, the same in each attempt
    seq        place of its event in the log; None for a test
    next_ms    when it is tried next, while it is pending
    tried_ms   of the last attempt, as are:
    took_ms    until its end
    status     of HTTP; None when there was no answer
    error      why it did not arrive; "" when it did
    answer     the beginning of what was answered
    """

    id: str
    webhook_id: str
    seq: int | None
    type: str
    state: DeliveryState
    attempts: int
    next_ms: int
    created_ms: int
    tried_ms: int | None = None
    took_ms: int | None = None
    status: int | None = None
    error: str = ""
    answer: str = ""


class Planned(NamedTuple):
    """A message that is owed: its id, and the place and type of its event."""

    id: str
    seq: int
    type: str


# Inside the caller's transaction


MOVE = "UPDATE webhook SET cursor = ? WHERE id = ? AND revision = ? AND state = 'on'"
PLAN = (
    "INSERT INTO delivery (id, webhook_id, seq, type, state, next_ms, created_ms)"
    " VALUES (?, ?, ?, ?, 'pending', ?, ?)"
)
TRIM = """
    DELETE FROM delivery WHERE webhook_id = ?1 AND state <> 'pending' AND id <= (
        SELECT id FROM delivery WHERE webhook_id = ?1 AND state <> 'pending'
        ORDER BY id DESC LIMIT 1 OFFSET ?2
    )
"""


def plan_deliveries(
    connection: sqlite3.Connection,
    hook_id: str,
    planned: Sequence[Planned],
    *,
    revision: int,
    upto: int,
    at_ms: int,
) -> bool:
    """Owe `planned` to a webhook, all that it is told of past its cursor and up to `upto`.

    Returns False, and does nothing, when the webhook was changed meanwhile.
    """
    if not connection.execute(MOVE, (upto, hook_id, revision)).rowcount:
        return False
    connection.executemany(
        PLAN, [(one.id, hook_id, one.seq, one.type, at_ms, at_ms) for one in planned]
    )
    connection.execute(TRIM, (hook_id, KEPT))
    return True


RECORD = (
    "UPDATE delivery SET state = ?, attempts = ?, next_ms = ?, tried_ms = ?, took_ms = ?,"
    " status = ?, error = ?, answer = ? WHERE id = ? AND state = 'pending'"
)


def record_attempts(connection: sqlite3.Connection, tried: Iterable[Delivery]) -> None:
    """Write how attempts went. What is gone meanwhile is not missed."""
    connection.executemany(
        RECORD,
        [
            (
                one.state,
                one.attempts,
                one.next_ms,
                one.tried_ms,
                one.took_ms,
                one.status,
                one.error,
                one.answer,
                one.id,
            )
            for one in tried
        ],
    )


INSERT = (
    "INSERT INTO delivery (id, webhook_id, seq, type, state, attempts, next_ms, created_ms,"
    " tried_ms, took_ms, status, error, answer)"
    " SELECT ?, webhook.id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM webhook WHERE webhook.id = ?"
)


def insert_delivery(connection: sqlite3.Connection, one: Delivery) -> None:
    """Write a delivery that has ended, unless its webhook is gone."""
    told = (one.tried_ms, one.took_ms, one.status, one.error, one.answer)
    plan = (one.id, one.seq, one.type, one.state, one.attempts, one.next_ms, one.created_ms)
    connection.execute(INSERT, (*plan, *told, one.webhook_id))
    connection.execute(TRIM, (one.webhook_id, KEPT))


AGAIN = (
    "UPDATE delivery SET state = 'pending', attempts = 0, next_ms = ?"
    " WHERE id = ? AND state <> 'pending'"
)


def send_again(connection: sqlite3.Connection, delivery_id: str, at_ms: int) -> bool:
    """Owe a delivery that has ended once more; False when it is owed already."""
    return bool(connection.execute(AGAIN, (at_ms, delivery_id)).rowcount)


# Reading


COLUMNS = (
    "SELECT id, webhook_id, seq, type, state, attempts, next_ms, created_ms, tried_ms, took_ms,"
    " status, error, answer FROM delivery"
)
DUE = (
    f"{COLUMNS} WHERE webhook_id = ? AND state = 'pending' AND next_ms <= ?"
    " ORDER BY next_ms, id LIMIT ?"
)
NEXT = "SELECT count(*), min(next_ms) FROM delivery WHERE webhook_id = ? AND state = 'pending'"


async def due_deliveries(
    db: Connection, hook_id: str, at_ms: int, limit: int
) -> Sequence[Delivery]:
    """Return at most `limit` deliveries that are to be tried by `at_ms`, longest due first."""
    rows = await db.execute_fetchall(DUE, (hook_id, at_ms, limit))
    return [Delivery(*row) for row in rows]


async def pending(db: Connection, hook_id: str) -> tuple[int, int | None]:
    """Return how many deliveries are pending, and when the first is to be tried; None: none is."""
    rows: list[Any] = list(await db.execute_fetchall(NEXT, (hook_id,)))
    return rows[0][0], rows[0][1]


async def get_delivery(db: Connection, hook_id: str, delivery_id: str) -> Delivery | None:
    """Return a delivery of the webhook; None when it has none with this id."""
    where = f"{COLUMNS} WHERE id = ? AND webhook_id = ?"
    rows = list(await db.execute_fetchall(where, (delivery_id, hook_id)))
    return Delivery(*rows[0]) if rows else None


async def list_deliveries(
    db: Connection,
    hook_id: str,
    *,
    state: DeliveryState | None = None,
    before_id: str | None = None,
    limit: int = 50,
) -> Sequence[Delivery]:
    """Return at most `limit` deliveries of the webhook, newest first.

    before_id  only those older than this one: the cursor of the next page
    """
    wanted = {"webhook_id = ?": hook_id, "state = ?": state, "id < ?": before_id}
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(given)
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE {where} ORDER BY id DESC LIMIT ?",
        (*given.values(), limit),
    )
    return [Delivery(*row) for row in rows]
