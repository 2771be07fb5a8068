"""System A's own front end, unchanged: friendly steps of each file, in its store and shown."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
import socketio

from app.core.messages import FIXED
from tests.integration.reference import (
    COFFEE,
    EITHER_WAY,
    LONGEST_S,
    NO_TABLE,
    Client,
    Scene,
    scene,
)
from tests.integration.serving import token_of, upload, with_user

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("conversational")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: Scene) -> AsyncIterator[Client]:
    """The page, open and connected by its query parameters alone."""
    variables = {"USER_ID": house.user_id, "TOKEN": house.listen_token}
    async with house.node("conversational/run.js", **variables) as client:
        await client.ask("mount")
        await client.until(lambda one: one.get("badge") == "Connected")
        yield client


def file_in(told: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Return what the store says of a job, {} while it says nothing."""
    found: dict[str, Any] = told.get("files", {}).get(job_id, {})
    return found


async def test_a_file_is_told_in_friendly_steps_to_its_end(house: Scene, page: Client) -> None:
    accepted = await house.upload(("coffee.csv", COFFEE))
    job_id = accepted["jobs"][0]["job_id"]
    done = file_in(await page.until(lambda one: "completedAt" in file_in(one, job_id)), job_id)
    assert done["overallProgress"] == 100
    assert done["filename"] == "coffee.csv"
    assert {step["status"] for step in done["steps"]} == {"complete"}
    said = [step["message"] for step in done["steps"]]
    assert any("coffee.csv" in message for message in said)
    assert {step["step"] for step in done["steps"]} >= {"duplicate_check", "extracting", "storing"}
    assert all(isinstance(step["timestamp"], (int, float)) for step in done["steps"])
    steps = [step["step"] for step in done["steps"]]
    assert steps.index("duplicate_check") < steps.index("extracting") < steps.index("storing")
    assert set(steps) & set(FIXED)
    shown = await page.until(
        lambda one: any(file["complete"] for file in one.get("shown", []) if file["file"] == job_id)
    )
    assert shown["shown"][-1]["progress"] == 100
    assert shown["broken"] is None
    assert job_id in [
        file["fileId"] for file in await page.ask("store", call="getCompletedFiles", args=[])
    ]


async def test_a_failure_is_told_as_the_files_error(house: Scene, page: Client) -> None:
    accepted = await house.upload(("diary.csv", NO_TABLE))
    job_id = accepted["jobs"][0]["job_id"]
    failed = file_in(await page.until(lambda one: "error" in file_in(one, job_id)), job_id)
    assert isinstance(failed["error"], str)
    assert failed["steps"][-1]["status"] == "error"
    assert "completedAt" not in failed
    shown = await page.until(
        lambda one: any(file["alert"] for file in one.get("shown", []) if file["file"] == job_id)
    )
    assert shown["broken"] is None


async def test_a_question_that_was_answered_while_the_network_was_away_is_caught_up_with(
    house: Scene, page: Client
) -> None:
    accepted = await house.upload(("days.csv", EITHER_WAY))
    job_id = accepted["jobs"][0]["job_id"]
    asked = await house.asked(job_id)
    await page.until(lambda one: file_in(one, job_id) != {})
    before = len(page.told)
    house.network.cut()
    await page.until(lambda one: one.get("badge") == "Disconnected", before)
    await house.answer(asked, "mdy")
    await house.finished(accepted)
    house.network.mend()
    await page.until(lambda one: one.get("badge") == "Connected", before)
    done = file_in(await page.until(lambda one: "completedAt" in file_in(one, job_id)), job_id)
    assert done["overallProgress"] == 100


async def test_a_page_goes_on_when_the_server_is_killed_and_comes_back(
    house: Scene, page: Client
) -> None:
    more = COFFEE + b"2025-01-05,Bread,-4.40\n"
    accepted = await house.upload(("more.csv", more), options={"auto_save": False})
    job_id = accepted["jobs"][0]["job_id"]
    asked = await house.asked(job_id)
    await page.until(lambda one: file_in(one, job_id) != {})
    before = len(page.told)
    await house.kill()
    await page.until(lambda one: one.get("badge") == "Disconnected", before)
    await house.restart()
    await page.until(lambda one: one.get("badge") == "Connected", before)
    await house.answer(asked, "save")
    done = file_in(await page.until(lambda one: "completedAt" in file_in(one, job_id)), job_id)
    assert done["overallProgress"] == 100


async def test_a_page_that_is_left_hangs_up(house: Scene, page: Client) -> None:
    assert await house.connections() != []
    await page.ask("unmount")
    await house.until_nobody_listens()


async def test_the_store_does_what_its_components_ask(page: Client) -> None:
    step = {"step": "extracting", "message": "Reading", "status": "in_progress", "progress": 25}
    for call, args in (
        ("addStep", ["a", step]),
        ("updateProgress", ["a", 30]),
        ("addStep", ["b", step]),
        ("setError", ["b", "Processing failed"]),
        ("addStep", ["c", step]),
        ("markComplete", ["c"]),
    ):
        await page.ask("store", call=call, args=args)
    active = await page.ask("store", call="getActiveFiles", args=[])
    assert [(file["fileId"], file["overallProgress"]) for file in active] == [("a", 30)]


class Hearing:
    """A program with python-socketio's asynchronous client, and every event that it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._more = asyncio.Event()
        self.client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5)
        self.client.on("*", self._take)

    def _take(self, name: str, payload: dict[str, Any]) -> None:
        self.heard.append((name, payload))
        self._more.set()

    async def until(self, name: str, job_id: str) -> dict[str, Any]:
        """Wait until an event of that name was heard of the job; return it."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                for one, payload in self.heard:
                    if one == name and payload["job_id"] == job_id:
                        return payload
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def hearing(house: Scene, user_id: str, token: str) -> AsyncIterator[Hearing]:
    program = Hearing()
    url = f"{house.network.url}?{urlencode({'user_id': user_id, 'session_token': token})}"
    await program.client.connect(url, transports=["websocket"])
    try:
        yield program
    finally:
        await program.client.disconnect()


async def test_every_payload_has_the_fields_of_the_reference(house: Scene) -> None:
    async with hearing(house, house.user_id, house.listen_token) as program:
        good = await house.upload(("fields.csv", COFFEE + b"2025-06-01,Nut,-3\n"))
        bad = await house.upload(("diary.csv", NO_TABLE))
        good_id, bad_id = (one["jobs"][0]["job_id"] for one in (good, bad))
        done = await program.until("job_complete", good_id)
        failed = await program.until("job_error", bad_id)
    assert (done["fileId"], done["progress"]) == (good_id, 100)
    assert isinstance(failed["error"], str)
    assert set(failed) >= {"fileId", "job_id", "error", "message", "timestamp"}
    updates = [payload for name, payload in program.heard if name == "job_update"]
    aliases = [payload for name, payload in program.heard if name == "file_progress"]
    assert updates == aliases
    for update in updates:
        assert update["fileId"] == update["job_id"]
        assert isinstance(update["step"], str)
        assert update["message"]
        assert isinstance(update["progress"], int)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", update["timestamp"])
        assert isinstance(update["extra"], dict)
    assert any(update["extra"].get("filename") == "fields.csv" for update in updates)
    places = [update["seq"] for update in updates]
    assert places == sorted(set(places))


async def test_a_copy_says_what_was_there_before(house: Scene) -> None:
    async with hearing(house, house.user_id, house.listen_token) as program:
        first = await house.upload(("once.csv", COFFEE + b"2025-07-01,Plum,-2\n"))
        await house.finished(first)
        again = await house.upload(("twice.csv", COFFEE + b"2025-07-01,Plum,-2\n"))
        job_id = again["jobs"][0]["job_id"]
        await program.until("job_complete", job_id)
    (told,) = [
        payload
        for name, payload in program.heard
        if name == "job_update"
        and payload["job_id"] == job_id
        and payload["step"] == "duplicate_found"
        and payload["extra"].get("duplicate_info")
    ][:1]
    assert told["extra"]["duplicate_info"]["kind"] == "duplicate_found"


async def test_nothing_of_others_is_heard(house: Scene) -> None:
    bob = with_user(house.settings, f"bob-{os.urandom(4).hex()}")
    async with house.process.client(token_of(house.settings, bob.name)) as http:
        ask = {"kind": "listen"}
        async with http.post("/api/v1/auth/websocket-token", json=ask) as answer:
            token = (await answer.json())["token"]
        async with hearing(house, bob.id, token) as program:
            await house.finished(await house.upload(("hers.csv", COFFEE)))
            mine = await upload(http, ("his.csv", COFFEE))
            await program.until("job_complete", mine["jobs"][0]["job_id"])
    ours = {mine["jobs"][0]["job_id"]}
    assert {payload["job_id"] for name, payload in program.heard if "job_id" in payload} == ours


@pytest.mark.parametrize("token", ["", "none", "somebody"])
async def test_who_is_not_who_they_say_is_refused(house: Scene, token: str) -> None:
    user_id = house.user_id
    if token == "somebody":  # a good token, and the id of somebody else
        token, user_id = house.listen_token, "01936d2e-0000-7000-8000-000000000001"
    with pytest.raises(socketio.exceptions.ConnectionError):
        async with hearing(house, user_id, token):
            pass
