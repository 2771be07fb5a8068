"""Deliveries a second to 1000 WebSocket listeners, every event committed before it is sent.

The limit writes the same bytes, in the same pieces, to 1000 sockets from the same kind of loop,
with no hub, no WebSocket and nothing stored. Rounds of both are interleaved.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from app import keys
from app.store.events import Recorded
from benchmarks.crowd import PEOPLE, RAW_NEEDLE, Crowd, cpu_s, raw_sockets, serving
from benchmarks.figures import Figure, median
from benchmarks.journal import JOBS, create_jobs, progress

AT_ONCE = 40  # events that are on their way into the log at any time


def run(*, quick: bool) -> list[Figure]:
    """Measure deliveries a second and processor seconds per million deliveries."""
    events, rounds = (1000, 2) if quick else (2000, 5)
    ours: list[tuple[float, float]] = []
    raw: list[tuple[float, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
            rate, cpu, pieces = uvloop.run(through_hub(Path(folder), events))
        ours.append((rate, cpu))
        raw.append(uvloop.run(raw_writes(pieces, events)))
    rate, limit = median(r for r, _ in ours), median(r for r, _ in raw)
    cpu, cpu_limit = median(c for _, c in ours), median(c for _, c in raw)
    return [
        Figure(
            bench="fanout",
            what=f"fan-out to {PEOPLE} listeners, durable",
            value=rate,
            unit="deliveries/s",
            limit=limit,
            limit_is="same bytes written to raw sockets",
            aim="at least 0.7 of the limit",
            met=rate / limit >= 0.7,
        ),
        Figure(
            bench="fanout",
            what="processor time per million deliveries, commits included",
            value=cpu,
            unit="s",
            limit=cpu_limit,
            limit_is="raw sockets",
        ),
    ]


async def through_hub(folder: Path, events: int) -> tuple[float, float, list[int]]:
    """Return deliveries a second, CPU seconds per million, and the bytes of each commit."""
    async with serving(folder) as server:
        journal, hub = server.app[keys.JOURNAL], server.app[keys.HUB]
        await create_jobs(journal, server.user_id)
        pieces: list[int] = []
        publish = hub.publish

        def noting(committed: list[Recorded]) -> None:
            pieces.append(sum(len(event.body) + 1 for event in committed))
            publish(committed)

        hub.publish = noting  # type: ignore[assignment,method-assign]
        async with Crowd(server.port, events=events, token=server.token) as crowd:

            async def publishing(number: int) -> None:
                for done in range(events // AT_ONCE):
                    await journal.append(progress(number % JOBS, done))

            began_ns, cpu = time.monotonic_ns(), cpu_s()
            await asyncio.gather(*(publishing(number) for number in range(AT_ONCE)))
            heard = await crowd.heard()
            cpu = cpu_s() - cpu
    took = (heard["done_ns"] - began_ns) / 1e9
    deliveries = events * PEOPLE
    return deliveries / took, cpu / deliveries * 1e6, pieces


async def raw_writes(pieces: list[int], events: int) -> tuple[float, float]:
    """Return deliveries a second and CPU seconds per million, for pieces of so many bytes."""
    # One mark a piece: the listeners count pieces here.
    async with raw_sockets(events=len(pieces)) as (crowd, everybody):
        began_ns, cpu = time.monotonic_ns(), cpu_s()
        for size in pieces:
            data = RAW_NEEDLE.encode() + b"x" * (size - len(RAW_NEEDLE))
            for one in everybody:
                if not one.free.is_set():
                    await one.free.wait()
                one.transport.write(data)
            await asyncio.sleep(0)
        heard = await crowd.heard()
        cpu = cpu_s() - cpu
    took = (heard["done_ns"] - began_ns) / 1e9
    deliveries = events * PEOPLE
    return deliveries / took, cpu / deliveries * 1e6
