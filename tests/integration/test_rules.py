"""Rules, corrections and vendors over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.core.errors import ShuttingDown
from app.pipeline.learner import Learner
from app.settings import Settings
from app.tasks import running
from tests.integration.serving import Server, ended, followed, serving, state_of, upload, with_user
from tests.patience import LONGEST_S

CSV = (
    b"Date,Description,Amount\n"
    b"2026-01-02,Zimmerei Tanne,-300.00\n"
    b"2026-01-03,Zimmerei Tanne,-400.00\n"
    b"2026-01-04,Zimmerei Tannen,-500.00\n"
)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    with_user(settings, "ann")
    with_user(settings, "bob")
    async with serving(settings, warm=True) as server:
        yield server


@pytest.fixture
async def job(ann: aiohttp.ClientSession) -> str:
    (state,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
    assert state["status"] == "completed"
    return str(state["job_id"])


async def test_a_correction_is_answered_with_the_row_and_the_rule_to_click(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, job: str
) -> None:
    path = f"/api/v1/jobs/{job}/rows/1"
    async with ann.patch(path, json={"category": "Housing"}) as answer:
        said = await answer.json()
    assert (said["row"]["row"], said["row"]["category"]) == (1, "Housing")
    offer = said["rule"]
    assert offer.pop("rows") == 1
    assert offer.pop("files") == 1
    async with ann.get("/api/v1/rules/preview", params=offer) as answer:
        preview = await answer.json()
    assert (preview["rows"], preview["changes"], preview["edited"]) == (1, 1, 1)
    async with ann.post("/api/v1/rules", json={**offer, "apply": True}) as answer:
        assert answer.status == 201
        made = await answer.json()
    assert made["changed"] == 1
    async with ann.get(f"/api/v1/jobs/{job}/rows") as answer:
        assert [row["category"] for row in (await answer.json())["rows"]][:2] == ["Housing"] * 2
    async with ann.get("/api/v1/rules") as answer:
        assert (await answer.json())["rules"] == [made["rule"]]
    async with bob.get("/api/v1/rules") as answer:
        assert (await answer.json())["rules"] == []
    async with bob.delete(f"/api/v1/rules/{made['rule']['id']}") as answer:
        assert answer.status == 404
    async with ann.patch(f"/api/v1/rules/{made['rule']['id']}", json={"category": "Fuel"}) as r:
        assert (await r.json())["rule"] == {**made["rule"], "category": "Fuel"}
    async with ann.delete(f"/api/v1/rules/{made['rule']['id']}") as answer:
        assert answer.status == 204
    async with ann.get("/api/v1/categories") as answer:
        rows = {one["name"]: one["rows"] for one in (await answer.json())["categories"]}
    assert rows["Housing"] == 2
    assert rows["Pets"] == 0


async def test_changes_by_hand_are_told_with_the_counts_after_them(
    ann: aiohttp.ClientSession, job: str
) -> None:
    before = await state_of(ann, job)
    async with ann.patch(f"/api/v1/jobs/{job}/rows/1", json={"category": "Housing"}) as answer:
        assert answer.status == 200
    (told,) = await followed(ann, f"job:{job}", "rows_edited", before["last_seq"])
    assert (told["by"], told["rows"], told["review"]) == ("ann", 1, before["result"]["review"] - 1)
    assert told["message"] == "Changed by hand: 1 row"
    assert (await state_of(ann, job))["result"]["review"] == told["review"]
    rule = {"value": "Zimmerei Tanne", "category": "Housing", "apply": True}
    async with ann.post("/api/v1/rules", json=rule) as answer:
        assert (await answer.json())["changed"] == 1
    (told,) = await followed(ann, f"job:{job}", "rows_edited", told["seq"])
    assert told["rows"] == 1


async def test_a_correction_that_says_nothing_is_refused(
    ann: aiohttp.ClientSession, job: str
) -> None:
    for body in ({}, {"category": ""}, {"colour": "red"}, {"category": 7}):
        async with ann.patch(f"/api/v1/jobs/{job}/rows/1", json=body) as answer:
            assert answer.status == 400, body


async def test_a_row_that_there_is_not_is_not_found(ann: aiohttp.ClientSession, job: str) -> None:
    for row in ("0", "99", "x", "-1", "9" * 40):
        async with ann.patch(f"/api/v1/jobs/{job}/rows/{row}", json={"category": "Fuel"}) as answer:
            assert answer.status == 404, row


async def test_a_suggested_pair_is_merged_parted_and_not_suggested_again(
    ann: aiohttp.ClientSession, job: str
) -> None:
    async def names() -> list[str]:
        async with ann.get(f"/api/v1/jobs/{job}/rows") as answer:
            return [row["vendor"] for row in (await answer.json())["rows"]]

    async def suggested() -> list[tuple[str, str]]:
        async with ann.get("/api/v1/vendors/suggestions") as answer:
            found = (await answer.json())["suggestions"]
        return [(one["vendor"], one["into"]) for one in found]

    one, other = "Zimmerei Tannen", "Zimmerei Tanne"
    assert await suggested() == [(one, other)]
    async with ann.post("/api/v1/vendors/merge", json={"vendor": one, "into": other}) as answer:
        assert await answer.json() == {"rows": 1}
    assert await names() == [other] * 3
    assert await suggested() == []
    async with ann.post("/api/v1/vendors/part", json={"vendor": one, "other": other}) as answer:
        assert await answer.json() == {"rows": 1}
    assert await names() == [other, other, one]
    assert await suggested() == []
    async with ann.post("/api/v1/vendors/merge", json={"vendor": "Nobody", "into": one}) as answer:
        assert answer.status == 404


async def test_corrections_are_learned_in_the_background() -> None:
    learned: asyncio.Queue[str] = asyncio.Queue()

    async def learn(user_id: str) -> None:
        await learned.put(user_id)

    learner = Learner(learn, quiet_s=0)
    learner.taught(["ann", "bob", "ann"])
    task = asyncio.create_task(learner.run())
    async with asyncio.timeout(LONGEST_S):
        assert [await learned.get(), await learned.get()] == ["ann", "bob"]
        learner.taught(["ann"])
        assert await learned.get() == "ann"
    task.cancel()
    assert learned.empty()


@pytest.mark.parametrize("error", [ShuttingDown(), OSError(28, "No space left on device")])
async def test_what_can_not_be_learned_of_one_is_learned_of_others(error: Exception) -> None:
    learned: asyncio.Queue[str] = asyncio.Queue()

    async def learn(user_id: str) -> None:
        if user_id == "ann":
            raise error
        await learned.put(user_id)

    learner = Learner(learn, quiet_s=0)
    async with running(learner.run(), name="learner"), asyncio.timeout(LONGEST_S):
        learner.taught(["ann", "bob"])
        assert await learned.get() == "bob"
        learner.taught(["cid"])
        assert await learned.get() == "cid"
