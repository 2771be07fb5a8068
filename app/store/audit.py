"""Who came in, who was refused, who steered what: for operators, apart from the log of events."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, Literal, get_args

import orjson
from aiosqlite import Connection

from app.core.addresses import source_of
from app.core.permissions import Viewer
from app.core.restraint import Restraint
from app.core.times import DAY_MS
from app.store.accounts import now_ms
from app.store.writer import Writer

logger = logging.getLogger(__name__)

Kind = Literal[
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "signed_out_everywhere",
    "password_changed",
    "token_created",
    "token_revoked",
    "share_created",
    "share_revoked",
    "share_used",
    "webhook_created",
    "webhook_changed",
    "webhook_removed",
    "channel_created",
    "channel_removed",
    "user_created",
    "user_changed",
    "user_removed",
    "connected",
    "disconnected",
    "refused",
    "control",
    "frames_logged",
    "notes_lost",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# What comes as often as somebody outside likes.
FREQUENT: frozenset[Kind] = frozenset(
    {"sign_in_failed", "share_used", "connected", "disconnected", "refused", "control"}
)
# What comes as often as a user likes. Counted apart, so that no crowd outside can hide it. The rest
# is done by operators.
OWN: frozenset[Kind] = frozenset(
    {
        "sign_in",
        "sign_out",
        "signed_out_everywhere",
        "password_changed",
        "token_created",
        "token_revoked",
        "share_created",
        "share_revoked",
        "webhook_created",
        "webhook_changed",
        "webhook_removed",
        "channel_created",
        "channel_removed",
    }
)
TOLD_A_MINUTE = 10  # of one such kind and source, or user; then their number
FREQUENT_KEPT = 200_000  # of each such kind, some 40 MB; the oldest go first

WAITING_AT_MOST = 10_000  # notes that are not written yet; more are lost, and that is noted
GATHER_S = 0.5
AGAIN_S = 5.0  # after a write that failed
PRUNE_EVERY_S = 3600.0
AT_ONCE = 500  # entries in one transaction: events wait behind it
LONGEST_FACT = 200


@dataclass(frozen=True, slots=True)
class Note:
    """One entry. `name` and `client` are those of the viewer, "" for nobody."""

    at_ms: int
    kind: Kind
    user_id: str | None
    name: str
    client: str
    address: str
    facts: dict[str, Any] = field(default_factory=dict)


class Audit:
    """The way into the audit log. Used as an async context manager, which writes what is left.

    days  how long notes are kept
    """

    def __init__(self, writer: Writer, *, days: int, clock_ms: Callable[[], int] = now_ms) -> None:
        self._writer = writer
        self._kept_ms = days * DAY_MS
        self._clock_ms = clock_ms
        self._waiting: list[Note] = []
        self._lost = 0
        self._outside: Restraint[Note] = Restraint(TOLD_A_MINUTE)
        self._users: Restraint[Note] = Restraint(TOLD_A_MINUTE)
        self._something = asyncio.Event()
        self._ending = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def note(self, kind: Kind, viewer: Viewer | None, address: str, **facts: Any) -> None:
        """Keep that `viewer`, or somebody unknown, did something from `address`. Never waits.

        facts  what else is worth knowing: JSON values, never a secret

        Of what anybody can bring about, only the first few of an address are kept one by one in a
        minute, and of what users do with what is their own, the first few of each; then one note
        says with `times` how many more there were.
        """
        at_ms = self._clock_ms()
        user_id = None if viewer is None else viewer.user_id
        name, client = ("", "") if viewer is None else (viewer.name, viewer.client)
        if viewer is not None and viewer.via:
            facts.setdefault("via", viewer.via)
        short = {key: _short(value) for key, value in facts.items() if value is not None}
        entry = Note(at_ms, kind, user_id, name, client, _short(address), short)
        self._add_sums(at_ms)
        if self._is_told(entry):
            self._add(entry)
        self._something.set()

    async def flush(self) -> bool:
        """Write what waits; tells whether it is in the database.

        Cancelling the wait takes nothing back.
        """
        async with self._turn:
            return await self._write()

    async def __aenter__(self) -> "Audit":
        self._task = asyncio.create_task(self._keep(), name="audit log")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what was noted, then stop."""
        self._ending.set()
        self._something.set()
        if self._task is not None:
            await self._task

    def _is_told(self, entry: Note) -> bool:
        """Tell whether `entry` is kept by itself; otherwise it is counted."""
        kind, at_ms = entry.kind, entry.at_ms
        if kind in FREQUENT:
            source = (kind, source_of(entry.address), entry.user_id)
            return self._outside.admit(source, kind, entry, at_ms)
        return kind not in OWN or self._users.admit((kind, entry.user_id), kind, entry, at_ms)

    def _add(self, entry: Note) -> None:
        if len(self._waiting) < WAITING_AT_MOST:
            self._waiting.append(entry)
        else:
            self._lost += 1

    def _add_sums(self, at_ms: int, *, early: bool = False) -> None:
        for restraint in (self._outside, self._users):
            for latest, times, is_crowd in restraint.sums(at_ms, early=early):
                if is_crowd:  # they have nothing in common but their number
                    latest = Note(latest.at_ms, latest.kind, None, "", "", "")
                self._add(replace(latest, facts={**latest.facts, "times": times}))

    async def _keep(self) -> None:
        """Write in groups, and let go of what is old, until the end."""
        await self._prune()
        pruned_s = asyncio.get_running_loop().time()
        while not self._ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s()):
                    await self._something.wait()
            self._something.clear()
            await self._rest(GATHER_S)
            self._add_sums(self._clock_ms())
            if not await self.flush():
                await self._rest(AGAIN_S)
                self._something.set()
            if asyncio.get_running_loop().time() - pruned_s >= PRUNE_EVERY_S:
                await self._prune()
                pruned_s = asyncio.get_running_loop().time()
        self._add_sums(self._clock_ms(), early=True)
        await self.flush()

    def _patience_s(self) -> float:
        ends_ms = [one.ends_ms() for one in (self._outside, self._users) if one.holds_back]
        if not ends_ms:
            return PRUNE_EVERY_S
        return max(0.0, (min(ends_ms) - self._clock_ms()) / 1000)

    async def _rest(self, seconds: float) -> None:
        """Let more come, unless it is time to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    async def _write(self) -> bool:
        if self._lost:
            lost = Note(self._clock_ms(), "notes_lost", None, "", "", "", {"times": self._lost})
            self._waiting.append(lost)
            self._lost = 0
        while self._waiting:
            entries, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._writer.run(partial(insert_notes, entries=entries))
            except Exception:
                self._waiting[:0] = entries
                logger.exception("audit log not written: waiting=%d", len(self._waiting))
                return False
        return True

    async def _prune(self) -> None:
        work = partial(prune_notes, before_ms=self._clock_ms() - self._kept_ms)
        try:
            while await self._writer.run(work) and not self._ending.is_set():
                pass
        except Exception:
            logger.exception("audit log not pruned")


def _short(value: Any) -> Any:
    """Return a fact that can be written: one that can not would hold up all that wait."""
    if isinstance(value, str):
        return value[:LONGEST_FACT].encode(errors="replace").decode()
    return value


# Inside the caller's transaction

INSERT = (
    "INSERT INTO audit (at_ms, kind, user_id, name, client, address, facts)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def insert_notes(connection: sqlite3.Connection, entries: Iterable[Note]) -> None:
    """Write `entries`."""
    rows = [
        (n.at_ms, n.kind, n.user_id, n.name, n.client, n.address, orjson.dumps(n.facts).decode())
        for n in entries
    ]
    connection.executemany(INSERT, rows)


# The oldest come first: when none of them is too old, nothing is.
DELETE_OLD = """
    DELETE FROM audit WHERE id IN (
        SELECT id FROM (SELECT id, at_ms FROM audit ORDER BY id LIMIT ?2) WHERE at_ms < ?1
    )
"""
DELETE_SURPLUS = """
    DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE kind = ?1 AND id <= (
            SELECT id FROM audit WHERE kind = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2
        ) ORDER BY id LIMIT ?3
    )
"""


def prune_notes(connection: sqlite3.Connection, before_ms: int) -> bool:
    """Let go of what was noted before `before_ms`, and of the oldest where there are too many.

    Takes a few hundred at a time; tells whether there may be more.
    """
    deleted = [connection.execute(DELETE_OLD, (before_ms, AT_ONCE)).rowcount]
    for kind in sorted(FREQUENT | OWN):
        values = (kind, FREQUENT_KEPT, AT_ONCE)
        deleted.append(connection.execute(DELETE_SURPLUS, values).rowcount)
    return AT_ONCE in deleted


COLUMNS = "SELECT id, at_ms, kind, user_id, name, client, address, facts FROM audit"


async def list_notes(
    db: Connection,
    *,
    kind: str | None = None,
    user_id: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[tuple[int, Note]]:
    """Return at most `limit` notes with their ids, newest first, narrowed by what is not None.

    before_id  only notes older than this one: the cursor of the next page
    """
    wanted = {"kind = ?": kind, "user_id = ?": user_id, "id < ?": before_id}
    given = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit)
    )
    return [_note(row) for row in rows]


def _note(row: Any) -> tuple[int, Note]:
    ident, at_ms, kind, user_id, name, client, address, facts = row
    return ident, Note(at_ms, kind, user_id, name, client, address, orjson.loads(facts))
