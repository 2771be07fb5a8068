"""Those who are live, grouped by what they are told, and what they are still owed."""

from typing import NamedTuple

from app.live.formats import Chunk, Format
from app.live.pages import Interest
from app.live.session import Session


class Audience:
    """All live sessions that follow the same rooms in the same way: they get the same bytes.

    events, sent_bytes  what each of them was told since the first one came; who comes later
                        remembers what they were then (Session.traffic)
    """

    __slots__ = ("events", "form", "interest", "live", "sent_bytes", "told_s")

    def __init__(self, interest: Interest, form: Format) -> None:
        self.interest = interest
        self.form = form
        self.live: dict[Session, None] = {}
        self.told_s = 0.0
        self.events = 0
        self.sent_bytes = 0

    def owe(self, packed: tuple[Chunk, ...], before: int, now_s: float) -> "Debt":
        """Return the writes that all of them are to get now."""
        self.told_s = now_s
        for chunk in packed:
            self.events += chunk.events
            self.sent_bytes += len(chunk.data)
        return Debt(list(self.live), packed, before)


class Debt(NamedTuple):
    """Writes that some live sessions are owed, everything up to `before` being told to them."""

    sessions: list[Session]
    packed: tuple[Chunk, ...]
    before: int
