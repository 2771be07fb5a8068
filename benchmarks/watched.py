"""A server in a process of its own, watched from inside: its memory and the stalls of its loop.

Run by benchmarks.plan, not by hand. Prints its address and a token, then waits for a line on
standard input, and prints what it saw.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from app import keys
from app.serving import let_the_loop_in, listening, spare_the_collector
from app.settings import Settings
from app.store.offline import issue_token, register_user
from app.tasks import running
from benchmarks.figures import quantile

BEAT_S = 0.001


async def main(folder: Path) -> None:
    """Serve until a line comes."""
    settings = Settings(port=0, data_dir=folder, log_level="WARNING")
    register_user(settings.database_path, "bench", "only for the bench", admin=True)
    token = issue_token(settings.database_path, "bench")
    late_ms: list[float] = []

    async def watch() -> None:
        while True:
            due = time.perf_counter() + BEAT_S
            await asyncio.sleep(BEAT_S)
            late_ms.append(max(0.0, time.perf_counter() - due) * 1000)

    async with listening(settings) as (app, url):
        await app[keys.RUNNER].ready()
        spare_the_collector()  # as it does when it serves people
        let_the_loop_in()
        async with running(watch(), name="loop watch"):
            print(json.dumps({"url": url, "token": token}), flush=True)
            await asyncio.to_thread(sys.stdin.readline)
    print(
        json.dumps(
            {
                "peak_bytes": peak_bytes(),
                "stall_p99_ms": quantile(late_ms, 0.99),
                "stall_longest_ms": max(late_ms),
            }
        ),
        flush=True,
    )


def peak_bytes() -> int:
    """Return the most memory that this process ever held, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell a process its peak memory")


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
