"""What is stored already, over HTTP: asked about, decided row by row, taken back."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from app.settings import Settings
from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    serving,
    state_of,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2026-01-02,Coffee,-3.00\n2026-01-03,Tea,-4.00\n"
MORE = CSV + b"2026-01-04,Cake,-5.00\n"


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    with_user(settings, "ann")
    with_user(settings, "bob")
    async with serving(settings, warm=True) as running:
        yield running


async def first(ann: aiohttp.ClientSession, content: bytes = CSV) -> dict[str, Any]:
    (job,) = await ended(ann, await upload(ann, ("a.csv", content)))
    assert job["status"] == "completed"
    return job


async def bring(ann: aiohttp.ClientSession, content: bytes, wish: str) -> str:
    form = files_form(("b.csv", content), options=f'{{"on_duplicate": "{wish}"}}')
    async with ann.post("/api/v1/batches", data=form) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["jobs"][0]["job_id"])


async def question_of(ann: aiohttp.ClientSession, job: str) -> dict[str, Any]:
    (asked,) = [
        event
        for event in await followed(ann, f"job:{job}", "clarification_requested")
        if event["type"] == "clarification_requested"
    ]
    async with ann.get(f"/api/v1/clarifications/{asked['clarification_id']}") as answer:
        return dict(await answer.json())


async def answered(
    ann: aiohttp.ClientSession, asked: dict[str, Any], answer: str
) -> dict[str, Any]:
    path = f"/api/v1/clarifications/{asked['clarification_id']}/answer"
    async with ann.post(path, json={"answer": answer}) as response:
        assert response.status == 200, await response.text()
    await followed(ann, f"job:{asked['job_id']}", "processing_completed")
    return await state_of(ann, asked["job_id"])


async def delta(ann: aiohttp.ClientSession, job: str) -> tuple[int, int, int]:
    async with ann.get(f"/api/v1/jobs/{job}/delta") as answer:
        found = await answer.json()
    return found["new_rows"], found["existing_rows"], found["kept_rows"]


async def test_asked_about_a_copy_skip_leaves_it_out(ann: aiohttp.ClientSession) -> None:
    original = await first(ann)
    asked = await question_of(ann, await bring(ann, CSV, "ask"))
    assert (asked["kind"], asked["default"]) == ("duplicate", "skip")
    assert asked["evidence"]["near"][0]["job_id"] == original["job_id"]
    state = await answered(ann, asked, "skip")
    assert state["result"]["duplicate_of"] == original["job_id"]


async def test_a_guest_who_sees_the_question_is_told_of_no_other_file(
    ann: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    original = await first(ann)
    job = await bring(ann, CSV, "ask")
    asked = await question_of(ann, job)
    assert (asked["why"], asked["evidence"]["near"][0]["filename"]) == (
        "The other one is called a.csv.",
        "a.csv",
    )
    async with ann.post("/api/v1/shares", json={"room": f"job:{job}"}) as answer:
        token = (await answer.json())["token"]
    async with stranger.post("/api/v1/auth/share", json={"token": token}) as answer:
        assert answer.status == 200
    for path in (
        f"/api/v1/clarifications?job_id={job}",
        f"/api/v1/clarifications/{asked['clarification_id']}",
        f"/api/v1/jobs/{job}",
        f"/api/v1/jobs/{job}/events",
        f"/jobs/{job}",
    ):
        async with stranger.get(path) as answer:
            assert answer.status == 200, path
            seen = await answer.text()
        assert "exact copy of a file" in seen, path
        assert "a.csv" not in seen, path
        assert original["job_id"] not in seen, path


@pytest.mark.parametrize(("answer", "counts"), [("keep", (2, 0, 2)), ("merge", (0, 2, 0))])
async def test_asked_about_a_copy_the_answer_also_counts_for_its_rows(
    ann: aiohttp.ClientSession, answer: str, counts: tuple[int, int, int]
) -> None:
    await first(ann)
    asked = await question_of(ann, await bring(ann, CSV, "ask"))
    state = await answered(ann, asked, answer)
    assert "duplicate_of" not in state["result"]
    assert await delta(ann, state["job_id"]) == counts


async def test_asked_about_known_rows_only_the_new_ones_may_be_stored(
    ann: aiohttp.ClientSession,
) -> None:
    await first(ann)
    asked = await question_of(ann, await bring(ann, MORE, "ask"))
    assert (asked["evidence"]["new_rows"], asked["evidence"]["existing_rows"]) == (1, 2)
    state = await answered(ann, asked, "skip")
    assert await delta(ann, state["job_id"]) == (1, 2, 0)


async def test_known_rows_are_decided_one_by_one_afterwards(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    await first(ann)
    job = (await first(ann, MORE))["job_id"]
    path = f"/api/v1/jobs/{job}/delta"
    async with ann.post(path, json={"state": "new", "rows": [2, 3, 99]}) as answer:
        found = await answer.json()
    assert found["changed"] == 1
    assert await delta(ann, job) == (2, 1, 1)
    async with ann.get(f"/api/v1/jobs/{job}/rows") as answer:
        assert [row["state"] for row in (await answer.json())["rows"]] == ["known", "new", "new"]
    async with ann.post(path, json={"state": "known"}) as answer:
        assert (await answer.json())["changed"] == 1
    assert await delta(ann, job) == (1, 2, 0)
    async with bob.post(path, json={"state": "known"}) as answer:
        assert answer.status == 404


async def test_a_copy_of_what_was_taken_back_can_be_read_after_all(
    ann: aiohttp.ClientSession,
) -> None:
    original = await first(ann)
    copy = await bring(ann, CSV, "skip")
    await followed(ann, f"job:{copy}", "processing_completed")
    async with ann.post(f"/api/v1/jobs/{original['job_id']}/undo") as answer:
        assert answer.status == 200
    after = (await state_of(ann, copy))["last_seq"]
    async with ann.post(f"/api/v1/jobs/{copy}/retry", json={"from_step": "duplicate_check"}) as r:
        assert r.status == 202, await r.text()
    await followed(ann, f"job:{copy}", "processing_completed", after)
    assert await delta(ann, copy) == (2, 0, 0)
    async with ann.post(f"/api/v1/jobs/{copy}/undo") as answer:
        assert (await answer.json())["rows"] == 2


async def test_undo_of_a_copy_takes_nothing_back(ann: aiohttp.ClientSession) -> None:
    original = await first(ann)
    copy = await bring(ann, CSV, "skip")
    await followed(ann, f"job:{copy}", "processing_completed")
    async with ann.post(f"/api/v1/jobs/{copy}/undo") as answer:
        assert (answer.status, (await answer.json())["rows"]) == (200, 0)
    assert await delta(ann, original["job_id"]) == (2, 0, 0)


async def test_undo_hands_rows_over_to_the_file_that_was_left_with_less(
    ann: aiohttp.ClientSession,
) -> None:
    original = await first(ann)
    later = (await first(ann, MORE))["job_id"]
    assert await delta(ann, later) == (1, 2, 0)
    async with ann.post(f"/api/v1/jobs/{original['job_id']}/undo") as answer:
        assert (await answer.json())["rows"] == 2
    assert await delta(ann, later) == (3, 0, 0)


async def test_an_unknown_wish_is_refused(ann: aiohttp.ClientSession) -> None:
    form = files_form(("b.csv", CSV), options='{"on_duplicate": "perhaps"}')
    async with ann.post("/api/v1/batches", data=form) as answer:
        assert answer.status == 400
