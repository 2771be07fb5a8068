"""What the hub counts: since it started, and as things stand."""

from collections import Counter
from dataclasses import dataclass, field

from app.core.histogram import SECONDS, Histogram


@dataclass(slots=True)
class Counters:
    """What the hub has done since it started.

    deliveries  events written, counted for each listener
    sent_bytes  of events and of what is said beside them
    received    messages of clients, pings among them
    rejected    messages that were not carried out, by the code of their error
    refused     connections that were not taken, by reason
    closed      connections that are over, by the code with which they were closed
    telling     seconds from an append to the last write of its events to those who are live
    """

    deliveries: int = 0
    sent_bytes: int = 0
    received: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    telling: Histogram = field(default_factory=lambda: Histogram(SECONDS))


@dataclass(frozen=True, slots=True)
class Counts:
    """How things stand now."""

    connections: int
    rooms: int
    behind: int
