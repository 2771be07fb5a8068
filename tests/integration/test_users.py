"""Users as operators handle them: added, changed, removed, and what that ends."""

import asyncio
from typing import Any

import aiohttp
import pytest

from app.store.offline import issue_token, offline
from tests.integration.serving import LONGEST_S, PASSWORD, Server, token_of, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"


async def users(client: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
    """Return everybody by name."""
    async with client.get("/api/v1/users") as answer:
        assert answer.status == 200
        return {user["name"]: user for user in (await answer.json())["users"]}


async def told(
    client: aiohttp.ClientSession, method: str, path: str, **body: Any
) -> tuple[int, str]:
    """Return the status of the answer, and the code of its problem."""
    async with client.request(method, path, json=body or None) as answer:
        is_problem = answer.content_type == "application/problem+json"
        code = (await answer.json(content_type=answer.content_type))["code"] if is_problem else ""
        return answer.status, code


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read on until the server closes, and return its code."""
    async with asyncio.timeout(LONGEST_S):
        async for _ in socket:
            pass
    return socket.close_code


async def test_an_operator_adds_somebody_who_then_signs_in(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    body = {"name": "cleo", "password": PASSWORD}
    assert await told(ann, "POST", "/api/v1/users", **body) == (201, "")
    assert await told(stranger, "POST", "/api/v1/auth/login", **body) == (200, "")
    found = (await users(ann))["cleo"]
    assert (found["role"], found["sessions"]) == ("member", 1)
    assert await told(ann, "POST", "/api/v1/users", **body) == (409, "name_taken")
    weak = {"name": "dora", "password": "short"}
    assert await told(ann, "POST", "/api/v1/users", **weak) == (422, "weak_password")


async def test_members_do_not_handle_users(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    her_id = (await users(ann))["ann"]["id"]
    for method, path in (
        ("GET", "/api/v1/users"),
        ("POST", "/api/v1/users"),
        ("PATCH", f"/api/v1/users/{her_id}"),
        ("DELETE", f"/api/v1/users/{her_id}"),
    ):
        assert await told(bob, method, path) == (403, "not_allowed")


async def test_an_operators_token_lists_users_but_lets_nobody_in(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    """It could make itself a password, and with that a signed-in browser."""
    his_id = (await users(ann))["bob"]["id"]
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as program:
        assert set(await users(program)) == {"ann", "bob"}
        new = {"name": "cleo", "password": PASSWORD, "role": "operator"}
        assert await told(program, "POST", "/api/v1/users", **new) == (403, "not_allowed")
        path = f"/api/v1/users/{his_id}"
        assert await told(program, "PATCH", path, password=PASSWORD) == (403, "not_allowed")
        assert await told(program, "DELETE", path) == (403, "not_allowed")


async def test_there_is_always_an_operator(ann: aiohttp.ClientSession) -> None:
    known = await users(ann)
    hers, his = (f"/api/v1/users/{known[name]['id']}" for name in ("ann", "bob"))
    assert await told(ann, "PATCH", hers, role="member") == (409, "conflict")
    assert await told(ann, "DELETE", hers) == (409, "conflict")
    assert await told(ann, "PATCH", his, role="operator") == (200, "")
    assert await told(ann, "PATCH", hers, role="member") == (200, "")
    assert await told(ann, "PATCH", his, role="member") == (403, "not_allowed")


async def test_two_operators_who_step_down_at_once_leave_one(server: Server) -> None:
    async with server.client("ann") as ann, server.client("bob") as bob:
        known = await users(ann)
        hers, his = (f"/api/v1/users/{known[name]['id']}" for name in ("ann", "bob"))
        assert await told(ann, "PATCH", his, role="operator") == (200, "")
        answers = await asyncio.gather(
            told(ann, "PATCH", hers, role="member"), told(bob, "PATCH", his, role="member")
        )
    assert sorted(answers) == [(200, ""), (409, "conflict")]


async def test_a_change_that_fails_changes_nothing(ann: aiohttp.ClientSession) -> None:
    known = await users(ann)
    hers = f"/api/v1/users/{known['ann']['id']}"
    change = {"role": "member", "password": "another good one"}
    assert await told(ann, "PATCH", hers, **change) == (409, "conflict")
    assert (await users(ann))["ann"] == known["ann"]  # and she is still signed in


async def test_another_role_counts_at_once_also_for_what_listens(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    path = f"/api/v1/users/{(await users(ann))['bob']['id']}"
    assert await told(ann, "PATCH", path, role="operator") == (200, "")
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        await socket.send_json({"op": "subscribe", "room": "all"})
        assert (await socket.receive_json())["type"] == "subscribed"
        assert await told(ann, "PATCH", path, role="member") == (200, "")
        assert await closed(socket) == 1012
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        await socket.send_json({"op": "subscribe", "room": "all"})
        assert (await socket.receive_json())["code"] == "not_allowed"


async def test_a_reset_password_signs_them_out_everywhere(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    path = f"/api/v1/users/{(await users(ann))['bob']['id']}"
    async with bob.ws_connect("/ws") as socket:
        assert await told(ann, "PATCH", path, password="another good one") == (200, "")
        assert await closed(socket) == 4001
    assert (await told(bob, "GET", "/api/v1/auth/me"))[0] == 401
    for password, expected in ((PASSWORD, 401), ("another good one", 200)):
        body = {"name": "bob", "password": password}
        assert (await told(stranger, "POST", "/api/v1/auth/login", **body))[0] == expected


async def test_who_is_removed_is_nobody_at_once(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    path = f"/api/v1/users/{(await users(ann))['bob']['id']}"
    body = {"kind": "listen"}
    async with bob.post("/api/v1/auth/websocket-token", json=body) as answer:
        listen = (await answer.json())["token"]
    async with bob.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    headers = {"Authorization": f"Bearer {issue_token(server.settings.database_path, 'bob')}"}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as program,
        server.client() as page,
        bob.ws_connect("/ws/laptop") as one,
        program.ws_connect("/ws") as two,
        page.ws_connect(f"/ws?token={listen}") as three,
    ):
        assert await told(ann, "DELETE", path) == (204, "")
        assert [await closed(socket) for socket in (one, two, three)] == [4001] * 3
        assert (await told(bob, "GET", "/api/v1/auth/me"))[0] == 401
        assert (await told(program, "GET", "/api/v1/auth/me"))[0] == 401
        for token in (listen, ticket):
            async with page.ws_connect(f"/ws?token={token}") as socket:
                assert await closed(socket) == 4001
    body = {"name": "bob", "password": PASSWORD}
    assert await told(page_of(bob), "POST", "/api/v1/auth/login", **body) == (401, "wrong_password")
    with offline(server.settings.database_path) as database:
        for table in ("login", "token", "link", "share"):
            left = f"SELECT count(*) FROM {table} WHERE user_id <> (SELECT id FROM user)"
            assert database.execute(left).fetchone() == (0,)


def page_of(client: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Return `client` as a browser that has forgotten its session."""
    client.cookie_jar.clear()
    return client


async def test_what_somebody_removed_had_brought_is_for_operators(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    job_id = (await upload(bob, ("a.csv", CSV)))["jobs"][0]["job_id"]
    assert await told(ann, "DELETE", f"/api/v1/users/{(await users(ann))['bob']['id']}") == (
        204,
        "",
    )
    new = {"name": "bob", "password": PASSWORD}
    assert await told(ann, "POST", "/api/v1/users", **new) == (201, "")
    assert await told(stranger, "POST", "/api/v1/auth/login", **new) == (200, "")
    path = f"/api/v1/jobs/{job_id}"
    assert (await told(ann, "GET", path))[0] == 200
    assert (await told(stranger, "GET", path))[0] == 404  # another bob
    async with ann.get("/api/v1/jobs?owner=all") as answer:
        assert job_id in await answer.text()


@pytest.mark.parametrize("ident", ["00000000-0000-7000-8000-000000000000", "bob"])
async def test_somebody_who_is_not_there_is_not_found(
    ann: aiohttp.ClientSession, ident: str
) -> None:
    path = f"/api/v1/users/{ident}"
    assert await told(ann, "PATCH", path, role="member") == (404, "not_found")
    assert await told(ann, "DELETE", path) == (404, "not_found")
