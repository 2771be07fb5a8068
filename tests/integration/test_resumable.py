"""Uploads by tus 1.0.0: in pieces, several in a batch, and one job of each in the end."""

import asyncio
import hashlib
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.keys import ARRIVALS, FILES, RUNNER
from app.store.uploads import AWAITED_MS
from tests.integration.resumable import (
    CSV,
    PIECE,
    TUS,
    UPLOADS,
    arriving,
    begin,
    code,
    head,
    jobs,
    metadata,
    offset_of,
    send,
)
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
