"""kill -9 while the zones of a document are told: each is told once, and none is missing."""

import contextlib
import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.documents import Line, pdf_of
from tests.reliability.test_kills import Follower, check_trail, finish, prepared, upload

SEED = 20261122
PAGES, ZONES = 40, 14  # of the document, and of each page
HEARD = (60, 500)  # events after which the server is killed
TOLD = ("zone_processing", "zone_completed")


def report(folder: Path, name: str) -> tuple[str, bytes]:
    """Return a document of many zones; it is a part of a page that stands alone."""
    pages = [
        [Line(60, 60 + 55 * n, f"Part {n} of page {page} of {name} says so") for n in range(ZONES)]
        for page in range(1, PAGES + 1)
    ]
    return name, pdf_of(folder, pages, name=name).read_bytes()


@pytest.mark.timeout(900)
async def test_kills_while_zones_are_told_lose_none_and_repeat_none(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    folder = tmp_path / "data"
    server, token = prepared(folder)
    follower = Follower()
    async with server:
        await server.start()
        async with server.client(token) as client:
            await upload(client, report(tmp_path, "report.pdf"))
        for heard in HEARD:
            async with server.client(token) as client:
                await follower.follow(client, heard)
            await server.kill(with_workers=chance.random() < 0.5)
            await server.start()
        await finish(server, token, follower)
        assert await server.stop() == 0

    check_trail(follower.events, folder / "livetrail.db")
    broken_off = [event for event in follower.events if event["type"] == "processing_started"]
    assert len(broken_off) > 1, "it was killed while it worked"
    with contextlib.closing(sqlite3.connect(folder / "records.db")) as db:
        stored = [row[0] for row in db.execute("SELECT id FROM zone ORDER BY idx")]
    assert len(stored) == PAGES * ZONES
    for kind in TOLD:
        told = [event["zone_id"] for event in follower.events if event["type"] == kind]
        assert Counter(told) == Counter(stored)
        assert told == stored, "in the order of reading"
