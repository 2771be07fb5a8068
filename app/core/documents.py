"""What is read out of an invoice or receipt: the names of its fields, and what one holds."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

FieldKind = Literal["text", "date", "amount", "currency", "vat_id", "iban"]

FIELDS: dict[str, FieldKind] = {
    "vendor_name": "text",
    "invoice_number": "text",
    "invoice_date": "date",
    "due_date": "date",
    "net_amount": "amount",
    "tax_amount": "amount",
    "total_amount": "amount",
    "currency": "currency",
    "vendor_vat_id": "vat_id",
    "iban": "iban",
    "purchase_order": "text",
}
"""In the order in which they are shown. Dates are ISO, amounts decimal texts ("-12.50")."""

FieldStatus = Literal["read", "check", "edited", "absent"]


class FieldValue(TypedDict):
    """One value as one reader found it, or as they agreed.

    confidence  0 to 1: how often such a reading is right, as measured where it was
    source      xml, template, layout, person, or a model's name
    page, bbox  where it stands (points, top left of the page shown); None where nobody knows
    status      read; check: to be looked at; edited by a person; absent: it is not there
    """

    value: str | None
    confidence: float
    source: str
    page: int | None
    bbox: list[float] | None
    status: FieldStatus


class LineItem(TypedDict, total=False):
    """One line of an invoice, as far as it was found; amounts are decimal texts.

    status  check where a model named something that no page says
    """

    description: str
    quantity: str
    unit_price: str
    tax_rate: str
    amount: str
    page: int
    bbox: list[float]
    status: FieldStatus


class Reading(TypedDict):
    """What one reader found in one document."""

    fields: dict[str, FieldValue]
    line_items: list[LineItem]


def readings_of(found: Mapping[str, Mapping[str, Any]], step: str) -> dict[str, Reading]:
    """Return what `step` read, by reader; {} where it has not run.

    found  what steps returned, by step
    """
    return dict(found.get(step, {}).get("readings", {}))


def absent() -> FieldValue:
    """Return the value of a field that is not there."""
    return FieldValue(value=None, confidence=1.0, source="", page=None, bbox=None, status="absent")
