"""What a session stands on: a transport, and what waits on it and ends it."""

import asyncio
from typing import Protocol

from app.core.protocol import Hangup


class Flow(Protocol):
    """Tells whether the transport wants no more for now."""

    @property
    def writing_paused(self) -> bool: ...


class Line(Protocol):
    """The way to one client: a transport, and what waits on it and ends it."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...

    @property
    def flow(self) -> Flow: ...

    async def drained(self) -> None:
        """Wait until the transport takes more, or is gone. Cancelling is safe."""

    def end(self, goodbye: Hangup) -> None:
        """Begin to say goodbye; the connection is over within a bounded time."""
