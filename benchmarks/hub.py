"""The hub beside its peers: fan-out, latency, resume, memory, connections.

Peers are nchan (C), socket.io on Node, the connection manager of FastAPI's tutorial, and
python-socketio on aiohttp. They store nothing; Livetrail commits every event (synchronous=FULL)
before anybody hears it. The server runs on one core, the load generator on another. Rounds of all
contenders take turns, so that what else the machine does hits them alike. Processor seconds of the
server for a million deliveries, and ratios, say more than rates: those swing by half on a shared
machine.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from benchmarks.figures import Figure
from benchmarks.listening import alone, rows_alone, tools
from benchmarks.listening.contenders import Start, starters
from benchmarks.listening.path import fan_out_path
from benchmarks.listening.processes import lift_limits
from benchmarks.listening.rounds import Round, one_round
from benchmarks.listening.rows import shared_rows

Seen = TypeVar("Seen")


def run(*, quick: bool) -> list[Figure]:
    """Measure every row; --quick takes shorter and fewer rounds."""
    if sys.platform != "linux":
        sys.exit("bench hub needs Linux: it pins processes to cores and reads /proc")
    try:
        tools.load_generator()
    except tools.Missing as missing:
        sys.exit(f"bench hub can not run: {missing}")
    lift_limits()
    contenders = starters()
    return [*beside_peers(contenders, quick=quick), *by_itself(contenders, quick=quick)]


def beside_peers(contenders: Mapping[str, Start], *, quick: bool) -> list[Figure]:
    """Measure what all can do, in rounds that take turns."""
    rounds: dict[str, list[Round]] = {name: [] for name in contenders}
    for number in range(1 if quick else 3):
        for name, start in contenders.items():
            say(f"round {number + 1}: {name}")
            rounds[name].append(one_round(name, start, quick=quick))
    return shared_rows(rounds)


def by_itself(contenders: Mapping[str, Start], *, quick: bool) -> list[Figure]:
    """Measure what Livetrail must do alone."""
    times, seconds = (1, 3.0) if quick else (3, 8.0)

    def measured(what: str, one: Callable[[], Seen]) -> list[Seen]:
        say(what)
        return [one() for _ in range(times)]

    say("the fan-out path alone")
    one, ten = fan_out_path(rounds=2 if quick else 5, writes=300)
    million = measured("1000 events/s to 1000", lambda: alone.steady(1000, seconds, rooms=1))
    rooms = measured("10,000 events/s", lambda: alone.steady(10_000, seconds, rooms=1000))
    slower = measured(
        "10,000 events/s, slower fsync",
        lambda: alone.with_slower_fsync(10_000, seconds, rooms=1000),
    )
    absences = measured("2000 events missed", alone.long_absence)
    kills = measured("killed while nobody was there", alone.after_a_kill)
    telling = measured("killed while telling", lambda: alone.killed_while_telling(2000))
    stalls = measured(
        "one client stops reading",
        lambda: (alone.stall(with_one=False), alone.stall(with_one=True)),
    )
    idle_bytes: dict[str, float] = {}
    for name, start in contenders.items():
        say(f"idle connections: {name}")
        idle_bytes[name] = alone.idle_bytes(start)
    say("10,000 connections held")
    held = alone.hold(7.0 if quick else 30.0)
    return [
        rows_alone.path_row(one),
        rows_alone.path_row(ten),
        *rows_alone.million_rows(million),
        *rows_alone.rooms_rows(rooms, slower),
        *rows_alone.storm_rows(absences, kills, telling),
        *rows_alone.stall_rows([plain for plain, _ in stalls], [clogged for _, clogged in stalls]),
        *rows_alone.idle_rows(idle_bytes, held),
    ]


def say(what: str) -> None:
    """Tell whoever waits what is measured now."""
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
