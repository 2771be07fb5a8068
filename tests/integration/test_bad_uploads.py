"""Uploads that are none, break off, or bring tricky names: told in three sentences, and gone."""

import asyncio
import gzip
import hashlib
import html
import re
import socket
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from app.keys import FILES
from tests.integration.bad_files import table
from tests.integration.listening import until
from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    serving,
    session_of,
    settings_for,
    state_of,
    upload,
    with_user,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MULTIPART = "multipart/form-data; boundary=x"
LARGEST_BYTES = 3_000_000
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@dataclass(frozen=True)
class Desk:
    """A server that takes small uploads from quick clients, and somebody's good file on it."""

    server: Server
    ann: aiohttp.ClientSession
    good: Any  # the job of the good file at its end

    def files(self) -> list[str]:
        """Return everything that is stored or arriving, by its path in the data folder."""
        folder = self.server.settings.data_dir
        kept = [*folder.glob("files/**/*"), *folder.glob("incoming/**/*")]
        return sorted(str(path.relative_to(folder)) for path in kept if path.is_file())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    settings = settings_for(
        tmp_path_factory.mktemp("desk") / "data",
        max_upload_bytes=LARGEST_BYTES,
        max_files_per_batch=30,
        upload_idle_s=3.0,
    )
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await ended(ann, await upload(ann, ("good.csv", table(20))))
        assert good["status"] == "completed", good["error"]
        yield Desk(server, ann, good)


@pytest_asyncio.fixture(loop_scope="module")
async def unharmed(desk: Desk) -> AsyncIterator[Desk]:
    """The desk; afterwards nothing has changed, and it takes a good file."""
    before = desk.files(), desk.server.app[FILES].used_bytes
    yield desk
    assert (desk.files(), desk.server.app[FILES].used_bytes) == before
    assert await state_of(desk.ann, desk.good["job_id"]) == desk.good
    (again,) = await ended(desk.ann, await upload(desk.ann, ("good.csv", table(20))))
    assert again["status"] == "completed"


def assert_told(problem: dict[str, Any], code: str) -> None:
    """Assert that a problem has this code and three sentences, and tells nothing of our insides."""
    assert problem["code"] == code, problem
    sentences = [problem[part] for part in ("title", "detail", "hint")]
    assert all(len(sentence.split()) > 2 for sentence in sentences), problem
    assert len(set(sentences)) == 3, problem
    assert not re.search(r"[{}]|Traceback|Error\b|Exception|0x", " ".join(sentences)), problem


# What is no upload

PART = HEAD + b"a,b\r\n1,2"
BAD_BODIES: dict[str, tuple[str, bytes, int, str]] = {
    "no content type": ("", b"", 415, "not_multipart"),
    "json without addresses": ("application/json", b"{}", 400, "invalid_request"),
    "json that is none": ("application/json", b"a,b\n1,2", 400, "invalid_request"),
    "text": ("text/csv", b"a,b\n1,2", 415, "not_multipart"),
    "missing boundary": ("multipart/form-data", PART + TAIL, 400, "malformed_multipart"),
    "wrong boundary": (
        "multipart/form-data; boundary=y", PART + TAIL, 400, "malformed_multipart",
    ),
    "no last boundary": (MULTIPART, PART, 400, "malformed_multipart"),
    "no body": (MULTIPART, b"", 400, "malformed_multipart"),
    "no part": (MULTIPART, b"--x--\r\n", 400, "no_files"),
    "zero bytes without a name": (
        MULTIPART, HEAD.replace(b"a.csv", b"") + TAIL, 400, "no_files",
    ),
    "part of another name": (
        MULTIPART, PART.replace(b"files", b"file") + TAIL, 400, "invalid_request",
    ),
    "part whose name is no text": (
        MULTIPART, PART.replace(b"files", b"fil\xffs") + TAIL, 400, "invalid_request",
    ),
    "file too large": (MULTIPART, HEAD + bytes(LARGEST_BYTES + 1) + TAIL, 413, "upload_too_large"),
    "nothing, too often": (
        MULTIPART,
        (HEAD.replace(b"a.csv", b"") + b"\r\n") * 31 + b"--x--\r\n",
        413,
        "too_many_files",
    ),
    "too many files": (MULTIPART, (PART + b"\r\n") * 31 + b"--x--\r\n", 413, "too_many_files"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_what_is_no_upload_is_told_in_three_sentences(unharmed: Desk, name: str) -> None:
    content_type, body, status, code = BAD_BODIES[name]
    headers = {"Content-Type": content_type} if content_type else {}
    async with unharmed.ann.post("/api/v1/batches", data=body, headers=headers) as answer:
        assert answer.status == status
        assert_told(await answer.json(content_type="application/problem+json"), code)


@pytest.mark.parametrize("name", ["missing boundary", "file too large"])
async def test_a_browser_without_scripts_gets_them_as_a_page(unharmed: Desk, name: str) -> None:
    content_type, body, status, code = BAD_BODIES[name]
    headers = {"Content-Type": content_type}
    async with unharmed.ann.post("/api/v1/batches", data=body, headers=headers) as answer:
        problem = await answer.json(content_type=None)
    headers["Accept"] = "text/html"
    async with unharmed.ann.post("/upload", data=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (status, "text/html")
        page = html.unescape(await answer.text())
    assert code in page
    assert [
        problem[part] for part in ("title", "detail", "hint") if problem[part] not in page
    ] == []


async def test_a_file_of_zero_bytes_is_refused_beside_a_good_one(desk: Desk) -> None:
    files = (("good.csv", table(7)), ("zero.csv", b""), ("good too.csv", table(9)))
    ends = await ended(desk.ann, await upload(desk.ann, *files))
    assert [end["status"] for end in ends] == ["completed", "error", "completed"]
    assert ends[1]["error"]["title"] == "zero.csv is empty"


# What breaks off


def connected(desk: Desk, headers: str) -> socket.socket:
    """Return a connection on which an upload of ann's has begun."""
    server = desk.server
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setblocking(False)
    head = (
        f"POST /api/v1/batches HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {server.url}\r\n"
        f"Cookie: livetrail_session={session_of(server.settings, 'ann')}\r\n"
        f"Content-Type: {MULTIPART}\r\n{headers}\r\n\r\n"
    )
    connection.send(head.encode())
    return connection


async def answer_on(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Return the status and the problem that come back on a raw connection."""
    loop, answer = asyncio.get_running_loop(), b""
    async with asyncio.timeout(LONGEST_S):
        while not answer.endswith(b"}"):
            more = await loop.sock_recv(connection, 65536)
            assert more, answer
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), orjson.loads(body)


async def has(desk: Desk, size_bytes: int) -> None:
    """Wait until the server holds exactly `size_bytes`, or more if it is still receiving."""
    await until(lambda: desk.server.app[FILES].used_bytes >= size_bytes)


async def gone(desk: Desk, files: list[str]) -> None:
    await until(lambda: desk.files() == files)


@pytest.mark.parametrize("headers", ["Content-Length: 2900000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("end", ["closed", "half closed", "reset"])
async def test_an_upload_cut_in_the_middle_leaves_nothing(
    unharmed: Desk, headers: str, end: str
) -> None:
    before, used = unharmed.files(), unharmed.server.app[FILES].used_bytes
    connection = connected(unharmed, headers)
    body = HEAD + b"z" * 1_500_000
    if "chunked" in headers:
        body = b"%x\r\n" % 2_000_000 + body
    await asyncio.get_running_loop().sock_sendall(connection, body)
    await has(unharmed, used + 1_400_000)
    if end == "half closed":
        connection.shutdown(socket.SHUT_WR)
    elif end == "reset":
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
    else:
        connection.close()
    await gone(unharmed, before)
    connection.close()


async def test_an_upload_that_falls_silent_is_told_so(unharmed: Desk) -> None:
    connection = connected(unharmed, "Content-Length: 900")
    await asyncio.get_running_loop().sock_sendall(connection, HEAD + b"a,b\n")
    status, problem = await answer_on(connection)
    connection.close()
    assert status == 408
    assert_told(problem, "upload_cut")
    assert problem["retryable"]


async def test_a_body_whose_pieces_have_no_size_leaves_nothing(unharmed: Desk) -> None:
    connection = connected(unharmed, "Transfer-Encoding: chunked")
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, b"%x\r\n" % len(HEAD) + HEAD + b"\r\nno size\r\n")
    async with asyncio.timeout(LONGEST_S):
        answer = await loop.sock_recv(connection, 65536)
    connection.close()
    assert re.match(rb"HTTP/1\.[01] 400 ", answer)  # the words are those of the HTTP library
    assert b"Traceback" not in answer


async def test_a_packed_body_that_is_damaged_is_told_in_three_sentences(unharmed: Desk) -> None:
    headers = {"Content-Type": MULTIPART, "Content-Encoding": "gzip"}
    body = gzip.compress(HEAD + table(20) + TAIL)
    damaged = body[:20] + bytes(4) + body[24:]
    async with unharmed.ann.post("/api/v1/batches", data=damaged, headers=headers) as answer:
        assert answer.status == 400
        assert_told(await answer.json(content_type=None), "malformed_multipart")


async def test_a_packed_body_that_grows_ends_at_the_limit(unharmed: Desk) -> None:
    headers = {"Content-Type": MULTIPART, "Content-Encoding": "gzip"}
    bomb = gzip.compress(HEAD + bytes(100 * LARGEST_BYTES) + TAIL, 1)
    tracemalloc.start()  # what the process as a whole ever held is more, from making this
    try:
        async with unharmed.ann.post("/api/v1/batches", data=bomb, headers=headers) as answer:
            assert answer.status == 413
            assert_told(await answer.json(content_type=None), "upload_too_large")
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 10 * LARGEST_BYTES


# Tricky names

NAMES: dict[str, bytes] = {
    "folders up": b"../../../etc/passwd",
    "an absolute path": b"/etc/cron.d/evil",
    "folders of Windows": rb"..\..\windows\win.ini",
    "a drive": rb"C:\temp\x.csv",
    "dots alone": b"..",
    "blanks alone": b"   ",
    "a NUL byte": b"safe.csv\0.exe",
    "an escape sequence": b"\x1b[2J\x1b]0;evil\x07.csv",
    "letters turned around": "invoice\u202evsc.exe".encode(),
    "a line separator": "a\u2028b.csv".encode(),
    "bytes that are no letters": b"\xff\xfe\xc3.csv",
    "a script": b"<script>alert(1)</script>.csv",
    "an attribute": b"x' onmouseover='alert(1)'.csv",
    "a template": b"{filename.__class__}{0}%s%(x)s{{7*7}}.csv",
    "a formula": b"=cmd|' /C calc'!A0.csv",
    "no end": b"n" * 5000 + b".csv",
    "a long ending": b"a." + b"e" * 5000,
}


async def test_a_tricky_name_is_only_ever_shown(desk: Desk) -> None:
    before = desk.files()
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'
    parts = [head % name + b"\r\n" for name in NAMES.values()]
    exact = b"filename*=UTF-8''..%2F..%2Fetc%2Fpasswd%0d%0aX-Evil: 1%00.csv"
    parts.append(head.replace(b'filename="%s"', exact) + b"\r\n")
    headers = {"Content-Type": MULTIPART}
    body = b"".join(parts) + b"--x--\r\n"
    async with desk.ann.post("/api/v1/batches", data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        states = await ended(desk.ann, await answer.json())
    assert len(states) == len(NAMES) + 1
    for state in states:
        await assert_harmless(desk, state)
    empty = hashlib.sha256(b"").hexdigest()
    assert {Path(path).name for path in set(desk.files()) - set(before)} <= {empty}
    folder = desk.server.settings.data_dir
    assert [path for path in folder.parent.rglob("*") if not path.is_relative_to(folder)] == []


async def assert_harmless(desk: Desk, state: dict[str, Any]) -> None:
    """Assert that a name is one visible line without folders, everywhere it is shown."""
    name = state["filename"]
    assert name
    assert name.isprintable()
    assert len(name.encode()) <= 200
    assert not set(name) & set("/\\\0\r\n")
    assert state["error"]["title"] == f"{name} is empty"
    job = state["job_id"]
    async with desk.ann.get(f"/jobs/{job}", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 200
        page = await answer.text()
    assert html.escape(name).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert "<script>alert" not in page
    for part in ("original", "rejected.csv"):
        async with desk.ann.get(f"/api/v1/jobs/{job}/{part}") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Disposition"].startswith("attachment; ")
            assert "X-Evil" not in answer.headers
