"""The load generator: many listeners and a few publishers in one process, written in C."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.listening import tools
from benchmarks.listening.processes import Failed, Process, cores

Speech = Mapping[str, str | int]
"""How a server is spoken to; the head of generator/load.c says which values there are."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How `n` times, ms, are distributed."""

    n: int
    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Told:
    """What the load generator answered. Counts are of all listeners since the last `expect`.

    took_s                 from the order to its end
    began_ns               when the order came, CLOCK_MONOTONIC
    last_event_ns          when the last event came
    failed, closed         connections that were not had, and that ended although they were
    lost                   events that listeners who read expect and have not got
    repeated, disordered   events that came again, and that came after a later one
    beaten                 listeners that got anything beside events
    trouble                the first thing that went wrong, in words
    """

    order: str
    timed_out: bool
    took_s: float
    began_ns: int
    last_event_ns: int
    ready: int
    failed: int
    closed: int
    events: int
    lost: int
    repeated: int
    disordered: int
    frames: int
    bytes: int
    refused: int
    beaten: int
    latency_ms: Spread
    connect_ms: Spread
    trouble: str


def parse_told(line: str) -> Told:
    """Return one answer of the load generator. Raises Failed when it says that it can not go on."""
    said: dict[str, Any] = json.loads(line)
    if "error" in said:
        raise Failed(f"the load generator: {said['error']} ({said['detail']})")
    said["latency_ms"] = Spread(**said["latency_ms"])
    said["connect_ms"] = Spread(**said["connect_ms"])
    return Told(**said)


class Load(Process):
    """A load generator for one server."""

    def __init__(self, speech: Speech) -> None:
        super().__init__("the load generator", [tools.load_generator()], cores()[1])
        self._given: dict[str, str | int] = dict(speech)

    def now_speaks(self, speech: Speech) -> None:
        """Whoever comes back from now on comes to another server."""
        self._given = dict(speech)

    def ask(self, order: str, *, timeout_s: float = 60.0, **values: float | str) -> Told:
        """Have one order carried out. Raises Failed when that took too long or went wrong."""
        told = self.try_to(order, timeout_s=timeout_s, **values)
        if told.timed_out or told.failed or told.refused:
            raise Failed(
                f"{order} of the load generator: {'timed out, ' if told.timed_out else ''}"
                f"ready={told.ready} failed={told.failed} refused={told.refused} lost={told.lost}"
                f" {told.trouble}"
            )
        return told

    def try_to(self, order: str, *, timeout_s: float = 60.0, **values: float | str) -> Told:
        """Have one order carried out, and tell how that went."""
        given = {**self._given, **values, "timeout": timeout_s}
        self._given = {}  # it remembers them
        self.say("\t".join([order, *(f"{key}={value}" for key, value in given.items())]))
        return parse_told(self.line(timeout_s + 10))
