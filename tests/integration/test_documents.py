"""Documents in records.db: stored whole, read page by page, searched, taken back."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from app.core.reading import Task
from app.reading import saving
from app.reading.pages import read_pages
from app.reading.saving import index, save_document
from app.store.documents_reader import Document, DocumentsReader, match_of
from app.store.records import RecordsReader
from app.store.records_bulk import undo_import
from app.store.records_schema import connect_records, writing_records
from tests.documents import Line, Mark, pdf_of
from tests.integration.serving import LONGEST_S
from tests.pages import save_pages
from tests.readers import Heard, task_for

PAGES: list[list[Mark]] = [
    [Line(72, 80, "Annual report", size=20, bold=True), Line(72, 140, "Crème brûlée sells well")],
    [Line(72, 80, "Contact: nobody"), Line(72, 140, "Nothing else is said here")],
]


def read(folder: Path, job: str = "job-1", user: str = "ann", marks: Any = PAGES) -> Task:
    """Read a PDF as the job `job` of `user`; return the task of its next step."""
    folder.mkdir(exist_ok=True)
    task = task_for(pdf_of(folder, marks), "pdf")
    task.update(job_id=job, user_id=user, records_path=str(folder.parent / "records.db"))
    task["found"]["page_reading"] = read_pages(task, Heard())
    return task


def store(task: Task) -> dict[str, Any]:
    found = save_document(task, Heard())
    task["found"]["saving"] = found
    index(task, Heard())
    return found


async def looking(folder: Path) -> RecordsReader:
    return await RecordsReader.open(folder / "records.db")


async def of(reader: DocumentsReader, job: str) -> Document:
    document = await reader.document(job)
    assert document is not None
    return document


async def test_what_was_read_is_stored_and_read_again(tmp_path: Path) -> None:
    assert store(read(tmp_path / "one")) == {"pages": 2, "zones": 4, "fields": 0}
    records = await looking(tmp_path)
    try:
        document = await of(records.documents, "job-1")
        assert (document.pages, document.zones, document.title) == (2, 4, "Annual report")
        pages = await records.documents.pages(document)
        assert [(page["number"], page["source"], page["zones"]) for page in pages] == [
            (1, "text", 2),
            (2, "text", 2),
        ]
        total, zones = await records.documents.zones(document, page=2)
        assert total == 2
        assert zones[0]["data"] == {"key": "Contact", "value": "nobody"}
        assert zones[0]["zone_index"] == 2
        assert (await records.documents.texts(document))[0][1].startswith("Annual report\n")
    finally:
        await records.close()


async def test_fields_of_the_last_step_are_stored(tmp_path: Path) -> None:
    task = read(tmp_path / "one")
    field = {"confidence": 1.0, "source": "xml", "page": None, "bbox": None, "status": "read"}
    task["found"]["field_check"] = {
        "fields": {
            "vendor_name": {**field, "value": "Muster GmbH"},
            "total_amount": {**field, "value": "1190.00"},
            "iban": {**field, "value": None, "status": "absent"},
        },
        "line_items": [{"description": "Paper", "amount": "1000.00"}],
    }
    assert store(task)["fields"] == 2
    with closing(connect_records(tmp_path / "records.db")) as connection:
        row = connection.execute("SELECT vendor_key, total_micros FROM document").fetchone()
        assert row == ("muster", 1_190_000_000)
        assert connection.execute("SELECT count(*) FROM line_item").fetchone() == (1,)


def test_a_step_that_runs_again_stores_nothing_twice(tmp_path: Path) -> None:
    task = read(tmp_path / "one")
    assert store(task) == store(task)
    with closing(connect_records(tmp_path / "records.db")) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("import", "document", "page", "page_text")
        ]
    assert counts == [1, 1, 2, 2]


def test_what_another_worker_stores_just_before_is_not_stored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last worker of a server that was killed may still be at it when the next one begins."""
    task = read(tmp_path / "one")
    fields_of = saving.fields_of

    def the_other_first(task: Task) -> Any:
        monkeypatch.setattr(saving, "fields_of", fields_of)
        save_document(task, Heard())
        return fields_of(task)

    monkeypatch.setattr(saving, "fields_of", the_other_first)
    assert save_document(task, Heard())["pages"] == 2
    with closing(connect_records(tmp_path / "records.db")) as connection:
        assert connection.execute("SELECT count(*) FROM page").fetchone() == (2,)


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("12.50", 12_500_000),
        ("-0.01", -10_000),
        ("1234567890123.456789", 1_234_567_890_123_456_789),  # a float would round it
        ("4611686018427.387904", 2**62),
        ("4611686018427.387905", None),  # more than an integer of SQLite surely holds
        ("1e30", None),
        ("NaN", None),
        ("12,50", None),
        (None, None),
    ],
)
def test_a_total_is_kept_exactly_or_not_at_all(amount: str | None, micros: int | None) -> None:
    assert saving.micros_of(amount) == micros


@pytest.mark.parametrize("words", ["creme brulee", "CRÈME", "brû", 'crème"  OR', "sells crème"])
async def test_pages_are_found_by_their_words(tmp_path: Path, words: str) -> None:
    store(read(tmp_path / "one"))
    records = await looking(tmp_path)
    try:
        hits = await records.documents.search("ann", words)
        expected = [] if "OR" in words else [("job-1", 1)]
        assert [(hit.job_id, hit.page) for hit in hits] == expected
    finally:
        await records.close()


async def test_a_search_finds_ones_own_documents_alone(tmp_path: Path) -> None:
    store(read(tmp_path / "one"))
    store(read(tmp_path / "two", job="job-2", user="bob"))
    records = await looking(tmp_path)
    try:
        assert [hit.job_id for hit in await records.documents.search("bob", "report")] == ["job-2"]
        for nothing in ("", "  ", "*", '"', "()"):
            assert await records.documents.search("bob", nothing) == []
    finally:
        await records.close()


def test_a_word_is_begun_by_three_letters_or_by_one_sign_that_says_as_much() -> None:
    assert match_of("old re") == '"old" "re"'
    assert match_of("old rep") == '"old" "rep"*'
    assert match_of("東") == '"東"*'


async def test_nobody_who_looks_at_a_file_waits_behind_a_search(tmp_path: Path) -> None:
    store(read(tmp_path / "one"))
    path = tmp_path / "records.db"
    begun, held = threading.Event(), threading.Event()

    def hold() -> int:
        begun.set()
        return 0 if held.wait(LONGEST_S) else 1

    async with aiosqlite.connect(path) as connection, aiosqlite.connect(path) as wide:
        await wide.set_progress_handler(hold, 1)
        documents = RecordsReader(connection, wide).documents
        search = asyncio.create_task(documents.search("ann", "report"))
        try:
            assert await asyncio.to_thread(begun.wait, LONGEST_S)
            assert await documents.document("job-1") is not None
            assert not search.done()
        finally:
            held.set()
        assert [hit.job_id for hit in await search] == ["job-1"]


@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_taken_back_leaves_nothing(tmp_path: Path, indexed: bool) -> None:
    kept, gone = read(tmp_path / "one"), read(tmp_path / "two", job="job-2")
    store(kept)
    if indexed:
        store(gone)
    else:  # it was cancelled before its words were indexed
        save_document(gone, Heard())
    with writing_records(tmp_path / "records.db") as connection:
        undo_import(connection, "job-2")
    with closing(connect_records(tmp_path / "records.db")) as connection:
        assert left_of(connection) == {"import": 1, "document": 1, "page": 2, "zone": 4}
        found = connection.execute("SELECT rowid FROM page_text WHERE page_text MATCH 'report'")
        assert len(found.fetchall()) == 1
        connection.execute("INSERT INTO page_text (page_text) VALUES ('integrity-check')")


def left_of(connection: sqlite3.Connection) -> dict[str, int]:
    tables = ("import", "document", "page", "zone")
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
    }


def test_a_long_document_is_stored_page_by_page(tmp_path: Path) -> None:
    task = read(tmp_path / "one", marks=[[Line(72, 80, f"Page {n}")] for n in range(300)])
    heard = Heard()
    save_document(task, heard)
    assert heard.done == list(range(1, 301))
    save_pages(task["work_dir"], [])  # nothing of it is needed any more
    assert save_document(task, Heard())["pages"] == 300
