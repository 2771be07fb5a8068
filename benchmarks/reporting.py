"""How many reports from outside a second a server takes, by the processor time that it spends.

A worker of its own process sends reports as NDJSON, thousands a request, and waits for each answer:
by then they are committed. Seconds are those in which the server's process computed, all of its
threads, so that they hold on a machine that others use too. One listener follows everything.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.figures import Beside, Figure
from benchmarks.served import Served, served

AIM_PER_S = 20_000.0
REQUESTS = (1000, 5000)  # reports in each
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Load:
    """What sending some reports took: seconds of the server's processor, and of the clock."""

    reports: int
    cpu_s: float
    wall_s: float
    stall_ms: float


def run(*, quick: bool) -> list[Figure]:
    """Send 40,000 reports for each size of request; --quick a quarter of it."""
    figures = []
    for size in REQUESTS:
        load = asyncio.run(_measure(size, 10_000 if quick else 40_000))
        rate = load.reports / load.cpu_s
        figures.append(
            Figure(
                bench="reporting",
                what=f"reports from outside, {size} a request",
                value=rate,
                unit="events/s of one core",
                beside=(Beside(load.reports / load.wall_s, "of the clock, on this machine"),),
                aim=f"at least {AIM_PER_S:,.0f}",
                met=rate >= AIM_PER_S,
            )
        )
        figures.append(
            Figure(
                bench="reporting",
                what=f"stalls of the event loop meanwhile, p99, {size} a request",
                value=load.stall_ms,
                unit="ms",
            )
        )
    return figures


async def _measure(size: int, reports: int) -> Load:
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        async with served(Path(folder)) as server, server.client.ws_connect("/ws") as socket:
            await socket.send_json({"op": "subscribe", "id": "1", "room": "user:me"})
            listening = asyncio.create_task(_heard(socket))
            job_id = await _create(server)
            await _send(server, job_id, 0, size, reports)  # the first ones warm it up
            before, began = _cpu_s(server.pid), time.perf_counter()
            for start in range(size, size + reports, size):
                await _send(server, job_id, start, size, reports)
            wall_s = time.perf_counter() - began
            cpu_s = _cpu_s(server.pid) - before
            seen = await server.seen()
            listening.cancel()
            return Load(reports, cpu_s, wall_s, float(seen["stall_p99_ms"]))


async def _create(server: Served) -> str:
    plan = [{"key": "load", "label": "Loading"}, {"key": "train", "label": "Training"}]
    async with server.client.post("/api/v1/jobs", json={"name": "a", "plan": plan}) as answer:
        answer.raise_for_status()
        return str((await answer.json())["job_id"])


async def _send(server: Served, job_id: str, start: int, size: int, whole: int) -> None:
    lines = b"".join(
        orjson.dumps(
            {
                "type": "processing_progress",
                "step": "extracting",
                "progress": round(100 * at / (whole + 2 * size), 3),
                "context": {"rows_done": at, "rows_total": whole + 2 * size},
            }
        )
        + b"\n"
        for at in range(start, start + size)
    )
    path = f"/api/v1/jobs/{job_id}/events"
    async with server.client.post(path, data=lines, headers=NDJSON) as answer:
        answer.raise_for_status()
        taken = await answer.json()
    if taken["accepted"] != size:
        raise RuntimeError(f"{taken} does not tell of {size} reports")


async def _heard(socket: object) -> None:
    async for _ in socket:  # type: ignore[attr-defined]
        pass


def _cpu_s(pid: int) -> float:
    """Return the seconds for which a process has computed, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
