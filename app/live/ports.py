"""What a session stands on: a transport, what waits on it and ends it, and the hub."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from app.core.protocol import Hangup
from app.core.rooms import Room
from app.core.state import JobState
from app.live.formats import Format
from app.live.pages import Interest, Keep, Page
from app.store.retention import PrunedJob

if TYPE_CHECKING:
    from app.live.session import Session


class Line(Protocol):
    """The way to one client: a transport, and what waits on it and ends it."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...

    @property
    def writing_paused(self) -> bool:
        """Whether the transport wants no more for now."""

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


class Source(Protocol):
    """What a session needs of the hub."""

    @property
    def head(self) -> int: ...

    @property
    def told_upto(self) -> int:
        """Everything up to here was written to everybody who is live."""

    @property
    def pruned_upto(self) -> int:
        """Nothing past this was pruned."""

    @property
    def replaying(self) -> asyncio.Semaphore: ...

    def join(self, session: "Session") -> None: ...

    def leave(self, session: "Session") -> bool: ...

    def count(self, events: int, size_bytes: int) -> None: ...

    def clock(self) -> float: ...

    async def page(
        self, interest: Interest, after: int, upto: int, *, form: Format, keep: Keep | None
    ) -> Page: ...

    async def snapshot(self, room: Room, before: str | None) -> Sequence[JobState]: ...

    async def floor(self, room: Room) -> int: ...

    async def pruned(self, room: Room, after: int) -> Sequence[PrunedJob]: ...

    async def told(self, seq: int) -> None: ...
