"""Uploads by tus 1.0.0: in pieces, resumed where they broke off, and one job in the end."""

import asyncio
import base64
import errno
import hashlib
import os
import sqlite3
import stat
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import StorageFull
from app.keys import ARRIVALS, FILES, JOURNAL, RUNNER
from app.store.partials import Partial
from app.store.uploads import AWAITED_MS
from app.web.arrivals import Arrivals
from tests.integration.listening import until
from tests.integration.serving import (
    Server,
    ended,
    followed,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2026-01-01,Coffee,-3.20\n"
UPLOADS = "/api/v1/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**facts: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in facts.items())


def checksum(content: bytes, name: str = "sha256") -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, content).digest()).decode()}"


async def begin(client: aiohttp.ClientSession, length: int, **facts: str) -> str:
    """Begin an upload; return its address."""
    headers = {
        **TUS,
        "Upload-Length": str(length),
        "Upload-Metadata": metadata(**{"filename": "a.csv", **facts}),
    }
    async with client.post(UPLOADS, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]


async def send(
    client: aiohttp.ClientSession, address: str, offset: int, content: Any, **headers: str
) -> aiohttp.ClientResponse:
    """Send one piece."""
    given = {**PIECE, "Upload-Offset": str(offset), **headers}
    async with client.patch(address, data=content, headers=given) as answer:
        await answer.read()
        return answer


async def head(client: aiohttp.ClientSession, address: str) -> aiohttp.ClientResponse:
    async with client.head(address, headers=TUS) as answer:
        return answer


async def offset_of(client: aiohttp.ClientSession, address: str) -> int:
    answer = await head(client, address)
    assert answer.status == 200
    return int(answer.headers["Upload-Offset"])


async def code(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json(content_type=None))["code"]


def arriving(server: Server) -> list[str]:
    return [path.name for path in server.settings.incoming_dir.iterdir()]


def jobs(server: Server) -> list[tuple[str, int, str]]:
    """Return filename, size and hash of every job."""
    with sqlite3.connect(server.settings.database_path) as database:
        return database.execute("SELECT filename, size_bytes, sha256 FROM job").fetchall()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Server]:
    """A server whose limits are small enough to meet."""
    few = settings_for(
        tmp_path / "small",
        max_upload_bytes=1000,
        max_files_per_batch=2,
        max_open_uploads=3,
        storage_quota_bytes=2500,
    )
    with_user(few, "ann")
    async with serving(few) as running:
        yield running


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that waits for nobody who says nothing for a second."""
    settings = settings_for(tmp_path / "impatient", upload_idle_s=1.0)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


# The whole way


async def test_a_file_in_pieces_becomes_a_job_like_any_other(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = await begin(ann, len(CSV))
    assert (await send(ann, address, 0, CSV[:20])).headers["Upload-Offset"] == "20"
    assert not jobs(server)
    answer = await send(ann, address, 20, CSV[20:])
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(len(CSV)))
    job = await state_of(ann, answer.headers["Livetrail-Job"])
    digest = hashlib.sha256(CSV).hexdigest()
    assert (job["filename"], job["size"], job["sha256"]) == ("a.csv", len(CSV), digest)
    assert job["batch_id"] == answer.headers["Livetrail-Batch"]
    assert server.app[FILES].path_of(digest).read_bytes() == CSV
    assert arriving(server) == []
    assert server.app[FILES].used_bytes == len(CSV)
    (done,) = await ended(ann, {"batch_id": job["batch_id"], "jobs": [job]})
    assert done["status"] == "completed"


async def test_what_the_server_can_do_is_told_to_anybody(stranger: aiohttp.ClientSession) -> None:
    async with stranger.options(UPLOADS) as answer:
        assert answer.status == 204
        told = answer.headers
    assert (told["Tus-Version"], told["Tus-Resumable"]) == ("1.0.0", "1.0.0")
    assert {"creation", "creation-with-upload", "checksum", "termination", "expiration"} <= set(
        told["Tus-Extension"].split(",")
    )
    assert told["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert int(told["Tus-Max-Size"]) == 2 * 1024**3


async def test_head_says_how_far_it_came_and_what_was_said(ann: aiohttp.ClientSession) -> None:
    address = await begin(ann, 100, note="x")
    await send(ann, address, 0, b"x" * 30)
    told = (await head(ann, address)).headers
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("30", "100")
    assert told["Upload-Metadata"] == metadata(filename="a.csv", note="x")
    assert told["Cache-Control"] == "no-store"
    assert told["Upload-Expires"].endswith("GMT")
    async with ann.get(address) as answer:
        state = await answer.json()
    assert (state["offset"], state["length"], state["job_id"]) == (30, 100, None)


async def test_the_first_bytes_may_come_with_the_beginning(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    headers = {**PIECE, "Upload-Length": str(len(CSV)), "Upload-Metadata": metadata(filename="b")}
    async with ann.post(UPLOADS, data=CSV[:10], headers=headers) as answer:
        assert (answer.status, answer.headers["Upload-Offset"]) == (201, "10")
        address = answer.headers["Location"]
    await send(ann, address, 10, CSV[10:])
    async with ann.post(UPLOADS, data=CSV, headers=headers) as answer:
        assert (answer.status, answer.headers["Upload-Offset"]) == (201, str(len(CSV)))
        assert answer.headers["Livetrail-Job"]
    assert [(name, size) for name, size, _ in jobs(server)] == [("b", len(CSV))] * 2


async def test_an_empty_file_is_there_at_once(ann: aiohttp.ClientSession) -> None:
    headers = {**TUS, "Upload-Length": "0", "Upload-Metadata": metadata(filename="empty.csv")}
    async with ann.post(UPLOADS, headers=headers) as answer:
        assert (await state_of(ann, answer.headers["Livetrail-Job"]))["size"] == 0


async def test_the_size_may_be_told_later(ann: aiohttp.ClientSession) -> None:
    headers = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": metadata(filename="a.csv")}
    async with ann.post(UPLOADS, headers=headers) as answer:
        address = answer.headers["Location"]
    await send(ann, address, 0, CSV[:10])
    assert (await head(ann, address)).headers["Upload-Defer-Length"] == "1"
    wrong = await send(ann, address, 10, b"", **{"Upload-Length": "5"})
    assert await code(wrong) == (400, "invalid_request")
    answer = await send(ann, address, 10, CSV[10:], **{"Upload-Length": str(len(CSV))})
    assert answer.headers["Livetrail-Job"]


async def test_clients_that_can_send_no_patch_send_a_post(ann: aiohttp.ClientSession) -> None:
    address = await begin(ann, len(CSV))
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    async with ann.post(address, data=CSV[:5], headers=headers) as answer:
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, "5")
    async with ann.post(address, headers={**TUS, "X-HTTP-Method-Override": "HEAD"}) as answer:
        assert answer.headers["Upload-Offset"] == "5"
    async with ann.post(address, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}) as answer:
        assert answer.status == 204
    async with ann.post(address, headers={**TUS, "X-HTTP-Method-Override": "PUT"}) as answer:
        assert answer.status == 405


async def test_the_last_answer_can_be_had_again(server: Server, ann: aiohttp.ClientSession) -> None:
    address = await begin(ann, len(CSV))
    first = await send(ann, address, 0, CSV)
    again = await send(ann, address, len(CSV), b"")
    told = await head(ann, address)
    assert len({a.headers["Livetrail-Job"] for a in (first, again, told)}) == 1
    assert len(jobs(server)) == 1


# Batches


async def test_files_of_one_batch_come_one_by_one(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    wish = '{"name": "March close", "on_duplicate": "keep"}'
    first = await begin(ann, len(CSV), batch_id=batch, options=wish)
    second = await begin(ann, len(CSV) + 1, filename="b.csv", batch_id=batch)
    async with ann.get("/api/v1/batches") as answer:
        assert (await answer.json())["batches"] == [], "no file of it is there yet"
    await asyncio.gather(send(ann, first, 0, CSV), send(ann, second, 0, CSV + b"\n"))
    async with ann.get(f"/api/v1/batches/{batch}") as answer:
        told = await answer.json()
    assert (told["name"], told["options"], told["jobs"]) == (
        "March close",
        {"on_duplicate": "keep"},
        2,
    )
    async with ann.get(f"/api/v1/events/history?room=batch:{batch}") as answer:
        kinds = [event["type"] for event in (await answer.json())["events"]]
    assert (kinds.count("batch_created"), kinds.count("job_created")) == (1, 2)


async def test_a_batch_can_be_followed_before_its_first_byte(ann: aiohttp.ClientSession) -> None:
    batch = str(uuid.uuid4())
    address = await begin(ann, len(CSV), batch_id=batch)
    following = asyncio.create_task(followed(ann, f"batch:{batch}", "batch_completed"))
    await send(ann, address, 0, CSV)
    kinds = [event["type"] for event in await following]
    assert kinds[:2] == ["batch_created", "job_created"]


@pytest.mark.parametrize("end", ["sent", "deleted"])
async def test_a_batch_has_not_ended_while_a_file_is_on_its_way(
    server: Server, ann: aiohttp.ClientSession, end: str
) -> None:
    batch = str(uuid.uuid4())
    first, second = [await begin(ann, len(CSV), batch_id=batch) for _ in range(2)]
    job = (await send(ann, first, 0, CSV)).headers["Livetrail-Job"]
    await followed(ann, f"job:{job}", "processing_completed")
    await server.app[RUNNER].settle(batch)
    async with ann.get(f"/api/v1/events/history?room=batch:{batch}") as answer:
        told = (await answer.json())["events"]
    assert "batch_completed" not in [event["type"] for event in told]
    if end == "sent":
        await send(ann, second, 0, CSV)
    else:
        async with ann.delete(second, headers=TUS) as answer:
            assert answer.status == 204
    event = (await followed(ann, f"batch:{batch}", "batch_completed"))[-1]
    assert event["jobs"] == (2 if end == "sent" else 1)


async def test_a_batch_does_not_wait_for_an_upload_that_was_left_and_ends_again_with_it(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    first, left = [await begin(ann, len(CSV), batch_id=batch) for _ in range(2)]
    await send(ann, left, 0, CSV[:10])
    job = (await send(ann, first, 0, CSV)).headers["Livetrail-Job"]
    await followed(ann, f"job:{job}", "processing_completed")
    await server.app[ARRIVALS].sweep()
    assert await ends(ann, batch) == []
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute("UPDATE upload SET expires_ms = expires_ms - ?", (AWAITED_MS,))
    await server.app[ARRIVALS].sweep()
    await server.app[ARRIVALS].sweep()
    assert await ends(ann, batch) == [1]
    await send(ann, left, 10, CSV[10:])
    await followed(ann, f"batch:{batch}", "batch_completed", after=await last_seq(ann, batch))
    assert await ends(ann, batch) == [1, 2]


async def events_of(client: aiohttp.ClientSession, batch: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/events/history?room=batch:{batch}") as answer:
        told: list[dict[str, Any]] = (await answer.json())["events"]
        return told


async def ends(client: aiohttp.ClientSession, batch: str) -> list[int]:
    """Return how many jobs the batch had, each time that it was told to have ended."""
    told = await events_of(client, batch)
    return [event["jobs"] for event in told if event["type"] == "batch_completed"]


async def last_seq(client: aiohttp.ClientSession, batch: str) -> int:
    return int((await events_of(client, batch))[-1]["seq"])


async def test_a_model_that_was_taken_away_meanwhile_stops_no_file(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = await begin(ann, len(CSV))
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute("""UPDATE batch SET options = '{"models":["openai:gone"]}'""")
    assert (await send(ann, address, 0, CSV)).headers["Livetrail-Job"]


async def test_a_batch_of_somebody_else_is_joined_by_nobody(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    for batch in (accepted["batch_id"], accepted["batch_id"].upper(), "mine"):
        headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(batch_id=batch)}
        async with bob.post(UPLOADS, headers=headers) as answer:
            assert answer.status == (404 if batch == accepted["batch_id"] else 400)


async def test_a_batch_has_not_the_id_of_a_job(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    (job,) = (await upload(ann, ("a.csv", CSV)))["jobs"]
    for client in (ann, bob):
        claim = metadata(batch_id=job["job_id"])
        headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": claim}
        async with client.post(UPLOADS, headers=headers) as answer:
            assert answer.status == 404


async def test_a_file_joins_a_batch_that_is_there(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    address = await begin(ann, 1, filename="b.csv", batch_id=accepted["batch_id"])
    await send(ann, address, 0, b"x")
    async with ann.get(f"/api/v1/batches/{accepted['batch_id']}") as answer:
        assert (await answer.json())["jobs"] == 2
    headers = {
        **TUS,
        "Upload-Length": "1",
        "Upload-Metadata": metadata(batch_id=accepted["batch_id"], options='{"ask": false}'),
    }
    async with ann.post(UPLOADS, headers=headers) as answer:
        assert await code(answer) == (409, "conflict")


# What is refused


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"Upload-Length": "10"}, (412, "unknown_tus")),
        ({"Upload-Length": "10", "Tus-Resumable": "0.2.2"}, (412, "unknown_tus")),
        (TUS, (400, "invalid_request")),
        ({**TUS, "Upload-Length": "-1"}, (400, "invalid_request")),
        ({**TUS, "Upload-Length": "9" * 30}, (400, "invalid_request")),
        ({**TUS, "Upload-Defer-Length": "2"}, (400, "invalid_request")),
        ({**TUS, "Upload-Length": "1001"}, (413, "upload_too_large")),
        ({**TUS, "Upload-Length": "1", "Upload-Metadata": "filename §"}, (400, "invalid_request")),
        (
            {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(options='{"x": 1}')},
            (400, "invalid_request"),
        ),
    ],
)
async def test_what_begins_wrong_does_not_begin(
    small: Server, headers: dict[str, str], wanted: tuple[int, str]
) -> None:
    async with small.client("ann") as client, client.post(UPLOADS, headers=headers) as answer:
        assert await code(answer) == wanted
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers.get("Tus-Version") == ("1.0.0" if wanted[0] == 412 else None)
    assert arriving(small) == []


async def test_a_piece_goes_where_the_file_ends_and_nowhere_else(
    ann: aiohttp.ClientSession,
) -> None:
    address = await begin(ann, len(CSV))
    await send(ann, address, 0, CSV[:20])
    for offset in (0, 19, 21, len(CSV)):
        assert await code(await send(ann, address, offset, b"x")) == (409, "conflict")
    past = await send(ann, address, 20, CSV)
    assert await code(past) == (400, "invalid_request")
    odd = await send(ann, address, 20, CSV[20:], **{"Content-Type": "text/csv"})
    assert await code(odd) == (415, "not_a_piece")
    assert await offset_of(ann, address) == 20


async def test_a_body_without_a_length_can_not_grow_past_the_end(small: Server) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    async with small.client("ann") as client:
        address = await begin(client, 1000)
        assert await code(await send(client, address, 0, body())) == (400, "invalid_request")
        headers = {**PIECE, "Upload-Defer-Length": "1"}
        async with client.post(UPLOADS, data=body(), headers=headers) as answer:
            assert await code(answer) == (413, "upload_too_large")
    assert small.app[FILES].used_bytes <= 1000


async def test_there_is_an_end_to_what_one_user_may_begin(small: Server) -> None:
    async with small.client("ann") as client:
        batch = str(uuid.uuid4())
        for _ in range(2):
            await begin(client, 10, batch_id=batch)
        headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": metadata(batch_id=batch)}
        async with client.post(UPLOADS, headers=headers) as answer:
            assert await code(answer) == (413, "too_many_files")
        await begin(client, 10)
        async with client.post(UPLOADS, headers={**TUS, "Upload-Length": "1"}) as answer:
            assert await code(answer) == (429, "too_many_uploads")


async def test_the_quota_holds_for_what_arrives(small: Server) -> None:
    async with small.client("ann") as client:
        for content in (b"a", b"b"):
            await send(client, await begin(client, 1000), 0, content * 1000)
        address = await begin(client, 500)
        async with client.post(UPLOADS, headers={**TUS, "Upload-Length": "501"}) as answer:
            assert await code(answer) == (507, "storage_full")
        await send(client, address, 0, b"c" * 400)
        async with client.post(UPLOADS, headers={**TUS, "Upload-Length": "101"}) as answer:
            assert await code(answer) == (507, "storage_full")
        answer = await send(client, address, 400, b"c" * 100)
        assert answer.headers["Livetrail-Job"]
    assert small.app[FILES].used_bytes == 2500


async def test_uploads_of_others_do_not_exist(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    address = await begin(bob, 10)
    assert (await head(ann, address)).status == 404
    assert (await send(ann, address, 0, b"x")).status == 404
    async with ann.delete(address, headers=TUS) as answer:
        assert answer.status == 404
    assert await offset_of(bob, address) == 0


# Checksums


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("name", ["sha1", "sha256"])
async def test_a_piece_that_was_damaged_does_not_count(
    server: Server, ann: aiohttp.ClientSession, name: str
) -> None:
    address = await begin(ann, len(CSV))
    await send(ann, address, 0, CSV[:10], **{"Upload-Checksum": checksum(CSV[:10], name)})
    damaged = await send(
        ann, address, 10, b"x" * 20, **{"Upload-Checksum": checksum(CSV[10:30], name)}
    )
    assert await code(damaged) == (460, "checksum_mismatch")
    assert await offset_of(ann, address) == 10
    assert server.app[FILES].used_bytes == 10
    unknown = await send(ann, address, 10, b"x", **{"Upload-Checksum": "md5 YQ=="})
    assert await code(unknown) == (400, "invalid_request")
    await send(ann, address, 10, CSV[10:], **{"Upload-Checksum": checksum(CSV[10:], name)})
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]


# Ends


async def test_what_is_deleted_leaves_nothing(server: Server, ann: aiohttp.ClientSession) -> None:
    address = await begin(ann, 100)
    await send(ann, address, 0, b"x" * 50)
    async with ann.delete(address, headers=TUS) as answer:
        assert answer.status == 204
    assert (await head(ann, address)).status == 404
    assert (arriving(server), server.app[FILES].used_bytes) == ([], 0)


async def test_a_job_outlives_the_upload_it_came_from(ann: aiohttp.ClientSession) -> None:
    address = await begin(ann, len(CSV))
    job = (await send(ann, address, 0, CSV)).headers["Livetrail-Job"]
    async with ann.delete(address, headers=TUS) as answer:
        assert answer.status == 204
    assert (await state_of(ann, job))["size"] == len(CSV)


async def test_what_nobody_resumes_goes(server: Server, ann: aiohttp.ClientSession) -> None:
    old, fresh = await begin(ann, 100), await begin(ann, 100)
    done = await begin(ann, len(CSV))
    job = (await send(ann, done, 0, CSV)).headers["Livetrail-Job"]
    for address in (old, fresh):
        await send(ann, address, 0, b"x" * 50)
    with sqlite3.connect(server.settings.database_path) as database:
        for address in (old, done):
            ident = address.rpartition("/")[2]
            database.execute("UPDATE upload SET expires_ms = 0 WHERE id = ?", (ident,))
    assert (await head(ann, old)).status == 404, "its time is over, swept or not"
    assert await server.app[ARRIVALS].sweep() == 2
    assert [name.removesuffix(".tus") for name in arriving(server)] == [fresh.rpartition("/")[2]]
    assert server.app[FILES].used_bytes == 50 + len(CSV)
    assert (await state_of(ann, job))["size"] == len(CSV)


async def test_every_piece_gives_an_upload_more_time(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = await begin(ann, 100)
    soon_ms = 1000 * int(time.time()) + 60_000
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute("UPDATE upload SET expires_ms = ?", (soon_ms,))
    await send(ann, address, 0, b"x" * 50)
    with sqlite3.connect(server.settings.database_path) as database:
        ((expires_ms,),) = database.execute("SELECT expires_ms FROM upload").fetchall()
    assert expires_ms > soon_ms


# Broken off


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever arrives is made safe and told at once, so that a test can wait for it."""
    monkeypatch.setattr("app.web.arrivals.KEEP_BYTES", 1)
    monkeypatch.setattr("app.web.progress.TELL_S", 0.0)


class Stalled:
    """A client that sends the first bytes of a piece, and then nothing more."""

    def __init__(self, client: aiohttp.ClientSession, address: str, offset: int, **more: str):
        self._plugged = asyncio.Event()
        self.answer = asyncio.create_task(send(client, address, offset, self._body(), **more))

    async def _body(self) -> AsyncIterator[bytes]:
        yield b"x" * 300
        await self._plugged.wait()

    async def pull_the_plug(self) -> None:
        self.answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.answer


async def arrived(client: aiohttp.ClientSession, batch: str, after: int = 0) -> dict[str, Any]:
    """Wait until something of a file has arrived, and return how that is told."""
    return (await followed(client, f"batch:{batch}", "upload_progress", after))[-1]


@pytest.mark.usefixtures("told_at_once")
async def test_what_came_before_the_connection_broke_counts(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    address = await begin(ann, 1000, batch_id=batch)
    stalled = Stalled(ann, address, 0)
    event = await arrived(ann, batch)
    await stalled.pull_the_plug()
    assert await offset_of(ann, address) == 300
    assert (event["bytes_received"], event["bytes_total"], event["progress"]) == (300, 1000, 30.0)
    assert (event["job_id"], event["n"], event["filename"]) == (None, None, "a.csv")
    assert event["message"] == "a.csv is on its way: 300 bytes of 1.0 KB are here"
    assert server.app[FILES].used_bytes == 300


@pytest.mark.usefixtures("told_at_once")
async def test_what_could_not_be_checked_does_not_count(impatient: Server) -> None:
    async with impatient.client("ann") as client:
        address = await begin(client, 1000)
        header = {"Upload-Checksum": checksum(b"x" * 1000)}
        assert await code(await Stalled(client, address, 0, **header).answer) == (408, "piece_cut")
        assert await offset_of(client, address) == 0
    assert impatient.app[FILES].used_bytes == 0


@pytest.mark.usefixtures("told_at_once")
async def test_a_client_that_comes_back_takes_over(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    address = await begin(ann, 1000, batch_id=batch)
    stalled = Stalled(ann, address, 0)
    await arrived(ann, batch)
    async with asyncio.timeout(server.settings.upload_idle_s / 2):  # nobody waits for silence
        assert await offset_of(ann, address) == 300
        answer = await send(ann, address, 300, b"x" * 700)
        assert answer.headers["Livetrail-Job"]
        assert (await stalled.answer).status == 408


async def test_what_is_not_safe_on_the_disk_does_not_count(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(ann, 100)
    sync = os.fsync

    def full(fd: int) -> None:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.ENOSPC, "no space")
        sync(fd)

    monkeypatch.setattr("app.store.partials.os.fsync", full)
    assert (await send(ann, address, 0, b"x" * 50)).status == 507
    assert await offset_of(ann, address) == 0
    monkeypatch.undo()
    assert (await send(ann, address, 0, b"x" * 50)).headers["Upload-Offset"] == "50"


async def test_a_silent_client_is_not_waited_for(impatient: Server) -> None:
    async with impatient.client("ann") as client:
        address = await begin(client, 1000)
        assert await code(await Stalled(client, address, 0).answer) == (408, "piece_cut")
        assert await offset_of(client, address) == 300


@pytest.mark.parametrize("harm", ["shorter", "gone"])
async def test_no_more_counts_than_is_there(
    server: Server, ann: aiohttp.ClientSession, harm: str
) -> None:
    address = await begin(ann, len(CSV))
    await send(ann, address, 0, CSV[:30])
    (path,) = server.settings.incoming_dir.iterdir()
    left = 10 if harm == "shorter" else 0
    if left:
        os.truncate(path, left)
    else:
        path.unlink()
    assert await offset_of(ann, address) == left
    await send(ann, address, left, CSV[left:])
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
    assert server.app[FILES].used_bytes == len(CSV)


def test_however_it_is_cut_the_file_is_the_same(tmp_path: Path) -> None:
    """Pieces of every size, some sent damaged or to a wrong place before, are one file."""
    whole = settings_for(tmp_path)
    with_user(whole, "ann")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(serving(whole)))
        client = runner.run(stack.enter_async_context(server.client("ann")))

        @settings(max_examples=30, deadline=None)
        @given(
            content=st.binary(max_size=3000),
            cuts=st.lists(st.integers(0, 3000), max_size=6),
            damaged=st.sets(st.integers(0, 6)),
        )
        def holds(content: bytes, cuts: list[int], damaged: set[int]) -> None:
            runner.run(_in_pieces(client, content, cuts, damaged))

        try:
            holds()
        finally:
            runner.run(stack.aclose())


async def _in_pieces(
    client: aiohttp.ClientSession, content: bytes, cuts: list[int], damaged: set[int]
) -> None:
    address = await begin(client, len(content))
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for number, (start, end) in enumerate(pairwise(edges)):
        piece = content[start:end]
        if number in damaged and piece:
            header = {"Upload-Checksum": checksum(b"what it was not")}
            assert (await send(client, address, start, piece, **header)).status == 460
            assert (await send(client, address, start + 1, piece)).status == 409
        assert await offset_of(client, address) == start
        header = {"Upload-Checksum": checksum(piece)} if number % 2 else {}
        answer = await send(client, address, start, piece, **header)
        assert answer.headers["Upload-Offset"] == str(end)
    job = await state_of(client, (await head(client, address)).headers["Livetrail-Job"])
    assert (job["size"], job["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


# Ends and beginnings of the server


async def test_a_graceful_stop_keeps_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()
    write = Partial.write

    async def noted(file: Partial, data: bytes) -> None:
        await write(file, data)
        written.set()

    monkeypatch.setattr(Partial, "write", noted)
    folder = settings_for(tmp_path / "twice")
    with_user(folder, "ann")
    async with serving(folder) as server, server.client("ann") as client:
        address = await begin(client, 1000)
        stalled = Stalled(client, address, 0)
        await written.wait()
        await server.app.shutdown()
        assert await code(await stalled.answer) == (503, "shutting_down")
    async with serving(folder) as server, server.client("ann") as client:
        assert await offset_of(client, address) == 300
        assert server.app[FILES].used_bytes == 300
        await send(client, address, 300, b"x" * 700)
        assert jobs(server) == [("a.csv", 1000, hashlib.sha256(b"x" * 1000).hexdigest())]


async def test_what_had_come_in_full_is_a_job_after_the_next_start(tmp_path: Path) -> None:
    folder = settings_for(tmp_path / "twice")
    with_user(folder, "ann")
    async with serving(folder) as server, server.client("ann") as client:
        whole, half = await begin(client, len(CSV)), await begin(client, len(CSV))
    # As when it dies after the last byte was kept, and before the job was in the log.
    with sqlite3.connect(folder.database_path) as database:
        for address, size in ((whole, len(CSV)), (half, 10)):
            ident = address.rpartition("/")[2]
            (folder.incoming_dir / f"{ident}.tus").write_bytes(CSV)
            database.execute("UPDATE upload SET offset_bytes = ? WHERE id = ?", (size, ident))
    (folder.incoming_dir / f"{uuid.uuid4()}.tus").write_bytes(b"of nothing that is known")
    async with serving(folder) as server, server.client("ann") as client:
        assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
        assert server.app[FILES].used_bytes == len(CSV) + 10
        assert arriving(server) == [f"{half.rpartition('/')[2]}.tus"]
        assert (await head(client, whole)).headers["Livetrail-Job"]
        assert await offset_of(client, half) == 10
        await send(client, half, 10, CSV[10:])
        assert len(jobs(server)) == 2


async def test_a_file_that_can_not_be_written_down_is_not_lost(
    server: Server, ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(ann, len(CSV))
    journal = server.app[JOURNAL]

    async def full(*_: Any, **__: Any) -> Any:
        raise StorageFull

    with monkeypatch.context() as broken:
        broken.setattr(journal, "append", full)
        assert await code(await send(ann, address, 0, CSV)) == (507, "storage_full")
    assert not jobs(server)
    assert server.app[FILES].used_bytes == len(CSV)
    assert (await head(ann, address)).headers["Livetrail-Job"]
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
    assert server.app[FILES].used_bytes == len(CSV)
    assert arriving(server) == []


@pytest.mark.usefixtures("told_at_once")
async def test_a_beginning_that_breaks_off_gives_its_room_back(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    """What came of it was counted, and its client never learns where it is."""

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 300
        await asyncio.Event().wait()

    batch = str(uuid.uuid4())
    await begin(ann, 1, batch_id=batch)  # so that it can be followed
    headers = {**PIECE, "Upload-Length": "1000", "Upload-Metadata": metadata(batch_id=batch)}
    sending = asyncio.create_task(ann.post(UPLOADS, data=half(), headers=headers))
    await arrived(ann, batch)
    assert server.app[FILES].used_bytes == 300
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await until(lambda: not arriving(server))
    assert server.app[FILES].used_bytes == 0


async def test_what_does_not_count_takes_no_room(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = await begin(ann, 1000)
    damaged = {"Upload-Checksum": checksum(b"something else")}
    answer = await send(ann, address, 0, b"x" * 500, **damaged)
    assert answer.status == 460
    (partial,) = server.settings.incoming_dir.iterdir()
    assert partial.stat().st_size == 0


async def test_what_can_not_be_swept_now_is_swept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings_of = settings_for(tmp_path / "later")
    with_user(settings_of, "ann")
    monkeypatch.setattr("app.web.tidying.SWEEP_EVERY_S", 0.01)
    swept = asyncio.Event()

    async def sweep(arrivals: Arrivals) -> int:
        if "not swept: what=uploads" not in caplog.text:
            raise StorageFull
        swept.set()
        return 0

    monkeypatch.setattr(Arrivals, "sweep", sweep)
    async with serving(settings_of), asyncio.timeout(60):
        await swept.wait()


async def test_what_a_removed_user_was_sending_goes(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    address = await begin(bob, 1000)
    await send(bob, address, 0, b"x" * 300)
    async with ann.get("/api/v1/users") as answer:
        users = {user["name"]: user["id"] for user in (await answer.json())["users"]}
    async with ann.delete(f"/api/v1/users/{users['bob']}") as answer:
        assert answer.status == 204
    assert await server.app[ARRIVALS].sweep() == 1
    assert (arriving(server), server.app[FILES].used_bytes) == ([], 0)


async def test_a_beginning_that_fails_leaves_nothing(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    headers = {**PIECE, "Upload-Length": "100", "Upload-Checksum": checksum(b"something else")}
    async with ann.post(UPLOADS, data=b"x" * 50, headers=headers) as answer:
        assert await code(answer) == (460, "checksum_mismatch")
    assert (arriving(server), server.app[FILES].used_bytes) == ([], 0)


async def test_the_page_of_a_batch_without_files_is_a_page(ann: aiohttp.ClientSession) -> None:
    batch = str(uuid.uuid4())
    await begin(ann, 10, batch_id=batch)
    for address in (f"/batches/{batch}", "/"):
        async with ann.get(address, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200
