"""The line of those who wait: whose files go first, how many go before, and how long. Pure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from app.core.eta import rounded

PriorityName = Literal["high", "normal", "low"]
PRIORITIES: Mapping[PriorityName, int] = {"high": 1, "normal": 0, "low": -1}
"""Within the files of one owner; nobody goes before another person by it."""


class Waiting(NamedTuple):
    """A job that waits: the `turn`th, from 1, among those of its owner."""

    job_id: str
    turn: int
    size_bytes: int


class Place(NamedTuple):
    """How many jobs go before at most, and in how many seconds it begins; None while unknown."""

    ahead: int
    starts_in: int | None


def places(
    line: Sequence[Waiting],
    *,
    free: int,
    workers: int,
    left_ms: float,
    takes_ms: Callable[[int, int], float] | None,
) -> dict[str, Place]:
    """Return the place of each job, by its id.

    free      how many can begin at once
    workers   how many are worked on at the same time
    left_ms   what those that are worked on still take, together
    takes_ms  what so many jobs of so many bytes take, together; None while nobody knows

    People take turns: before somebody's third file go at most three of each other person's.
    """
    turns = max((one.turn for one in line), default=0)
    jobs, sizes = [0] * (turns + 1), [0] * (turns + 1)
    for one in line:
        jobs[one.turn] += 1
        sizes[one.turn] += one.size_bytes
    jobs_upto, bytes_upto = list(accumulate(jobs)), list(accumulate(sizes))
    found = {}
    for one in line:
        ahead = jobs_upto[one.turn] - 1
        starts_in: int | None = None
        if ahead < free:
            starts_in = 0
        elif takes_ms is not None:
            before_ms = left_ms + takes_ms(ahead, bytes_upto[one.turn] - one.size_bytes)
            starts_in = rounded(before_ms / workers / 1000)
        found[one.job_id] = Place(ahead, starts_in)
    return found


def nearness(ahead: int) -> int:
    """Return a place's order of magnitude: 0 for the next, one more for each four times."""
    return (ahead + 1).bit_length() // 2
