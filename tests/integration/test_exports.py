"""Exports: what is stored comes out again, told as it goes on; files that stay for a while."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from app.core.ids import uuid7
from app.core.reading import Task, Tell
from app.keys import EXPORTER
from app.reading.export import export as by_the_reader
from app.store.accounts import now_ms
from app.store.documents import NewDocument, insert_document, insert_fields
from app.store.offline import offline
from app.store.records_bulk import begin_import
from app.store.records_schema import writing_records
from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    followed,
    serving,
    settings_for,
    upload,
    with_user,
)

FIRST = (
    b"Date,Description,Amount,Currency\n2026-01-02,=Tea,-2.50,EUR\n2026-01-03,Rent,-900.00,EUR\n"
    b"2026-02-01,Salary,3000.00,EUR\n"
)
SECOND = FIRST + b"2026-02-02,Book,-12.00,EUR\n"

Body = dict[str, Any]


async def asked(client: aiohttp.ClientSession, **wish: Any) -> Body:
    async with client.post("/api/v1/exports", json=wish) as answer:
        assert answer.status == 202, await answer.text()
        told: Body = await answer.json()
        assert answer.headers["Location"] == told["links"]["self"]
        return told


async def done(client: aiohttp.ClientSession, wish: Body) -> Body:
    """Return an export that has ended, waiting for its event."""
    for kind in ("export_completed", "export_failed"):
        async with client.get(wish["links"]["self"]) as answer:
            told: Body = await answer.json()
        if told["state"] in ("completed", "failed"):
            return told
        await told_of(client, wish["export_id"], kind)
    raise AssertionError(told)


async def told_of(client: aiohttp.ClientSession, export_id: str, *until: str) -> list[Body]:
    """Return the events of an export, up to one of its ends."""
    seen: list[Body] = []
    ends = {"export_completed", "export_failed", *until}
    async with asyncio.timeout(LONGEST_S), client.ws_connect("/ws?frames=single") as socket:
        await socket.send_json({"op": "subscribe", "id": "1", "room": "user:me", "after": 0})
        async for message in socket:
            event = message.json()
            if event.get("export_id") == export_id:
                seen.append(event)
                if event["type"] in ends:
                    break
    return seen


async def fetched(client: aiohttp.ClientSession, **wish: Any) -> bytes:
    """Return the file of an export."""
    made = await done(client, await asked(client, **wish))
    assert made["state"] == "completed", made
    async with client.get(made["links"]["file"]) as answer:
        assert answer.status == 200
        body = await answer.read()
    assert len(body) == made["size"]
    return body


def lines_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server of ann's, and bob's, whose readers are loaded."""
    settings = settings_for(tmp_path / "data")
    for name in ("ann", "bob"):
        with_user(settings, name, admin=name == "ann")
    async with serving(settings, warm=True) as running:
        yield running


@pytest.fixture
async def jobs(ann: aiohttp.ClientSession) -> list[Body]:
    """Two files of ann's, the second of which holds the first's rows and one more."""
    (first,) = await ended(ann, await upload(ann, ("first.csv", FIRST)))
    (second,) = await ended(ann, await upload(ann, ("second.csv", SECOND)))
    return [first, second]


async def test_the_rows_of_a_file_come_out_as_they_are_stored(
    ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    lines = lines_of(await fetched(ann, job_id=jobs[0]["job_id"]))
    assert [(line["date"], line["description"], line["amount"]) for line in lines] == [
        ("2026-01-02", "'=Tea", "-2.50"),
        ("2026-01-03", "Rent", "-900.00"),
        ("2026-02-01", "Salary", "3000.00"),
    ]
    assert {(line["file"], line["currency"], line["state"]) for line in lines} == {
        ("first.csv", "EUR", "new")
    }
    async with ann.get(f"/api/v1/jobs/{jobs[0]['job_id']}/rows") as answer:
        shown = (await answer.json())["rows"]
    for name in ("vendor", "category", "category_reason", "counterparty"):
        told = [line[name].removeprefix("'") for line in lines]
        assert told == [row[name] or "" for row in shown]


async def test_the_same_rows_in_every_format(
    ann: aiohttp.ClientSession, jobs: list[Body], tmp_path: Path
) -> None:
    job_id = jobs[1]["job_id"]
    told = [
        json.loads(line) for line in (await fetched(ann, job_id=job_id, format="json")).splitlines()
    ]
    path = tmp_path / "a"
    path.write_bytes(await fetched(ann, job_id=job_id, format="parquet"))
    frame = pl.read_parquet(path)
    path.write_bytes(await fetched(ann, job_id=job_id, format="xlsx"))
    names, *cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    lines = lines_of(await fetched(ann, job_id=job_id, formulas="as_is"))
    texts = [line["description"] for line in lines]
    assert texts == ["=Tea", "Rent", "Salary", "Book"]
    assert [row["description"] for row in told] == frame["description"].to_list() == texts
    assert [row[names.index("description")] for row in cells] == texts
    assert [str(amount) for amount in frame["amount"]] == [f"{row['amount']}0000" for row in told]
    assert [row["state"] for row in told] == ["known", "known", "known", "new"]


FITTING: list[tuple[Body, list[str]]] = [
    ({}, ["=Tea", "Rent", "Salary", "Book"]),
    ({"from": "2026-01-03", "to": "2026-02-01"}, ["Rent", "Salary"]),
    ({"text": "AL"}, ["Salary"]),
    ({"text": "%"}, []),
    ({"state": "all", "text": "rent"}, ["Rent", "Rent"]),
    ({"state": "known", "currency": "eur"}, ["=Tea", "Rent", "Salary"]),
    ({"category": "no such"}, []),
    ({"account": "no such"}, []),
]


COPIES = """
    INSERT INTO job (id, batch_id, user_id, filename, size_bytes, sha256, status, last_seq, state)
    SELECT ?1, batch_id, user_id, filename, size_bytes, sha256, status, last_seq,
        CAST(json_set(CAST(state AS TEXT), '$.plan', 'document') AS BLOB)
    FROM job WHERE id = ?2
"""


async def test_a_table_among_many_documents_comes_out_as_rows(
    server: Server, ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    with offline(server.settings.database_path) as database:
        for n in range(120):  # all of them newer than the table
            ident = uuid7(now_ms() + n, bytes(10))
            database.execute(COPIES, (ident, jobs[0]["job_id"]))
    made = await asked(ann, batch_id=jobs[0]["batch_id"])
    assert made["content"] == "rows"


async def test_a_query_takes_what_fits(ann: aiohttp.ClientSession, jobs: list[Body]) -> None:
    for query, found in FITTING:
        lines = (await fetched(ann, format="json", query=query)).splitlines()
        assert [json.loads(line)["description"] for line in lines] == found, query


async def test_what_was_undone_is_in_no_export(
    ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    async with ann.post(f"/api/v1/jobs/{jobs[1]['job_id']}/undo") as answer:
        assert answer.status == 200
    assert len(lines_of(await fetched(ann))) == 3
    async with ann.post("/api/v1/exports", json={"job_id": jobs[1]["job_id"]}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (409, "conflict")


async def test_an_export_is_told_in_the_room_of_its_upload(
    ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    batch_id = jobs[0]["batch_id"]
    wish = await asked(ann, batch_id=batch_id)
    events = [
        event
        for event in await followed(ann, f"batch:{batch_id}", "export_completed")
        if event.get("export_id") == wish["export_id"]
    ]
    assert [event["type"] for event in events] == ["export_started", "export_completed"]
    assert events[-1]["url"] == f"{wish['links']['self']}/file"
    assert (events[-1]["rows_done"], events[-1]["progress"]) == (3, 100.0)
    assert events[-1]["message"] == "first.csv-rows.csv is ready, with 3 rows"
    assert all(event["job_id"] is None and event["n"] is None for event in events)


async def test_a_download_goes_on_where_it_stopped(
    ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    made = await done(ann, await asked(ann, format="json"))
    url = made["links"]["file"]
    async with ann.get(url) as answer:
        whole, etag = await answer.read(), answer.headers["ETag"]
        assert "attachment" in answer.headers["Content-Disposition"]
    async with ann.get(url, headers={"Range": "bytes=10-"}) as answer:
        assert (answer.status, await answer.read()) == (206, whole[10:])
    async with ann.get(url, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


async def test_nobody_else_sees_an_export(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    made = await done(ann, await asked(ann))
    for path in (made["links"]["self"], made["links"]["file"]):
        async with bob.get(path) as answer:
            assert answer.status == 404
    async with bob.delete(made["links"]["self"]) as answer:
        assert answer.status == 404
    for what in ({"job_id": jobs[0]["job_id"]}, {"batch_id": jobs[0]["batch_id"]}):
        async with bob.post("/api/v1/exports", json=what) as answer:
            assert answer.status == 404
    assert lines_of(await fetched(bob)) == []
    async with bob.get("/api/v1/exports") as answer:
        assert len((await answer.json())["exports"]) == 1


async def test_a_key_that_is_sent_twice_makes_one_export(
    ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = []
    for _ in range(2):
        async with ann.post("/api/v1/exports", json={"format": "csv"}, headers=headers) as answer:
            answers.append(await answer.json())
    assert answers[0]["export_id"] == answers[1]["export_id"]
    async with ann.post("/api/v1/exports", json={"format": "json"}, headers=headers) as answer:
        assert answer.status == 409


SENSELESS: list[Body] = [
    {"format": "pdf"},
    {"job_id": "a", "batch_id": "b"},
    {"query": {"from": "2026-02-01", "to": "2026-01-01"}},
    {"query": {"from": "soon"}},
    {"query": {"colour": "red"}},
    {"content": "documents", "query": {"category": "Travel"}},
]


async def test_a_senseless_wish_is_refused(ann: aiohttp.ClientSession) -> None:
    for wish in SENSELESS:
        async with ann.post("/api/v1/exports", json=wish) as answer:
            told = (answer.status, (await answer.json())["code"])
        assert told == (400, "invalid_request"), wish


async def test_a_deleted_export_is_gone_with_its_file(
    server: Server, ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    made = await done(ann, await asked(ann))
    path = server.app[EXPORTER].path_of(made["export_id"])
    assert path.is_file()
    async with ann.delete(made["links"]["self"]) as answer:
        assert answer.status == 204
    assert not path.exists()
    async with ann.get(made["links"]["self"]) as answer:
        assert answer.status == 404


async def test_a_deleted_file_is_in_no_export_any_more(
    server: Server, ann: aiohttp.ClientSession, jobs: list[Body]
) -> None:
    first, second = jobs
    wishes: list[Body] = [
        {"job_id": first["job_id"]},
        {"batch_id": first["batch_id"]},
        {},
        {"job_id": second["job_id"]},
        {"batch_id": second["batch_id"]},
    ]
    made = [(await done(ann, await asked(ann, **wish)))["export_id"] for wish in wishes]
    async with ann.delete(f"/api/v1/jobs/{first['job_id']}") as answer:
        assert answer.status == 204, await answer.text()
    async with ann.get("/api/v1/exports") as answer:
        left = {one["export_id"] for one in (await answer.json())["exports"]}
    assert left == set(made[3:]), "what another file alone is in stays"
    assert {path.name for path in server.app[EXPORTER].path_of("x").parent.iterdir()} == left


INVOICE = {
    "vendor_name": "Tea & Co",
    "invoice_number": "R-1",
    "invoice_date": "2026-03-01",
    "total_amount": "119.00",
    "currency": "EUR",
}
CHECKED = {"currency": "check"}


async def test_invoices_come_out_with_their_line_items(
    server: Server, ann: aiohttp.ClientSession, jobs: list[Body], tmp_path: Path
) -> None:
    put_invoice(server, jobs[0]["job_id"], jobs[1]["job_id"])
    (line,) = lines_of(await fetched(ann, content="documents"))
    assert {name: line[name] for name in INVOICE} == INVOICE
    assert (line["document_type"], line["to_check"], line["iban"]) == ("invoice", "currency", "")
    (told,) = (await fetched(ann, content="documents", format="json")).splitlines()
    assert json.loads(told)["line_items"] == [{"description": "Tea", "amount": "100.00"}]
    path = tmp_path / "a"
    path.write_bytes(await fetched(ann, content="documents", format="xlsx"))
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["Documents", "Line items"]
    assert "Tea" in book.get_sheet_by_name("Line items").to_python()[1]
    path.write_bytes(await fetched(ann, content="line_items", format="parquet"))
    assert pl.read_parquet(path).select("invoice_number", "description").rows() == [("R-1", "Tea")]
    for query, count in (
        ({"vendor": "tea & co"}, 1),
        ({"text": "R-"}, 1),
        ({"to": "2026-02-01"}, 0),
    ):
        assert len(lines_of(await fetched(ann, content="documents", query=query))) == count


def put_invoice(server: Server, job_id: str, instead_of: str) -> None:
    """Store an invoice as the job `job_id` would have; the rows of that job go."""
    with writing_records(server.settings.records_path) as connection:
        connection.execute("UPDATE import SET job_id = 'gone' WHERE job_id = ?", (job_id,))
        (user_id,) = connection.execute("SELECT user_id FROM person").fetchone()
        import_id = begin_import(
            connection, job_id=job_id, user_id=user_id, columns=[], has_amounts=False
        )
        insert_document(
            connection,
            import_id,
            NewDocument(
                kind="invoice",
                title="Invoice R-1",
                pages=1,
                sha256="0" * 64,
                vendor_key="tea co",
                number="R-1",
                date="2026-03-01",
                total_micros=119_000_000,
                currency="EUR",
            ),
        )
        common = {"confidence": 0.9, "source": "layout", "page": 1, "bbox": None}
        insert_fields(
            connection,
            import_id,
            {
                name: {
                    **common,
                    "value": value,
                    "status": "check" if name == "currency" else "read",
                }
                for name, value in INVOICE.items()
            },
            [{"description": "Tea", "amount": "100.00"}],
        )


# A server that goes down, files that grow old


def wait_for_ever(task: Task, tell: Tell) -> Body:
    """An export that does not end unless a file named `go` lies in the data folder."""
    import signal

    tell(1, 10)
    if not Path(task["records_path"]).with_name("go").exists():
        signal.pause()
    return by_the_reader(task, tell)


async def test_an_export_that_was_broken_off_is_made_after_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.EXPORT", f"{__name__}:wait_for_ever")
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        await ended(ann, await upload(ann, ("first.csv", FIRST)))
        wish = await asked(ann)
        await told_of(ann, wish["export_id"], "export_progress")
    (settings.data_dir / "go").touch()
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        assert len(lines_of(await fetched(ann))) == 3
        assert (await done(ann, wish))["rows"] == 3
        assert sorted(path.is_file() for path in settings.exports_dir.iterdir()) == [True, True]


async def test_deleting_an_export_that_is_being_made_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.EXPORT", f"{__name__}:wait_for_ever")
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        stuck = await asked(ann)
        await told_of(ann, stuck["export_id"], "export_progress")
        async with ann.delete(stuck["links"]["self"]) as answer:
            assert answer.status == 204
        (settings.data_dir / "go").touch()
        assert (await done(ann, await asked(ann)))["state"] == "completed"


def crash(task: Task, tell: Tell) -> Body:
    """An export that always crashes."""
    import os

    os.abort()


async def test_an_export_that_crashes_twice_has_failed_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.EXPORT", f"{__name__}:crash")
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        wish = await asked(ann)
        failed = await done(ann, wish)
        assert (failed["state"], failed["error"]["code"]) == ("failed", "worker_crashed")
        assert "file" not in failed["links"]
        async with ann.get(f"{failed['links']['self']}/file") as answer:
            assert answer.status == 409
        assert list(settings.exports_dir.iterdir()) == []


async def test_a_disk_without_room_fails_the_export_and_says_so(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", min_free_bytes=1 << 60)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        failed = await done(ann, await asked(ann))
        assert (failed["state"], failed["error"]["code"]) == ("failed", "storage_full")


async def test_the_oldest_exports_go_when_they_are_too_much(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", export_quota_bytes=1)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        await done(ann, await asked(ann))
        last = await done(ann, await asked(ann))
        await server.app[EXPORTER].tidy()
        async with ann.get("/api/v1/exports") as answer:
            left = (await answer.json())["exports"]
        assert [one["export_id"] for one in left] == [last["export_id"]]
        assert [path.name for path in settings.exports_dir.iterdir()] == [last["export_id"]]
