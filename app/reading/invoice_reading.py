"""All fields of an invoice or receipt as its pages show them, each with its place and confidence.

How sure a field is rests on measurements: `python3 run.py bench quality` prints how often readings
of each confidence were right.
"""

import re
from collections import Counter
from collections.abc import Sequence

from app.core.documents import FIELDS, FieldValue, Reading, absent
from app.reading.amounts import CURRENCIES, currency_in
from app.reading.check_digits import iban_is_valid, vat_is_valid
from app.reading.invoice_amounts import sums
from app.reading.invoice_items import items_of
from app.reading.invoice_layout import (
    Candidate,
    Sheet,
    beside,
    dates,
    ibans,
    invoice_number,
    purchase_order,
    unlabelled_dates,
    vat_ids,
)
from app.reading.invoice_vendor import AT_THE_TOP, vendors
from app.reading.page import Page
from app.reading.printed import LOCAL_SIGNS, Line, Printed

DOLLARS = re.compile(r"\b(?:USD|CAD|AUD|NZD|SGD|HKD|MXN)\b")

# How sure a weight is, from the highest down: (at least this weight, confidence).
Steps = Sequence[tuple[float, float]]
NUMBER_SURE: Steps = ((0.93, 0.97), (0.85, 0.93), (0.7, 0.8), (0.0, 0.6))
DATE_SURE: Steps = ((0.93, 0.97), (0.75, 0.93), (0.6, 0.75), (0.0, 0.6))
VENDOR_SURE: Steps = ((1.0, 0.92), (0.8, 0.88), (0.6, 0.75), (0.0, 0.55))
ORDER_SURE: Steps = ((0.93, 0.85), (0.7, 0.75), (0.0, 0.5))


def read_layout(pages: Sequence[Page], *, receipt: bool) -> Reading:
    """Return the fields and line items that the pages show.

    receipt  a receipt's date stands without a label, and its vendor on top
    """
    sheet = Sheet.of(pages)
    fields = {name: absent() for name in FIELDS}
    if not sheet.lines:
        return Reading(fields=fields, line_items=[])
    _take(fields, "invoice_number", invoice_number(sheet), NUMBER_SURE)
    _take(fields, "purchase_order", purchase_order(sheet), ORDER_SURE)
    if fields["purchase_order"]["value"] == fields["invoice_number"]["value"]:
        fields["purchase_order"] = absent()
    _take_dates(sheet, fields, receipt=receipt)
    _take_amounts(sheet, fields)
    _take_vendor(sheet, fields, receipt=receipt)
    for vat_id in vat_ids(sheet)[:1]:
        valid = vat_is_valid(vat_id.printed.value)
        sure = 0.97 if valid else 0.88 if valid is None else 0.75
        fields["vendor_vat_id"] = _value(vat_id.printed, sure)
    for iban in ibans(sheet)[:1]:
        sure = 0.98 if iban_is_valid(iban.printed.value) else 0.4
        fields["iban"] = _value(iban.printed, sure)
    return Reading(fields=fields, line_items=items_of(sheet))


def _take(
    fields: dict[str, FieldValue], name: str, found: Sequence[Candidate], sure: Steps
) -> None:
    if not found:
        return
    best = found[0]
    confidence = _confidence(best.weight, sure)
    if any(
        other.printed.value != best.printed.value and other.weight > best.weight - 0.03
        for other in found[1:]
    ):
        confidence *= 0.8  # another value is announced as clearly
    fields[name] = _value(best.printed, confidence)


def _confidence(weight: float, steps: Steps) -> float:
    return next(sure for least, sure in steps if weight >= least)


def _take_dates(sheet: Sheet, fields: dict[str, FieldValue], *, receipt: bool) -> None:
    for name in ("invoice_date", "due_date"):
        _take(fields, name, dates(sheet, name), DATE_SURE)
    if fields["invoice_date"]["value"] is None:
        free = unlabelled_dates(sheet)
        values = Counter(one.printed.value for one in free)
        if receipt and free:
            # Its date is printed once or more, always the same; an offer's end stands alone.
            value = max(values, key=lambda value: (values[value], -_place(free, value)))
            sure = 0.93 if len(values) == 1 else 0.75
            printed = next(one.printed for one in free if one.printed.value == value)
            fields["invoice_date"] = _value(printed, sure)
        elif free and len(values) == 1:
            fields["invoice_date"] = _value(free[0].printed, 0.6)
    if sheet.order_sure < 1.0:
        for name in ("invoice_date", "due_date"):
            _lower_unsure(sheet, fields[name])


def _place(found: Sequence[Candidate], value: str) -> int:
    return next(place for place, one in enumerate(found) if one.printed.value == value)


def _lower_unsure(sheet: Sheet, field: FieldValue) -> None:
    """A date whose day and month nothing in the document tells apart is less sure."""
    for found in sheet.dates:
        for printed in found:
            if (
                printed.value == field["value"]
                and [round(edge, 2) for edge in printed.box] == field["bbox"]
            ):
                field["confidence"] = round(
                    field["confidence"] * (1.0 if printed.sure else sheet.order_sure), 3
                )


def _take_amounts(sheet: Sheet, fields: dict[str, FieldValue]) -> None:
    found = sums(sheet)
    if found.total is not None:
        sure = 0.97 if found.balanced else 0.9 if found.confirmed else 0.8
        if not found.balanced and (found.contested or found.total.weight < 0.6):
            sure -= 0.2
        fields["total_amount"] = _value(found.total.printed, sure)
    for name, one in (("net_amount", found.net), ("tax_amount", found.tax)):
        if one is not None and (found.balanced or one.weight > 0.85):
            fields[name] = _value(one.printed, 0.95 if found.balanced else 0.65)
    _take_currency(sheet, fields, found.total.printed if found.total else None)


def _take_currency(sheet: Sheet, fields: dict[str, FieldValue], total: Printed | None) -> None:
    def codes(line: Line) -> list[Printed]:
        return [
            Printed(line, match.start(), match.end(), match[0])
            for match in re.finditer(r"(?<!SDN )\b[A-Z]{3}\b", line.text)
            if match[0] in CURRENCIES
        ]

    for label in sheet.labels_for("currency"):
        if near := beside(sheet, label, codes)[:1]:
            fields["currency"] = _value(near[0].printed, 0.97)
            return
    signs: Counter[str] = Counter()
    places: dict[str, Printed] = {}
    for line, amounts in zip(sheet.lines, sheet.amounts, strict=True):
        text = line.text.replace("\t", " ")
        dollars = DOLLARS.search(text)
        for amount in amounts:
            code = LOCAL_SIGNS.get(amount.sign) or currency_in(amount.text)
            code = code or ("$" if "$" in amount.sign else None)
            if code is None and codes(line):
                code = codes(line)[0].value
            if code is not None:
                code = dollars[0] if code == "$" and dollars else code
                signs[code] += 3 if total is not None and amount.line is total.line else 1
                places.setdefault(code, amount)
    if not signs:
        return
    best = signs.most_common(1)[0][0]
    named_dollars = {match[0] for line in sheet.lines for match in DOLLARS.finditer(line.text)}
    if best != "$":
        fields["currency"] = {**_value(places[best], 0.96), "value": best}
    elif len(named_dollars) == 1:
        fields["currency"] = {**_value(places[best], 0.93), "value": named_dollars.pop()}
    else:  # most dollars are American; which they are nobody says
        fields["currency"] = {**_value(places[best], 0.8), "value": "USD"}


def _take_vendor(sheet: Sheet, fields: dict[str, FieldValue], *, receipt: bool) -> None:
    for best in vendors(sheet)[:1]:
        sure = _confidence(best.weight, VENDOR_SURE)
        if best.weight <= AT_THE_TOP + 0.1:
            told = any(fields[name]["value"] for name in ("invoice_number", "total_amount"))
            if not told or (not receipt and best.weight < AT_THE_TOP):
                return  # a text on top that nothing calls the vendor
            sure = 0.8 if receipt else 0.55
        fields["vendor_name"] = _value(best.printed, sure)


def _value(printed: Printed, confidence: float) -> FieldValue:
    """A reading is at most as sure as its letters."""
    letters = min(word.confidence for word in printed.words)
    return FieldValue(
        value=printed.value,
        confidence=round(min(confidence, letters), 3),
        source="layout",
        page=printed.line.page,
        bbox=_rounded(printed),
        status="read",
    )


def _rounded(printed: Printed) -> list[float]:
    return [round(edge, 2) for edge in printed.box]
