"""What the sample invoices and receipts say: from the data beside them, or as seen on the page."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One file and its right fields; a field that is not named is not judged."""

    name: str
    values: Values
    receipt: bool = False


# Read off the pages by a person; only what is visible there.
SEEN: dict[str, Values] = {
    "azure-form-recognizer/invoice.pdf": {
        "vendor_name": "Contoso Ltd.",
        "invoice_number": "INV-100",
        "invoice_date": "2019-11-15",
        "due_date": "2019-12-15",
        "net_amount": "100.00",
        "tax_amount": "10.00",
        "total_amount": "110.00",
        "currency": "USD",
        "purchase_order": "PO-3333",
    },
    "azure-form-recognizer/simple-invoice.png": {
        "vendor_name": "Contoso",
        "invoice_number": "34278587",
        "invoice_date": "2017-06-18",
        "due_date": "2017-06-24",
        "total_amount": "56651.49",
        "currency": "USD",
    },
    "textractor/sample-invoice.pdf": {
        "vendor_name": "DEMO - Sliced Invoices",
        "invoice_number": "INV-3337",
        "invoice_date": "2016-01-25",
        "due_date": "2016-01-31",
        "net_amount": "85.00",
        "tax_amount": "8.50",
        "total_amount": "93.50",
        "currency": "USD",
        "purchase_order": "12345",
    },
    "textractor/invoice.png": {
        "vendor_name": "East Repair Inc.",
        "invoice_number": "US-001",
        "invoice_date": "2019-02-11",
        "due_date": "2019-02-26",
        "net_amount": "145.00",
        "tax_amount": "9.06",
        "total_amount": "154.06",
        "currency": "USD",
        "purchase_order": "2312/2019",
    },
    "zugferd-corpus/factur-x-invalid-xml-encoding-attribute.pdf": {
        "vendor_name": "Bei Spiel GmbH",
        "invoice_number": "RE-20190610/507",
        "invoice_date": "2019-06-10",
        "due_date": "2019-07-01",
        "net_amount": "496.00",
        "tax_amount": "75.04",
        "total_amount": "571.04",
        "currency": "EUR",
        "vendor_vat_id": "DE136695976",
        "iban": "DE88200800000970375700",
        "purchase_order": "AB321",
    },
}
SEEN["azure-form-recognizer/sample-invoice.pdf"] = SEEN["azure-form-recognizer/invoice.pdf"]
SEEN["azure-form-recognizer/invoice_sample.jpg"] = SEEN["azure-form-recognizer/invoice.pdf"]

RECEIPTS: dict[str, Values] = {
    "azure-form-recognizer/contoso-allinone.jpg": {
        "vendor_name": "Contoso",
        "invoice_date": "2019-06-10",
        "total_amount": "14.50",
    },
    "textractor/receipt.jpg": {
        "vendor_name": "MEGA BIGBOX",
        "invoice_date": "2019-12-07",
        "total_amount": "1810.46",
    },
}

INVOICE2DATA = {
    "invoice_number": "invoice_number",
    "date": "invoice_date",
    "date_due": "due_date",
    "amount": "total_amount",
    "amount_tax": "tax_amount",
    "currency": "currency",
    "vat": "vendor_vat_id",
    "issuer": "vendor_name",
}
NOT_ON_THE_PAGE = {("saeco", "vendor_name")}
"""It stands in a picture."""


def samples(root: Path) -> list[Sample]:
    """Return every invoice and receipt whose fields are known without its e-invoice."""
    found = [Sample(name, values) for name, values in SEEN.items()]
    found += [Sample(name, values, receipt=True) for name, values in RECEIPTS.items()]
    found += [_invoice2data(path) for path in sorted((root / "invoice2data").glob("*.json"))]
    return found


def _invoice2data(path: Path) -> Sample:
    said: dict[str, Any] = json.loads(path.read_text())[0]
    values = {}
    for key, name in INVOICE2DATA.items():
        if key in said and (path.stem, name) not in NOT_ON_THE_PAGE:
            value = said[key]
            values[name] = f"{value:.2f}" if isinstance(value, float) else str(value)
    if "vendor_vat_id" in values:
        values["vendor_vat_id"] = values["vendor_vat_id"].replace(" ", "")
    return Sample(f"invoice2data/{path.stem}.pdf", values)
