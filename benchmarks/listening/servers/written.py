"""The way from a commit to 1000 sockets, and nothing else: Livetrail's, and a bare one beside it.

Both are in this process, on the same kind of loop. Livetrail's is `Hub.publish` of events that were
made beforehand, to listeners of the whole application. The bare one is `transport.write` of the
same bytes, joined beforehand, to an asyncio.Protocol that knows just enough of WebSocket to be
listened to. Both look whether a transport takes more before they write to it again.

Run: python -m benchmarks.listening.servers.written FOLDER. It writes its two ports, a token and a
room as JSON; each `Work` is answered with the processor seconds it took.
"""

import asyncio
import base64
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, cast

import orjson
import uvloop
from aiohttp import web

from app import keys
from app.core.wire import text_frame
from app.live.hub import Hub
from app.serving import listening
from app.store.events import Recorded
from app.store.offline import issue_token, register_user
from benchmarks.listening.servers.livetrail import JOB, USER, create_jobs, details, raised

SAMPLE = {
    "type": "processing_progress",
    "job_id": JOB.format(0),
    "batch_id": "01900000-0000-7000-8000-00000000000b",
    "status": "processing",
    "stage": "parsing",
    "step": "extracting",
    "progress": 45.5,
    "message": "Reading through expenses.csv: 150 of 500 rows",
    "timestamp": "2026-11-20T08:10:11.123Z",
    "estimated_time_remaining": 12,
}


class Ready(TypedDict):
    """Where the two listen."""

    hub_port: int
    bare_port: int
    token: str


class Work(TypedDict):
    """Tell `events` events, `at_once` in one write, by the hub's `way` or the bare one."""

    way: str
    events: int
    at_once: int


class Bare(asyncio.Protocol):
    """A connection that is upgraded, and then only written to."""

    transport: asyncio.Transport

    def __init__(self, everybody: set["Bare"]) -> None:
        self._everybody = everybody
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is of no common class

    def connection_lost(self, exc: Exception | None) -> None:
        self._everybody.discard(self)

    def data_received(self, data: bytes) -> None:
        if self in self._everybody:
            return
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        seal = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(seal) + b"\r\n\r\n"
        )
        self._everybody.add(self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


async def main(folder: Path) -> None:
    """Serve both, and work, until the input ends."""
    settings = raised(folder, heartbeat_s=300.0)
    user_id = register_user(settings.database_path, USER, "only for the bench", admin=True).id
    token = issue_token(settings.database_path, USER)
    everybody: set[Bare] = set()
    loop = asyncio.get_running_loop()
    bare = await loop.create_server(lambda: Bare(everybody), "127.0.0.1", 0, backlog=1024)
    async with listening(settings, warm=False) as (app, url):
        await create_jobs(app[keys.JOURNAL], user_id, 1)
        ready: Ready = {
            "hub_port": int(url.rpartition(":")[2]),
            "bare_port": bare.sockets[0].getsockname()[1],
            "token": token,
        }
        print(json.dumps(ready), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(
                json.dumps(await carry_out(json.loads(line), app, user_id, everybody)), flush=True
            )
    bare.close()


async def carry_out(work: Work, app: web.Application, user_id: str, everybody: set[Bare]) -> float:
    """Return the processor seconds that the telling took, until the last byte was taken."""
    hub = app[keys.HUB]
    events = made(hub.head, work["events"], user_id)
    some = [events[at : at + work["at_once"]] for at in range(0, len(events), work["at_once"])]
    if work["way"] == "hub":
        return await by_hub(hub, some)
    joined = [b"".join([text_frame(event.body) for event in batch]) for batch in some]
    return await barely(everybody, joined)


def made(head: int, events: int, user_id: str) -> list[Recorded]:
    """Return events as the journal hands them over."""
    now = time.monotonic_ns()
    return [
        Recorded(
            seq=head + number,
            user_id=user_id,
            batch_id=None,
            job_id=JOB.format(0),
            n=number,
            type="processing_progress",
            body=orjson.dumps({"seq": head + number, **SAMPLE, "details": details(number, now)}),
        )
        for number in range(1, events + 1)
    ]


async def by_hub(hub: Hub, batches: list[list[Recorded]]) -> float:
    """Tell through the hub. Raises RuntimeError when somebody fell behind: that is another way."""
    lines = [session.line for session in hub.sessions]
    began_s = cpu_s()
    for batch in batches:
        await until(lambda: not any(line.writing_paused for line in lines))
        hub.publish(batch)
        await asyncio.sleep(0)
    await until(lambda: not any(one.transport.get_write_buffer_size() for one in hub.sessions))
    took_s = cpu_s() - began_s
    if hub.counts().behind:
        raise RuntimeError("listeners fell behind")
    return took_s


async def barely(everybody: set[Bare], joined: list[bytes]) -> float:
    """Write to the bare connections."""
    began_s = cpu_s()
    for data in joined:
        await until(lambda: not any(one.paused for one in everybody))
        for one in everybody:
            one.transport.write(data)
        await asyncio.sleep(0)
    await until(lambda: not any(one.transport.get_write_buffer_size() for one in everybody))
    return cpu_s() - began_s


async def until(ready: Callable[[], bool]) -> None:
    """Wait, at little cost, for what no event tells."""
    while not ready():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def cpu_s() -> float:
    """Return the processor seconds that this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
