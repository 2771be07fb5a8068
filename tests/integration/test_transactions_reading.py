"""Files into records.db and out again, as the pipeline's readers do it."""

import asyncio
import datetime as dt
import multiprocessing
import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.unreadable import NoRows, TooManyColumns, TooManyRows
from app.reading import save
from app.reading.extract import PART_ROWS, extract
from app.reading.fields import detect_fields
from app.reading.save import store
from app.store.records import RecordsReader, labels_of, reading_records
from tests.desk import Desk, Heard
from tests.samples import sample

HEADER = "Date,Description,Amount\n"
COFFEE = "2026-11-20,Coffee,-3.50\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def rejected(desk: Desk, job: str = "job-1") -> str:
    async def read() -> str:
        reader = await RecordsReader.open(desk.records)
        try:
            return "".join([part async for part in reader.rejected_csv(job)])
        finally:
            await reader.close()

    return asyncio.run(read())


class Noted(Heard):
    """Keeps every report: how much of the step is done, and the facts of the sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[float, Any, Any]] = []

    def __call__(self, done: int, total: int | None = None, **context: Any) -> None:
        share = done / (total or 1)
        self.told.append((share, context.get("rows_done"), context.get("rows_total")))


def told_of(desk: Desk, path: Path, step: str) -> list[tuple[float, Any, Any]]:
    """Return what a step tells of itself."""
    noted, task = Noted(), desk.task(path)
    task["found"]["field_detection"] = detect_fields(task, desk.heard)
    task["found"]["extracting"] = extract(task, noted if step == "extracting" else desk.heard)
    if step == "storing":
        store(task, noted)
    return noted.told


def test_while_rows_are_read_nobody_pretends_to_know_how_many_there_are(desk: Desk) -> None:
    rows = 2 * PART_ROWS + 40_000
    long = COFFEE.replace("Coffee", "Coffee and a very long story about it")
    path = desk.file(HEADER + COFFEE * (rows // 2) + long * (rows // 2))

    *before, last = told_of(desk, path, "extracting")

    assert last == (1.0, rows, rows)
    assert {total for _, _, total in before} == {None}
    for share, done, _ in before:  # by bytes: short rows count for less than their number
        assert share < done / rows


def test_a_file_of_one_part_tells_its_exact_rows_at_once(desk: Desk) -> None:
    assert told_of(desk, desk.file(HEADER + COFFEE * 9), "extracting") == [(1.0, 9, 9)]


def test_a_workbook_is_read_row_by_row_not_all_at_once(desk: Desk) -> None:
    path = desk.folder / "book.xlsx"
    rows = 2 * PART_ROWS
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("Date", "Amount"), *[("2026-11-20", -3.5)] * rows], 4):
            sheet.write_row(number, 2, row)

    shares = [share for share, _, _ in told_of(desk, path, "extracting")]

    assert shares == [pytest.approx(0.5, abs=0.1), 1.0]


def test_lines_of_a_workbook_are_counted_from_its_first_row_also_when_that_is_empty(
    desk: Desk,
) -> None:
    path = desk.folder / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("Date", "Amount"), *[("2026-11-20", -3.5)] * 3], 4):
            sheet.write_row(number, 2, row)

    assert detect_fields(desk.task(path), desk.heard)["header_line"] == 5


def test_storing_is_not_over_when_the_last_row_is_written(desk: Desk) -> None:
    path = desk.file(HEADER + "".join(COFFEE.replace("3.50", f"{n}") for n in range(9)))

    told = told_of(desk, path, "storing")

    assert [(done, total) for _, done, total in told] == [(9, 9), (9, 9)]
    assert told[0][0] < 1
    assert told[-1][0] == 1


def test_equal_rows_of_one_file_are_all_kept(desk: Desk) -> None:
    path = desk.file(HEADER + COFFEE * 3)

    assert desk.bring(path) == {"stored": 3, "known": 0, "rejected": 0}


def test_rows_of_an_earlier_file_are_known_and_say_where_they_were_seen(desk: Desk) -> None:
    desk.bring(desk.file(HEADER + COFFEE * 2, "old.csv"), job="old")
    tea = "2026-11-21,Tea,-2.00\n"

    stored = desk.bring(desk.file(HEADER + COFFEE * 3 + tea, "new.csv"), job="new")

    assert stored == {"stored": 2, "known": 2, "rejected": 0}
    known = desk.page("new", state="known")
    assert known.counts == {"all": 4, "new": 2, "known": 2, "review": 0}
    assert [row["seen_in"] for row in known.rows] == [
        {"job_id": "old", "row": 1},
        {"job_id": "old", "row": 2},
    ]
    assert [row["row"] for row in desk.page("new", state="new").rows] == [3, 4]


def test_rows_are_known_however_the_file_is_written(desk: Desk) -> None:
    desk.bring(desk.file("Date,Description,Amount\n2026-11-20,Coffee,-3.50\n", "a.csv"), job="a")
    german = 'Datum;Beschreibung;Betrag\n"20.11.2026";"  COFFEE ";"-3,50"\n'

    assert desk.bring(desk.file(german, "b.csv"), job="b")["known"] == 1


def test_another_persons_rows_never_count(desk: Desk) -> None:
    path = desk.file(HEADER + COFFEE)
    desk.bring(path, job="hers", user="anna")

    assert desk.bring(path, job="his", user="bert")["known"] == 0


def test_keep_stores_known_rows_as_new(desk: Desk) -> None:
    path = desk.file(HEADER + COFFEE)
    desk.bring(path, job="old")

    stored = desk.bring(path, job="again", options={"on_duplicate": "keep"})

    assert stored == {"stored": 1, "known": 0, "rejected": 0}


def test_comparing_says_what_storing_will_do(desk: Desk) -> None:
    desk.bring(desk.file(HEADER + COFFEE, "old.csv"), job="old")
    task = desk.read(desk.task(desk.file(HEADER + COFFEE * 2, "new.csv"), job="new"))

    assert task["found"]["delta_analysis"] == {"new_rows": 1, "existing_rows": 1}


def test_storing_twice_stores_once(desk: Desk) -> None:
    task = desk.read(desk.task(desk.file(HEADER + COFFEE)))

    assert store(task, desk.heard) == store(task, desk.heard)
    assert desk.page("job-1").total == 1


def test_parts_that_are_gone_are_made_again(desk: Desk) -> None:
    task = desk.read(desk.task(desk.file(HEADER + COFFEE)))
    for path in Path(task["work_dir"]).iterdir():
        path.unlink()

    assert store(task, desk.heard)["stored"] == 1


def _store_and_die_before_the_commit(task: Any, desk: Desk) -> None:
    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    save.insert_keys = die  # type: ignore[assignment]
    store(task, desk.heard)


def test_a_worker_killed_while_storing_leaves_nothing_and_the_next_stores_once(desk: Desk) -> None:
    task = desk.read(desk.task(desk.file(HEADER + COFFEE * 5)))
    worker = multiprocessing.get_context("spawn").Process(
        target=_store_and_die_before_the_commit, args=(task, desk)
    )
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert desk.page("job-1").total == 0

    assert store(task, desk.heard) == {"stored": 5, "known": 0, "rejected": 0}
    assert desk.page("job-1").total == 5


def test_what_another_worker_stores_just_before_is_not_stored_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last worker of a server that was killed may still be at it when the next one begins."""
    task = desk.read(desk.task(desk.file(HEADER + COFFEE * 3)))
    parts_of = save.parts_of

    def the_other_first(*given: Any) -> Any:
        monkeypatch.setattr(save, "parts_of", parts_of)
        store(task, desk.heard)
        return parts_of(*given)

    monkeypatch.setattr(save, "parts_of", the_other_first)
    assert store(task, desk.heard) == {"stored": 3, "known": 0, "rejected": 0}
    assert desk.page("job-1").total == 3


def test_undo_makes_the_next_job_the_first_one_that_had_the_rows(desk: Desk) -> None:
    path = desk.file(HEADER + COFFEE)
    for job in ("first", "second", "third"):
        desk.bring(path, job=job)

    assert desk.take_back("first") == 1

    assert desk.page("second").counts["new"] == 1
    (row,) = desk.page("third").rows
    assert row["seen_in"] == {"job_id": "second", "row": 1}


def test_after_undo_the_same_file_is_new_again(desk: Desk) -> None:
    path = desk.file(HEADER + COFFEE)
    desk.bring(path, job="first")
    desk.take_back("first")

    assert desk.bring(path, job="second") == {"stored": 1, "known": 0, "rejected": 0}


def test_undo_of_a_job_that_stored_nothing_changes_nothing(desk: Desk) -> None:
    assert desk.take_back("never") == 0


def test_counts_add_up_and_each_rejected_row_says_why(desk: Desk) -> None:
    text = (
        HEADER
        + COFFEE
        + "Pending,Hotel,-80.00\n"
        + "2026-11-31,Nowhere,-1.00\n"
        + "2026-11-20,Lunch,twelve\n"
        + "2026-11-20,Too,many,cells\n"
        + "2026-11-20,Nothing\n"
        + "=1+1,Formula,-1.00\n"
        + "Total,,-3.50\n"
    )

    stored = desk.bring(desk.file(text))

    assert stored == {"stored": 1, "known": 0, "rejected": 7}
    lines = rejected(desk).splitlines()
    assert lines[0] == "Date,Description,Amount,line,reason"
    assert lines[1].startswith("Pending,Hotel,-80.00,3,It is still pending")
    assert lines[2] == "2026-11-31,Nowhere,-1.00,4,“2026-11-31” is not a date."
    assert lines[3] == "2026-11-20,Lunch,twelve,5,“twelve” is not an amount."
    assert lines[4].endswith(",6,It has 4 cells where the table has 3 columns.")
    assert lines[5].endswith(",7,It has 2 cells where the table has 3 columns.")
    assert lines[6].startswith("'=1+1,")
    assert lines[7].endswith(',9,"It is a total or a balance, not a transaction."')
    assert "rejected_rows" in desk.heard.codes


def test_rows_of_nothing_are_no_rows(desk: Desk) -> None:
    stored = desk.bring(desk.file(HEADER + COFFEE + ",,\n ,,\n,,,,\n"))

    assert stored == {"stored": 1, "known": 0, "rejected": 0}
    assert desk.bring(sample("frictionless/blank-rows.csv"), job="list")["stored"] == 2


def test_a_purchase_from_total_is_no_total(desk: Desk) -> None:
    assert desk.bring(desk.file(HEADER + "2026-11-20,TOTAL,-60.00\n"))["stored"] == 1


def test_dates_that_can_be_read_two_ways_are_told(desk: Desk) -> None:
    task = desk.read(desk.task(desk.file(HEADER + "03/04/2026,Tea,-2.00\n")))

    (notice,) = desk.heard.notices
    assert notice.code == "ambiguous_dates"
    assert notice.facts["example"] == "03/04/2026"
    assert task["found"]["field_detection"]["columns"][0]["date_format"] == "DMY"


def test_amounts_that_can_be_read_two_ways_are_told(desk: Desk) -> None:
    text = "Datum;Text;Betrag\n20.11.2026;Tee;1.234\n21.11.2026;Uhr;5.678\n"

    desk.bring(desk.file(text))

    (notice,) = desk.heard.notices
    assert (notice.code, notice.facts["example"]) == ("ambiguous_decimals", "1.234")
    assert [row["amount"] for row in desk.page("job-1").rows] == ["1234.00", "5678.00"]


def test_rows_that_moved_no_money_are_left_out_with_the_reason(desk: Desk) -> None:
    text = "Date,Description,Amount,State\n2026-11-20,Tea,-2.00,COMPLETED\n"
    text += "2026-11-21,Hat,-9.00,DECLINED\n"

    assert desk.bring(desk.file(text)) == {"stored": 1, "known": 0, "rejected": 1}
    assert "Its status is “DECLINED”: no money has moved." in rejected(desk)


def test_a_header_with_more_names_than_cells_loses_no_row(desk: Desk) -> None:
    assert desk.bring(sample("csvkit/test_extra_header.csv"))["stored"] == 1


def test_one_late_date_decides_for_the_whole_column(desk: Desk) -> None:
    early = "".join(f"0{day}/0{month}/2026,Tea,-2.00\n" for day in range(1, 8) for month in (8, 9))
    text = HEADER + early * 40 + "09/30/2026,Tea,-2.00\n"

    task = desk.read(desk.task(desk.file(text)))

    assert task["found"]["field_detection"]["columns"][0]["date_format"] == "MDY"
    assert "ambiguous_dates" not in desk.heard.codes
    assert task["found"]["extracting"]["rejected"] == 0


def test_a_workbook_is_read_like_text_and_its_rows_are_known_then(desk: Desk) -> None:
    path = desk.folder / "export.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Umsätze")
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_row(0, 0, ["Buchungstag", "Verwendungszweck", "Betrag (EUR)"])
        for row, (text, amount) in enumerate([("Miete", -800), ("Tee", -0.1 - 0.2)], 1):
            sheet.write_datetime(row, 0, dt.datetime(2026, 11, 20), day)  # noqa: DTZ001
            sheet.write_row(row, 1, [text, amount])
    text = "Buchungstag;Verwendungszweck;Betrag (EUR)\n20.11.2026;TEE;-0,30\n"

    assert desk.bring(path, job="sheet") == {"stored": 2, "known": 0, "rejected": 0}
    rows = desk.page("sheet").rows
    assert [(r["date"], r["amount"], r["currency"]) for r in rows] == [
        ("2026-11-20", "-800.00", "EUR"),
        ("2026-11-20", "-0.30", "EUR"),
    ]
    assert desk.bring(desk.file(text), job="text")["known"] == 1


def test_what_is_odd_far_down_in_a_file_is_told_too(desk: Desk) -> None:
    text = HEADER.encode() + COFFEE.encode() * 50_000 + b"2026-11-20,Caf\xe9\x00,-3.50\n"

    desk.bring(desk.file(text))

    assert sorted(desk.heard.codes) == ["guessed_encoding", "nul_bytes"]
    assert desk.page("job-1", offset=50_000).rows[0]["description"] == "Café"


def test_limits_are_kept(desk: Desk) -> None:
    with pytest.raises(TooManyRows):
        desk.bring(desk.file(HEADER + COFFEE * 11), max_rows=10)
    with pytest.raises(TooManyColumns):
        desk.bring(
            desk.file(",".join(f"c{i}" for i in range(20)) + "\n" + "1," * 19 + "1\n"),
            max_columns=10,
        )
    with pytest.raises(NoRows):
        desk.bring(desk.file(HEADER))


def test_a_big_file_comes_out_as_it_went_in(desk: Desk) -> None:
    """Several parts, plain and odd blocks in turns, against Python's own csv and decimal."""
    chance = random.Random(7)
    amounts = [chance.randrange(-(10**7), 10**7) for _ in range(120_000)]
    lines = [
        f"2026-{1 + i % 12:02d}-{1 + i % 28:02d},"
        + (f'"a ""quoted"" shop {i}"' if i % 9973 == 0 else f"shop {i}")
        + f",{amount / 100:.2f}\n"
        for i, amount in enumerate(amounts)
    ]

    stored = desk.bring(desk.file(HEADER + "".join(lines)))

    assert stored == {"stored": len(amounts), "known": 0, "rejected": 0}
    with closing(sqlite3.connect(desk.records)) as connection:
        rows = connection.execute("SELECT amount_micros, description, line FROM row ORDER BY id")
        for i, (micros, description, line) in enumerate(rows):
            assert micros == amounts[i] * 10_000
            assert line == i + 2
            quoted = f'a "quoted" shop {i}' if i % 9973 == 0 else f"shop {i}"
            assert description == quoted


def test_rows_of_one_payee_share_a_label_whatever_numbers_they_carry(desk: Desk) -> None:
    texts = ["7-ELEVEN 0412 OSLO", "7-ELEVEN 0999 OSLO", "N26 OSLO", "7-eleven 20.11.2026 Oslo"]

    desk.bring(desk.file(HEADER + "".join(f"2026-11-20,{text},-1.00\n" for text in texts)))

    with reading_records(desk.records) as connection:
        labels = labels_of(connection, "job-1")
    assert [(label.text, label.rows) for label in labels] == [
        ("7-ELEVEN 0412 OSLO", 3),
        ("N26 OSLO", 1),
    ]


def test_payees_beyond_the_limit_share_a_label(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reading.parts.MOST_LABELS", 2)

    desk.bring(desk.file(HEADER + "".join(f"2026-11-20,{name},-1.00\n" for name in "abcd")))

    with reading_records(desk.records) as connection:
        labels = labels_of(connection, "job-1")
    assert [(label.text, label.rows) for label in labels] == [("a", 1), ("b", 1), ("", 2)]


class Model:
    """What records.db has to say: every remaining job's rows, imported in order from nothing."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str, list[str], bool]] = []

    def rows(self) -> dict[str, list[tuple[str, str | None]]]:
        """Return for each job (content, the job it was seen in or None) of its rows."""
        first: dict[tuple[str, str, int], str] = {}
        found = {}
        for job, user, contents, keep in self.jobs:
            before: Counter[str] = Counter()
            rows = []
            for content in contents:
                key = (user, content, before[content])
                before[content] += 1
                seen = first.setdefault(key, job)
                rows.append((content, None if seen == job or keep else seen))
            found[job] = rows
        return found


STORE = st.tuples(
    st.sampled_from(["anna", "bert"]), st.lists(st.sampled_from("abcd"), max_size=6), st.booleans()
)
STEPS = st.lists(st.one_of(STORE, st.integers(0, 5)), max_size=12)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_any_sequence_of_storing_and_undoing_equals_the_jobs_that_remain(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    model = Model()
    for number, step in enumerate(steps):
        if isinstance(step, int):
            if step < len(model.jobs):
                job, user, *_ = model.jobs.pop(step)
                desk.take_back(job, user)
            continue
        user, contents, keep = step
        if not contents:
            continue
        rows = "".join(f"2026-11-20,{content},-1.00\n" for content in contents)
        job = f"job-{number}"
        options = {"on_duplicate": "keep" if keep else "skip"}
        desk.bring(desk.file(HEADER + rows), job=job, user=user, options=options)
        model.jobs.append((job, user, contents, keep))

    expected = model.rows()
    for job, *_ in model.jobs:
        found = desk.page(job)
        assert [
            (row["description"], row["seen_in"]["job_id"] if row["state"] == "known" else None)
            for row in found.rows
        ] == expected[job]
        assert found.counts["known"] == sum(seen is not None for _, seen in expected[job])
    with reading_records(desk.records) as connection:
        (keys,) = connection.execute("SELECT count(*) FROM row_key").fetchone()
        (dangling,) = connection.execute(
            "SELECT count(*) FROM row_key WHERE row NOT IN (SELECT id FROM row)"
        ).fetchone()
    distinct = {
        (user, content, count)
        for _, user, contents, _ in model.jobs
        for content in set(contents)
        for count in range(contents.count(content))
    }
    assert (keys, dangling) == (len(distinct), 0)


def test_an_oddity_at_the_beginning_of_a_long_file_is_told_once_with_its_sum(desk: Desk) -> None:
    rows = [f"2026-01-02;Müller {n};-3,20\n" for n in range(3000)]
    data = [row.encode(("utf-8", "cp1252")[n % 2]) for n, row in enumerate(rows)]
    desk.read(desk.task(desk.file(b"Datum;Text;Betrag\n" + b"".join(data))))
    told = [notice.facts for notice in desk.heard.notices if notice.code == "mixed_encodings"]
    assert told == [{"lines": 1500, "line": 3, "encoding": "cp1252"}]
