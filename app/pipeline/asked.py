"""Turns for what people ask for beside their jobs: nobody waits behind all that another asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class FairTurns:
    """Lets so many through at once, and of each person one: others wait for one of theirs."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, user_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this person's, and hold it."""
        own = self._own.get(user_id)
        if own is None:
            own = self._own[user_id] = asyncio.Lock()
        async with own, self._free:
            yield
