"""Files that the server fetches from addresses: taken in like an upload, or not at all."""

import asyncio
import gzip
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.keys import FILES
from tests.integration.receiver import Receiver, receiving
from tests.integration.serving import (
    Server,
    ended,
    followed,
    serving,
    settings_for,
    with_user,
)
from tests.patience import LONGEST_S

CSV = b"Date,Description,Amount\n2026-01-01,Coffee,-3.20\n"


async def shop(request: web.Request) -> web.StreamResponse:
    """Answer by the path that is asked for."""
    match request.path:
        case "/expenses.csv":
            return web.Response(body=CSV)
        case "/named":
            header = {"Content-Disposition": "attachment; filename*=UTF-8''M%C3%A4rz.csv"}
            return web.Response(body=CSV + b"\n", headers=header)
        case "/odd":  # UTF-8, and then a byte that is none
            assert request.transport is not None
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Disposition: attachment;"
            head += b" filename=M\xc3\xa4rz\xff.csv\r\n"
            request.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(CSV) + CSV)
            request.transport.close()
            return web.Response()
        case "/moved":
            left = int(request.query.get("times", "1")) - 1
            raise web.HTTPFound(f"/moved?times={left}" if left else "/expenses.csv")
        case "/around":
            raise web.HTTPFound("/around")
        case "/large":
            response = web.StreamResponse(headers={"Content-Length": "1001"})
            await response.prepare(request)
            await asyncio.Event().wait()  # what it announces is enough
        case "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 100)
        case "/packed":
            return web.Response(body=gzip.compress(CSV), headers={"Content-Encoding": "gzip"})
        case "/cut":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"x" * 50)
            assert request.transport is not None
            request.transport.abort()
            return response
        case "/silent":
            await asyncio.Event().wait()
    return web.Response(status=404)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Receiver]:
    async with receiving(shop) as receiver:
        yield receiver


@pytest.fixture
def fetch_timeout_s() -> float:
    return 30.0


@pytest.fixture
async def house(tmp_path: Path, fetch_timeout_s: float) -> AsyncIterator[Server]:
    """A server that may call this machine, and whose limits are small enough to meet."""
    small = settings_for(
        tmp_path / "house",
        allow_private_targets=True,
        max_upload_bytes=1000,
        max_files_per_batch=3,
        fetch_timeout_s=fetch_timeout_s,
    )
    with_user(small, "ann")
    async with serving(small) as running:
        yield running


async def ask(
    client: aiohttp.ClientSession, *urls: str, headers: dict[str, str] | None = None, **more: Any
) -> tuple[int, dict[str, Any]]:
    wish = {"urls": [{"url": url} for url in urls], **more}
    async with client.post("/api/v1/batches", json=wish, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def nothing_is_left(server: Server) -> bool:
    settings = server.settings
    return not [
        *settings.files_dir.glob("*/*/*"),
        *settings.incoming_dir.iterdir(),
    ] and not (server.app[FILES].used_bytes)


async def test_fetched_files_become_a_batch(house: Server, elsewhere: Receiver) -> None:
    async with house.client("ann") as client:
        status, accepted = await ask(
            client,
            f"{elsewhere.url}/expenses.csv?token=1",
            f"{elsewhere.url}/named",
            options={"name": "March", "on_duplicate": "keep"},
        )
        assert status == 202, accepted
        told = [(job["filename"], job["sha256"]) for job in accepted["jobs"]]
        assert told == [
            ("expenses.csv", hashlib.sha256(CSV).hexdigest()),
            ("März.csv", hashlib.sha256(CSV + b"\n").hexdigest()),
        ]
        jobs = await ended(client, accepted)
        assert {job["status"] for job in jobs} == {"completed"}
        async with client.get(f"/api/v1/batches/{accepted['batch_id']}") as answer:
            batch = await answer.json()
        assert (batch["name"], batch["options"]) == ("March", {"on_duplicate": "keep"})


async def test_nothing_of_ours_is_shown_to_the_other_server(
    house: Server, elsewhere: Receiver
) -> None:
    async with house.client("ann") as client:
        await ask(client, f"{elsewhere.url}/expenses.csv")
    (call,) = elsewhere.calls
    assert not {"Cookie", "Authorization", "Referer", "Origin"} & set(call.headers)


async def test_a_redirect_is_followed(house: Server, elsewhere: Receiver) -> None:
    async with house.client("ann") as client:
        status, accepted = await ask(client, f"{elsewhere.url}/moved?times=3")
        assert (status, accepted["jobs"][0]["filename"]) == (202, "expenses.csv")


async def test_the_same_key_fetches_nothing_again(house: Server, elsewhere: Receiver) -> None:
    key = {"Idempotency-Key": "k1"}
    url = f"{elsewhere.url}/expenses.csv"
    async with house.client("ann") as client:
        first = await ask(client, url, headers=key)
        assert await ask(client, url, headers=key) == first
        status, told = await ask(client, f"{elsewhere.url}/named", headers=key)
        assert (status, told["code"]) == (409, "conflict")
    assert len(elsewhere.calls) == 1


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/nowhere", (502, "fetch_refused")),
        ("/packed", (502, "fetch_refused")),
        ("/around", (502, "target_unreachable")),
        ("/moved?times=4", (502, "target_unreachable")),
        ("/cut", (502, "target_unreachable")),
        ("/large", (413, "upload_too_large")),
        ("/endless", (413, "upload_too_large")),
    ],
)
async def test_one_that_fails_leaves_nothing_of_all(
    house: Server, elsewhere: Receiver, path: str, wanted: tuple[int, str]
) -> None:
    async with house.client("ann") as client:
        status, told = await ask(client, f"{elsewhere.url}/expenses.csv", f"{elsewhere.url}{path}")
        assert (status, told["code"]) == wanted
        async with client.get("/api/v1/batches") as answer:
            assert (await answer.json())["batches"] == []
    assert nothing_is_left(house)


@pytest.mark.parametrize("fetch_timeout_s", [0.3])
async def test_who_never_answers_is_not_waited_for(house: Server, elsewhere: Receiver) -> None:
    async with house.client("ann") as client, asyncio.timeout(LONGEST_S):
        status, told = await ask(client, f"{elsewhere.url}/silent")
    assert (status, told["code"]) == (502, "target_unreachable")
    assert nothing_is_left(house)


async def test_nothing_inside_is_fetched(
    server: Server, ann: aiohttp.ClientSession, elsewhere: Receiver
) -> None:
    for url in (f"{elsewhere.url}/expenses.csv", "http://localhost/", "file:///etc/passwd"):
        status, told = await ask(ann, "https://example.com/a.csv", url)
        assert (status, told["code"]) == (422, "target_refused")
    assert elsewhere.calls == []
    assert nothing_is_left(server)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"urls": []},
        {"urls": ["https://example.com"]},
        {"urls": [{"url": ""}]},
        {"urls": [{"url": "https://example.com/" + "x" * 3000}]},
        {"urls": [{"url": "https://example.com/"}], "options": {"x": 1}},
        {"urls": [{"url": "https://example.com/"}], "batch_id": "mine"},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    ann: aiohttp.ClientSession, wish: dict[str, Any]
) -> None:
    async with ann.post("/api/v1/batches", json=wish) as answer:
        told = await answer.json(content_type=None)
    assert (answer.status, told["code"]) == (400, "invalid_request")


async def test_more_addresses_than_files_in_a_batch_are_refused(house: Server) -> None:
    async with house.client("ann") as client:
        status, told = await ask(client, *["http://127.0.0.1:1/"] * 4)
        assert (status, told["code"]) == (413, "too_many_files")


async def test_which_file_is_fetched_and_how_far_it_came_is_told_meanwhile(
    house: Server, monkeypatch: pytest.MonkeyPatch, elsewhere: Receiver
) -> None:
    monkeypatch.setattr("app.web.progress.TELL_S", 0.01)
    answers, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await answers.wait()
        response = web.StreamResponse(headers={"Content-Length": str(len(CSV))})
        await response.prepare(request)
        await response.write(CSV[:20])
        await goes_on.wait()
        await response.write(CSV[20:])
        return response

    elsewhere.answer = slow
    batch = str(uuid.uuid4())
    room = f"batch:{batch}"
    async with house.client("ann") as client:
        asking = asyncio.create_task(ask(client, f"{elsewhere.url}/a.csv", batch_id=batch))
        await elsewhere.called(1)
        (told,) = await followed(client, room, "upload_progress")
        assert told["message"] == "a.csv is on its way: 0 bytes are here"
        answers.set()
        (told,) = await followed(client, room, "upload_progress", told["seq"])
        assert (told["bytes_received"], told["bytes_total"]) == (20, len(CSV))
        goes_on.set()
        assert (await asking)[0] == 202
        seen = await followed(client, room, "job_created", told["seq"])
    assert [event["type"] for event in seen][-2:] == ["batch_created", "job_created"]


async def test_a_server_that_stops_breaks_a_fetch_off_and_says_so(
    tmp_path: Path, elsewhere: Receiver
) -> None:
    settings = settings_for(tmp_path / "stops", allow_private_targets=True)
    with_user(settings, "ann")
    batch = str(uuid.uuid4())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(settings))
        async with server.client("ann") as client:
            urls = [f"{elsewhere.url}/expenses.csv", f"{elsewhere.url}/silent"]
            asking = asyncio.create_task(ask(client, *urls, batch_id=batch))
            await elsewhere.called(2)
            await stack.aclose()
            status, told = await asking
    assert (status, told["code"]) == (503, "shutting_down")
    assert nothing_is_left(server)


async def test_who_leaves_meanwhile_finds_the_batch_and_its_answer(
    house: Server, elsewhere: Receiver
) -> None:
    goes_on = asyncio.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        await goes_on.wait()
        return await shop(request)

    elsewhere.answer = late
    wish = f"{elsewhere.url}/expenses.csv"
    batch, key = str(uuid.uuid4()), {"Idempotency-Key": "k"}
    async with house.client("ann") as client, asyncio.timeout(60):
        asking = asyncio.create_task(ask(client, wish, headers=key, batch_id=batch))
        await elsewhere.called(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        status, told = await ask(client, wish, headers=key, batch_id=batch)
        assert (status, told["code"]) == (409, "conflict")
        goes_on.set()
        await followed(client, f"batch:{batch}", "job_created")
        while status == 409:
            status, told = await ask(client, wish, headers=key, batch_id=batch)
    assert (status, told["batch_id"], len(elsewhere.calls)) == (202, batch, 1)


async def test_a_name_that_is_no_text_is_still_a_name(house: Server, elsewhere: Receiver) -> None:
    async with house.client("ann") as client:
        status, accepted = await ask(client, f"{elsewhere.url}/odd")
    assert status == 202, accepted
    assert accepted["jobs"][0]["filename"]
