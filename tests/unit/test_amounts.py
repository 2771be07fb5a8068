"""Amounts as banks write them."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.amounts import LARGEST, MarkCount, amounts, currency_in, parse_amount

WRITTEN = [
    ("£67.40", ".", "67.40"),
    ("-337,49", ",", "-337.49"),
    ("+5257,28", ",", "5257.28"),
    ("1.234,56-", ",", "-1234.56"),
    ("(12.50)", ".", "-12.50"),
    ("1'234.50", ".", "1234.50"),
    ("12,50 €", ",", "12.50"),
    ("12.50 CR", ".", "12.50"),
    ("12.50DR", ".", "-12.50"),
    ("−5", ".", "-5"),
    ("1\u00a0234,50", ",", "1234.50"),
    ("12 345,67 kr", ",", "12345.67"),
    ("US$ 1,183.23", ".", "1183.23"),
    ("+ £1,100.00", ".", "1100"),
    ("1,23,456.00", ".", "123456"),
    ("12.345.678", ",", "12345678"),
    ("12,-", ",", "12"),
    (".5", ".", "0.5"),
    ("1.000", ",", "1000"),
    ("$-5.00", ".", "-5"),
    ("12.50-$", ".", "-12.50"),
    (" 7.80", ".", "7.80"),
    ("1.1406e+06", ".", "1140600"),
    ("-1,5E-02", ",", "-0.015"),
    ("0.12345678", ".", "0.123457"),
]


@pytest.mark.parametrize(("text", "mark", "value"), WRITTEN)
def test_amounts_are_read_exactly(text: str, mark: str, value: str) -> None:
    micros = int(Decimal(value) * 1_000_000)

    assert parse_amount(text, mark) == micros
    assert amounts(pl.Series([text]), mark).to_list() == [micros]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        *(("", "."), ("-", "."), ("abc", "."), ("12-11-2026", "."), ("1e5", "."), ("5%", ".")),
        *(("337,49", "."), ("1.5.000", ","), ("1234.567", ","), ("--5", "."), ("(5", ".")),
        *(
            ("1,2,3", "."),
            ("12:30", "."),
            ("99999999999999999999", "."),
            ("NaN", "."),
            ("inf", "."),
        ),
    ],
)
def test_what_is_no_amount_is_not_guessed_at(text: str, mark: str) -> None:
    assert parse_amount(text, mark) is None
    assert amounts(pl.Series([text]), mark).to_list() == [None]


@given(
    micros=st.integers(-LARGEST, LARGEST),
    mark=st.sampled_from(".,"),
    grouped=st.booleans(),
    style=st.sampled_from(["{}", " {} ", "{} EUR", "€{}"]),
)
def test_every_amount_survives_being_written(
    micros: int, mark: str, grouped: bool, style: str
) -> None:
    text = f"{Decimal(micros).scaleb(-6):{',' if grouped else ''}.6f}"
    if mark == ",":
        text = text.translate(str.maketrans(".,", ",."))

    assert parse_amount(style.format(text), mark) == micros
    assert amounts(pl.Series([style.format(text)]), mark).to_list() == [micros]


@given(st.text(alphabet="0123456789.,-+()€ '", max_size=12), st.sampled_from(".,"))
def test_whole_columns_and_single_cells_are_read_alike(text: str, mark: str) -> None:
    assert amounts(pl.Series([text]), mark).to_list() == [parse_amount(text, mark)]


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1,234.50", "12"], "."),
        (["1.234,50"], ","),
        (["12,5"], ","),
        (["1.234.567"], ","),
        (["0,125"], ","),
        (["1,234", "12.5"], "."),
        (["1,234", "5,678"], None),
        (["12", "15"], None),
        (["1234,567"], ","),
    ],
)
def test_a_column_tells_its_decimal_mark(cells: list[str], mark: str | None) -> None:
    count = MarkCount()
    count.add(cells)

    assert count.mark == mark


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("Betrag (EUR)", "EUR"),
        ("Amount CZK", "CZK"),
        ("£5", "GBP"),
        ("12,50 €", "EUR"),
        ("Amount", None),
        ("$5", None),
        ("THE SUM", None),
    ],
)
def test_a_currency_is_taken_only_where_it_is_said(text: str, currency: str | None) -> None:
    assert currency_in(text) == currency
