"""The page's own client and store, under Node, against a server that is killed and comes back."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.core.events import FINISHED
from app.core.samples import sample_files, transactions_csv
from app.settings import Settings
from tests.integration.serving import files_form, token_of, with_user
from tests.process import ROOT, ServerProcess

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
LONGEST_S = 90.0
LINE_BYTES = 2**22


class Page:
    """The page's client in a process of its own, and all that it told so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self.gaps: list[Any] = []
        self.jobs: dict[str, Any] = {}

    async def hear(self) -> bool:
        """Take one line. False at the end."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            return False
        told = orjson.loads(line)
        self.events += [told["event"]] if "event" in told else []
        self.states += [told["state"]] if "state" in told else []
        self.gaps += [told["gap"]] if "gap" in told else []
        self.jobs = told.get("jobs", self.jobs)
        return True

    async def until_events(self, more: int) -> None:
        """Listen until there are `more` further events, or every job has ended."""
        goal = len(self.events) + more
        async with asyncio.timeout(LONGEST_S):
            while len(self.events) < goal and not self.all_ended():
                assert await self.hear()

    async def until_state(self, name: str) -> None:
        """Listen until the connection's state is `name`; one told before does not count."""
        before = len(self.states)
        async with asyncio.timeout(LONGEST_S):
            while name not in [state["name"] for state in self.states[before:]]:
                assert await self.hear()

    async def until_all_ended(self) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not self.all_ended():
                assert await self.hear()

    async def end(self) -> None:
        """Ask for the folded states and let it go."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"end\n")
        async with asyncio.timeout(LONGEST_S):
            while await self.hear():
                pass

    def all_ended(self) -> bool:
        last = {event["job_id"]: event["status"] for event in self.events if event["job_id"]}
        told = {e["batch_id"] for e in self.events if e["type"] == "batch_completed"}
        batches = {event["batch_id"] for event in self.events}
        return bool(last) and set(last.values()) <= FINISHED and batches == told


@contextlib.asynccontextmanager
async def page(server: ServerProcess, token: str, **variables: str) -> AsyncIterator[Page]:
    """A page that follows everything of the token's user, from the start."""
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        "--experimental-websocket",
        "--no-warnings",
        "tests/unit/js/follow.js",
        cwd=ROOT,
        env={**os.environ, "LIVETRAIL_URL": server.url, "LIVETRAIL_TOKEN": token, **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    try:
        yield Page(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    with_user(Settings(data_dir=tmp_path), "ann")
    process = ServerProcess(tmp_path)
    await process.start()
    yield process
    await process.stop()


async def upload(server: ServerProcess, token: str, *files: tuple[str, bytes]) -> None:
    async with (
        server.client(token) as client,
        client.post("/api/v1/batches", data=files_form(*files)) as answer,
    ):
        assert answer.status == 202, await answer.text()


def check(seen: Page, folder: Path) -> None:
    """The page heard exactly what the log holds, once, and folded it as the server did."""
    with contextlib.closing(sqlite3.connect(folder / "livetrail.db")) as db:
        log = [orjson.loads(row[0]) for row in db.execute("SELECT body FROM event ORDER BY seq")]
        states = {key: orjson.loads(row) for key, row in db.execute("SELECT id, state FROM job")}
    assert seen.gaps == []
    assert seen.events == log
    assert seen.jobs == states


async def test_the_page_hears_every_event_once_however_often_the_server_is_killed(
    server: ServerProcess, tmp_path: Path
) -> None:
    token = token_of(Settings(data_dir=tmp_path), "ann")
    async with page(server, token) as seen:
        await seen.until_state("live")
        long = ("long.csv", b"".join(transactions_csv(20_000)))
        await upload(server, token, long, *sample_files()[:2])
        for _ in range(3):
            await seen.until_events(6)
            await server.kill(with_workers=True)
            await seen.until_state("reconnecting")
            await server.start()
            await seen.until_state("live")
        await seen.until_all_ended()
        await seen.end()
    check(seen, tmp_path)


@pytest.mark.parametrize("transport", ["sse", "polling"])
async def test_the_page_hears_every_event_once_where_no_socket_opens(
    server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    token = token_of(Settings(data_dir=tmp_path), "ann")
    async with page(server, token, LIVETRAIL_TRANSPORTS=transport) as seen:
        await seen.until_state("live")
        assert seen.states[-1]["transport"] == transport
        long = ("long.csv", b"".join(transactions_csv(5_000)))
        await upload(server, token, long, *sample_files()[:2])
        await seen.until_events(6)
        await server.kill(with_workers=True)
        await seen.until_state("reconnecting")
        await server.start()
        await seen.until_state("live")
        assert seen.states[-1]["transport"] == transport
        await seen.until_all_ended()
        await seen.end()
    check(seen, tmp_path)
