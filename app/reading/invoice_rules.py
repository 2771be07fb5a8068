"""What does not add up in an invoice: sums, check digits, dates, a number met before. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

from app.core.documents import LineItem, Reading
from app.core.field_values import canonical
from app.reading.amounts import CURRENCIES
from app.reading.check_digits import iban_is_valid, vat_is_valid

CENTS = Decimal("0.02")  # how far a sum may be off by rounding

Rule = Literal[
    "sum", "lines", "future", "due_before_date", "currency", "vat_id", "iban", "known_number"
]


@dataclass(frozen=True, slots=True)
class Known:
    """What the check knows beside the reading.

    today    an ISO date
    numbers  the invoice numbers stored for this vendor, however they are written
    """

    today: str
    numbers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit.

    fields  the fields concerned
    text    a sentence for people
    """

    rule: Rule
    fields: tuple[str, ...]
    text: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def findings(reading: Reading, known: Known) -> list[Finding]:
    """Return what does not fit in `reading`; absent fields fit with everything."""
    values = {name: field["value"] for name, field in reading["fields"].items() if field["value"]}
    found = [
        *_sum(values),
        *_lines(values, reading["line_items"]),
        *_dates(values, known.today),
        *_codes(values),
    ]
    number = values.get("invoice_number")
    met = {canonical("invoice_number", one) for one in known.numbers}
    if number and canonical("invoice_number", number) in met:
        text = f"Invoice {number} of this vendor is stored already."
        found.append(Finding("known_number", ("invoice_number",), text))
    return found


def _sum(values: dict[str, str]) -> list[Finding]:
    names = ("net_amount", "tax_amount", "total_amount")
    if not all(name in values for name in names):
        return []
    net, tax, total = (Decimal(values[name]) for name in names)
    if abs(net + tax - total) <= CENTS:
        return []
    text = f"Net {net} and tax {tax} make {net + tax}, but the total says {total}."
    return [Finding("sum", names, text)]


def _lines(values: dict[str, str], items: Sequence[LineItem]) -> list[Finding]:
    """The lines make up the net or, where prices include tax, the total. One line without an
    amount, a discount or shipping below them says nothing, so only a sum above both is wrong."""
    sums = [name for name in ("net_amount", "total_amount") if name in values]
    if not items or not sums or any("amount" not in item for item in items):
        return []
    total = sum((Decimal(item["amount"]) for item in items), Decimal(0))
    slack = max(CENTS, Decimal("0.005") * len(items))
    most = max(abs(Decimal(values[name])) for name in sums)
    if abs(total) <= most + slack:
        return []
    text = f"The lines make {total}, more than the invoice's sums of {most}."
    return [Finding("lines", tuple(sums), text)]


def _dates(values: dict[str, str], today: str) -> list[Finding]:
    found = []
    date, due = values.get("invoice_date"), values.get("due_date")
    if date and date > today:
        text = f"The invoice date {date} lies in the future."
        found.append(Finding("future", ("invoice_date",), text))
    if date and due and due < date:
        text = f"It is due on {due}, before its date {date}."
        found.append(Finding("due_before_date", ("invoice_date", "due_date"), text))
    return found


def _codes(values: dict[str, str]) -> list[Finding]:
    found = []
    currency, vat_id, iban = (values.get(n) for n in ("currency", "vendor_vat_id", "iban"))
    if currency and currency not in CURRENCIES:
        text = f"There is no currency {currency}."
        found.append(Finding("currency", ("currency",), text))
    if vat_id and vat_is_valid(vat_id) is False:
        text = f"The check digits of the VAT id {vat_id} do not fit."
        found.append(Finding("vat_id", ("vendor_vat_id",), text))
    if iban and not iban_is_valid(iban):
        text = f"The check digits of the IBAN {iban} do not fit."
        found.append(Finding("iban", ("iban",), text))
    return found
