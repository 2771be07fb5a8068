"""Whether a page says a value, and where."""

import pytest

from app.core.agreement import UNVERIFIED_AT_MOST
from app.core.documents import FIELDS, FieldValue, LineItem, Reading
from app.reading.evidence import find, verified
from app.reading.page import Page, Word


def page(*lines: str, number: int = 1) -> Page:
    """Return a page of these lines; a letter is 5 points wide, a line 12 high."""
    return Page(
        number, 595.0, 842.0, "text", [_words(line, 12.0 * n) for n, line in enumerate(lines)]
    )


def _words(line: str, top: float) -> list[Word]:
    words, x = [], 0.0
    for text in line.split(" "):
        words.append(Word(x, top, x + 5 * len(text), top + 10, text))
        x += 5 * (len(text) + 1)
    return words


SAID = [
    ("total_amount", "1234.50", "Total: 1.234,50 EUR"),
    ("total_amount", "1234.50", "Total 1,234.50"),
    ("total_amount", "1234.50", "Summe 1 234,50 €"),
    ("total_amount", "1234.50", "Summe 1'234.50"),
    ("total_amount", "-12.00", "Gutschrift -12,00"),
    ("total_amount", "12.00", "Total 12"),
    ("invoice_date", "2026-11-20", "Datum: 20.11.2026"),
    ("invoice_date", "2026-11-20", "Date 11/20/2026"),
    ("invoice_date", "2026-11-20", "20/11/26"),
    ("invoice_date", "2026-11-20", "on 2026-11-20 we"),
    ("invoice_date", "2026-11-02", "2. November 2026"),
    ("invoice_date", "2026-11-20", "Nov 20, 2026"),
    ("invoice_date", "2026-03-01", "1er mars 2026"),
    ("invoice_date", "2026-03-01", "1 de marzo de 2026"),
    ("invoice_date", "2026-11-20", "20-Nov-2026"),
    ("invoice_number", "RE-2026/001", "No. RE 2026 / 001 of"),
    ("invoice_number", "INV-7", "Invoice:INV-7"),
    ("vendor_name", "Müller & Söhne GmbH", "MÜLLER & SÖHNE GMBH, Ulm"),
    ("iban", "DE02120300000000202051", "DE02 1203 0000 0000 2020 51"),
    ("currency", "EUR", "12,00 €"),
    ("currency", "EUR", "12,00EUR"),
    ("currency", "USD", "$12.00"),
    ("currency", "SEK", "12,00 kr"),
]

NOT_SAID = [
    ("total_amount", "1234.50", "Total: 1.234,05"),
    ("total_amount", "34.50", "Total 1234.50"),
    ("invoice_date", "2026-11-20", "19.11.2026"),
    ("invoice_date", "2026-11-20", "20.11.2025"),
    ("invoice_number", "2026", "RE-12026"),
    ("invoice_number", "A1", "A12"),
    ("vendor_name", "Acme", "Acmetra Ltd"),
    ("currency", "EUR", "Neurology"),
    ("currency", "EUR", "$12.00"),
    ("purchase_order", "--", "--"),
]


@pytest.mark.parametrize(("name", "value", "line"), SAID)
def test_a_page_says_a_value_in_whatever_way_it_is_written(
    name: str, value: str, line: str
) -> None:
    assert find(name, value, [page("Something else", line)]) is not None


@pytest.mark.parametrize(("name", "value", "line"), NOT_SAID)
def test_a_page_does_not_say_what_only_looks_like_it(name: str, value: str, line: str) -> None:
    assert find(name, value, [page(line)]) is None


def test_a_value_is_found_with_the_box_of_its_words() -> None:
    place = find("invoice_number", "RE 1", [page("Nothing"), page("No. RE 1 here", number=2)])
    assert place is not None
    assert (place.page, place.bbox) == (2, [20.0, 0.0, 40.0, 10.0])
    assert (place.line, place.first, place.last) == (0, 1, 2)


def test_a_value_that_goes_on_in_the_next_line_is_found_where_it_begins() -> None:
    place = find("vendor_name", "Acme Trading Ltd", [page("by Acme Trading", "Ltd, London")])
    assert place is not None
    assert (place.line, place.first, place.last) == (0, 1, 2)


def test_a_total_is_the_last_of_equal_amounts() -> None:
    place = find("total_amount", "5.00", [page("Item 5.00", "Total 5.00")])
    assert place is not None
    assert place.line == 1


def reading(**texts: str) -> Reading:
    fields = {
        name: FieldValue(
            value=text, confidence=0.7, source="m", page=None, bbox=None, status="read"
        )
        for name, text in texts.items()
    }
    return Reading(fields=fields, line_items=[])


def test_what_the_page_says_keeps_its_confidence_and_gets_a_place() -> None:
    found = verified(reading(total_amount="5.00"), [page("Total 5.00")])["fields"]["total_amount"]
    assert (found["status"], found["confidence"], found["page"]) == ("read", 0.7, 1)


def test_what_no_page_says_is_marked_and_hardly_believed() -> None:
    found = verified(reading(total_amount="6.00"), [page("Total 5.00")])["fields"]["total_amount"]
    assert (found["status"], found["page"], found["bbox"]) == ("check", None, None)
    assert found["confidence"] == UNVERIFIED_AT_MOST


def test_a_line_of_which_no_page_says_a_part_is_marked() -> None:
    read = reading()
    read["line_items"] = [
        LineItem(description="Coffee", amount="5.00"),
        LineItem(description="Coffee", amount="7.00"),
    ]
    first, second = verified(read, [page("Coffee 5.00")])["line_items"]
    assert "status" not in first
    assert second["status"] == "check"


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_an_empty_page_says_nothing(name: str) -> None:
    value = {"date": "2026-11-20", "amount": "1.00", "currency": "EUR"}.get(FIELDS[name], "x1")
    assert find(name, value, [page("")]) is None
    assert find(name, value, []) is None


@pytest.mark.parametrize("part", ["x", "1", "1-", "1 ", "may ", "1,-"])
@pytest.mark.parametrize("name", ["invoice_date", "total_amount", "currency", "vendor_name"])
def test_a_page_that_is_made_to_be_slow_is_not(name: str, part: str) -> None:
    value = {"date": "2026-11-20", "amount": "1.01", "currency": "EUR"}.get(FIELDS[name], "acme x")
    assert find(name, value, [page(part * 60_000)]) is None
