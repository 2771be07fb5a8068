"""Jobs whose work is done elsewhere, among all others: steered, asked about, shown."""

import asyncio
import random
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from app.core.events import FINISHED
from app.core.plans import Plan
from app.core.reports import REPORTS
from app.core.state import fold_all
from app.keys import REPORTING, REPORTS_UNDER_WAY
from app.pipeline import control
from app.pipeline.outside_jobs import Reporter
from app.pipeline.shop import Shop, plan_of
from app.settings import Settings
from app.store.jobs import JobRow
from app.store.offline import offline
from tests.integration.reporter import DONE, STAGES, create, events_of, progress, report, steer
from tests.integration.serving import (
    Server,
    followed,
    serving,
    state_of,
    token_of,
    with_user,
)

# Steering


async def test_a_worker_hears_how_its_job_is_steered(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, progress(10))
    await steer(ann, f"jobs/{job_id}/pause")
    assert (await report(ann, job_id, progress(20)))["status"] == "paused"
    assert (await steer(ann, f"jobs/{job_id}/resume"))["status"] == "processing"
    await steer(ann, f"jobs/{job_id}/cancel")
    refused = await report(ann, job_id, progress(30), status=409)
    assert refused["job_status"] == "cancelled"
    assert (await steer(ann, f"jobs/{job_id}/retry"))["status"] == "pending"
    assert (await report(ann, job_id, progress(5)))["status"] == "processing"
    told = [(e["type"], e["progress"]) for e in await events_of(ann, job_id)]
    assert told[-3:] == [("job_retried", 0), ("processing_started", 0), ("processing_progress", 5)]


@pytest.mark.parametrize(
    ("end", "status"), [(DONE, 409), ({"type": "job_cancelled"}, 202)], ids=["done", "cancelled"]
)
async def test_who_cancels_what_has_just_ended_elsewhere_is_told_so(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, end: dict[str, Any], status: int
) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, progress(10))

    async def plan_of_late(shop: Shop, row: JobRow) -> Plan:
        await report(ann, job_id, end)  # between the look at the job and its end
        return await plan_of(shop, row)

    monkeypatch.setattr(control, "plan_of", plan_of_late)
    await steer(ann, f"jobs/{job_id}/cancel", status=status)
    ends = [e["type"] for e in await events_of(ann, job_id) if e["status"] in FINISHED]
    assert ends == [end["type"]]


async def test_a_batch_is_steered_with_the_reported_jobs_in_it(ann: aiohttp.ClientSession) -> None:
    first = await create(ann)
    second = await create(ann, batch_id=first["batch_id"])
    await report(ann, first["job_id"], progress(10))
    batch = first["batch_id"]
    assert (await steer(ann, f"batches/{batch}/pause"))["done"] == 2
    assert (await steer(ann, f"batches/{batch}/resume"))["done"] == 2
    states = [await state_of(ann, one["job_id"]) for one in (first, second)]
    assert [state["status"] for state in states] == ["processing", "pending"]
    assert (await steer(ann, f"batches/{batch}/cancel"))["done"] == 2
    await followed(ann, f"batch:{batch}", "batch_completed")


async def test_there_is_nothing_to_undo(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, DONE)
    assert "nothing to undo" in (await steer(ann, f"jobs/{job_id}/undo", status=409))["title"]


@pytest.mark.parametrize("has_ended", [True, False])
async def test_a_job_that_was_deleted_takes_no_reports(
    ann: aiohttp.ClientSession, has_ended: bool
) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, DONE if has_ended else progress(10))
    async with ann.delete(f"/api/v1/jobs/{job_id}") as answer:
        assert answer.status == 204, await answer.text()
    await report(ann, job_id, progress(20), status=404)


async def test_a_person_answers_what_a_worker_asks(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    choices = [{"value": "keep", "label": "Keep both"}, {"value": "skip", "label": "Leave it out"}]
    asked = {"type": "clarification_requested", "question": "Keep it?", "choices": choices}
    told = await report(ann, job_id, progress(10), asked)
    assert told["status"] == "waiting"
    (ident,) = told["clarification_ids"]
    async with ann.get(f"/jobs/{job_id}") as page:
        assert "Keep both" in await page.text()
    async with ann.post(f"/api/v1/clarifications/{ident}/answer", json={"answer": "no"}) as answer:
        assert answer.status == 400
    path = f"/api/v1/clarifications/{ident}/answer"
    async with ann.post(path, json={"answer": "keep"}) as answer:
        assert answer.status == 200
    last = (await events_of(ann, job_id))[-1]
    assert (last["type"], last["answer"], last["status"]) == (
        "clarification_answered",
        "keep",
        "processing",
    )


async def test_a_question_that_nobody_answers_takes_its_default(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    asked = {
        "type": "clarification_requested",
        "question": "Name?",
        "default": "x",
        "expires_in_s": 1,
    }
    await report(ann, job_id, asked)
    seen = await followed(ann, f"job:{job_id}", "clarification_expired")
    assert (seen[-1]["answer"], seen[-1]["status"]) == ("x", "processing")


async def test_what_is_asked_is_withdrawn_when_the_job_ends(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, {"type": "clarification_requested", "question": "Name?"}, DONE)
    async with ann.get(f"/api/v1/clarifications?job_id={job_id}") as answer:
        (question,) = (await answer.json())["clarifications"]
    assert question["state"] == "withdrawn"


async def test_a_job_whose_history_was_removed_is_begun_again(settings: Settings) -> None:
    with_user(settings, "ann", admin=True)
    async with serving(settings) as server, server.client("ann") as client:
        job_id = (await create(client, plan=STAGES))["job_id"]
        await report(client, job_id, progress(60), {"type": "processing_failed", "error": "No"})
    with offline(settings.database_path) as database:
        database.execute("DELETE FROM event WHERE job_id = ?", (job_id,))
    async with serving(settings) as server, server.client("ann") as client:
        await steer(client, f"jobs/{job_id}/retry")
        await report(client, job_id, progress(70))
        state = await state_of(client, job_id)
        assert (state["stage"], state["progress"], state["attempt"]) == ("train", 70, 2)


async def test_a_disk_that_is_nearly_full_takes_no_reports(settings: Settings) -> None:
    with_user(settings, "ann", admin=True)
    async with serving(settings) as server, server.client("ann") as client:
        job_id = (await create(client))["job_id"]
    full = settings.model_copy(update={"min_free_bytes": 2**60})
    async with serving(full) as server, server.client("ann") as client:
        refused = await report(client, job_id, progress(10), status=507)
        assert refused["code"] == "storage_full"
        async with client.post("/api/v1/jobs", json={"name": "more"}) as answer:
            assert answer.status == 507
        assert (await state_of(client, job_id))["n"] == 1


# Where there is no file


async def test_its_page_shows_its_own_stages_and_nothing_of_a_file(
    ann: aiohttp.ClientSession,
) -> None:
    made = await create(ann, plan=STAGES)
    await report(ann, made["job_id"], progress(60), DONE)
    async with ann.get(f"/jobs/{made['job_id']}") as page:
        text = await page.text()
    assert page.status == 200
    for shown in ("Loading", "Training", "Rows", 'data-plan="reported"'):
        assert shown in text
    for hidden in ("/original", "0 bytes", 'id="rows"', 'id="exports"'):
        assert hidden not in text
    for path in ("/", f"/batches/{made['batch_id']}"):
        async with ann.get(path) as page:
            assert "12 shards" in await page.text()


async def test_no_address_of_a_job_breaks_for_want_of_a_file(ann: aiohttp.ClientSession) -> None:
    made = await create(ann, plan="invoice")
    result = {"zones": "many", "fields": [], "near": 3, "duplicate_of": {}, "by_currency": 7}
    reports = [{"type": "step_completed", "step": "page_reading"}, {**DONE, "result": result}]
    await report(ann, made["job_id"], *reports)
    job = f"/api/v1/jobs/{made['job_id']}"
    parts = ("", "/events", "/rows", "/delta", "/rejected.csv", "/original", "/fields", "/zones")
    pages = (f"/jobs/{made['job_id']}", f"/batches/{made['batch_id']}", "/", "/?all&q=night")
    for path in (*(job + part for part in (*parts, "/pages", "/pages/1.png", "/text")), *pages):
        async with ann.get(path) as answer:
            assert answer.status < 500, path
    for path, wish in (
        ("/delta", {"state": "new"}),
        ("/undo", {}),
        ("/retry", {"from_step": "page_reading"}),
        ("/priority", {"priority": "high"}),
    ):
        async with ann.post(job + path, json=wish) as answer:
            assert 400 <= answer.status < 500, path
    for path, wish in (("/fields", {"fields": {"iban": None}}), ("/rows/1", {"category": "Food"})):
        async with ann.patch(job + path, json=wish) as answer:
            assert 400 <= answer.status < 500, path
    async with ann.post("/api/v1/exports", json={"job_id": made["job_id"]}) as answer:
        assert answer.status < 500


async def test_a_token_that_may_upload_is_enough(server: Server) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        await report(client, (await create(client))["job_id"], progress(10))


async def test_more_requests_at_once_than_one_user_may_have_are_refused(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job_id = (await create(ann))["job_id"]
    async with ann.get("/api/v1/auth/me") as answer:
        user_id = (await answer.json())["user_id"]
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(server.app[REPORTS_UNDER_WAY].place(user_id))
        path = f"/api/v1/jobs/{job_id}/events"
        async with ann.post(path, json=progress(10)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    await report(ann, job_id, progress(10))


async def test_a_worker_that_leaves_before_its_answer_has_reported_all_the_same(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    made = await create(ann)
    done = REPORTS.validate_python([DONE])
    reporting = server.app[REPORTING].take(made["job_id"], done, Reporter("ann"))
    leaving = asyncio.create_task(reporting)
    await asyncio.sleep(0)
    leaving.cancel()
    await followed(ann, f"batch:{made['batch_id']}", "batch_completed")
    assert (await state_of(ann, made["job_id"]))["status"] == "completed"


async def test_what_was_reported_is_exported_and_tidied_like_any_other(
    ann: aiohttp.ClientSession,
) -> None:
    made = await create(ann)
    await report(ann, made["job_id"], DONE)
    async with ann.post("/api/v1/exports", json={"batch_id": made["batch_id"]}) as answer:
        assert answer.status == 202
    await followed(ann, f"batch:{made['batch_id']}", "export_completed")


# All at once


async def test_whatever_comes_at_once_no_job_is_torn(ann: aiohttp.ClientSession) -> None:
    chance = random.Random(20261120)
    batch_id = (await create(ann))["batch_id"]
    jobs = [(await create(ann, batch_id=batch_id, plan=STAGES))["job_id"] for _ in range(4)]
    asked: list[str] = []
    question = {"type": "clarification_requested", "question": "?"}

    async def one_worker(job_id: str) -> None:
        for at in range(25):
            wish = chance.choice([progress(4 * at), question])
            ends = [DONE] if at % 9 == 8 else []
            path = f"/api/v1/jobs/{job_id}/events"
            async with ann.post(path, json=[progress(), wish, *ends]) as answer:
                assert answer.status in (200, 400, 404, 409), await answer.text()
                asked.extend((await answer.json()).get("clarification_ids", []))

    async def one_person() -> None:
        for _ in range(40):
            job_id = chance.choice(jobs)
            ops = ["pause", "resume", "cancel", "retry", "retry", "undo", "priority", "answer"]
            path = f"/api/v1/jobs/{job_id}/{(op := chance.choice(ops))}"
            if op == "answer" and asked:
                path = f"/api/v1/clarifications/{chance.choice(asked)}/answer"
            async with ann.post(path, json={"answer": "x"} if op == "answer" else {}) as answer:
                assert answer.status < 500, await answer.text()
        async with ann.delete(f"/api/v1/jobs/{jobs[0]}") as answer:
            assert answer.status in (204, 404, 409), await answer.text()

    await asyncio.gather(*map(one_worker, jobs * 2), one_person(), one_person())
    for job_id in jobs[1:]:
        events = await events_of(ann, job_id)
        assert [e["n"] for e in events] == [*range(1, len(events) + 1)]
        state = await state_of(ann, job_id)
        assert fold_all(events) == {k: v for k, v in state.items() if k not in ("links", "queue")}
        for one, after in pairwise(events):
            if one["status"] in FINISHED:
                assert after["type"] == "job_retried"
