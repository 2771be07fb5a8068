"""From publishing an event to each of 1000 listeners having it: at 10 events a second.

The limit is the same clock over a bare socket to each of 1000 listeners: written, not committed.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from app import keys
from app.core.events import ProcessingProgress
from benchmarks.crowd import PEOPLE, RAW_NEEDLE, Crowd, raw_sockets, serving
from benchmarks.figures import Figure, quantile
from benchmarks.journal import create_jobs, job_id

EVERY_S = 0.1
EVENT_BYTES = 350


def run(*, quick: bool) -> list[Figure]:
    """Measure p50 and p99 over all listeners and events."""
    events = 50 if quick else 200
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        ours = uvloop.run(through_hub(Path(folder), events))
    raw = uvloop.run(raw_writes(events))
    return [
        Figure(
            bench="latency",
            what=f"publish to receive, {PEOPLE} listeners, {name}",
            value=quantile(ours, share) / 1e6,
            unit="ms",
            limit=quantile(raw, share) / 1e6,
            limit_is="raw sockets, nothing stored",
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def steadily(events: int, publish: Callable[[int], Awaitable[object]]) -> None:
    """Call `publish` ten times a second, on the beat."""
    began = time.monotonic()
    for number in range(events):
        await asyncio.sleep(max(0.0, began + number * EVERY_S - time.monotonic()))
        await publish(number)


async def through_hub(folder: Path, events: int) -> list[int]:
    """Return every latency, ns."""
    async with serving(folder) as server:
        journal = server.app[keys.JOURNAL]
        await create_jobs(journal, server.user_id)
        async with Crowd(server.port, events=events, token=server.token, latency=True) as crowd:

            async def publish(number: int) -> None:
                await journal.append(
                    ProcessingProgress(
                        job_id=job_id(0),
                        message="Reading through your data: 150 of 500 rows...",
                        details={"processed": number, "sent_ns": time.monotonic_ns()},
                    )
                )

            await steadily(events, publish)
            heard = await crowd.heard()
    return [int(latency) for latency in heard["latencies_ns"]]


async def raw_writes(events: int) -> list[int]:
    """Return every latency, ns, of the same number of bytes written to bare sockets."""
    async with raw_sockets(events=events, latency=True) as (crowd, everybody):

        async def publish(_: int) -> None:
            data = f'{RAW_NEEDLE}"sent_ns":{time.monotonic_ns()},'.encode()
            data += b"x" * (EVENT_BYTES - len(data))
            for one in everybody:
                one.transport.write(data)

        await steadily(events, publish)
        heard = await crowd.heard()
    return [int(latency) for latency in heard["latencies_ns"]]
