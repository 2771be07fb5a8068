"""The whole plan for a long CSV: rows a second, the server's memory, the stalls of its loop.

The limit reads the same file with polars and inserts its rows with sqlite3's executemany into a
table without an index: no scan, no formats, no comparison, no categories. The clock runs from the
last byte of the upload to `processing_completed`.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from app.core.samples import transactions_csv
from benchmarks.figures import Beside, Figure, median

ROOT = Path(__file__).resolve().parents[1]
ENDS = ("processing_completed", "processing_failed")


@dataclass(frozen=True, slots=True)
class Run:
    """One file through the plan."""

    took_s: float
    seen: dict[str, Any]


def run(*, quick: bool) -> list[Figure]:
    """Measure both, interleaved; --quick takes a fifth of the rows, once."""
    rows, rounds = (200_000, 1) if quick else (1_000_000, 3)
    ours: list[Run] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as folder:
        source = Path(folder) / "transactions.csv"
        with source.open("wb") as stream:
            for block in transactions_csv(rows):
                stream.write(block)
        for number in range(rounds):
            bare.append(_bare(source, Path(folder) / f"bare-{number}.db"))
            ours.append(asyncio.run(_through_plan(source, rows, Path(folder) / f"data-{number}")))
    took, limit = median(r.took_s for r in ours), median(bare)
    peak = max(r.seen["peak_bytes"] for r in ours) / 1e6
    p99 = median(r.seen["stall_p99_ms"] for r in ours)
    longest = max(r.seen["stall_longest_ms"] for r in ours)
    return [
        Figure(
            bench="plan",
            what=f"whole plan, CSV of {rows:,} rows",
            value=rows / took,
            unit="rows/s",
            beside=(Beside(rows / limit, "polars read + executemany"),),
            aim="at least a quarter of the limit",
            met=took <= 4 * limit,
        ),
        Figure(
            bench="plan",
            what="the server's peak memory meanwhile",
            value=peak,
            unit="MB",
            aim="under 250 MB",
            met=peak < 250,
        ),
        Figure(
            bench="plan",
            what="stalls of the event loop meanwhile, p99",
            value=p99,
            unit="ms",
            aim="under 10 ms",
            met=p99 < 10,
        ),
        Figure(bench="plan", what="the longest stall", value=longest, unit="ms"),
    ]


def _bare(source: Path, target: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bare", str(source), str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    target.unlink()
    return float(done.stdout)


async def _through_plan(source: Path, rows: int, folder: Path) -> Run:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.watched",
        str(folder),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        server = json.loads(await process.stdout.readline())
        headers = {"Authorization": f"Bearer {server['token']}"}
        async with aiohttp.ClientSession(server["url"], headers=headers) as client:
            took = await _upload_and_follow(client, source, rows)
        process.stdin.write(b"\n")
        return Run(took, json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.stdin.close()
        await process.wait()


async def _upload_and_follow(client: aiohttp.ClientSession, source: Path, rows: int) -> float:
    form = aiohttp.FormData()
    form.add_field("files", source.open("rb"), filename=source.name, content_type="text/csv")
    async with client.post("/api/v1/batches", data=form) as answer:
        answer.raise_for_status()
        accepted = await answer.json()
    began = time.perf_counter()
    async with client.ws_connect("/ws?frames=single") as socket:
        room = f"job:{accepted['jobs'][0]['job_id']}"
        await socket.send_json({"op": "subscribe", "id": "1", "room": room, "after": 0})
        async for message in socket:
            event = message.json()
            if event["type"] in ENDS:
                took = time.perf_counter() - began
                if event["type"] != ENDS[0] or event["result"]["new_rows"] != rows:
                    raise RuntimeError(f"the plan did not store every row: {event}")
                return took
    raise RuntimeError("the connection ended before the job")
