"""How long a job will still take, from its progress. Pure: the clock is handed in."""

from collections import deque

FIRST_SHOWN_MS = 3_000
FIRST_SHOWN_PERCENT = 5.0
MEMORY_MS = 10_000  # how far back the rate looks
SHORTEST_MS = 100  # samples closer together are taken as one
STALE_MS = 30_000  # without news for this long nothing is promised any more
LONGEST_S = 24 * 3600


class Eta:
    """The time left of one attempt of one job.

    The rate is the median over the last ten seconds, each stretch counting by its length: steps
    that are over in no time make the bar leap, but say nothing about the long ones, and neither
    does one slow second. It is shown after 3 seconds and 5 percent, exact near the end and coarse
    far out: steps of 5 s under a minute, of 15 s under ten minutes, of whole minutes above.
    """

    def __init__(self) -> None:
        self._began_ms: int | None = None
        self._last_ms = 0
        self._last_at = 0.0
        self._from_ms = 0  # where the stretch begins that is not long enough yet
        self._from_at = 0.0
        self._stretches: deque[tuple[int, int, float]] = deque()  # end, length, percent per ms

    def update(self, progress: float, now_ms: int) -> int | None:
        """Take one more sample and return the seconds left, or None while nobody can know.

        progress  0 to 100; a value below the last one begins anew, as a retry does
        now_ms    any clock that does not jump; a step back in time counts as no time

        The result lies in 0 to 86,400; it is 0 only when progress is 100.
        """
        progress = min(max(progress, 0.0), 100.0)
        if self._began_ms is None or progress < self._last_at:
            self._began_ms = self._last_ms = self._from_ms = now_ms
            self._last_at = self._from_at = progress
            self._stretches.clear()
            return 0 if progress == 100.0 else None
        self._last_at = progress
        self._last_ms = max(now_ms, self._last_ms)
        length = self._last_ms - self._from_ms
        if length >= SHORTEST_MS:
            rate = (progress - self._from_at) / length
            self._stretches.append((self._last_ms, length, rate))
            self._from_ms, self._from_at = self._last_ms, progress
            while self._stretches[0][0] < self._last_ms - MEMORY_MS:
                self._stretches.popleft()
        return self.left(self._last_ms)

    def left(self, now_ms: int) -> int | None:
        """Return the seconds left at `now_ms` without new progress; None when nobody can know."""
        if self._last_at == 100.0:
            return 0
        if self._began_ms is None or self._last_at < FIRST_SHOWN_PERCENT:
            return None
        silent_ms = max(0, now_ms - self._last_ms)
        if now_ms - self._began_ms < FIRST_SHOWN_MS or silent_ms > STALE_MS:
            return None
        rate = self._rate()
        if rate <= 0:
            return None
        seconds = ((100.0 - self._last_at) / rate - silent_ms) / 1000
        return _rounded(seconds) if seconds < LONGEST_S else None

    def _rate(self) -> float:
        """The middle of the rates, in percent a millisecond, each weighted by its length."""
        half = sum(length for _, length, _ in self._stretches) / 2
        passed = 0
        for _, length, rate in sorted(self._stretches, key=lambda stretch: stretch[2]):
            passed += length
            if passed >= half:
                return rate
        return 0.0


def _rounded(seconds: float) -> int:
    """Round to what a person may believe: never 0, and coarser the farther away."""
    if seconds < 5:
        return max(1, round(seconds))
    unit = 5 if seconds < 60 else 15 if seconds < 600 else 60
    return round(seconds / unit) * unit
