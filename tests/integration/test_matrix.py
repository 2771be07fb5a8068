"""Every address, asked by tokens of each scope and by a guest: the matrix of who may do what."""

import aiohttp
import pytest

from app.core.permissions import EVERYTHING, SCOPES, Scope
from app.store.offline import issue_token
from tests.integration.serving import (
    Server,
    begun,
    deposited,
    ended,
    exported,
    put_question,
    upload,
)
from tests.integration.test_security import BEHIND_A_PROXY, CSV, DECIDED, NOWHERE, OPEN

# What each address demands of a token. A new one has to be decided here; "account" is for
# signed-in browsers alone, and "nothing" for whoever is known at all; several words are all needed.
NEEDS = {
    "GET /api/v1/auth/me": "nothing",
    "POST /api/v1/auth/websocket-token": "listen",
    "GET /api/v1/auth/sessions": "account",
    "DELETE /api/v1/auth/sessions/{session_id}": "account",
    "POST /api/v1/auth/logout-everywhere": "account",
    "POST /api/v1/auth/password": "account",
    "GET /api/v1/tokens": "account",
    "POST /api/v1/tokens": "account",
    "PATCH /api/v1/tokens/{token_id}": "account",
    "DELETE /api/v1/tokens/{token_id}": "account",
    "GET /api/v1/users": "operate",
    "POST /api/v1/users": "account",
    "PATCH /api/v1/users/{user_id}": "account",
    "DELETE /api/v1/users/{user_id}": "account",
    "GET /api/v1/shares": "control",
    "POST /api/v1/shares": "control listen read",
    "DELETE /api/v1/shares/{share_id}": "control",
    "POST /api/v1/batches": "upload",
    "GET /api/v1/batches": "read",
    "GET /api/v1/batches/{batch_id}": "read",
    "POST /api/v1/samples": "upload",
    "POST /api/v1/uploads/": "upload",
    "GET /api/v1/uploads/{upload_id}": "upload",
    "PATCH /api/v1/uploads/{upload_id}": "upload",
    "DELETE /api/v1/uploads/{upload_id}": "upload",
    "POST /api/v1/uploads/{upload_id}": "upload",
    "POST /api/v1/upload/csv": "upload",
    "GET /api/v1/jobs": "read",
    "POST /api/v1/jobs": "upload",
    "GET /api/v1/jobs/{job_id}": "read",
    "GET /api/v1/jobs/{job_id}/events": "listen",
    "POST /api/v1/jobs/{job_id}/events": "upload",
    "GET /api/v1/jobs/{job_id}/rows": "read",
    "PATCH /api/v1/jobs/{job_id}/rows/{row}": "control",
    "GET /api/v1/jobs/{job_id}/delta": "read",
    "POST /api/v1/jobs/{job_id}/delta": "control",
    "GET /api/v1/jobs/{job_id}/rejected.csv": "read",
    "GET /api/v1/jobs/{job_id}/original": "read",
    "GET /api/v1/jobs/{job_id}/fields": "read",
    "PATCH /api/v1/jobs/{job_id}/fields": "control",
    "GET /api/v1/jobs/{job_id}/zones": "read",
    "GET /api/v1/jobs/{job_id}/pages": "read",
    "GET /api/v1/jobs/{job_id}/pages/{number}.png": "read",
    "GET /api/v1/jobs/{job_id}/text": "read",
    "GET /api/v1/search": "read",
    "POST /api/v1/jobs/{job_id}/undo": "control",
    "POST /api/v1/jobs/{job_id}/retry": "control",
    "POST /api/v1/jobs/{job_id}/cancel": "control",
    "GET /api/v1/clarifications": "read",
    "GET /api/v1/clarifications/{clarification_id}": "read",
    "POST /api/v1/clarifications/{clarification_id}/answer": "control",
    "POST /api/v1/jobs/{job_id}/pause": "control",
    "POST /api/v1/jobs/{job_id}/resume": "control",
    "POST /api/v1/jobs/{job_id}/priority": "control",
    "POST /api/v1/batches/{batch_id}/pause": "control",
    "POST /api/v1/batches/{batch_id}/resume": "control",
    "POST /api/v1/batches/{batch_id}/cancel": "control",
    "POST /api/v1/batches/{batch_id}/retry": "control",
    "POST /api/v1/batches/{batch_id}/undo": "control",
    "GET /api/v1/memory": "read",
    "DELETE /api/v1/memory": "control",
    "POST /api/v1/exports": "read",
    "GET /api/v1/exports": "read",
    "GET /api/v1/exports/{export_id}": "read",
    "GET /api/v1/exports/{export_id}/file": "read",
    "DELETE /api/v1/exports/{export_id}": "control",
    "GET /api/v1/events": "listen",
    "GET /api/v1/events/history": "listen",
    "GET /api/v1/rules": "read",
    "POST /api/v1/rules": "control",
    "GET /api/v1/rules/preview": "read",
    "PATCH /api/v1/rules/{rule_id}": "control",
    "DELETE /api/v1/rules/{rule_id}": "control",
    "GET /api/v1/categories": "read",
    "GET /api/v1/vendors/suggestions": "read",
    "POST /api/v1/vendors/merge": "control",
    "POST /api/v1/vendors/part": "control",
    "GET /api/v1/webhooks": "control listen",
    "POST /api/v1/webhooks": "control listen",
    "GET /api/v1/webhooks/{webhook_id}": "control listen",
    "PATCH /api/v1/webhooks/{webhook_id}": "control listen",
    "DELETE /api/v1/webhooks/{webhook_id}": "control listen",
    "POST /api/v1/webhooks/{webhook_id}/rotate": "control listen",
    "POST /api/v1/webhooks/{webhook_id}/test": "control listen",
    "GET /api/v1/webhooks/{webhook_id}/deliveries": "control listen",
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": "control listen",
    "GET /api/v1/notifications": "control listen",
    "POST /api/v1/notifications": "control listen",
    "GET /api/v1/notifications/{channel_id}": "control listen",
    "PATCH /api/v1/notifications/{channel_id}": "control listen",
    "DELETE /api/v1/notifications/{channel_id}": "control listen",
    "POST /api/v1/notifications/{channel_id}/test": "control listen",
    "GET /api/v1/audit": "operate",
    "GET /api/v1/stats": "read",
    "GET /api/v1/plugins": "operate",
    "GET /api/v1/websocket/status": "operate",
    "GET /api/v1/websocket/connections/{connection}/log": "operate",
    "POST /api/v1/websocket/connections/{connection}/log": "operate",
    "PUT /up/{filename}": "upload",
    "POST /api/upload": "upload",
    "GET /api/upload/{deposit_id}": "upload",
    "POST /api/invoices/upload": "upload",
    "GET /api/invoices/status/{task_id}": "read",
    "GET /api/wizard/session/{shown_id}": "read",
    "POST /api/wizard/clarifications/respond": "control",
    "GET /metrics": "operate",
    "GET /ws": "listen",
    "GET /ws/{client_id}": "listen",
    "GET /ws/upload-progress/{batch_id}": "listen",
    "POST /upload": "upload",
    "POST /samples": "upload",
    "POST /jobs/{job_id}/undo": "control",
    "POST /jobs/{job_id}/retry": "control",
    "POST /jobs/{job_id}/cancel": "control",
    "POST /jobs/{job_id}/pause": "control",
    "POST /jobs/{job_id}/resume": "control",
    "POST /jobs/{job_id}/priority": "control",
    "POST /batches/{batch_id}/pause": "control",
    "POST /batches/{batch_id}/resume": "control",
    "POST /batches/{batch_id}/cancel": "control",
    "POST /batches/{batch_id}/retry": "control",
    "POST /batches/{batch_id}/undo": "control",
    "POST /clarifications/{clarification_id}/answer": "control",
    "POST /exports": "read",
    "POST /jobs/{job_id}/known-rows": "control",
    "GET /rules": "read",
    "GET /statistics": "read",
    "POST /rules": "control read",
    "POST /rules/forget": "control read",
    "POST /rules/merge": "control read",
    "POST /rules/part": "control read",
    "POST /rules/{rule_id}/move": "control read",
    "POST /rules/{rule_id}/remove": "control read",
    "POST /jobs/{job_id}/share": "control listen read",
    "POST /batches/{batch_id}/share": "control listen read",
    "GET /": "read",
    "GET /batches/{batch_id}": "read",
    "GET /jobs/{job_id}": "read",
    "GET /operations": "operate",
    "GET /account": "account",
    "POST /account/webhooks": "account",
    "GET /account/webhooks/{webhook_id}": "account",
    "POST /account/webhooks/{webhook_id}/state": "account",
    "POST /account/webhooks/{webhook_id}/test": "account",
    "POST /account/webhooks/{webhook_id}/rotate": "account",
    "POST /account/webhooks/{webhook_id}/remove": "account",
    "POST /account/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": "account",
    "POST /account/notifications": "account",
    "POST /account/notifications/{channel_id}/state": "account",
    "POST /account/notifications/{channel_id}/test": "account",
    "POST /account/notifications/{channel_id}/remove": "account",
    "POST /account/password": "account",
    "POST /account/sessions/{session_id}/end": "account",
    "POST /account/sign-out-everywhere": "account",
    "POST /account/tokens": "account",
    "POST /account/tokens/{token_id}/revoke": "account",
    "POST /account/shares/{share_id}/revoke": "account",
    "POST /operations/users": "account",
    "POST /operations/users/{user_id}/role": "account",
    "POST /operations/users/{user_id}/password": "account",
    "POST /operations/users/{user_id}/remove": "account",
    "POST /operations/connections/{connection}/log": "operate",
    "POST /jobs/{job_id}/delete": "control",
    "DELETE /api/v1/jobs/{job_id}": "control",
}
SOCKETS = frozenset({"GET /ws", "GET /ws/{client_id}", "GET /ws/upload-progress/{batch_id}"})


@pytest.fixture
async def ids(server: Server, ann: aiohttp.ClientSession) -> dict[str, str]:
    """An upload of ann's that has ended, by the names of the routes' parameters."""
    accepted = await upload(ann, ("a.csv", CSV))
    (job,) = await ended(ann, accepted)
    nowhere = "00000000-0000-7000-8000-000000000000"
    return {
        **dict.fromkeys(NOWHERE, nowhere),
        "batch_id": accepted["batch_id"],
        "job_id": job["job_id"],
        **dict.fromkeys(("task_id", "shown_id"), job["job_id"]),
        "export_id": await exported(ann),
        "upload_id": await begun(ann),
        "deposit_id": await deposited(ann),
        "clarification_id": put_question(server.settings, job["job_id"]),
        **dict.fromkeys(("rule_id", "row", "number"), "1"),
        "client_id": "laptop",
        "filename": "a.csv",
        "connection": "12345",
    }


async def refusal(
    client: aiohttp.ClientSession, route: str, ids: dict[str, str], query: str = ""
) -> tuple[int, str]:
    """Return the status `client` gets for `route`, and the title of its problem."""
    method, path = route.split(" ", 1)
    if route in SOCKETS:
        async with client.ws_connect(path.format_map(ids) + query) as socket:
            await socket.receive()
            return (200 if socket.close_code is None else socket.close_code), ""
    headers = {**BEHIND_A_PROXY, "Accept": "application/json"}
    async with client.request(
        method, path.format_map(ids) + query, headers=headers, allow_redirects=False
    ) as answer:
        if answer.content_type == "application/problem+json":
            body = await answer.json(content_type=answer.content_type)
            return answer.status, body["title"]
        return answer.status, ""


def program(server: Server, *scopes: Scope) -> aiohttp.ClientSession:
    """Return a client with a token of ann's, the operator."""
    secret = issue_token(server.settings.database_path, "ann", scopes=scopes)
    return aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {secret}"})


def test_what_every_closed_address_needs_is_decided() -> None:
    assert sorted(NEEDS) == sorted(route for route, who in DECIDED.items() if who != OPEN)


@pytest.mark.parametrize("scope", SCOPES)
async def test_without_a_scope_exactly_its_addresses_are_refused(
    server: Server, ids: dict[str, str], scope: Scope
) -> None:
    found: dict[str, bool] = {}
    async with program(server, *(EVERYTHING - {scope})) as client:
        for route, need in NEEDS.items():
            code, title = await refusal(client, route, ids)
            found[route] = code in (401, 403, 4001, 4003)
            if scope in need.split() and route not in SOCKETS:
                assert title == f"You may not do this: this needs the scope {scope}", route
    assert found == {
        route: scope in need.split() or need == "account" for route, need in NEEDS.items()
    }


@pytest.mark.parametrize("scope", SCOPES)
async def test_with_one_scope_exactly_its_addresses_are_open(
    server: Server, ids: dict[str, str], scope: Scope
) -> None:
    found: dict[str, bool] = {}
    async with program(server, scope) as client:
        for route in NEEDS:
            code, _ = await refusal(client, route, ids)
            found[route] = code not in (401, 403, 4001, 4003)
    assert found == {route: need in (scope, "nothing") for route, need in NEEDS.items()}


async def test_a_members_token_of_all_scopes_sees_nothing_of_anns(
    server: Server, ids: dict[str, str]
) -> None:
    secret = issue_token(server.settings.database_path, "bob")
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        for route, need in NEEDS.items():
            code, _ = await refusal(client, route, ids)
            if need in ("operate", "account"):
                assert code == 403, route
            elif any(name in route for name in ("{job_id}", "{batch_id}", "{clarification_id}")):
                assert code == (4003 if route in SOCKETS else 404), route


# A share link of a job, and of its batch

SEEN_BY_LINK = {
    "GET /api/v1/jobs/{job_id}",
    "GET /api/v1/jobs/{job_id}/events",
    "GET /api/v1/jobs/{job_id}/rows",
    "GET /api/v1/jobs/{job_id}/fields",
    "GET /api/v1/jobs/{job_id}/zones",
    "GET /api/v1/jobs/{job_id}/pages",
    "GET /api/v1/jobs/{job_id}/text",
    "GET /api/v1/jobs/{job_id}/delta",
    "GET /jobs/{job_id}",
    "GET /api/v1/clarifications/{clarification_id}",
    "GET /api/invoices/status/{task_id}",
    "GET /api/wizard/session/{shown_id}",
}
SEEN_BY_BATCH_LINK = SEEN_BY_LINK | {"GET /api/v1/batches/{batch_id}", "GET /batches/{batch_id}"}


@pytest.mark.parametrize(("kind", "seen"), [("job", SEEN_BY_LINK), ("batch", SEEN_BY_BATCH_LINK)])
@pytest.mark.parametrize("is_browser", [True, False])
async def test_a_guest_gets_what_was_shared_and_no_other_address(
    server: Server,
    ann: aiohttp.ClientSession,
    ids: dict[str, str],
    kind: str,
    seen: set[str],
    is_browser: bool,
) -> None:
    room = f"{kind}:{ids[f'{kind}_id']}"
    async with ann.post("/api/v1/shares", json={"room": room}) as answer:
        token = (await answer.json())["token"]
    async with server.client() as guest:
        if is_browser:
            async with guest.post("/api/v1/auth/share", json={"token": token}) as answer:
                assert answer.status == 200
        else:
            guest.headers["Authorization"] = f"Bearer {token}"
        for route in NEEDS:
            code, _ = await refusal(guest, route, ids)
            if "upload-progress" in route:  # of the batch, whatever job of it was shared
                assert code == (200 if kind == "batch" else 4003)
            elif route in seen or route in SOCKETS:  # on a socket each room is asked for
                assert code == 200, route
            elif route == "GET /":
                assert code == 303  # to what was shared
            else:
                assert code in (401, 403, 404), route
        for route in ("GET /api/v1/events", "GET /api/v1/events/history"):
            assert (await refusal(guest, route, ids, f"?room={room}"))[0] == 200, route
