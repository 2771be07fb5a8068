"""What has arrived at clients that never say so: proved by the answers to pings.

A client answers a ping only after it has read everything that was sent before it. So a ping that
names a place of the log is, once it is answered, as good as an acknowledgement of that place.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.wire import ping_frame
from app.live.positions import Position
from app.live.session import Session

ASK_EVERY_S, ASK_AT_LEAST_EVERY_S = 0.25, 1.0
ASKED_A_SECOND = 1000  # of all together: the more there are, the longer each waits for its turn
ASKED_A_TURN = 200
PATIENCE = 4  # rounds; a ping may stay unanswered where another one follows it
SEQ_BYTES = 8


class Receipt:
    """One connection that is asked. asked: the place that its latest ping named."""

    __slots__ = ("_events", "_open", "_position", "_rounds", "_session", "asked")

    def __init__(self, session: Session, position: Position) -> None:
        self._session = session
        self._position = position
        self.asked = position.acked or 0
        self._events = 0  # it was asked about
        self._open = b""  # the latest ping, until it is answered
        self._rounds = 0  # since then

    def ask(self) -> None:
        """Send a ping, when there is something new, the transport takes it, and none is open."""
        session = self._session
        if session.line.writing_paused or session.closing:
            return
        self._rounds += 1
        if self._open and self._rounds < PATIENCE:
            return
        events, _ = session.traffic
        if events != self._events:
            self._events, self.asked = events, session.told_upto
            self._open, self._rounds = self.asked.to_bytes(SEQ_BYTES, "big"), 0
            session.put(ping_frame(self._open))

    def proved(self, payload: bytes) -> bool:
        """A ping was answered. What we did not ask proves nothing.

        Returns whether this is the answer that was waited for: there is one for each ping.
        """
        if len(payload) == SEQ_BYTES and (seq := int.from_bytes(payload, "big")) <= self.asked:
            self._position.ack(seq)
        if not self._open or payload != self._open:
            return False
        self._open = b""
        return True


class Receipts:
    """Asks all of them, in rounds, as long as there are any."""

    def __init__(self) -> None:
        self._all: dict[Receipt, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def asking(self, receipt: Receipt) -> Iterator[None]:
        """Ask for `receipt` while the body runs."""
        self._all[receipt] = None
        if self._timer is None:
            self._later()
        try:
            yield
        finally:
            del self._all[receipt]
            if not self._all and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    @property
    def every_s(self) -> float:
        """Return how long it is from one round to the next, in seconds."""
        return min(ASK_AT_LEAST_EVERY_S, max(ASK_EVERY_S, len(self._all) / ASKED_A_SECOND))

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.every_s, self._ask)

    def _ask(self) -> None:
        self._later()
        self._ask_some(list(self._all))

    def _ask_some(self, some: list[Receipt]) -> None:
        for receipt in some[:ASKED_A_TURN]:
            receipt.ask()
        if some[ASKED_A_TURN:]:
            asyncio.get_running_loop().call_soon(self._ask_some, some[ASKED_A_TURN:])
