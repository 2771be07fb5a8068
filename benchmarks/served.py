"""A server in a process of its own, and files through its whole plan, for benchmarks."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
ENDS = ("processing_completed", "processing_failed", "job_cancelled")


class Served:
    """A server that runs, and a client of it."""

    def __init__(self, client: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        self.client = client
        self._process = process

    @property
    def pid(self) -> int:
        """The server's process; its workers have their own."""
        return self._process.pid

    async def seen(self) -> dict[str, Any]:
        """Stop it, and return what it saw of itself: peak_bytes, stall_p99_ms and so on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        seen: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return seen


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """Serve from an empty folder, in a process that ends with the body."""
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
            yield Served(client, process)
    finally:
        if process.returncode is None:
            process.stdin.close()
        await process.wait()


async def told(
    server: Served, content: BinaryIO, name: str, kind: str
) -> AsyncIterator[tuple[float, dict[str, Any]]]:
    """Upload a file; yield what is told of its job, after the seconds since its last byte."""
    form = aiohttp.FormData()
    form.add_field("files", content, filename=name, content_type=kind)
    async with server.client.post("/api/v1/batches", data=form) as answer:
        answer.raise_for_status()
        accepted = await answer.json()
    began = time.perf_counter()
    async with server.client.ws_connect("/ws?frames=single") as socket:
        room = f"job:{accepted['jobs'][0]['job_id']}"
        await socket.send_json({"op": "subscribe", "id": "1", "room": room, "after": 0})
        async for message in socket:
            event = message.json()
            yield time.perf_counter() - began, event
            if event["type"] in ENDS:
                return
    raise RuntimeError("the connection ended before the job")


async def new_rows_visible_s(
    server: Served, source: Path, rows: int, known: int = 0, kind: str = "text/csv"
) -> float:
    """Return the seconds from the last byte of an upload to the end of its job.

    Raises RuntimeError unless it ends with `rows` new rows and `known` known ones.
    """
    took, event = 0.0, {}
    with source.open("rb") as content:
        async for at_s, one in told(server, content, source.name, kind):
            took, event = at_s, one
    if event["type"] != ENDS[0]:
        raise RuntimeError(f"the plan failed: {event['error']}")
    found = (event["result"]["new_rows"], event["result"]["existing_rows"])
    if found != (rows, known):
        raise RuntimeError(f"{found} rows are new and known, not {(rows, known)}")
    return took
