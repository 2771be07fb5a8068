"""Signed-in browsers: listed, ended one by one or all at once, and what ends with them."""

import asyncio
from typing import Any

import aiohttp
import pytest

from app.core.errors import NotAuthenticated
from app.keys import ACCOUNTS, TICKETS
from app.store.accounts import now_ms
from app.store.offline import offline, reset_password
from tests.integration.serving import LONGEST_S, PASSWORD, Server, session_of, token_of

NOBODY = "01936d2e-0000-7000-8000-000000000001"

EVERYWHERE = "/api/v1/auth/logout-everywhere"


async def listen_token(client: aiohttp.ClientSession, **wish: Any) -> str:
    body = {"kind": "listen", **wish}
    async with client.post("/api/v1/auth/websocket-token", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["token"])


async def status(client: aiohttp.ClientSession, path: str, method: str = "GET", **how: Any) -> int:
    async with client.request(method, path, **how) as answer:
        return answer.status


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """Read on until the server closes, and return its code and reason."""
    async with asyncio.timeout(LONGEST_S):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data, message.extra or ""
            assert message.type is aiohttp.WSMsgType.TEXT, message


async def first_of(client: aiohttp.ClientSession, path: str) -> str | int | None:
    """Return the type of a socket's first message, or the code it was closed with."""
    async with client.ws_connect(path) as socket:
        message = await socket.receive(timeout=LONGEST_S)
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.json()["type"])
        return socket.close_code


async def test_a_browser_is_listed_with_what_it_is_and_where(server: Server) -> None:
    async with server.client() as browser:
        headers = {"User-Agent": "Firefox"}
        body = {"name": "ann", "password": PASSWORD}
        async with browser.post("/api/v1/auth/login", json=body, headers=headers):
            pass
        session_of(server.settings, "ann")
        async with browser.get("/api/v1/auth/sessions") as answer:
            sessions = (await answer.json())["sessions"]
    told = [(one["client"], one["address"], one["is_current"]) for one in sessions]
    assert sorted(told) == [("", "", False), ("Firefox", "127.0.0.1", True)]


async def test_one_browser_is_signed_out_with_what_it_listens_to(server: Server) -> None:
    async with server.client("ann") as here, server.client("ann") as there:
        async with there.get("/api/v1/auth/sessions") as answer:
            sessions = (await answer.json())["sessions"]
        (ident,) = [one["id"] for one in sessions if one["is_current"]]
        async with there.ws_connect("/ws") as ending, here.ws_connect("/ws") as staying:
            assert await status(here, f"/api/v1/auth/sessions/{ident}", "DELETE") == 204
            assert await closed(ending) == (4001, "you were signed out")
            await staying.send_json({"op": "ping", "id": 1})
            assert (await staying.receive_json())["type"] == "welcome"
            assert (await staying.receive_json())["type"] == "pong"
        assert await status(there, "/api/v1/auth/me") == 401
        assert await status(here, f"/api/v1/auth/sessions/{ident}", "DELETE") == 404


async def test_nobody_signs_somebody_else_out(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with ann.get("/api/v1/auth/sessions") as answer:
        (session,) = (await answer.json())["sessions"]
    assert await status(bob, f"/api/v1/auth/sessions/{session['id']}", "DELETE") == 404
    assert await status(ann, "/api/v1/auth/me") == 200


async def test_signing_out_everywhere_ends_all_but_api_tokens(server: Server) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with (
        server.client("ann") as here,
        server.client("ann") as there,
        server.client("bob") as bob,
        server.client() as page,
        aiohttp.ClientSession(server.url, headers=headers) as program,
    ):
        tokens = [await listen_token(here), await listen_token(program)]
        async with (
            here.ws_connect("/ws") as one,
            there.ws_connect("/ws") as two,
            page.ws_connect(f"/ws?token={tokens[0]}") as three,
            page.ws_connect(f"/ws?token={tokens[1]}") as four,
        ):
            assert await status(here, EVERYWHERE, "POST") == 204
            for socket in (one, two, three, four):
                assert (await closed(socket))[0] == 4001
        assert await status(here, "/api/v1/auth/me") == 401
        assert await status(there, "/api/v1/auth/me") == 401
        assert [await first_of(page, f"/ws?token={token}") for token in tokens] == [4001, 4001]
        assert await status(program, "/api/v1/auth/me") == 200
        assert await status(bob, "/api/v1/auth/me") == 200


async def test_signing_out_everywhere_may_end_api_tokens_too(server: Server) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with (
        server.client("ann") as here,
        aiohttp.ClientSession(server.url, headers=headers) as program,
        program.ws_connect("/ws") as socket,
    ):
        assert await status(here, EVERYWHERE, "POST", json={"tokens": True}) == 204
        assert (await closed(socket))[0] == 4001
        assert await status(program, "/api/v1/auth/me") == 401


async def test_a_new_password_signs_every_other_browser_out(server: Server) -> None:
    async with server.client("ann") as here, server.client("ann") as there:
        token = await listen_token(here)
        body = {"old": PASSWORD, "new": "another good one"}
        async with there.ws_connect("/ws") as socket:
            assert await status(here, "/api/v1/auth/password", "POST", json=body) == 204
            assert (await closed(socket))[0] == 4001
        assert await status(here, "/api/v1/auth/me") == 200
        assert await status(there, "/api/v1/auth/me") == 401
        assert await first_of(here, "/ws") == "welcome"
        assert await first_of(there, f"/ws?token={token}") == 4001
        for password, expected in ((PASSWORD, 401), ("another good one", 200)):
            body = {"name": "ann", "password": password}
            assert await status(there, "/api/v1/auth/login", "POST", json=body) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("not the one", "another good one", 401), (PASSWORD, "short", 422)],
)
async def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    server: Server, ann: aiohttp.ClientSession, old: str, new: str, expected: int
) -> None:
    body = {"old": old, "new": new}
    assert await status(ann, "/api/v1/auth/password", "POST", json=body) == expected
    again = {"name": "ann", "password": PASSWORD}
    assert await status(ann, "/api/v1/auth/login", "POST", json=again) == 200


async def test_guessing_the_old_password_is_slowed_down(ann: aiohttp.ClientSession) -> None:
    body = {"old": "a guess", "new": "another good one"}
    path = "/api/v1/auth/password"
    codes = [await status(ann, path, "POST", json=body) for _ in range(6)]
    assert codes == [401] * 5 + [429]


async def test_who_signs_in_with_the_old_password_meanwhile_stays_out(server: Server) -> None:
    """Checking a password takes a while; it may be another one by then."""
    accounts = server.app[ACCOUNTS]
    user = await accounts.sign_in("ann", PASSWORD)
    assert user is not None
    await asyncio.to_thread(
        reset_password, server.settings.database_path, "ann", "another good one"
    )
    with pytest.raises(NotAuthenticated):
        await accounts.begin_session(user, client="", address="")


async def test_a_password_changed_on_the_command_line_ends_what_listens(server: Server) -> None:
    async with server.client("ann") as here, server.client() as page:
        token = await listen_token(here)
        async with (
            here.ws_connect("/ws") as socket,
            page.ws_connect(f"/ws?token={token}") as other,
        ):
            await asyncio.to_thread(
                reset_password, server.settings.database_path, "ann", "another good one"
            )
            assert await closed(socket) == (4001, "you were signed out")
            assert (await closed(other))[0] == 4001


async def test_a_session_that_expires_ends_its_sockets(server: Server) -> None:
    async with server.client("ann") as here, here.ws_connect("/ws") as socket:
        with offline(server.settings.database_path) as database:
            database.execute("UPDATE login SET expires_ms = ?", (now_ms(),))
        assert (await closed(socket))[0] == 4001


# Listen-only tokens


async def test_a_listen_only_token_is_good_again_and_again(
    server: Server, ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    token = await listen_token(ann)
    for _ in range(2):
        assert await first_of(stranger, f"/ws?token={token}") == "welcome"


async def test_a_listen_only_token_listens_only(
    server: Server, ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    token = await listen_token(ann)
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/api/v1/auth/me", "/api/v1/jobs", "/api/v1/events/history"):
        assert await status(stranger, path, headers=headers) == 401
    for path in ("/api/v1/auth/me", "/api/v1/jobs", "/api/v1/jobs/any/events"):
        assert await status(stranger, f"{path}?token={token}") in (400, 401)
    async with stranger.ws_connect(f"/ws?token={token}&frames=single") as socket:
        await socket.receive()
        await socket.send_json({"op": "cancel", "id": 1, "job_id": "any"})
        assert (await socket.receive_json())["code"] == "not_allowed"
        await socket.send_json({"op": "subscribe", "id": 2, "room": "all"})
        assert (await socket.receive_json())["code"] == "not_allowed"


async def test_who_listens_by_asking_again_and_again_may_do_so_by_the_same_tokens(
    server: Server, ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    path, token = "/api/v1/events/history?limit=1&token=", await listen_token(ann)
    assert [await status(stranger, path + token) for _ in range(2)] == [200, 200]
    async with ann.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    assert [await status(stranger, path + ticket) for _ in range(2)] == [200, 401]
    secret = token_of(server.settings, "ann")
    assert await status(stranger, path + secret) == 401
    elsewhere = {"room": f"user:{NOBODY}", "token": token}
    async with stranger.get("/api/v1/events/history", params=elsewhere) as answer:
        assert answer.status == 404


async def test_a_listen_only_token_ends_within_a_day() -> None:
    from app.web.tickets import Tickets

    now_s = [1000.0]
    tickets = Tickets(b"k" * 32, lambda: now_s[0])
    token, expires_ms = tickets.mint_listen("login", 3, hours=24)
    assert expires_ms == (1000 + 24 * 3600) * 1000
    assert tickets.read_listen(token) == ("login", 3)
    now_s[0] = expires_ms / 1000
    assert tickets.read_listen(token) is None


@pytest.mark.parametrize(
    "wish",
    [{"kind": "listen", "hours": 25}, {"kind": "listen", "hours": 0}, {"hours": 1}, {"kind": "x"}],
)
async def test_a_token_of_another_kind_or_length_is_refused(
    ann: aiohttp.ClientSession, wish: dict[str, Any]
) -> None:
    assert await status(ann, "/api/v1/auth/websocket-token", "POST", json=wish) == 400


async def test_a_token_without_that_scope_gets_no_listen_only_token(server: Server) -> None:
    from app.store.offline import issue_token

    secret = issue_token(server.settings.database_path, "ann", scopes=["read", "operate"])
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as program:
        body = {"kind": "listen"}
        path = "/api/v1/auth/websocket-token"
        assert await status(program, path, "POST", json=body) == 403


async def test_a_listen_only_token_ends_with_the_session_it_was_made_in(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    token = await listen_token(ann)
    async with stranger.ws_connect(f"/ws?token={token}") as socket:
        assert await status(ann, "/api/v1/auth/logout", "POST") == 204
        assert await closed(socket) == (4001, "the listen-only token was ended or has expired")
    assert await first_of(stranger, f"/ws?token={token}") == 4001


async def test_a_token_of_one_kind_is_never_taken_for_another(server: Server) -> None:
    tickets = server.app[TICKETS]
    ticket, _ = tickets.mint("via")
    listen, _ = tickets.mint_listen("via", 0, hours=1)
    share = tickets.sign_share("via", now_ms() + 60_000)
    assert [tickets.read_share(token) for token in (ticket, listen, share)] == [None, None, "via"]
    assert [tickets.read_listen(token) for token in (ticket, listen, share)] == [
        None,
        ("via", 0),
        None,
    ]
    assert [tickets.take(token) for token in (listen, share, ticket)] == [None, None, "via"]
