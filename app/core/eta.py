"""How long a job will still take, from its progress. Pure: the clock is handed in."""

FIRST_SHOWN_MS = 3_000
FIRST_SHOWN_PERCENT = 5.0
MEMORY_MS = 12_000.0  # how far back the smoothed rate looks, about
STALE_MS = 30_000  # without news for this long nothing is promised any more
LONGEST_S = 24 * 3600


class Eta:
    """The time left of one attempt of one job.

    The rate is smoothed over the last ten or so seconds and leans on the average since the start,
    so that one quick or slow step does not make the estimate jump. It is shown after 3 seconds and
    5 percent (design: "Time left"); what is shown is a few seconds exact at the end and coarse far
    out: steps of 5 s under a minute, of 15 s under ten minutes, of whole minutes above.
    """

    def __init__(self) -> None:
        self._began_ms: int | None = None
        self._began_at = 0.0
        self._last_ms = 0
        self._last_at = 0.0
        self._rate: float | None = None  # percent per millisecond, smoothed

    def update(self, progress: float, now_ms: int) -> int | None:
        """Take one more sample and return the seconds left, or None while nobody can know.

        progress  0 to 100; a value below the last one begins anew, as a retry does
        now_ms    any clock that does not jump; a step back in time counts as no time

        The result lies in 0 to 86,400; it is 0 only when progress is 100.
        """
        progress = min(max(progress, 0.0), 100.0)
        if self._began_ms is None or progress < self._last_at:
            self._began_ms, self._began_at = now_ms, progress
            self._last_ms, self._last_at, self._rate = now_ms, progress, None
            return 0 if progress == 100.0 else None
        passed = now_ms - self._last_ms
        if passed > 0:
            self._learn((progress - self._last_at) / passed, passed)
            self._last_ms, self._last_at = now_ms, progress
        elif progress > self._last_at:
            self._last_at = progress
        return self.left(self._last_ms)

    def left(self, now_ms: int) -> int | None:
        """Return the seconds left at `now_ms` without new progress; None when nobody can know."""
        if self._last_at == 100.0:
            return 0
        if self._began_ms is None or self._rate is None:
            return None
        took_ms = self._last_ms - self._began_ms
        if now_ms - self._began_ms < FIRST_SHOWN_MS or self._last_at < FIRST_SHOWN_PERCENT:
            return None
        silent_ms = max(0, now_ms - self._last_ms)
        if silent_ms > STALE_MS or took_ms <= 0:
            return None
        average = (self._last_at - self._began_at) / took_ms
        rate = (self._rate + average) / 2
        if rate <= 0:
            return None
        seconds = ((100.0 - self._last_at) / rate - silent_ms) / 1000
        return _rounded(seconds) if seconds < LONGEST_S else None

    def _learn(self, rate: float, passed_ms: int) -> None:
        if self._rate is None:
            self._rate = rate
            return
        # The longer an interval, the more it counts: many tiny samples weigh like one long one.
        weight = passed_ms / (passed_ms + MEMORY_MS)
        self._rate += (rate - self._rate) * weight


def _rounded(seconds: float) -> int:
    """Round up to what a person may believe: never 0, and coarser the farther away."""
    if seconds < 5:
        return max(1, round(seconds))
    unit = 5 if seconds < 60 else 15 if seconds < 600 else 60
    return round(seconds / unit) * unit
