"""System E's own hook and view, unchanged: documents zone by zone, over a socket with a name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.documents import Line, pdf_of
from tests.integration.reference import COFFEE, NO_TABLE, Client, Scene, scene
from tests.integration.serving import followed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]

PREVIEW = {"auto_save": False}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("zones")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def view(house: Scene) -> AsyncIterator[Client]:
    async with house.node("zones/run.js", TOKEN=house.listen_token) as client:
        yield client


def report(folder: Path, pages: int) -> bytes:
    """Return a document with a heading and paragraphs on each page."""
    said = [
        [Line(60, 60, f"Chapter {number}", size=18, bold=True)]
        + [Line(60, 120 + 14 * line, f"Of sails and winds, line {line}.") for line in range(20)]
        + [Line(60, 500 + 14 * line, f"What the harbour said, {line}.") for line in range(10)]
        for number in range(1, pages + 1)
    ]
    return pdf_of(folder, said, name="report.pdf").read_bytes()


def events(client: Client, job_id: str) -> list[dict[str, Any]]:
    """Return what the view's handlers were given of one job, in order."""
    return [event for event in client.all("event") if event.get("job_id") == job_id]


def of(told: dict[str, Any], kind: str, job_id: str) -> bool:
    event = told.get("event", {})
    return event.get("type") == kind and event.get("job_id") == job_id


async def test_a_document_is_told_zone_by_zone_to_its_end(
    house: Scene, view: Client, tmp_path: Path
) -> None:
    client_id = await view.ask("mount")
    hello = await view.until(lambda one: one.get("event", {}).get("type") == "connection")
    assert hello["event"] == {"type": "connection", "status": "connected", "client_id": client_id}
    accepted = await house.upload(("report.pdf", report(tmp_path, 3)), options=PREVIEW)
    job_id = accepted["jobs"][0]["job_id"]
    started = (await view.until(lambda one: of(one, "processing_started", job_id)))["event"]
    document_id = started["document_id"]
    assert document_id
    assert started["timestamp"].endswith("Z")
    asked = await view.until(lambda one: of(one, "clarification_requested", job_id))
    await view.ask("mount", documentId=document_id)
    await view.until(lambda one: one.get("shownId") == document_id)  # before it ends
    await house.answer(asked["event"]["clarification_id"], "save")
    done = (await view.until(lambda one: of(one, "processing_completed", job_id)))["event"]
    assert done["document_id"] == document_id
    heard = events(view, job_id)
    begun = [event for event in heard if event["type"] == "zone_processing"]
    read = [event for event in heard if event["type"] == "zone_completed"]
    assert len(begun) == len(read) >= 3
    for event in (*begun, *read):
        assert event["document_id"] == document_id
        assert event["processing_tool"]
        assert isinstance(event["zone_index"], int)
        assert event["zone_id"]
    assert {event["status"] for event in begun} == {"processing"}
    for event in read:
        assert 0 <= event["confidence"] <= 1
        assert event["duration_ms"] >= 0
    moving = [event for event in heard if event["type"] == "processing_progress"]
    for event in moving:
        assert event["document_id"] == document_id
        assert {"zones_completed", "zones_total", "current_operation"} <= set(event)
        assert "estimated_time_remaining" in event
    assert any(event["current_operation"] for event in moving)
    order = [event["n"] for event in heard]
    assert order == sorted(set(order))
    whole = {"Connection: Connected", "Progress: 100.0%"}
    await view.until(lambda one: whole <= set(one.get("seen", ())))


async def test_a_failure_and_an_export_are_told(house: Scene, view: Client) -> None:
    await view.ask("mount")
    await view.until(lambda one: one.get("isConnected") is True)
    failing = await house.upload(("diary.csv", NO_TABLE))
    job_id = failing["jobs"][0]["job_id"]
    failed = (await view.until(lambda one: of(one, "processing_failed", job_id)))["event"]
    assert failed["error"]["title"]
    good = await house.upload(("coffee.csv", COFFEE))
    await house.finished(good)
    wish = {"format": "csv", "batch_id": good["batch_id"]}
    async with house.http() as http, http.post("/api/v1/exports", json=wish) as answer:
        assert answer.status == 202, await answer.text()
    done = await view.until(lambda one: one.get("event", {}).get("type") == "export_completed")
    assert done["event"]["url"]
    kinds = [event["type"] for event in view.all("event")]
    assert kinds.index("export_started") < kinds.index("export_completed")


async def test_what_happened_while_the_network_was_away_is_told_when_it_is_back(
    house: Scene, view: Client
) -> None:
    await view.ask("mount")
    await view.until(lambda one: one.get("isConnected") is True)
    accepted = await house.upload(("a.csv", COFFEE + b"2025-02-01,Rye,-9\n"), options=PREVIEW)
    job_id = accepted["jobs"][0]["job_id"]
    told = await view.until(lambda one: of(one, "clarification_requested", job_id))
    before = len(view.told)
    house.network.cut()
    await view.until(lambda one: one.get("isConnected") is False, before)
    await house.answer(told["event"]["clarification_id"], "save")
    await house.finished(accepted)
    house.network.mend()
    await view.until(lambda one: of(one, "processing_completed", job_id), before)
    await all_of(house, view, job_id)


async def test_nothing_is_missed_when_the_server_is_killed_and_comes_back(
    house: Scene, view: Client
) -> None:
    await view.ask("mount")
    await view.until(lambda one: one.get("isConnected") is True)
    accepted = await house.upload(("b.csv", COFFEE + b"2025-03-01,Fig,-7\n"), options=PREVIEW)
    job_id = accepted["jobs"][0]["job_id"]
    told = await view.until(lambda one: of(one, "clarification_requested", job_id))
    before = len(view.told)
    await house.kill()
    await view.until(lambda one: one.get("isConnected") is False, before)
    await house.restart()
    await house.answer(told["event"]["clarification_id"], "save")
    await view.until(lambda one: of(one, "processing_completed", job_id), before)
    await all_of(house, view, job_id)


async def all_of(house: Scene, view: Client, job_id: str) -> None:
    """Each event of the job that the view has handlers for came, in order, once or again."""
    handled = {event["type"] for event in events(view, job_id)}
    async with house.http() as http:
        log = await followed(http, f"job:{job_id}", "processing_completed")
    wanted = [event["n"] for event in log if event["type"] in handled]
    first: list[int] = []
    for event in events(view, job_id):
        if event["n"] not in first:
            first.append(event["n"])
    assert first == wanted


async def test_the_users_other_connections_hear_who_comes_and_goes(
    house: Scene, view: Client
) -> None:
    apart = {"TOKEN": house.listen_token, "LIVETRAIL": house.process.url}
    async with house.node("zones/run.js", **apart) as other:
        first = await other.ask("mount")
        await other.until(lambda one: one.get("isConnected") is True)
        second = await view.ask("mount")
        assert first != second
        for kind, happens in (
            ("connection_established", None),
            ("connection_lost", house.network.cut),
            ("reconnected", house.network.mend),
        ):
            if happens is not None:
                happens()
            told = await other.until(lambda one, kind=kind: is_about(one, kind, second))
            assert "seq" not in told["event"]
        await view.ask("unmount")
        await other.until(lambda one: is_about(one, "user_disconnected", second))
        assert not any(is_about(one, "connection_established", second) for one in view.told)


def is_about(told: dict[str, Any], kind: str, client_id: str) -> bool:
    event = told.get("event", {})
    return event.get("type") == kind and event.get("client_id") == client_id


async def test_nobody_is_let_in_without_a_token(house: Scene) -> None:
    async with house.node("zones/run.js", TOKEN="none") as nobody:
        await nobody.ask("mount")
        await nobody.until(lambda one: one.get("isConnected") is True)
        await nobody.until(lambda one: one.get("isConnected") is False, 2)
