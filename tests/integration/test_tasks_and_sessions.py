"""What clients of tasks and of sessions ask over HTTP: bringing, beginning, looking, answering."""

import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.keys import DATABASE, FILES, HUB
from app.store.offline import offline
from app.web.reference.deposits import sweep_deposits
from tests.documents import Line, pdf_of
from tests.integration.listening import until
from tests.integration.serving import (
    Server,
    ended,
    followed,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n2025-01-04,Tea,-2.10\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
ORIGIN = "http://shop.example:3000"


def invoice(folder: Path) -> bytes:
    lines = [
        Line(60, 60, "Nordwind Segel GmbH", size=16, bold=True),
        Line(60, 160, "Rechnung", size=14, bold=True),
        Line(60, 190, "Rechnungsnummer: 2025-17"),
        Line(60, 205, "Rechnungsdatum: 03.01.2025"),
        Line(60, 400, "Gesamtbetrag: 119,00 EUR", bold=True),
    ]
    return pdf_of(folder, [lines]).read_bytes()


async def bring(
    client: aiohttp.ClientSession, content: bytes, name: str = "invoice.pdf"
) -> tuple[int, dict[str, Any]]:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type="application/pdf")
    form.add_field("folder", "of no interest here")
    async with client.post("/api/upload", data=form) as answer:
        return answer.status, await answer.json(content_type=None)


async def asked(
    client: aiohttp.ClientSession, method: str, path: str, **said: Any
) -> tuple[int, dict[str, Any]]:
    async with client.request(method, path, **said) as answer:
        return answer.status, await answer.json(content_type=None)


# Tasks


async def test_an_invoice_is_brought_begun_with_and_looked_at(
    tmp_path: Path, ann: aiohttp.ClientSession
) -> None:
    content = invoice(tmp_path)
    status, kept = await bring(ann, content)
    assert status == 200
    assert (kept["filename"], kept["size"]) == ("invoice.pdf", len(content))
    assert kept["content_type"] == "application/pdf"
    async with ann.get(kept["url"]) as answer:
        assert await answer.read() == content
    wish = {
        "url": kept["url"],
        "filename": "january.pdf",
        "options": {"auto_save": True, "confidence_threshold": 0, "model_provider": "openai"},
    }
    status, task = await asked(ann, "POST", "/api/invoices/upload", json=wish)
    assert (status, task["status"]) == (202, "pending")
    assert task["websocket_room"] == f"job:{task['task_id']}"
    await followed(ann, f"batch:{task['batch_id']}", "batch_completed")
    status, told = await asked(ann, "GET", f"/api/invoices/status/{task['task_id']}")
    assert status == 200
    assert (told["status"], told["progress"], told["stage"]) == ("completed", 100, "complete")
    assert told["filename"] == "january.pdf"
    assert told["error"] is None
    assert told["result"]
    assert {u["task_id"] for u in told["updates"]} == {task["task_id"]}
    assert told["updates"][-1]["type"] == "complete"
    status, of_batch = await asked(ann, "GET", f"/api/invoices/status/{task['batch_id']}")
    assert (status, of_batch["status"], of_batch["progress"]) == (200, "completed", 100)
    assert (await state_of(ann, task["task_id"]))["plan"] == "invoice"


async def test_a_task_that_fails_says_why(ann: aiohttp.ClientSession) -> None:
    kept = (await bring(ann, b"%PDF-1.7 and nothing else", "broken.pdf"))[1]
    task = (await asked(ann, "POST", "/api/invoices/upload", json={"url": kept["url"]}))[1]
    await followed(ann, f"batch:{task['batch_id']}", "batch_completed")
    told = (await asked(ann, "GET", f"/api/invoices/status/{task['task_id']}"))[1]
    assert told["status"] == "error"
    assert "broken.pdf" in told["error"]
    assert told["updates"][-1]["type"] == "error"


async def test_the_same_key_begins_one_task(ann: aiohttp.ClientSession, tmp_path: Path) -> None:
    kept = (await bring(ann, invoice(tmp_path)))[1]
    headers = {"Idempotency-Key": "once"}
    wish = {"url": kept["url"]}
    first = await asked(ann, "POST", "/api/invoices/upload", json=wish, headers=headers)
    again = await asked(ann, "POST", "/api/invoices/upload", json=wish, headers=headers)
    assert first == again


@pytest.mark.parametrize("content", [b"MZ\x90 a program", b"<html>", b"", b"a,b\n1,2\n"])
async def test_only_documents_and_images_are_kept(
    server: Server, ann: aiohttp.ClientSession, content: bytes
) -> None:
    status, problem = await bring(ann, content, "thing.pdf")
    assert (status, problem["code"]) == (400, "invalid_request")
    assert server.app[FILES].used_bytes == 0


async def test_what_is_too_large_is_not_kept(server: Server, ann: aiohttp.ClientSession) -> None:
    status, problem = await bring(ann, PNG + bytes(10 * 1024 * 1024))
    assert (status, problem["code"]) == (413, "upload_too_large")
    assert server.app[FILES].used_bytes == 0
    assert (await bring(ann, PNG + bytes(9 * 1024 * 1024), "photo.png"))[0] == 200


async def test_what_was_brought_outlives_a_restart_and_goes_after_a_day(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        kept = (await bring(ann, PNG, "a.png"))[1]
    path = kept["url"].partition("/api/")[2]
    async with serving(settings) as server, server.client("ann") as ann:
        async with ann.get(f"/api/{path}") as answer:
            assert await answer.read() == PNG
        with offline(settings.database_path) as database:
            database.execute("UPDATE deposit SET expires_ms = 1")
        async with ann.get(f"/api/{path}") as answer:
            assert answer.status == 404
        assert (await bring(ann, PNG + b"other", "b.png"))[0] == 200
        await sweep_deposits(server.app)
        rows = await server.app[DATABASE].reader.execute_fetchall("SELECT filename FROM deposit")
        assert [tuple(row) for row in rows] == [("b.png",)]
        assert server.app[FILES].used_bytes == len(PNG) + 5
    with offline(settings.database_path) as database:
        database.execute("UPDATE deposit SET expires_ms = 1")
    async with serving(settings) as server:  # it goes by itself, though nobody brings another
        await until(lambda: server.app[FILES].used_bytes == 0)


async def test_nobody_begins_with_what_somebody_else_brought(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    kept = (await bring(ann, PNG, "a.png"))[1]
    for client, code in ((bob, 404), (stranger, 401)):
        async with client.get(kept["url"]) as answer:
            assert answer.status == code
        wish = {"url": kept["url"]}
        assert (await asked(client, "POST", "/api/invoices/upload", json=wish))[0] == code
    task = (await asked(ann, "POST", "/api/invoices/upload", json={"url": kept["url"]}))[1]
    for ident in (task["task_id"], task["batch_id"], str(uuid.uuid4()), "nonsense"):
        assert (await asked(bob, "GET", f"/api/invoices/status/{ident}"))[0] == 404


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({}, "invalid_request"),
        ({"url": ""}, "invalid_request"),
        ({"url": "x" * 3000}, "invalid_request"),
        ({"url": "http://127.0.0.1:9/secret.pdf"}, "target_refused"),
        ({"url": "file:///etc/passwd"}, "target_refused"),
        ({"url": "http://[bracket"}, "target_refused"),
        ({"url": f"/api/upload/{uuid.uuid4()}"}, "not_found"),
        ({"url": "/api/upload/x", "options": {"confidence_threshold": 7}}, "invalid_request"),
    ],
)
async def test_what_can_not_be_begun_is_refused(
    ann: aiohttp.ClientSession, wish: dict[str, Any], code: str
) -> None:
    status, problem = await asked(ann, "POST", "/api/invoices/upload", json=wish)
    assert status >= 400
    assert problem["code"] == code


async def test_health_is_told_to_anybody(stranger: aiohttp.ClientSession) -> None:
    status, told = await asked(stranger, "GET", "/api/health")
    assert (status, told["status"]) == (200, "ok")


async def test_pages_of_an_allowed_site_may_call_with_credentials(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", allowed_origins=(ORIGIN,))
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as page:
        page.headers["Origin"] = ORIGIN
        preflight = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        for path in ("/api/invoices/upload", "/api/wizard/clarifications/respond", "/api/upload"):
            async with page.options(path, headers=preflight) as answer:
                assert answer.status == 204
                assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
                assert answer.headers["Access-Control-Allow-Credentials"] == "true"
                assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert (await bring(page, PNG, "a.png"))[0] == 200
        page.headers["Origin"] = "http://elsewhere.example"
        status, problem = await bring(page, PNG, "a.png")
        assert (status, problem["code"]) == (403, "cross_site")


# Sessions


async def waiting(client: aiohttp.ClientSession) -> tuple[str, str]:
    """Return a job that waits for a decision, and the question."""
    accepted = await upload(client, ("a.csv", CSV), options='{"auto_save": false}')
    job_id = accepted["jobs"][0]["job_id"]
    events = await followed(client, f"job:{job_id}", "clarification_requested")
    return job_id, events[-1]["clarification_id"]


async def session(client: aiohttp.ClientSession, ident: str) -> dict[str, Any]:
    status, told = await asked(client, "GET", f"/api/wizard/session/{ident}")
    assert status == 200
    return told


async def test_a_session_is_looked_at_answered_and_ends(ann: aiohttp.ClientSession) -> None:
    job_id, question = await waiting(ann)
    told = await session(ann, job_id)
    assert (told["sessionId"], told["status"]) == (job_id, "ACTIVE")
    assert (told["hasClarifications"], told["clarificationCount"]) == (True, 1)
    prompts = told["prompts"]
    assert prompts["total"] == sum(prompts[key] for key in prompts if key != "total")
    async with ann.get(f"/api/v1/clarifications/{question}") as answer:
        choices = (await answer.json())["choices"]
    said = {"clarificationId": question, "answer": choices[0]["label"], "sessionId": job_id}
    status, done = await asked(ann, "POST", "/api/wizard/clarifications/respond", json=said)
    assert status == 200
    assert (done["success"], done["sessionId"], done["status"]) == (True, job_id, "answered")
    await followed(ann, f"job:{job_id}", "processing_completed")
    told = await session(ann, job_id)
    assert (told["status"], told["progress"], told["hasResult"]) == ("COMPLETED", 100, True)
    assert not told["hasClarifications"]
    status, problem = await asked(ann, "POST", "/api/wizard/clarifications/respond", json=said)
    assert (status, problem["code"]) == (409, "conflict")


async def test_a_batch_is_a_session_too(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("a.csv", CSV), ("b.csv", b"Date,Description,Amount\n"))
    await ended(ann, accepted)
    told = await session(ann, accepted["batch_id"])
    assert (told["status"], told["progress"]) == ("COMPLETED", 100)
    assert (told["prompts"]["total"], told["prompts"]["failed"]) == (2, 1)


async def test_an_answer_that_does_not_fit_is_refused_and_may_be_given_again(
    ann: aiohttp.ClientSession,
) -> None:
    job_id, question = await waiting(ann)
    path = "/api/wizard/clarifications/respond"
    for answer in ("perhaps", 7, None, {"a": 1}):
        said = {"clarificationId": question, "answer": answer}
        assert (await asked(ann, "POST", path, json=said))[0] == 400
    for ident in (str(uuid.uuid4()), "nonsense"):
        said = {"clarificationId": ident, "answer": "save"}
        assert (await asked(ann, "POST", path, json=said))[0] == 404
    assert (await asked(ann, "POST", path, data=b"{"))[0] == 400
    assert (await session(ann, job_id))["clarificationCount"] == 1


async def test_nobody_else_looks_at_a_session_or_answers(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    job_id, question = await waiting(ann)
    assert (await asked(bob, "GET", f"/api/wizard/session/{job_id}"))[0] == 404
    said = {"clarificationId": question, "answer": "save"}
    path = "/api/wizard/clarifications/respond"
    assert (await asked(bob, "POST", path, json=said))[0] == 404
    await until(lambda: not server.app[HUB].sessions)
    assert (await session(ann, job_id))["clarificationCount"] == 1
