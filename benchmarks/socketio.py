"""Socket.IO clients: what it takes to tell them, beside python-socketio's own emit.

A thousand clients of one room, on a WebSocket each. Livetrail keeps their connections with the same
library, but commits each event first (synchronous=FULL) and writes one prebuilt frame to all of
them. Its own WebSocket stands beside it: what differs is Socket.IO's share. The server runs on one
core, the load generator on another; the servers take turns.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.figures import Beside, Figure
from benchmarks.listening import tools
from benchmarks.listening.contenders import (
    LIVETRAIL,
    PYTHON_SOCKETIO,
    Start,
    livetrail,
    livetrail_socketio,
    socketio_python,
)
from benchmarks.listening.load import Load
from benchmarks.listening.processes import lift_limits
from benchmarks.listening.rounds import (
    CONNECTING_AT_ONCE,
    FEW_POSTS,
    PEOPLE,
    SETTLE_S,
    fan_out,
    on_the_beat,
    spoiled_in,
)

BENCH = "socketio"
CPU_AT_MOST = 0.3  # of python-socketio's
P99_AT_MOST_MS = 25.0
WARM_UP = 20  # events
NATIVE = "its own WebSocket"
FLOOD = {LIVETRAIL: 800, NATIVE: 800, PYTHON_SOCKETIO: 100}


@dataclass(frozen=True, slots=True)
class Round:
    """One server, once. CPU seconds are per million deliveries, latencies ms."""

    beat_cpu: float
    beat_p99_ms: float
    flood_cpu: float
    spoiled: int


def run(*, quick: bool) -> list[Figure]:
    """Measure both in turns; --quick once, and shorter."""
    if sys.platform != "linux":
        sys.exit("bench socketio needs Linux: it pins processes to cores and reads /proc")
    try:
        tools.load_generator()
    except tools.Missing as missing:
        sys.exit(f"bench socketio can not run: {missing}")
    lift_limits()
    starts: dict[str, Start] = {
        LIVETRAIL: livetrail_socketio,
        NATIVE: livetrail,
        PYTHON_SOCKETIO: partial(socketio_python, sys.executable),
    }
    rounds: dict[str, list[Round]] = {name: [] for name in starts}
    for _ in range(1 if quick else 3):
        for name, start in starts.items():
            rounds[name].append(one_round(name, start, quick=quick))
    return figures(rounds)


def one_round(name: str, start: Start, *, quick: bool) -> Round:
    """Start a server and measure it. Raises Failed."""
    with start() as server, Load(server.speech) as load:
        load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
        load.ask("hold", seconds=SETTLE_S)
        fan_out(server, load, WARM_UP, FEW_POSTS)
        cpu, beat = on_the_beat(server, load, events=30 if quick else 80)
        flood = fan_out(server, load, FLOOD[name] // (2 if quick else 1), FEW_POSTS)
        return Round(cpu, beat.latency_ms.p99, flood.cpu, spoiled_in(beat) + flood.spoiled)


def figures(rounds: Mapping[str, list[Round]]) -> list[Figure]:
    """Return the rows of the table, each the median of its rounds."""
    ours, theirs = rounds[LIVETRAIL], rounds[PYTHON_SOCKETIO]

    def row(what: str, key: str, unit: str, aim: str, met: bool | None) -> Figure:
        beside = tuple(
            Beside(median(getattr(one, key) for one in rounds[name]), name)
            for name in (PYTHON_SOCKETIO, NATIVE)
        )
        value = median(getattr(one, key) for one in ours)
        return Figure(BENCH, what, value, unit, beside, aim, met)

    def share(key: str) -> float:
        return median(getattr(one, key) for one in ours) / median(
            getattr(one, key) for one in theirs
        )

    p99_ms = median(one.beat_p99_ms for one in ours)
    spoiled = sum(one.spoiled for one in ours)
    aim = f"at most {CPU_AT_MOST} of its emit"
    return [
        row(
            "Socket.IO, 10 events/s to 1000: CPU",
            "beat_cpu",
            "s per million deliveries",
            aim,
            share("beat_cpu") <= CPU_AT_MOST,
        ),
        row(
            "Socket.IO, 10 events/s to 1000: latency p99",
            "beat_p99_ms",
            "ms",
            f"at most {P99_AT_MOST_MS:.0f} ms",
            p99_ms <= P99_AT_MOST_MS,
        ),
        row(
            "Socket.IO, as fast as it goes to 1000: CPU",
            "flood_cpu",
            "s per million deliveries",
            aim,
            share("flood_cpu") <= CPU_AT_MOST,
        ),
        Figure(BENCH, "Socket.IO: events lost or repeated", spoiled, "", (), "none", spoiled == 0),
    ]
