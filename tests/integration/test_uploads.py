"""Taking files in: everything is on the disk and in the log, or nothing of it is anywhere."""

import asyncio
import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.keys import FILES, UPLOADS_UNDER_WAY
from app.settings import Settings, SettingsError
from app.store.folder import locked
from tests.integration.listening import until
from tests.integration.serving import (
    Server,
    files_form,
    serving,
    session_of,
    settings_for,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2026-01-01,Coffee,-3.20\n"


async def code(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json(content_type="application/problem+json"))["code"]


def stored(server: Server) -> list[str]:
    """Return the names of all originals and of everything that is still arriving."""
    settings = server.settings
    originals = [path.name for path in settings.files_dir.glob("*/*/*")]
    return sorted([*originals, *(path.name for path in settings.incoming_dir.iterdir())])


def jobs(server: Server) -> int:
    with sqlite3.connect(server.settings.database_path) as database:
        return int(database.execute("SELECT count(*) FROM job").fetchone()[0])


def nothing_happened(server: Server) -> bool:
    return not stored(server) and not jobs(server) and server.app[FILES].used_bytes == 0


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose limits are small enough to meet."""
    settings = settings_for(tmp_path / "small", max_upload_bytes=1000, max_files_per_batch=3)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that waits for nobody who says nothing for a second."""
    settings = settings_for(tmp_path / "impatient", upload_idle_s=1.0)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


# What is accepted


async def test_an_accepted_file_is_on_the_disk_under_its_hash(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("expenses.csv", CSV))
    digest = hashlib.sha256(CSV).hexdigest()
    path = server.settings.files_dir / digest[:2] / digest[2:4] / digest
    assert path.read_bytes() == CSV
    job = accepted["jobs"][0]
    assert (job["filename"], job["size"], job["sha256"]) == ("expenses.csv", len(CSV), digest)
    assert job["status"] == "pending"


async def test_the_answer_says_where_the_batch_is(ann: aiohttp.ClientSession) -> None:
    async with ann.post("/api/v1/batches", data=files_form(("a.csv", CSV))) as answer:
        location = answer.headers["Location"]
        batch_id = (await answer.json())["batch_id"]
    assert location == f"/api/v1/batches/{batch_id}"
    async with ann.get(location) as answer:
        assert (await answer.json())["jobs"] == 1


async def test_batch_and_jobs_are_one_entry_in_the_log(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", CSV), ("b.csv", CSV + b"2026-01-02,Tea,-2\n"))
    room = f"batch:{accepted['batch_id']}"
    async with ann.get(f"/api/v1/events/history?room={room}") as answer:
        events = (await answer.json())["events"][:3]
    assert [event["type"] for event in events] == ["batch_created", "job_created", "job_created"]
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[0]["seq"] + 3))
    assert events[1]["message"] == "a.csv is here and safe"
    assert events[1]["plan"]["stages"][0]["key"] == "validation"


async def test_several_files_keep_their_order(ann: aiohttp.ClientSession) -> None:
    names = [f"{number}.csv" for number in range(20)]
    accepted = await upload(ann, *((name, name.encode()) for name in names))
    assert [job["filename"] for job in accepted["jobs"]] == names
    idents = [job["job_id"] for job in accepted["jobs"]]
    assert idents == sorted(idents)


async def test_the_same_bytes_are_kept_once_and_make_two_jobs(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    await upload(ann, ("a.csv", CSV), ("b.csv", CSV))
    assert (len(stored(server)), jobs(server)) == (1, 2)
    assert server.app[FILES].used_bytes == len(CSV)


async def test_a_damaged_original_is_mended_by_the_next_upload(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    await upload(ann, ("a.csv", CSV))
    (name,) = stored(server)
    path = server.app[FILES].path_of(name)
    path.write_bytes(CSV[:5])
    await upload(ann, ("a.csv", CSV))
    assert path.read_bytes() == CSV


async def test_an_empty_file_is_a_job_like_any_other(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("empty.csv", b""))
    assert accepted["jobs"][0]["size"] == 0


async def test_the_boundary_may_stand_anywhere_in_the_content(ann: aiohttp.ClientSession) -> None:
    tricky = b"\r\n--\r\n--x\r\n" + b"-" * 70 + b"\r\n" + os.urandom(300_000) + b"\r\n--"
    accepted = await upload(ann, ("a.csv", tricky), ("b.csv", b"\r\n" + tricky + b"\r\n"))
    sizes = [(job["size"], job["sha256"]) for job in accepted["jobs"]]
    wanted = [tricky, b"\r\n" + tricky + b"\r\n"]
    assert sizes == [(len(body), hashlib.sha256(body).hexdigest()) for body in wanted]


async def test_options_name_the_batch(ann: aiohttp.ClientSession) -> None:
    form = files_form(("a.csv", CSV), options='{"name": "March close", "on_duplicate": "keep"}')
    async with ann.post("/api/v1/batches", data=form) as answer:
        batch_id = (await answer.json())["batch_id"]
    async with ann.get(f"/api/v1/batches/{batch_id}") as answer:
        batch = await answer.json()
    assert (batch["name"], batch["options"]) == ("March close", {"on_duplicate": "keep"})


async def test_a_batch_keeps_the_options_that_were_named(ann: aiohttp.ClientSession) -> None:
    wish = '{"auto_save": false, "ask": false, "confidence_threshold": 0.5, "models": []}'
    async with ann.post("/api/v1/batches", data=files_form(("a.csv", CSV), options=wish)) as answer:
        batch_id = (await answer.json())["batch_id"]
    async with ann.get(f"/api/v1/batches/{batch_id}") as answer:
        options = (await answer.json())["options"]
    wanted = {"auto_save": False, "ask": False, "confidence_threshold": 0.5, "models": []}
    assert options == wanted


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\temp\\\\x.csv", "x.csv"),
        ("a\u202egpj.csv", "agpj.csv"),
        ("..", "unnamed file"),
    ],
)
async def test_a_filename_is_only_ever_shown(
    server: Server, ann: aiohttp.ClientSession, sent: str, shown: str
) -> None:
    body = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{sent}"\r\n\r\n'
    ).encode() + b"a,b\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with ann.post("/api/v1/batches", data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        assert (await answer.json())["jobs"][0]["filename"] == shown
    assert stored(server) == [hashlib.sha256(b"a,b").hexdigest()]


async def test_a_big_file_is_never_held_in_memory(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    block = os.urandom(1024 * 1024)
    blocks = 200

    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'
        for _ in range(blocks):
            yield block
        yield b"\r\n--x--\r\n"

    before = memory_now()
    peak = Peak()
    with peak:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        async with ann.post("/api/v1/batches", data=body(), headers=headers) as answer:
            size = (await answer.json())["jobs"][0]["size"]
    assert size == blocks * len(block)
    assert peak.bytes - before < 60 * 1024 * 1024  # sender and receiver live in this process


def memory_now() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Peak:
    """Watches this process's memory from a thread."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self.bytes = max(self.bytes, memory_now())


# What is refused


async def test_a_file_over_the_limit_leaves_nothing_of_the_whole_upload(small: Server) -> None:
    async with small.client("ann") as client:
        form = files_form(("fits.csv", b"x" * 1000), ("big.csv", b"x" * 1001))
        async with client.post("/api/v1/batches", data=form) as answer:
            assert await code(answer) == (413, "upload_too_large")
            assert "big.csv" in (await answer.json(content_type=None))["title"]
    assert nothing_happened(small)


async def test_a_file_of_exactly_the_limit_is_taken(small: Server) -> None:
    async with small.client("ann") as client:
        accepted = await upload(client, ("fits.csv", b"x" * 1000))
    assert accepted["jobs"][0]["size"] == 1000


async def test_too_many_files_are_refused(small: Server) -> None:
    async with small.client("ann") as client:
        form = files_form(*((f"{number}.csv", b"x") for number in range(4)))
        async with client.post("/api/v1/batches", data=form) as answer:
            assert await code(answer) == (413, "too_many_files")
    assert nothing_happened(small)


PART = b'Content-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\na,b\r\n'
MULTIPART = "multipart/form-data; boundary=x"
BAD_BODIES: dict[str, tuple[str, bytes, int, str]] = {
    "no boundary": ("multipart/form-data", b"--x\r\n" + PART, 400, "malformed_multipart"),
    "wrong boundary": (MULTIPART, b"--y\r\n" + PART + b"--y--\r\n", 400, "malformed_multipart"),
    "no last boundary": (MULTIPART, b"--x\r\n" + PART, 400, "malformed_multipart"),
    "cut in the headers": (MULTIPART, b"--x\r\nContent-Dispo", 400, "malformed_multipart"),
    "nothing": (MULTIPART, b"", 400, "malformed_multipart"),
    "no part": (MULTIPART, b"--x--\r\n", 400, "no_files"),
    "boundary too long": (
        f"multipart/form-data; boundary={'x' * 200}",
        b"",
        400,
        "malformed_multipart",
    ),
    "endless header": (
        MULTIPART,
        b"--x\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n\r\n--x--\r\n",
        400,
        "malformed_multipart",
    ),
    "no line end at all": (MULTIPART, b"a" * 2_000_000, 400, "malformed_multipart"),
    "nested": (
        MULTIPART,
        b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z--\r\n--x--\r\n",
        400,
        "invalid_request",
    ),
    "a flood of line ends": (MULTIPART, b"\n" * 2_000_000, 400, "malformed_multipart"),
    "a flood of fields": (
        MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\r\n' * 20_000,
        400,
        "invalid_request",
    ),
    "a form without files": (
        "application/x-www-form-urlencoded",
        b"files=a",
        415,
        "not_multipart",
    ),
    "json": ("application/json", b"{}", 400, "invalid_request"),
    "no filename": (
        MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\na\r\n--x--\r\n',
        400,
        "invalid_request",
    ),
    "another field": (
        MULTIPART,
        b"--x\r\n" + PART.replace(b"files", b"file") + b"--x--\r\n",
        400,
        "invalid_request",
    ),
    "only a form with nothing chosen": (
        MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n--x--\r\n',
        400,
        "no_files",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_no_upload_has_its_own_code(
    server: Server, ann: aiohttp.ClientSession, name: str
) -> None:
    content_type, body, status, wanted = BAD_BODIES[name]
    headers = {"Content-Type": content_type}
    async with ann.post("/api/v1/batches", data=body, headers=headers) as answer:
        assert await code(answer) == (status, wanted)
    assert nothing_happened(server)


@pytest.mark.parametrize(
    "options",
    [
        "{",
        "[]",
        '{"colour": 1}',
        '{"on_duplicate": "maybe"}',
        '{"confidence_threshold": 2}',
        "\xff",
    ],
)
async def test_options_that_can_not_be_are_refused_by_name(
    server: Server, ann: aiohttp.ClientSession, options: str
) -> None:
    form = files_form(("a.csv", CSV), options=options)
    async with ann.post("/api/v1/batches", data=form) as answer:
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["code"]) == (400, "invalid_request")
    assert "options" in problem["title"]
    assert nothing_happened(server)


async def test_nobody_uploads_without_signing_in(
    server: Server, stranger: aiohttp.ClientSession
) -> None:
    async with stranger.post("/api/v1/batches", data=files_form(("a.csv", CSV))) as answer:
        assert await code(answer) == (401, "not_authenticated")
    assert nothing_happened(server)


# What breaks off


async def raw_upload(
    server: Server, promised: int, body: bytes, key: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin an upload by hand that promises `promised` bytes and sends `body`."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    cookie = session_of(server.settings, "ann")
    writer.write(
        f"POST /api/v1/batches HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {server.url}\r\n"
        f"Cookie: livetrail_session={cookie}\r\nContent-Type: {MULTIPART}\r\n"
        f"Content-Length: {promised}\r\n{f'Idempotency-Key: {key}' if key else 'Accept: */*'}"
        "\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/batches"), ("PUT", "/up/b.csv")])
async def test_who_uploads_very_much_at_once_is_refused_more_and_has_room_again(
    server: Server, ann: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with ann.get("/api/v1/auth/me") as answer:
        user_id = (await answer.json())["user_id"]
    under_way = server.app[UPLOADS_UNDER_WAY]
    body = files_form(("b.csv", CSV)) if method == "POST" else CSV
    with ExitStack() as held:
        for _ in range(64):
            held.enter_context(under_way.place(user_id))
        async with ann.request(method, path, data=body) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
            assert "64 uploads at once" in await answer.text()
    assert nothing_happened(server)
    _, writer = await raw_upload(server, 10_000_000, b"--x\r\n" + PART + b"z" * 2_000_000)
    await until(lambda: stored(server))
    with under_way.place(user_id):
        assert under_way.held(user_id) == 2
    writer.close()
    await until(lambda: under_way.held(user_id) == 0)


async def test_an_upload_that_breaks_off_leaves_nothing(server: Server) -> None:
    _, writer = await raw_upload(server, 10_000_000, b"--x\r\n" + PART[:-2] + b"z" * 3_000_000)
    await until(lambda: server.app[FILES].used_bytes >= 2_000_000)
    assert stored(server)
    writer.close()
    await until(lambda: nothing_happened(server))


async def test_an_upload_that_falls_silent_is_ended(impatient: Server) -> None:
    reader, writer = await raw_upload(impatient, 900, b"--x\r\n" + PART + b"--x\r\n")
    answer = await reader.readuntil(b"}")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"upload_cut" in answer
    assert nothing_happened(impatient)


async def test_a_server_that_stops_leaves_nothing_of_a_half_upload(settings: Settings) -> None:
    with_user(settings, "ann")
    async with serving(settings) as server:
        _, writer = await raw_upload(server, 10_000_000, b"--x\r\n" + PART + b"z" * 2_000_000)
        await until(lambda: stored(server))
    writer.close()
    assert not stored(server)
    assert not jobs(server)


async def test_what_the_log_refuses_leaves_nothing(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    await upload(ann, ("a.csv", CSV))
    kept = stored(server)
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON batch BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    form = files_form(("same.csv", CSV), ("other.csv", b"other"))
    async with ann.post("/api/v1/batches", data=form) as answer:
        assert await code(answer) == (500, "internal_error")
        assert answer.headers["X-Request-ID"] in (await answer.json(content_type=None))["title"]
    assert (stored(server), jobs(server)) == (kept, 1)
    assert server.app[FILES].used_bytes == len(CSV)


async def test_a_start_sweeps_away_what_no_job_knows(settings: Settings) -> None:
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        await upload(client, ("a.csv", CSV))
        kept = stored(server)
    (settings.incoming_dir / f"{'a' * 32}.part").write_bytes(b"half")
    orphan = hashlib.sha256(b"orphan").hexdigest()
    folder = settings.files_dir / orphan[:2] / orphan[2:4]
    folder.mkdir(parents=True)
    (folder / orphan).write_bytes(b"orphan")
    (settings.files_dir / "notes.txt").write_text("of the operator's own")
    async with serving(settings) as server:
        assert stored(server) == kept
        assert server.app[FILES].used_bytes == len(CSV)
    assert (settings.files_dir / "notes.txt").exists()


async def test_a_second_server_keeps_out_of_the_data_folder(settings: Settings) -> None:
    with_user(settings, "ann")
    with locked(settings.data_dir), pytest.raises(SettingsError, match="another Livetrail"):
        async with serving(settings):
            pass


# Where there is no room


async def test_the_quota_refuses_and_harms_nothing_accepted_before(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", storage_quota_bytes=100_000)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        await upload(client, ("a.csv", b"x" * 60_000))
        before = stored(server)
        form = files_form(("b.csv", b"y" * 60_000))
        async with client.post("/api/v1/batches", data=form) as answer:
            assert await code(answer) == (507, "storage_full")
            assert answer.headers["Retry-After"]
        assert (stored(server), server.app[FILES].used_bytes) == (before, 60_000)
        await upload(client, ("c.csv", b"z" * 30_000))


async def test_a_nearly_full_disk_refuses_uploads(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", min_free_bytes=2**60)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        async with client.post("/api/v1/batches", data=files_form(("a.csv", CSV))) as answer:
            assert await code(answer) == (507, "storage_full")
        assert nothing_happened(server)


def test_every_way_a_disk_says_full_is_told_as_full() -> None:
    from app.store.files import NO_ROOM

    assert {errno.ENOSPC, errno.EDQUOT} <= NO_ROOM


# Asking again


async def test_an_idempotency_key_makes_one_batch_of_two_requests(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    answers = []
    for _ in range(2):
        form = files_form(("a.csv", CSV))
        headers = {"Idempotency-Key": "upload-1"}
        async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
            answers.append((answer.status, answer.headers["Location"], await answer.json()))
    assert answers[0] == answers[1]
    assert jobs(server) == 1


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [("b.csv", CSV, None), ("a.csv", CSV + b"x", None), ("a.csv", CSV, '{"on_duplicate":"keep"}')],
)
async def test_a_key_is_not_for_other_files_or_options(
    server: Server, ann: aiohttp.ClientSession, name: str, content: bytes, options: str | None
) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    first = await accepted_with(ann, headers, files_form(("a.csv", CSV)))
    before = stored(server)
    form = files_form((name, content), options=options)
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        problem = await answer.json()
    assert (answer.status, problem["code"]) == (409, "conflict")
    assert "another request" in problem["title"]
    assert jobs(server) == 1
    assert stored(server) == before
    assert await accepted_with(ann, headers, files_form(("a.csv", CSV))) == first


async def accepted_with(
    client: aiohttp.ClientSession, headers: dict[str, str], form: aiohttp.FormData
) -> dict[str, Any]:
    async with client.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert answer.status == 202
        accepted: dict[str, Any] = await answer.json()
        return accepted


async def test_a_key_whose_upload_is_still_under_way_has_to_wait(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    _, writer = await raw_upload(server, 9_000, b"--x\r\n" + PART, key="upload-1")
    await until(lambda: stored(server))
    headers = {"Idempotency-Key": "upload-1"}
    form = files_form(("a.csv", CSV))
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert await code(answer) == (409, "conflict")
    writer.close()
    await until(lambda: not stored(server))
    form = files_form(("a.csv", CSV))
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert answer.status == 202


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_has_a_length(ann: aiohttp.ClientSession, key: str) -> None:
    headers = {"Idempotency-Key": key}
    form = files_form(("a.csv", CSV))
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert await code(answer) == (400, "invalid_request")


async def test_an_idempotency_key_belongs_to_its_user(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    for client in (ann, bob):
        headers = {"Idempotency-Key": "upload-1"}
        form = files_form(("a.csv", CSV))
        async with client.post("/api/v1/batches", data=form, headers=headers) as answer:
            assert answer.status == 202
    assert jobs(server) == 2


async def test_an_idempotency_key_is_not_for_another_request(ann: aiohttp.ClientSession) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    form = files_form(("a.csv", CSV))
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert answer.status == 202
    async with ann.post("/api/v1/samples", headers=headers) as answer:
        assert await code(answer) == (409, "conflict")


async def test_a_refused_upload_does_not_use_its_key_up(ann: aiohttp.ClientSession) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    form = files_form(("a.csv", CSV), options="{")
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert answer.status == 400
    form = files_form(("a.csv", CSV))
    async with ann.post("/api/v1/batches", data=form, headers=headers) as answer:
        assert answer.status == 202


# Without scripts


async def test_the_upload_form_works_without_scripts(ann: aiohttp.ClientSession) -> None:
    form = files_form(("a.csv", CSV))
    form.add_field("on_duplicate", "keep")
    async with ann.post("/upload", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        location = answer.headers["Location"]
    async with ann.get(f"/api/v1{location}") as answer:
        assert (await answer.json())["options"] == {"on_duplicate": "keep"}


async def test_the_samples_are_taken_in_as_one_batch(ann: aiohttp.ClientSession) -> None:
    async with ann.post("/api/v1/samples") as answer:
        accepted = await answer.json()
    assert answer.status == 202
    assert len(accepted["jobs"]) > 1


async def test_how_far_a_form_came_is_told_to_its_owner(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.progress.TELL_S", 0.0)
    accepted = await upload(ann, ("a.csv", b"x" * 4_000_000))
    async with ann.get("/api/v1/events/history?room=user:me&types=upload_progress") as answer:
        events = (await answer.json())["events"]
    assert events[0]["filename"] == "a.csv"
    assert (events[0]["batch_id"], events[0]["job_id"]) == (None, None)
    counts = [event["bytes_received"] for event in events]
    assert counts == sorted(set(counts))
    assert all(0 < count <= events[0]["bytes_total"] for count in counts)
    assert 4_000_000 < events[0]["bytes_total"] < 4_001_000
    room = f"batch:{accepted['batch_id']}"
    async with ann.get(f"/api/v1/events/history?room={room}&types=upload_progress") as answer:
        assert (await answer.json())["events"] == []
