"""Livetrail in a process of its own, told by lines of JSON on standard input what to publish.

The whole application, as `run.py` starts it: its routes, sign-in by token, WebSocket, SQLite with
synchronous=FULL. Only limits that would stop a crowd of one user are raised. Events are appended to
the journal, in this process: as the pipeline does it, and as the peers emit in theirs. Where peers
are told to publish by POST, so is this: on a second port, by a handler that appends and answers
after the commit, without sign-in, as theirs.

Run: python -m benchmarks.listening.servers.livetrail FOLDER ROOMS HEARTBEAT_S. The first line it
writes is the `Hello` as JSON; each order is answered by one more line. It ends with its input.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

import orjson
import uvloop
from aiohttp import web

from app import keys
from app.core.events import BatchCreated, JobCreated, ProcessingProgress
from app.core.plans import TRANSACTIONS
from app.live.journal import Journal
from app.serving import let_the_loop_in, listening, spare_the_collector
from app.settings import Settings
from app.store.batches import BatchRow, insert_batch
from app.store.offline import issue_token, register_user

MANY = 20_000
AT_ONCE = 100  # events on their way into the log when it goes as fast as it goes
USER = "bench"
BATCH = "01900000-0000-7000-8000-00000000000b"
JOB = "01900000-0000-7000-8001-{:012d}"
TICK_S = 0.001
MakeEvent = Callable[[int, int], ProcessingProgress]
"""(number, time in ns) -> the event of that number"""
WAITING_AT_MOST = 4000  # appends that were begun, when it goes by the beat


class Hello(TypedDict):
    """What is known once it listens. `committed`: events of the first room, beside its creation."""

    port: int
    publish_port: int
    token: str
    log: str
    committed: int


class Order(TypedDict):
    """Publish so many `events`, one room after the other, each room's numbered from 1.

    rate       a second; 0: as fast as the journal takes them
    pad_bytes  how much longer than usual each event is
    """

    events: int
    rooms: int
    rate: float
    pad_bytes: int


async def main(folder: Path, rooms: int, heartbeat_s: float) -> None:
    """Serve, and publish what is asked for, until the input ends."""
    settings = raised(folder, heartbeat_s)
    token_file = folder / "bench-token"
    is_new = not token_file.exists()
    if is_new:
        user_id = register_user(settings.database_path, USER, "only for the bench", admin=True).id
        token_file.write_text(issue_token(settings.database_path, USER))
    async with listening(settings, warm=False) as (app, url):
        journal = app[keys.JOURNAL]
        if is_new:
            await create_jobs(journal, user_id, rooms)
        spare_the_collector()
        let_the_loop_in()
        first = await journal.state(JOB.format(0))
        assert first is not None
        async with publishing(journal) as publish_port:
            hello: Hello = {
                "port": int(url.rpartition(":")[2]),
                "publish_port": publish_port,
                "token": token_file.read_text(),
                "log": journal.log_id,
                "committed": first["n"] - 1,
            }
            print(json.dumps(hello), flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                await publish(journal, json.loads(line))
                print("published", flush=True)


def raised(folder: Path, heartbeat_s: float) -> Settings:
    """Return the settings: the defaults, but one user may be a crowd."""
    return Settings(
        port=0,
        data_dir=folder,
        max_websocket_connections=MANY,
        max_websocket_connections_per_user=MANY,
        requests_per_minute=MANY * 100,
        anonymous_requests_per_minute=MANY * 100,
        websocket_heartbeat_interval=heartbeat_s,
        log_level="WARNING",
    )


@asynccontextmanager
async def publishing(journal: Journal) -> AsyncIterator[int]:
    """Take POST /publish/<room> on a port of its own, and yield the port."""

    async def take(request: web.Request) -> web.Response:
        fields = orjson.loads(await request.read())
        await journal.append(progress(int(request.match_info["room"]), fields["details"]))
        return web.Response(status=204)

    door = web.Application()
    door.add_routes([web.post("/publish/{room}", take)])
    runner = web.AppRunner(door, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    yield port
    await runner.cleanup()


async def create_jobs(journal: Journal, user_id: str, rooms: int) -> None:
    """Put the jobs whose rooms are listened to into the log."""
    await journal.append(
        BatchCreated(batch_id=BATCH, jobs=rooms, message="the files are here and safe"),
        *(
            JobCreated(
                job_id=JOB.format(number),
                batch_id=BATCH,
                filename="expenses.csv",
                size=1_024_000,
                plan=TRANSACTIONS.describe(),
                message="expenses.csv is here and safe",
                status="completed",  # nobody is to work on it
            )
            for number in range(rooms)
        ),
        user_id=user_id,
        also=lambda connection: insert_batch(connection, BatchRow(BATCH, user_id, "", {}, 0)),
    )


def details(q: int, t: int) -> dict[str, Any]:
    """Return the counts of an event, with its number in its room and its time, ns."""
    return {
        "q": q,
        "t": t,
        "processed": 150,
        "total": 500,
        "errors": 2,
        "filename": "expenses.csv",
    }


def progress(room: int, counts: dict[str, Any]) -> ProcessingProgress:
    """Return an event as a reader reports it."""
    return ProcessingProgress(
        job_id=JOB.format(room),
        stage="parsing",
        step="extracting",
        progress=45.5,
        message="Reading through expenses.csv: 150 of 500 rows",
        estimated_time_remaining=12,
        details=counts,
    )


async def publish(journal: Journal, order: Order) -> None:
    """Carry out one order."""
    rooms = order["rooms"]
    pad = {"pad": "x" * order["pad_bytes"]} if order["pad_bytes"] else {}

    def event(number: int, t: int) -> ProcessingProgress:
        return progress(number % rooms, {**details(number // rooms + 1, t), **pad})

    if order["rate"]:
        await _on_the_beat(journal, event, order["events"], order["rate"])
    else:
        await _at_full_speed(journal, event, order["events"])


async def _at_full_speed(journal: Journal, event: MakeEvent, events: int) -> None:
    numbers = iter(range(events))

    async def one_after_the_other() -> None:
        for number in numbers:
            await journal.append(event(number, time.monotonic_ns()))

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def _on_the_beat(journal: Journal, event: MakeEvent, events: int, rate: float) -> None:
    """Append each event when it is due, whatever became of the thousands before.

    What is due within a millisecond is begun together, each as an append of its own. The time in an
    event is when it was due, so that a server that is late can not hide it.
    """
    waiting: set[asyncio.Task[Any]] = set()
    began_ns = time.monotonic_ns()
    number = 0
    while number < events:
        now_ns = time.monotonic_ns()
        due = min(events, int((now_ns - began_ns) * rate / 1e9) + 1)
        while number < due and len(waiting) < WAITING_AT_MOST:
            due_ns = began_ns + int(number * 1e9 / rate)
            # One that became due since the last look is not late: the beat is a millisecond.
            t = due_ns if now_ns - due_ns > 2 * TICK_S * 1e9 else now_ns
            task = asyncio.create_task(journal.append(event(number, t)))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            number += 1
        await asyncio.sleep(TICK_S)
    await asyncio.gather(*waiting)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
