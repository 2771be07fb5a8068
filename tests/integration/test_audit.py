"""The audit log: what operators can find out later about who came and what they did."""

from pathlib import Path
from typing import Any

import aiohttp
from aiosqlite import Connection

from app.core.permissions import Viewer
from app.core.restraint import MINUTE_MS
from app.core.times import DAY_MS
from app.settings import Settings
from app.store import audit as notes
from app.store.audit import TOLD_A_MINUTE, Audit, insert_notes, list_notes, prune_notes
from app.store.database import Database
from tests.integration.serving import PASSWORD, Server, ended, serving, token_of, upload, with_user

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
ANN = Viewer("01900000-0000-7000-8000-00000000000a", "ann", "operator")


async def entries(client: aiohttp.ClientSession, **query: str) -> list[dict[str, Any]]:
    """Return the entries that the API tells `client`, newest first."""
    async with client.get("/api/v1/audit", params=query) as answer:
        assert answer.status == 200, await answer.text()
        told: list[dict[str, Any]] = (await answer.json())["entries"]
        return told


async def test_signing_in_and_out_is_noted(server: Server, ann: aiohttp.ClientSession) -> None:
    async with server.client() as browser:
        for password in ("wrong", PASSWORD):
            body = {"name": "bob", "password": password}
            async with browser.post("/api/v1/auth/login", json=body):
                pass
        async with browser.post("/api/v1/auth/logout"):
            pass
    out, signed_in, failed = await entries(ann)
    assert (failed["kind"], failed["user_id"], failed["facts"]) == (
        "sign_in_failed",
        None,
        {"tried": "bob"},
    )
    assert (signed_in["kind"], signed_in["name"], signed_in["facts"]) == (
        "sign_in",
        "bob",
        {"by": "password"},
    )
    assert (out["kind"], out["name"], out["address"]) == ("sign_out", "bob", "127.0.0.1")


async def test_a_connection_is_noted_with_its_end(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    async with bob.ws_connect("/ws/laptop") as socket:
        await socket.receive()
        (came,) = await entries(ann, kind="connected")
        async with bob.post("/api/v1/auth/logout"):
            await socket.receive()
    (left,) = await entries(ann, kind="disconnected")
    assert (came["name"], came["client"], came["facts"]["client_id"]) == ("bob", "cookie", "laptop")
    assert left["facts"]["client_id"] == "laptop"
    assert left["facts"]["code"] == 4001
    assert left["facts"]["seconds"] >= 0


async def test_refusals_are_noted_and_ordinary_visits_are_not(
    server: Server,
    ann: aiohttp.ClientSession,
    bob: aiohttp.ClientSession,
    stranger: aiohttp.ClientSession,
) -> None:
    for client, path, headers in (
        (stranger, "/api/v1/jobs", {}),  # not signed in: nothing to tell
        (bob, "/nowhere", {}),
        (bob, "/api/v1/audit?kind=refused", {}),
        (stranger, "/api/v1/jobs", {"Authorization": "Bearer lt_forged"}),
    ):
        async with client.get(path, headers=headers):
            pass
    async with bob.post("/api/v1/samples", headers={"Origin": "https://evil.example"}):
        pass
    async with stranger.ws_connect("/ws?token=forged") as socket:
        await socket.receive()
    told = [(e["name"], e["facts"]["reason"], e["facts"]["path"]) for e in await entries(ann)]
    assert told[::-1] == [
        ("bob", "not_allowed", "/api/v1/audit"),
        ("", "not_authenticated", "/api/v1/jobs"),
        ("bob", "cross_site", "/api/v1/samples"),
        ("", "not_authenticated", "/ws"),
    ]


async def test_asking_for_what_is_somebody_elses_is_noted_and_mistakes_are_not(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    job, nobodys = f"job:{accepted['jobs'][0]['job_id']}", f"job:{accepted['batch_id']}"
    for room in (job, nobodys):
        async with bob.get(f"/api/v1/jobs/{room.removeprefix('job:')}") as answer:
            assert answer.status == 404
        async with bob.get("/api/v1/events/history", params={"room": room}) as answer:
            assert answer.status == 404
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        for room in (job, nobodys, "all"):
            await socket.send_json({"op": "subscribe", "room": room})
            assert (await socket.receive_json())["type"] == "error"
        for job_id in (job.removeprefix("job:"), "nowhere"):
            await socket.send_json({"op": "cancel", "job_id": job_id})
            assert (await socket.receive_json())["code"] == "not_found"
    told = [
        (e["name"], {key: fact for key, fact in e["facts"].items() if key != "via"})
        for e in await entries(ann, kind="refused")
    ]
    path = f"/api/v1/jobs/{job.removeprefix('job:')}"
    assert told[::-1] == [
        ("bob", {"reason": "not_found", "method": "GET", "path": path}),
        ("bob", {"reason": "not_found", "method": "GET", "path": "/api/v1/events/history"}),
        ("bob", {"reason": "not_found", "about": job}),
        ("bob", {"reason": "not_allowed", "about": "all"}),
        ("bob", {"reason": "not_found", "about": "cancel"}),
    ]


async def test_a_connection_too_many_is_noted(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    limit = server.settings.max_websocket_connections_per_user
    sockets = [await bob.ws_connect("/ws") for _ in range(limit + 1)]
    for socket in sockets:
        await socket.receive()
    (refused,) = await entries(ann, kind="refused")
    assert (refused["name"], refused["facts"]["reason"]) == ("bob", "too_many_connections")
    for socket in sockets:
        await socket.close()


async def test_control_is_noted_over_http_and_over_the_socket(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    (job,) = await ended(bob, await upload(bob, ("a.csv", CSV)))
    async with bob.post(f"/api/v1/jobs/{job['job_id']}/undo") as answer:
        assert answer.status == 200
    async with bob.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        await socket.send_json({"op": "cancel", "id": "1", "job_id": job["job_id"]})
        await socket.receive()
    told = [(e["name"], e["facts"]) for e in await entries(ann, kind="control")]
    for _, facts in told:
        assert facts.pop("via")  # the session by which it came
    assert told == [
        ("bob", {"op": "cancel", "job_id": job["job_id"]}),
        ("bob", {"op": "undo", "job_id": job["job_id"]}),
    ]


async def test_the_list_is_narrowed_and_goes_on_page_by_page(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    with_user(server.settings, "carl")
    for name in ("bob", "carl", "bob"):
        async with server.client() as browser:
            body = {"name": name, "password": PASSWORD}
            async with browser.post("/api/v1/auth/login", json=body):
                pass
    everything = await entries(ann)
    assert [e["name"] for e in everything] == ["bob", "carl", "bob"]
    bobs = await entries(ann, user=everything[0]["user_id"])
    assert bobs == [everything[0], everything[2]]
    async with ann.get("/api/v1/audit?limit=2") as answer:
        page = await answer.json()
        assert answer.links["next"]["url"].query["before"] == str(page["next"])
    assert page["entries"] == everything[:2]
    assert await entries(ann, before=str(page["next"])) == everything[2:]
    async with ann.get("/api/v1/audit?kind=unknown") as answer:
        assert answer.status == 400


async def test_what_was_noted_outlives_the_server(settings: Settings) -> None:
    with_user(settings, "ann")
    async with serving(settings) as server, server.client() as browser:
        body = {"name": "ann", "password": "wrong"}
        async with browser.post("/api/v1/auth/login", json=body):
            pass
    async with serving(settings) as server:
        headers = {"Authorization": f"Bearer {token_of(settings, 'ann')}"}
        async with aiohttp.ClientSession(server.url, headers=headers) as program:
            assert [e["kind"] for e in await entries(program)] == ["sign_in_failed"]


# Below the API


async def kept(reader: Connection, **query: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return address and facts of what is in the database, oldest first."""
    found = await list_notes(reader, limit=10_000, **query)
    return [(note.address, note.facts) for _, note in reversed(found)]


async def test_an_address_can_not_flood_it(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "livetrail.db")
    clock_ms = 0
    audit = Audit(database.writer, days=1, clock_ms=lambda: clock_ms)
    for _ in range(5000):
        audit.note("refused", None, "192.0.2.1", reason="not_allowed")
    audit.note("refused", None, "192.0.2.2", reason="cross_site")
    clock_ms = MINUTE_MS
    audit.note("refused", None, "192.0.2.1", reason="not_allowed")
    assert await audit.flush()
    told = await kept(database.reader)
    assert told[:TOLD_A_MINUTE] == [("192.0.2.1", {"reason": "not_allowed"})] * TOLD_A_MINUTE
    assert told[TOLD_A_MINUTE:] == [
        ("192.0.2.2", {"reason": "cross_site"}),
        ("192.0.2.1", {"reason": "not_allowed", "times": 5000 - TOLD_A_MINUTE}),
        ("192.0.2.1", {"reason": "not_allowed"}),
    ]
    await database.close()


async def test_many_addresses_can_not_flood_it_either(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "livetrail.db")
    async with Audit(database.writer, days=1, clock_ms=lambda: 0) as audit:
        for n in range(100_000):
            audit.note("refused", None, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", reason="x")
        audit.note("password_changed", ANN, "192.0.2.1")
    told = await list_notes(database.reader, limit=10_000)
    assert len(told) < 600
    assert sum(note.facts.get("times", 1) for _, note in told if note.kind == "refused") == 100_000
    assert "password_changed" in {note.kind for _, note in told}
    await database.close()


async def test_a_user_can_not_flood_it(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "livetrail.db")
    async with Audit(database.writer, days=1, clock_ms=lambda: 0) as audit:
        for n in range(5000):
            audit.note("token_created", ANN, f"192.0.2.{n % 250}", token=str(n))
    told = await kept(database.reader)
    assert len(told) == TOLD_A_MINUTE + 1
    assert told[-1][1] == {"token": "4999", "times": 5000 - TOLD_A_MINUTE}
    await database.close()


async def test_what_is_lost_is_told(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "livetrail.db")
    audit = Audit(database.writer, days=1)
    for _ in range(notes.WAITING_AT_MOST + 5):
        audit.note("user_changed", ANN, "192.0.2.1")
    assert await audit.flush()
    (lost,) = await list_notes(database.reader, kind="notes_lost")
    assert lost[1].facts == {"times": 5}
    await database.close()


async def test_long_facts_are_cut(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "livetrail.db")
    audit = Audit(database.writer, days=1)
    audit.note("sign_in_failed", None, "192.0.2.1", tried="x" * 1_000_000)
    assert await audit.flush()
    assert await kept(database.reader) == [("192.0.2.1", {"tried": "x" * notes.LONGEST_FACT})]
    await database.close()


async def test_what_is_old_goes_and_the_surplus_of_what_comes_often(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(notes, "FREQUENT_KEPT", 3)
    monkeypatch.setattr(notes, "AT_ONCE", 2)
    database = await Database.open(tmp_path / "livetrail.db")
    written = [
        notes.Note(at_ms, kind, None, "", "", str(at_ms))
        for kind in ("refused", "user_changed")
        for at_ms in (0, 1, 2, 3, 4, 5)
    ]
    await database.writer.run(lambda connection: insert_notes(connection, sorted(written, key=_at)))
    while await database.writer.run(lambda connection: prune_notes(connection, 1)):
        pass
    refused = await kept(database.reader, kind="refused")
    changed = await kept(database.reader, kind="user_changed")
    assert [address for address, _ in refused] == ["3", "4", "5"]
    assert [address for address, _ in changed] == ["1", "2", "3", "4", "5"]
    while await database.writer.run(lambda connection: prune_notes(connection, DAY_MS)):
        pass
    assert await kept(database.reader) == []
    await database.close()


def _at(note: notes.Note) -> int:
    return note.at_ms
