"""Slows guessing down: a bucket of tries for each name and each address. In memory, bounded."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.core.addresses import source_of
from app.core.errors import TooManyRequests

BUCKETS_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Tries:
    """`burst` tries at once, and one more every `refill_s` seconds."""

    burst: int
    refill_s: float


# A guesser with many addresses still meets the bucket of the name.
PER_PAIR = Tries(5, 15.0)
PER_ADDRESS = Tries(20, 5.0)
PER_NAME = Tries(50, 5.0)
# Looking at a password takes 50 ms and 64 MiB, also when it is right; others wait meanwhile.
WORK = Tries(60, 1.0)


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Throttle:
    """Counts tries to sign in: failed ones, and the work that each of them is."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, name: str, address: str) -> None:
        """Use up one try. Raises TooManyRequests with the seconds to wait when none is left."""
        wanted = _buckets_of(name, address)
        if name:
            wanted.append((("", f"work for {source_of(address)}"), WORK))
        now = self._clock_s()
        for key, tries in wanted:
            bucket = self._refilled(key, tries, now)
            if bucket.left < 1:
                wait_s = math.ceil((1 - bucket.left) * tries.refill_s)
                raise TooManyRequests(
                    limit=f"{tries.burst} tries to sign in", retry_after=max(1, wait_s)
                )
        for key, _ in wanted:
            self._buckets[key].left -= 1

    def forgive(self, name: str, address: str) -> None:
        """Give the try back: it was the right password."""
        for key, tries in _buckets_of(name, address):
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.left = min(tries.burst, bucket.left + 1)

    def _refilled(self, key: tuple[str, str], tries: Tries, now: float) -> _Bucket:
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = _Bucket(tries.burst, now)
            while len(self._buckets) >= BUCKETS_AT_MOST:  # the one touched longest ago goes
                del self._buckets[next(iter(self._buckets))]
        bucket.left = min(tries.burst, bucket.left + (now - bucket.at_s) / tries.refill_s)
        bucket.at_s = now
        self._buckets[key] = bucket
        return bucket


def _buckets_of(name: str, address: str) -> list[tuple[tuple[str, str], Tries]]:
    who, address = name.strip().casefold()[:100], source_of(address)
    if not who:  # a link: long and random, so only the work of looking at it is limited
        return [(("", address), PER_ADDRESS)]
    return [
        ((who, address), PER_PAIR),
        (("", address), PER_ADDRESS),
        ((who, ""), PER_NAME),
    ]
