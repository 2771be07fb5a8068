"""records.db: its transactions, and what the pages read from it."""

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import NotFound, StorageFull
from app.store import records_schema
from app.store.database import DatabaseTooNew
from app.store.records import (
    RecordsReader,
    get_import,
    known_vendors,
    labels_of,
    reading_records,
    save_categories,
    save_label_vendors,
    save_vendors,
    totals,
    vendor_totals,
    writing_records,
)
from app.store.records_bulk import (
    NewLabel,
    begin_import,
    finish_import,
    insert_keys,
    insert_labels,
    insert_rejected,
    insert_rows,
    known_rows,
    undo_import,
)
from app.store.records_reader import KEPT
from app.store.records_schema import ROW_BITS, connect_records, decimal_text

CAFE, RENT = 1, 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def fill(path: Path, job: str = "job-1", user: str = "anna", rows: int = 10) -> None:
    """Store `rows` coffees and one rent."""
    with writing_records(path) as connection:
        number = begin_import(
            connection, job_id=job, user_id=user, columns=["Date", "=Payee"], has_amounts=True
        )
        base = number << ROW_BITS
        labels = [
            NewLabel(CAFE, "Cafe", -1, "EUR", None, rows, -rows * 2_500_000, "2026-01-01", None),
            NewLabel(RENT, "Rent", -1, "EUR", "Home", 1, -800_000_000, "2026-01-01", "2026-01-02"),
        ]
        insert_labels(connection, number, labels)
        cells = ["line", "label", "date", "amount_micros", "description"]
        content = [
            (base + n, n + 1, CAFE if n <= rows else RENT, "2026-01-01", -2_500_000, f"Cafe {n}")
            for n in range(1, rows + 2)
        ]
        insert_rows(connection, cells, content)
        insert_keys(connection, [(n, base + n) for n in range(1, rows + 2)])
        insert_rejected(
            connection,
            number,
            [
                (99, "bad_date", "“x” is not a date.", '["x","=cmd()"]'),
                (100, "too_many_cells", "It has 4 cells.", '["-1.50","@a","b","c"]'),
            ],
        )
        finish_import(connection, number, stored=rows + 1, known=0, rejected=2)


def test_rows_that_were_kept_are_counted_without_a_look_at_the_others(path: Path) -> None:
    with closing(connect_records(path)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {KEPT}", (1, 2)).fetchall()
    assert [step[3] for step in steps] == ["SEARCH row USING INDEX row_kept (id>? AND id<?)"]


async def test_pages_of_rows_go_on_where_the_last_one_ended(path: Path) -> None:
    fill(path)
    reader = await RecordsReader.open(path)

    pages = [await reader.rows("job-1", offset=offset, limit=4) for offset in (0, 4, 8, 12)]
    await reader.close()

    assert [[row["row"] for row in page.rows] for page in pages] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10, 11],
        [],
    ]
    assert {page.total for page in pages} == {11}
    assert pages[0].rows[0]["amount"] == "-2.50"
    assert pages[0].rows[0]["currency"] == "EUR"


async def test_an_unknown_job_has_no_rows(path: Path) -> None:
    reader = await RecordsReader.open(path)

    page = await reader.rows("job-1")
    delta = await reader.delta("job-1")
    await reader.close()

    assert (page.total, page.rows) == (0, [])
    counts = dict.fromkeys(("new_rows", "existing_rows", "kept_rows", "rejected_rows"), 0)
    assert delta == {**counts, "seen_in": []}


async def test_rows_with_a_doubtful_category_wait_for_review(path: Path) -> None:
    fill(path)
    with writing_records(path) as connection:
        save_label_vendors(connection, "job-1", [(CAFE, "Cafe"), (RENT, "Landlord")])
        save_categories(
            connection,
            "job-1",
            [
                (CAFE, "Eating out", "the name says so", 0.95),
                (RENT, "Housing", "it is like earlier ones", 0.4),
            ],
        )
    reader = await RecordsReader.open(path)

    page = await reader.rows("job-1", state="review")
    await reader.close()

    assert page.counts == {"all": 11, "new": 11, "known": 0, "review": 1}
    (row,) = page.rows
    assert (row["row"], row["vendor"], row["category"]) == (11, "Landlord", "Housing")
    assert (row["category_reason"], row["confidence"]) == ("it is like earlier ones", 0.4)


async def test_a_reader_sees_nothing_of_a_transaction_that_is_not_over(path: Path) -> None:
    fill(path)
    reader = await RecordsReader.open(path)
    with writing_records(path) as connection:
        undo_import(connection, "job-1")
        during = await reader.rows("job-1", limit=1)
    after = await reader.rows("job-1", limit=1)
    await reader.close()

    assert (during.total, after.total) == (11, 0)


async def test_rejected_rows_can_not_become_formulas(path: Path) -> None:
    fill(path)
    reader = await RecordsReader.open(path)

    text = "".join([part async for part in reader.rejected_csv("job-1")])
    await reader.close()

    assert list(csv.reader(io.StringIO(text))) == [
        ["Date", "'=Payee", "line", "reason"],
        ["x", "'=cmd()", "99", "“x” is not a date."],
        ["-1.50", "'@a | b | c", "100", "It has 4 cells."],
    ]


def test_labels_carry_what_is_decided_about_their_rows(path: Path) -> None:
    fill(path)
    with writing_records(path) as connection:
        save_label_vendors(connection, "job-1", [(CAFE, "Cafe Central")])
        save_categories(connection, "job-1", [(CAFE, "Eating out", "a rule", 0.9)])

    with reading_records(path) as connection:
        cafe, rent = labels_of(connection, "job-1")
        found = get_import(connection, "job-1")

    assert (cafe.vendor, cafe.category, cafe.reason, cafe.confidence) == (
        *("Cafe Central", "Eating out", "a rule", 0.9),
    )
    assert (rent.text, rent.source_category, rent.vendor) == ("Rent", "Home", None)
    assert found is not None
    assert (found.stored, found.rejected, found.review, found.user_id) == (11, 2, 0, "anna")


def test_totals_are_sums_over_the_whole_file(path: Path) -> None:
    fill(path)
    with writing_records(path) as connection:
        save_label_vendors(connection, "job-1", [(CAFE, "Cafe"), (RENT, "Landlord")])

        (total,) = totals(connection, "job-1")
        vendors = vendor_totals(connection, "job-1")

    assert (total.currency, total.rows, total.income_micros) == ("EUR", 11, 0)
    assert (total.spending_micros, total.first_date, total.last_date) == (
        *(-825_000_000, "2026-01-01", "2026-01-02"),
    )
    assert [(one.vendor, one.amount_micros) for one in vendors] == [
        ("Landlord", -800_000_000),
        ("Cafe", -25_000_000),
    ]


def test_vendors_are_known_to_their_owner_only_and_go_with_their_job(path: Path) -> None:
    fill(path, "job-1")
    fill(path, "job-2", "bert")
    with writing_records(path) as connection:
        save_vendors(connection, "job-1", [("cafe", "Cafe"), ("rent", "Rent")])
        save_vendors(connection, "job-1", [("cafe", "Café")])

    with writing_records(path) as connection:
        assert known_vendors(connection, "anna") == {"cafe": "Café"}
        assert known_vendors(connection, "anna", "job-1") == {}
        assert known_vendors(connection, "bert") == {}
        undo_import(connection, "job-1")
        assert known_vendors(connection, "anna") == {}


async def test_rejected_rows_that_are_taken_back_meanwhile_are_no_whole_file(path: Path) -> None:
    with writing_records(path) as connection:
        number = begin_import(
            connection, job_id="job-1", user_id="anna", columns=["A"], has_amounts=False
        )
        insert_rejected(connection, number, [(2, "bad_row", "bad", '["x"]')])
    reader = await RecordsReader.open(path)
    whole = [text async for text in reader.rejected_csv("job-1")]
    lines = reader.rejected_csv("job-1")
    assert await anext(lines) == whole[0]
    with writing_records(path) as connection:
        undo_import(connection, "job-1")
    with pytest.raises(NotFound):
        await anext(lines)
    await reader.close()


def test_undo_looks_through_the_keys_of_all_only_for_keys_that_are_there(path: Path) -> None:
    fill(path, "table")
    with writing_records(path) as connection:
        begin_import(connection, job_id="pdf", user_id="anna", columns=[], has_amounts=False)
        heard: list[str] = []
        connection.set_trace_callback(heard.append)
        undo_import(connection, "pdf")
        assert [said for said in heard if "row_key" in said] == []
        undo_import(connection, "table")
        assert len([said for said in heard if "row_key" in said]) == 1  # they go
        connection.set_trace_callback(None)


def test_undo_leaves_no_row_of_any_table(path: Path) -> None:
    fill(path)
    with writing_records(path) as connection:
        save_vendors(connection, "job-1", [("cafe", "Cafe")])

        assert undo_import(connection, "job-1") == 11

        for table in ("import", "row", "row_key", "label", "rejected", "vendor"):
            (left,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert left == 0, table


def test_what_is_raised_inside_takes_the_transaction_back(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing_records(path) as connection:
        connection.execute("INSERT INTO person (user_id) VALUES ('anna')")
        raise ZeroDivisionError

    with reading_records(path) as connection:
        assert connection.execute("SELECT count(*) FROM person").fetchone() == (0,)


def test_a_full_disk_is_told_as_such_and_changes_nothing(path: Path) -> None:
    fill(path)
    with pytest.raises(StorageFull), writing_records(path) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        number = begin_import(
            connection, job_id="job-2", user_id="anna", columns=[], has_amounts=True
        )
        rows = [((number << ROW_BITS) + n, n, "x" * 1000) for n in range(1, 2000)]
        insert_rows(connection, ["line", "description"], rows)

    with reading_records(path) as connection:
        assert get_import(connection, "job-2") is None
        assert get_import(connection, "job-1") is not None


async def test_a_large_file_does_not_keep_its_disk_space_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_schema, "LOG_KEPT_BYTES", 100_000)
    reader = await RecordsReader.open(path)
    log = path.with_name("records.db-wal")

    fill(path, "large", rows=80_000)
    assert (await reader.rows("large")).total == 80_001
    assert log.stat().st_size > 4_000_000
    fill(path, "small", user="bob", rows=1)
    size = log.stat().st_size
    await reader.close()

    assert size <= 200_000


def test_a_newer_database_is_left_alone(path: Path) -> None:
    connect_records(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")

    with pytest.raises(DatabaseTooNew):
        connect_records(path)


def test_rows_are_known_by_key_and_owner(path: Path) -> None:
    fill(path, rows=3)

    with reading_records(path) as connection:
        keys = [(-5, 1), (2, 2), (4, 3), (77, 4)]
        hers = sorted(known_rows(connection, "anna", keys))
        his = list(known_rows(connection, "bert", keys))

    assert hers == [(2, (1 << ROW_BITS) + 2), (3, (1 << ROW_BITS) + 4)]
    assert his == []


def test_a_column_that_rows_do_not_have_is_a_mistake(path: Path) -> None:
    with writing_records(path) as connection, pytest.raises(ValueError, match="colour"):
        insert_rows(connection, ["colour"], [])


@given(st.integers(-(2**63), 2**63 - 1))
def test_micros_are_written_exactly(micros: int) -> None:
    text = decimal_text(micros)

    assert text is not None
    whole, _, decimals = text.partition(".")
    assert int(whole + decimals.ljust(6, "0")) == micros
    assert 2 <= len(decimals) <= 6
