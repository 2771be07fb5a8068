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


class Crowd(Protocol):
    """Live sessions that are told the same, and what each of them was told so far."""

    @property
    def told_s(self) -> float: ...

    @property
    def events(self) -> int: ...

    @property
    def sent_bytes(self) -> int: ...


class Tap(Protocol):
    """Looks at what comes in, until it is stopped; what goes out it takes from `write`."""

    def hears(self, message: str | bytes) -> None: ...

    def ends(self, goodbye: Hangup) -> None: ...

    def stop(self) -> None: ...
