"""A file goes in by PUT, and its messages come back as lines, as people see them with curl."""

import asyncio
import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from app import main
from app.core.permissions import EVERYTHING
from app.keys import HUB, RECHECK
from app.store.offline import issue_token
from tests.integration.listening import until
from tests.integration.serving import (
    LONGEST_S,
    Server,
    serving,
    settings_for,
    state_of,
    token_of,
    with_user,
)
from tests.integration.test_uploads import CSV, jobs, nothing_happened, stored

with_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
JOB = re.compile(r"Job: (http://\S+)/jobs/([0-9a-f-]{36})")
STUCK = "tests.integration.readers_for_tests:never"


async def curl(
    server: Server, *command: str, token: str = "", sent: bytes | None = None
) -> tuple[list[str], int]:
    """Run curl as ann; return the lines it printed and the status of the answer."""
    running = await asyncio.create_subprocess_exec(
        *("curl", "-sN", "-w", "%{http_code}\n", "-H"),
        f"Authorization: Bearer {token or token_of(server.settings, 'ann')}",
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LONGEST_S):
        printed, _ = await running.communicate(sent)
    *lines, status = printed.decode().splitlines()
    return lines, int(status)


def job_of(line: str) -> str:
    """Return the job that the first line leads to."""
    found = JOB.fullmatch(line)
    assert found is not None, line
    return found[2]


@pytest.fixture
async def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server whose jobs come to no end; a user may listen once at a time."""
    monkeypatch.setitem(main.READERS, "malware_scan", STUCK)
    settings = settings_for(tmp_path / "stuck", max_websocket_connections_per_user=1)
    with_user(settings, "ann")
    async with serving(settings) as server:
        yield server


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose limits are small enough to meet."""
    settings = settings_for(tmp_path / "small", max_upload_bytes=2_000_000)
    with_user(settings, "ann")
    async with serving(settings) as server:
        yield server


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that waits for nobody who says nothing for a second."""
    settings = settings_for(tmp_path / "impatient", upload_idle_s=1.0)
    with_user(settings, "ann")
    async with serving(settings) as server:
        yield server


# With curl


@with_curl
async def test_a_file_is_read_to_its_end_and_every_message_is_a_line(
    server: Server, ann: aiohttp.ClientSession, tmp_path: Path
) -> None:
    path = tmp_path / "März 1.csv"
    path.write_bytes(CSV)
    lines, status = await curl(server, "-T", str(path), f"{server.url}/up/")
    state = await state_of(ann, job_of(lines[0]))
    assert (status, state["status"], state["filename"]) == (200, "completed", "März 1.csv")
    async with ann.get(f"/api/v1/jobs/{state['job_id']}/events") as answer:
        told = [event["message"] for event in (await answer.json())["events"]]
    once = [told[0], *(b for a, b in pairwise(told) if a != b)]
    assert lines[1:-1] == once[:-1]
    assert lines[-1] == f"Done: {once[-1]}"
    async with ann.get(lines[0].removeprefix("Job: ")) as answer:
        assert answer.status == 200


@with_curl
async def test_a_large_file_waits_for_leave_and_a_pipe_has_no_length(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    large = CSV + b"".join(b"2026-01-02,Tea %d,-2.00\n" % n for n in range(60_000))
    expects = ("-H", "Expect: 100-continue", "--expect100-timeout", "60")
    for extra in (expects, ()):
        lines, status = await curl(
            server, *extra, "-T", "-", f"{server.url}/up/large.csv", sent=large
        )
        state = await state_of(ann, job_of(lines[0]))
        assert (status, state["size"]) == (200, len(large))
        assert state["sha256"] == hashlib.sha256(large).hexdigest()


@with_curl
@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01\x01\0" + b"\0" * 500])
async def test_a_file_that_is_no_table_fails_in_three_sentences(
    server: Server, ann: aiohttp.ClientSession, content: bytes
) -> None:
    lines, status = await curl(server, "-T", "-", f"{server.url}/up/odd.csv", sent=content)
    error = (await state_of(ann, job_of(lines[0])))["error"]
    assert status == 200
    assert lines[-1] == f"Failed: {error['title']}. {error['detail']} {error['hint']}"


@with_curl
async def test_what_is_too_large_is_refused_before_and_while_it_travels(small: Server) -> None:
    too_large = b"x" * 2_000_001
    path = small.settings.data_dir.parent / "large.csv"
    path.write_bytes(too_large)
    ways = [
        (("-T", str(path), "-H", "Expect: 100-continue", "--expect100-timeout", "60"), None),
        (("-T", "-", "-H", "Expect:"), too_large),
    ]
    for command, sent in ways:
        lines, status = await curl(small, *command, f"{small.url}/up/large.csv", sent=sent)
        assert status == 413
        assert len(lines) == 1
        assert lines[0].startswith("large.csv is larger than 2.0 MB. ")
        assert nothing_happened(small)


# By other clients


async def test_who_asks_for_json_gets_a_problem(
    stranger: aiohttp.ClientSession, ann: aiohttp.ClientSession
) -> None:
    for client, path, status in (
        (stranger, "/up/a.csv", 401),
        (ann, "/up/a.csv?on_duplicate=perhaps", 400),
    ):
        async with client.put(path, data=CSV) as answer:
            assert (answer.status, answer.content_type) == (status, "text/plain")
            text = await answer.text()
        async with client.put(path, data=CSV, headers={"Accept": "application/json"}) as answer:
            problem = await answer.json(content_type="application/problem+json")
        assert text == f"{problem['title']}. {problem['detail']} {problem['hint']}\n"


async def test_a_name_is_made_harmless_and_options_are_taken(ann: aiohttp.ClientSession) -> None:
    path = "/up/..%2F%1B%5B31m%0Abills.csv?name=March&on_duplicate=keep"
    async with ann.put(aiohttp.client.URL(path, encoded=True), data=CSV) as answer:
        text = await answer.text()
    lines = text.splitlines()
    state = await state_of(ann, job_of(lines[0]))
    assert state["filename"] == "[31mbills.csv"
    assert all(line.isprintable() for line in lines)
    async with ann.get(f"/api/v1/batches/{state['batch_id']}") as answer:
        batch = await answer.json()
    assert (batch["name"], batch["options"]) == ("March", {"on_duplicate": "keep"})


async def test_nobody_else_sees_what_was_put(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with ann.put("/up/a.csv", data=CSV) as answer:
        job = job_of((await answer.text()).splitlines()[0])
    async with bob.get(f"/api/v1/jobs/{job}") as answer:
        assert answer.status == 404


async def test_the_same_key_tells_the_same_job_again(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    told = []
    for _ in range(2):
        async with ann.put("/up/a.csv", data=CSV, headers={"Idempotency-Key": "k"}) as answer:
            told.append(await answer.text())
    assert told[0] == told[1]
    assert jobs(server) == 1


@pytest.mark.parametrize("missing", ["upload", "listen"])
async def test_a_token_that_lacks_a_scope_is_told_which(server: Server, missing: str) -> None:
    secret = issue_token(server.settings.database_path, "ann", scopes=tuple(EVERYTHING - {missing}))
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as script:
        async with script.put("/up/a.csv", data=CSV) as answer:
            (line,) = (await answer.text()).splitlines()
            status, place = answer.status, answer.headers.get("Location", "")
        assert f"this needs the scope {missing}" in line
        if missing == "upload":
            assert status == 403
            assert nothing_happened(server)
        else:
            assert status == 202
            assert line.startswith("Waiting: a.csv is here and safe. ")
            assert line.endswith(place.removeprefix("/api/v1"))
            async with script.get(place) as answer:
                assert answer.status == 200


async def asking(server: Server, *head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to put a.csv on a bare connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    bearer = b"Authorization: Bearer " + token_of(server.settings, "ann").encode()
    writer.write(b"\r\n".join((b"PUT /up/a.csv HTTP/1.1", b"Host: a", bearer, *head, b"", b"")))
    return reader, writer


async def answered(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the first line of the answer, and that of its body."""
    async with asyncio.timeout(LONGEST_S):
        head = await reader.readuntil(b"\r\n\r\n")
        return head.partition(b"\r\n")[0], await reader.readline()


async def test_who_waits_for_leave_is_refused_before_it_sends(small: Server) -> None:
    reader, writer = await asking(small, b"Expect: 100-continue", b"Content-Length: 2000001")
    status, line = await answered(reader)
    writer.close()
    assert b" 413 " in status
    assert line.startswith(b"a.csv is larger than ")


PARTS = {
    "length": (b"Content-Length: 100", b"x" * 20),
    "chunks": (b"Transfer-Encoding: chunked", b"14\r\n" + b"x" * 20 + b"\r\n"),
}


@pytest.mark.parametrize("how", PARTS)
async def test_a_body_that_stalls_leaves_nothing(impatient: Server, how: str) -> None:
    head, part = PARTS[how]
    reader, writer = await asking(impatient, head)
    writer.write(part)
    status, line = await answered(reader)
    writer.close()
    assert b" 408 " in status
    assert line.startswith(b"The upload broke off before the last byte. ")
    assert nothing_happened(impatient)


@pytest.mark.parametrize("how", PARTS)
async def test_a_body_that_is_cut_leaves_nothing(server: Server, how: str) -> None:
    head, part = PARTS[how]
    _, writer = await asking(server, head)
    writer.write(part)
    await until(lambda: stored(server))
    writer.close()
    await until(lambda: nothing_happened(server))


async def test_a_body_that_is_not_packed_as_it_says_leaves_nothing(server: Server) -> None:
    reader, writer = await asking(server, b"Transfer-Encoding: chunked")
    writer.write(PARTS["chunks"][1] + b"no size\r\n")
    status, _ = await answered(reader)
    writer.close()
    assert b" 400 " in status
    assert nothing_happened(server)


async def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "full", min_free_bytes=2**62)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        async with ann.put("/up/a.csv", data=CSV) as answer:
            (line,) = (await answer.text()).splitlines()
            assert (answer.status, answer.headers["Retry-After"]) == (507, "60")
        assert line.startswith("The server has no room left to store this. ")
        assert nothing_happened(server)


# Jobs that are not at their end


async def test_who_leaves_frees_the_seat_and_the_job_goes_on(stuck: Server) -> None:
    async with stuck.client("ann") as ann:
        async with ann.put("/up/a.csv", data=CSV) as answer:
            job = job_of((await answer.content.readline()).decode().strip())
            assert (await answer.content.readline()) == b"a.csv is here and safe\n"
            async with ann.put("/up/b.csv", data=CSV) as second:
                assert (second.status, jobs(stuck)) == (429, 1)
                assert int(second.headers["Retry-After"]) > 0
            answer.close()
        async with asyncio.timeout(LONGEST_S):
            while True:
                async with ann.put("/up/c.csv", data=CSV) as third:
                    if third.status == 200:
                        break
        assert (await state_of(ann, job))["status"] in ("pending", "processing")


async def test_cancelling_is_told_as_the_end(stuck: Server) -> None:
    async with stuck.client("ann") as ann, ann.put("/up/a.csv", data=CSV) as answer:
        job = job_of((await answer.content.readline()).decode().strip())
        async with ann.post(f"/api/v1/jobs/{job}/cancel") as cancelled:
            assert cancelled.status == 202
        assert (await answer.text()).splitlines()[-1].startswith("Cancelled: ")


async def test_a_revoked_token_hears_nothing_more(stuck: Server) -> None:
    headers = {"Authorization": f"Bearer {token_of(stuck.settings, 'ann')}"}
    async with (
        stuck.client("ann") as ann,
        aiohttp.ClientSession(stuck.url, headers=headers) as script,
        script.put("/up/a.csv", data=CSV) as answer,
    ):
        await answer.content.readline()
        async with ann.get("/api/v1/tokens") as listed:
            (token,) = (await listed.json())["tokens"]
        async with ann.delete(f"/api/v1/tokens/{token['id']}") as revoked:
            assert revoked.status == 204
        await stuck.app[RECHECK].look()
        last = (await answer.text()).splitlines()[-1]
    assert last.startswith(
        "Waiting: What you came by has changed or ended, and the work goes on. See http"
    )


async def test_a_restart_says_where_to_look_on(stuck: Server) -> None:
    async with stuck.client("ann") as ann, ann.put("/up/a.csv", data=CSV) as answer:
        address = (await answer.content.readline()).decode().strip().removeprefix("Job: ")
        await main.say_goodbye(stuck.app)
        last = (await answer.text()).splitlines()[-1]
        assert last == f"Waiting: The server restarts, and the work goes on. See {address}"
        assert len(stuck.app[HUB].polls) == 0
        async with ann.put("/up/a.csv", data=CSV) as late:
            assert (late.status, late.content_type) == (503, "text/plain")
