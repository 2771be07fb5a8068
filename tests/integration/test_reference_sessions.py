"""System C's own clients, unchanged: its React hook, its examples for Node and in Python."""

import json
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.documents import Line, pdf_of
from tests.integration.reference import COFFEE, EITHER_WAY, NO_TABLE, Client, Scene, scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]

UNKNOWN = "01936d2e-0000-7000-8000-000000000001"
STATUSES = {"ACTIVE", "PROCESSING", "COMPLETED", "FAILED", "EXPIRED"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("sessions")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: Scene) -> AsyncIterator[Client]:
    async with house.node("sessions/run.js", COOKIE=house.cookie) as client:
        yield client


def check_progress(progress: dict[str, Any], session_id: str) -> None:
    """A `progress` has every field of the reference, of its type."""
    assert progress["sessionId"] == session_id
    assert progress["status"] in STATUSES
    assert 0 <= progress["progress"] <= 100
    counts = progress["prompts"]
    assert counts["total"] == sum(
        counts[key] for key in ("completed", "processing", "pending", "failed")
    )
    assert isinstance(progress["hasClarifications"], bool)
    assert isinstance(progress["clarificationCount"], int)
    assert datetime.fromisoformat(progress["timestamp"]).tzinfo is not None


async def test_a_session_is_followed_from_rest_through_a_question_to_its_end(
    house: Scene, page: Client
) -> None:
    accepted = await house.upload(("days.csv", EITHER_WAY))
    session = accepted["jobs"][0]["job_id"]
    asked = await house.asked(session)
    first = await page.ask("session", sessionId=session)
    assert first["status"] == 200
    check_progress(first["body"], session)
    assert (first["body"]["hasClarifications"], first["body"]["clarificationCount"]) == (True, 1)
    await page.ask("mount", sessionId=session)
    told = await page.until(lambda one: (one.get("progress") or {}).get("sessionId") == session)
    check_progress(told["progress"], session)
    (question,) = told["clarifications"]  # asked before it listened
    assert (question["clarificationId"], question["status"]) == (asked, "pending")
    assert question["question"]
    answer = {"clarificationId": asked, "answer": "mdy"}
    got = await page.ask("respond", **answer)
    assert got["status"] == 200
    done = await page.until(
        lambda one: one.get("isCompleted") and one["progress"]["status"] == "COMPLETED"
    )
    check_progress(done["progress"], session)
    assert (done["progress"]["progress"], done["progress"]["hasResult"]) == (100, True)
    assert [one["status"] for one in done["clarifications"]][-1] == "answered"
    assert {one["clarificationId"] for one in done["clarifications"]} == {asked}
    again = await page.ask("respond", **answer)
    assert again["status"] == 409
    last = await page.ask("session", sessionId=session)
    assert last["body"]["status"] == "COMPLETED"


async def test_models_that_read_an_invoice_are_told_one_by_one(
    house: Scene, page: Client, tmp_path: Path
) -> None:
    marks = [
        Line(60, 60, "Nordwind Segel GmbH", size=16, bold=True),
        Line(60, 160, "Rechnung", size=14, bold=True),
        Line(60, 190, "Rechnungsnummer: RE-1"),
        Line(60, 205, "Rechnungsdatum: 03.04.2026"),
        Line(60, 400, "Gesamtbetrag: 119,00 EUR", bold=True),
    ]
    pdf = pdf_of(tmp_path, [marks], name="RE-1.pdf").read_bytes()
    accepted = await house.upload(("coffee.csv", COFFEE), ("RE-1.pdf", pdf))
    session = accepted["batch_id"]
    await page.ask("mount", sessionId=session)
    done = await page.until(lambda one: one.get("isCompleted") and one["modelResults"] != [])
    check_progress(done["progress"], session)
    for result in done["modelResults"]:
        assert result["sessionId"] == session
        assert result["modelName"]
        assert result["provider"]
        assert result["status"] in {"processing", "completed", "failed"}
        assert "timestamp" in result
        if result["status"] == "completed":
            assert result["duration"] >= 0
            assert isinstance(result["result"], str)


async def test_the_example_follows_several_sessions_over_a_cut(house: Scene) -> None:
    async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
        await example.ask("connect")
        connected = (await example.until(lambda one: one.get("event") == "connected"))["data"]
        assert connected["socketId"]
        assert datetime.fromisoformat(connected["timestamp"])
        assert await example.ask("transport") == "websocket"
        preview = {"auto_save": False}
        asking = await house.upload(("a.csv", COFFEE + b"2025-02-01,Rye,-9\n"), options=preview)
        failing = await house.upload(("diary.csv", NO_TABLE))
        first, second = (one["jobs"][0]["job_id"] for one in (asking, failing))
        for session in (first, second):
            await example.ask("subscribe", sessionId=session)
            told = await example.until(
                lambda one, session=session: (
                    one.get("event") == "subscribed" and one["data"]["sessionId"] == session
                )
            )
            assert datetime.fromisoformat(told["data"]["timestamp"])
        await example.until(
            lambda one: one.get("event") == "error" and one["data"]["sessionId"] == second
        )
        asked = await house.asked(first)
        before = len(example.told)
        house.network.cut()
        await example.until(lambda one: one.get("event") == "disconnect", before)
        await house.answer(asked, "save")
        await house.finished(asking)
        house.network.mend()
        await example.until(lambda one: one.get("event") == "reconnect", before)
        await example.until(
            lambda one: (
                one.get("event") == "progress"
                and one["data"]["sessionId"] == first
                and one["data"]["status"] == "COMPLETED"
            ),
            before,
        )
        state = await example.ask("state", sessionId=first)
        check_progress(state["state"], first)
        places = [event["data"]["seq"] for event in state["events"]]
        assert places == sorted(places)  # sorted by time, they are in their order
        failed = await example.ask("state", sessionId=second)
        assert failed["state"]["status"] == "FAILED"


async def test_the_example_survives_a_killed_server_also_by_polling(house: Scene) -> None:
    async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
        await example.ask("connect", transports=["polling"])
        await example.until(lambda one: one.get("event") == "connected")
        assert await example.ask("transport") == "polling"
        preview = {"auto_save": False}
        accepted = await house.upload(("b.csv", COFFEE + b"2025-03-01,Fig,-7\n"), options=preview)
        session = accepted["jobs"][0]["job_id"]
        await example.ask("subscribe", sessionId=session)
        asked = await house.asked(session)
        before = len(example.told)
        await house.kill()
        await example.until(lambda one: one.get("event") == "disconnect", before)
        await house.restart()
        await example.until(lambda one: one.get("event") == "reconnect", before)
        await example.until(lambda one: one.get("event") == "subscribed", before)
        await house.answer(asked, "save")
        await example.until(lambda one: one.get("event") == "completed", before)
        await example.ask("unsubscribe", sessionId=session)
        await example.until(lambda one: one.get("event") == "unsubscribed", before)
        await example.ask("close")
        await house.until_nobody_listens()


async def test_what_is_no_session_of_ones_own_is_refused(house: Scene) -> None:
    async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
        await example.ask("connect")
        await example.until(lambda one: one.get("event") == "connected")
        for wrong in (UNKNOWN, "no-uuid", {"a": 1}, None):
            before = len(example.told)
            await example.ask("emit", event="subscribe", data=wrong)
            told = await example.until(lambda one: one.get("event") == "error", before)
            assert isinstance(told["data"]["error"], str)


async def test_subscribing_too_often_is_refused(house: Scene) -> None:
    accepted = await house.upload(("c.csv", COFFEE))
    session = accepted["jobs"][0]["job_id"]
    async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
        await example.ask("connect")
        await example.until(lambda one: one.get("event") == "connected")
        while not (errors := [one for one in example.told if one.get("event") == "error"]):
            await example.ask("emit", event="subscribe", data=session)
        assert errors[0]["data"]["retry_after"] > 0


async def test_the_example_in_python_hears_a_session_to_its_end(house: Scene) -> None:
    preview = {"auto_save": False}
    accepted = await house.upload(("d.csv", COFFEE + b"2025-04-01,Oat,-5\n"), options=preview)
    session = accepted["jobs"][0]["job_id"]
    asked = await house.asked(session)
    arguments = (house.network.url, house.listen_token, session)
    async with house.program(sys.executable, "sessions/websocket_client.py", *arguments) as client:
        await client.until(lambda one: one.get("event") == "subscribed")
        waiting = await client.until(lambda one: one.get("event") == "progress")
        check_progress(waiting["data"], session)
        await house.answer(asked, "save")
        done = await client.until(lambda one: one.get("event") == "completed")
        assert json.dumps(done["data"]["result"])
        assert set(done["data"]) >= {"sessionId", "result", "timestamp"}
        await client.until(lambda one: "ended" in one)


async def test_wscat_opens_the_socket_as_the_check_says(house: Scene) -> None:
    url = house.network.url.replace("http", "ws")
    address = f"{url}/socket.io/?EIO=4&transport=websocket&token={house.listen_token}"
    wscat = "node_modules/.bin/wscat"
    async with house.program(wscat, "--connect", address, "--execute", "40", "--wait", "60") as cat:
        opened = await cat.until(lambda one: one.get("line", "").startswith("0{"))
        assert json.loads(opened["line"][1:])["pingInterval"] > 0
        await cat.until(lambda one: one.get("line", "").startswith("40{"))
        await cat.until(lambda one: one.get("line", "").startswith('42["connected",'))


async def test_while_the_socket_is_refused_rest_tells_how_things_are(house: Scene) -> None:
    async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
        await example.ask("connect")
        await example.until(lambda one: one.get("event") == "connected")
        preview = {"auto_save": False}
        accepted = await house.upload(("g.csv", COFFEE + b"2025-08-01,Pea,-4\n"), options=preview)
        session = accepted["jobs"][0]["job_id"]
        await example.ask("subscribe", sessionId=session)
        asked = await house.asked(session)
        before = len(example.told)
        house.network.cut()
        await example.until(lambda one: one.get("event") == "connect_error", before)
        await house.answer(asked, "save")
        await house.finished(accepted)
        house.network.mend()
        await example.until(lambda one: one.get("event") == "reconnect", before)
        state = await example.ask("state", sessionId=session)
        check_progress(state["state"], session)


async def test_a_page_that_is_left_hangs_up(house: Scene, page: Client) -> None:
    accepted = await house.upload(("h.csv", COFFEE))
    await page.ask("mount", sessionId=accepted["batch_id"])
    await page.until(lambda one: one.get("connected"))
    assert await house.connections() != []
    await page.ask("unmount")
    await house.until_nobody_listens()


async def test_the_log_says_who_came_and_what_was_subscribed(house: Scene) -> None:
    async with house.http() as http:
        query = {"on": True, "seconds": 60}
        async with house.node("sessions/run-example.js", TOKEN=house.token) as example:
            await example.ask("connect")
            await example.until(lambda one: one.get("event") == "connected")
            (connection,) = await house.connections()
            client = (await example.until(lambda one: one.get("event") == "connect"))["data"]["id"]
            await house.process.line(f"Socket.IO client connected: client={client}")
            path = f"/api/v1/websocket/connections/{connection['id']}/log"
            async with http.post(path, json=query) as answer:
                assert answer.status == 200, await answer.text()
            accepted = await house.upload(("i.csv", COFFEE))
            session = accepted["jobs"][0]["job_id"]
            await example.ask("subscribe", sessionId=session)
            await example.until(lambda one: one.get("event") == "subscribed")
            async with http.get(path) as answer:
                frames = (await answer.json())["frames"]
    assert any(session in json.dumps(frame) for frame in frames)


async def test_a_page_of_a_site_that_nobody_named_gets_no_socket(house: Scene) -> None:
    variables = {"COOKIE": house.cookie, "PAGE": "http://evil.example"}
    async with house.node("sessions/run.js", **variables) as page:
        await page.ask("mount", sessionId=UNKNOWN)
        await house.network.until_tried(3)
        assert not any(one.get("connected") for one in page.told)
