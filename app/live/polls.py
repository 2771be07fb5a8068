"""Requests that wait for the next event of a room, and are woken by it: long polls."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from app.core.permissions import Viewer
from app.core.rooms import Room
from app.live.limits import Seats
from app.store.events import Recorded


class Poll:
    """One request that waits.

    types    only these wake it; None for all
    news     is set when one was told, and when waiting is of no use any more
    is_over  it may hear nothing more: what it came by has ended
    """

    __slots__ = ("is_over", "news", "room", "transport", "types", "viewer")

    def __init__(
        self,
        viewer: Viewer,
        room: Room,
        types: Collection[str] | None,
        transport: asyncio.BaseTransport,
    ) -> None:
        self.viewer = viewer
        self.room = room
        self.types = types
        self.transport = transport
        self.news = asyncio.Event()
        self.is_over = False


class Polls:
    """Who waits. Each takes a seat among the connections for as long as it does."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._of: dict[tuple[str, str], set[Poll]] = {}  # by kind and id of the room

    def __len__(self) -> int:
        return sum(len(polls) for polls in self._of.values())

    @contextmanager
    def waiting(self, poll: Poll) -> Iterator[Poll]:
        """Let `poll` be woken meanwhile. There has to be a seat for it."""
        self._seats.take(poll.viewer)
        self._of.setdefault((poll.room.kind, poll.room.id), set()).add(poll)
        try:
            yield poll
        finally:
            self._let_go(poll)

    def hear(self, events: Sequence[Recorded]) -> None:
        """Wake who waits for one of `events`, which have just been told."""
        if not self._of:
            return
        for event in events:
            for room in (
                ("all", ""),
                ("user", event.user_id),
                ("batch", event.batch_id),
                ("job", event.job_id),
            ):
                for poll in self._of.get(room, ()):  # type: ignore[arg-type]
                    if poll.types is None or event.type in poll.types:
                        poll.news.set()

    def clear_out(self) -> None:
        """Take the seats of those whose clients have left.

        Nothing else tells a request that its client left while it waits.
        """
        for poll in self._everybody():
            if poll.transport.is_closing():
                self._let_go(poll)
                poll.news.set()

    def viewers(self) -> list[Viewer]:
        """Return who waits."""
        return [poll.viewer for poll in self._everybody()]

    def end_where(self, is_over: Callable[[Viewer], bool]) -> None:
        """Wake those who may hear nothing more."""
        for poll in self._everybody():
            if is_over(poll.viewer):
                poll.is_over = True
                poll.news.set()

    def close(self) -> None:
        """Wake everybody: the server is going down."""
        for poll in self._everybody():
            poll.news.set()

    def _everybody(self) -> list[Poll]:
        return [poll for polls in self._of.values() for poll in polls]

    def _let_go(self, poll: Poll) -> None:
        polls = self._of.get((poll.room.kind, poll.room.id), set())
        if poll in polls:
            polls.remove(poll)
            self._seats.free(poll.viewer)
            if not polls:
                del self._of[poll.room.kind, poll.room.id]
