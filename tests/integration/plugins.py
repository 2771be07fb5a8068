"""Plugins for tests, and servers that have them."""

from pathlib import Path
from typing import Any

import aiohttp

from app.settings import Settings
from tests.integration.serving import Server, followed, settings_for, with_user

CSV = b"Date,Description,Amount\n2026-01-02,Tea house,-2.50\n2026-01-03,Rent,-900.00\n"

COUNT = """
from app.plugins import File, Step, hook

async def count(file: File) -> dict:
    words = len(file.path.read_bytes().split())
    file.tell(1, 1)
    return {"words": words}

@hook
def livetrail_steps():
    return [Step("count_words", count, after="malware_scan", message="Counting words...",
                 done="I counted {words} words")]
"""


READER = """
from app.plugins import File, Reader, hook

def read(file: File):
    yield "Date", "Description", "Amount"
    for line in file.path.read_text().splitlines()[1:]:
        yield line.split("~")

@hook
def livetrail_readers():
    return [Reader("tilde", read, endings=["tld"], magic=b"TILDE", label="Tilde book")]
"""
TILDE = b"TILDE\n2026-01-02~Tea, two cups~-2.50\n2026-01-03~Rent~-900.00\n"


BAD = """
import os, socket, sys, time
from pathlib import Path
from app.plugins import File, Step, hook

def act(file: File):
    what = file.name.partition(".")[0]
    if what == "raises":
        raise ValueError("no such luck")
    if what == "hangs":
        while True:
            time.sleep(1)
    if what == "exits":
        os._exit(3)
    if what == "quits":
        sys.exit("enough")
    if what == "eats":
        return {"much": len(bytearray(64 * 2**30))}
    if what == "says_nonsense":
        return ["no", "dict"]
    if what == "says_much":
        return {"much": "x" * 100_000}
    if what == "calls":
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    if what == "looks":
        return {"files": os.listdir(file.folder.parents[3])}
    if what == "writes":
        (file.folder.parents[1] / "mine").write_text("not mine")
    (file.folder / "mine").write_text("mine")
    return {"ok": 1}

@hook
def livetrail_steps():
    return [Step("act", act, after="malware_scan", required=%s)]
"""


def house(folder: Path, **plugins: str) -> Settings:
    """Return settings for a server of ann's with these plugins, each a name and its code."""
    settings = settings_for(folder / "data")
    settings.plugins_dir.mkdir(parents=True, exist_ok=True)
    for name, code in plugins.items():
        (settings.plugins_dir / f"{name}.py").write_text(code)
    if not settings.database_path.exists():
        with_user(settings, "ann", admin=True)
    return settings


async def events_of(client: aiohttp.ClientSession, job_id: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/jobs/{job_id}/events?limit=1000") as answer:
        assert answer.status == 200, await answer.text()
        return list((await answer.json())["events"])


def named(*names: str) -> list[tuple[str, bytes]]:
    """Return a table for each name, no two the same."""
    return [(f"{name}.csv", CSV + f"2026-02-01,{name},1.00\n".encode()) for name in names]


async def reached(client: aiohttp.ClientSession, job_id: str, step: str) -> None:
    """Wait until the job's step has begun."""
    seen: list[dict[str, Any]] = [{"seq": 0, "step": ""}]
    while seen[-1]["step"] != step:
        seen = await followed(client, f"job:{job_id}", "step_started", after=seen[-1]["seq"])


async def plugins_of(server: Server) -> dict[str, dict[str, Any]]:
    """Return what operators are told of the plugins, by their names."""
    async with server.client("ann") as ann, ann.get("/api/v1/plugins") as answer:
        assert answer.status == 200, await answer.text()
        return {plugin["name"]: plugin for plugin in (await answer.json())["plugins"]}
