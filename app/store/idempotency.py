"""Answers to POST requests that carried an Idempotency-Key: said again, not done again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiosqlite import Connection

from app.core.errors import Conflict

KEPT_MS = 24 * 3_600_000
OTHER_USE = "This Idempotency-Key was already used for another request"
UNDER_WAY = "A request with this Idempotency-Key is still under way"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered. `body` is JSON."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """An earlier answer, and the fingerprint of what it answered."""

    answer: Answer
    fingerprint: str

    def again(self, fingerprint: str) -> Answer:
        """Return the answer when the same was sent again. Raises Conflict for something else."""
        if self.fingerprint not in ("", fingerprint):
            raise Conflict(what=OTHER_USE, todo="Send these with a key of their own.")
        return self.answer


FIND = "SELECT path, status, body, fingerprint FROM idempotency WHERE user_id = ? AND key = ?"
INSERT = (
    "INSERT INTO idempotency (user_id, key, path, status, body, fingerprint, created_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def remember_answer(
    connection: sqlite3.Connection,
    user_id: str,
    key: str,
    path: str,
    remembered: Remembered,
    at_ms: int,
) -> None:
    """Write the answer in the transaction of what it speaks of, and let go of old ones.

    Raises Conflict when another request was answered under the key meanwhile.
    """
    forget_answers(connection, at_ms)
    answer = remembered.answer
    row = (user_id, key, path, answer.status, answer.body, remembered.fingerprint, at_ms)
    try:
        connection.execute(INSERT, row)
    except sqlite3.IntegrityError as error:  # its client had left while it was being committed
        raise _under_way() from error


def forget_answers(connection: sqlite3.Connection, at_ms: int) -> None:
    """Let go of what is not said again any more; there may be secrets in it."""
    connection.execute("DELETE FROM idempotency WHERE created_ms < ?", (at_ms - KEPT_MS,))


class Idempotency:
    """What was answered to whom, and what is being answered now."""

    def __init__(self, reader: Connection) -> None:
        self._reader = reader
        self._under_way: set[tuple[str, str]] = set()

    async def answered(self, user_id: str, key: str, path: str) -> Remembered | None:
        """Return the earlier answer; None when this is new.

        Raises Conflict when the key was used with another path.
        """
        rows = list(await self._reader.execute_fetchall(FIND, (user_id, key)))
        if not rows:
            return None
        known_path, status, body, fingerprint = rows[0]
        if known_path != path:
            raise Conflict(what=OTHER_USE, todo="Send this one with a key of its own.")
        return Remembered(Answer(status, body), fingerprint)

    @contextmanager
    def answering(self, user_id: str, key: str) -> Iterator[None]:
        """Hold the key while its request is worked on. Raises Conflict when it is held already."""
        if (user_id, key) in self._under_way:
            raise _under_way()
        self._under_way.add((user_id, key))
        try:
            yield
        finally:
            self._under_way.discard((user_id, key))


def _under_way() -> Conflict:
    return Conflict(what=UNDER_WAY, todo="Wait for its answer, then ask again.")
