"""Exports of real banks and services, written by others, read as a person would read them."""

from pathlib import Path

import pytest

from app.store.records import decimal_text, reading_records, totals
from tests.desk import Desk
from tests.samples import sample


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# Real files of others: rows, rejected rows, first date, income, spending, currency.
FACTS = {
    "bank2ynab/20171001-20171106.csv": (1, 0, "2017-10-01", "0.00", "-59.99", "EUR"),
    "bank2ynab/2018-04-14_10-52-13_bunq-transactieoverzicht.csv": (
        *(3, 0, "2018-03-01", "750.00", "-21.46", None),
    ),
    "bank2ynab/20180226-1000594757-umsatz.CSV": (1, 0, "2018-02-22", "0.00", "-36.99", "EUR"),
    "bank2ynab/2019-03-02_11-50-46_bunq-statement.csv": (
        *(7, 0, "2018-12-06", "15.86", "-39.68", None),
    ),
    "bank2ynab/CSV_A_20180414_112204.csv": (3, 0, "2018-03-01", "50.00", "-1087.49", "EUR"),
    "bank2ynab/MS_JANE_SMITH_01-12-2019_14-12-2019.csv": (
        *(10, 3, "2019-12-02", "1100.00", "-1385.80", "GBP"),
    ),
    "bank2ynab/MonzoDataExport_February2018_2018-02-26_174335.csv": (
        *(1, 0, "2018-02-25", "0.00", "-10.00", "GBP"),
    ),
    "bank2ynab/TransactionHistory_20180418043121.csv": (
        *(8, 0, "2018-04-13", "0.00", "-173.28", "SGD"),
    ),
    "bank2ynab/W80844_EBH_201945.202122.csv": (2, 0, "2019-04-17", "1290.00", "-350.00", "HUF"),
    "bank2ynab/export_BE11123456789012_20180304_1422.csv": (
        *(1, 0, "2018-02-28", "0.00", "-3.40", "EUR"),
    ),
    "bank2ynab/export_KBC-Mastercard Business Essential_20200204_1604.csv": (
        *(3, 0, "2020-01-01", "35.77", "-33.04", "EUR"),
    ),
    "bank2ynab/kta_ei.dat": (11, 0, "2019-03-11", "0.00", "-6152.22", None),
    "bank2ynab/test_BOI_TransactionExport.csv": (
        *(27, 0, "2017-09-01", "3841.22", "-4260.83", None),
    ),
    "bank2ynab/test_delimiter_tab.csv": (73, 1, "2017-09-18", "1878.20", "-6458.90", None),
    "bank2ynab/test_headers.csv": (73, 3, "2017-09-18", "1878.20", "-6458.90", "EUR"),
    "bank2ynab/test_raiffeisen_01.csv": (73, 1, "2017-09-18", "1878.20", "-6458.90", "EUR"),
    "bank2ynab/umsatz-1234________1234-20180227.CSV": (
        *(1, 0, "2018-02-20", "0.00", "-5.00", "EUR"),
    ),
    "csvsniffer/Wakefield Council Procurement Card Transactions 2018-19 Q2.csv": (
        *(4469, 0, "2018-09-30", "402511.25", "-6244.59", None),
    ),
    "beanhub-extract/chase_credit_card.csv": (5, 0, "2024-04-01", "123.45", "-16.33", None),
    "beanhub-extract/plaid.csv": (6, 0, "2024-01-08", "612.06", "-500.00", "USD"),
    "beanhub-extract/wealthsimple.csv": (5, 0, "2024-04-01", "1248.13", "-50.23", None),
}


@pytest.mark.parametrize("name", FACTS)
def test_real_exports_are_read_as_a_person_would(desk: Desk, name: str) -> None:
    rows, left_out, first, income, spending, currency = FACTS[name]

    stored = desk.bring(sample(name))

    assert stored == {"stored": rows, "known": 0, "rejected": left_out}
    with reading_records(desk.records) as connection:
        (found,) = totals(connection, "job-1")
    assert found.first_date == first
    assert decimal_text(found.income_micros) == income
    assert decimal_text(found.spending_micros) == spending
    assert found.currency == currency


@pytest.mark.parametrize(
    "name", ["beanhub-extract/other.csv", "frictionless/accent.csv", "csvkit/test.xlsx"]
)
def test_a_table_without_money_is_stored_as_it_is(desk: Desk, name: str) -> None:
    stored = desk.bring(sample(name))

    assert stored["stored"] > 0
    assert "no_amounts" in desk.heard.codes
    row = desk.page("job-1").rows[0]
    assert row["amount"] is None
    assert row["extra"]


def test_text_that_goes_on_below_belongs_to_the_row_above(desk: Desk) -> None:
    desk.bring(sample("bank2ynab/TransactionHistory_20180418043121.csv"))

    first, second, *_ = desk.page("job-1").rows
    assert first["description"] == "DEBIT PURCHASE 15/04/18 66-6666 UBER EATS AN2GO HELP.UBERh"
    assert (first["line"], second["line"]) == (7, 9)
