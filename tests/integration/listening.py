"""A server with a real log, and clients that listen to it over real sockets."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from app import keys
from app.core.events import BatchCreated, JobCreated, ProcessingProgress
from app.core.permissions import Viewer
from app.core.places import Place, parse_place
from app.core.plans import TRANSACTIONS
from app.core.protocol import MSGPACK_SUBPROTOCOL, Subscribe
from app.core.rooms import Room, parse_room
from app.core.state import JobState
from app.live.hub import Hub
from app.live.journal import Journal
from app.live.positions import Positions
from app.live.sse import serve_stream
from app.live.visit import Control, Desk
from app.live.websocket import serve_websocket
from app.settings import Settings
from app.store.batches import BatchRow, insert_batch
from app.store.database import Database
from app.store.events import Recorded, read_room
from app.store.jobs import get_job, list_jobs
from app.store.retention import floor_of_room, pruned_jobs
from app.web import history
from app.web.belongings import belonging_at_hand, belonging_of
from tests.patience import LONGEST_S
from tests.unit.decoders import packed_messages

ANN = "01900000-0000-7000-8000-00000000000a"
BOB = "01900000-0000-7000-8000-00000000000b"
OPERATOR = "01900000-0000-7000-8000-00000000000c"
VIEWERS = {
    "ann": Viewer(ANN, "ann", "member"),
    "bob": Viewer(BOB, "bob", "member"),
    "operator": Viewer(OPERATOR, "operator", "operator"),
}


def job_id(number: int) -> str:
    return f"01900000-0000-7000-8001-{number:012d}"


def batch_id(user_id: str) -> str:
    return f"01900000-0000-7000-8002-{user_id[-12:]}"


async def read_states(database: Database, room: Room, before: str | None) -> Sequence[JobState]:
    if room.kind == "job":
        job = await get_job(database.reader, room.id)
        return [job.state] if job and before is None else []
    narrowed = {} if room.kind == "all" else {f"{room.kind}_id": room.id}
    jobs = await list_jobs(database.reader, before_id=before, limit=2, **narrowed)  # type: ignore[arg-type]
    return [job.state for job in jobs]


def register(connection: sqlite3.Connection) -> None:
    rows = [(viewer.user_id, viewer.name, viewer.role) for viewer in VIEWERS.values()]
    connection.executemany("INSERT OR IGNORE INTO user VALUES (?, ?, ?, '', 0, 0)", rows)


@dataclass
class House:
    """The log, the hub and the server."""

    database: Database
    journal: Journal
    hub: Hub
    server: TestServer
    client: ClientSession
    told: list[Recorded]
    positions: Positions

    def follow(
        self, who: str = "ann", *, speaking: str = "", compress: int = 0, **query: str
    ) -> "Following":
        """Return a client; speaking, compress: the subprotocol and the window it offers."""
        return Following(self, {"who": who, **query}, speaking, compress)

    async def history(self, who: str = "ann", **query: Any) -> dict[str, Any]:
        """Return a page of the past."""
        url = self.server.make_url("/history").with_query({"who": who, **query})
        async with self.client.get(url) as answer:
            page: dict[str, Any] = await answer.json()
            assert answer.status == 200, page
            return page

    async def create(self, *numbers: int, owner: str = ANN) -> list[Recorded]:
        """Record a batch of `owner` with jobs of these numbers."""
        row = BatchRow(batch_id(owner), owner, "March", {}, 0)
        return await self.journal.append(
            BatchCreated(batch_id=row.id, jobs=len(numbers), message="..."),
            *(
                JobCreated(
                    job_id=job_id(number),
                    batch_id=row.id,
                    filename=f"{number}.csv",
                    size=1,
                    plan=TRANSACTIONS.describe(),
                    message="...",
                )
                for number in numbers
            ),
            user_id=owner,
            also=lambda connection: insert_batch(connection, row),
        )

    async def progress(self, number: int, times: int = 1, size: int = 0) -> list[Recorded]:
        """Record progress of a job, one commit for all."""
        draft = ProcessingProgress(
            job_id=job_id(number),
            stage="parsing",
            step="extracting",
            progress=50,
            message="x" * size,
        )
        return await self.journal.append(*[draft] * times)


class Following:
    """One client: a WebSocket, and the messages that came over it one by one."""

    def __init__(self, house: House, query: dict[str, str], speaking: str, compress: int) -> None:
        self.house = house
        self.query = query
        self.speaking = speaking
        self.compress = compress
        self.ws: ClientWebSocketResponse
        self.frames: list[str] = []  # those with text
        self._lines: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Following":
        url = self.house.server.make_url("/ws").with_query(self.query)
        self.ws = await self.house.client.ws_connect(
            url,
            max_msg_size=0,
            protocols=(self.speaking,) if self.speaking else (),
            compress=self.compress,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ws.close()

    async def say(self, **message: Any) -> None:
        if self.speaking == MSGPACK_SUBPROTOCOL:
            await self.ws.send_bytes(b"\0" + msgpack.packb(message))
        else:
            await self.ws.send_json(message)

    async def subscribe(self, room: str = "user:me", **fields: Any) -> None:
        await self.say(op="subscribe", room=room, **fields)

    async def next(self) -> dict[str, Any]:
        """Return the next message, or {"type": "closed", "code": ...}."""
        while not self._lines:
            message = await self.ws.receive(timeout=LONGEST_S)
            if message.type is WSMsgType.BINARY:
                self._lines = packed_messages(message.data)
            elif message.type is WSMsgType.TEXT:
                self.frames.append(message.data)
                self._lines = [json.loads(line) for line in message.data.split("\n")]
            else:
                return {"type": "closed", "code": self.ws.close_code}
        return self._lines.pop(0)

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Return all messages up to the first of type `kind`, which is the last of them."""
        found = [await self.next()]
        while found[-1]["type"] != kind:
            assert found[-1]["type"] != "closed", found[-1]
            found.append(await self.next())
        return found

    async def seqs(self, upto: int) -> list[int]:
        """Return the seq of every event until the one at `upto`."""
        found: list[int] = []
        while not found or found[-1] != upto:
            message = await self.next()
            assert message["type"] != "closed", message
            if "n" in message:
                found.append(message["seq"])
        return found


@asynccontextmanager
async def a_house(
    path: Path, control: Control | None = None, **settings: Any
) -> AsyncIterator[House]:
    """Open the log at `path` and serve it. Leaving it is what a restart looks like."""
    values = Settings(data_dir=path, **settings)
    database = await Database.open(path / "livetrail.db")
    await database.writer.run(register)
    told: list[Recorded] = []
    hub = None

    def on_commit(events: Sequence[Recorded]) -> None:
        told.extend(events)
        assert hub is not None
        hub.publish(events)

    async def ws(request: web.Request) -> web.StreamResponse:
        assert hub is not None
        desk = Desk(
            hub,
            values,
            positions,
            partial(belonging_at_hand, journal),
            partial(belonging_of, database.reader),
            control,
        )
        return serve_websocket(
            request, desk, VIEWERS[request.query["who"]], client_id=request.query.get("name")
        )

    async def stream(request: web.Request) -> web.StreamResponse:
        assert hub is not None
        viewer = VIEWERS[request.query["who"]]
        rooms = request.query.getall("room", ["user:me"])
        after = request.headers.get("Last-Event-ID") or request.query.get("after")
        place = parse_place(after) if after else Place(None, hub.head)
        asks = [
            (
                parse_room(name, viewer.user_id),
                Subscribe(
                    op="subscribe",
                    room=name,
                    after=place.seq,
                    log=place.log,
                    types=request.query.getall("types", []) or None,
                    snapshot="snapshot" in request.query,
                ),
            )
            for name in rooms
        ]
        return await serve_stream(request, hub, viewer, values, asks)

    async def past(request: web.Request) -> web.Response:
        asked = request.clone(rel_url=request.rel_url.without_query_params("who"))
        asked[keys.VIEWER] = VIEWERS[request.query["who"]]
        return await history.of_room(asked)

    try:
        async with (
            Journal(database, on_commit) as journal,
            Positions(database.writer, keep_days=values.durable_name_days) as positions,
        ):
            hub = Hub(
                log_id=database.log_id,
                read_room=partial(read_room, database.reader),
                head=journal.head,
                settings=values,
                snapshot=partial(read_states, database),
                floor=partial(floor_of_room, database.reader),
                pruned=partial(pruned_jobs, database.reader, limit=2),
                pruned_upto=await floor_of_room(database.reader, Room("all")),
            )
            journal.audience = hub
            app = web.Application()
            app[keys.DATABASE], app[keys.HUB] = database, hub
            app.router.add_get("/ws", ws)
            app.router.add_get("/history", past)
            app.router.add_get("/events", stream, allow_head=False)
            async with (
                TestServer(app, handler_cancellation=True) as server,
                ClientSession() as client,
            ):
                yield House(database, journal, hub, server, client, told, positions)
                await hub.close()
    finally:
        await database.close()


async def until(condition: Any) -> None:
    """Wait until `condition()` holds, of which nobody is told.

    A turn of the loop at a time; what takes longer is done elsewhere, and needs the processor.
    """
    turns = 0
    async with asyncio.timeout(LONGEST_S):
        while not condition():
            await asyncio.sleep(0 if turns < 1000 else 0.002)
            turns += 1
