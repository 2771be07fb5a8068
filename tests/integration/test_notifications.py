"""People are notified by services they name, once for each upload, and no secret gets out."""

import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.live.messenger import BROKE_OFF, ROOT
from tests.integration.hooks import telling
from tests.integration.listening import until
from tests.integration.receiver import Receiver, receiving, well
from tests.integration.reporter import create, report
from tests.integration.serving import Server, ended, serving, settings_for, upload, with_user
from tests.patience import LONGEST_S

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
CHANNELS = "/api/v1/notifications"


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr("app.live.notifier.WAITS_S", (0.01, 0.01))
    monkeypatch.setattr("app.live.notifier.GATHER_S", 0.0)
    async with telling(tmp_path) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


def address_of(receiver: Receiver, path: str = "hush") -> str:
    return receiver.url.replace("http://", "json://me:secret-word@") + f"/{path}"


async def ask(client: aiohttp.ClientSession, method: str, path: str = "", **given: Any) -> Any:
    async with client.request(method, f"{CHANNELS}{path}", **given) as answer:
        assert answer.ok, await answer.text()
        return await answer.json() if answer.status != 204 else None


async def test_an_upload_is_told_once_and_nobody_elses(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await ask(ann, "POST", json={"address": address_of(receiver, "ann")})
    await ask(bob, "POST", json={"address": address_of(receiver, "bob")})
    await ended(ann, await upload(ann, ("a.csv", CSV), ("b.csv", b""), options='{"name": "Tax"}'))
    (call,) = await receiver.called(1)
    assert call.path == "/ann"
    told = json.loads(call.body)
    assert (told["title"], told["message"]) == ("Livetrail", "Tax: 1 file is done, 1 failed")
    await ended(bob, await upload(bob, ("c.csv", CSV)))
    assert [call.path for call in await receiver.called(2)] == ["/ann", "/bob"]


async def test_further_questions_of_an_upload_are_not_told_soon_after_the_first(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await ask(ann, "POST", json={"address": address_of(receiver)})
    first, second = [await create(ann, batch_name=name) for name in ("First", "Second")]
    question = {"type": "clarification_requested", "question": "Which?"}
    await report(ann, first["job_id"], question)
    (call,) = await receiver.called(1)
    assert json.loads(call.body)["message"] == "First: 1 question waits for you: Which?"
    await report(ann, first["job_id"], question)
    await report(ann, second["job_id"], question)
    _, call = await receiver.called(2)
    assert json.loads(call.body)["message"] == "Second: 1 question waits for you: Which?"


async def test_what_happens_together_is_told_together(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    are_asked = asyncio.Event()

    async def answers_late(request: web.Request) -> web.StreamResponse:
        await are_asked.wait()
        return await well(request)

    receiver.answer = answers_late
    await ask(ann, "POST", json={"address": address_of(receiver)})
    names = ("Before", "First", "Second")
    before, *made = [await create(ann, batch_name=name) for name in names]
    question = {"type": "clarification_requested", "question": "Which?"}
    await report(ann, before["job_id"], question)
    await receiver.called(1)  # while this one is on its way, two things happen
    await asyncio.gather(*(report(ann, one["job_id"], question) for one in made))
    are_asked.set()
    _, call = await receiver.called(2)
    told = json.loads(call.body)
    assert told["title"] == "Livetrail: 2 things happened"
    assert {line.partition(":")[0] for line in told["message"].split("\n")} == {"First", "Second"}


async def test_what_does_not_arrive_is_tried_again_with_what_came_since_then_given_up(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=403)

    receiver.answer = fails
    channel = await ask(ann, "POST", json={"address": address_of(receiver), "kinds": ["ended"]})
    await ended(ann, await upload(ann, ("a.csv", CSV)))
    await receiver.called(3)
    async with asyncio.timeout(LONGEST_S):
        while not (one := await ask(ann, "GET", f"/{channel['id']}"))["error"]:
            pass
    assert one["error"] == "the service answered with status 403"
    receiver.answer = well
    await ended(ann, await upload(ann, ("b.csv", CSV + b"2025-01-04,Tea,-2\n")))
    *_, last = await receiver.called(4)
    assert json.loads(last.body)["message"] == "b.csv: 1 file is done"


async def test_a_test_says_whether_it_arrives(
    ann: aiohttp.ClientSession, receiver: Receiver, gone: Receiver
) -> None:
    channel = await ask(ann, "POST", json={"address": address_of(receiver), "label": "mine"})
    assert await ask(ann, "POST", f"/{channel['id']}/test") == {"arrived": True, "why": ""}
    (call,) = await receiver.called(1)
    assert "This is a test" in json.loads(call.body)["message"]
    channel = await ask(ann, "POST", json={"address": address_of(gone)})
    told = await ask(ann, "POST", f"/{channel['id']}/test")
    assert told == {"arrived": False, "why": "the service could not be reached"}


async def test_its_secrets_are_in_no_answer_page_or_log(
    server: Server,
    ann: aiohttp.ClientSession,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = await ask(ann, "POST", json={"address": address_of(receiver)})
    path = f"/{channel['id']}"
    told = [
        channel,
        await ask(ann, "GET"),
        await ask(ann, "GET", path),
        await ask(ann, "POST", f"{path}/test"),
        await ask(ann, "PATCH", path, json={"label": "x", "active": False}),
        [one.getMessage() for one in caplog.records if one.name != "aiohttp.access"],  # receiver's
    ]
    for page in ("/account", "/api/v1/audit"):
        async with ann.get(page) as answer:
            told.append(await answer.text())
    async with ann.post(CHANNELS, json={"address": "dbus://secret-word"}) as answer:
        told.append(await answer.text())
    assert "secret-word" not in str(told)
    assert "hush" not in str(told)
    assert channel["shown"] == "json://127.0.0.1…"


async def test_it_is_changed_turned_off_and_removed_by_its_owner_alone(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    channel = await ask(ann, "POST", json={"address": address_of(receiver), "kinds": ["failed"]})
    path = f"/{channel['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        async with bob.request(method, f"{CHANNELS}{path}", json={}) as answer:
            assert answer.status == 404
    changed = await ask(ann, "PATCH", path, json={"active": False, "kinds": ["ended"]})
    assert (changed["state"], changed["kinds"]) == ("off", ["ended"])
    await ended(ann, await upload(ann, ("a.csv", CSV)))
    await ask(ann, "PATCH", path, json={"active": True})  # what was meanwhile is not told
    await ended(ann, await upload(ann, ("b.csv", CSV + b"2025-01-04,Tea,-2\n")))
    (call,) = await receiver.called(1)
    assert json.loads(call.body)["message"] == "b.csv: 1 file is done"
    await ask(ann, "DELETE", path)
    assert (await ask(ann, "GET"))["notifications"] == []


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"address": "dbus://"},
        {"address": "nonsense"},
        {"address": "discord://x"},  # the service knows no such address
        {"address": "json://example.com", "kinds": []},
        {"address": "json://example.com", "kinds": ["everything"]},
    ],
)
async def test_what_can_be_no_service_is_refused_with_words(
    ann: aiohttp.ClientSession, wish: dict[str, object]
) -> None:
    async with ann.post(CHANNELS, json=wish) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["title"]
    assert (await ask(ann, "GET"))["notifications"] == []


async def test_making_one_twice_under_one_key_makes_one(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    wish, key = {"address": address_of(receiver)}, {"Idempotency-Key": "k"}
    first, again = [await ask(ann, "POST", json=wish, headers=key) for _ in range(2)]
    assert first == again
    other = {**wish, "label": "another"}
    async with ann.post(CHANNELS, json=other, headers=key) as answer:
        assert answer.status == 409
    assert (await ask(ann, "GET"))["notifications"] == [first]


async def test_a_program_that_can_not_begin_is_tried_again(
    ann: aiohttp.ClientSession,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("app.live.notifier.WAITS_S", (0.01,) * 1000)
    channel = await ask(ann, "POST", json={"address": address_of(receiver)})
    with monkeypatch.context() as broken:
        broken.setattr("app.live.messenger.ROOT", ROOT / "not there")
        told = await ask(ann, "POST", f"/{channel['id']}/test")
        assert (told["arrived"], told["why"]) == (False, BROKE_OFF)
        caplog.clear()
        await ended(ann, await upload(ann, ("a.csv", CSV)))
        await until(lambda: "a notification could not begin" in caplog.text)
    (call,) = await receiver.called(1)
    assert json.loads(call.body)["message"] == "a.csv: 1 file is done"


async def test_a_private_network_is_not_reached_unless_the_operator_allows_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = settings_for(tmp_path / "strict")
    with_user(settings, "ann")
    async with serving(settings) as strict, strict.client("ann") as ann:
        for address in (
            address_of(receiver),
            address_of(receiver).replace("127.0.0.1", "localhost"),
        ):
            channel = await ask(ann, "POST", json={"address": address})
            told = await ask(ann, "POST", f"/{channel['id']}/test")
            assert told["why"] == "it is an address of this machine or of a private network"
    assert receiver.calls == []


async def test_what_was_committed_before_a_stop_is_told_after_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with telling(tmp_path) as server, server.client("ann") as ann:
        channel = await ask(ann, "POST", json={"address": address_of(receiver)})
        await ended(ann, await upload(ann, ("a.csv", CSV)))
    with closing(sqlite3.connect(server.settings.database_path)) as db:
        db.execute("UPDATE channel SET cursor = 0 WHERE id = ?", (channel["id"],))
        db.commit()
    already = len(receiver.calls)
    async with serving(server.settings):
        *_, call = await receiver.called(already + 1)
    assert json.loads(call.body)["message"] == "a.csv: 1 file is done"


class Mailbox:
    """A mail server that takes every letter. `letters` has them as they came."""

    def __init__(self) -> None:
        self.letters: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while command := (await reader.readline()).strip().upper():
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                letter = await reader.readuntil(b"\r\n.\r\n")
                self.letters.put_nowait(letter.decode())
            writer.write(b"250 well\r\n")
        writer.close()


async def test_a_file_whose_name_is_html_is_told_by_its_name(ann: aiohttp.ClientSession) -> None:
    mailbox = Mailbox()
    async with await asyncio.start_server(mailbox.serve, "127.0.0.1") as mail:
        port = mail.sockets[0].getsockname()[1]
        address = f"mailto://127.0.0.1:{port}?from=us@example.com&to=me@example.com"
        channel = await ask(ann, "POST", json={"address": address, "label": "mail"})
        assert (await ask(ann, "POST", f"/{channel['id']}/test"))["arrived"]
        created = await create(ann, batch_name="<img src=x>")
        await report(ann, created["job_id"], {"type": "processing_completed", "result": {}})
        async with asyncio.timeout(LONGEST_S):
            _, told = [await mailbox.letters.get() for _ in range(2)]
    assert "text/html" not in told
    assert "<img src=3Dx>: 1 file is done" in told


GUARDED = """
import sys
from app.notify import Guard
sys.addaudithook(Guard(allow_private={allow_private}))
{code}
"""


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd')",
        "open('{root}/setup.cfg')",
        "open('/tmp/made', 'w')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.remove('/tmp/nothing of this name')",
        "import os; os.rename('/tmp/nothing of this name', '/tmp/another')",
        "import sqlite3; sqlite3.connect('/tmp/nothing of this name', uri=False)",
        "import socket; socket.create_connection(('127.0.0.1', 1))",
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/x')",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('10.0.0.1', 514))",
    ],
)
def test_whoever_steers_the_process_gets_nowhere(code: str) -> None:
    assert "PermissionError" in guarded(code.replace("{root}", str(ROOT)))


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1"])
def test_where_a_cloud_tells_its_keys_nobody_gets_even_if_private_networks_are_open(
    address: str,
) -> None:
    code = f"import socket; socket.create_connection(('{address}', 80), timeout=1)"
    assert "PermissionError: machines in a cloud" in guarded(code, allow_private=True)


def guarded(code: str, *, allow_private: bool = False) -> str:
    """Run a line of Python under the guard; return the last line of what it died of."""
    text = GUARDED.format(code=code, allow_private=allow_private)
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]
