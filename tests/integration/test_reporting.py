"""Reporting over HTTP: created, told, told again, and refused as a whole."""

import asyncio
import json
import uuid
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from app.core.reports import Progressed
from app.keys import REPORTING
from app.pipeline.outside_jobs import Reporter
from app.settings import Settings
from tests.integration.reporter import DONE, STAGES, create, events_of, progress, report
from tests.integration.serving import (
    Server,
    followed,
    serving,
    state_of,
    upload,
    with_user,
)

CSV = b"Date,Amount\n2026-01-01,1.00\n"


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


async def test_what_is_written_with_reports_is_written_with_them_or_neither_is(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    job_id = (await create(ann))["job_id"]
    before = await state_of(ann, job_id)

    def fail(*_: object) -> None:
        raise RuntimeError("no answer can be remembered")

    reports = [Progressed(type="processing_progress", progress=percent) for percent in (10, 20, 30)]
    with pytest.raises(RuntimeError, match="no answer"):
        await server.app[REPORTING].take(job_id, reports, Reporter("worker", fail))
    assert await state_of(ann, job_id) == before
    told = await report(ann, job_id, progress(40))
    assert told["last_n"] == 3, "job_created, processing_started, and this one"


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


async def test_a_large_list_is_taken_apart_like_a_small_one(ann: aiohttp.ClientSession) -> None:
    job_id = (await create(ann))["job_id"]
    long = [progress(percent / 10, details={"text": "\u0436, [" * 20}) for percent in range(900)]
    refused = await report(ann, job_id, *long, progress(101), status=400)
    assert (refused["code"], refused["index"]) == ("invalid_report", 900)
    told = await report(ann, job_id, *long)
    assert (told["accepted"], told["last_n"]) == (900, 902)


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


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("piece", [b"[],", b'{"":0},', b"0,"], ids=["lists", "objects", "numbers"])
async def test_what_takes_long_to_take_apart_is_not_begun_with(
    server: Server, kind: str, piece: bytes
) -> None:
    async with server.client("ann") as client:
        path = (await create(client))["links"]["events"]
        body = b"[" + piece * 120_000 + b"0]"
        async with client.post(path, data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == 400
            assert "more than 100,000 values" in await answer.text()


async def test_lines_may_have_gaps_between_them(server: Server) -> None:
    async with server.client("ann") as client:
        path = (await create(client))["links"]["events"]
        line = json.dumps(progress(5)).encode()
        body = b"\r\n" * 3000 + b" \n".join([line] * 3) + b"\n \t\n" * 3000
        headers = {"Content-Type": "application/x-ndjson"}
        async with client.post(path, data=body, headers=headers) as answer:
            assert (await answer.json())["accepted"] == 3


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
        assert "at most 10 reports" in many["title"]
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


# As others call it


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
