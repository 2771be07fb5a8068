"""Listening to one upload as clients do that know nothing but its bar: before, during and after."""

import asyncio
import json
import uuid
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.keys import HUB, RESERVATIONS, UPLOADS
from tests.integration.listening import until
from tests.integration.serving import LONGEST_S, Server, ended, files_form, token_of, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Tea,-2.10\n"
EMPTY = b"Date,Description,Amount\n"
STAGES = {"validation", "scanning", "parsing", "database", "categorization"}
FIELDS = {"batch_id", "progress", "status", "stage", "message", "details", "timestamp"}


async def ticket(client: aiohttp.ClientSession) -> str:
    async with client.post("/api/v1/auth/websocket-token") as answer:
        return str((await answer.json())["token"])


async def heard(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(LONGEST_S):
        told: dict[str, Any] = await socket.receive_json()
        return told


async def until_status(
    socket: aiohttp.ClientWebSocketResponse, *wanted: str
) -> list[dict[str, Any]]:
    seen = [await heard(socket)]
    while seen[-1]["status"] not in wanted:
        seen.append(await heard(socket))
    return seen


async def send_csv(
    client: aiohttp.ClientSession, content: bytes = CSV, **fields: str
) -> tuple[int, dict[str, Any]]:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("file", content, filename="transactions.csv", content_type="text/csv")
    async with client.post("/api/v1/upload/csv", data=form) as answer:
        return answer.status, await answer.json()


async def test_an_upload_is_followed_from_before_it_begins_to_its_end(
    server: Server, ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    batch_id = str(uuid.uuid4())
    path = f"/ws/upload-progress/{batch_id}?token={await ticket(ann)}"
    async with stranger.ws_connect(path) as socket:
        first = await heard(socket)
        assert first["status"] == "connected"
        assert (first["batch_id"], first["progress"], first["stage"]) == (batch_id, 0, "validation")
        status, accepted = await send_csv(ann, batch_id=batch_id)
        assert (status, accepted["batch_id"]) == (202, batch_id)
        seen = await until_status(socket, "completed", "error")
    assert all(message.keys() >= FIELDS for message in [first, *seen])
    assert {message["stage"] for message in seen} == STAGES
    assert {message["status"] for message in seen} == {"processing", "completed"}
    assert {message["type"] for message in seen}.isdisjoint({"live", "subscribed", "welcome"})
    progress = [message["progress"] for message in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    last = seen[-1]
    assert last["details"].items() >= {"filename": "transactions.csv", "size": len(CSV)}.items()
    assert last["details"]["processed"] == last["details"]["total"] == 2
    assert last["details"]["errors"] == 0
    assert last["error"] is None


async def test_a_failure_is_told_in_words(ann: aiohttp.ClientSession) -> None:
    batch_id = str(uuid.uuid4())
    async with ann.ws_connect(f"/ws/upload-progress/{batch_id}") as socket:
        await heard(socket)
        await send_csv(ann, EMPTY, batch_id=batch_id)
        last = (await until_status(socket, "completed", "error"))[-1]
    assert last["status"] == "error"
    assert isinstance(last["error"], str)
    assert "no rows" in last["error"]
    assert last["problem"]["code"] == "no_rows"
    assert last["progress"] < 100


async def test_who_comes_late_or_back_is_told_how_it_stands(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    await ended(ann, accepted)
    async with ann.ws_connect(f"/ws/upload-progress/{accepted['batch_id']}") as socket:
        first, second = await heard(socket), await heard(socket)
    assert (first["status"], first["progress"]) == ("connected", 100)
    assert (second["status"], second["progress"], second["stage"]) == (
        "completed",
        100,
        "categorization",
    )


async def test_a_client_that_knows_its_place_gets_what_it_missed(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    (state,) = await ended(ann, accepted)
    log = server.app[HUB].log_id
    path = f"/ws/upload-progress/{accepted['batch_id']}?after=0&log={log}"
    async with ann.ws_connect(path) as socket:
        await heard(socket)
        await heard(socket)
        places = [(await heard(socket))["n"] for _ in range(state["n"] + 1)]
    assert places == [None, *range(1, state["n"] + 1)]


async def test_all_who_follow_one_upload_are_told_the_same(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch_id = str(uuid.uuid4())
    path = f"/ws/upload-progress/{batch_id}"
    async with ann.ws_connect(path) as one, ann.ws_connect(path) as other:
        greetings = [await heard(one), await heard(other)]
        assert [told["status"] for told in greetings] == ["connected", "connected"]
        await send_csv(ann, batch_id=batch_id)
        first = await until_status(one, "completed")
        assert await until_status(other, "completed") == first
        async with ann.ws_connect(path) as late:
            assert (await heard(late))["progress"] == 100
        assert server.app[UPLOADS].count == 1
    await until(lambda: not server.app[UPLOADS].count)


async def test_several_files_are_one_bar_that_ends_with_the_last(
    ann: aiohttp.ClientSession,
) -> None:
    batch_id = str(uuid.uuid4())
    async with ann.ws_connect(f"/ws/upload-progress/{batch_id}") as socket:
        await heard(socket)
        accepted = await upload(ann, ("good.csv", CSV), ("bad.csv", EMPTY))
    async with ann.ws_connect(f"/ws/upload-progress/{accepted['batch_id']}?after=0") as socket:
        seen = await until_status(socket, "completed", "error")
    assert seen[-1]["status"] == "completed"
    details = seen[-1]["details"]
    assert (details["files"], details["files_done"], details["files_failed"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("said", "answer"), [("ping", "pong"), ('{"type":"ping"}', '{"type":"pong"}')]
)
async def test_a_ping_is_answered_in_kind(
    ann: aiohttp.ClientSession, said: str, answer: str
) -> None:
    async with ann.ws_connect(f"/ws/upload-progress/{uuid.uuid4()}") as socket:
        await heard(socket)
        await socket.send_str(said)
        assert await socket.receive_str(timeout=LONGEST_S) == answer


async def test_nothing_else_can_be_said(ann: aiohttp.ClientSession, server: Server) -> None:
    async with ann.ws_connect(f"/ws/upload-progress/{uuid.uuid4()}") as socket:
        await heard(socket)
        for nonsense in ('{"op":"subscribe","room":"all"}', "{", "[]", "ping ping"):
            await socket.send_str(nonsense)
            told = await heard(socket)
            assert (told["type"], told["code"]) == ("error", "unsupported")
            assert told["status"] == "processing"
        (session,) = server.app[HUB].sessions
        assert [room.kind for room in session.subscriptions] == ["batch"]


async def test_a_flood_and_a_giant_message_end_the_connection(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = server.url.replace("http", "ws")
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    for messages, code in ((["ping"] * 40, 4008), (["x" * 5000], 1009)):
        async with connect(
            f"{address}/ws/upload-progress/{uuid.uuid4()}", additional_headers=headers
        ) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                for message in messages:
                    await socket.send(message)
                async with asyncio.timeout(LONGEST_S):
                    while True:
                        await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code


async def test_nobody_else_hears_it_or_takes_its_id(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    hers = (await upload(ann, ("a.csv", CSV)))["batch_id"]
    new = str(uuid.uuid4())
    async with ann.ws_connect(f"/ws/upload-progress/{new}") as socket:
        await heard(socket)
        for batch_id in (hers, new):
            async with bob.ws_connect(f"/ws/upload-progress/{batch_id}") as his:
                await his.receive()
                assert his.close_code == 4003
            assert (await send_csv(bob, batch_id=batch_id))[0] == 404
        assert (await send_csv(ann, batch_id=new))[0] == 202
        assert (await until_status(socket, "completed"))[-1]["batch_id"] == new
    await until(lambda: not server.app[HUB].sessions)
    assert not server.app[RESERVATIONS]._held


async def test_an_id_is_free_again_when_nobody_listens_for_it(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    batch_id = str(uuid.uuid4())
    async with ann.ws_connect(f"/ws/upload-progress/{batch_id}") as socket:
        await heard(socket)
    await until(lambda: not server.app[HUB].sessions)
    async with bob.ws_connect(f"/ws/upload-progress/{batch_id}") as socket:
        assert (await heard(socket))["status"] == "connected"
    assert (await send_csv(bob, batch_id=batch_id))[0] == 202


async def test_who_is_not_known_is_told_by_the_close_code(stranger: aiohttp.ClientSession) -> None:
    for token in ("", "?token=nonsense"):
        async with stranger.ws_connect(f"/ws/upload-progress/{uuid.uuid4()}{token}") as socket:
            await socket.receive()
            assert socket.close_code == 4001
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stranger.ws_connect("/ws/upload-progress/not-an-id")
    assert refused.value.status == 400


@pytest.mark.parametrize("batch_id", ["nonsense", "A" * 500, "{}"])
async def test_a_batch_id_that_is_none_is_refused(
    ann: aiohttp.ClientSession, batch_id: str
) -> None:
    status, problem = await send_csv(ann, batch_id=batch_id)
    assert (status, problem["code"]) == (400, "invalid_request")


async def test_files_come_one_by_one_into_the_same_batch(ann: aiohttp.ClientSession) -> None:
    batch_id = str(uuid.uuid4())
    first = (await send_csv(ann, batch_id=batch_id))[1]
    second = (await send_csv(ann, CSV + b"2025-01-05,Milk,-1.00\n", batch_id=batch_id))[1]
    assert first["batch_id"] == second["batch_id"] == batch_id
    async with ann.get(f"/api/v1/batches/{batch_id}") as answer:
        assert (await answer.json())["jobs"] == 2
    form = aiohttp.FormData()
    for name in "ab":
        form.add_field("file", CSV, filename=f"{name}.csv")
    async with ann.post("/api/v1/upload/csv", data=form) as answer:
        assert answer.status == 400
    async with ann.post("/api/v1/upload/csv", data={"batch_id": batch_id}) as answer:
        assert json.loads(await answer.text())["code"] == "not_multipart"


@pytest.mark.parametrize("where", ["address", "part"])
async def test_how_far_the_file_came_is_told_to_its_batch(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("app.web.progress.TELL_S", 0.0)
    batch = str(uuid.uuid4())
    form = aiohttp.FormData()
    if where == "part":
        form.add_field("batch_id", batch)
    form.add_field("file", b"x" * 100_000, filename="a.csv", content_type="text/csv")
    query = f"?batch_id={batch}" if where == "address" else ""
    async with ann.post(f"/api/v1/upload/csv{query}", data=form) as answer:
        assert answer.status == 202, await answer.text()
    async with ann.get(f"/api/v1/events/history?room=batch:{batch}") as answer:
        kinds = [event["type"] for event in (await answer.json())["events"]]
    assert kinds[0] == "upload_progress"
    assert "job_created" in kinds


async def test_a_file_for_a_batch_of_somebody_else_is_not_told_there(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.progress.TELL_S", 0.0)
    accepted = await upload(ann, ("a.csv", b"a,b\n1,2\n"))
    form = files_form(("b.csv", b"x" * 100_000))
    address = f"/api/v1/upload/csv?batch_id={accepted['batch_id']}"
    async with bob.post(address, data=form) as answer:
        assert answer.status == 404
    room = f"batch:{accepted['batch_id']}"
    async with ann.get(f"/api/v1/events/history?room={room}&types=upload_progress") as answer:
        assert (await answer.json())["events"] == []
