"""Commit, then show, looked at in the very call that hands bytes to a connection."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from app.live.hub import Hub
from app.live.session import Session
from tests.reliability.clients import Client, Followed
from tests.reliability.decoding import Chunked, EventStream, Frames, Object, Packs, Texts
from tests.reliability.world import World

CAST: tuple[dict[str, Any], ...] = (
    {"speaks": {"path": "/ws"}},
    {"speaks": {"path": "/ws?frames=single"}},
    {"speaks": {"path": "/ws", "packs": True}},
    {"speaks": {"path": "/ws?frames=single", "packs": True}},
    {"speaks": {"path": "/ws", "inflates": True}},
    {"speaks": {"version": "1.1"}, "way": "stream"},
    {"speaks": {"version": "1.0"}, "way": "stream"},
)


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    world = World(folder, websocket_compression=True)
    await world.start()
    try:
        await world.open_batch(world.people["ann"], [1, 2, 3])
        yield world
    finally:
        await world.close()


async def audience(world: World, after: int | None) -> list[Client]:
    """Return one client of every kind, who follow all that is ann's."""
    room = f"user:{world.people['ann'].id}"
    clients = []
    for number, how in enumerate(CAST):
        client = Client(world, number, "ann", **how)
        if client.way == "stream":
            client.rooms = {room: Followed(None, after)}
        await client.come()
        if client.way == "socket":
            client.follow(room, None, after=after)
        clients.append(client)
    return clients


def reader_of(session: Session) -> Callable[[bytes], Iterator[Object]]:
    """Return what reads the writes of a session, whatever it speaks."""
    name = session.form.name
    if name.startswith("sse"):
        chunks, stream = Chunked(), EventStream()
        return lambda data: (
            told.data for told in stream.feed(data if "plain" in name else chunks.feed(data))
        )
    frames, decoder = Frames(), Packs() if name.startswith("msgpack") else Texts()
    return lambda data: (
        message
        for frame in frames.feed(data)
        if frame.opcode in (1, 2)
        for message in decoder.objects(frame)
    )


@contextmanager
def every_write_looked_at(path: Path, written: list[tuple[int, bool]]) -> Iterator[None]:
    """Note (seq, whether another connection finds it in the file) of each event in each write."""
    add = Hub.add

    def add_watched(hub: Hub, session: Session) -> None:
        write, read = session.write, reader_of(session)

        def look_and_write(data: bytes) -> None:
            # The welcome goes out together with the answer to the upgrade.
            head, end, frames = data.partition(b"\r\n\r\n")
            is_answer = bool(end) and head.startswith(b"HTTP/1.1 101 ")
            for message in read(frames if is_answer else data):
                if "n" in message:
                    found = db.execute("SELECT 1 FROM event WHERE seq = ?", (message["seq"],))
                    written.append((message["seq"], found.fetchone() is not None))
            write(data)

        session.write = look_and_write
        add(hub, session)

    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        patch.object(Hub, "add", add_watched),
    ):
        yield


@pytest.mark.parametrize("after", [None, 0], ids=["from now", "from the start"])
async def test_no_bytes_of_an_event_are_written_before_its_commit(
    tmp_path: Path, after: int | None
) -> None:
    async with a_world(tmp_path) as world:
        written: list[tuple[int, bool]] = []
        with every_write_looked_at(world.path, written):
            clients = await audience(world, after)
            for _ in range(20):
                for job in world.jobs:
                    world.append(world.progress(job), world.progress(job))
                await asyncio.sleep(0)
            await world.written()
            for client in clients:
                assert client.here is not None
                listener = client.here.listener
                await world.until(listener.is_settled, listener.lacks)
                client.drop()
        assert [seq for seq, committed in written if not committed] == []
        assert len(written) >= len(CAST) * 120


async def test_while_the_disk_takes_its_time_nobody_is_shown_anything(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        clients = await audience(world, None)
        for client in clients:
            assert client.here is not None
            await world.until(client.here.listener.is_settled, client.here.listener.lacks)
        async with world.disk_held():
            for job in world.jobs:
                world.append(world.progress(job))
            for client in clients:
                if (socket := client.socket) is not None:
                    ping = socket.say("ping")
                    await world.until(
                        lambda s=socket, p=ping: p in s.listener.pongs, lambda: "an answer"
                    )
            assert [client.seen for client in clients] == [set()] * len(clients)
        await world.written()
        new = sorted(world.trail.facts)[-3:]
        for client in clients:
            assert client.here is not None
            await world.until(client.here.listener.is_settled, client.here.listener.lacks)
            assert sorted(client.seen) == new
            client.drop()
