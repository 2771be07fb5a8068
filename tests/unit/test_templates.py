"""What people's answers taught of a vendor, and that the next invoice is read by it."""

from typing import Any

import pytest

from app.core.documents import FIELDS, FieldValue, absent
from app.reading.page import Page
from app.reading.templates import fitting, learned, template_reading
from tests.unit.test_evidence import page


def fields(**texts: str) -> dict[str, FieldValue]:
    found = {name: absent() for name in FIELDS}
    for name, text in texts.items():
        found[name] = FieldValue(
            value=text, confidence=1.0, source="person", page=1, bbox=None, status="edited"
        )
    return found


FIRST = page(
    "ACME Trading GmbH, Ulm",
    "Our ref 17 Your ref 4",
    "Document RE-100 of 03.04.2026",
    "Position Price",
    "Shoes 100,00",
    "To pay by transfer 1.119,00 EUR",
)
NEXT = page(
    "ACME Trading GmbH, Ulm",
    "Our ref 99 Your ref 8",
    "Document RE-205 of 05.06.2026",
    "Position Price",
    "Shoes 90,00",
    "Boots 120,50",
    "To pay by transfer 2.210,50 EUR",
)
TAUGHT = {
    "vendor_name": "ACME Trading GmbH",
    "invoice_number": "RE-100",
    "invoice_date": "2026-04-03",
    "total_amount": "1119.00",
    "currency": "EUR",
}


def taught(*names: str, on: Page = FIRST, **texts: str) -> dict[str, Any]:
    texts = {**TAUGHT, **texts}
    template = learned(fields(**texts), names or texts, [on])
    assert template is not None
    return template


def test_the_next_invoice_of_a_vendor_is_read_as_the_first_one_was_taught() -> None:
    read = template_reading(taught(), [NEXT])["fields"]
    assert {name: value["value"] for name, value in read.items()} == {
        "vendor_name": "ACME Trading GmbH",
        "invoice_number": "RE-205",
        "invoice_date": "2026-06-05",
        "total_amount": "2210.50",
        "currency": "EUR",
    }
    assert all(value["source"] == "template" for value in read.values())
    assert all(value["page"] == 1 and value["bbox"] for value in read.values())


def test_only_what_a_person_taught_is_read() -> None:
    read = template_reading(taught("invoice_number"), [NEXT])["fields"]
    assert set(read) == {"invoice_number"}


def test_what_stands_in_columns_is_known_by_the_line_above() -> None:
    first = page("ACME Trading GmbH", "Number Date", "RE-1 03/04/2026")
    then = page("ACME Trading GmbH", "Number Date", "RE-2 05/06/2026")
    read = template_reading(
        taught(on=first, invoice_number="RE-1", invoice_date="2026-04-03"), [then]
    )["fields"]
    assert (read["invoice_number"]["value"], read["invoice_date"]["value"]) == (
        "RE-2",
        "2026-06-05",
    )


def test_the_order_of_a_date_is_learned() -> None:
    first = page("ACME Trading GmbH", "Date 04/03/2026")
    then = page("ACME Trading GmbH", "Date 06/05/2026")
    read = template_reading(taught(on=first, invoice_date="2026-04-03"), [then])["fields"]
    assert read["invoice_date"]["value"] == "2026-06-05"


def test_the_mark_of_decimals_is_learned() -> None:
    first = page("ACME Trading GmbH", "Sum 1,119.00")
    then = page("ACME Trading GmbH", "Sum 1,234")
    read = template_reading(taught(on=first, total_amount="1119.00"), [then])["fields"]
    assert read["total_amount"]["value"] == "1234.00"


def test_where_the_words_are_others_nothing_is_read() -> None:
    then = page("ACME Trading GmbH, Ulm", "Credit note 7 of 03.05.2026", "We pay 5,00 EUR")
    read = template_reading(taught(), [then])["fields"]
    assert set(read) == {"vendor_name", "currency"}


def test_where_two_places_fit_alike_nothing_is_read() -> None:
    then = page("ACME Trading GmbH", "Sum", "Total 5,00", "Sum", "Total 6,00")
    first = page("ACME Trading GmbH", "Sum", "Total 1119,00")
    assert "total_amount" not in template_reading(taught(on=first), [then])["fields"]


def test_a_second_layout_is_learned_beside_the_first() -> None:
    other = page("ACME Trading GmbH", "Bill no. B-7")
    both = learned(
        fields(**{**TAUGHT, "invoice_number": "B-7"}), ["invoice_number"], [other], taught()
    )
    assert both is not None
    third = page("ACME Trading GmbH", "Bill no. B-8")
    for sheet, number in ((third, "B-8"), (NEXT, "RE-205")):
        assert template_reading(both, [sheet])["fields"]["invoice_number"]["value"] == number


def test_a_vendor_is_known_by_all_of_its_signs() -> None:
    first = page("ACME Trading GmbH", "VAT DE123456789", "No RE-1")
    template = taught(on=first, vendor_vat_id="DE123456789", invoice_number="RE-1")
    other = page("ACME Trading GmbH", "VAT DE987654321", "No RE-2")
    assert fitting({"acme": template}, [first]) is template
    assert fitting({"acme": template}, [other]) is None


def test_the_vendor_with_most_signs_is_taken() -> None:
    sheet = page("ACME Trading GmbH", "VAT DE123456789")
    plain, exact = taught(), taught(on=sheet, vendor_vat_id="DE123456789")
    assert fitting({"a": plain, "b": exact}, [sheet]) is exact


@pytest.mark.parametrize("texts", [{}, {"vendor_name": "Ikea"}, {"vendor_name": "AB"}])
def test_without_a_sign_on_the_page_nothing_is_learned(texts: dict[str, str]) -> None:
    sheet = page("AB", "No RE-1")
    known = fields(invoice_number="RE-1", **texts)
    assert learned(known, ["invoice_number"], [sheet]) is None
