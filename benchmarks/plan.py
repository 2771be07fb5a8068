"""The whole plan for a long CSV: rows a second, the server's memory, the stalls of its loop.

The limit reads the same file with polars and inserts its rows with sqlite3's executemany into a
table without an index: no scan, no formats, no comparison, no categories. The clock runs from the
last byte of the upload to `processing_completed`.
"""

import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.samples import transactions_csv
from benchmarks.figures import Beside, Figure, median
from benchmarks.served import new_rows_visible_s, served

ROOT = Path(__file__).resolve().parents[1]


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
    async with served(folder) as server:
        took = await new_rows_visible_s(server, source, rows)
        return Run(took, await server.seen())
