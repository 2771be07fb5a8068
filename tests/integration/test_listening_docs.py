"""The examples of docs/listening.md do what the page says: all of them tell the whole trail."""

import asyncio
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.integration.serving import LONGEST_S, Server, ended, state_of, token_of, upload

PAGE = Path(__file__).resolve().parents[2] / "docs" / "listening.md"
CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
*EXAMPLES, PUT = re.findall(
    r"^```(sh|python)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
)


async def printed(language: str, code: str, server: Server, lines: int | None) -> list[str]:
    """Run an example until it has printed so many lines, or ended, and return them."""
    command = ["sh", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    token = token_of(server.settings, "ann")
    running = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "LIVETRAIL": server.url, "TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(LONGEST_S):
            if lines is None:
                found = (await running.stdout.read()).splitlines(keepends=True)
            else:
                found = [await running.stdout.readline() for _ in range(lines)]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, 9)
        await running.wait()
    return [line.decode().rstrip("\n") for line in found]


def test_every_way_has_an_example() -> None:
    assert [language for language, _ in (*EXAMPLES, PUT)] == [
        "python",
        "python",
        "sh",
        "sh",
        "python",
        "sh",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_every_example_prints_the_message_of_every_event(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    await ended(ann, await upload(ann, ("a.csv", CSV)))
    async with ann.get("/api/v1/events/history?limit=1000") as answer:
        expected = [event["message"] for event in (await answer.json())["events"]]
    assert len(expected) > 10
    told = [printed(language, code, server, len(expected)) for language, code in EXAMPLES]
    assert await asyncio.gather(*told) == [expected] * len(EXAMPLES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_example_that_uploads_tells_how_it_ended(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    first, *_, last = await printed(*PUT, server, None)
    assert last.startswith("Done: ")
    job = await state_of(ann, first.rpartition("/")[2])
    assert (job["filename"], job["status"]) == ("tea.csv", "completed")
