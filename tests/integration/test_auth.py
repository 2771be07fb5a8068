"""Claiming, signing in and out, tokens, tickets, and who may ask from where."""

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from app.keys import TICKETS
from app.settings import Settings
from app.store.offline import (
    issue_token,
    mint_setup_link,
    mint_signin_link,
    register_user,
    reset_password,
)
from tests.integration.serving import (
    PASSWORD,
    Server,
    files_form,
    serving,
    settings_for,
    token_of,
    with_user,
)

HTML = {"Accept": "text/html"}
OWNER = {"name": "ann", "password": PASSWORD}


async def code(answer: aiohttp.ClientResponse) -> str:
    return str((await answer.json(content_type="application/problem+json"))["code"])


# Before there is an owner


@pytest.fixture
async def unclaimed(settings: Settings) -> AsyncIterator[Server]:
    async with serving(settings) as running:
        yield running


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/auth/me", "/openapi.json", "/nowhere"])
async def test_an_unclaimed_server_answers_nothing(unclaimed: Server, path: str) -> None:
    async with unclaimed.client() as client, client.get(path) as answer:
        assert (answer.status, await code(answer)) == (403, "not_claimed")


async def test_an_unclaimed_server_takes_no_upload_and_no_sign_in(unclaimed: Server) -> None:
    async with unclaimed.client() as client:
        async with client.post("/api/v1/batches", data=files_form(("a.csv", b"a\n"))) as answer:
            assert await code(answer) == "not_claimed"
        async with client.post("/api/v1/auth/login", json=OWNER) as answer:
            assert await code(answer) == "not_claimed"


async def test_an_unclaimed_server_leads_browsers_to_its_setup_page(unclaimed: Server) -> None:
    async with unclaimed.client() as client:
        html = {"Accept": "text/html"}
        async with client.get("/", headers=html, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/setup")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_told_before_there_is_an_owner(unclaimed: Server, path: str) -> None:
    async with unclaimed.client() as client, client.get(path) as answer:
        assert answer.status == 200


async def test_the_setup_link_makes_the_first_user_and_signs_in(unclaimed: Server) -> None:
    token = mint_setup_link(unclaimed.settings.database_path)
    async with unclaimed.client() as client:
        async with client.post("/api/v1/auth/claim", json={**OWNER, "token": token}) as answer:
            assert answer.status == 200
        async with client.get("/api/v1/auth/me") as answer:
            me = await answer.json()
    assert (me["name"], me["role"]) == ("ann", "operator")


async def test_a_setup_link_is_good_once(unclaimed: Server) -> None:
    token = mint_setup_link(unclaimed.settings.database_path)
    typed = f" token={token} "  # with its name, as it stands in the link
    async with unclaimed.client() as client:
        async with client.post("/api/v1/auth/claim", json={**OWNER, "token": typed}):
            pass
        second = {"name": "eve", "password": PASSWORD, "token": token}
        async with client.post("/api/v1/auth/claim", json=second) as answer:
            assert (answer.status, await code(answer)) == (409, "already_claimed")


async def test_two_claims_at_once_make_one_owner(unclaimed: Server) -> None:
    token = mint_setup_link(unclaimed.settings.database_path)

    async def claim(name: str) -> int:
        async with unclaimed.client() as client:
            body = {"name": name, "password": PASSWORD, "token": token}
            async with client.post("/api/v1/auth/claim", json=body) as answer:
                return answer.status

    assert sorted(await asyncio.gather(claim("ann"), claim("eve"))) == [200, 409]


async def test_only_the_newest_setup_link_is_good(unclaimed: Server) -> None:
    old = mint_setup_link(unclaimed.settings.database_path)
    mint_setup_link(unclaimed.settings.database_path)
    async with (
        unclaimed.client() as client,
        client.post("/api/v1/auth/claim", json={**OWNER, "token": old}) as answer,
    ):
        assert await code(answer) == "already_claimed"


async def test_a_weak_password_does_not_use_the_setup_link_up(unclaimed: Server) -> None:
    token = mint_setup_link(unclaimed.settings.database_path)
    async with unclaimed.client() as client:
        weak = {"name": "ann", "password": "short", "token": token}
        async with client.post("/api/v1/auth/claim", json=weak) as answer:
            assert (answer.status, await code(answer)) == (422, "weak_password")
        async with client.post("/api/v1/auth/claim", json={**OWNER, "token": token}) as answer:
            assert answer.status == 200


async def test_a_user_of_the_command_line_claims_a_running_server(unclaimed: Server) -> None:
    async with unclaimed.client() as client:
        async with client.get("/api/v1/auth/me") as answer:
            assert await code(answer) == "not_claimed"
        user = register_user(unclaimed.settings.database_path, "ann", PASSWORD)
        async with client.post("/api/v1/auth/login", json=OWNER) as answer:
            assert answer.status == 200
    assert user.role == "operator"
    assert mint_setup_link(unclaimed.settings.database_path) is None


async def test_the_setup_form_works_without_scripts(unclaimed: Server) -> None:
    token = mint_setup_link(unclaimed.settings.database_path)
    async with unclaimed.client() as client:
        form = {**OWNER, "token": token}
        async with client.post("/setup", data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
        async with client.get("/api/v1/auth/me") as answer:
            assert answer.status == 200


async def test_a_setup_form_that_is_refused_keeps_the_name(unclaimed: Server) -> None:
    form = {"token": "old", "name": "<ann>", "password": PASSWORD}
    async with unclaimed.client() as client:
        async with client.get("/setup") as answer:
            assert "You are its first user" in await answer.text()
        async with client.post("/setup", data=form, headers=HTML) as answer:
            assert answer.status == 409
            text = await answer.text()
    assert 'value="&lt;ann&gt;"' in text
    assert PASSWORD not in text


async def test_the_setup_page_of_an_owned_server_leads_to_the_sign_in(
    stranger: aiohttp.ClientSession,
) -> None:
    async with stranger.get("/setup") as answer:
        text = await answer.text()
    assert "first user" not in text
    assert "<form" not in text
    assert '<a href="/login">Sign in</a>' in text
    form = {**OWNER, "token": "any"}
    async with stranger.post("/setup", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/setup")


# Signing in


async def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Server) -> None:
    async with (
        server.client() as client,
        client.post("/api/v1/auth/login", json=OWNER) as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
    assert "livetrail_session=" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_a_cookie_given_over_tls_stays_on_tls(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        headers = {"Host": "files.example", "Origin": "https://files.example"}
        async with client.post("/api/v1/auth/login", json=OWNER, headers=headers) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
        async with client.post("/api/v1/auth/login", json=OWNER) as answer:
            assert "Secure" not in answer.headers["Set-Cookie"]


async def test_signing_out_ends_the_session_for_good(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    secret = next(c.value for c in ann.cookie_jar if c.key == "livetrail_session")
    async with ann.post("/api/v1/auth/logout") as answer:
        assert answer.status == 204
    async with aiohttp.ClientSession(server.url) as thief:
        cookie = {"Cookie": f"livetrail_session={secret}"}
        async with thief.get("/api/v1/auth/me", headers=cookie) as answer:
            assert (answer.status, await code(answer)) == (401, "not_authenticated")


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    stranger: aiohttp.ClientSession, name: str
) -> None:
    body = {"name": name, "password": "not the one"}
    async with stranger.post("/api/v1/auth/login", json=body) as answer:
        assert (answer.status, await code(answer)) == (401, "wrong_password")


async def test_guessing_is_slowed_down(stranger: aiohttp.ClientSession) -> None:
    codes = []
    for _ in range(6):
        body = {"name": "ann", "password": "a guess"}
        async with stranger.post("/api/v1/auth/login", json=body) as answer:
            codes.append(await code(answer))
            wait_s = answer.headers.get("Retry-After")
    assert codes == ["wrong_password"] * 5 + ["too_many_requests"]
    assert wait_s is not None
    assert int(wait_s) > 0


async def test_a_changed_password_signs_every_browser_out(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    reset_password(server.settings.database_path, "ann", "another good one")
    async with ann.get("/api/v1/auth/me") as answer:
        assert answer.status == 401


async def test_a_session_outlives_a_restart(settings: Settings) -> None:
    with_user(settings, "ann")
    async with serving(settings) as first, first.client("ann") as client:
        secret = next(c.value for c in client.cookie_jar if c.key == "livetrail_session")
    async with serving(settings) as second, second.client() as client:
        cookie = {"Cookie": f"livetrail_session={secret}"}
        async with client.get("/api/v1/auth/me", headers=cookie) as answer:
            assert answer.status == 200


async def test_the_threads_that_hash_end_with_their_server(settings: Settings) -> None:
    before = hashing_threads()
    async with serving(settings) as running:
        with_user(settings, "ann")
        login = "/api/v1/auth/login"
        async with running.client() as client, client.post(login, json=OWNER) as answer:
            assert answer.status == 200
        assert hashing_threads() - before
    assert not hashing_threads() - before


def hashing_threads() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("livetrail-hashing")}


async def test_a_session_that_ended_is_nobody(server: Server, ann: aiohttp.ClientSession) -> None:
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute("UPDATE login SET expires_ms = 1")
    async with ann.get("/api/v1/auth/me") as answer:
        assert answer.status == 401


async def test_a_session_that_is_used_lasts_on(server: Server, ann: aiohttp.ClientSession) -> None:
    two_days_ms = 2 * 86_400_000
    with sqlite3.connect(server.settings.database_path) as database:
        database.execute("UPDATE login SET expires_ms = expires_ms - ?", (two_days_ms,))
        (before,) = database.execute("SELECT expires_ms FROM login").fetchone()
    async with ann.get("/api/v1/auth/me") as answer:
        assert "livetrail_session=" in answer.headers["Set-Cookie"]
    with sqlite3.connect(server.settings.database_path) as database:
        (after,) = database.execute("SELECT expires_ms FROM login").fetchone()
    assert after - before >= two_days_ms


async def test_a_sign_in_link_is_good_once(server: Server, stranger: aiohttp.ClientSession) -> None:
    token = mint_signin_link(server.settings.database_path, "ann")
    async with stranger.post("/api/v1/auth/link", json={"token": token}) as answer:
        assert answer.status == 200
    async with (
        server.client() as other,
        other.post("/api/v1/auth/link", json={"token": token}) as answer,
    ):
        assert answer.status == 401


async def test_the_sign_in_form_works_without_scripts(stranger: aiohttp.ClientSession) -> None:
    form = {**OWNER, "next": "/jobs/1"}
    async with stranger.post("/login", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/jobs/1")
    async with stranger.post("/logout", allow_redirects=False) as answer:
        assert answer.status == 303
    async with stranger.get("/api/v1/auth/me") as answer:
        assert answer.status == 401


async def test_a_refused_sign_in_keeps_the_name_and_the_way(
    stranger: aiohttp.ClientSession,
) -> None:
    form = {"name": '"><b>ann', "password": "guessed wrong", "next": "/jobs/1"}
    async with stranger.post("/login", data=form, headers=HTML) as answer:
        assert answer.status == 401
        text = await answer.text()
    assert "The name or the password is wrong." in text
    assert 'value="&#34;&gt;&lt;b&gt;ann"' in text
    assert 'name="next" value="/jobs/1"' in text
    assert "guessed wrong" not in text


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_never_leads_to_another_site(
    stranger: aiohttp.ClientSession, wanted: str
) -> None:
    form = {**OWNER, "next": wanted}
    async with stranger.post("/login", data=form, allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/"


# Tokens


async def test_a_token_made_while_the_server_runs_is_good_at_once(server: Server) -> None:
    token = issue_token(server.settings.database_path, "bob")
    assert token.startswith("lt_")
    async with aiohttp.ClientSession(server.url) as client:
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get("/api/v1/auth/me", headers=headers) as answer:
            assert (await answer.json())["name"] == "bob"


async def test_a_bad_token_is_nobody_even_beside_a_good_cookie(
    ann: aiohttp.ClientSession,
) -> None:
    headers = {"Authorization": "Bearer lt_wrong"}
    async with ann.get("/api/v1/auth/me", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_no_secret_is_kept_in_the_database(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    secret = next(c.value for c in ann.cookie_jar if c.key == "livetrail_session")
    token = token_of(server.settings, "ann")
    folder = server.settings.data_dir
    kept = b"".join(path.read_bytes() for path in folder.glob("livetrail.db*"))
    for known in (secret, token, PASSWORD):
        assert known.encode() not in kept


async def test_secrets_do_not_reach_the_log(
    server: Server, ann: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ann.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    async with aiohttp.ClientSession(server.url) as client:
        async with client.ws_connect(f"/ws?token={ticket}") as socket:
            await socket.receive_json()
        async with client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {ticket}"}):
            pass
    assert "/ws" in caplog.text
    assert ticket not in caplog.text


def test_the_signing_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    from app.web.tickets import load_key

    key = load_key(tmp_path / "secret.key")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "secret.key") == key


# Other sites


async def test_another_site_can_not_make_a_browser_act(ann: aiohttp.ClientSession) -> None:
    headers = {"Origin": "https://evil.example"}
    async with ann.post("/api/v1/auth/logout", headers=headers) as answer:
        assert (answer.status, await code(answer)) == (403, "cross_site")
    async with ann.get("/api/v1/auth/me") as answer:
        assert answer.status == 200


async def test_a_cookie_without_a_word_about_its_site_is_refused(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    secret = next(c.value for c in ann.cookie_jar if c.key == "livetrail_session")
    async with aiohttp.ClientSession(server.url) as client:
        headers = {"Cookie": f"livetrail_session={secret}"}
        async with client.post("/api/v1/auth/logout", headers=headers) as answer:
            assert await code(answer) == "cross_site"
        headers["Sec-Fetch-Site"] = "cross-site"
        async with client.post("/api/v1/auth/logout", headers=headers) as answer:
            assert await code(answer) == "cross_site"
        headers["Sec-Fetch-Site"] = "same-origin"
        async with client.post("/api/v1/auth/logout", headers=headers) as answer:
            assert answer.status == 204


async def test_a_token_needs_no_origin(server: Server) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as client,
        client.post("/api/v1/auth/websocket-token") as answer,
    ):
        assert answer.status == 200


async def test_an_allowed_origin_may_call_with_credentials(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", allowed_origins=("https://app.example",))
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
        async with client.options("/api/v1/batches", headers=headers) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
            assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
        async with client.get(
            "/api/v1/auth/me", headers={"Origin": "https://app.example"}
        ) as answer:
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        async with client.get(
            "/api/v1/auth/me", headers={"Origin": "https://evil.example"}
        ) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


# Sockets


async def closed_with(client: aiohttp.ClientSession, path: str, **how: object) -> int | None:
    async with client.ws_connect(path, **how) as socket:  # type: ignore[arg-type]
        await socket.receive()
        return socket.close_code


async def test_a_socket_of_nobody_is_closed_with_4001(stranger: aiohttp.ClientSession) -> None:
    assert await closed_with(stranger, "/ws") == 4001


async def test_a_foreign_page_gets_no_socket_with_a_visitors_cookie(
    ann: aiohttp.ClientSession,
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await ann.ws_connect("/ws", origin="https://evil.example")
    assert refused.value.status == 403


async def test_a_ticket_opens_one_socket(server: Server, ann: aiohttp.ClientSession) -> None:
    async with ann.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    async with aiohttp.ClientSession(server.url) as client:
        async with client.ws_connect(f"/ws?token={ticket}") as socket:
            assert (await socket.receive_json())["type"] == "welcome"
        assert await closed_with(client, f"/ws?token={ticket}") == 4001


async def test_a_ticket_ends_after_five_minutes(server: Server) -> None:
    from app.web.tickets import Tickets

    now_s = [1000.0]
    tickets = Tickets(b"k" * 32, lambda: now_s[0])
    ticket, expires_ms = tickets.mint("u1")
    now_s[0] = expires_ms / 1000
    assert tickets.take(ticket) is None
    assert expires_ms == 1300 * 1000


async def test_a_ticket_of_another_key_is_refused(server: Server) -> None:
    from app.web.tickets import Tickets

    forged, _ = Tickets(os.urandom(32)).mint("u1")
    assert server.app[TICKETS].take(forged) is None


async def test_an_api_token_is_not_taken_from_a_url(server: Server) -> None:
    token = token_of(server.settings, "ann")
    async with aiohttp.ClientSession(server.url) as client:
        assert await closed_with(client, f"/ws?token={token}") == 4001
        async with client.get(f"/api/v1/auth/me?token={token}") as answer:
            assert answer.status == 401


async def test_what_is_no_socket_is_told_so(ann: aiohttp.ClientSession) -> None:
    async with ann.get("/ws") as answer:
        assert (answer.status, await code(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("client_id", ["a%20b", "a" * 65, "%F0%9F%98%80"])
async def test_a_client_id_is_short_and_plain(ann: aiohttp.ClientSession, client_id: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await ann.ws_connect(f"/ws/{client_id}")
    assert refused.value.status == 400


async def test_an_operator_may_turn_sockets_off(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", enable_websockets=False)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/ws")
    assert refused.value.status == 409
