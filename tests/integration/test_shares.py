"""Share links: what a guest sees, what not, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from app.keys import TICKETS
from app.store.accounts import now_ms
from app.store.offline import offline
from app.web.throttle import PER_ADDRESS
from tests.integration.serving import LONGEST_S, Server, ended, token_of, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
AGAIN = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Tea,-2.40\n"


@dataclass
class Files:
    """Two uploads of ann's; the second knows a row of the first."""

    shared_batch: str
    shared_job: str
    other_batch: str
    other_job: str


@pytest.fixture
async def files(ann: aiohttp.ClientSession) -> Files:
    other = await upload(ann, ("a.csv", CSV))
    await ended(ann, other)
    shared = await upload(ann, ("b.csv", AGAIN))
    await ended(ann, shared)
    return Files(
        shared["batch_id"],
        shared["jobs"][0]["job_id"],
        other["batch_id"],
        other["jobs"][0]["job_id"],
    )


async def shared(client: aiohttp.ClientSession, room: str, **wish: Any) -> dict[str, Any]:
    """Share `room` and return {"url", "token", "share"}."""
    async with client.post("/api/v1/shares", json={"room": room, **wish}) as answer:
        assert answer.status == 201, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def opened(browser: aiohttp.ClientSession, token: str) -> dict[str, Any]:
    """Open the link in `browser`, and return what it shows."""
    async with browser.post("/api/v1/auth/share", json={"token": token}) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


@asynccontextmanager
async def bearer(server: Server, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A program without cookies that sends `token`."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        yield client


async def status(client: aiohttp.ClientSession, path: str, method: str = "GET") -> int:
    async with client.request(method, path, allow_redirects=False) as answer:
        return answer.status


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read on until the server closes, and return its code."""
    async with asyncio.timeout(LONGEST_S):
        async for _ in socket:
            pass
    return socket.close_code


async def subscribed(socket: aiohttp.ClientWebSocketResponse, room: str) -> str:
    """Return the answer to a subscription: subscribed, or the code of an error."""
    await socket.send_json({"op": "subscribe", "id": "s", "room": room})
    while True:
        message = await socket.receive_json(timeout=LONGEST_S)
        if message.get("id") == "s":
            return str(message["code"] if message["type"] == "error" else message["type"])


async def test_a_browser_with_a_link_follows_what_was_shared(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}", label="for Bob")
    assert link["url"].endswith(f"/share#token={link['token']}")
    shows = await opened(stranger, link["token"])
    assert shows["room"] == link["share"]["room"] == f"job:{files.shared_job}"
    assert (shows["page"], shows["shared_by"]) == (f"/jobs/{files.shared_job}", "ann")
    assert shows["expires_at"] == link["share"]["expires_at"]
    job = f"/api/v1/jobs/{files.shared_job}"
    for path in (job, f"{job}/rows", f"{job}/delta", f"{job}/events", f"/jobs/{files.shared_job}"):
        assert await status(stranger, path) == 200, path
    async with stranger.ws_connect("/ws?frames=single") as socket:
        assert await subscribed(socket, f"job:{files.shared_job}") == "subscribed"


async def test_the_cookie_of_a_link_is_out_of_reach_of_scripts_and_other_sites(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    host = server.url.removeprefix("http://")
    async with (
        aiohttp.ClientSession(server.url, headers={"Origin": f"https://{host}"}) as browser,
        browser.post("/api/v1/auth/share", json={"token": link["token"]}) as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("livetrail_share=")
    for word in ("HttpOnly", "SameSite=Lax", "Secure"):
        assert word in cookie


async def test_a_guest_sees_nothing_beside_what_was_shared(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    async with ann.get("/api/v1/auth/me") as answer:
        her_id = (await answer.json())["user_id"]
    nothing = (files.other_job, files.shared_batch, files.other_batch)
    async with bearer(server, link["token"]) as guest:
        assert await status(guest, f"/api/v1/jobs/{files.other_job}") == 404
        assert await status(guest, f"/api/v1/batches/{files.shared_batch}") == 404
        assert await status(guest, f"/api/v1/jobs?batch_id={files.shared_batch}") == 403
        for path in ("/api/v1/jobs", "/api/v1/batches", "/api/v1/shares", "/api/v1/jobs?owner=all"):
            assert await status(guest, path) == 403, path
        assert await status(guest, "/api/v1/auth/me") == 401
        assert await status(guest, "/metrics") in (200, 403)  # open to this machine
        async with guest.ws_connect("/ws?frames=single") as socket:
            for room in ("user:me", f"user:{her_id}", *(f"job:{one}" for one in nothing)):
                assert await subscribed(socket, room) == "not_found", room
            assert await subscribed(socket, f"batch:{files.shared_batch}") == "not_found"
            assert await subscribed(socket, "all") == "not_allowed"


async def test_a_guest_changes_nothing_and_takes_no_file_away(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    job = f"/api/v1/jobs/{files.shared_job}"
    async with bearer(server, link["token"]) as guest:
        for part in ("original", "rejected.csv"):
            assert await status(guest, f"{job}/{part}") == 403
        for part in ("undo", "retry", "cancel"):
            assert await status(guest, f"{job}/{part}", "POST") == 403
        for path in ("samples", "batches", "shares", "tokens", "auth/websocket-token"):
            assert await status(guest, f"/api/v1/{path}", "POST") == 403
        async with guest.ws_connect("/ws?frames=single") as socket:
            await socket.receive()
            await socket.send_json({"op": "cancel", "id": 1, "job_id": files.shared_job})
            assert (await socket.receive_json())["code"] == "not_allowed"


async def test_what_a_file_has_in_common_with_others_is_not_shown_to_guests(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    path = f"/api/v1/jobs/{files.shared_job}"
    async with ann.get(f"{path}/delta") as answer:
        assert (await answer.json())["seen_in"][0]["job_id"] == files.other_job
    async with bearer(server, link["token"]) as guest:
        for part in ("delta", "rows"):
            async with guest.get(f"{path}/{part}") as answer:
                assert answer.status == 200
                assert files.other_job not in await answer.text()


async def test_a_shared_batch_is_shown_with_its_jobs(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"batch:{files.shared_batch}")
    async with bearer(server, link["token"]) as guest:
        async with guest.get(f"/api/v1/jobs?batch_id={files.shared_batch}") as answer:
            assert [job["job_id"] for job in (await answer.json())["jobs"]] == [files.shared_job]
        assert await status(guest, f"/api/v1/batches/{files.shared_batch}") == 200
        assert await status(guest, f"/api/v1/jobs/{files.shared_job}") == 200
        history = f"/api/v1/events/history?room=batch:{files.shared_batch}"
        assert await status(guest, history) == 200


async def test_who_is_signed_in_sees_both_their_own_and_what_was_shared(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    assert await status(bob, f"/api/v1/jobs/{files.shared_job}") == 404
    await opened(bob, link["token"])
    job = f"/api/v1/jobs/{files.shared_job}"
    assert await status(bob, job) == 200
    assert await status(bob, "/api/v1/jobs") == 200
    assert await status(bob, f"{job}/undo", "POST") == 403
    assert await status(bob, f"{job}/original") == 403
    assert await status(bob, f"/api/v1/jobs/{files.other_job}") == 404
    async with bob.ws_connect("/ws?frames=single") as socket:
        assert await subscribed(socket, f"job:{files.shared_job}") == "subscribed"
        assert await subscribed(socket, "user:me") == "subscribed"
        async with ann.delete(f"/api/v1/shares/{link['share']['id']}") as answer:
            assert answer.status == 204
        assert await closed(socket) == 1012  # still signed in: it comes back with less
    async with bob.ws_connect("/ws?frames=single") as socket:
        assert await subscribed(socket, f"job:{files.shared_job}") == "not_found"


async def test_a_revoked_link_ends_at_once(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    async with bearer(server, link["token"]) as guest, guest.ws_connect("/ws") as socket:
        await socket.receive()
        async with ann.delete(f"/api/v1/shares/{link['share']['id']}") as answer:
            assert answer.status == 204
        assert await closed(socket) == 4001
        assert await status(guest, f"/api/v1/jobs/{files.shared_job}") == 401
    async with ann.get("/api/v1/shares") as answer:
        assert (await answer.json())["shares"] == []


async def test_a_link_that_expires_ends_what_listens_by_it(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    async with bearer(server, link["token"]) as guest, guest.ws_connect("/ws") as socket:
        await socket.receive()
        with offline(server.settings.database_path) as database:
            database.execute("UPDATE share SET expires_ms = ?", (now_ms(),))
        assert await closed(socket) == 4001
        async with guest.post("/api/v1/auth/share", json={"token": link["token"]}) as answer:
            assert answer.status == 401


async def test_a_link_is_worth_no_more_than_its_maker_may_see(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    """An operator shares somebody else's job, and is no operator any more."""
    job_id = (await upload(bob, ("a.csv", CSV)))["jobs"][0]["job_id"]
    link = await shared(ann, f"job:{job_id}")
    async with bearer(server, link["token"]) as guest, guest.ws_connect("/ws") as socket:
        assert await status(guest, f"/api/v1/jobs/{job_id}") == 200
        with offline(server.settings.database_path) as database:
            database.execute("UPDATE user SET role = 'member' WHERE name = 'ann'")
        assert await closed(socket) == 1012
        assert await status(guest, f"/api/v1/jobs/{job_id}") == 404
        async with guest.ws_connect("/ws?frames=single") as again:
            assert await subscribed(again, f"job:{job_id}") == "not_found"


async def test_the_links_of_somebody_who_was_removed_are_dead(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    job_id = (await upload(bob, ("a.csv", CSV)))["jobs"][0]["job_id"]
    link = await shared(bob, f"job:{job_id}")
    async with bearer(server, link["token"]) as guest, guest.ws_connect("/ws") as socket:
        with offline(server.settings.database_path) as database:
            database.execute("DELETE FROM user WHERE name = 'bob'")
        assert await closed(socket) == 4001
        assert await status(guest, f"/api/v1/jobs/{job_id}") == 401
    assert await status(ann, f"/api/v1/jobs/{job_id}") == 200


async def test_others_things_and_others_links_are_out_of_reach(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, files: Files
) -> None:
    for room in (f"job:{files.shared_job}", f"batch:{files.shared_batch}"):
        async with bob.post("/api/v1/shares", json={"room": room}) as answer:
            assert answer.status == 404
    link = await shared(ann, f"job:{files.shared_job}")
    assert await status(bob, f"/api/v1/shares/{link['share']['id']}", "DELETE") == 404
    async with bob.get("/api/v1/shares") as answer:
        assert (await answer.json())["shares"] == []


async def test_a_link_that_was_shared_is_not_shared_on(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    await opened(bob, link["token"])
    async with bob.post("/api/v1/shares", json={"room": f"job:{files.shared_job}"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "wish",
    [
        {"room": "all"},
        {"room": "user:me"},
        {"room": "job:1"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": (datetime.now(UTC) + timedelta(days=400)).isoformat()},
        {"label": "x" * 101},
    ],
)
async def test_a_wish_that_can_not_be_is_refused(
    ann: aiohttp.ClientSession, files: Files, wish: dict[str, Any]
) -> None:
    body = {"room": f"job:{files.shared_job}", **wish}
    async with ann.post("/api/v1/shares", json=body) as answer:
        assert answer.status == 400


async def test_no_other_token_opens_what_was_shared(
    server: Server, stranger: aiohttp.ClientSession, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    async with ann.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    never_made = server.app[TICKETS].sign_share(files.shared_job, now_ms() + 60_000)
    changed = link["token"][:-3] + ("AAA" if link["token"][-3:] != "AAA" else "BBB")
    for token in (ticket, never_made, changed, token_of(server.settings, "ann"), "x" * 2000):
        async with stranger.post("/api/v1/auth/share", json={"token": token}) as answer:
            assert answer.status == 401, token
    async with bearer(server, ticket) as guest:
        assert await status(guest, "/api/v1/jobs") == 401
    async with stranger.ws_connect(f"/ws?token={link['token']}") as socket:
        assert await closed(socket) == 4001  # its token is no one's to put in a URL


@pytest.mark.parametrize("lacks", ["read", "listen"])
async def test_a_token_shares_no_more_than_it_may_do_itself(
    server: Server, ann: aiohttp.ClientSession, files: Files, lacks: str
) -> None:
    scopes = [scope for scope in ("control", "read", "listen") if scope != lacks]
    async with ann.post("/api/v1/tokens", json={"label": "steers", "scopes": scopes}) as answer:
        secret = (await answer.json())["secret"]
    body = {"room": f"job:{files.shared_job}"}
    async with bearer(server, secret) as program, program.post("/api/v1/shares", json=body) as no:
        told = await no.json()
    assert (no.status, told["code"]) == (403, "not_allowed")
    assert lacks in told["title"]


async def test_a_whole_office_opens_one_link(
    server: Server, ann: aiohttp.ClientSession, files: Files
) -> None:
    link = await shared(ann, f"job:{files.shared_job}")
    for _ in range(PER_ADDRESS.burst + 5):
        async with server.client() as colleague:
            await opened(colleague, link["token"])


async def test_signing_out_forgets_the_link_too(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession, files: Files
) -> None:
    await opened(stranger, (await shared(ann, f"job:{files.shared_job}"))["token"])
    async with stranger.post("/api/v1/auth/logout") as answer:
        assert answer.status == 204
    assert await status(stranger, f"/api/v1/jobs/{files.shared_job}") == 401
