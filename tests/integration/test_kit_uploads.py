"""The kit's uploads, against a server that is killed and a page that is reloaded meanwhile."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.core.samples import transactions_csv
from app.settings import Settings
from tests.integration.serving import token_of, with_user
from tests.process import ROOT, ServerProcess

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
LONGEST_S = 90.0


class Sender:
    """A page that sends a file, in a process of its own, and what it told last."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []

    async def until(self, key: str, least: float | str) -> dict[str, Any]:
        """Listen until it tells of `key` with that value, or with a number not below it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LONGEST_S):
            while line := await self.process.stdout.readline():
                told: dict[str, Any] = orjson.loads(line)
                self.told.append(told)
                found = told.get(key)
                if found == least or (isinstance(least, int) and found and found >= least):
                    return told
        raise AssertionError(f"it ended without {key}: {self.told[-3:]}")

    async def taken(self) -> dict[str, Any]:
        """Listen to the end and return what became of the file."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LONGEST_S):
            rest = (await self.process.stdout.read()).splitlines()
        self.told += [orjson.loads(line) for line in rest]
        return self.told[-1]


@contextlib.asynccontextmanager
async def sending(server: ServerProcess, token: str, folder: Path) -> AsyncIterator[Sender]:
    """A page that sends `folder`/expenses.csv."""
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        "--no-warnings",
        "tests/unit/js/send.js",
        cwd=ROOT,
        env={
            **os.environ,
            "LIVETRAIL_URL": server.url,
            "LIVETRAIL_TOKEN": token,
            "LIVETRAIL_FILE": str(folder / "expenses.csv"),
            "LIVETRAIL_MEMORY": str(folder / "memory.json"),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Sender(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    with_user(Settings(data_dir=tmp_path / "data"), "ann")
    process = ServerProcess(tmp_path / "data")
    await process.start()
    yield process
    await process.stop()


async def test_an_upload_outlives_a_killed_server_and_a_reload_of_its_page(
    server: ServerProcess, tmp_path: Path
) -> None:
    content = b"".join(transactions_csv(60_000))
    (tmp_path / "expenses.csv").write_bytes(content)
    token = token_of(Settings(data_dir=tmp_path / "data"), "ann")
    async with sending(server, token, tmp_path) as page:
        await page.until("sent", len(content) // 5)
        await server.kill(with_workers=True)
        await page.until("state", "waiting")
        await server.start()
        reached = (await page.until("sent", len(content) // 2))["sent"]
    async with sending(server, token, tmp_path) as reloaded:
        taken = await reloaded.taken()
    assert next(told["sent"] for told in reloaded.told if told["sent"]) >= reached
    assert orjson.loads((tmp_path / "memory.json").read_bytes()) == {}
    async with server.client(token) as client:
        async with client.get(f"/api/v1/jobs/{taken['job_id']}") as answer:
            job = await answer.json()
        async with client.get(f"/api/v1/batches/{taken['batch_id']}") as answer:
            batch = await answer.json()
    assert (job["filename"], job["sha256"]) == ("expenses.csv", hashlib.sha256(content).hexdigest())
    assert batch["name"] == "From the kit"
