"""Invoices through the whole server: read by all readers, asked about, corrected, and learned."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.core.documents import FIELDS
from tests import model_server as ms
from tests.documents import Line, pdf_of
from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)
from tests.model_server import ModelServer, model_server

MODEL = "openai-chat:good"


def invoice(folder: Path, number: str, date: str, total: str) -> tuple[str, bytes]:
    """Return the name and content of an invoice in the words of one vendor."""
    marks = [
        Line(60, 60, "Nordwind Segel GmbH", size=16, bold=True),
        Line(60, 80, "Hafenstr. 3, 24103 Kiel"),
        Line(60, 160, "Rechnung", size=14, bold=True),
        Line(60, 190, f"Rechnungsnummer: {number}"),
        Line(60, 205, f"Rechnungsdatum: {date}"),
        Line(60, 300, "Segeltuch blau"),
        Line(60, 400, f"Gesamtbetrag: {total} EUR", bold=True),
        Line(60, 430, "Ablage 77,00"),
    ]
    path = pdf_of(folder, [marks], name=f"{number}.pdf")
    return path.name, path.read_bytes()


def answer(number: str, date: str, total: str) -> ms.Behaviour:
    return ms.good(
        vendor_name="Nordwind Segel GmbH",
        invoice_number=number,
        invoice_date=date,
        total_amount=total,
        currency="EUR",
    )


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path, models: ModelServer) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data", models=(MODEL,), model_base_url=models.url)
    with_user(settings, "ann")
    with_user(settings, "bob")
    async with serving(settings) as server:
        yield server


async def fields_of(client: aiohttp.ClientSession, job_id: str) -> dict[str, Any]:
    async with client.get(f"/api/v1/jobs/{job_id}/fields") as got:
        assert got.status == 200, await got.text()
        found: dict[str, Any] = await got.json()
        return found


async def test_an_invoice_is_read_by_all_readers_and_asks_where_they_differ(
    house: Server, models: ModelServer, tmp_path: Path
) -> None:
    models.answers("good", answer("RE-1001", "2026-04-03", "77.00"))
    async with house.client("ann") as ann:
        accepted = await upload(ann, invoice(tmp_path, "RE-1001", "03.04.2026", "1.119,00"))
        job_id = accepted["jobs"][0]["job_id"]
        seen = await followed(ann, f"job:{job_id}", "clarification_requested")
        (asked,) = [event for event in seen if event["type"] == "clarification_requested"]
        assert asked["question"] == "What is the total: “1119.00” or “77.00”?"
        results = [e for e in seen if e["type"] == "model_result"]
        assert {(e["model_name"], e["model_status"]) for e in results} == {
            ("layout", "completed"),
            ("good", "processing"),
            ("good", "completed"),
        }
        (answered,) = [e for e in results if e["output_tokens"]]
        assert (answered["provider"], answered["cost"]) == ("openai-chat", None)
        path = f"/api/v1/clarifications/{asked['clarification_id']}/answer"
        async with ann.post(path, json={"answer": "1.119,00"}) as got:
            assert got.status == 200, await got.text()
        (state,) = await ended(ann, accepted)
        assert state["status"] == "completed", state["error"]
        assert state["result"]["fields"]["total_amount"] == "1119.00"
        found = await fields_of(ann, job_id)
    assert list(found["fields"]) == list(FIELDS)
    total = found["fields"]["total_amount"]
    assert (total["value"], total["source"], total["status"]) == ("1119.00", "person", "edited")
    assert total["page"] == 1
    assert total["bbox"] is not None
    assert found["fields"]["invoice_number"]["value"] == "RE-1001"
    assert found["fields"]["iban"] == {
        "value": None,
        "confidence": 1.0,
        "source": "",
        "page": None,
        "bbox": None,
        "status": "absent",
        "label": "IBAN",
    }


async def test_a_correction_is_told_and_the_vendors_next_invoice_knows(
    house: Server, models: ModelServer, tmp_path: Path
) -> None:
    models.answers("good", ms.refusing)
    async with house.client("ann") as ann:
        first = await upload(ann, invoice(tmp_path, "RE-1001", "03.04.2026", "1.119,00"))
        (state,) = await ended(ann, first)
        job_id, seq = state["job_id"], state["last_seq"]
        path = f"/api/v1/jobs/{job_id}/fields"
        change = {"fields": {"purchase_order": "77,00", "due_date": None}}
        async with ann.patch(path, json=change) as got:
            assert got.status == 200, await got.text()
            found = await got.json()
        assert found["fields"]["purchase_order"]["status"] == "edited"
        (told,) = await followed(ann, f"job:{job_id}", "fields_edited", after=seq)
        assert told["by"] == "ann"
        assert told["fields_said"] == change["fields"]
        assert told["message"] == "Corrected by hand: purchase order, due date"
        after = await state_of(ann, job_id)
        assert after["status"] == "completed"
        assert after["result"]["fields"]["purchase_order"] == "77,00"
        second = await upload(ann, invoice(tmp_path, "RE-1002", "04.05.2026", "200,00"))
        (state,) = await ended(ann, second)
        next_one = (await fields_of(ann, state["job_id"]))["fields"]
    assert next_one["purchase_order"]["value"] == "77,00"
    assert next_one["purchase_order"]["source"] == "template"
    assert next_one["invoice_number"]["value"] == "RE-1002"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"fields": {"total": "1.00"}}, "there is no field total"),
        ({"fields": {"total_amount": "a lot"}}, "body.fields.total_amount: it is no amount"),
        ({"fields": {}}, "body.fields"),
        ({"total_amount": "1.00"}, "body.fields: Field required"),
    ],
)
async def test_a_correction_that_can_not_be_is_refused(
    house: Server, models: ModelServer, tmp_path: Path, change: dict[str, Any], what: str
) -> None:
    models.answers("good", ms.refusing)
    async with house.client("ann") as ann:
        accepted = await upload(ann, invoice(tmp_path, "RE-1001", "03.04.2026", "1.119,00"))
        path = f"/api/v1/jobs/{accepted['jobs'][0]['job_id']}/fields"
        async with ann.patch(path, json=change) as got:
            assert (got.status, what in (await got.json())["title"]) == (400, True)


async def test_a_file_without_fields_has_none_and_none_to_correct(
    house: Server, models: ModelServer
) -> None:
    async with house.client("ann") as ann, house.client("bob") as bob:
        accepted = await upload(ann, ("a.csv", b"Date,Text,Amount\n2026-01-02,Coffee,-3.40\n"))
        (state,) = await ended(ann, accepted)
        path = f"/api/v1/jobs/{state['job_id']}/fields"
        found = await fields_of(ann, state["job_id"])
        assert {field["status"] for field in found["fields"].values()} == {"absent"}
        for client, code in ((ann, 404), (bob, 404)):
            async with client.patch(path, json={"fields": {"iban": None}}) as got:
                assert got.status == code
    assert models.calls == []


async def test_an_upload_can_leave_the_models_out(
    house: Server, models: ModelServer, tmp_path: Path
) -> None:
    one = invoice(tmp_path, "RE-1001", "03.04.2026", "1.119,00")
    form = files_form(one, options='{"models": []}')
    async with house.client("ann") as ann:
        async with ann.post("/api/v1/batches", data=form) as got:
            accepted = await got.json()
        (state,) = await ended(ann, accepted)
    assert state["status"] == "completed", state["error"]
    assert models.calls == []


async def test_an_upload_can_not_name_a_model_that_is_not_configured(
    house: Server, models: ModelServer, tmp_path: Path
) -> None:
    async with house.client("ann") as ann:
        form = files_form(
            invoice(tmp_path, "RE-1", "03.04.2026", "1,00"), options='{"models": ["groq:spy"]}'
        )
        async with ann.post("/api/v1/batches", data=form) as got:
            told = await got.json()
        async with ann.get("/api/v1/batches") as got:
            assert (await got.json())["batches"] == []
    assert told["status"] == 400
    assert "there is no groq:spy; known are openai-chat:good" in told["title"]


async def test_an_invoice_that_is_stored_already_says_so_and_stands_beside_the_stored_one(
    house: Server, models: ModelServer, tmp_path: Path
) -> None:
    models.answers("good", answer("NS-1", "2026-03-05", "119.00"))
    name, content = invoice(tmp_path, "NS-1", "05.03.2026", "119,00")
    async with house.client("ann") as client:
        for copy in (content, content + b"\n% sent once more\n"):
            accepted = await upload(client, (name, copy), options='{"ask": false}')
            (state,) = await ended(client, accepted)
    assert state["message"] == "I have this document already, so I left this copy of it out"
    (near,) = state["result"]["near"]
    # what the other one says is shown to its owner alone
    assert set(near) == {"job_id", "score", "certain", "differs"}
    async with house.client("ann") as client, client.get(f"/jobs/{state['job_id']}") as page:
        beside = (await page.text()).partition('id="duplicates"')[2]
    assert "Invoice number" in beside
    assert state["result"]["fields"]["invoice_number"] == "NS-1"
