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

ASK_EVERY_S = 1.0
ASKED_A_TURN = 200
SEQ_BYTES = 8


class Receipt:
    """One connection that is asked. asked: the place that its latest ping named."""

    __slots__ = ("_events", "_position", "_session", "asked")

    def __init__(self, session: Session, position: Position) -> None:
        self._session = session
        self._position = position
        self.asked = position.acked or 0
        self._events = 0  # it was asked about

    def ask(self) -> None:
        """Send a ping, when there is something new and the transport takes it."""
        session = self._session
        if session.line.writing_paused or session.closing:
            return
        events, _ = session.traffic
        if events != self._events:
            self._events, self.asked = events, session.told_upto
            session.put(ping_frame(self.asked.to_bytes(SEQ_BYTES, "big")))

    def proved(self, payload: bytes) -> None:
        """A ping was answered. What we did not ask proves nothing."""
        if len(payload) == SEQ_BYTES and (seq := int.from_bytes(payload, "big")) <= self.asked:
            self._position.ack(seq)


class Receipts:
    """Asks all of them once a second, as long as there are any."""

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

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ASK_EVERY_S, self._ask)

    def _ask(self) -> None:
        self._later()
        self._ask_some(list(self._all))

    def _ask_some(self, some: list[Receipt]) -> None:
        for receipt in some[:ASKED_A_TURN]:
            receipt.ask()
        if some[ASKED_A_TURN:]:
            asyncio.get_running_loop().call_soon(self._ask_some, some[ASKED_A_TURN:])
