"""How many requests a minute: a budget for each user, and for each address nobody signed in from.

In memory, bounded. Told on every answer, as draft-ietf-httpapi-ratelimit-headers-10 has it.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.core.addresses import source_of
from app.core.errors import TooManyRequests
from app.core.permissions import Viewer

WINDOW_S = 60
KNOWN_AT_MOST = 10_000  # of each kind; then the one seen longest ago begins anew


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left after a request.

    quota    requests in WINDOW_S
    left     further requests that may come at once
    reset_s  seconds until all of the quota is there again
    """

    quota: int
    left: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Return how an answer tells it."""
        return {
            "RateLimit-Policy": f'"requests";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"requests";r={self.left};t={self.reset_s}',
        }


class Quota:
    """A budget for each key, which refills evenly.

    Kept as the moment at which it is full again: the generic cell rate algorithm, I.371.
    """

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._full_s: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, now_s: float) -> tuple[Budget, float]:
        """Use up one request if there is one; return what is left, and how long to wait.

        The wait is 0 when the request may go on, and otherwise until the next one may.
        """
        each_s = WINDOW_S / self._quota
        full_s = max(now_s, self._full_s.pop(key, now_s)) + each_s
        wait_s = full_s - now_s - WINDOW_S
        if wait_s > 1e-6:  # what adding up leaves over is nobody's fault
            full_s -= each_s
        else:
            wait_s = 0.0
        while len(self._full_s) >= KNOWN_AT_MOST:
            self._full_s.popitem(last=False)
        self._full_s[key] = full_s
        left = math.floor((WINDOW_S - (full_s - now_s)) / each_s + 1e-6)
        return Budget(self._quota, max(0, left), math.ceil(full_s - now_s)), wait_s

    def give_back(self, key: str) -> None:
        """One request that was taken was none of this key's after all."""
        if key in self._full_s:
            self._full_s[key] -= WINDOW_S / self._quota


class Budgets:
    """The budgets of everybody who asks.

    signed_in  requests a minute of one user, or one share link
    anonymous  of one address, or one IPv6 network, when nobody is recognised
    """

    def __init__(
        self, *, signed_in: int, anonymous: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._signed_in = Quota(signed_in)
        self._anonymous = Quota(anonymous)
        self._clock_s = clock_s

    def take(self, viewer: Viewer | None, address: str) -> tuple[Budget, TooManyRequests | None]:
        """Count a request; return what is left, and why it is refused if there was nothing left."""
        now_s = self._clock_s()
        if viewer is None:
            budget, wait_s = self._anonymous.take(source_of(address), now_s)
        else:
            budget, wait_s = self._signed_in.take(viewer.holder, now_s)
        if wait_s < 1e-6:
            return budget, None
        limit = f"{budget.quota:,} requests a minute"
        return budget, TooManyRequests(limit=limit, retry_after=max(1, math.ceil(wait_s)))

    def move(self, viewer: Viewer, address: str) -> None:
        """A request that was counted for `address` turns out to be of `viewer`: let it be theirs.

        Unless they have nothing left: then it stays where it was counted.
        """
        _, refused = self.take(viewer, address)
        if refused is None:
            self._anonymous.give_back(source_of(address))
