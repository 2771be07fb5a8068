"""A tus client that others wrote, as it is: it uploads, dies, and goes on."""

import asyncio
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.serving import Server, state_of, token_of
from tests.node import CLIENTS
from tests.patience import LONGEST_S

pytestmark = pytest.mark.usefixtures("node_packages")
CONTENT = random.Random(20261122).randbytes(500_000)


async def client(server: Server, file: Path, stop_at: int) -> list[dict[str, Any]]:
    """Run the client until it has sent the file, or `stop_at` bytes of it; return what it says."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "resumable.js",
        f"{server.url}/api/v1/uploads/",
        token_of(server.settings, "bob"),
        str(file),
        str(stop_at),
        cwd=CLIENTS,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LONGEST_S):
        out, _ = await process.communicate()
    said = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, said
    return said


async def test_it_sends_a_file_in_pieces_dies_and_goes_on(
    server: Server, bob: aiohttp.ClientSession, tmp_path: Path
) -> None:
    file = tmp_path / "März.bin"
    file.write_bytes(CONTENT)
    first = await client(server, file, 200_000)
    assert [line["word"] for line in first] == ["POST", *["PATCH"] * 4, "stopped"]
    then = await client(server, file, 0)
    assert [line["word"] for line in then] == ["HEAD", *["PATCH"] * 4, "done"]
    job = await state_of(bob, then[-2]["job"])
    assert (job["filename"], job["size"]) == ("März.bin", len(CONTENT))
    assert job["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    async with bob.get(f"/api/v1/batches/{job['batch_id']}") as answer:
        assert (await answer.json())["name"] == "By another client"
