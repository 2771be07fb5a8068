"""Claims about what is printed on a line: amounts and dates mean what they say, and no more."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.dates import DMY, MDY
from app.reading.printed import Line, amounts_in, dates_in, decimal_text, lines_of
from tests.layouts import page_of


def line_of(text: str) -> Line:
    (line,) = lines_of([page_of(text)])
    return line


@pytest.mark.parametrize(
    ("text", "value", "sign"),
    [
        ("12.50", "12.50", ""),
        ("-12.50", "-12.50", ""),
        ("−12,50 €", "-12.50", "€"),
        ("12.50-", "-12.50", ""),
        ("(12.50)", "-12.50", ""),
        ("+12.50", "12.50", ""),
        ("1.234,56", "1234.56", ""),
        ("1,234.56 USD", "1234.56", "USD"),
        ("1 234,56", "1234.56", ""),
        ("1.234 €", "1234.00", "€"),
        ("0.500 €", "0.50", "€"),
        ("0,1234 €", "0.1234", "€"),
        ("12,- €", "12.00", "€"),
        ("RM 7.80", "7.80", "RM"),
        ("VAT 7.80", "7.80", ""),
    ],
)
def test_an_amount_is_read_as_it_is_printed(text: str, value: str, sign: str) -> None:
    (amount,) = amounts_in(line_of(f"Sum:  {text}"))
    assert (amount.value, amount.sign) == (value, sign)


@pytest.mark.parametrize("text", ["20%", "5.5 %", "12", "1.2.3", "2025-01-02", "A12.50", "10:30"])
def test_what_is_no_money_is_no_amount(text: str) -> None:
    assert amounts_in(line_of(text)) == []


@given(st.integers(0, 10**12), st.sampled_from([",.", ".,", " ,", "'."]), st.booleans())
def test_money_is_read_exactly_however_it_is_grouped(
    cents: int, marks: str, negative: bool
) -> None:
    group, mark = marks
    whole, rest = divmod(cents, 100)
    text = f"{whole:,}".replace(",", group) + f"{mark}{rest:02}"
    (amount,) = amounts_in(line_of(f"Total:  {'-' if negative else ''}{text}"))
    wanted = Decimal(cents).scaleb(-2)
    assert amount.number == (-wanted if negative else wanted)


@given(st.integers(-(10**15), 10**15))
def test_millionths_are_written_without_loss(micros: int) -> None:
    text = decimal_text(micros)
    assert Decimal(text) == Decimal(micros).scaleb(-6)
    assert re.fullmatch(r"-?\d+\.\d\d(\d*[1-9])?", text)


MONTHS = ("{d}. März {y}", "{d} March {y}", "March {d}, {y}", "{d} mars {y}", "{d} de marzo de {y}")


@given(st.dates(dt.date(1980, 1, 1), dt.date(2069, 12, 31)), st.sampled_from([DMY, MDY]))
def test_a_day_is_read_in_the_order_that_is_known(day: dt.date, order: str) -> None:
    numbers = f"{day:%d/%m/%Y}" if order == DMY else f"{day:%m/%d/%Y}"
    for text in (numbers, f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day:%d.%m.%y}"):
        (found,) = dates_in(line_of(f"Date: {text}"), order)
        assert (found.value, found.text) == (day.isoformat(), text)
    (found,) = dates_in(line_of(f"Date: {numbers}"), order)
    assert found.sure is (day.day > 12 or day.day == day.month)


@pytest.mark.parametrize("text", MONTHS)
def test_a_month_may_be_a_word(text: str) -> None:
    (found,) = dates_in(line_of(text.format(d=7, y=2025)), DMY)
    assert (found.value, found.sure) == ("2025-03-07", True)


@pytest.mark.parametrize(
    "text", ["Tel. 12 03 56", "31/02/2025", "1.2.3.4", "12/2025", "2025", "192.168.10.20"]
)
def test_what_is_no_day_is_no_date(text: str) -> None:
    assert dates_in(line_of(text), DMY) == []


@given(st.text("0123456789.,/- €$()EURa\t", max_size=30))
def test_nothing_is_read_that_is_not_printed(text: str) -> None:
    for line in lines_of([page_of(text)]):
        for amount in amounts_in(line, whole=True):
            printed = re.sub(r"\D", "", amount.text)
            assert amount.text == line.text[amount.start : amount.end]
            assert amount.value.replace(".", "").strip("-0") == printed.strip("0")
        for date in dates_in(line, DMY):
            digits = set(re.findall(r"\d+", date.text))
            year, month, day = date.value.split("-")
            assert {int(year) % 100, int(month), int(day)} <= {int(one) % 100 for one in digits}
