"""The hub beside its peers: fan-out, latency, resume, memory, connections.

Peers are nchan (C), socket.io on Node, the connection manager of FastAPI's tutorial, and
python-socketio on aiohttp. They store nothing; Livetrail commits every event (synchronous=FULL)
before anybody hears it. The server runs on one core, the load generator on another. Rounds of all
contenders take turns, so that what else the machine does hits them alike. Processor seconds of the
server for a million deliveries, and ratios, say more than rates: those swing by half on a shared
machine.
"""

import sys

from benchmarks.figures import Figure
from benchmarks.listening import tools
from benchmarks.listening.contenders import starters
from benchmarks.listening.processes import lift_limits
from benchmarks.listening.rounds import Round, one_round
from benchmarks.listening.rows import shared_rows


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
    rounds: dict[str, list[Round]] = {name: [] for name in contenders}
    for number in range(2 if quick else 3):
        for name, start in contenders.items():
            say(f"round {number + 1}: {name}")
            rounds[name].append(one_round(name, start, quick=quick))
    return shared_rows(rounds)


def say(what: str) -> None:
    """Tell whoever waits what is measured now."""
    print(f"  {what}", file=sys.stderr, flush=True)
