"""System D's own modal and script, unchanged: an upload whose batch the client names beforehand."""

import json
import sys
import uuid
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.reference import (
    COFFEE,
    EITHER_WAY,
    NO_TABLE,
    Client,
    Scene,
    file_of,
    scene,
)
from tests.integration.serving import token_of, with_user

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]

STAGES = {
    "validation": (0, 20),
    "scanning": (20, 40),
    "parsing": (40, 60),
    "database": (60, 80),
    "categorization": (80, 100),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("uploads")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def modal(house: Scene) -> AsyncIterator[Client]:
    async with house.node("uploads/run.js", COOKIE=house.cookie) as client:
        yield client


def frames(client: Client) -> list[dict[str, Any]]:
    """Return every message that came over the modal's sockets, but pongs."""
    return [json.loads(frame) for frame in client.all("frame") if frame != "pong"]


def check(messages: list[dict[str, Any]]) -> None:
    """Every message has the fields of the reference, and the stages come in their ranges."""
    batch_id = messages[0]["batch_id"]
    assert messages[0]["status"] == "connected"
    for message in messages:
        assert message["batch_id"] == batch_id
        assert message["status"] in {"processing", "completed", "error", "connected"}, message
        assert isinstance(message["progress"], (int, float))
        assert isinstance(message["message"], str)
        assert message["timestamp"].endswith("Z")
        assert isinstance(message.get("details") or {}, dict)
        if message.get("stage") in STAGES and message["status"] == "processing":
            low, high = STAGES[message["stage"]]
            assert low <= message["progress"] <= high, message
    told = [message["progress"] for message in messages if message["status"] != "connected"]
    assert all(before <= after for before, after in pairwise(told)), told


def status(told: dict[str, Any]) -> str | None:
    return str(told["state"]["status"]) if "state" in told else None


async def test_the_modal_follows_its_upload_through_every_stage(
    house: Scene, modal: Client
) -> None:
    await modal.ask("mount", file=file_of("coffee.csv", COFFEE))
    done = (await modal.until(lambda one: status(one) == "completed"))["state"]
    assert (done["progress"], done["error"], done["uploadError"]) == (100, None, None)
    heard = frames(modal)
    check(heard)
    assert [m["stage"] for m in heard if m.get("stage") in STAGES]
    assert {m["stage"] for m in heard} >= set(STAGES)
    assert any(m.get("details", {}).get("filename") == "coffee.csv" for m in heard)
    assert any(m.get("details", {}).get("size") == len(COFFEE) for m in heard)
    assert any({"processed", "total", "errors"} <= set(m.get("details") or {}) for m in heard)
    assert "pong" in modal.all("frame")
    seen = await modal.ask("seen")
    assert (seen["width"], seen["alert"]) == ("100%", None)
    assert seen["colour"] == "bg-indigo-500"  # of the last stage
    assert seen["size"] == f"coffee.csv: {len(COFFEE)} bytes"
    assert seen["rows"] == "2 of 2 rows"
    assert set(seen["done"]) == {"true"}


async def test_a_file_that_can_not_be_read_is_shown_with_its_reason(
    house: Scene, modal: Client
) -> None:
    await modal.ask("mount", file=file_of("diary.csv", NO_TABLE))
    failed = (await modal.until(lambda one: status(one) == "error"))["state"]
    assert isinstance(failed["error"], str)
    check(frames(modal))
    assert (await modal.ask("seen"))["alert"] == failed["error"]


async def test_the_modal_comes_back_with_a_fresh_ticket_after_a_cut(
    house: Scene, modal: Client
) -> None:
    await modal.ask("mount", file=file_of("days.csv", EITHER_WAY))
    told = await modal.until(lambda one: status(one) == "processing")
    batch_id = told["state"]["batchId"]
    asked = await house.asked(await house.only_job(batch_id))
    before = len(modal.told)
    house.network.cut()
    await modal.until(lambda one: "state" in one and not one["state"]["isConnected"], before)
    await house.answer(asked, "mdy")
    house.network.mend()
    await modal.until(lambda one: one.get("closed") == 4001, before)  # a ticket is for once
    done = (await modal.until(lambda one: status(one) == "completed", before))["state"]
    assert done["progress"] == 100


async def test_the_modal_goes_on_when_the_server_is_killed_and_comes_back(
    house: Scene, modal: Client
) -> None:
    # Its columns are told apart from those before: it asks again.
    await modal.ask("mount", file=file_of("plans.csv", EITHER_WAY.replace(b"Amount", b"Betrag")))
    told = await modal.until(lambda one: status(one) == "processing")
    batch_id = told["state"]["batchId"]
    asked = await house.asked(await house.only_job(batch_id))
    before = len(modal.told)
    await house.kill()
    await modal.until(lambda one: "state" in one and not one["state"]["isConnected"], before)
    await house.restart()
    await modal.until(lambda one: "state" in one and one["state"]["isConnected"], before)
    await house.answer(asked, "mdy")
    done = (await modal.until(lambda one: status(one) == "completed", before))["state"]
    assert done["progress"] == 100


async def test_a_modal_that_is_closed_hangs_up(house: Scene, modal: Client) -> None:
    await modal.ask("mount", file=file_of("shut.csv", COFFEE + b"2025-09-01,Oil,-8\n"))
    await modal.until(lambda one: "state" in one and one["state"]["isConnected"])
    await modal.ask("unmount")
    await house.until_nobody_listens()


async def test_the_script_gets_a_token_pongs_and_an_uploads_messages(house: Scene) -> None:
    batch_id = str(uuid.uuid4())
    arguments = (house.network.url, house.token, batch_id)
    async with house.program(sys.executable, "uploads/websocket_script.py", *arguments) as script:
        connected = await script.until(lambda one: one.get("status") == "connected")
        assert connected["batch_id"] == batch_id
        await script.until(lambda one: one.get("type") == "pong")
        await script.until(lambda one: one.get("line") == "pong")
        form = aiohttp.FormData({"batch_id": batch_id})
        form.add_field("file", COFFEE + b"2025-05-01,Ale,-6\n", filename="e.csv")
        async with house.http() as http, http.post("/api/v1/upload/csv", data=form) as answer:
            assert answer.status in (200, 202), await answer.text()
            assert (await answer.json())["batch_id"] == batch_id
        await script.until(lambda one: one.get("status") == "completed")
        await script.until(lambda one: "ended" in one)


async def test_nobody_follows_an_upload_without_a_ticket_or_somebody_elses(house: Scene) -> None:
    batch_id = (await house.upload(("f.csv", COFFEE)))["batch_id"]
    bob = with_user(house.settings, "bob")
    async with (
        house.process.client(token_of(house.settings, bob.name)) as his,
        his.post("/api/v1/auth/websocket-token") as answer,
    ):
        ticket = (await answer.json())["token"]
    async with aiohttp.ClientSession(house.process.url) as stranger:
        for token, code in (("", 4001), ("?token=none", 4001), (f"?token={ticket}", 4003)):
            socket = await stranger.ws_connect(f"/ws/upload-progress/{batch_id}{token}")
            told = await socket.receive()
            assert told.type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == code
