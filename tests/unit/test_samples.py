"""The sample files are always the same, and show what a first visitor should see."""

import csv
import hashlib
import io
import itertools

from app.core.samples import sample_files, transactions_csv
from app.reading.platforms import best_match

FILES = dict(sample_files())


def german_rows(name: str) -> list[list[str]]:
    table = list(csv.reader(io.StringIO(FILES[name].decode("cp1252")), delimiter=";"))
    header = next(at for at, row in enumerate(table) if row[:1] == ["Buchungstag"])
    return table[header:]


def test_the_files_are_the_same_every_time() -> None:
    assert sample_files() == sample_files()


def test_two_exports_of_the_account_share_september_row_for_row() -> None:
    first = german_rows("girokonto_2026-07_bis_09.csv")[1:]
    second = german_rows("girokonto_2026-09_bis_10.csv")[1:]
    shared = [row for row in first if row in second]
    assert shared == [row for row in first if ".09.2026" in row[0]]
    assert 20 < len(shared) < len(second) < len(first)


def test_an_account_has_twins_inside_one_file() -> None:
    rows = german_rows("girokonto_2026-07_bis_09.csv")[1:]
    assert sum(rows.count(row) == 2 for row in rows) == 6


def test_the_german_export_and_the_processor_export_are_recognised() -> None:
    table = german_rows("girokonto_2026-07_bis_09.csv")
    german = best_match(table[0], table[1:50])
    lines = list(csv.reader(io.StringIO(FILES["stripe_payments_2026-10.csv"].decode())))
    processor = best_match(lines[0], lines[1:50])
    assert german is not None
    assert german.signature.key == "dkb_statement_2022"
    assert processor is not None
    assert processor.signature.key == "stripe_payments"


def test_every_readable_date_of_the_card_statement_can_be_read_two_ways() -> None:
    rows = list(csv.reader(io.StringIO(FILES["card_statement_september.csv"].decode())))[1:]
    parts = [row[0].split("/") for row in rows]
    fine = [part for part in parts if len(part) == 3 and part[0] != "31"]
    assert len(fine) == len(rows) - 2
    assert all(int(day) <= 12 and int(month) <= 12 for day, month, _ in fine)


def test_the_expenses_are_separated_by_tabs() -> None:
    lines = FILES["expenses_2026_q3.tsv"].decode().splitlines()
    assert {line.count("\t") for line in lines} == {5}


def test_a_long_file_has_whole_rows_of_eight_columns_and_a_running_balance() -> None:
    table = list(csv.reader(io.StringIO(b"".join(transactions_csv(5_001)).decode())))
    assert len(table) == 5_002
    assert {len(row) for row in table} == {8}
    cents = [(round(float(row[3]) * 100), round(float(row[5]) * 100)) for row in table[1:]]
    assert all(before[1] + after[0] == after[1] for before, after in itertools.pairwise(cents))
    assert [row[0] for row in table[1:]] == sorted(row[0] for row in table[1:])


def test_a_long_file_is_the_same_every_time_and_about_88_bytes_a_row() -> None:
    whole = b"".join(transactions_csv(20_000))
    again = hashlib.sha256(b"".join(transactions_csv(20_000))).digest()
    assert hashlib.sha256(whole).digest() == again
    assert 80 < len(whole) / 20_000 < 96


def test_an_empty_long_file_is_its_header() -> None:
    assert list(transactions_csv(0)) == [
        b"date,description,counterparty,amount,currency,balance,reference,account\n"
    ]
