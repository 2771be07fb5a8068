"""Where clients were cut off that follow a user's files, for those who come back without a word.

Socket.IO's own client for JavaScript keeps its place from version 4.6 on (see places.py). Others
keep none: whoever was cut connects again within seconds, with the same token and from the same
address, and goes on from what it is known to have.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

BACK_WITHIN_S = 120.0
CLIENTS_AT_MOST = 1000
CUTS_AT_MOST = 10  # of clients that can not be told apart


class Client(NamedTuple):
    """What a client is known by again.

    via    what it came by, as of a viewer
    agent  the program that it says it is
    """

    holder: str
    via: str
    address: str
    agent: str


class Comebacks:
    """The clients that were cut of late, and where; of too many, the first is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: in seconds."""
        self._clock = clock
        # (when, place) of each cut, the latest last
        self._cut: OrderedDict[Client, list[tuple[float, int]]] = OrderedDict()

    def cut(self, client: Client, place: int) -> None:
        """The connection of `client` broke, which has everything up to `place`."""
        cuts = [*self._cut.pop(client, []), (self._clock(), place)]
        self._cut[client] = cuts[-CUTS_AT_MOST:]
        while len(self._cut) > CLIENTS_AT_MOST:
            self._cut.popitem(last=False)

    def back(self, client: Client) -> int | None:
        """Return up to where `client`, which has come, has everything; None when it was not cut.

        Of several that look alike nobody knows which it is: each is told what any of them misses.
        """
        since_s = self._clock() - BACK_WITHIN_S
        cuts = [cut for cut in self._cut.pop(client, []) if cut[0] >= since_s]
        if not cuts:
            return None
        place = min(cut[1] for cut in cuts)
        cuts.remove(max(cuts, key=lambda cut: cut[1]))
        if cuts:
            self._cut[client] = cuts
        return place
