"""kill -9 at any moment, at any step: the work goes on, rows are there once, the trail is whole."""

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from app.core.events import FINISHED
from app.core.samples import sample_files, transactions_csv
from app.core.state import fold_all
from app.settings import Settings
from app.store.records_schema import ROW_BITS
from tests.integration.serving import files_form, token_of, with_user
from tests.process import ServerProcess, birth
from tests.samples import ROOT as SAMPLES

KILLS = 30
SEED = 20261120
LONGEST_S = 120.0


def corpus() -> list[tuple[str, bytes]]:
    """Return files of every size and trouble: our own samples, a long one, others' real ones."""
    files = [*sample_files(), ("long.csv", b"".join(transactions_csv(60_000)))]
    files.append(("empty.csv", b""))
    real = ("beanhub-extract/mercury.csv", "bank2ynab/test_raiffeisen_01.csv", "csvkit/test.xlsx")
    files += [(Path(n).name, (SAMPLES / n).read_bytes()) for n in real if (SAMPLES / n).exists()]
    return files


class Follower:
    """A client that keeps one cursor, whatever happens to the server."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def follow(self, client: aiohttp.ClientSession, enough: int) -> None:
        """Take events until there are `enough` new ones, or every job has ended, or it is gone."""
        goal = len(self.events) + enough
        after = self.events[-1]["seq"] if self.events else 0
        with contextlib.suppress(aiohttp.ClientError):
            async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws") as socket:
                await socket.send_json(
                    {"op": "subscribe", "id": "1", "room": "user:me", "after": after}
                )
                async for message in socket:
                    for line in message.data.split("\n"):
                        said = orjson.loads(line)
                        if "timestamp" in said and "details" in said:
                            self.events.append(said)
                    if len(self.events) >= goal or self.all_ended():
                        return

    def all_ended(self) -> bool:
        """Tell whether every job that was heard of has ended, and its batch too."""
        last = {event["job_id"]: event["status"] for event in self.events if event["job_id"]}
        batches = {event["batch_id"] for event in self.events}
        told = {e["batch_id"] for e in self.events if e["type"] == "batch_completed"}
        return bool(last) and set(last.values()) <= FINISHED and batches == told


async def upload(client: aiohttp.ClientSession, file: tuple[str, bytes]) -> None:
    form = files_form(file, options='{"ask": false}')  # nobody is there to answer
    async with client.post("/api/v1/batches", data=form) as answer:
        assert answer.status == 202, await answer.text()


def contents(records: Path) -> Counter[tuple[Any, ...]]:
    """Return every row that counts as new, without the numbers that depend on the order of work."""
    with contextlib.closing(sqlite3.connect(records)) as db:
        rows = db.execute(
            "SELECT row.date, row.amount_micros, row.description, row.counterparty, row.reference,"
            " row.account, row.extra, label.currency, label.vendor, label.category, label.reason"
            f" FROM row LEFT JOIN label ON label.import = row.id >> {ROW_BITS}"
            " AND label.id = row.label"
            " WHERE row.known = 0"
        )
        return Counter(rows)


def check_trail(events: list[dict[str, Any]], database: Path) -> None:
    """The client heard exactly what the log holds; each job's numbers have no hole."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        log = [orjson.loads(row[0]) for row in db.execute("SELECT body FROM event ORDER BY seq")]
        states = dict(db.execute("SELECT id, state FROM job"))
    assert [event["seq"] for event in events] == [event["seq"] for event in log]
    assert events == log
    for job_id, state in states.items():
        own = [event for event in log if event["job_id"] == job_id]
        assert [event["n"] for event in own] == list(range(1, len(own) + 1))
        assert orjson.loads(state) == fold_all(own)
        done = Counter(event["step"] for event in own if event["type"] == "step_completed")
        assert set(done.values()) <= {1}, f"a finished step was told twice: {done}"
        ends = [
            e["type"] for e in own if e["type"] in ("processing_completed", "processing_failed")
        ]
        assert len(ends) == 1
    batches = Counter(e["batch_id"] for e in log if e["type"] == "batch_completed")
    assert set(batches.values()) == {1}


async def finish(server: ServerProcess, token: str, follower: Follower) -> None:
    async with server.client(token) as client:
        while not follower.all_ended():
            await follower.follow(client, 10_000)


def prepared(folder: Path) -> tuple[ServerProcess, str]:
    settings = Settings(data_dir=folder)
    with_user(settings, "ann")
    return ServerProcess(folder), token_of(settings, "ann")


async def undisturbed(folder: Path, files: Iterable[tuple[str, bytes]]) -> Counter[tuple[Any, ...]]:
    server, token = prepared(folder)
    follower = Follower()
    async with server:
        await server.start()
        async with server.client(token) as client:
            for file in files:
                await upload(client, file)
        await finish(server, token, follower)
        assert await server.stop() == 0
    check_trail(follower.events, folder / "livetrail.db")
    return contents(folder / "records.db")


@pytest.mark.timeout(1500)  # thirty starts, each with its libraries to load
async def test_thirty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    files = corpus()
    expected = await undisturbed(tmp_path / "calm", files)

    folder = tmp_path / "killed"
    server, token = prepared(folder)
    follower = Follower()
    waiting = list(files)
    workers: set[tuple[int, str] | None] = set()
    async with server:
        for kill in range(KILLS):
            await server.start()
            async with server.client(token) as client:
                if waiting and (follower.all_ended() or kill % 3 == 0):
                    await upload(client, waiting.pop(0))
                # From the first instant after the start to well into the work on a file.
                await follower.follow(client, chance.choice([0, 1, 2, 3, 5, 8, 13, 21]))
                await asyncio.sleep(chance.uniform(0, 0.05))  # the moment itself is chance
            workers |= {birth(pid) for pid in server.family()}
            await server.kill(with_workers=chance.random() < 0.5)

        await server.start()
        async with server.client(token) as client:
            for file in waiting:
                await upload(client, file)
        await finish(server, token, follower)
        workers |= {birth(pid) for pid in server.family()}
        assert await server.stop() == 0

    check_trail(follower.events, folder / "livetrail.db")
    assert contents(folder / "records.db") == expected
    assert [one for one in workers if one is not None and birth(one[0]) == one] == []
    assert list((folder / "incoming").iterdir()) == []
    assert [path for path in (folder / "work").rglob("*") if path.is_file()] == []
