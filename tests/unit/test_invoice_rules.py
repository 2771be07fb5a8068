"""Claims about what does not add up in an invoice, and what is left in peace."""

import pytest

from app.core.documents import FIELDS, FieldValue, LineItem, Reading, absent
from app.reading.invoice_rules import Known, findings

TODAY = "2026-11-20"
SOUND = {
    "vendor_name": "Shop AG",
    "invoice_number": "A-17",
    "invoice_date": "2026-11-01",
    "due_date": "2026-11-30",
    "net_amount": "100.00",
    "tax_amount": "19.00",
    "total_amount": "119.00",
    "currency": "EUR",
    "vendor_vat_id": "DE136695976",
    "iban": "DE89370400440532013000",
}


def reading(items: tuple[str, ...] = (), **changed: str | None) -> Reading:
    fields: dict[str, FieldValue] = {name: absent() for name in FIELDS}
    for name, value in {**SOUND, **changed}.items():
        if value is not None:
            fields[name] = FieldValue(
                value=value, confidence=0.9, source="layout", page=1, bbox=None, status="read"
            )
    return Reading(fields=fields, line_items=[LineItem(amount=amount) for amount in items])


def rules(found: Reading, *numbers: str) -> list[str]:
    return [finding.rule for finding in findings(found, Known(TODAY, numbers))]


def test_a_sound_invoice_has_nothing() -> None:
    assert rules(reading(("60.00", "40.00"))) == []


def test_absent_fields_fit_with_everything() -> None:
    assert rules(reading(**dict.fromkeys(SOUND))) == []


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"tax_amount": "18.00"}, "sum"),
        ({"invoice_date": "2026-11-21", "due_date": None}, "future"),
        ({"due_date": "2026-10-31"}, "due_before_date"),
        ({"currency": "EUX"}, "currency"),
        ({"vendor_vat_id": "DE136695975"}, "vat_id"),
        ({"iban": "DE89370400440532013001"}, "iban"),
    ],
)
def test_each_rule_finds_its_fault_alone(changed: dict[str, str | None], rule: str) -> None:
    assert rules(reading(**changed)) == [rule]


@pytest.mark.parametrize("tax", ["19.02", "18.98"])
def test_a_sum_may_be_off_by_the_cents_of_rounding(tax: str) -> None:
    assert rules(reading(tax_amount=tax)) == []


@pytest.mark.parametrize("tax", ["19.03", "18.97"])
def test_a_sum_that_is_off_by_more_is_found(tax: str) -> None:
    assert rules(reading(tax_amount=tax)) == ["sum"]


def test_an_invoice_of_today_that_is_due_at_once_is_sound() -> None:
    assert rules(reading(invoice_date=TODAY, due_date=TODAY)) == []


def test_a_credit_note_adds_up_below_zero() -> None:
    amounts = {"net_amount": "-100.00", "tax_amount": "-19.00", "total_amount": "-119.00"}
    assert rules(reading(("-100.00",), **amounts)) == []


@pytest.mark.parametrize("items", [("119.00",), ("80.00",), ("100.00",)])
def test_lines_may_include_tax_or_leave_out_shipping(items: tuple[str, ...]) -> None:
    assert rules(reading(items)) == []


def test_lines_that_make_more_than_the_total_are_found() -> None:
    assert rules(reading(("119.00", "1.00"))) == ["lines"]


def test_a_number_of_this_vendor_is_known_however_it_is_written() -> None:
    assert rules(reading(), "a 17") == ["known_number"]
    assert rules(reading(), "A-18") == []


def test_a_finding_says_which_fields_and_why() -> None:
    (finding,) = findings(reading(tax_amount="18.00"), Known(TODAY))
    assert finding.fields == ("net_amount", "tax_amount", "total_amount")
    assert finding.text == "Net 100.00 and tax 18.00 make 118.00, but the total says 119.00."
