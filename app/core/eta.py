"""How long a job will still take, from how its steps went so far. Pure: the clock is handed in."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

FIRST_SHOWN_MS = 3_000
FIRST_SHOWN_SHARE = 0.05  # of the whole time
MEMORY_MS = 10_000  # how far back the rate of a step looks
SPAN_MS = 300  # a rate is one over at least this long
STALE_MS = 30_000  # a step that has not moved for this long promises nothing any more
OVERDUE = 3.0  # nor does one that took this many times as long as expected, and it can not say why
OVERDUE_MS = 2_000
STEADY_MS = 10_000  # a step has told its own rate for this long, or
STEADY_SHARE = 0.25  # for this share of the whole time: then its word is no range any more
KNOWN_SHARE = 2 / 3  # of the time left has to be measured in this very job
LONGEST_S = 24 * 3600
RISE = 1.5  # times what was said last is the most that is said next
LEAST, MOST = 0.7, 1.6  # times what is said: the range while that may still change
RISING_MS = 3_000  # how long a new estimate takes to be believed, mostly, when it is worse
FALLING_MS = 1_000  # and when it is better


class Cost(NamedTuple):
    """What a step takes: milliseconds for any file, and for each megabyte of it."""

    fixed: float = 20.0
    per_mb: float = 0.0


COSTS: Mapping[str, Cost] = {
    "initializing_streaming": Cost(30.0),
    "duplicate_check": Cost(2.0),
    "malware_scan": Cost(15.0, 2.5),
    "field_detection": Cost(40.0),
    "platform_detection": Cost(15.0),
    "document_classification": Cost(15.0),
    "extracting": Cost(30.0, 26.0),
    "delta_analysis": Cost(20.0, 0.2),
    "storing": Cost(30.0, 31.0),
    "entity_resolution": Cost(25.0, 0.2),
    "classification": Cost(25.0, 0.2),
    "enrichment": Cost(20.0, 0.1),
    "document_kind": Cost(40.0, 1.0),
    "page_reading": Cost(150.0, 400.0),
    "field_reading": Cost(40.0, 5.0),
    "model_reading": Cost(10.0),
    "field_check": Cost(20.0),
    "likeness": Cost(30.0, 2.0),
    "saving": Cost(30.0, 20.0),
    "indexing": Cost(20.0, 10.0),
    "unpacking": Cost(30.0, 10.0),
    "placing": Cost(20.0, 5.0),
}
"""Source: measured, bank exports of 200,000 and 600,000 rows on two cores. Only how the steps
compare matters: a job tells by itself how fast its file is read on its machine."""
TELLING = (
    "extracting",
    "storing",
    "page_reading",
)  # so much of the work that the other steps follow their pace


class Eta:
    """The time left of one attempt of one job: what is left of its step, and the steps behind it.

    A step that says how far it is goes by its own rate over the last ten seconds. The others are
    expected to take what they cost (COSTS), times what a step in TELLING took compared with its
    own cost. Until one of those has gone on for a moment that factor is not known: then nothing
    is said, unless the step that runs is nearly all there is to wait for.

    Where all steps were measured often enough in earlier files, their costs are known from the
    start, and the factor only corrects them. Until a step has told its own rate for a while, the
    time left is given as a range as well.

    It is shown after 3 seconds and 5 percent of the time; seconds under ten, steps of 5 s under a
    minute, of 15 s under ten minutes, of whole minutes above.
    """

    def __init__(
        self,
        steps: Sequence[str],
        size: int,
        costs: Mapping[str, Cost] = COSTS,
        *,
        known: bool = False,
    ) -> None:
        """Begin with all `steps` of a plan, in order, ahead, and a file of `size` bytes.

        costs  what the steps take
        known  these were measured, on this machine and with files of this kind
        """
        self._steps = tuple(steps)
        self._cost_ms = {
            step: cost.fixed + cost.per_mb * size / 1e6
            for step in steps
            for cost in [costs.get(step, Cost())]
        }
        self._known = known
        self.range: tuple[int, int] | None = None
        self._at = -1  # the place of the running step
        self._now_ms = 0
        self._began_ms = 0
        self._entered_ms = 0
        self._moved: deque[tuple[int, float]] = deque()  # when the step got to which fraction
        self._factor: float | None = 1.0 if known else None
        self._measured_ms: int | None = None  # since when a step tells its own rate
        self._said_s = 0.0  # the end that was told, in seconds from _said_ms on
        self._said_ms: int | None = None
        self._shown = 0

    def update(self, step: str, fraction: float, now_ms: int) -> int | None:
        """Take one more sample and return the seconds left, or None while nobody can know.

        step      the running one; an earlier one than last time begins anew, as a retry does
        fraction  how much of it is done, 0 to 1; one that falls counts as no move
        now_ms    any clock that does not jump; a step back in time counts as no time

        The result lies in 0 to 86,400; it is 0 only when the last step is done. `range` has the
        least and the most that it may come to, None where it is steady or nothing is said.
        Raises ValueError when `step` is none of the plan's.
        """
        fraction = min(max(fraction, 0.0), 1.0)
        self.range = None
        self._take(self._steps.index(step), fraction, now_ms)
        if fraction == 1.0 and self._at == len(self._steps) - 1:
            return 0
        left_ms = self._left_ms()
        passed_ms = self._now_ms - self._began_ms
        if (
            left_ms is None
            or left_ms > LONGEST_S * 1000
            or passed_ms < max(FIRST_SHOWN_MS, FIRST_SHOWN_SHARE * (passed_ms + left_ms))
        ):
            return None
        shown = self._say(left_ms / 1000)
        if not self._is_steady(passed_ms + left_ms):
            self.range = (rounded(shown * LEAST, math.floor), rounded(shown * MOST, math.ceil))
        return shown

    def _is_steady(self, whole_ms: float) -> bool:
        if self._measured_ms is None:
            return False
        return self._now_ms - self._measured_ms >= min(STEADY_MS, STEADY_SHARE * whole_ms)

    def _take(self, at: int, fraction: float, now_ms: int) -> None:
        if self._at < 0 or at < self._at:
            self._now_ms = self._began_ms = now_ms
            self._factor = 1.0 if self._known else None
            self._said_ms = self._measured_ms = None
        self._now_ms = max(self._now_ms, now_ms)
        if at != self._at:
            self._at = at
            self._entered_ms = self._now_ms
            self._moved.clear()
        if not self._moved or fraction > self._moved[-1][1]:
            self._moved.append((self._now_ms, fraction))
        while len(self._moved) > 2 and self._moved[1][0] <= self._now_ms - MEMORY_MS:
            self._moved.popleft()

    def _left_ms(self) -> float | None:
        """The milliseconds left by what is known now; None when too little is."""
        if self._now_ms - self._moved[-1][0] > STALE_MS:
            return None
        step = self._steps[self._at]
        whole_ms = self._whole_ms()
        if whole_ms is not None and step in TELLING:
            self._factor = whole_ms / self._cost_ms[step]
            if self._measured_ms is None:
                self._measured_ms = self._now_ms
        factor = 1.0 if self._factor is None else self._factor
        here_ms = self._left_here_ms(whole_ms)
        if here_ms is None:
            passed_ms = self._now_ms - self._entered_ms
            expected_ms = self._cost_ms[step] * factor
            if passed_ms > OVERDUE * expected_ms + OVERDUE_MS or self._factor is None:
                return None
            here_ms = max(0.0, expected_ms - passed_ms)
        behind_ms = sum(self._cost_ms[later] for later in self._steps[self._at + 1 :]) * factor
        if self._factor is None and here_ms < KNOWN_SHARE * (here_ms + behind_ms):
            return None
        return here_ms + behind_ms

    def _whole_ms(self) -> float | None:
        """How long all of the running step takes by its own rate; None when it has none."""
        # Before the first rows there is other work, opening a workbook say, that never comes again.
        moved = [one for one in self._moved if one[1] > 0]
        if not moved or moved[-1][0] - moved[0][0] < SPAN_MS:
            return None
        took_ms = moved[-1][0] - moved[0][0]
        # A step that falls silent is slower than it was: what is longer than usual counts.
        silent_ms = max(0.0, self._now_ms - moved[-1][0] - took_ms / (len(moved) - 1))
        return (took_ms + silent_ms) / (moved[-1][1] - moved[0][1])

    def _left_here_ms(self, whole_ms: float | None) -> float | None:
        """What is left of the running step when all of it takes `whole_ms`."""
        last_ms, fraction = self._moved[-1]
        if fraction == 1.0:
            return 0.0
        if whole_ms is None:
            return None
        return max(0.0, (1.0 - fraction) * whole_ms - (self._now_ms - last_ms))

    def _say(self, left_s: float) -> int:
        """Return `left_s` as a person is told it: it may not leap, least of all upwards."""
        if self._said_ms is None:
            self._said_s, self._shown = left_s, rounded(left_s)
        else:
            passed_ms = self._now_ms - self._said_ms
            due_s = max(0.0, self._said_s - passed_ms / 1000)
            slowly_ms = RISING_MS if left_s > due_s else FALLING_MS
            due_s += (left_s - due_s) * (1 - math.exp(-passed_ms / slowly_ms))
            most = max(self._shown * RISE, self._shown + 1)
            at_an_edge = self._moved[-1][1] in (0.0, 1.0)  # a step that is over is over
            self._said_s = min(due_s, most, left_s if at_an_edge else math.inf)
            near = rounded(self._said_s)
            self._shown = near if near <= most else rounded(most, math.floor)
        self._said_ms = self._now_ms
        return self._shown


def rounded(seconds: float, whole: Callable[[float], int] = round) -> int:
    """Round a time to what a person may believe: never 0, and coarser the farther away."""
    unit = 1 if seconds < 10 else 5 if seconds < 60 else 15 if seconds < 600 else 60
    return max(1, whole(seconds / unit) * unit)
