"""Whether new work is let in. Closed once, when the server is asked to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.errors import ShuttingDown


class Door:
    """Open until the server goes down."""

    def __init__(self) -> None:
        self.closed = False
        self._waits: set[asyncio.Timeout] = set()

    def pass_through(self) -> None:
        """Raise ShuttingDown when new work is no longer let in."""
        if self.closed:
            raise ShuttingDown

    @asynccontextmanager
    async def while_open(self) -> AsyncIterator[None]:
        """Run a body that waits for others; it is broken off where it waits once the door closes.

        Raises ShuttingDown then, and at once when it is closed already.
        """
        self.pass_through()
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            self.pass_through()
            raise

    def close(self) -> None:
        """Let nothing new in, and break off what waits."""
        self.closed = True
        while self._waits:
            self._waits.pop().reschedule(asyncio.get_running_loop().time())
