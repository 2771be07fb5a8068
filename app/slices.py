"""Long work on the loop, in slices: one of them in each turn, whoever has how much to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slices:
    """Lets one slice through in each turn of the loop; whoever has more goes behind the others.

    Threads would not do: they compute while the loop waits for them, each as long as it likes.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn. The body is the slice, of about a millisecond, and awaits nothing."""
        async with self._turn:
            yield
            await asyncio.sleep(0)
