"""Notifiers of plugins: each follows the log with a cursor of its own, and harms no other."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType

import orjson

from app.core.errors import StorageFull
from app.core.plugins import Part, Plugin
from app.core.rooms import Room
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.process import plugin_process
from app.settings import Settings
from app.store.database import Database
from app.store.events import Recorded, read_room
from app.store.plugin_notifiers import begin_notifier, move_notifier
from app.tasks import running

logger = logging.getLogger(__name__)

AT_ONCE = 50  # events that one process is told
AGAIN_AFTER_S = (1.0, 10.0, 60.0)  # an event that could not be told; then it is left out
AFTER_REFUSAL_S = 30.0
LONGEST_ANSWER = 64 * 1024


class NotTold(Exception):
    """A notifier failed; the text says how."""


class Notifiers:
    """Tells plugins what was committed. Used as an async context manager.

    head  returns the place of the newest event that was told

    Each has a cursor in the log: what happened while the server was down, or was being told when
    it was killed, is told by its next life; so an event may be told twice. A plugin that is new
    begins with what happens from then on.
    """

    def __init__(
        self,
        plugins: Plugins,
        database: Database,
        settings: Settings,
        head: Callable[[], int],
        again_after_s: Sequence[float] = AGAIN_AFTER_S,
    ) -> None:
        self._plugins = plugins
        self._database = database
        self._settings = settings
        self._head = head
        self._again_after_s = again_after_s
        self._news: list[tuple[frozenset[str], asyncio.Event]] = []
        self._began_at = 0  # the newest event when this began
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Notifiers":
        self._began_at = self._head()
        await self._stack.enter_async_context(running(self._tell_all(), name="notifiers"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop at once: what is being told is told again by the next life of the server."""
        await self._stack.aclose()

    def told(self, events: Sequence[Recorded]) -> None:
        """Events were committed: wake whom they concern. Cheap, for it runs at each commit."""
        for types, news in self._news:
            if not news.is_set() and any(event.type in types for event in events):
                news.set()

    async def _tell_all(self) -> None:
        plugins = await self._plugins.known()
        async with asyncio.TaskGroup() as notifiers:
            for plugin in plugins.all:
                for part in plugin.parts:
                    if part.kind == "notifier":
                        news = asyncio.Event()
                        self._news.append((frozenset(part.types), news))
                        telling = self._keep_telling(plugin, part, news)
                        notifiers.create_task(telling, name=part.key)

    async def _keep_telling(self, plugin: Plugin, part: Part, news: asyncio.Event) -> None:
        while True:
            try:
                await self._follow(plugin, part, news)
            except (sqlite3.Error, StorageFull) as error:  # the database refuses: later, then
                logger.warning("notifier waits: part=%s error=%r", part.key, error)
            except Exception:  # whatever it is, it is this one's alone
                logger.exception("notifier waits: part=%s", part.key)
            await asyncio.sleep(AFTER_REFUSAL_S)

    async def _follow(self, plugin: Plugin, part: Part, news: asyncio.Event) -> None:
        database, key = self._database, part.key
        begin = partial(begin_notifier, key=key, cursor=self._began_at)
        cursor = await database.writer.run(begin)
        tries = 0
        while True:
            news.clear()
            head = self._head()
            events = await read_room(
                database.reader, Room("all"), cursor, head, AT_ONCE, part.types
            )
            if not events:
                cursor = max(cursor, head)
                await news.wait()
                continue
            told, problem = await self._tell(plugin, part, events)
            if told is not None:
                cursor, tries = told, 0
            if problem is not None:
                failed = next(event.seq for event in events if event.seq > cursor)
                tries += 1
                self._plugins.failures[key] += 1
                logger.error(
                    "plugin failed: part=%s seq=%d try=%d reason=%s", key, failed, tries, problem
                )
                if tries <= len(self._again_after_s):
                    await asyncio.sleep(self._again_after_s[tries - 1])
                else:
                    cursor, tries = failed, 0
            await database.writer.run(partial(move_notifier, key=key, cursor=cursor))

    async def _tell(
        self, plugin: Plugin, part: Part, events: Sequence[Recorded]
    ) -> tuple[int | None, str | None]:
        """Tell events; return the seq of the last that was told, and what went wrong after it."""
        told = None
        try:
            async for seq in _each_told(plugin, part, events, self._settings):
                told = seq
        except (NotTold, OSError) as error:
            return told, str(error)
        return told, None


async def _each_told(
    plugin: Plugin, part: Part, events: Sequence[Recorded], settings: Settings
) -> AsyncIterator[int]:
    """Tell events to a new process; yield the seq of each that it was told.

    Raises NotTold, OSError. The process is gone at the end.
    """
    async with plugin_process(
        "tell", plugin, settings.data_dir, part.name, longest_line=LONGEST_ANSWER
    ) as process:
        within_s = settings.plugin_timeout_s  # for each of them
        for event in events:
            try:
                async with asyncio.timeout(within_s):
                    process.writer.write(event.body + b"\n")
                    await process.writer.drain()
                    line = await process.reader.readuntil(b"\n")
            except TimeoutError as error:
                raise NotTold(f"it took longer than {within_s:g} seconds") from error
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
                raise NotTold("its process ended without an answer") from error
            if (problem := _problem_of(line, event.seq)) is not None:
                raise NotTold(problem)
            yield event.seq


def _problem_of(answer: bytes, seq: int) -> str | None:
    """Return what went wrong, by the notifier's answer; None where it was told the event `seq`.

    The plugin's code runs where the answer is made: it may be anything.
    """
    try:
        match orjson.loads(answer):
            case {"told": told} if told == seq:
                return None
            case {"problem": str(problem)}:
                return problem
    except orjson.JSONDecodeError:
        pass
    return "its process gave no answer that makes sense"
