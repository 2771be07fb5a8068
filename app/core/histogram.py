"""How often something was how large, counted in buckets. No clock."""

from bisect import bisect_left
from itertools import accumulate
from math import inf

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for how long something took."""
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Bounds for how many there were at once."""


class Histogram:
    """Counts of values, by the smallest bound that is not below the value.

    bounds  rising; what is above the last one is counted by itself
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def count(self) -> int:
        return sum(self.counts)

    def buckets(self) -> list[tuple[float, int]]:
        """Return for each bound how many values were not above it; the last bound is infinite."""
        return list(zip((*self.bounds, inf), accumulate(self.counts), strict=True))

    def quantile(self, share: float) -> float | None:
        """Return a bound that `share` (0 to 1) of the values do not exceed; None without values.

        Of values above the last bound nothing more is known: it is returned for them too.
        """
        wanted = share * self.count
        if not wanted:
            return None
        bound = next(bound for bound, upto in self.buckets() if upto >= wanted)
        return min(bound, self.bounds[-1])
