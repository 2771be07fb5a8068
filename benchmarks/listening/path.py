"""The fan-out path alone: what the hub adds to writing the same bytes to 1000 bare sockets."""

import json
import sys
import tempfile
from dataclasses import dataclass

from benchmarks.figures import median
from benchmarks.listening.contenders import ROOT, subscription
from benchmarks.listening.load import Load
from benchmarks.listening.processes import Process, cores
from benchmarks.listening.rounds import CONNECTING_AT_ONCE, PEOPLE, SETTLE_S
from benchmarks.listening.servers.written import Ready, Work

TOGETHER = 10


@dataclass(frozen=True, slots=True)
class Path:
    """Server CPU seconds per million deliveries, `at_once` events in a write; medians."""

    at_once: int
    hub: float
    bare: float


def fan_out_path(rounds: int, *, writes: int) -> tuple[Path, Path]:
    """Measure one event in a write, and ten; rounds of the hub and of bare sockets take turns."""
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.listening.servers.written", folder]
        with Process("Livetrail", command, cores()[0], cwd=ROOT) as server:
            ready: Ready = json.loads(server.line(60))
            through_hub: dict[str, str | int] = {
                "port": ready["hub_port"],
                "path": "/ws",
                "header": f"Authorization: Bearer {ready['token']}",
                "hello": json.dumps(subscription()),
                "ready": '"type":"live"',
            }
            barely: dict[str, str | int] = {"port": ready["bare_port"], "path": "/"}
            for _ in range(rounds):
                for way, speech in (("hub", through_hub), ("bare", barely)):
                    for at_once in (1, TOGETHER):
                        work: Work = {"way": way, "events": writes * at_once, "at_once": at_once}
                        cost = _told(server, speech, work)
                        found.setdefault((way, at_once), []).append(cost)
    one, ten = (
        Path(at_once, median(found["hub", at_once]), median(found["bare", at_once]))
        for at_once in (1, TOGETHER)
    )
    return one, ten


def _told(server: Process, speech: dict[str, str | int], work: Work) -> float:
    """Return CPU seconds per million deliveries."""
    with Load({"kind": "ws", **speech}) as load:
        load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
        load.ask("hold", seconds=SETTLE_S)
        load.ask("expect", events=work["events"])
        server.say(json.dumps(work))
        load.ask("wait")
        cpu_s = float(server.line(60))
    return cpu_s / work["events"] / PEOPLE * 1e6
