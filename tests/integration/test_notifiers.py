"""Notifiers of plugins: what they are told, how often, and what of the server they can reach."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import app
from app.keys import PLUGINS, RUNNER
from tests.integration.plugins import COUNT, house, named
from tests.integration.serving import LONGEST_S, ended, serving, upload

NOTIFIER = """
import urllib.request
from app.plugins import Notifier, hook

async def told(event):
    urllib.request.urlopen(URL, data=event["type"].encode(), timeout=30).read()

@hook
def livetrail_notifiers():
    return [Notifier("ring", told, types=["processing_completed", "batch_completed"])]
"""


@asynccontextmanager
async def ringing(
    answers: Iterator[int],
) -> AsyncIterator[tuple[str, asyncio.Queue[tuple[int, str]]]]:
    """Yield where a notifier may ring, and what it said with what it was answered."""
    said: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    async def ring(request: web.Request) -> web.Response:
        status = next(answers)
        said.put_nowait((status, await request.text()))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/", ring)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), said


async def test_a_notifier_is_told_what_happened_before_a_restart(tmp_path: Path) -> None:
    status = 500
    async with ringing(iter(lambda: status, None)) as (url, said), asyncio.timeout(2 * LONGEST_S):
        settings = house(tmp_path, ring=f"URL = {url!r}\n{NOTIFIER}")
        async with serving(settings) as server, server.client("ann") as ann:
            await upload(ann, *named("first"))
            assert await said.get() == (500, "processing_completed")
        while not said.empty():  # it was asked once more before the server stopped
            said.get_nowait()
        status = 200
        async with serving(settings):
            assert await said.get() == (200, "processing_completed")
            assert await said.get() == (200, "batch_completed")


async def test_a_notifier_that_fails_is_asked_again_and_holds_up_nothing(tmp_path: Path) -> None:
    answers = chain([500], repeat(200))
    async with ringing(answers) as (url, said), asyncio.timeout(2 * LONGEST_S):
        settings = house(tmp_path, ring=f"URL = {url!r}\n{NOTIFIER}")
        async with serving(settings) as server, server.client("ann") as ann:
            (job,) = await ended(ann, await upload(ann, *named("first")))
            assert job["status"] == "completed"
            assert [await said.get() for _ in range(3)] == [
                (500, "processing_completed"),
                (200, "processing_completed"),
                (200, "batch_completed"),
            ]
            assert server.app[PLUGINS].failures["ring.ring"] == 1


HANGING = """
import os, time, urllib.error, urllib.request
from app.plugins import Notifier, hook

def told(event):
    try:
        urllib.request.urlopen(URL, data=" ".join(os.environ).encode(), timeout=30).read()
    except urllib.error.HTTPError:
        time.sleep(3600)

@hook
def livetrail_notifiers():
    return [Notifier("ring", told, types=["batch_completed"])]
"""


async def test_a_notifier_that_hangs_is_cut_and_knows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_THE_OPERATOR", "hush")
    async with ringing(chain([500], repeat(200))) as (url, said), asyncio.timeout(2 * LONGEST_S):
        settings = house(tmp_path, ring=f"URL = {url!r}\n{HANGING}")
        hasty = settings.model_copy(update={"plugin_timeout_s": 8.0})
        async with serving(hasty) as server, server.client("ann") as ann:
            await upload(ann, *named("first"))
            tries = [await said.get() for _ in range(2)]
    assert [status for status, _ in tries] == [500, 200]
    assert "PATH" in tries[0][1].split()
    assert "KEY_OF_THE_OPERATOR" not in tries[0][1].split()


FORGING = """
import os, urllib.request
from app.plugins import Notifier, hook

def told(event):
    try:
        urllib.request.urlopen(URL, data=event["type"].encode(), timeout=30).read()
    except OSError:
        for number in range(3, 20):
            try:
                os.write(number, ANSWER)
            except OSError:
                pass

@hook
def livetrail_notifiers():
    return [Notifier("ring", told, types=["batch_completed"])]
"""


@pytest.mark.parametrize("said", [b"no JSON\n", b'{"told": 0}\n'])
async def test_a_notifier_that_answers_nonsense_is_asked_again(tmp_path: Path, said: bytes) -> None:
    async with ringing(chain([500], repeat(200))) as (url, heard), asyncio.timeout(2 * LONGEST_S):
        settings = house(tmp_path, ring=f"URL = {url!r}\nANSWER = {said!r}\n{FORGING}")
        async with serving(settings) as server, server.client("ann") as ann:
            await upload(ann, *named("first"))
            assert [await heard.get() for _ in range(2)] == [
                (500, "batch_completed"),
                (200, "batch_completed"),
            ]
            assert server.app[PLUGINS].failures["ring.ring"] == 1


LOOKING = """
import json, os, pathlib, subprocess, sys, tempfile, urllib.request
from app.plugins import Notifier, hook

def tried(act):
    try:
        act()
        return "done"
    except PermissionError:
        return "refused"
    except Exception as error:
        return repr(error)

def told(event):
    proc, data = pathlib.Path(f"/proc/{os.getppid()}"), pathlib.Path(DATA)
    own = pathlib.Path(__file__)
    found = {
        "list the data folder": lambda: os.listdir(data),
        "read the database": (data / "livetrail.db").read_bytes,
        "read the key": (data / "secret.key").read_bytes,
        "read another plugin": (data / "plugins" / "words.py").read_bytes,
        "change its own file": lambda: own.open("a"),
        "put a plugin there": lambda: (data / "plugins" / "more.py").write_text(""),
        "read by way of the server": (proc / f"root{data}/secret.key").read_bytes,
        "read the server's environment": (proc / "environ").read_bytes,
        "change Livetrail": lambda: (pathlib.Path(APP) / "plugins.py").open("a"),
        "read its own file": own.read_bytes,
        "look up an address": pathlib.Path("/etc/hosts").read_bytes,
        "put something aside": lambda: tempfile.TemporaryFile().close(),
        "run a program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    }
    said = json.dumps({what: tried(act) for what, act in found.items()})
    urllib.request.urlopen(URL, data=said.encode(), timeout=30).read()

@hook
def livetrail_notifiers():
    return [Notifier("ring", told, types=["batch_completed"])]
"""
MAY = {"read its own file", "look up an address", "put something aside", "run a program"}


async def test_a_notifier_reaches_others_and_nothing_of_the_data_folder(tmp_path: Path) -> None:
    async with ringing(repeat(200)) as (url, said), asyncio.timeout(2 * LONGEST_S):
        names = f"URL = {url!r}\nDATA = {str(tmp_path / 'data')!r}\nAPP = {app.__path__[0]!r}\n"
        settings = house(tmp_path, ring=f"{names}{LOOKING}", words=COUNT)
        async with serving(settings) as server, server.client("ann") as ann:
            await ended(ann, await upload(ann, *named("first")))
            _, told = await said.get()
            held_by = server.app[RUNNER].held_by
    assert held_by is not None
    if not held_by.landlock:
        pytest.skip(f"not in force on this system: {held_by.sentence()}")
    found: dict[str, Any] = orjson.loads(told)
    assert {what: did for what, did in found.items() if what in MAY} == dict.fromkeys(MAY, "done")
    assert {did for what, did in found.items() if what not in MAY} == {"refused"}, found
