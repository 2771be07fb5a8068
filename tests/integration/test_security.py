"""What a stranger, another user, or a hostile file may try, and that it leads nowhere."""

import base64
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app import __version__
from app.core.cells import harmless
from app.core.errors import TooManyRequests
from app.core.reading import Task, Tell
from app.core.times import DAY_MS
from app.core.unreadable import ArchiveBomb
from app.pipeline.worker import Limits
from app.pipeline.workers import Workers
from app.reading.amounts import parse_amount
from app.reading.sheets import SheetExtent
from app.store.accounts import find_user, now_ms
from app.store.offline import offline
from app.store.records_reader import LONGEST_CELL
from app.web.identity import COOKIE
from app.web.routes import all_routes
from app.web.throttle import PER_ADDRESS, Throttle
from tests.integration.serving import (
    PASSWORD,
    Server,
    begun,
    deposited,
    ended,
    exported,
    files_form,
    put_channel,
    put_question,
    put_webhook,
    session_of,
    upload,
)
from tests.readers import task_for

ROOT = Path(__file__).resolve().parent.parent.parent
CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"


# Who may ask for what: a new address has to be decided here

OPEN = "anybody"
OWN = "whoever signed in, about what is theirs"
SIGNED_IN = "a signed-in browser, never a token, about what is theirs"
THEIRS = "whoever owns it"
OPERATES = "operators"
LOCAL = "operators, and programs on this machine"

DECIDED = {
    "POST /api/v1/auth/login": OPEN,
    "POST /api/v1/auth/logout": OPEN,
    "POST /api/v1/auth/claim": OPEN,
    "POST /api/v1/auth/link": OPEN,
    "GET /api/v1/auth/me": OWN,
    "POST /api/v1/auth/websocket-token": OWN,
    "GET /api/v1/auth/sessions": SIGNED_IN,
    "DELETE /api/v1/auth/sessions/{session_id}": SIGNED_IN,
    "POST /api/v1/auth/logout-everywhere": SIGNED_IN,
    "POST /api/v1/auth/password": SIGNED_IN,
    "GET /api/v1/tokens": SIGNED_IN,
    "POST /api/v1/tokens": SIGNED_IN,
    "PATCH /api/v1/tokens/{token_id}": SIGNED_IN,
    "DELETE /api/v1/tokens/{token_id}": SIGNED_IN,
    "GET /api/v1/users": OPERATES,
    "POST /api/v1/users": OPERATES,
    "PATCH /api/v1/users/{user_id}": OPERATES,
    "DELETE /api/v1/users/{user_id}": OPERATES,
    "GET /api/v1/shares": OWN,
    "POST /api/v1/shares": OWN,
    "DELETE /api/v1/shares/{share_id}": OWN,
    "POST /api/v1/auth/share": OPEN,
    "POST /api/v1/batches": OWN,
    "GET /api/v1/batches": OWN,
    "GET /api/v1/batches/{batch_id}": THEIRS,
    "POST /api/v1/samples": OWN,
    "OPTIONS /api/v1/uploads/": OPEN,
    "POST /api/v1/uploads/": OWN,
    "GET /api/v1/uploads/{upload_id}": THEIRS,
    "PATCH /api/v1/uploads/{upload_id}": THEIRS,
    "DELETE /api/v1/uploads/{upload_id}": THEIRS,
    "POST /api/v1/uploads/{upload_id}": THEIRS,
    "POST /api/v1/upload/csv": OWN,
    "GET /api/v1/jobs": OWN,
    "POST /api/v1/jobs": OWN,
    "GET /api/v1/jobs/{job_id}": THEIRS,
    "GET /api/v1/jobs/{job_id}/events": THEIRS,
    "POST /api/v1/jobs/{job_id}/events": THEIRS,
    "GET /api/v1/jobs/{job_id}/rows": THEIRS,
    "PATCH /api/v1/jobs/{job_id}/rows/{row}": THEIRS,
    "GET /api/v1/jobs/{job_id}/delta": THEIRS,
    "POST /api/v1/jobs/{job_id}/delta": THEIRS,
    "GET /api/v1/jobs/{job_id}/rejected.csv": THEIRS,
    "GET /api/v1/jobs/{job_id}/original": THEIRS,
    "GET /api/v1/jobs/{job_id}/fields": THEIRS,
    "PATCH /api/v1/jobs/{job_id}/fields": THEIRS,
    "GET /api/v1/jobs/{job_id}/zones": THEIRS,
    "GET /api/v1/jobs/{job_id}/pages": THEIRS,
    "GET /api/v1/jobs/{job_id}/pages/{number}.png": THEIRS,
    "GET /api/v1/jobs/{job_id}/text": THEIRS,
    "GET /api/v1/search": OWN,
    "POST /api/v1/jobs/{job_id}/undo": THEIRS,
    "POST /api/v1/jobs/{job_id}/retry": THEIRS,
    "POST /api/v1/jobs/{job_id}/cancel": THEIRS,
    "GET /api/v1/clarifications": OWN,
    "GET /api/v1/clarifications/{clarification_id}": THEIRS,
    "POST /api/v1/clarifications/{clarification_id}/answer": THEIRS,
    "POST /api/v1/jobs/{job_id}/pause": THEIRS,
    "POST /api/v1/jobs/{job_id}/resume": THEIRS,
    "POST /api/v1/jobs/{job_id}/priority": THEIRS,
    "POST /api/v1/batches/{batch_id}/pause": THEIRS,
    "POST /api/v1/batches/{batch_id}/resume": THEIRS,
    "POST /api/v1/batches/{batch_id}/cancel": THEIRS,
    "POST /api/v1/batches/{batch_id}/retry": THEIRS,
    "POST /api/v1/batches/{batch_id}/undo": THEIRS,
    "GET /api/v1/memory": OWN,
    "DELETE /api/v1/memory": OWN,
    "POST /api/v1/exports": OWN,
    "GET /api/v1/exports": OWN,
    "GET /api/v1/exports/{export_id}": THEIRS,
    "GET /api/v1/exports/{export_id}/file": THEIRS,
    "DELETE /api/v1/exports/{export_id}": THEIRS,
    "GET /api/v1/events": OWN,
    "GET /api/v1/events/history": OWN,
    "GET /api/v1/rules": OWN,
    "POST /api/v1/rules": OWN,
    "GET /api/v1/rules/preview": OWN,
    "PATCH /api/v1/rules/{rule_id}": OWN,
    "DELETE /api/v1/rules/{rule_id}": OWN,
    "GET /api/v1/categories": OWN,
    "GET /api/v1/vendors/suggestions": OWN,
    "POST /api/v1/vendors/merge": OWN,
    "POST /api/v1/vendors/part": OWN,
    "GET /api/v1/webhooks": OWN,
    "POST /api/v1/webhooks": OWN,
    "GET /api/v1/webhooks/{webhook_id}": THEIRS,
    "PATCH /api/v1/webhooks/{webhook_id}": THEIRS,
    "DELETE /api/v1/webhooks/{webhook_id}": THEIRS,
    "POST /api/v1/webhooks/{webhook_id}/rotate": THEIRS,
    "POST /api/v1/webhooks/{webhook_id}/test": THEIRS,
    "GET /api/v1/webhooks/{webhook_id}/deliveries": THEIRS,
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": THEIRS,
    "GET /api/v1/notifications": OWN,
    "POST /api/v1/notifications": OWN,
    "GET /api/v1/notifications/{channel_id}": THEIRS,
    "PATCH /api/v1/notifications/{channel_id}": THEIRS,
    "DELETE /api/v1/notifications/{channel_id}": THEIRS,
    "POST /api/v1/notifications/{channel_id}/test": THEIRS,
    "GET /api/v1/audit": OPERATES,
    "GET /api/v1/stats": OWN,
    "GET /api/v1/plugins": OPERATES,
    "GET /api/v1/websocket/status": OPERATES,
    "GET /api/v1/websocket/connections/{connection}/log": OPERATES,
    "POST /api/v1/websocket/connections/{connection}/log": OPERATES,
    "PUT /up/{filename}": OWN,
    "POST /api/upload": OWN,
    "GET /api/upload/{deposit_id}": THEIRS,
    "POST /api/invoices/upload": OWN,
    "GET /api/invoices/status/{task_id}": THEIRS,
    "GET /api/health": OPEN,
    "GET /api/wizard/session/{shown_id}": THEIRS,
    "POST /api/wizard/clarifications/respond": OWN,  # to what is in the body
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": LOCAL,
    "GET /openapi.json": OPEN,
    "GET /asyncapi.json": OPEN,
    "GET /docs": OPEN,
    "GET /statistics": OWN,
    "GET /ws": OWN,
    "GET /ws/{client_id}": OWN,
    "GET /ws/upload-progress/{batch_id}": OWN,  # also one that is yet to begin
    "GET /socket.io/": OPEN,  # who it is comes with the connect, and is asked then
    "POST /socket.io/": OPEN,
    "POST /login": OPEN,
    "POST /logout": OPEN,
    "POST /setup": OPEN,
    "POST /upload": OWN,
    "POST /samples": OWN,
    "POST /clarifications/{clarification_id}/answer": THEIRS,
    "POST /exports": OWN,
    "POST /jobs/{job_id}/undo": THEIRS,
    "POST /jobs/{job_id}/retry": THEIRS,
    "POST /jobs/{job_id}/cancel": THEIRS,
    "POST /jobs/{job_id}/pause": THEIRS,
    "POST /jobs/{job_id}/resume": THEIRS,
    "POST /jobs/{job_id}/priority": THEIRS,
    "POST /jobs/{job_id}/known-rows": THEIRS,
    "POST /batches/{batch_id}/pause": THEIRS,
    "POST /batches/{batch_id}/resume": THEIRS,
    "POST /batches/{batch_id}/cancel": THEIRS,
    "POST /batches/{batch_id}/retry": THEIRS,
    "POST /batches/{batch_id}/undo": THEIRS,
    "GET /": OWN,
    "GET /batches/{batch_id}": THEIRS,
    "GET /jobs/{job_id}": THEIRS,
    "POST /jobs/{job_id}/share": THEIRS,
    "POST /batches/{batch_id}/share": THEIRS,
    "GET /share": OPEN,
    "GET /rules": OWN,
    "POST /rules": OWN,
    "POST /rules/{rule_id}/move": OWN,
    "POST /rules/{rule_id}/remove": OWN,
    "POST /rules/merge": OWN,
    "POST /rules/part": OWN,
    "POST /rules/forget": OWN,
    "GET /account": SIGNED_IN,
    "POST /account/webhooks": SIGNED_IN,
    "GET /account/webhooks/{webhook_id}": SIGNED_IN,
    "POST /account/webhooks/{webhook_id}/state": SIGNED_IN,
    "POST /account/webhooks/{webhook_id}/test": SIGNED_IN,
    "POST /account/webhooks/{webhook_id}/rotate": SIGNED_IN,
    "POST /account/webhooks/{webhook_id}/remove": SIGNED_IN,
    "POST /account/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": SIGNED_IN,
    "POST /account/notifications": SIGNED_IN,
    "POST /account/notifications/{channel_id}/state": SIGNED_IN,
    "POST /account/notifications/{channel_id}/test": SIGNED_IN,
    "POST /account/notifications/{channel_id}/remove": SIGNED_IN,
    "POST /account/password": SIGNED_IN,
    "POST /account/sessions/{session_id}/end": SIGNED_IN,
    "POST /account/sign-out-everywhere": SIGNED_IN,
    "POST /account/tokens": SIGNED_IN,
    "POST /account/tokens/{token_id}/revoke": SIGNED_IN,
    "POST /account/shares/{share_id}/revoke": SIGNED_IN,
    "GET /operations": OPERATES,
    "POST /operations/connections/{connection}/log": OPERATES,
    "POST /operations/users": OPERATES,
    "POST /operations/users/{user_id}/role": OPERATES,
    "POST /operations/users/{user_id}/password": OPERATES,
    "POST /operations/users/{user_id}/remove": OPERATES,
    "GET /login": OPEN,
    "GET /setup": OPEN,
    "GET /signin": OPEN,
    "GET /static/sdk.tgz": OPEN,
    "GET /static/{filename:livetrail-[^/]+\\.whl}": OPEN,
    "GET /static/sdk/{path:.+}": OPEN,
    "GET /static/{version}/{path:.+}": OPEN,
    "POST /jobs/{job_id}/delete": THEIRS,
    "DELETE /api/v1/jobs/{job_id}": THEIRS,
}
NOWHERE = (
    "token_id",
    "share_id",
    "user_id",
    "session_id",
    "webhook_id",
    "delivery_id",
    "channel_id",
)  # of no such thing
BEHIND_A_PROXY = {"X-Forwarded-For": "203.0.113.9"}  # not a program on this machine


def every_route() -> list[str]:
    routes = [route for route in all_routes() if isinstance(route, web.RouteDef)]
    assert len(routes) == len(all_routes())
    return sorted({f"{route.method} {route.path}" for route in routes})


def test_every_address_has_a_decision_about_who_may_use_it() -> None:
    assert every_route() == sorted(DECIDED)


async def status(
    client: aiohttp.ClientSession, route: str, accepted: dict[str, str], **headers: str
) -> int:
    """Return what `client` is answered when it asks for `route` about an upload of ann's."""
    method, path = route.split(" ", 1)
    path = path.replace("/sdk/{path:.+}", "/sdk/index.js")  # the kit has files of its own
    for name, value in accepted.items():
        path = path.replace(f"{{{name}}}", value)
    given = {**BEHIND_A_PROXY, **headers}
    async with client.request(method, path, headers=given, allow_redirects=False) as answer:
        return answer.status


@pytest.fixture
async def hers(server: Server, ann: aiohttp.ClientSession) -> dict[str, str]:
    """An upload of ann's, by the names of the routes' parameters."""
    accepted = await upload(ann, ("a.csv", CSV))
    return {
        "batch_id": accepted["batch_id"],
        "job_id": accepted["jobs"][0]["job_id"],
        **dict.fromkeys(("task_id", "shown_id"), accepted["jobs"][0]["job_id"]),
        "export_id": await exported(ann),
        "upload_id": await begun(ann),
        "deposit_id": await deposited(ann),
        "clarification_id": put_question(server.settings, accepted["jobs"][0]["job_id"]),
        **dict.fromkeys(NOWHERE, str(uuid.uuid4())),
        **put_webhook(server.settings, "ann"),
        "channel_id": put_channel(server.settings, "ann"),
        **dict.fromkeys(("rule_id", "row", "number"), "1"),
        "client_id": "laptop",
        "filename": "a.csv",
        "connection": "1",
        "version": "1",
        "path:.+": "app.css",
        r"filename:livetrail-[^/]+\.whl": f"livetrail-{__version__}-py3-none-any.whl",
    }


async def test_nobody_gets_anything_but_the_open_addresses(
    stranger: aiohttp.ClientSession, hers: dict[str, str]
) -> None:
    refused = {route: await status(stranger, route, hers) for route in DECIDED}
    sockets = {route for route in DECIDED if route.startswith("GET /ws")}
    closed = {route for route, who in DECIDED.items() if who != OPEN} - sockets
    assert {route: refused[route] for route in closed} == dict.fromkeys(closed, 401)
    assert not {
        route for route in DECIDED if DECIDED[route] == OPEN and refused[route] in (401, 404)
    }
    for path in ("/ws", "/ws/laptop", f"/ws/upload-progress/{hers['batch_id']}"):
        async with stranger.ws_connect(path) as socket:
            await socket.receive()
            assert socket.close_code == 4001


async def test_what_belongs_to_somebody_else_does_not_exist(
    bob: aiohttp.ClientSession, hers: dict[str, str]
) -> None:
    theirs = [route for route, who in DECIDED.items() if who == THEIRS]
    assert {route: await status(bob, route, hers) for route in theirs} == dict.fromkeys(theirs, 404)
    for route in (r for r, who in DECIDED.items() if who in (OPERATES, LOCAL)):
        assert await status(bob, route, hers) == 403
    names = ("job_id", "batch_id", "clarification_id")
    nobodys = {**hers, **{name: str(uuid.uuid4()) for name in names}}
    for route in theirs:  # it can not be told apart from what is nowhere
        assert await status(bob, route, nobodys) == 404


async def test_the_owner_gets_all_of_it(ann: aiohttp.ClientSession, hers: dict[str, str]) -> None:
    reads = [
        route
        for route, who in DECIDED.items()
        if who in (OWN, THEIRS, SIGNED_IN, OPERATES, LOCAL)
        and route.startswith("GET")
        and "/ws" not in route
        and "{connection}" not in route
        and "{number}" not in route  # a table has no pages
    ]
    answers = {route: await status(ann, route, hers) for route in reads}
    assert answers == dict.fromkeys(reads, 200)
    for route in (r for r, who in DECIDED.items() if who == THEIRS and r.startswith("POST")):
        # 400: asked for without saying what
        assert await status(ann, route, hers) in (200, 202, 303, 400, 409)


async def test_lists_and_rooms_hold_nothing_of_others(
    bob: aiohttp.ClientSession, hers: dict[str, str]
) -> None:
    async with bob.get(f"/api/v1/jobs?batch_id={hers['batch_id']}") as answer:
        assert (await answer.json())["jobs"] == []
    async with bob.get("/api/v1/jobs?owner=all") as answer:
        assert answer.status == 403
    rooms = ["all", f"job:{hers['job_id']}", f"batch:{hers['batch_id']}"]
    for room in rooms:
        async with bob.get("/api/v1/events/history", params={"room": room}) as answer:
            assert answer.status == 404
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        for room in rooms:
            await socket.send_json({"op": "subscribe", "id": room, "room": room, "after": 0})
            assert (await socket.receive_json())["type"] == "error"


NAMED_IN_BODIES: list[tuple[str, dict[str, str]]] = [
    ("/api/v1/exports", {"job_id": "{job_id}"}),
    ("/api/v1/exports", {"batch_id": "{batch_id}"}),
    ("/api/v1/shares", {"room": "job:{job_id}"}),
    ("/api/v1/shares", {"room": "batch:{batch_id}"}),
    ("/api/v1/webhooks", {"url": "https://hook.example/", "room": "job:{job_id}"}),
    ("/api/v1/webhooks", {"url": "https://hook.example/", "room": "batch:{batch_id}"}),
    ("/api/v1/webhooks", {"url": "https://hook.example/", "room": "user:{user}"}),
    ("/api/v1/webhooks", {"url": "https://hook.example/", "room": "all"}),
    ("/api/v1/jobs", {"filename": "a.csv", "batch_id": "{batch_id}"}),
    ("/api/v1/jobs", {"filename": "a.csv", "batch_id": "{job_id}"}),
    ("/api/v1/batches", {"urls": "https://a.example/", "batch_id": "{batch_id}"}),
    ("/api/invoices/upload", {"url": "http://a.example/api/upload/{deposit_id}"}),
    ("/api/wizard/clarifications/respond", {"clarificationId": "{clarification_id}"}),
]


@pytest.mark.parametrize(("path", "body"), NAMED_IN_BODIES)
async def test_what_is_named_in_a_body_has_to_be_ones_own(
    server: Server,
    bob: aiohttp.ClientSession,
    hers: dict[str, str],
    path: str,
    body: dict[str, str],
) -> None:
    with offline(server.settings.database_path) as database:
        names = {**hers, "user": find_user(database, "ann").id}
    filled: dict[str, Any] = {key: value.format(**names) for key, value in body.items()}
    if "urls" in filled:
        filled["urls"] = [{"url": filled["urls"]}]
    async with bob.post(path, json=filled) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "not_found")


async def test_files_join_no_batch_of_somebody_else(
    bob: aiohttp.ClientSession, hers: dict[str, str]
) -> None:
    for ident in (hers["batch_id"], hers["job_id"]):
        form = files_form(("a.csv", CSV))
        async with bob.post(f"/api/v1/upload/csv?batch_id={ident}", data=form) as answer:
            assert answer.status == 404
        named = base64.b64encode(ident.encode()).decode()
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "3",
            "Upload-Metadata": f"batch_id {named}",
        }
        async with bob.post("/api/v1/uploads/", headers=headers) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("path", ["/jobs/{}/share", "/batches/{}/share"])
async def test_what_can_be_no_id_is_nowhere(ann: aiohttp.ClientSession, path: str) -> None:
    async with ann.post(path.format("9" * 5000)) as answer:
        assert answer.status == 404


# Other sites


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://127.0.0.1:1", "null", "", "http://host@evil.example"]
)
async def test_an_origin_that_is_odd_is_another_site(server: Server, origin: str) -> None:
    async with server.client("ann") as client:
        headers = {"Origin": origin}
        async with client.post("/api/v1/auth/websocket-token", headers=headers) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/ws", headers=headers)
        assert refused.value.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
async def test_no_other_site_changes_anything_in_somebodys_name(
    server: Server, hers: dict[str, str], headers: dict[str, str]
) -> None:
    """Every address that changes something is asked with ann's cookie, as her browser would."""
    cookies = {COOKIE: session_of(server.settings, "ann")}
    changing = [route for route in DECIDED if not route.startswith(("GET", "OPTIONS"))]
    async with aiohttp.ClientSession(server.url, cookies=cookies) as browser:
        refused = {route: await status(browser, route, hers, **headers) for route in changing}
        async with browser.get("/api/v1/auth/me") as answer:
            assert answer.status == 200  # she is still signed in
    assert refused == dict.fromkeys(changing, 403)


# Requests that are wrong on purpose


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/events/history?after={}",
        "/api/v1/jobs/{job_id}/zones?offset={}",
        "/api/v1/jobs/{job_id}/zones?page={}",
        "/api/v1/jobs/{job_id}/text?page={}",
        "/api/v1/jobs/{job_id}/rows?offset={}",
        "/api/v1/search?q=coffee&offset={}",
    ],
)
async def test_a_number_past_all_numbers_breaks_nothing(
    ann: aiohttp.ClientSession, hers: dict[str, str], path: str
) -> None:
    asked = path.replace("{job_id}", hers["job_id"])
    async with ann.get(asked.format(10**30)) as answer:
        assert answer.status < 500
    async with ann.get(asked.format(2**53 - 1)) as answer:
        assert answer.status < 500


def test_looking_at_links_is_slowed_down_an_address_at_a_time() -> None:
    throttle = Throttle(lambda: 0.0)
    for _ in range(PER_ADDRESS.burst):
        throttle.take("", "guesser")
    with pytest.raises(TooManyRequests):
        throttle.take("", "guesser")
    throttle.take("", "owner")


@pytest.mark.parametrize("path", ["/login", "/setup"])
async def test_a_form_without_files_opens_none(stranger: aiohttp.ClientSession, path: str) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("name", b"ann", filename="ann")
    async with stranger.post(path, data=form, allow_redirects=False) as answer:
        assert answer.status == 400


# Sessions


async def test_signing_out_ends_what_the_browser_listens_to(ann: aiohttp.ClientSession) -> None:
    async with ann.ws_connect("/ws") as socket:
        await socket.receive()
        async with ann.post("/api/v1/auth/logout") as answer:
            assert answer.status == 204
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001
    async with ann.ws_connect("/ws") as socket:
        await socket.receive()
        assert socket.close_code == 4001


async def test_a_session_that_began_over_tls_is_never_sent_without(server: Server) -> None:
    """A proxy speaks TLS; a page that is asked for later says nothing of it."""
    host = server.url.removeprefix("http://")
    async with server.client() as browser:
        headers = {"Origin": f"https://{host}"}
        body = {"name": "ann", "password": PASSWORD}
        async with browser.post("/api/v1/auth/login", json=body, headers=headers) as answer:
            first = answer.cookies[COOKIE]
    assert first["secure"]
    with offline(server.settings.database_path) as database:  # old enough to be prolonged
        database.execute("UPDATE login SET expires_ms = ?", (now_ms() + DAY_MS,))
    async with (
        aiohttp.ClientSession(server.url) as browser,
        browser.get("/", headers={"Cookie": f"{COOKIE}={first.value}"}) as answer,
    ):
        renewed = answer.cookies[COOKIE]
    assert (answer.status, renewed.value, renewed["secure"]) == (200, first.value, True)


# Hostile content


def test_a_long_cell_that_is_nearly_a_number_is_judged_at_once() -> None:
    assert harmless("-" + "1" * 1_000_000 + "x").startswith("'-1")
    assert harmless("-" + "1" * 1_000_000) == "-" + "1" * 1_000_000
    assert harmless("-1\n=cmd") == "'-1\n'=cmd"
    assert harmless(";" + " " * 1_000_000) == ";" + " " * 1_000_000


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("paid;=cmd|' /C calc'!A0", "paid;'=cmd|' /C calc'!A0"),
        ("paid\n@cmd", "paid\n'@cmd"),
        ("a\t +1+cmd;=b", "a\t' +1+cmd;'=b"),
        ("\ufeff=cmd", "'\ufeff=cmd"),
        ("a;\u200b＝cmd", "a;'\u200b＝cmd"),
        ("Fee; -5,00;+49 30 1", "Fee; -5,00;+49 30 1"),
        ("a; b\nc", "a; b\nc"),
    ],
)
def test_no_cell_is_run_where_another_country_would_part_it(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


def test_a_number_of_a_million_digits_is_no_amount() -> None:
    assert parse_amount("9" * 1_000_000) is None


@pytest.mark.parametrize(
    "sheet",
    [
        b"<row><c r='A1'/><c r='XFD1048576'/></row>",
        b'<row><c r = "A1"/><c\n\tr ="XFD1048576"/></row>',
        b'<row><c r="A1"/><c r="xfd1048576"/></row>',
        b'<x:row r="1048576">' + b"<x:c/>" * 100 + b"</x:row>",
        b"<row>" + b"<c/>" * 11_000 + b"</row>" + b"<row/>" * 10_000,
    ],
)
def test_a_sheet_can_not_hide_how_large_it_is(sheet: bytes) -> None:
    with pytest.raises(ArchiveBomb):
        SheetExtent("a.xlsx").feed(sheet)


async def test_cells_as_long_as_lines_are_read(server: Server) -> None:
    lines = [b"Date,Description,Amount"]
    lines += [b"2025-01-%02d,%s,-1.00" % (day, b"x" * 200_000) for day in range(1, 29)]
    async with server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("long.csv", b"\n".join(lines))))
        async with ann.get(f"/api/v1/jobs/{job['job_id']}/rows") as answer:
            rows = (await answer.json())["rows"]
    assert [row["description"] for row in rows] == ["x" * LONGEST_CELL] * 28
    assert (job["status"], job["result"]["rows"]) == ("completed", 28)


# The machine


def tell_environment(task: Task, tell: Tell) -> dict[str, Any]:
    """A reader that is curious."""
    return {"names": sorted(os.environ)}


async def test_a_worker_does_not_know_the_servers_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)

    async def hear(said: object) -> None: ...

    async with Workers() as workers:
        found = await workers.run(
            f"{__name__}:tell_environment",
            task_for(path, "csv"),
            Limits(timeout_s=60, memory_bytes=2**31),
            hear,
        )
    assert "PATH" in found["names"]
    assert "AWS_SECRET_ACCESS_KEY" not in found["names"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1", 200),
        ("[::1]:1", 200),
        ("rebound.example", 401),
        ("[", 401),
    ],
)
async def test_a_web_page_that_pretends_to_be_local_sees_no_figures(
    server: Server, host: str, expected: int
) -> None:
    async with (
        aiohttp.ClientSession(server.url) as client,
        client.get("/metrics", headers={"Host": host}) as answer,
    ):
        assert answer.status == expected


def test_what_is_made_in_the_data_folder_is_for_nobody_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "app.cli", "user", "add", "ann", "--data-dir", str(data)]
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, umask=0o022)
    made = [data, *data.rglob("*")]
    assert len(made) > 1
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
