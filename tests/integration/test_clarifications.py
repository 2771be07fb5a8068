"""Questions over the API: seen, answered once, told, and refused to whoever may not answer."""

import asyncio
import io
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import xlsxwriter
from msoffcrypto.format.ooxml import OOXMLFile

from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    state_of,
    upload,
)

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Tea,-2.10\n"
OTHER = b"Date,Description,Amount\n2025-02-03,Bread,-4.40\n"
PREVIEW = '{"auto_save": false}'


async def uploaded(
    client: aiohttp.ClientSession, *files: tuple[str, bytes], options: str = PREVIEW
) -> dict[str, Any]:
    """Upload files and wait until the first of them asks."""
    async with client.post("/api/v1/batches", data=files_form(*files, options=options)) as answer:
        assert answer.status == 202, await answer.text()
        accepted: dict[str, Any] = await answer.json()
    await followed(client, f"batch:{accepted['batch_id']}", "clarification_requested")
    return accepted


async def questions(client: aiohttp.ClientSession, **query: str) -> list[dict[str, Any]]:
    """Return the open questions."""
    params = {"state": "open", **query}
    async with client.get("/api/v1/clarifications", params=params) as answer:
        assert answer.status == 200, await answer.text()
        found: list[dict[str, Any]] = (await answer.json())["clarifications"]
        return found


async def said(
    client: aiohttp.ClientSession, ident: str, answer: Any, **more: Any
) -> tuple[int, dict[str, Any]]:
    """Answer a question; return the status and the body."""
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    path = f"/api/v1/clarifications/{ident}/answer"
    async with client.post(path, json={"answer": answer, **more}, headers=headers) as reply:
        return reply.status, orjson.loads(await reply.read())


async def test_a_preview_waits_and_the_answer_stores_it(ann: aiohttp.ClientSession) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV))
    job_id = accepted["jobs"][0]["job_id"]
    (asked,) = await questions(ann)
    waiting = await state_of(ann, job_id)
    assert (waiting["status"], waiting["waiting_for"]) == ("waiting", [asked["clarification_id"]])
    assert asked["question"] == "Save 2 new rows of a.csv?"
    assert asked["evidence"] == {"new_rows": 2, "existing_rows": 0, "rejected_rows": 0}
    async with ann.get(f"/api/v1/jobs/{job_id}/rows") as answer:
        assert (await answer.json())["total"] == 0
    status, body = await said(ann, asked["clarification_id"], "save")
    assert status == 200
    assert body["clarification"]["state"] == "answered"
    (job,) = await ended(ann, accepted)
    assert (job["status"], job["result"]["new_rows"]) == ("completed", 2)
    assert await questions(ann) == []


async def test_a_discarded_preview_is_cancelled_and_nothing_is_stored(
    ann: aiohttp.ClientSession,
) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    await said(ann, asked["clarification_id"], "discard")
    (job,) = await ended(ann, accepted)
    assert job["status"] == "cancelled"
    events = await followed(ann, f"job:{job['job_id']}", "job_cancelled")
    assert events[-1]["by"] == "ann"


async def test_who_comes_second_is_told_who_was_first(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    replies = await asyncio.gather(
        *(said(ann, asked["clarification_id"], way) for way in ("save", "discard") * 5)
    )
    won = [body for status, body in replies if status == 200]
    lost = [body for status, body in replies if status == 409]
    assert (len(won), len(lost)) == (1, 9)
    label = won[0]["clarification"]["answer_label"]
    assert {body["title"] for body in lost} == {f"ann has answered this already: {label}"}
    (job,) = await ended(ann, accepted)
    events = await followed(ann, f"job:{job['job_id']}", job_end(job))
    assert sum(event["type"] == "clarification_answered" for event in events) == 1


def job_end(job: dict[str, Any]) -> str:
    return "job_cancelled" if job["status"] == "cancelled" else "processing_completed"


async def test_the_same_key_gets_the_same_answer_again(ann: aiohttp.ClientSession) -> None:
    await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    first = await said(ann, asked["clarification_id"], "save", key="once")
    again = await said(ann, asked["clarification_id"], "save", key="once")
    assert first == again
    assert first[0] == 200
    other = await said(ann, asked["clarification_id"], "discard", key="once")
    assert other[0] == 409


async def test_what_is_no_answer_is_refused_and_the_question_stays(
    ann: aiohttp.ClientSession,
) -> None:
    await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    for wrong in ("perhaps", None, 1, ["save"], "save" * 1000):
        status, body = await said(ann, asked["clarification_id"], wrong)
        assert (status, body["code"]) == (400, "invalid_request")
        assert "one of save, discard" in body["title"]
    assert len(await questions(ann)) == 1


async def test_an_answer_for_the_batch_answers_its_other_files_also_later_ones(
    ann: aiohttp.ClientSession,
) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV), ("b.csv", OTHER), ("c.csv", CSV + OTHER))
    asked = (await questions(ann))[-1]
    status, _ = await said(ann, asked["clarification_id"], "save", use_for_batch=True)
    assert status == 200
    jobs = await ended(ann, accepted)
    assert {job["status"] for job in jobs} == {"completed"}
    async with ann.get("/api/v1/clarifications") as answer:
        found = (await answer.json())["clarifications"]
    assert sorted(one["source"] for one in found) == ["batch", "batch", "person"]


async def test_a_socket_answers_too(ann: aiohttp.ClientSession) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    ident = asked["clarification_id"]
    async with ann.ws_connect("/ws?frames=single") as socket:
        await socket.receive()
        for number, way in enumerate(("never", "save", "save")):
            wish = {"op": "answer", "id": str(number), "clarification_id": ident, "answer": way}
            await socket.send_json(wish)
        replies = [await socket.receive_json() for _ in range(3)]
    assert [(one["type"], one.get("code")) for one in replies] == [
        ("error", "invalid_request"),
        ("ok", None),
        ("error", "conflict"),
    ]
    (job,) = await ended(ann, accepted)
    assert job["status"] == "completed"


async def test_questions_of_others_are_neither_seen_nor_answered(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    accepted = await uploaded(bob, ("a.csv", CSV))
    (asked,) = await questions(bob)
    ident = asked["clarification_id"]
    assert await questions(ann) == []  # her own list; as an operator she may ask for the job's
    assert len(await questions(ann, job_id=accepted["jobs"][0]["job_id"])) == 1
    async with bob.post("/api/v1/shares", json={"room": f"batch:{accepted['batch_id']}"}) as answer:
        token = (await answer.json())["token"]
    async with server.client() as guest:
        guest.headers["Authorization"] = f"Bearer {token}"
        assert len(await questions(guest, batch_id=accepted["batch_id"])) == 1
        status, _ = await said(guest, ident, "save")
        assert status == 403
        async with guest.get("/api/v1/clarifications") as answer:
            assert answer.status == 403
    hers = await uploaded(ann, ("b.csv", OTHER))
    for query in ({}, {"job_id": hers["jobs"][0]["job_id"]}, {"batch_id": hers["batch_id"]}):
        found = await questions(bob, **query)
        assert {one["job_id"] for one in found} <= {accepted["jobs"][0]["job_id"]}
    (theirs,) = await questions(ann)
    assert (await said(bob, theirs["clarification_id"], "save"))[0] == 404


async def test_cancelling_withdraws_the_question(ann: aiohttp.ClientSession) -> None:
    accepted = await uploaded(ann, ("a.csv", CSV))
    (asked,) = await questions(ann)
    job_id = accepted["jobs"][0]["job_id"]
    async with ann.post(f"/api/v1/jobs/{job_id}/cancel") as answer:
        assert answer.status == 202
    status, body = await said(ann, asked["clarification_id"], "save")
    assert status == 409
    assert "not asked any more" in body["title"]
    async with ann.post(f"/api/v1/jobs/{job_id}/retry") as answer:
        assert answer.status == 202
    events = await followed(ann, f"job:{job_id}", "clarification_requested", after=0)
    assert events
    while not (again := await questions(ann)):
        await followed(ann, f"job:{job_id}", "clarification_requested", after=events[-1]["seq"])
    assert again[0]["clarification_id"] != asked["clarification_id"]


# What is remembered

EITHER_WAY = b"Date,Description,Amount\n03/04/2025,Tea,-2.50\n01/02/2025,Coffee,-3.40\n"
LATER = b"Date,Description,Amount\n05/06/2025,Tea,-2.70\n07/08/2025,Coffee,-3.60\n"


async def remembered(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with client.get("/api/v1/memory") as answer:
        assert answer.status == 200, await answer.text()
        found: list[dict[str, Any]] = (await answer.json())["memory"]
        return found


async def dates_of(client: aiohttp.ClientSession, job_id: str) -> list[str]:
    async with client.get(f"/api/v1/jobs/{job_id}/rows") as answer:
        return [row["date"] for row in (await answer.json())["rows"]]


async def test_an_answer_is_remembered_told_and_forgotten(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    accepted = await uploaded(ann, ("a.csv", EITHER_WAY), options="{}")
    (asked,) = await questions(ann)
    assert (asked["kind"], asked["is_remembered"]) == ("date_order", True)
    assert await remembered(ann) == []
    await said(ann, asked["clarification_id"], "mdy")
    (first,) = await ended(ann, accepted)
    assert await dates_of(ann, first["job_id"]) == ["2025-03-04", "2025-01-02"]

    (kept,) = await remembered(ann)
    assert kept["value"]["answer"] == "mdy"
    (second,) = await ended(ann, await upload(ann, ("b.csv", LATER)))
    assert [warning["code"] for warning in second["warnings"]] == ["answered_before"]
    assert await dates_of(ann, second["job_id"]) == ["2025-05-06", "2025-07-08"]

    assert await remembered(bob) == []
    await uploaded(bob, ("a.csv", EITHER_WAY), options="{}")
    async with bob.delete("/api/v1/memory", params={"key": kept["key"]}) as answer:
        assert answer.status == 404
    async with ann.delete("/api/v1/memory", params={"key": kept["key"]}) as answer:
        assert answer.status == 204
    await uploaded(ann, ("c.csv", EITHER_WAY + LATER), options="{}")


async def test_undoing_a_file_forgets_what_its_answers_taught(ann: aiohttp.ClientSession) -> None:
    accepted = await uploaded(ann, ("a.csv", EITHER_WAY), options="{}")
    (asked,) = await questions(ann)
    await said(ann, asked["clarification_id"], "mdy")
    (job,) = await ended(ann, accepted)
    assert len(await remembered(ann)) == 1
    async with ann.post(f"/api/v1/jobs/{job['job_id']}/undo") as answer:
        assert answer.status == 200
    assert await remembered(ann) == []


async def test_nobody_is_asked_who_does_not_want_to_be(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", EITHER_WAY), options='{"ask": false}')
    (job,) = await ended(ann, accepted)
    assert job["status"] == "completed"
    assert [warning["code"] for warning in job["warnings"]] == ["ambiguous_dates"]


# A locked workbook

PASSWORD = "open sesame, please"


def locked_workbook(folder: Path) -> bytes:
    with xlsxwriter.Workbook(folder / "plain.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Date", "Description", "Amount"])
        sheet.write_row(1, 0, ["2025-04-13", "Tea", "-2.50"])
    locked = io.BytesIO()
    with (folder / "plain.xlsx").open("rb") as plain:
        OOXMLFile(plain).encrypt(PASSWORD, locked)
    return locked.getvalue()


async def test_a_locked_workbook_is_read_with_its_password_which_nobody_is_told(
    server: Server, ann: aiohttp.ClientSession, tmp_path: Path
) -> None:
    file = ("locked.xlsx", locked_workbook(tmp_path))
    accepted = await uploaded(ann, file, options="{}")
    (asked,) = await questions(ann)
    assert asked["kind"] == "password"
    await said(ann, asked["clarification_id"], "not this one")
    seq = (await state_of(ann, accepted["jobs"][0]["job_id"]))["last_seq"]
    if not (open_ones := await questions(ann)):
        await followed(ann, "user:me", "clarification_requested", after=seq)
        open_ones = await questions(ann)
    status, body = await said(ann, open_ones[0]["clarification_id"], PASSWORD, key="once")
    assert (status, body["clarification"]["answer"]) == (200, None)
    (job,) = await ended(ann, accepted)
    assert (job["status"], job["result"]["new_rows"]) == ("completed", 1)
    assert await dates_of(ann, job["job_id"]) == ["2025-04-13"]
    assert not (server.settings.work_dir / job["job_id"]).exists()
    async with ann.get(f"/api/v1/jobs/{job['job_id']}/events?limit=500") as answer:
        assert PASSWORD not in await answer.text()
    with sqlite3.connect(server.settings.database_path) as database:
        kept = [
            str(row)
            for table in ("event", "clarification", "idempotency", "audit")
            for row in database.execute(f"SELECT * FROM {table}")
        ]
    assert not [row for row in kept if PASSWORD in row]
