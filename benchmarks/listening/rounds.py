"""What is measured of Livetrail and its peers alike, in rounds that take turns."""

from dataclasses import dataclass, replace

from benchmarks.listening.contenders import (
    FASTAPI,
    LIVETRAIL,
    NCHAN,
    PYTHON_SOCKETIO,
    SOCKETIO,
    Running,
    Start,
)
from benchmarks.listening.load import Load, Told
from benchmarks.listening.processes import Failed

PEOPLE = 1000
CONNECTING_AT_ONCE = 64
RETURNING_AT_ONCE = 256
# Keep-alive connections that publish as fast as they are answered. Four of them wait for the load
# generator as often as for the server; with many a server that gathers can show it.
FEW_POSTS = 4
MANY_POSTS = 16
EVERY_S = 0.1
MISSED = 100
SETTLE_S = 0.3
# Events of a flood: some three seconds of it.
EVENTS = {LIVETRAIL: 1600, NCHAN: 500, SOCKETIO: 250, FASTAPI: 200, PYTHON_SOCKETIO: 100}
WARM_UP_SHARE = 8
RESUMES = frozenset({LIVETRAIL, NCHAN, SOCKETIO})


@dataclass(frozen=True, slots=True)
class Flood:
    """As fast as it goes.

    cpu       server CPU seconds per million deliveries
    rate      deliveries a second
    together  events in one frame
    spoiled   events that were lost or came twice; the publishers agree on no order
    """

    cpu: float
    rate: float
    together: float
    spoiled: int


@dataclass(frozen=True, slots=True)
class Round:
    """One contender, once.

    connect_s    1000 connections, each followed by its subscription; and p99 of one, ms
    few, many    as fast as it takes events from few publishers, and from many
    beat_*       at ten events a second: latencies, ms, and CPU seconds per million
    storm_s      until the last of all who came back had what it missed; None: it can not resume
    spoiled      events that were lost, or came twice or out of order
    """

    connect_s: float
    connect_p99_ms: float
    few: Flood
    many: Flood
    beat_p50_ms: float
    beat_p99_ms: float
    beat_cpu: float
    storm_s: float | None
    spoiled: int


def one_round(name: str, start: Start, *, quick: bool) -> Round:
    """Start a contender and measure it. Raises Failed."""
    with start() as server, Load(server.speech) as load:
        connected = load.ask("connect", count=PEOPLE, inflight=CONNECTING_AT_ONCE)
        load.ask("hold", seconds=SETTLE_S)
        events = EVENTS[name] // (2 if quick else 1)
        fan_out(server, load, max(20, events // WARM_UP_SHARE), FEW_POSTS)
        few = fan_out(server, load, events, FEW_POSTS)
        many = fan_out(server, load, events, MANY_POSTS)
        beat_cpu, beat = on_the_beat(server, load, events=30 if quick else 80)
        spoiled = few.spoiled + many.spoiled + spoiled_in(beat)
        storm_s = None
        if name in RESUMES:
            stormed = storm(load)
            storm_s = stormed.took_s
            spoiled += spoiled_in(stormed)
        return Round(
            connect_s=connected.took_s,
            connect_p99_ms=connected.connect_ms.p99,
            few=few,
            many=many,
            beat_p50_ms=beat.latency_ms.p50,
            beat_p99_ms=beat.latency_ms.p99,
            beat_cpu=beat_cpu,
            storm_s=storm_s,
            spoiled=spoiled,
        )


def fan_out(server: Running, load: Load, events: int, posts: int) -> Flood:
    """Publish over so many connections, each as soon as it was answered."""
    load.ask("expect", events=events)
    cpu_s = server.process.cpu_s()
    began = load.ask("publish", events=events, posts=posts, rate=0)
    load.ask("wait")
    cpu_s = server.process.cpu_s() - cpu_s
    heard = load.ask("hold", seconds=SETTLE_S)
    return Flood(
        cpu=per_million(cpu_s, heard),
        rate=heard.events / ((heard.last_event_ns - began.began_ns) / 1e9),
        together=heard.events / heard.frames,
        spoiled=heard.lost + heard.repeated,
    )


def on_the_beat(server: Running, load: Load, *, events: int) -> tuple[float, Told]:
    """Publish ten events a second. Returns CPU seconds per million, and what was heard."""
    load.ask("expect", events=events)
    cpu_s = server.process.cpu_s()
    load.ask("publish", events=events, posts=1, rate=1 / EVERY_S)
    heard = load.ask("wait")
    return per_million(server.process.cpu_s() - cpu_s, heard), heard


def storm(load: Load, missed: int = MISSED) -> Told:
    """Drop everybody, publish, and let all come back with their cursors at once."""
    load.ask("drop")
    load.ask("hold", seconds=SETTLE_S)  # so that the server has noticed
    load.ask("expect", events=missed)
    load.ask("publish", events=missed, posts=1, rate=0)
    return come_back(load)


def come_back(load: Load) -> Told:
    """Let all come back with their cursors. What is told twice may come a little later."""
    came = load.ask("resume", inflight=RETURNING_AT_ONCE)
    later = load.ask("hold", seconds=SETTLE_S)
    if later.closed:
        raise Failed(f"{later.closed} connections ended after they had come back: {later.trouble}")
    return replace(later, took_s=came.took_s)


def spoiled_in(told: Told) -> int:
    """Return how many events were lost, or came twice or out of order."""
    return told.lost + told.repeated + told.disordered


def per_million(cpu_s: float, heard: Told) -> float:
    """Return processor seconds per million deliveries."""
    return cpu_s / heard.events * 1e6
