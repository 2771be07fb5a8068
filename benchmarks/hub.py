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
from functools import partial
from typing import TypeVar

from benchmarks.figures import Figure
from benchmarks.listening import alone, rows_alone, tools
from benchmarks.listening.contenders import LIVETRAIL, Start, starters
from benchmarks.listening.path import fan_out_path
from benchmarks.listening.processes import Failed, lift_limits
from benchmarks.listening.rounds import Round, one_round
from benchmarks.listening.rows import BENCH, shared_rows

Seen = TypeVar("Seen")
Section = Callable[[], list[Figure]]


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
    sections: dict[str, Section] = {
        "beside peers": lambda: shared_rows(in_turns(contenders, quick=quick)),
        **by_itself(contenders, quick=quick),
    }
    figures: list[Figure] = []
    for name, measure in sections.items():
        say(name)
        try:
            figures += measure()
        except (Failed, tools.Missing) as why:
            say(f"{name}: not measured: {why}")
            figures.append(Figure(BENCH, name, 0, "", aim=f"not measured: {why}", met=False))
    return figures


def in_turns(contenders: Mapping[str, Start], *, quick: bool) -> dict[str, list[Round]]:
    """Measure what all can do, in rounds that take turns. A peer that fails is told and left out.

    Raises Failed when Livetrail does.
    """
    rounds: dict[str, list[Round]] = {name: [] for name in contenders}
    for number in range(1 if quick else 3):
        for name in list(rounds):
            say(f"round {number + 1}: {name}")
            try:
                rounds[name].append(one_round(name, contenders[name], quick=quick))
            except Failed as why:
                if name == LIVETRAIL:
                    raise
                say(f"{name} is left out: {why}")
                del rounds[name]
    return rounds


def by_itself(contenders: Mapping[str, Start], *, quick: bool) -> dict[str, Section]:
    """Return how everything else is measured, by what it is."""
    times, seconds = (1, 3.0) if quick else (3, 8.0)

    def repeated(one: Callable[[], Seen]) -> list[Seen]:
        return [one() for _ in range(times)]

    def path() -> list[Figure]:
        return [rows_alone.path_row(seen) for seen in fan_out_path(2 if quick else 5, writes=300)]

    def million() -> list[Figure]:
        return rows_alone.million_rows(repeated(partial(alone.steady, 1000, seconds, rooms=1)))

    def rooms() -> list[Figure]:
        return rows_alone.rooms_rows(
            repeated(partial(alone.steady, 10_000, seconds, rooms=1000)),
            repeated(partial(alone.with_slower_fsync, 10_000, seconds, rooms=1000)),
        )

    def storms() -> list[Figure]:
        return rows_alone.storm_rows(
            repeated(alone.long_absence),
            repeated(alone.after_a_kill),
            repeated(partial(alone.killed_while_telling, 2000)),
        )

    def stalls() -> list[Figure]:
        seen = repeated(lambda: (alone.stall(with_one=False), alone.stall(with_one=True)))
        return rows_alone.stall_rows([plain for plain, _ in seen], [one for _, one in seen])

    def idle() -> list[Figure]:
        each = {name: alone.idle_bytes(start) for name, start in contenders.items()}
        return rows_alone.idle_rows(each, alone.hold(7.0 if quick else 30.0))

    return {
        "the fan-out path alone": path,
        "1000 events/s to 1000": million,
        "10,000 events/s over 1000 rooms": rooms,
        "long absences, and kills": storms,
        "a client that stops reading": stalls,
        "connections that only listen": idle,
    }


def say(what: str) -> None:
    """Tell whoever waits what is measured now."""
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
