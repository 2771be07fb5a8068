"""Socket.IO: clients of systems A, B and C hear each event once, in order, on every transport."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from app.keys import HUB, SOCKETIO
from app.settings import Settings
from tests.integration.listening import until
from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    followed,
    serving,
    settings_for,
    token_of,
    upload,
    with_user,
)
from tests.integration.socketio_clients import (
    CSV,
    POLL,
    TRANSPORTS,
    Listener,
    Trail,
    connect,
    connect_raw,
    listening,
    raw_socket,
)

EACH_TRANSPORT = pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)


def seqs(listener: Listener, name: str) -> list[int]:
    return [payload["seq"] for payload in listener.of(name)]


async def history(client: aiohttp.ClientSession, room: str) -> list[dict[str, Any]]:
    params = {"room": room, "limit": "1000"}
    async with client.get("/api/v1/events/history", params=params) as answer:
        events: list[dict[str, Any]] = (await answer.json())["events"]
        return events


@EACH_TRANSPORT
async def test_a_hears_everything_of_its_users_files(
    server: Server, ann: aiohttp.ClientSession, transports: list[str]
) -> None:
    async with listening(server, auth={"system": "A"}, transports=transports) as listener:
        accepted = await upload(ann, ("a.csv", CSV))
        job_id = accepted["jobs"][0]["job_id"]
        done = await listener.hears("job_complete")
        assert (done["fileId"], done["result"]["rows"]) == (job_id, 1)
        of_job = [e["seq"] for e in await history(ann, f"job:{job_id}")]
        assert seqs(listener, "job_update") == seqs(listener, "file_progress") == of_job
        assert listener.told[0][0] == "connected"


@EACH_TRANSPORT
async def test_b_joins_a_task_and_is_told_how_it_stands_and_goes_on(
    server: Server, ann: aiohttp.ClientSession, transports: list[str]
) -> None:
    async with listening(server, transports=transports) as listener:
        accepted = await upload(ann, ("a.csv", CSV))
        job_id = accepted["jobs"][0]["job_id"]
        await listener.sio.emit("join_task", {"task_id": job_id})
        await listener.hears("task_update", type="complete")
        names = [name for name, _ in listener.told]
        assert names.index("joined_task") < names.index("task_update")
        updates = listener.of("task_update")
        assert {update["task_id"] for update in updates} == {job_id}
        told = [update["seq"] for update in updates]
        assert told == sorted(set(told))
        of_job = [e["seq"] for e in await history(ann, f"job:{job_id}")]
        assert told == of_job[of_job.index(told[0]) :]  # from how it stood, without a hole
        await listener.sio.emit("leave_task", {"task_id": job_id})
        assert await listener.hears("left_task") == {"task_id": job_id}
        assert not listener.of("job_update")


@EACH_TRANSPORT
async def test_c_follows_a_job_and_its_batch_each_under_its_own_id(
    server: Server, ann: aiohttp.ClientSession, transports: list[str]
) -> None:
    async with listening(server, transports=transports) as listener:
        accepted = await upload(ann, ("a.csv", CSV), ("b.csv", CSV + CSV[24:]))
        batch_id, job_id = accepted["batch_id"], accepted["jobs"][0]["job_id"]
        await listener.sio.emit("subscribe", job_id)
        await listener.sio.emit("subscribe", batch_id)
        done = await listener.hears("completed", sessionId=batch_id)
        assert done["result"]["counts"] == {"completed": 2}
        await listener.hears("completed", sessionId=job_id)
        last = [p for p in listener.of("progress") if p["sessionId"] == batch_id][-1]
        assert (last["status"], last["prompts"]["completed"]) == ("COMPLETED", 2)
        of_job = [p for p in listener.of("progress") if p["sessionId"] == job_id]
        assert (of_job[-1]["status"], of_job[-1]["result"]["rows"]) == ("COMPLETED", 1)
        assert [p["seq"] for p in of_job] == sorted({p["seq"] for p in of_job})
        await listener.sio.emit("unsubscribe", batch_id)
        assert (await listener.hears("unsubscribed"))["sessionId"] == batch_id
        await listener.sio.emit("subscribe", batch_id)
        await listener.hears("subscribed", 2, sessionId=batch_id)
    await until(lambda: not server.app[HUB].sessions)
    marks = server.app[SOCKETIO]._marks
    assert marks.progress(batch_id) is None, "nothing is kept of what nobody follows"


@EACH_TRANSPORT
async def test_who_comes_back_says_where_it_was_and_misses_nothing(
    server: Server, ann: aiohttp.ClientSession, transports: list[str]
) -> None:
    async with listening(server, auth={"system": "A"}, transports=transports) as listener:
        log = (await listener.hears("connected"))["log"]
        accepted = await upload(ann, ("a.csv", CSV))
        await listener.hears("job_update", 3)
        seen = seqs(listener, "job_update")[:3]
    job_id = accepted["jobs"][0]["job_id"]
    await ended(ann, accepted)
    place = {"after": seen[-1], "log": log}
    async with listening(server, auth=place, transports=transports) as listener:
        await listener.hears("job_complete")
        of_job = [e["seq"] for e in await history(ann, f"job:{job_id}")]
        assert seen + seqs(listener, "job_update") == of_job
        await listener.sio.emit("join_task", {"task_id": job_id, **place})
        await listener.hears("task_update", type="complete")
        assert seen + seqs(listener, "task_update") == of_job
        await listener.sio.emit("subscribe", {"sessionId": job_id, **place})
        await listener.hears("completed")
        assert seen + seqs(listener, "progress") == of_job


async def test_who_comes_back_without_a_place_is_told_how_things_stand(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    job_id, batch_id = accepted["jobs"][0]["job_id"], accepted["batch_id"]
    await ended(ann, accepted)
    async with listening(server) as listener:
        await listener.sio.emit("join_task", {"task_id": batch_id})
        update = await listener.hears("task_update")
        assert (update["task_id"], update["type"], update["result"]["rows"]) == (
            job_id,
            "complete",
            1,
        )
        await listener.sio.emit("subscribe", job_id)
        assert (await listener.hears("completed"))["result"]["rows"] == 1
        assert (await listener.hears("progress"))["prompts"]["pending"] == 0
        await listener.sio.emit("subscribe", batch_id)
        progress = await listener.hears("progress", sessionId=batch_id)
        assert (progress["status"], progress["prompts"]["total"]) == ("COMPLETED", 1)
        done = await listener.hears("completed", sessionId=batch_id)
        assert done["result"] == {"jobs": 1, "counts": {"completed": 1}}
        await listener.sio.emit("unsubscribe", batch_id)
        place = {"after": server.app[HUB].head, "log": server.app[HUB].log_id}
        await listener.sio.emit("subscribe", {"sessionId": batch_id, **place})
        await listener.hears("progress", 2, sessionId=batch_id)
        ends = [told for told in listener.of("completed") if told["sessionId"] == batch_id]
        assert ends == [done]  # who says that it has heard of the end hears of it once


async def test_a_place_in_another_log_is_told_so(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    job_id = accepted["jobs"][0]["job_id"]
    await ended(ann, accepted)
    async with listening(server, auth={"after": 3, "log": "another"}) as listener:
        reset = await listener.hears("reset")
        assert reset["log"] == (await listener.hears("connected"))["log"]
        assert (await listener.hears("job_complete"))["fileId"] == job_id
        await listener.sio.emit("subscribe", {"sessionId": job_id, "after": 3, "log": "another"})
        assert (await listener.hears("reset", sessionId=job_id))["head"] == reset["head"]
        await listener.hears("completed")


async def has_left(operator: aiohttp.ClientSession) -> None:
    """Wait until the audit log knows that a connection is over."""
    async with asyncio.timeout(LONGEST_S):
        while True:
            async with operator.get("/api/v1/audit", params={"kind": "disconnected"}) as answer:
                if (await answer.json())["entries"]:
                    return


async def refused(server: Server, **options: Any) -> str:
    """Return why a client is not let in."""
    listener = Listener()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(listener, server, **options)
    return str(listener.of("connect_error")[0])


async def test_nobody_is_refused_with_words(server: Server) -> None:
    assert "not authenticated" in await refused(server, name=None)
    assert "not authenticated" in await refused(server, name=None, auth={"token": "lt_wrong"})
    token = token_of(server.settings, "ann")
    # An API token does not belong in a URL.
    said = await refused(server, name=None, query=f"?token={token}")
    assert "not authenticated" in said
    assert "POST /api/v1/auth/websocket-token" in said


async def test_a_comes_with_its_user_and_a_session_token_in_the_url(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with ann.post("/api/v1/auth/websocket-token", json={"kind": "listen"}) as answer:
        token = (await answer.json())["token"]
    async with ann.get("/api/v1/auth/me") as answer:
        user_id = (await answer.json())["user_id"]
    async with bob.get("/api/v1/auth/me") as answer:
        other = (await answer.json())["user_id"]
    query = f"?user_id={user_id}&session_token={token}"
    async with listening(server, name=None, query=query) as listener:
        await upload(ann, ("a.csv", CSV))
        await listener.hears("job_complete")
    for named, its_token in ((other, token), (user_id, "wrong")):
        query = f"?user_id={named}&session_token={its_token}"
        assert "not authenticated" in await refused(server, name=None, query=query)


async def test_the_cookie_of_a_page_of_ours_is_enough_and_one_of_a_foreign_page_is_not(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    cookies = "; ".join(f"{c.key}={c.value}" for c in ann.cookie_jar)
    own = {"Cookie": cookies, "Origin": server.url}
    async with listening(server, name=None, headers=own) as listener:
        await listener.hears("connected")
    foreign = {"Cookie": cookies, "Origin": "https://elsewhere.example"}
    for transports in (["websocket"], ["polling"]):
        await refused(server, name=None, headers=foreign, transports=transports)


async def test_what_is_somebody_elses_does_not_exist(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    idents = [accepted["batch_id"], accepted["jobs"][0]["job_id"]]
    idents += ["01900000-0000-7000-8000-000000000001", "nonsense"]
    async with listening(server, name="bob") as listener:
        for ident in idents:
            await listener.sio.emit("subscribe", ident)
            error = await listener.hears("error", sessionId=ident)
            assert (error["code"], error["timestamp"][-1]) == ("not_found", "Z")
        await listener.sio.emit("join_task", {"task_id": idents[0]})
        await listener.hears("error", task_id=idents[0])
        assert not [name for name, _ in listener.told if name in ("subscribed", "joined_task")]


@pytest.mark.parametrize(
    "said",
    [None, 7, "", "x" * 65, {}, {"sessionId": None}, {"sessionId": "a", "after": -1}, [], True],
)
async def test_what_can_not_be_understood_is_answered(server: Server, said: Any) -> None:
    async with listening(server) as listener:
        await listener.sio.emit("subscribe", said)
        assert (await listener.hears("error"))["code"] in ("invalid_request", "not_found")


async def test_an_acknowledgement_that_was_asked_for_comes(server: Server) -> None:
    async with listening(server) as listener:
        await listener.sio.call("subscribe", "nonsense", timeout=LONGEST_S)
        assert listener.of("error")


async def test_one_client_is_one_connection_however_much_it_follows(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    job_id, batch_id = accepted["jobs"][0]["job_id"], accepted["batch_id"]
    async with listening(server, auth={"system": "A"}) as listener:
        for name, said in (("join_task", {"task_id": job_id}), ("subscribe", batch_id)):
            await listener.sio.emit(name, said)
        await listener.hears("completed", sessionId=batch_id)
        async with ann.get("/api/v1/websocket/status") as answer:
            status = await answer.json()
        assert status["transports"] == {"socketio": 1}
        (one,) = status["connections"]
        assert (one["transport"], one["state"], one["user"]) == ("socketio", "live", "ann")
        assert {room.partition(":")[0] for room in one["rooms"]} == {"user", "job", "batch"}
        assert one["events_out"] > 0
    # The seat is free again: there are as many for others as before.
    await has_left(ann)


async def test_who_signs_in_by_the_connect_leaves_the_budget_of_its_address_to_strangers(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path / "data", anonymous_requests_per_minute=1)
    with_user(settings, "ann")
    async with serving(settings) as server:
        for _ in range(3):
            async with listening(server) as listener:
                await listener.hears("connected")


async def test_there_are_no_more_than_a_user_may_have(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    at_most = server.settings.max_websocket_connections_per_user
    sockets = [await ann.ws_connect("/ws") for _ in range(at_most - 1)]
    async with listening(server):
        why = await refused(server)
        assert f"you have {at_most} connections already" in why
    for socket in sockets:
        await socket.close()


async def test_a_websocket_on_which_nothing_happens_stays_as_long_as_pings_are_answered(
    settings: Settings,
) -> None:
    limits = {"websocket_heartbeat_interval": 0.1, "websocket_connection_timeout": 0.4}
    with_user(settings, "ann")
    async with serving(settings.model_copy(update=limits)) as server, raw_socket(server) as socket:
        await connect_raw(socket, {"token": token_of(settings, "ann")})
        for _ in range(12):  # more than twice as long as a silent client may stay
            assert await socket.receive_str(timeout=LONGEST_S) == "2"
            await socket.send_str("3")


async def test_what_the_client_of_socket_io_keeps_by_itself_is_enough_to_miss_nothing(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    token = token_of(server.settings, "ann")
    async with raw_socket(server) as socket:
        await socket.send_str("40" + json.dumps({"token": token, "system": "A"}))
        hello = json.loads((await socket.receive_str(timeout=LONGEST_S))[2:])
        assert (await socket.receive_str(timeout=LONGEST_S)).startswith('42["connected"')
        offset = json.loads((await socket.receive_str(timeout=LONGEST_S))[2:])[-1]
    accepted = await upload(ann, ("a.csv", CSV))
    await ended(ann, accepted)
    expected = [e["seq"] for e in await history(ann, f"job:{accepted['jobs'][0]['job_id']}")]
    kept = {"pid": hello["pid"], "offset": offset}
    async with raw_socket(server) as socket:
        await socket.send_str("40" + json.dumps({"token": token, "system": "A", **kept}))
        assert json.loads((await socket.receive_str(timeout=LONGEST_S))[2:])["pid"] == kept["pid"]
        told: list[int] = []
        while len(told) < len(expected):
            name, payload = json.loads((await socket.receive_str(timeout=LONGEST_S))[2:])
            if name == "job_update":
                told.append(payload["seq"])
            elif name == "position":
                assert int(payload) >= max(told, default=0)
    assert told == expected


@EACH_TRANSPORT
async def test_who_was_cut_and_keeps_no_place_goes_on_from_what_it_had(
    server: Server, transports: list[str]
) -> None:
    trail = Trail(server)
    await trail.begin()
    who: dict[str, Any] = {
        "auth": {"system": "A", "token": token_of(server.settings, "ann")},
        "name": None,
        "transports": transports,
    }
    async with listening(server, **who) as listener:
        (before,) = await trail.progress()
        await listener.hears("job_update", seq=before.seq)
        (session,) = server.app[HUB].sessions
        session.transport.abort()
        await listener.hears("disconnect")
    missed = await trail.progress(3)
    async with listening(server, **who) as listener:
        await listener.hears("job_update", seq=missed[-1].seq)
        expected = [event.seq for event in (before, *missed)]  # what no ping had proved comes twice
        assert seqs(listener, "job_update") == expected
    async with listening(server, **who) as listener:  # it left by itself before
        (last,) = await trail.progress()
        await listener.hears("job_update")
        assert seqs(listener, "job_update") == [last.seq]


async def test_what_a_ping_proved_is_not_told_again(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", websocket_heartbeat_interval=0.1)
    with_user(settings, "ann")
    async with serving(settings) as server, asyncio.timeout(LONGEST_S):
        who = {"system": "A", "token": token_of(settings, "ann")}
        trail = Trail(server)
        await trail.begin()
        async with raw_socket(server) as socket:
            await connect_raw(socket, who)
            await trail.progress()
            while not (await socket.receive_str()).startswith('42["job_update"'):
                pass
            for _ in range(2):  # the first may have been sent before
                while await socket.receive_str() != "2":
                    pass
                await socket.send_str("3")
            (session,) = server.app[HUB].sessions
            await until(lambda: session.received == 2)
            session.transport.abort()
            await until(lambda: not server.app[HUB].sessions)
        missed = await trail.progress()
        async with raw_socket(server) as socket:
            await connect_raw(socket, who)
            while not (said := await socket.receive_str()).startswith('42["job_update"'):
                pass
            assert json.loads(said[2:])[1]["seq"] == missed[-1].seq


async def test_who_asks_for_single_jobs_is_not_taken_for_recovered(server: Server) -> None:
    async with raw_socket(server) as socket:
        await socket.send_str("40" + json.dumps({"token": token_of(server.settings, "ann")}))
        hello = json.loads((await socket.receive_str(timeout=LONGEST_S))[2:])
    assert set(hello) == {"sid"}  # it has to join its rooms again, and learns so


async def test_pages_of_a_site_that_the_operator_named_may_come(tmp_path: Path) -> None:
    site = "https://app.example"
    settings = settings_for(tmp_path / "data", allowed_origins=[site])
    with_user(settings, "ann")
    async with serving(settings) as server:
        for transports in TRANSPORTS:
            headers = {"Origin": site}
            async with listening(server, headers=headers, transports=transports) as listener:
                await listener.hears("connected")
        async with (
            aiohttp.ClientSession(server.url) as http,
            http.get(POLL, headers={"Origin": site}) as answer,
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == site
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_a_guest_hears_what_was_shared_and_nothing_else(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    await ended(ann, accepted)
    other = await upload(ann, ("b.csv", CSV))
    room = f"batch:{accepted['batch_id']}"
    async with ann.post("/api/v1/shares", json={"room": room}) as answer:
        assert answer.status == 201, await answer.text()
        token = (await answer.json())["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    options = {"name": None, "headers": bearer, "auth": {"system": "A"}}
    async with listening(server, **options) as guest:
        assert (await guest.hears("error"))["code"] == "not_allowed"  # all of its owner's files
        await guest.sio.emit("subscribe", accepted["jobs"][0]["job_id"])
        await guest.hears("completed")
        for ident in (other["batch_id"], other["jobs"][0]["job_id"]):
            await guest.sio.emit("subscribe", ident)
            assert (await guest.hears("error", sessionId=ident))["code"] == "not_found"


async def test_c_hears_of_questions_that_are_open_when_it_comes_and_of_no_others(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV), options='{"auto_save": false}')
    job_id, batch_id = accepted["jobs"][0]["job_id"], accepted["batch_id"]
    (*_, asked) = await followed(ann, f"job:{job_id}", "clarification_requested")
    async with listening(server) as listener:
        for session in (job_id, batch_id):
            await listener.sio.emit("subscribe", session)
            told = await listener.hears("clarification", sessionId=session)
            assert (told["clarificationId"], told["status"]) == (
                asked["clarification_id"],
                "pending",
            )
            assert told["choices"] == asked["choices"]
            assert told["seq"] < asked["seq"]  # who goes on from there misses nothing
        path = f"/api/v1/clarifications/{asked['clarification_id']}/answer"
        async with ann.post(path, json={"answer": "save"}) as answer:
            assert answer.status == 200
        await listener.hears("clarification", sessionId=batch_id, status="answered")
    async with listening(server) as listener:
        await listener.sio.emit("subscribe", job_id)
        await listener.hears("completed")
        assert not listener.of("clarification")
