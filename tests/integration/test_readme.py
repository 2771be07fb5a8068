"""The README's tour, line by line as it stands there, on a server of its own."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.node import CLIENTS
from tests.process import ROOT, ServerProcess

TOUR = re.compile(r"^## A tour in five lines\n+```sh\n(.*?)^```$", re.M | re.S)
ENDS_WITHIN_S = 90.0


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of what was printed, whatever stands between them."""
    at = text.find("{")
    while at >= 0:
        found, at = json.JSONDecoder().raw_decode(text, at)
        yield found
        at = text.find("{", at)


async def printed(commands: str, folder: Path) -> str:
    """Run what a person would type in that folder, and return what it printed."""
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        commands,
        cwd=folder,
        env={
            **os.environ,
            "LIVETRAIL_DATA_DIR": str(folder / "data"),
            "PYTHONPATH": str(ROOT),
        },
        stdin=asyncio.subprocess.PIPE,  # stays open: wscat leaves where it ends
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert shell.stdout is not None
    assert shell.stderr is not None
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            said, complained = await asyncio.gather(shell.stdout.read(), shell.stderr.read())
            await shell.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, 9)
    assert shell.returncode == 0, complained.decode()[-2000:]
    return said.decode()


@pytest.mark.usefixtures("node_packages")
async def test_the_tour_prints_every_event_from_the_first_on(tmp_path: Path) -> None:
    found = TOUR.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    (tmp_path / "expenses.csv").write_bytes(b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n")
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    server = ServerProcess(tmp_path / "data")
    await server.start()
    try:
        tour = (
            found[1]
            .replace("python3 run.py", f"{sys.executable} -m app.cli")
            .replace("http://127.0.0.1:8080", server.url)
            .replace("ws://127.0.0.1:8080", server.url.replace("http", "ws"))
            .replace("-w 60", "-w 5")
        )
        assert "8080" not in tour
        accepted, history, welcome, *told = objects(await printed(tour, tmp_path))
    finally:
        await server.stop()
    assert [job["filename"] for job in accepted["jobs"]] == ["expenses.csv"]
    assert history["events"][0]["type"] == "batch_created"
    assert welcome["type"] == "welcome"
    seqs = [message["seq"] for message in told if "n" in message]
    assert seqs[0] == 1
    assert seqs == sorted(set(seqs))
