"""Documents from the upload to what is shown of them, through the whole server."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from app.store.documents_reader import DocumentsReader
from app.store.records_bulk import undo_import
from app.store.records_schema import writing_records
from app.web import documents
from tests.documents import Line, Mark, grid, pdf_of
from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    serving,
    settings_for,
    upload,
    with_user,
)
from tests.unit.test_images import photo

WORDS = "a report says many things in long lines of plain words"
REPORT: list[list[Mark]] = [
    [
        Line(60, 90, "Report on zebras", size=18, bold=True),
        *(Line(60, 140 + 13 * n, f"{WORDS} {n}") for n in range(20)),
        *grid((60, 200, 300), (500, 516, 532, 548)),
        Line(64, 512, "Animal"),
        Line(204, 512, "Count"),
        Line(64, 528, "Zebra"),
        Line(204, 528, "3"),
        Line(64, 544, "Lion"),
        Line(204, 544, "1"),
    ],
    [Line(60, 90, "Second page"), Line(60, 140, WORDS)],
]

EINVOICE = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
 xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2">
<b:ID>RE-4711</b:ID><b:IssueDate>2026-11-20</b:IssueDate>
<a:AccountingSupplierParty><a:Party/></a:AccountingSupplierParty></Invoice>"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data")
    for name in ("ann", "bob"):
        with_user(settings, name)
    async with serving(settings, warm=True) as running:
        yield running


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with server.client("ann") as client:
        yield client


async def ask(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(f"/api/v1{path}") as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_a_document_is_told_stored_shown_found_and_taken_back(
    tmp_path: Path, server: Server, ann: aiohttp.ClientSession
) -> None:
    content = pdf_of(tmp_path, REPORT).read_bytes()
    accepted = await upload(ann, ("report.pdf", content))
    job = accepted["jobs"][0]["job_id"]
    (state,) = await ended(ann, accepted)
    assert (state["status"], state["plan"]) == ("completed", "document"), state["error"]
    assert state["result"]["pages"] == 2
    assert state["result"]["links"]["zones"] == f"/api/v1/jobs/{job}/zones"

    events = await followed(ann, f"job:{job}", "processing_completed")
    told = [event["zone_id"] for event in events if event["type"] == "zone_completed"]
    shown = await ask(ann, f"/jobs/{job}/zones")
    assert told == [zone["zone_id"] for zone in shown["zones"]]
    assert len(told) == shown["total"] == state["result"]["zones"]
    tables = await ask(ann, f"/jobs/{job}/zones?kind=table")
    rows = tables["zones"][0]["data"]["rows"]
    assert rows == [["Animal", "Count"], ["Zebra", "3"], ["Lion", "1"]]

    pages = await ask(ann, f"/jobs/{job}/pages")
    assert (pages["title"], [page["number"] for page in pages["pages"]]) == (
        "Report on zebras",
        [1, 2],
    )
    async with ann.get(pages["pages"][1]["links"]["picture"]) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        image = Image.open(io.BytesIO(await answer.read()))
        assert image.size == (round(595 * 110 / 72), round(842 * 110 / 72))
    async with ann.get(f"/api/v1/jobs/{job}/text?page=2") as answer:
        assert (await answer.text()).startswith("Second page\n")
    async with ann.get(f"/api/v1/jobs/{job}/text") as answer:
        assert (await answer.text()).count("\f") == 2
    for nowhere in ("text?page=3", "pages/3.png", "pages/0.png", "pages/x.png"):
        async with ann.get(f"/api/v1/jobs/{job}/{nowhere}") as answer:
            assert answer.status == 404

    (hit,) = (await ask(ann, "/search?q=zebra+report"))["hits"]
    assert (hit["job_id"], hit["filename"], hit["page"]) == (job, "report.pdf", 1)
    assert {part["text"].lower() for part in hit["snippet"] if part["found"]} >= {"report"}
    async with server.client("bob") as bob:
        assert (await ask(bob, "/search?q=zebra"))["hits"] == []

    async with ann.post(f"/api/v1/jobs/{job}/undo") as answer:
        assert answer.status == 200, await answer.text()
    assert (await ask(ann, f"/jobs/{job}/zones"))["total"] == 0
    assert (await ask(ann, "/search?q=zebra"))["hits"] == []


async def test_a_text_that_is_taken_back_while_it_is_sent_is_no_whole_text(
    tmp_path: Path,
    server: Server,
    ann: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = await upload(ann, ("report.pdf", pdf_of(tmp_path, REPORT).read_bytes()))
    (state,) = await ended(ann, accepted)
    texts = DocumentsReader.texts

    def take_back() -> None:
        with writing_records(server.settings.records_path) as connection:
            undo_import(connection, state["job_id"])

    async def then_none(reader: DocumentsReader, *given: Any, **more: Any) -> Any:
        some = await texts(reader, *given, **more)
        await asyncio.to_thread(take_back)
        return some

    monkeypatch.setattr(DocumentsReader, "texts", then_none)
    monkeypatch.setattr(documents, "TEXTS_AT_ONCE", 1)
    async with ann.get(f"/api/v1/jobs/{state['job_id']}/text") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_photo_goes_through_ocr_in_its_worker(
    tmp_path: Path, ann: aiohttp.ClientSession
) -> None:
    path = tmp_path / "photo.png"
    photo().rotate(90, expand=True).save(path)
    form = files_form(("photo.png", path.read_bytes()), options='{"ask": false}')
    async with ann.post("/api/v1/batches", data=form) as answer:
        accepted = await answer.json()
    job = accepted["jobs"][0]["job_id"]
    (state,) = await ended(ann, accepted)
    assert state["status"] == "completed", state["error"]
    assert state["result"]["text_sources"] == {"ocr": 1}
    async with ann.get(f"/api/v1/jobs/{job}/text?page=1") as answer:
        assert "Invoice number 4711" in await answer.text()
    async with ann.get(f"/api/v1/jobs/{job}/pages/1.png") as answer:
        image = Image.open(io.BytesIO(await answer.read()))
        assert image.width > image.height  # upright, as it was read


async def test_an_einvoice_can_be_looked_at_as_a_page(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("e-invoice.xml", EINVOICE.encode()))
    job = accepted["jobs"][0]["job_id"]
    (state,) = await ended(ann, accepted)
    assert (state["status"], state["result"]["pages"]) == ("completed", 1), state["error"]
    async with ann.get(f"/api/v1/jobs/{job}/pages/1.png") as answer:
        assert answer.status == 200, await answer.text()
        image = Image.open(io.BytesIO(await answer.read()))
    assert image.size == (910, 1287)  # A4
    assert image.convert("L").getextrema()[0] < 128  # something is written on it


async def test_a_damaged_document_names_the_pages_that_can_not_be_read(
    tmp_path: Path, ann: aiohttp.ClientSession
) -> None:
    content = pdf_of(tmp_path, [[Line(60, 90, f"{WORDS} {n}")] for n in range(3)]).read_bytes()
    broken = content.replace(b"/Kids [6 0 R 8 0 R", b"/Kids [6 0 R 4 0 R")  # 4 is a font
    assert broken != content
    accepted = await upload(ann, ("damaged.pdf", broken))
    job = accepted["jobs"][0]["job_id"]
    (state,) = await ended(ann, accepted)
    assert state["status"] == "completed", state["error"]
    assert (state["result"]["pages_read"], state["result"]["unreadable_pages"]) == (2, [2])
    events = await followed(ann, f"job:{job}", "processing_completed")
    (warning,) = [event["warning"] for event in events if event["type"] == "processing_warning"]
    assert warning["title"] == "2 of 3 pages were read; not page 2"
    shown = (await ask(ann, f"/jobs/{job}/pages"))["pages"]
    assert [page["problem"] is None for page in shown] == [True, False, True]
