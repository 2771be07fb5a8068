"""Who gets an event stream, and what a refusal looks like."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.serving import Server, serving, settings_for, token_of, upload, with_user
from tests.unit.decoders import EventStream

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
EVENTS = "/api/v1/events"
NOBODYS = "01900000-0000-7000-8000-000000000000"


async def heard(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the events of a stream, each with the id that it had."""
    parser = EventStream()
    async for data in answer.content.iter_any():
        for event in parser.feed(data.decode()):
            yield {"event": event.type, "id": event.last_event_id, "data": event.data}


async def first(answer: aiohttp.ClientResponse) -> str:
    assert answer.status == 200, await answer.text()
    async for event in heard(answer):
        return str(event["event"])
    raise AssertionError("the stream ended before it began")


async def refusal(
    client: aiohttp.ClientSession, query: str = "", **headers: str
) -> tuple[int, str]:
    async with client.get(f"{EVENTS}{query}", headers=headers) as answer:
        return answer.status, (await answer.json())["code"]


async def test_an_upload_is_heard_to_its_end(ann: aiohttp.ClientSession) -> None:
    async with ann.get(EVENTS) as answer:
        assert await first(answer) == "welcome"
        await upload(ann, ("a.csv", CSV))
        kinds = []
        async for event in heard(answer):
            kinds.append(event["event"])
            if kinds[-1] == "batch_completed":
                break
    assert [kind for kind in kinds if kind != "live"][:2] == ["batch_created", "job_created"]
    assert kinds[-2] == "processing_completed"


async def test_a_script_listens_with_its_token(server: Server) -> None:
    token = token_of(server.settings, "ann")
    async with aiohttp.ClientSession(server.url) as script:
        headers = {"Authorization": f"Bearer {token}"}
        async with script.get(EVENTS, headers=headers) as answer:
            assert await first(answer) == "welcome"


async def test_a_ticket_opens_one_stream(server: Server, ann: aiohttp.ClientSession) -> None:
    async with ann.post("/api/v1/auth/websocket-token") as answer:
        ticket = (await answer.json())["token"]
    async with aiohttp.ClientSession(server.url) as page:
        async with page.get(EVENTS, params={"token": ticket}) as answer:
            assert await first(answer) == "welcome"
        async with page.get(EVENTS, params={"token": ticket}) as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?room=kitchen", 400, "invalid_request"),
        (f"?room=user:me&room=job:{NOBODYS}", 404, "not_found"),
        ("?room=all", 404, "not_found"),
        ("?after=soon", 400, "invalid_request"),
        (f"?after={10**30}", 400, "invalid_request"),
        ("?after=acked", 400, "invalid_request"),
        (f"?types={'x' * 65}", 400, "invalid_request"),
        ("?types=job_created,job_done", 400, "invalid_request"),
        ("?since=1", 400, "invalid_request"),
        (
            "?" + "&".join(f"room=job:{NOBODYS[:-3]}{n:03d}" for n in range(101)),
            400,
            "invalid_request",
        ),
    ],
)
async def test_what_can_not_be_followed_is_refused_before_the_stream_begins(
    bob: aiohttp.ClientSession, query: str, status: int, code: str
) -> None:
    assert await refusal(bob, query) == (status, code)


async def test_other_sites_and_nobody_hear_nothing(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    assert await refusal(stranger) == (401, "not_authenticated")
    assert await refusal(ann, Origin="https://evil.example") == (403, "cross_site")


@pytest.mark.parametrize("last", ["lalala", "9" * 30, "0" * 30 + "9" * 30, "x" * 100 + ":1", ":"])
async def test_an_id_that_nobody_gave_is_one_of_another_log(
    ann: aiohttp.ClientSession, last: str
) -> None:
    async with ann.get(EVENTS, headers={"Last-Event-ID": last}) as answer:
        kinds = []
        async for event in heard(answer):
            kinds.append(event["event"])
            if kinds[-1] == "live":
                break
    assert kinds == ["welcome", "reset", "live"]


async def test_one_stream_too_many_is_refused_with_when_to_come_back(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", max_websocket_connections_per_user=1)
    with_user(settings, "ann")
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        ann.get(EVENTS) as answer,
    ):
        assert await first(answer) == "welcome"
        async with ann.get(EVENTS) as second:
            assert second.status == 429
            assert int(second.headers["Retry-After"]) > 0
            assert (await second.json())["code"] == "too_many_connections"
        async with ann.ws_connect("/ws") as socket:  # they are counted together
            await socket.receive()
            assert socket.close_code == 4009


async def test_streams_stay_where_sockets_are_switched_off(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", enable_websockets=False)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        async with ann.get(EVENTS) as answer:
            assert await first(answer) == "welcome"
        async with ann.get("/ws") as answer:
            assert answer.status == 409
            assert "/api/v1/events" in (await answer.json())["hint"]


async def test_signing_out_ends_the_stream(ann: aiohttp.ClientSession) -> None:
    async with ann.get(EVENTS) as answer:
        assert await first(answer) == "welcome"
        async with ann.post("/api/v1/auth/logout") as out:
            assert out.status == 204
        kinds = [event["event"] async for event in heard(answer)]
    assert kinds[-1] == "goodbye"


async def test_a_share_link_hears_what_it_shows_until_it_is_revoked(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job = (await upload(ann, ("a.csv", CSV)))["jobs"][0]["job_id"]
    async with ann.post("/api/v1/shares", json={"room": f"job:{job}"}) as answer:
        link = await answer.json()
    headers = {"Authorization": f"Bearer {link['token']}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as guest:
        assert (await refusal(guest))[0] == 404  # nothing is its own
        async with guest.get(f"{EVENTS}?room=job:{job}&after=0") as answer:
            assert await first(answer) == "welcome"
            async with ann.delete(f"/api/v1/shares/{link['share']['id']}") as gone:
                assert gone.status == 204
            kinds = [event["event"] async for event in heard(answer)]
    assert kinds[-1] == "goodbye"


@pytest.mark.parametrize("path", ["", "/history?wait=60"])
async def test_a_picture_on_another_page_takes_no_seat(server: Server, path: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as browser:
        for site in ("cross-site", "same-site"):
            assert await refusal(browser, path, **{"Sec-Fetch-Site": site}) == (403, "cross_site")
        async with browser.get(EVENTS, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
            assert await first(answer) == "welcome"
