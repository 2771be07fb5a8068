"""kill -9 while people steer: whatever was asked, each job comes to one end, and rows are its."""

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
from app.core.samples import transactions_csv
from app.core.state import fold_all
from app.settings import Settings
from tests.integration.serving import files_form, token_of, with_user
from tests.process import ServerProcess

KILLS = 9
SEED = 20261121
LONGEST_S = 120.0
OPS = ("pause", "resume", "cancel", "retry", "undo", "delete", "priority", "retry from the start")


def table(number: int) -> bytes:
    """Return a file of its own that takes a moment to read."""
    return b"".join(transactions_csv(2_000)) + f"2026-11-20,Number {number},-1.00\n".encode()


async def upload(client: aiohttp.ClientSession, number: int) -> list[str]:
    form = files_form(*((f"{number}-{n}.csv", table(10 * number + n)) for n in (1, 2)))
    async with client.post("/api/v1/batches", data=form) as answer:
        assert answer.status == 202, await answer.text()
        return [job["job_id"] for job in (await answer.json())["jobs"]]


async def ask(client: aiohttp.ClientSession, job_id: str, op: str) -> None:
    """Ask for it, of a server that may die any moment; what makes no sense is refused."""
    path = f"/api/v1/jobs/{job_id}"
    body = {"from_step": "initializing_streaming"} if op == "retry from the start" else {}
    method, path = ("DELETE", path) if op == "delete" else ("POST", f"{path}/{op.split()[0]}")
    with contextlib.suppress(aiohttp.ClientError):
        async with client.request(method, path, json=body) as answer:
            assert answer.status in (200, 202, 204, 400, 404, 409), await answer.text()


async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Follow the user; whatever changes from now on is told."""
    await socket.send_json({"op": "subscribe", "id": "1", "room": "user:me"})
    while (await socket.receive_json())["type"] != "live":
        pass


async def some_events(client: aiohttp.ClientSession, number: int) -> None:
    """Wait until `number` more events were told, or all jobs rest until somebody steers them."""
    async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws?frames=single") as socket:
        await listen(socket)
        for _ in range(number):
            if {job["status"] for job in await states(client)} <= FINISHED | {"paused"}:
                return
            await socket.receive()


async def states(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with client.get("/api/v1/jobs?limit=200") as answer:
        jobs: list[dict[str, Any]] = (await answer.json())["jobs"]
        return jobs


def can_be_undone(job: dict[str, Any]) -> bool:
    return job["status"] == "completed" and not job["undone"]


async def come_to_an_end(client: aiohttp.ClientSession) -> None:
    """Let everything that rests go on, and wait until every job has ended."""
    async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws?frames=single") as socket:
        await listen(socket)
        while left := [job for job in await states(client) if job["status"] not in FINISHED]:
            for job in left:
                if job["status"] == "paused":
                    await ask(client, job["job_id"], "resume")
            await socket.receive()


def check(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "livetrail.db")) as db:
        jobs = {row[0]: orjson.loads(row[1]) for row in db.execute("SELECT id, state FROM job")}
        events = [orjson.loads(row[0]) for row in db.execute("SELECT body FROM event ORDER BY seq")]
        marks = db.execute(
            "SELECT checkpoint.step, status, undone FROM checkpoint JOIN job ON id = job_id"
            " WHERE step IN ('undo', 'take_back', 'delete')"
        ).fetchall()
    assert {event["job_id"] for event in events} - {None} == set(jobs), "nothing of deleted ones"
    for job_id, state in jobs.items():
        own = [event for event in events if event["job_id"] == job_id]
        assert [event["n"] for event in own] == list(range(1, len(own) + 1))
        assert state == fold_all(own)
        assert state["steering"] is None
    assert marks == [], "nothing is half taken back"
    steered = {"job_paused", "job_resumed", "job_cancelled", "job_retried", "job_undone"}
    # what comes of each wish is chance, but a run in which little was steered proves nothing
    asked = {*steered, "control_requested", "job_deleted"}
    assert len(asked & {event["type"] for event in events}) >= 5
    with contextlib.closing(sqlite3.connect(folder / "records.db")) as db:
        stored = {row[0] for row in db.execute("SELECT job_id FROM import")}
    expected = {
        job_id
        for job_id, state in jobs.items()
        if state["status"] == "completed"
        and not state["undone"]
        and "duplicate_of" not in state["result"]
    }
    assert stored == expected


@pytest.mark.timeout(900)
async def test_what_was_asked_survives_kills_and_rows_belong_to_completed_jobs(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    folder = tmp_path / "data"
    settings = Settings(data_dir=folder)
    with_user(settings, "ann")
    token = token_of(settings, "ann")
    jobs: list[str] = []
    async with ServerProcess(folder) as server:
        for kill in range(KILLS):
            await server.start()
            async with server.client(token) as client:
                jobs += await upload(client, kill)
                if kill % 3 == 2:  # so that there is something to take back
                    await come_to_an_end(client)
                for _ in range(2):
                    await some_events(client, chance.choice([1, 5, 10, 20]))
                    wishes = [(chance.choice(jobs), chance.choice(OPS)) for _ in range(4)]
                    wishes.append((jobs[-1], chance.choice(OPS[:3])))
                    done = [job["job_id"] for job in await states(client) if can_be_undone(job)]
                    wishes += [(job_id, "undo") for job_id in done[:1]]
                    asking = [asyncio.create_task(ask(client, job, op)) for job, op in wishes]
                    await some_events(client, chance.choice([0, 1, 3, 8]))
                await server.kill(with_workers=chance.random() < 0.5)
                await asyncio.gather(*asking)
        await server.start()
        async with server.client(token) as client:
            await upload(client, KILLS)  # it is read once everything is mended
            await come_to_an_end(client)
        assert await server.stop() == 0
    check(folder)
