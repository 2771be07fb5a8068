"""Brings one webhook what it is owed: plans it out of the log, sends it, and tries again."""

import asyncio
import logging
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import orjson
from aiosqlite import Connection

from app.core.errors import StorageFull
from app.core.histogram import SECONDS, Histogram
from app.core.ids import uuid7
from app.core.times import DAY_MS, iso_from_ms
from app.core.webhooks import TEST_TYPE, headers_for, is_given_up, next_wait_ms, payload
from app.fairness import FairTurns
from app.store.database import Database
from app.store.deliveries import (
    Delivery,
    Planned,
    due_deliveries,
    insert_delivery,
    pending,
    plan_deliveries,
    record_attempts,
)
from app.store.events import bodies_at, read_room
from app.store.webhooks import Hook, disable_hook, get_hook, note_failures, note_success

logger = logging.getLogger(__name__)

AT_ONCE = 4  # to one webhook
OWED_AT_MOST = 500  # to one webhook; what follows stays in the log until there is room
PAGE = 200  # events that are looked at in one go
GATHER_S = 0.05  # what is committed meanwhile is planned together
SKIPPED_AT_MOST = 10_000  # places without anything to tell, before the cursor is written
AGAIN_S = 5.0  # after a database that could not be read or written
GONE = 410


class Reply(NamedTuple):
    """How an attempt went.

    status   of HTTP; None when there was no answer
    text     the beginning of the answer
    why      it did not arrive; "" when it did
    wait_s   what the receiver asks to wait before the next attempt
    """

    status: int | None
    text: str
    why: str
    wait_s: int | None = None


Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Reply]]
"""Sends a body with its headers to an address. Bounded in time; raises nothing."""


@dataclass(slots=True)
class DeliveryCounters:
    """What was sent since the server started.

    outcomes  attempts, by how they ended: delivered, retried (it is tried again) or given_up
    seconds   how long attempts took
    """

    outcomes: Counter[str] = field(
        default_factory=lambda: Counter({"delivered": 0, "retried": 0, "given_up": 0})
    )
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))


@dataclass(frozen=True, slots=True)
class Office:
    """What all couriers share.

    head    returns the place of the newest event that was told
    post    see Post
    turns   of the attempts of all users
    """

    database: Database
    head: Callable[[], int]
    post: Post
    turns: FairTurns
    counters: DeliveryCounters = field(default_factory=DeliveryCounters)
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    @property
    def reader(self) -> Connection:
        return self.database.reader

    async def attempt(self, hook: Hook, one: Delivery, body: bytes) -> tuple[Delivery, Reply]:
        """Send `body` once, when it has its turn, and return what became of the delivery."""
        async with self.turns.of(hook.user_id):
            # Signed now: receivers refuse what is old, and the wait may have been long.
            began_ms, began_s = self.clock_ms(), time.monotonic()
            headers = headers_for(hook.secrets(began_ms), one.id, began_ms // 1000, body)
            reply = await self.post(hook.url, headers, body)
            took_s = time.monotonic() - began_s
        self.counters.seconds.add(took_s)
        tried = replace(
            one,
            attempts=one.attempts + 1,
            tried_ms=began_ms,
            took_ms=round(took_s * 1000),
            status=reply.status,
            error=reply.why,
            answer=reply.text,
        )
        return tried, reply

    async def test(self, hook: Hook) -> Delivery:
        """Send a test now, whether the webhook is on or not, and return how that went."""
        at_ms = self.clock_ms()
        ident = uuid7(at_ms, os.urandom(10))
        one = Delivery(ident, hook.id, None, TEST_TYPE, "failed", 0, at_ms, at_ms)
        tried, reply = await self.attempt(hook, one, test_body(hook, at_ms))
        if not reply.why:
            tried = replace(tried, state="delivered")
        await self.database.writer.run(partial(insert_delivery, one=tried))
        return tried


def test_body(hook: Hook, at_ms: int) -> bytes:
    """Return the body of a test that was asked for at that time."""
    told = {"webhook_id": hook.id, "message": "This is a test. Everything else comes like it."}
    return payload(TEST_TYPE, iso_from_ms(at_ms), orjson.dumps(told))


def event_body(kind: str, body: bytes) -> bytes:
    """Return the body that tells an event: the same in each attempt."""
    return payload(kind, orjson.loads(body)["timestamp"], body)


class Courier:
    """Serves one webhook until it is off or gone. `news` wakes it."""

    def __init__(self, office: Office, hook: Hook) -> None:
        self.news = asyncio.Event()
        self._office = office
        self._hook = hook
        self._looked = hook.cursor  # there is nothing for it up to there, or it is owed

    def wants(self, user_id: str, kind: str) -> bool:
        """Tell whether an event may be for this webhook."""
        hook = self._hook
        is_theirs = hook.user_id == user_id or (hook.operates and hook.room.kind != "user")
        return is_theirs and (not hook.types or kind in hook.types)

    def reached(self, hook: Hook) -> int:
        """Return up to where the log was looked through for the webhook as it is."""
        return (
            max(hook.cursor, self._looked) if hook.revision == self._hook.revision else hook.cursor
        )

    async def run(self) -> None:
        """Plan and send, again and again. What can not be read or written now is tried later."""
        while True:
            self.news.clear()
            try:
                hook = await get_hook(self._office.reader, self._hook.id)
                if hook is None or hook.state != "on":
                    return
                self._looked, self._hook = self.reached(hook), hook
                await self._plan(hook)
                due = await due_deliveries(
                    self._office.reader, hook.id, self._office.clock_ms(), AT_ONCE
                )
                if due:
                    await self._send(hook, due)
                    continue
                _, next_ms = await pending(self._office.reader, hook.id)
            except (StorageFull, sqlite3.Error) as error:
                logger.warning("webhook has to wait: webhook=%s error=%r", self._hook.id, error)
                await asyncio.sleep(AGAIN_S)
                continue
            await self._rest(next_ms)

    async def _rest(self, next_ms: int | None) -> None:
        """Wait for news, or until something is to be tried again."""
        patience_s = None
        if next_ms is not None:
            patience_s = max(0.0, (next_ms - self._office.clock_ms()) / 1000)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.news.wait()
                await asyncio.sleep(GATHER_S)

    async def _plan(self, hook: Hook) -> None:
        """Owe what was committed since, as far as there is room for it."""
        head = self._office.head()
        while self._looked < head:
            count, _ = await pending(self._office.reader, hook.id)
            limit = min(PAGE, OWED_AT_MOST - count)
            if limit <= 0:
                return
            page = await read_room(
                self._office.reader, hook.room, self._looked, head, limit, hook.types or None
            )
            upto = page[-1].seq if len(page) == limit else head
            owed = [one for one in page if hook.operates or one.user_id == hook.user_id]
            if owed or upto - hook.cursor >= SKIPPED_AT_MOST:
                at_ms = self._office.clock_ms()
                ids = sorted(uuid7(at_ms, os.urandom(10)) for _ in owed)
                planned = [
                    Planned(ident, one.seq, one.type) for ident, one in zip(ids, owed, strict=True)
                ]
                work = partial(
                    plan_deliveries,
                    hook_id=hook.id,
                    planned=planned,
                    revision=hook.revision,
                    upto=upto,
                    at_ms=at_ms,
                )
                if not await self._office.database.writer.run(work):
                    self.news.set()  # it was changed: look again
                    return
                hook = replace(hook, cursor=upto)
            self._looked = upto

    async def _send(self, hook: Hook, due: Sequence[Delivery]) -> None:
        """Try some at once, and write in one transaction how that went."""
        places = [one.seq for one in due if one.seq is not None]
        bodies = await bodies_at(self._office.reader, places) if places else {}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._try(hook, one, bodies)) for one in due]
        tried = [task.result() for task in tasks]
        failures = sum(
            after.state != "delivered" and after.attempts > before.attempts
            for before, after in zip(due, tried, strict=True)
        )
        outcomes = {"delivered": "delivered", "pending": "retried", "failed": "given_up"}
        self._office.counters.outcomes.update(outcomes[one.state] for one in tried)
        gone = any(one.status == GONE for one in tried)
        work = partial(self._record, hook, tried, failures, gone)
        why = await self._office.database.writer.run(work)
        if why:
            logger.warning("webhook disabled: webhook=%s user=%s", hook.id, hook.user_id)

    async def _try(self, hook: Hook, one: Delivery, bodies: Mapping[int, bytes]) -> Delivery:
        if one.seq is None:
            body = test_body(hook, one.created_ms)
        elif one.seq in bodies:
            body = event_body(one.type, bodies[one.seq])
        else:
            return replace(one, state="failed", error="its event was removed from the log")
        tried, reply = await self._office.attempt(hook, one, body)
        if not reply.why:
            return replace(tried, state="delivered")
        wait_ms = next_wait_ms(tried.attempts, random.random(), reply.wait_s)  # noqa: S311
        if wait_ms is None:
            return replace(tried, state="failed")
        return replace(tried, next_ms=self._office.clock_ms() + wait_ms)

    def _record(
        self,
        hook: Hook,
        tried: Sequence[Delivery],
        failures: int,
        gone: bool,
        connection: sqlite3.Connection,
    ) -> str:
        """Write how a round went; return why the webhook was disabled, "" when it was not."""
        at_ms = self._office.clock_ms()
        record_attempts(connection, tried)
        why = ""
        if any(one.state == "delivered" for one in tried):
            note_success(connection, hook, at_ms)
        elif failures:
            since_ms, times = note_failures(connection, hook.id, failures, at_ms)
            if is_given_up(since_ms, times, at_ms):
                days = (at_ms - since_ms) // DAY_MS
                why = f"Nothing has arrived there for {days} days: {tried[-1].error}"
        if gone:
            why = "It answered 410 Gone: it does not want to be told any more"
        if why:
            disable_hook(connection, hook.id, why)
        return why
