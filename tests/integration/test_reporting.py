"""Jobs whose work is done elsewhere: created, reported, steered and asked about over HTTP."""

import asyncio
import json
import random
import uuid
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from app.core.events import FINISHED
from app.core.reports import REPORTS
from app.core.state import fold_all
from app.keys import REPORT_DESK, REPORTING
from app.pipeline.reporting import Reporter
from app.settings import Settings
from app.store.offline import offline
from app.web.reportdesk import AT_ONCE_OF_ONE
from tests.integration.serving import (
    Server,
    followed,
    serving,
    state_of,
    token_of,
    upload,
    with_user,
)

CSV = b"Date,Amount\n2026-01-01,1.00\n"
STAGES = [
    {"key": "load", "label": "Loading", "steps": ["fetch"]},
    {"key": "train", "label": "Training"},
]


async def create(client: aiohttp.ClientSession, **wish: Any) -> dict[str, Any]:
    """Create a job and return the answer."""
    async with client.post("/api/v1/jobs", json={"filename": "nightly", **wish}) as answer:
        assert answer.status == 201, await answer.text()
        made: dict[str, Any] = await answer.json()
        assert answer.headers["Location"] == made["links"]["self"]
        return made


async def report(
    client: aiohttp.ClientSession, job_id: str, *reports: Any, status: int = 200, **headers: str
) -> dict[str, Any]:
    """Report as one request and return the answer, which has to have `status`."""
    path = f"/api/v1/jobs/{job_id}/events"
    async with client.post(path, json=list(reports), headers=headers) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def steer(client: aiohttp.ClientSession, path: str, *, status: int = 202) -> dict[str, Any]:
    async with client.post(f"/api/v1/{path}") as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def events_of(client: aiohttp.ClientSession, job_id: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/jobs/{job_id}/events?limit=1000") as answer:
        found: list[dict[str, Any]] = (await answer.json())["events"]
        return found


def progress(percent: float | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "processing_progress", "progress": percent, **more}


DONE = {"type": "processing_completed", "result": {"summary": "12 shards", "rows": 3}}


async def test_a_job_is_reported_from_its_beginning_to_its_end(ann: aiohttp.ClientSession) -> None:
    made = await create(ann, plan=STAGES, details={"shards": 12})
    told = await report(
        ann, made["job_id"], {"type": "step_started", "step": "fetch"}, progress(60)
    )
    seen = await followed(ann, f"job:{made['job_id']}", "processing_progress")
    assert seen[-1]["seq"] == told["last_seq"]
    assert seen[-1]["n"] == told["last_n"] == 4
    await report(ann, made["job_id"], DONE)
    batch = await followed(ann, f"batch:{made['batch_id']}", "batch_completed")
    assert [e["type"] for e in batch] == [
        "batch_created",
        "job_created",
        "processing_started",
        "step_started",
        "processing_progress",
        "processing_completed",
        "batch_completed",
    ]
    state = await state_of(ann, made["job_id"])
    assert (state["status"], state["progress"], state["reported"]) == ("completed", 100, True)
    assert state["details"] == {"filename": "nightly", "size": 0, "shards": 12}
    assert [stage["label"] for stage in state["stages"]] == ["Loading", "Training"]


async def test_lines_are_taken_like_a_list(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    lines = "\n".join(json.dumps(progress(percent)) for percent in range(100)) + "\n\n"
    headers = {"Content-Type": "application/x-ndjson; charset=utf-8"}
    path = f"/api/v1/jobs/{job_id}/events"
    async with ann.post(path, data=lines.encode(), headers=headers) as answer:
        assert (await answer.json())["accepted"] == 100
    events = await events_of(ann, job_id)
    assert [e["progress"] for e in events if e["type"] == "processing_progress"] == [*range(100)]


async def test_livetrail_itself_leaves_it_alone(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann, plan="transactions"))["job_id"]
    accepted = await upload(ann, ("a.csv", CSV))  # the runner looks at its queue
    await followed(ann, f"batch:{accepted['batch_id']}", "batch_completed")
    state = await state_of(ann, job_id)
    assert (state["status"], state["n"], state["queue"]) == ("pending", 1, None)


async def test_a_job_joins_a_batch_and_ends_it_again(ann: aiohttp.ClientSession) -> None:
    first = await create(ann, batch_name="Night")
    await report(ann, first["job_id"], DONE)
    second = await create(ann, batch_id=first["batch_id"])
    assert second["batch_id"] == first["batch_id"]
    await report(ann, second["job_id"], {"type": "processing_failed", "error": "The disk is full"})
    async with ann.get(f"/api/v1/batches/{first['batch_id']}") as answer:
        batch = await answer.json()
    assert (batch["name"], batch["counts"]) == ("Night", {"completed": 1, "error": 1})
    path = f"/api/v1/events/history?room=batch:{first['batch_id']}&types=batch_completed"
    async with ann.get(path) as answer:
        assert [e["jobs"] for e in (await answer.json())["events"]] == [1, 2]


async def test_jobs_share_a_batch_whose_id_their_worker_made_up(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    batch_id = str(uuid.uuid4())
    made = await asyncio.gather(*(create(ann, batch_id=batch_id) for _ in range(4)))
    assert {one["batch_id"] for one in made} == {batch_id}
    seen = await followed(ann, f"batch:{batch_id}", "job_created")
    assert [e["type"] for e in seen] == ["batch_created", "job_created"]
    async with ann.get(f"/api/v1/batches/{batch_id}") as answer:
        batch = await answer.json()
    assert (batch["name"], batch["jobs"]) == ("nightly", 4)
    async with bob.post("/api/v1/jobs", json={"name": "n", "batch_id": batch_id}) as answer:
        assert answer.status == 404
    async with ann.post("/api/v1/jobs", json={"name": "n", "batch_id": "mine"}) as answer:
        assert answer.status == 400


# Again


async def test_what_was_sent_twice_under_a_key_is_stored_once(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    key = {"Idempotency-Key": "one"}
    first = await report(ann, job_id, progress(10), progress(20), **key)
    assert await report(ann, job_id, progress(10), progress(20), **key) == first
    assert (await state_of(ann, job_id))["n"] == first["last_n"]
    assert (await report(ann, job_id, progress(30), status=409, **key))["code"] == "conflict"


async def test_the_last_request_is_answered_again_after_it_ended_the_job(
    ann: aiohttp.ClientSession,
) -> None:
    job_id = (await create(ann))["job_id"]
    first = await report(ann, job_id, DONE, **{"Idempotency-Key": "end"})
    assert await report(ann, job_id, DONE, **{"Idempotency-Key": "end"}) == first
    refused = await report(ann, job_id, progress(10), status=409)
    assert (refused["code"], refused["job_status"]) == ("job_ended", "completed")


async def test_a_job_is_created_once_under_a_key(ann: aiohttp.ClientSession) -> None:
    async def once() -> Any:
        headers = {"Idempotency-Key": "made"}
        async with ann.post("/api/v1/jobs", json={"name": "n"}, headers=headers) as answer:
            assert answer.status == 201
            return await answer.json()

    assert await once() == await once()


async def test_requests_for_one_job_are_taken_whole_one_after_the_other(
    ann: aiohttp.ClientSession,
) -> None:
    job_id = (await create(ann))["job_id"]
    await asyncio.gather(
        *(
            report(ann, job_id, *(progress(step=f"from {one}") for _ in range(200)))
            for one in range(6)
        )
    )
    steps = [e["step"] for e in await events_of(ann, job_id) if e["type"] == "processing_progress"]
    assert len(steps) == 998  # of a page of a thousand: job_created and processing_started
    changes = sum(one != after for one, after in pairwise(steps))
    assert changes == 4


# Bad input


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (progress(101), "progress"),
        ({"type": "processing_progress", "procent": 3}, "procent"),
        ({"type": "batch_created"}, "batch_created is not reported"),
        ({"progress": 3}, "no type"),
        ("text", ""),
        (progress(details={"deep": json.loads("[" * 400 + "]" * 400)}), "too deep"),
        (progress(details={"long": "x" * 20_000}), "bytes"),
        (progress(stage="nowhere"), "there is no nowhere"),
    ],
)
async def test_the_bad_one_is_named_and_nothing_is_stored(
    ann: aiohttp.ClientSession, bad: Any, words: str
) -> None:
    job_id = (await create(ann))["job_id"]
    good = [progress(10)] * 150
    refused = await report(ann, job_id, *good, bad, progress(99), status=400)
    assert (refused["code"], refused["index"]) == ("invalid_report", 150)
    assert words in refused["title"]
    assert (await state_of(ann, job_id))["n"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"3", b'"x"', b"\xff", b"null", b"[[]]"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_what_holds_no_reports_is_refused(
    ann: aiohttp.ClientSession, body: bytes, kind: str
) -> None:
    job_id = (await create(ann))["job_id"]
    path = f"/api/v1/jobs/{job_id}/events"
    async with ann.post(path, data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status == 400, await answer.text()
    assert (await state_of(ann, job_id))["n"] == 1


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"filename": ""},
        {"filename": "n", "plan": "no such"},
        {"filename": "n", "plan": [{"key": "a"}]},
        {"filename": "n", "plan": [{"key": "a", "label": "A", "from": 0, "to": 50}]},
        {"filename": "n", "plan": []},
        {"filename": "n", "unknown": 1},
        {"filename": "n", "details": {"long": "x" * 20_000}},
        {"filename": "n", "details": {"deep": json.loads("[" * 400 + "]" * 400)}},
        {"filename": "n", "details": {"eta_range": "soon"}},
        {"filename": "n", "details": {"platform": ["no text"]}},
    ],
)
async def test_a_job_that_can_not_be_is_refused(
    ann: aiohttp.ClientSession, wish: dict[str, Any]
) -> None:
    async with ann.post("/api/v1/jobs", json=wish) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_request")


async def test_too_much_at_once_is_refused(settings: Settings) -> None:
    small = settings.model_copy(update={"max_report_bytes": 2000, "max_reports_per_request": 10})
    with_user(small, "ann", admin=True)
    async with serving(small) as server, server.client("ann") as client:
        job_id = (await create(client))["job_id"]
        many = await report(client, job_id, *([{"type": "step_started"}] * 11), status=400)
        assert "11 reports" in many["title"]
        large = await report(
            client, job_id, progress(message="x" * 490, details={"y": "y" * 1600}), status=413
        )
        assert large["code"] == "report_too_large"

        async def unannounced() -> Any:
            for _ in range(50):
                yield b"x" * 1000

        path = f"/api/v1/jobs/{job_id}/events"
        async with client.post(path, data=unannounced()) as answer:
            assert answer.status == 413
        assert (await state_of(client, job_id))["n"] == 1


async def test_a_file_that_livetrail_works_on_takes_no_reports(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", CSV))
    refused = await report(ann, accepted["jobs"][0]["job_id"], progress(10), status=409)
    assert refused["code"] == "conflict"


async def test_nobody_reports_of_somebody_elses_job(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    made = await create(ann)
    await report(bob, made["job_id"], progress(10), status=404)
    wish = {"filename": "n", "batch_id": made["batch_id"]}
    async with bob.post("/api/v1/jobs", json=wish) as answer:
        assert answer.status == 404


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


async def test_the_one_call_tells_progress_from_within(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job_id = (await create(ann))["job_id"]
    reporting = server.app[REPORTING]
    facts = {"rows_done": 150, "rows_total": 500}
    await reporting(job_id, "extracting", 15, context=facts, extra={"shard": 3})
    last = (await events_of(ann, job_id))[-1]
    assert last["message"] == "Reading through your data: 150 of 500 rows..."
    assert (last["step"], last["progress"]) == ("extracting", 15)
    assert last["details"] == {**facts, "shard": 3}


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
        for _ in range(AT_ONCE_OF_ONE):
            held.enter_context(server.app[REPORT_DESK].place(user_id))
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


# As others call it


async def test_stages_of_an_upload_are_told_by_one_call_each(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job_id = (await create(ann, plan="transactions"))["job_id"]
    stages = ("validation", "scanning", "parsing", "database", "categorization")
    for at, stage in enumerate(stages):
        facts = {"processed": at, "total": 5, "errors": 0}
        words = f"In {stage}"
        telling = server.app[REPORTING]
        await telling(job_id, stage, 20 * at + 10, stage=stage, message=words, extra=facts)
    told = [e for e in await events_of(ann, job_id) if e["type"] == "processing_progress"]
    assert [(e["stage"], e["progress"], e["message"], e["details"]["processed"]) for e in told] == [
        (stage, 20 * at + 10, f"In {stage}", at) for at, stage in enumerate(stages)
    ]


async def test_a_document_is_told_zone_by_zone(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    reports: list[dict[str, Any]] = [{"type": "processing_started"}]
    for at in range(4):
        zone = {"zone_id": f"z{at}", "zone_index": at, "processing_tool": "unstructured"}
        reports += [
            progress(zones_completed=at, zones_total=4, current_zone=f"z{at}"),
            {"type": "zone_processing", **zone, "zones_total": 4},
            {
                "type": "zone_completed",
                **zone,
                "zones_total": 4,
                "zones_completed": at + 1,
                "confidence": 0.9,
                "duration_ms": 40,
            },
        ]
    await report(ann, job_id, *reports)
    events = await events_of(ann, job_id)
    done = [e for e in events if e["type"] == "zone_completed"]
    assert [e["progress"] for e in done] == [25, 50, 75, 100]
    assert {(e["processing_tool"], e["confidence"], e["duration_ms"]) for e in done} == {
        ("unstructured", 0.9, 40)
    }
    told = [e for e in events if e["type"] == "processing_progress"]
    assert [e["current_operation"] for e in told] == [
        f"Processing zone {at + 1} of 4" for at in range(4)
    ]
    assert all(e["job_id"] == job_id and e["document_id"] for e in events)


async def test_an_error_may_be_one_sentence(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    await report(ann, job_id, {"type": "processing_failed", "error": "The bank did not answer"})
    state = await state_of(ann, job_id)
    assert (state["status"], state["error"]["title"]) == ("error", "The bank did not answer")


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
