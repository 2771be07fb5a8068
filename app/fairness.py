"""Turns between people: nobody waits behind all that another one asks for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class FairTurns:
    """Lets so many through at once, and `of_one` of each person; all others wait.

    Whoever has nothing under way takes no memory.
    """

    def __init__(self, at_once: int, of_one: int = 1) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._of_one = of_one
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, user_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this person's, and hold it."""
        own = self._own.get(user_id)
        if own is None:
            own = self._own[user_id] = asyncio.Semaphore(self._of_one)
        async with own, self._free:
            yield
