"""kill -9 around questions and answers: each is there once, and the job goes on with it."""

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from app.core.events import FINISHED
from tests.integration.serving import files_form
from tests.reliability.test_kills import Follower, check_trail, prepared

SEED = 20261121
ROUNDS = 6
HEADER = b"Date,Description,Amount\n"


class Asked(Follower):
    """A follower that also stops to listen when nothing goes on without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_for_ends = False

    def all_ended(self) -> bool:
        last = {event["job_id"]: event["status"] for event in self.events if event["job_id"]}
        rests = "waiting" in last.values() and set(last.values()) <= FINISHED | {"waiting"}
        return (rests and not self.waits_for_ends) or super().all_ended()


def either_way(number: int) -> bytes:
    """Return a table whose dates fit both ways; its names are those of no other file."""
    rows = f"03/04/2025,Tea {number},-2.50\n01/02/2025,Coffee {number},-3.40\n"
    return HEADER.replace(b"Description", b"Text %d" % number) + rows.encode()


async def open_questions(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with client.get("/api/v1/clarifications?state=open") as answer:
        assert answer.status == 200, await answer.text()
        found: list[dict[str, Any]] = (await answer.json())["clarifications"]
        return found


@pytest.mark.timeout(900)
async def test_kills_lose_no_question_and_repeat_no_answer(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    server, token = prepared(tmp_path)
    follower = Asked()
    taken: set[str] = set()
    async with server:
        for number in range(ROUNDS):
            await server.start()
            async with server.client(token) as client:
                options = '{"auto_save": false}' if number % 2 else "{}"
                form = files_form((f"{number}.csv", either_way(number)), options=options)
                async with client.post("/api/v1/batches", data=form) as answer:
                    assert answer.status == 202
                await follower.follow(client, chance.choice([0, 5, 20, 40, 60]))
                for question in await open_questions(client):
                    answering = asyncio.create_task(said(client, question))
                    await asyncio.sleep(chance.uniform(0, 0.02))  # the moment of the kill is chance
                    if chance.random() < 0.5:
                        answering.cancel()
                    with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                        if await answering == 200:
                            taken.add(question["clarification_id"])
            await server.kill(with_workers=chance.random() < 0.5)

        await server.start()
        async with server.client(token) as client:
            follower.waits_for_ends = True  # each answer brings something to hear
            while not follower.all_ended():
                for question in await open_questions(client):
                    assert await said(client, question) in (200, 409)
                await follower.follow(client, 1)
        assert await server.stop() == 0

    check_trail(follower.events, tmp_path / "livetrail.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "livetrail.db")) as db:
        rows = list(db.execute("SELECT id, state, answer FROM clarification"))
        bodies = [orjson.loads(row[0]) for row in db.execute("SELECT body FROM event")]
    told = [e["clarification_id"] for e in bodies if e["type"] == "clarification_answered"]
    assert sorted(told) == sorted(ident for ident, state, _ in rows if state == "answered")
    assert taken <= set(told)
    asked = [e["clarification_id"] for e in bodies if e["type"] == "clarification_requested"]
    assert sorted(asked) == sorted(ident for ident, _, _ in rows)
    with contextlib.closing(sqlite3.connect(tmp_path / "records.db")) as db:
        assert db.execute("SELECT count(*) FROM row WHERE known = 0").fetchone() == (2 * ROUNDS,)


async def said(client: aiohttp.ClientSession, question: dict[str, Any]) -> int:
    wish = {"answer": "save" if question["kind"] == "save" else "dmy"}
    async with client.post(question["links"]["answer"], json=wish) as answer:
        return answer.status
