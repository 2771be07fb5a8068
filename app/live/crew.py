"""Workers that are kept by name, each a task of its own, and woken when there is news."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from app.tasks import report_death


class Worker(Protocol):
    """Works until it has nothing to serve any more. `news` wakes it."""

    news: asyncio.Event

    async def run(self) -> None: ...


W = TypeVar("W", bound=Worker)


class Crew(Generic[W]):
    """Workers by the id of what they serve. One that dies leaves the others at work."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._working: dict[str, tuple[W, asyncio.Task[None]]] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._working)

    def __iter__(self) -> Iterator[W]:
        return (worker for worker, _ in self._working.values())

    def get(self, ident: str) -> W | None:
        """Return who serves `ident`; None when nobody does."""
        known = self._working.get(ident)
        return None if known is None else known[0]

    def wake(self, ident: str) -> bool:
        """Wake who serves `ident`; False when nobody does."""
        if ident not in self._working:
            return False
        self._working[ident][0].news.set()
        return True

    def wake_all(self) -> None:
        """Let everybody look whether what they serve is still there."""
        for worker in self:
            worker.news.set()

    def engage(self, ident: str, make: Callable[[], W]) -> None:
        """Let a worker serve `ident`, unless one does."""
        if self._closing or ident in self._working:
            return
        worker = make()
        task = asyncio.create_task(worker.run(), name=f"{self._kind} {ident}")
        self._working[ident] = worker, task

        def left(done: asyncio.Task[None]) -> None:
            del self._working[ident]
            report_death(done)
            if worker.news.is_set() and not done.cancelled() and done.exception() is None:
                self.engage(ident, make)  # there was news while it left

        task.add_done_callback(left)

    async def dismiss(self) -> None:
        """End all of them where they are."""
        self._closing = True
        tasks = [task for _, task in self._working.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
