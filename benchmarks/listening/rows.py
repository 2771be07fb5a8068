"""From what was measured to the rows of the table. Pure."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.figures import Beside, Figure, median
from benchmarks.listening.contenders import FASTAPI, LIVETRAIL, NCHAN, PYTHON_SOCKETIO, SOCKETIO
from benchmarks.listening.rounds import FEW_POSTS, MANY_POSTS, MISSED, PEOPLE, Round

Rounds = Mapping[str, Sequence[Round]]
BENCH = "hub"


def shared_rows(rounds: Rounds) -> list[Figure]:
    """Return the rows in which peers stand beside Livetrail; every value is a median."""
    ours = rounds[LIVETRAIL]
    connect_p99_ms = median(one.connect_p99_ms for one in ours)
    p50_ms = median(one.beat_p50_ms for one in ours)
    p99_ms = median(one.beat_p99_ms for one in ours)
    spoiled = sum(one.spoiled for one in ours)
    flood = f"fan-out, one room of {PEOPLE}, as fast as it goes"
    beat = f"10 events/s to {PEOPLE}"
    return [
        compared(
            f"{flood}, {FEW_POSTS} publishers: CPU per million deliveries",
            "s",
            medians(rounds, lambda one: one.few.cpu),
            {NCHAN: 0.6, SOCKETIO: 0.3, FASTAPI: 0.2, PYTHON_SOCKETIO: 0.1},
        ),
        compared(
            f"{flood}, {MANY_POSTS} publishers: CPU per million deliveries",
            "s",
            medians(rounds, lambda one: one.many.cpu),
            {NCHAN: 0.6, SOCKETIO: 0.3, FASTAPI: 0.2, PYTHON_SOCKETIO: 0.1},
        ),
        compared("deliveries meanwhile", "/s", medians(rounds, lambda one: one.many.rate)),
        compared("events in a frame meanwhile", "", medians(rounds, lambda one: one.many.together)),
        compared(
            f"{beat}: p50",
            "ms",
            medians(rounds, lambda one: one.beat_p50_ms),
            also=("≤ 8 ms", p50_ms <= 8),
        ),
        compared(
            f"{beat}: p99",
            "ms",
            medians(rounds, lambda one: one.beat_p99_ms),
            also=("≤ 25 ms", p99_ms <= 25),
        ),
        compared(
            f"{beat}: CPU per million deliveries",
            "s",
            medians(rounds, lambda one: one.beat_cpu),
            {NCHAN: 1.2},
        ),
        compared(
            f"resume storm, {PEOPLE} × {MISSED} missed",
            "s",
            medians(rounds, lambda one: one.storm_s),
            {NCHAN: 0.4, SOCKETIO: 0.2},
        ),
        Figure(
            bench=BENCH,
            what="events lost, told twice or out of order, in all rounds",
            value=spoiled,
            unit="",
            aim="none",
            met=spoiled == 0,
        ),
        compared(
            f"{PEOPLE} connects",
            "s",
            medians(rounds, lambda one: one.connect_s),
            {PYTHON_SOCKETIO: 0.5},
        ),
        Figure(
            bench=BENCH,
            what="one of these connects, p99",
            value=connect_p99_ms,
            unit="ms",
            aim="under 100 ms",
            met=connect_p99_ms < 100,
        ),
    ]


def medians(rounds: Rounds, value: Callable[[Round], float | None]) -> dict[str, float]:
    """Return the median of each contender that has such a value."""
    found = {
        name: [seen for one in some if (seen := value(one)) is not None]
        for name, some in rounds.items()
    }
    return {name: median(values) for name, values in found.items() if values}


def compared(
    what: str,
    unit: str,
    values: Mapping[str, float],
    at_most: Mapping[str, float] | None = None,
    also: tuple[str, bool] | None = None,
) -> Figure:
    """Return a row that compares Livetrail with its peers.

    at_most  the aim: the most that Livetrail's value may be, as a share of a peer's. A peer that
             was not measured is said to be missing, and the verdict is that of the others
    also     a further aim in words, and whether it was met
    """
    ours = values[LIVETRAIL]
    words, verdicts = [], []
    for name, share in (at_most or {}).items():
        if name in values:
            words.append(f"{share:g} × {name}")
            verdicts.append(ours <= share * values[name])
        else:
            words.append(f"{share:g} × {name} (not here)")
    aim = f"≤ {', '.join(words)}" if words else ""
    if also is not None:
        aim = "; ".join(filter(None, (aim, also[0])))
        verdicts.append(also[1])
    return Figure(
        bench=BENCH,
        what=what,
        value=ours,
        unit=unit,
        beside=tuple(Beside(value, name) for name, value in values.items() if name != LIVETRAIL),
        aim=aim,
        met=all(verdicts) if verdicts else None,
    )
