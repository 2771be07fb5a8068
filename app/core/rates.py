"""How long steps take on this machine, learned from how long they took. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.core.eta import COSTS, Cost

KNOWN_AFTER = 3  # samples; before that a guess is not worth telling
LEAST_WEIGHT = 1 / 8  # of one more sample; the first ones count for more
FARTHEST = 20.0  # times what was expected: no single file is believed beyond that
LEAST_MS = 0.1  # nothing is free
WHOLE_JOB = "job"  # in place of a step: all of them together


class Rate(NamedTuple):
    """A cost as measured: milliseconds for any file and for each megabyte, from `samples` files."""

    fixed_ms: float
    per_mb_ms: float
    samples: int = 0

    def expected_ms(self, size: int) -> float:
        """Return what a file of `size` bytes is expected to take."""
        return self.fixed_ms + self.per_mb_ms * size / 1e6


def guessed(step: str) -> Rate:
    """Return what is known of `step` before it was ever measured."""
    if step == WHOLE_JOB:
        costs: Sequence[Cost] = list(COSTS.values())
    else:
        costs = [COSTS.get(step, Cost())]
    per_mb = sum(cost.per_mb for cost in costs)
    return Rate(sum(cost.fixed for cost in costs), per_mb)


def learned(rate: Rate, size: int, took_ms: float) -> Rate:
    """Return `rate` after one more file of `size` bytes took `took_ms`.

    Small files teach what any file costs, and large ones what a megabyte does.
    Source: the normalised least mean squares filter, for the two inputs 1 and megabytes.
    """
    expected = rate.expected_ms(size)
    off_ms = min(max(took_ms, expected / FARTHEST), expected * FARTHEST) - expected
    weight = max(1 / (rate.samples + 1), LEAST_WEIGHT)
    megabytes = size / 1e6
    step = weight * off_ms / (1 + megabytes**2)
    return Rate(
        max(rate.fixed_ms + step, LEAST_MS),
        max(rate.per_mb_ms + step * megabytes, 0.0),
        rate.samples + 1,
    )


def costs_of(steps: Sequence[str], rates: Mapping[str, Rate]) -> tuple[dict[str, Cost], bool]:
    """Return what each of `steps` costs, and whether all of them were measured often enough."""
    found = {step: rates.get(step) or guessed(step) for step in steps}
    costs = {step: Cost(rate.fixed_ms, rate.per_mb_ms) for step, rate in found.items()}
    return costs, all(rate.samples >= KNOWN_AFTER for rate in found.values())
