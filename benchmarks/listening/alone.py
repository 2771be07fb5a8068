"""What is measured of Livetrail alone: what no peer promises, or what it must do by itself."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.listening import tools
from benchmarks.listening.contenders import Start, livetrail
from benchmarks.listening.load import Load, Told
from benchmarks.listening.processes import Failed
from benchmarks.listening.rounds import (
    CONNECTING_AT_ONCE,
    MISSED,
    PEOPLE,
    SETTLE_S,
    come_back,
    per_million,
    spoiled_in,
)

SLOWER_FSYNC_MS = 5
LONG_ABSENCE = 2000
CROWD = 10_000
HEARTBEAT_S = 5.0
IDLE = 5000
TELLING_RATE = 500
HEALTHY = 49
STALL_EVENTS = 5000
STALL_PAD_BYTES = 3600  # some 4 kB an event


@dataclass(frozen=True, slots=True)
class Steady:
    """Events at a steady rate.

    p50_ms, p99_ms  from when an event was due until a listener had it
    cpu             server CPU seconds per million deliveries
    took_s          until the last was told, of `wanted_s`
    """

    p50_ms: float
    p99_ms: float
    cpu: float
    took_s: float
    wanted_s: float
    spoiled: int

    @property
    def sustained(self) -> bool:
        """Whether all was told as fast as it came."""
        return self.took_s <= 1.02 * self.wanted_s + 0.1


@dataclass(frozen=True, slots=True)
class Storm:
    """Everybody comes back: seconds until the last has all; events lost, twice or out of order."""

    took_s: float
    spoiled: int


@dataclass(frozen=True, slots=True)
class Stall:
    """49 listeners who read, with or without one that does not.

    rate          events a second that those who read had
    grown_bytes   by which the server's memory grew
    late_spoiled  events that anybody lacks, or had twice, after the one has read on
    """

    rate: float
    grown_bytes: float
    late_spoiled: int


@dataclass(frozen=True, slots=True)
class Held:
    """A crowd that only listens for a while.

    kept    connections that were there at the end
    beaten  of these, how many had a sign of life
    share   of a core that the server needed
    """

    kept: int
    beaten: int
    core_share: float


def steady(
    rate: float, seconds: float, *, rooms: int, env: Mapping[str, str] | None = None
) -> Steady:
    """Publish `rate` events a second to 1000 listeners, over so many rooms."""
    with livetrail(rooms=rooms, env=env) as server, Load(server.speech) as load:
        load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE, rooms=rooms)
        for length_s in (1.0, seconds):  # the first warms up
            events = int(rate * length_s)
            load.ask("expect", events=events // rooms)
            cpu_s = server.process.cpu_s()
            began_ns = load.ask("count").began_ns
            server.publish(events, rooms=rooms, rate=rate)
            heard = load.ask("wait")
            cpu_s = server.process.cpu_s() - cpu_s
        return Steady(
            p50_ms=heard.latency_ms.p50,
            p99_ms=heard.latency_ms.p99,
            cpu=per_million(cpu_s, heard),
            took_s=(heard.last_event_ns - began_ns) / 1e9,
            wanted_s=seconds,
            spoiled=spoiled_in(heard),
        )


def with_slower_fsync(rate: float, seconds: float, *, rooms: int) -> Steady:
    """The same on a disk whose every fsync takes 5 ms longer. Raises Failed if it did not."""
    env = {"LD_PRELOAD": str(tools.slow_fsync()), "SLOW_FSYNC_MS": str(SLOWER_FSYNC_MS)}
    seen = steady(rate, seconds, rooms=rooms, env=env)
    if seen.p50_ms < SLOWER_FSYNC_MS:
        raise Failed("fsync was not slower: does this Python's SQLite call it by another way?")
    return seen


def long_absence() -> Storm:
    """Everybody misses 2000 events, and comes back at once."""
    with livetrail() as server, Load(server.speech) as load:
        load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
        load.ask("drop")
        load.ask("hold", seconds=SETTLE_S)
        load.ask("expect", events=LONG_ABSENCE)
        server.publish(LONG_ABSENCE)
        came = come_back(load)
        return Storm(came.took_s, spoiled_in(came))


def after_a_kill() -> Storm:
    """Everybody misses 100 events, the server is killed, and they come back to another one."""
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        with livetrail(Path(folder)) as server, Load(server.speech) as load:
            load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
            load.ask("drop")
            load.ask("expect", events=MISSED)
            server.publish(MISSED)
            server.process.kill()
            with livetrail(Path(folder)) as again:
                load.now_speaks(again.speech)
                came = come_back(load)
        return Storm(came.took_s, spoiled_in(came))


def killed_while_telling(events: int) -> Storm:
    """The server is killed while it tells; everybody comes back to another one for the rest.

    What was told and what is in the log must be the same, each event once.
    """
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        with livetrail(Path(folder)) as server, Load(server.speech) as load:
            load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
            load.ask("expect", events=events)
            server.order(events, rate=TELLING_RATE)
            while (heard := load.ask("hold", seconds=0.02)).events < events * PEOPLE / 4:
                if heard.closed:
                    raise Failed(f"connections ended before the kill: {heard.trouble}")
            server.process.kill()
            load.ask("drop")
            with livetrail(Path(folder)) as again:
                load.now_speaks(again.speech)
                load.ask("expect", events=again.committed, keep=1)
                came = come_back(load)
                if not 0 < again.committed < events:
                    raise Failed(f"killed too late to tell anything: {again.committed} events")
        return Storm(came.took_s, spoiled_in(came))


def stall(*, with_one: bool) -> Stall:
    """Publish 20 MB to each of 49 listeners who read, and to one who does not, if there is one."""
    with livetrail() as server, Load(server.speech) as load:
        load.ask("connect", count=HEALTHY, inflight=CONNECTING_AT_ONCE)
        if with_one:
            load.ask("connect", count=1, small=1)
        load.ask("expect", events=STALL_EVENTS // 5)
        server.publish(STALL_EVENTS // 5, pad=STALL_PAD_BYTES)  # warms up
        load.ask("wait")
        load.ask("stall", on=1)
        load.ask("expect", events=STALL_EVENTS)
        before = server.process.rss_bytes()
        began_ns = load.ask("count").began_ns
        server.publish(STALL_EVENTS, pad=STALL_PAD_BYTES)
        heard = load.ask("wait")
        grown = server.process.rss_bytes() - before
        rate = STALL_EVENTS / ((heard.last_event_ns - began_ns) / 1e9)
        load.ask("stall", on=0)
        load.ask("wait")
        late = load.ask("hold", seconds=SETTLE_S)
        return Stall(rate, grown, spoiled_in(late))


def idle_bytes(start: Start) -> float:
    """Return what each of 5000 connections that only listen adds to the server's memory."""
    with start() as server, Load(server.speech) as load:
        load.ask("connect", count=1)  # whatever the first one makes the server load
        before = server.process.rss_bytes()
        load.ask("connect", count=IDLE, inflight=CONNECTING_AT_ONCE)
        load.ask("hold", seconds=1)
        return (server.process.rss_bytes() - before) / IDLE


def hold(seconds: float) -> Held:
    """Let 10,000 listen to nothing but heartbeats."""
    with livetrail(heartbeat_s=HEARTBEAT_S) as server, Load(server.speech) as load:
        load.ask("connect", count=CROWD, inflight=CONNECTING_AT_ONCE)
        load.ask("expect", events=0)
        cpu_s = server.process.cpu_s()
        held: Told = load.ask("hold", seconds=seconds)
        cpu_s = server.process.cpu_s() - cpu_s
        return Held(held.ready, held.beaten, cpu_s / seconds)
