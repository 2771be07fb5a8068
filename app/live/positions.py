"""How far clients with a durable name have acknowledged the log, while they are connected."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from types import TracebackType

from app.core.errors import StorageFull
from app.core.times import DAY_MS
from app.store.cursors import advance_cursors, begin_cursor, forget_cursors
from app.store.writer import Writer
from app.tasks import running

logger = logging.getLogger(__name__)

WRITE_EVERY_S = 1.0
FORGET_EVERY_S = 3600.0


class Position:
    """One name of one holder. All connections that bear it share it.

    acked  up to there, everything has arrived; None while nothing is known of it here
    """

    __slots__ = ("_changed", "_positions", "acked", "bearers", "holder", "name")

    def __init__(self, positions: "Positions", holder: str, name: str) -> None:
        self._positions = positions
        self.holder = holder
        self.name = name
        self.acked: int | None = None
        self.bearers = 0

    def ack(self, seq: int) -> None:
        """Everything up to `seq` has arrived. A position never moves back."""
        self.acked = seq if self.acked is None else max(self.acked, seq)
        self._positions.changed(self)

    async def begin(self, head: int) -> int:
        """Return up to where it has acknowledged; a name that is new begins at `head`.

        That is committed before it is returned: the next visit goes on from there whatever
        happens. Raises StorageFull.
        """
        first = head if self.acked is None else self.acked
        stored = await self._positions.begin(self, first)
        self.acked = stored if self.acked is None else max(self.acked, stored)
        self._positions.changed(self)
        return self.acked


class Positions:
    """Every name in use. What was acknowledged is written in groups, once a second.

    Used as an async context manager, which writes the rest at its end. A server that is killed
    loses a second of it at most, and tells that again.

    keep_days  a name that nobody used for so long is forgotten
    """

    def __init__(
        self,
        writer: Writer,
        *,
        keep_days: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._writer = writer
        self._keep_days = keep_days
        self._clock_ms = clock_ms
        self._known: dict[tuple[str, str], Position] = {}
        self._changed: dict[Position, None] = {}
        self._change = asyncio.Event()
        self._tasks = AsyncExitStack()

    async def __aenter__(self) -> "Positions":
        await self._tasks.enter_async_context(running(self._keep(), name="positions"))
        await self._tasks.enter_async_context(running(self._forget_on(), name="forget positions"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.aclose()
        await self.write()

    @contextmanager
    def borne(self, holder: str, name: str) -> Iterator[Position]:
        """Yield the position of a name to a connection that bears it as long as the body runs."""
        key = (holder, name)
        position = self._known.get(key)
        if position is None:
            position = self._known[key] = Position(self, holder, name)
        position.bearers += 1
        try:
            yield position
        finally:
            position.bearers -= 1
            self._let_go(position)

    def changed(self, position: Position) -> None:
        self._changed[position] = None
        self._change.set()

    async def begin(self, position: Position, acked: int) -> int:
        return await self._writer.run(
            partial(
                begin_cursor,
                holder=position.holder,
                name=position.name,
                acked=acked,
                now_ms=self._clock_ms(),
            )
        )

    async def _keep(self) -> None:
        while True:
            await self._change.wait()
            await asyncio.sleep(WRITE_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Write what has changed. What can not be written now stays for the next time."""
        changed, self._changed = self._changed, {}
        self._change.clear()
        places = [(p.holder, p.name, p.acked) for p in changed if p.acked is not None]
        if not places:  # nothing was acknowledged since
            return
        try:
            await self._writer.run(partial(advance_cursors, places=places, now_ms=self._clock_ms()))
        except (StorageFull, sqlite3.Error) as error:
            logger.warning("positions wait to be written: count=%d error=%r", len(places), error)
            self._again(changed)
        except BaseException:  # cancelled: it may or may not be written, and twice does no harm
            self._again(changed)
            raise
        else:
            for position in changed:
                self._let_go(position)

    def _again(self, positions: dict[Position, None]) -> None:
        for position in positions:
            self.changed(position)

    def _let_go(self, position: Position) -> None:
        key = (position.holder, position.name)
        idle = not position.bearers and position not in self._changed
        if idle and self._known.get(key) is position:
            del self._known[key]

    async def _forget_on(self) -> None:
        while True:
            await self.forget()
            await asyncio.sleep(FORGET_EVERY_S)

    async def forget(self) -> None:
        """Forget the names that nobody used for too long."""
        for position in self._known.values():
            if position.acked is not None:
                self.changed(position)  # it is in use
        await self.write()
        before_ms = self._clock_ms() - self._keep_days * DAY_MS
        try:
            count = await self._writer.run(partial(forget_cursors, before_ms=before_ms))
        except (StorageFull, sqlite3.Error) as error:
            logger.warning("names could not be forgotten: error=%r", error)
        else:
            if count:
                logger.info("unused names were forgotten: count=%d", count)
