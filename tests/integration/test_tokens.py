"""API tokens: what they are good for, who makes and ends them, and what listens by them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.keys import HUB
from app.store.accounts import now_ms
from app.store.offline import issue_token, offline
from tests.integration.listening import until
from tests.integration.serving import LONGEST_S, Server, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"


async def made(client: aiohttp.ClientSession, **wish: Any) -> dict[str, Any]:
    """Make a token and return {"secret", "token"}."""
    async with client.post("/api/v1/tokens", json={"label": "test", **wish}) as answer:
        assert answer.status == 201, await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
        told: dict[str, Any] = await answer.json()
        return told


async def refusal(answer: aiohttp.ClientResponse) -> tuple[int, str, str]:
    body = await answer.json(content_type="application/problem+json")
    return answer.status, body["code"], body["title"]


@asynccontextmanager
async def program(server: Server, secret: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without cookies that sends `secret`."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        yield client


async def asked(server: Server, secret: str, method: str, path: str) -> tuple[int, str]:
    """Return the status that a program with `secret` gets, and the title of its problem."""
    async with program(server, secret) as client, client.request(method, path) as answer:
        body = await answer.json() if "json" in answer.content_type else {}
        return answer.status, body.get("title", "")


async def ticket_of(server: Server, secret: str, **wish: Any) -> str:
    """Return a token for a socket, made with the API token `secret`."""
    async with (
        program(server, secret) as client,
        client.post("/api/v1/auth/websocket-token", json=wish) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["token"])


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read on until the server closes, and return its code."""
    async with asyncio.timeout(LONGEST_S):
        async for _ in socket:
            pass
    return socket.close_code


async def test_a_token_is_told_once_and_then_known_by_its_beginning(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new = await made(ann, label=" nightly ", scopes=["read"])
    assert new["secret"].startswith(new["token"]["prefix"])
    assert (len(new["token"]["prefix"]), new["token"]["label"]) == (9, "nightly")
    async with ann.get("/api/v1/tokens") as answer:
        text = await answer.text()
        (listed,) = (await answer.json())["tokens"]
    assert listed == new["token"]
    assert new["secret"] not in text
    async with program(server, new["secret"]) as client, client.get("/api/v1/jobs") as answer:
        assert answer.status == 200
    async with ann.get("/api/v1/tokens") as answer:
        assert (await answer.json())["tokens"][0]["last_used_at"] is not None


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("upload", "POST", "/api/v1/samples"),
        ("read", "GET", "/api/v1/jobs"),
        ("listen", "GET", "/api/v1/events/history"),
        ("listen", "POST", "/api/v1/auth/websocket-token"),
        ("control", "POST", "/api/v1/jobs/{job_id}/cancel"),
        ("operate", "GET", "/api/v1/jobs?owner=all"),
        ("operate", "GET", "/api/v1/audit"),
    ],
)
async def test_what_a_token_lacks_is_refused_and_named(
    server: Server, ann: aiohttp.ClientSession, scope: str, method: str, path: str
) -> None:
    everything = ["upload", "listen", "read", "control", "operate"]
    job_id = (await upload(ann, ("a.csv", CSV)))["jobs"][0]["job_id"]
    path = path.format(job_id=job_id)
    without = await made(ann, scopes=[one for one in everything if one != scope])
    assert await asked(server, without["secret"], method, path) == (
        403,
        f"You may not do this: this needs the scope {scope}",
    )
    complete = await made(ann, scopes=everything)
    assert (await asked(server, complete["secret"], method, path))[0] in (200, 202, 409)


async def test_a_socket_needs_the_scope_to_listen(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new = await made(ann, scopes=["read", "upload"])
    async with program(server, new["secret"]) as client, client.ws_connect("/ws") as socket:
        assert await closed(socket) == 4003


async def test_a_socket_steers_only_with_the_scope_for_it(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job_id = (await upload(ann, ("a.csv", CSV)))["jobs"][0]["job_id"]
    new = await made(ann, scopes=["listen"])
    async with (
        program(server, new["secret"]) as client,
        client.ws_connect("/ws?frames=single") as socket,
    ):
        await socket.receive()
        await socket.send_json({"op": "cancel", "id": "1", "job_id": job_id})
        assert (await socket.receive_json())["code"] == "not_allowed"


async def test_an_operators_token_without_that_scope_sees_its_own_only(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    job_id = (await upload(bob, ("a.csv", CSV)))["jobs"][0]["job_id"]
    weak = await made(ann, scopes=["read", "listen"])
    async with program(server, weak["secret"]) as client:
        async with client.get(f"/api/v1/jobs/{job_id}") as answer:
            assert answer.status == 404
        async with client.ws_connect("/ws?frames=single") as socket:
            await socket.receive()
            for room, code in (("all", "not_allowed"), (f"job:{job_id}", "not_found")):
                await socket.send_json({"op": "subscribe", "room": room})
                assert (await socket.receive_json())["code"] == code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/tokens"),
        ("POST", "/api/v1/tokens"),
        ("PATCH", "/api/v1/tokens/{id}"),
        ("DELETE", "/api/v1/tokens/{id}"),
    ],
)
async def test_a_token_can_not_make_itself_stronger(
    server: Server, ann: aiohttp.ClientSession, method: str, path: str
) -> None:
    new = await made(ann, scopes=["upload", "listen", "read", "control", "operate"])
    body = {"label": "mine", "allowance": {"connections": 1000}}
    async with program(server, new["secret"]) as client:
        where = path.format(id=new["token"]["id"])
        async with client.request(method, where, json=body) as answer:
            assert (await refusal(answer))[:2] == (403, "not_allowed")
    async with ann.get("/api/v1/tokens") as answer:
        (listed,) = (await answer.json())["tokens"]
    assert {**listed, "last_used_at": None} == new["token"]


async def test_only_operators_give_more_than_members_have(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    for wish in ({"scopes": ["operate"]}, {"allowance": {"connections": 9}}):
        async with bob.post("/api/v1/tokens", json={"label": "x", **wish}) as answer:
            assert (await refusal(answer))[:2] == (403, "not_allowed")
    new = await made(bob)
    assert new["token"]["scopes"] == ["upload", "listen", "read", "control"]
    path = f"/api/v1/tokens/{new['token']['id']}"
    limits = {
        "connections": 9,
        "messages_per_second": None,
        "message_bytes": 4096,
        "silence_s": 3600,
    }
    async with bob.patch(path, json={"allowance": limits}) as answer:
        assert answer.status == 403
    async with ann.patch(path, json={"allowance": limits}) as answer:
        assert (answer.status, (await answer.json())["allowance"]) == (200, limits)


async def test_a_tokens_own_limits_are_those_of_its_connections(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new = await made(ann, allowance={"connections": 7, "message_bytes": 4096})
    async with program(server, new["secret"]) as client, client.ws_connect("/ws") as socket:
        limits = (await socket.receive_json())["limits"]
    assert (limits["max_connections"], limits["max_message_bytes"]) == (7, 4096)
    assert limits["messages_per_second"] == server.settings.websocket_message_rate_limit


async def test_tokens_of_others_do_not_exist(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    new = await made(ann)
    async with bob.delete(f"/api/v1/tokens/{new['token']['id']}") as answer:
        assert answer.status == 404
    async with ann.get("/api/v1/auth/me") as answer:
        her_id = (await answer.json())["user_id"]
    async with bob.get(f"/api/v1/tokens?user={her_id}") as answer:
        assert answer.status == 403
    async with bob.get("/api/v1/tokens") as answer:
        assert (await answer.json())["tokens"] == []


async def test_an_operator_ends_anybodys_token(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    new = await made(bob)
    async with bob.get("/api/v1/auth/me") as answer:
        his_id = (await answer.json())["user_id"]
    async with ann.get(f"/api/v1/tokens?user={his_id}") as answer:
        assert (await answer.json())["tokens"] == [new["token"]]
    async with ann.delete(f"/api/v1/tokens/{new['token']['id']}") as answer:
        assert answer.status == 204
    async with program(server, new["secret"]) as client, client.get("/api/v1/jobs") as answer:
        assert answer.status == 401


async def test_a_revoked_token_ends_what_listens_by_it_and_nothing_else(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new, other = await made(ann), await made(ann)
    async with (
        program(server, new["secret"]) as client,
        program(server, other["secret"]) as beside,
        client.ws_connect("/ws") as socket,
        beside.ws_connect("/ws") as untouched,
        ann.ws_connect("/ws") as browser,
    ):
        ticket = await ticket_of(server, new["secret"])
        async with server.client() as page, page.ws_connect(f"/ws?token={ticket}") as by_ticket:
            await by_ticket.receive_json()
            async with ann.delete(f"/api/v1/tokens/{new['token']['id']}") as answer:
                assert answer.status == 204
            assert await closed(socket) == 4001
            assert await closed(by_ticket) == 4001
        for listener in (untouched, browser):
            await listener.receive_json()
            await listener.send_json({"op": "ping", "id": 1})
            assert (await listener.receive_json())["type"] == "pong"


async def test_a_stream_and_a_waiting_request_end_with_their_token(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new, hub = await made(ann), server.app[HUB]
    async with program(server, new["secret"]) as client, asyncio.timeout(LONGEST_S):
        stream = await client.get("/api/v1/events")
        assert (await stream.content.readline()).strip()
        poll = asyncio.create_task(told(client, f"/api/v1/events/history?after={hub.head}&wait=60"))
        await until(lambda: len(hub.polls))
        async with ann.delete(f"/api/v1/tokens/{new['token']['id']}") as answer:
            assert answer.status == 204
        await stream.content.read()  # to its end
        await upload(ann, ("a.csv", CSV))
        assert (await poll)["events"] == []
        async with client.get("/api/v1/events/history") as answer:
            assert answer.status == 401


async def told(client: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with client.get(path) as answer:
        body: dict[str, Any] = await answer.json()
        return body


@pytest.mark.parametrize("kind", ["ticket", "listen"])
async def test_what_was_made_with_a_revoked_token_opens_nothing(
    server: Server, ann: aiohttp.ClientSession, kind: str
) -> None:
    new = await made(ann)
    ticket = await ticket_of(server, new["secret"], kind=kind)
    async with ann.delete(f"/api/v1/tokens/{new['token']['id']}"):
        pass
    async with server.client() as page, page.ws_connect(f"/ws?token={ticket}") as socket:
        assert await closed(socket) == 4001
        async with page.get(f"/api/v1/events?token={ticket}") as answer:
            assert answer.status == 401


@pytest.mark.parametrize("path", ["/ws", "/ws/laptop", "/api/v1/events"])
async def test_a_foreign_page_listens_by_no_token_at_all(server: Server, path: str) -> None:
    secret = issue_token(server.settings.database_path, "ann")
    queries = [f"?token={await ticket_of(server, secret, kind=k)}" for k in ("ticket", "listen")]
    headers = {"Origin": "https://evil.example", "Connection": "Upgrade", "Upgrade": "websocket"}
    async with aiohttp.ClientSession(server.url) as client:
        for query in queries:
            async with client.get(path + query, headers=headers) as answer:
                assert (await refusal(answer))[:2] == (403, "cross_site")
        headers["Authorization"] = f"Bearer {secret}"
        async with client.get(path, headers=headers) as answer:
            assert (await refusal(answer))[:2] == (403, "cross_site")
        # Refused before it was used up.
        async with client.ws_connect(f"/ws{queries[0]}") as socket:
            assert (await socket.receive_json())["type"] == "welcome"


async def test_a_token_that_expires_is_nobody_and_ends_its_sockets(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    new = await made(ann, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    async with program(server, new["secret"]) as client, client.ws_connect("/ws") as socket:
        with offline(server.settings.database_path) as database:
            database.execute("UPDATE token SET expires_ms = ?", (now_ms(),))
        assert await closed(socket) == 4001
        async with client.get("/api/v1/auth/me") as answer:
            assert answer.status == 401
    async with ann.get("/api/v1/tokens") as answer:
        assert (await answer.json())["tokens"] == []


@pytest.mark.parametrize(
    "wish",
    [
        {"label": "  "},
        {"label": "x" * 101},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"allowance": {"connections": 0}},
        {"user_id": "somebody"},
    ],
)
async def test_a_wish_that_can_not_be_is_refused(
    ann: aiohttp.ClientSession, wish: dict[str, Any]
) -> None:
    async with ann.post("/api/v1/tokens", json={"label": "x", **wish}) as answer:
        assert (await refusal(answer))[:2] == (400, "invalid_request")


async def test_there_are_not_endlessly_many_tokens(
    server: Server, ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.tokens.TOKENS_AT_MOST", 2)
    await made(ann)
    await made(ann)
    async with ann.post("/api/v1/tokens", json={"label": "x"}) as answer:
        assert (await refusal(answer))[:2] == (409, "conflict")


async def test_the_command_line_makes_tokens_of_few_scopes(server: Server, tmp_path: Path) -> None:
    path = server.settings.database_path
    secret = issue_token(path, "bob", scopes=["listen"], days=1)
    async with program(server, secret) as client:
        async with client.get("/api/v1/jobs") as answer:
            assert answer.status == 403
        async with client.get("/api/v1/events/history") as answer:
            assert answer.status == 200
