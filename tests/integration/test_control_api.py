"""Steering over HTTP, the socket and forms: what each answers, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    files_form,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with server.client("ann") as client:
        yield client


def csv(number: int) -> bytes:
    return f"Date,Description,Amount\n2026-01-0{number},REWE,-3.20\n".encode()


async def many(ann: aiohttp.ClientSession, files: int = 4) -> dict[str, Any]:
    return await upload(ann, *((f"{n}.csv", csv(n)) for n in range(1, files + 1)))


async def post(client: aiohttp.ClientSession, path: str, status: int = 202, **body: Any) -> Any:
    async with client.post(f"/api/v1{path}", json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None)


async def settled(client: aiohttp.ClientSession, accepted: dict[str, Any], status: str) -> None:
    """Wait until every job of the batch has `status`."""
    left = {job["job_id"] for job in accepted["jobs"]}
    room = f"batch:{accepted['batch_id']}"
    async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "room": room, "after": 0})
        async for message in socket:
            event = message.json()
            if event.get("status") == status:
                left.discard(event.get("job_id"))
            if not left:
                return


async def test_a_batch_is_paused_and_goes_on(ann: aiohttp.ClientSession) -> None:
    accepted = await many(ann)
    told = await post(ann, f"/batches/{accepted['batch_id']}/pause")
    assert (told["done"], told["not_done"]) == (4, 0)
    await settled(ann, accepted, "paused")
    assert (await post(ann, f"/batches/{accepted['batch_id']}/pause"))["done"] == 0
    assert (await post(ann, f"/batches/{accepted['batch_id']}/resume"))["done"] == 4
    assert {state["status"] for state in await ended(ann, accepted)} == {"completed"}


async def test_a_batch_is_cancelled_retried_and_undone(ann: aiohttp.ClientSession) -> None:
    accepted = await many(ann)
    batch = f"/batches/{accepted['batch_id']}"
    told = await post(ann, f"{batch}/cancel")
    assert (told["done"], told["batch"]["counts"]) == (4, {"cancelled": 4})
    assert (await post(ann, f"{batch}/undo"))["done"] == 0
    assert (await post(ann, f"{batch}/retry"))["done"] == 4
    await settled(ann, accepted, "completed")
    assert (await post(ann, f"{batch}/retry"))["done"] == 0
    assert (await post(ann, f"{batch}/undo"))["done"] == 4
    states = [await state_of(ann, job["job_id"]) for job in accepted["jobs"]]
    assert all(state["undone"] for state in states)


async def test_the_socket_steers_like_the_api(ann: aiohttp.ClientSession) -> None:
    accepted = await many(ann, 2)
    last = accepted["jobs"][-1]["job_id"]
    async with ann.ws_connect("/ws?frames=single") as socket:

        async def ask(op: str) -> str:
            await socket.send_json({"op": op, "id": op, "job_id": last})
            async for message in socket:
                answer = message.json()
                if answer.get("id") == op:
                    return str(answer.get("code", answer["type"]))
            raise AssertionError("the socket ended")

        assert [await ask(op) for op in ("pause", "pause", "resume", "cancel", "retry")] == (
            ["ok"] * 5
        )
    await settled(ann, accepted, "completed")


async def test_a_deleted_job_is_found_no_more(ann: aiohttp.ClientSession, server: Server) -> None:
    accepted = await many(ann, 1)
    (job,) = await ended(ann, accepted)
    (stored,) = server.settings.files_dir.glob("??/??/*")
    for status in (204, 404):
        async with ann.delete(f"/api/v1/jobs/{job['job_id']}") as answer:
            assert answer.status == status
    async with ann.get(f"/api/v1/jobs?batch_id={accepted['batch_id']}") as answer:
        assert (await answer.json())["jobs"] == []
    assert not stored.exists()
    again = await many(ann, 1)
    (state,) = await ended(ann, again)
    assert state["result"]["new_rows"] == 1, "nothing of the deleted one is known any more"


async def test_a_file_of_two_jobs_outlives_one_of_them(ann: aiohttp.ClientSession) -> None:
    first, second = await many(ann, 1), await many(ann, 1)
    (job,), (other,) = await ended(ann, first), await ended(ann, second)
    async with ann.delete(f"/api/v1/jobs/{job['job_id']}") as answer:
        assert answer.status == 204
    async with ann.get(f"/api/v1/jobs/{other['job_id']}/original") as answer:
        assert await answer.read() == csv(1)


async def test_a_priority_comes_with_an_upload_or_later(ann: aiohttp.ClientSession) -> None:
    form = files_form(("1.csv", csv(1)), ("2.csv", csv(2)), options='{"priority": "high"}')
    async with ann.post("/api/v1/batches", data=form) as answer:
        accepted = await answer.json()
    last = accepted["jobs"][-1]["job_id"]
    assert (await state_of(ann, last))["priority"] == 1
    await post(ann, f"/batches/{accepted['batch_id']}/pause")
    await settled(ann, accepted, "paused")
    assert (await post(ann, f"/jobs/{last}/priority", 200, priority="low"))["priority"] == -1
    await post(ann, f"/jobs/{last}/priority", 400, priority="urgent")


async def test_a_retry_takes_a_step_and_input(ann: aiohttp.ClientSession) -> None:
    accepted = await many(ann, 1)
    (job,) = await ended(ann, accepted)
    path = f"/jobs/{job['job_id']}/retry"
    await post(ann, path, 409)
    await post(ann, path, 400, from_step="no such step")
    await post(ann, path, 400, from_step="extracting", input={"date_order:Date": ["dmy"]})
    told = await post(ann, path, from_step="extracting", input={"date_order:Date": "dmy"})
    assert told["attempt"] == 2


@pytest.mark.parametrize("op", ["pause", "resume", "cancel"])
async def test_forms_lead_back_to_the_page(ann: aiohttp.ClientSession, op: str) -> None:
    accepted = await many(ann, 2)
    job, batch = accepted["jobs"][-1]["job_id"], accepted["batch_id"]
    for path in (f"/jobs/{job}", f"/batches/{batch}"):
        async with ann.post(f"{path}/{op}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, path)
    form = {"priority": "high"}
    async with ann.post(f"/jobs/{job}/priority", data=form, allow_redirects=False) as answer:
        assert answer.status == (409 if op == "cancel" else 303)
    async with ann.post(f"/jobs/{job}/delete", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
