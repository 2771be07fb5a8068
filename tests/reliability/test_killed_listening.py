"""kill -9 while events stream to many listeners: what was shown is there, and nothing is missing.

The server is a process of its own that works on real files, so that what is in flight when it dies
is what really is: commits, writes, acknowledgements. Each listener speaks another way.
"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.core.samples import transactions_csv
from tests.integration.serving import files_form, settings_for, token_of, with_user
from tests.process import ServerProcess
from tests.reliability.clients import Client, Followed, Name
from tests.reliability.promises import Trail
from tests.reliability.stage import Person, Place

SEED = 20261120
KILLS = 5
FILES = 3  # at each start: more events than are waited for before it is killed
WORK_S = 120.0  # for all files
CAST: tuple[dict[str, Any], ...] = (
    {"speaks": {"path": "/ws"}},
    {"speaks": {"path": "/ws?frames=single"}},
    {"speaks": {"path": "/ws", "packs": True}},
    {"speaks": {"path": "/ws", "inflates": True}},
    {"speaks": {"path": "/ws/scanner?frames=lines"}, "durable": Name()},
    {"speaks": {"version": "1.1"}, "way": "stream"},
    {"speaks": {"version": "1.0"}, "way": "stream"},
    {"speaks": {}, "way": "poll"},
)


class Killed(Place):
    """A server process on a folder, its owner, and those who listen."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        settings = settings_for(folder)
        ann = with_user(settings, "ann")
        self.people = {"ann": Person(ann.id, token_of(settings, "ann"))}
        self.room = f"user:{ann.id}"
        self.path = settings.database_path
        self.trail = Trail(self.path)
        self.server = ServerProcess(folder)
        self.clients = [Client(self, number, "ann", **how) for number, how in enumerate(CAST)]

    async def start(self) -> None:
        await self.server.start(
            LIVETRAIL_MAX_WEBSOCKET_CONNECTIONS_PER_USER="50",
            LIVETRAIL_WEBSOCKET_MESSAGE_RATE_LIMIT="1000",
            LIVETRAIL_WEBSOCKET_COMPRESSION="true",
        )
        self.port = self.server.port
        with closing(sqlite3.connect(self.path)) as db:
            (self.log_id,) = db.execute("SELECT value FROM meta WHERE key = 'log_id'").fetchone()

    async def upload(self, first: int) -> None:
        files = [
            (f"{number}.csv", f"note,{number}\n".encode() + b"".join(transactions_csv(50)))
            for number in range(first, first + FILES)
        ]
        async with self.server.client(self.people["ann"].token) as client:
            for file in files:
                answer: aiohttp.ClientResponse
                async with client.post("/api/v1/batches", data=files_form(file)) as answer:
                    assert answer.status == 202, await answer.text()

    async def everybody_comes(self) -> None:
        for client in self.clients:
            if not client.rooms and client.way != "socket":
                client.rooms = {self.room: Followed(None, 0)}
            await client.come()
            if not client.rooms:
                client.follow(self.room, None, after="acked" if client.durable else 0)

    def shown(self) -> int:
        return sum(len(client.seen) for client in self.clients)

    async def die(self, *, with_workers: bool) -> None:
        """Kill it, and hear what it had sent by then."""
        await self.server.kill(with_workers=with_workers)
        for client in self.clients:
            visit = client.visit
            assert visit is not None
            visit.read_on()
            who = client.name
            await self.until(lambda v=visit: v.over, lambda w=who: f"the end of {w}")
            client.drop()
            if client.durable:
                client.durable.server_was_killed()

    def all_is_told(self) -> bool:
        """Tell whether every batch is over and everybody knows."""
        self.trail.look()
        begun = sum(fact.type == "batch_created" for fact in self.trail.facts.values())
        over = sum(fact.type == "batch_completed" for fact in self.trail.facts.values())
        return begun == over and all(
            client.here is not None and client.here.listener.is_settled() for client in self.clients
        )

    def lacks(self) -> str:
        return "; ".join(
            c.here.listener.lacks() if c.here else f"{c.name} is gone" for c in self.clients
        )


@pytest.mark.timeout(900)  # six starts, each with its libraries to load
async def test_what_was_shown_before_a_kill_is_there_after_it_and_nothing_is_told_twice(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    world = Killed(tmp_path)
    world.watch_the_loop()
    async with world.server:
        for kill in range(KILLS):
            await world.start()
            await world.everybody_comes()
            await world.upload(kill * FILES)
            goal = world.shown() + chance.choice([1, 10, 100, 400])
            if kill % 2:
                world.clients[kill % len(CAST)].visit.stall()
            await world.until(
                lambda g=goal: world.shown() >= g,
                lambda: f"events: {world.lacks()}",
                within_s=WORK_S,
            )
            for client in world.clients:
                client.acknowledge()
            await world.die(with_workers=chance.random() < 0.5)
            # Whoever was shown an event found the same one in the file, then. It is still there.
            afterwards = Trail(world.path)
            afterwards.look()
            for client in world.clients:
                for seq in client.seen:
                    assert afterwards.facts[seq] == world.trail.facts[seq]
            afterwards.close()

        await world.start()
        await world.everybody_comes()
        await world.until(world.all_is_told, world.lacks, within_s=WORK_S)
        for client in world.clients:
            client.has_no_hole()
            client.drop()
        assert await world.server.stop() == 0
    world.trail.close()
