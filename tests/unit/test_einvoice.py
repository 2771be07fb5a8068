"""Claims about e-invoices: every field of every family is exact; nothing harmful is followed."""

import pypdfium2
import pytest

from app.reading.attachments import embedded_einvoice
from app.reading.einvoice import NotAnEInvoice, read_einvoice
from tests.samples import sample

SIMPLE = {
    "vendor_name": "Lieferant GmbH",
    "invoice_number": "471102",
    "invoice_date": "2018-03-05",
    "net_amount": "473.00",
    "tax_amount": "56.87",
    "total_amount": "529.87",
    "currency": "EUR",
    "vendor_vat_id": "DE123456789",
}

UBL = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2">
<ID>1</ID>{more}<a:AccountingSupplierParty><a:Party/></a:AccountingSupplierParty></Invoice>"""


def values(xml: bytes) -> dict[str, str]:
    fields = read_einvoice(xml).reading["fields"]
    return {name: value for name, field in fields.items() if (value := field["value"])}


@pytest.mark.parametrize("name", ["EN16931_Einfach.cii.xml", "EN16931_Einfach.ubl.xml"])
def test_both_families_give_the_same_fields(name: str) -> None:
    assert values(sample(f"zugferd-corpus/{name}").read_bytes()) == SIMPLE


def test_an_amount_already_paid_leaves_the_total_and_lowers_what_is_payable() -> None:
    found = read_einvoice(sample("zugferd-corpus/EN16931_Rabatte.cii.xml").read_bytes())
    assert found.reading["fields"]["total_amount"]["value"] == "215.07"
    assert found.payable == "165.07"
    assert found.reading["fields"]["purchase_order"]["value"] == "2013-471331"


def test_line_items_keep_prices_finer_than_a_cent() -> None:
    found = read_einvoice(sample("zugferd-corpus/EN16931_Rabatte.cii.xml").read_bytes())
    assert len(found.reading["line_items"]) == 4
    assert found.reading["line_items"][0] == {
        "description": "Kunstrasen grün 3m breit",
        "quantity": "3",
        "unit_price": "3.3333",
        "tax_rate": "19",
        "amount": "10.00",
    }


def test_the_first_zugferd_is_read_out_of_its_pdf() -> None:
    path = sample("zugferd-corpus/MustangGnuaccountingBeispielRE-20170509_505.pdf")
    found = embedded_einvoice(pypdfium2.PdfDocument(path))
    assert found is not None
    fields = found.reading["fields"]
    assert found.profile == "ZUGFeRD 1"
    assert fields["iban"]["value"] == "DE88200800000970375700"
    assert fields["due_date"]["value"] == "2017-05-30"


def test_a_pdf_without_xml_carries_no_e_invoice() -> None:
    path = sample("invoice2data/coolblue1.pdf")
    assert embedded_einvoice(pypdfium2.PdfDocument(path)) is None


def test_the_xml_of_any_name_is_found_and_an_account_that_is_no_iban_is_left_out() -> None:
    path = sample("invoice2data/AzureInterior.pdf")
    found = embedded_einvoice(pypdfium2.PdfDocument(path))
    assert found is not None
    assert (found.profile, found.payable) == ("UBL", "279.84")
    assert found.reading["fields"]["iban"]["status"] == "absent"


def test_damaged_xml_in_a_pdf_is_told_apart_from_none() -> None:
    path = sample("zugferd-corpus/factur-x-invalid-xml-encoding-attribute.pdf")
    with pytest.raises(NotAnEInvoice, match="damaged"):
        embedded_einvoice(pypdfium2.PdfDocument(path))


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<html/>",
        b"<Invoice/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Invoice>&b;</Invoice>',
    ],
)
def test_what_is_no_e_invoice_is_refused_in_words(xml: bytes) -> None:
    with pytest.raises(NotAnEInvoice, match="XML"):
        read_einvoice(xml)


def test_what_is_not_said_is_absent() -> None:
    fields = read_einvoice(UBL.format(more="").encode()).reading["fields"]
    assert {name for name, field in fields.items() if field["status"] == "read"} == {
        "invoice_number"
    }


@pytest.mark.parametrize("date", ["2026-13-01", "soon", "2026-02-30"])
def test_a_date_that_is_none_is_absent(date: str) -> None:
    xml = UBL.format(more=f"<IssueDate>{date}</IssueDate>").encode()
    value = read_einvoice(xml).reading["fields"]["invoice_date"]["value"]
    assert value is None


@pytest.mark.parametrize(
    ("amount", "value"),
    [("12.5", "12.50"), ("-3", "-3.00"), ("1e999999", None), ("NaN", None), ("12,50", None)],
)
def test_an_amount_is_a_decimal_text_or_absent(amount: str, value: str | None) -> None:
    total = (
        '<a:LegalMonetaryTotal><TaxInclusiveAmount xmlns="urn:x">'
        f"{amount}</TaxInclusiveAmount></a:LegalMonetaryTotal>"
    )
    fields = read_einvoice(UBL.format(more=total).encode()).reading["fields"]
    assert fields["total_amount"]["value"] == value


def test_elements_without_end_within_each_other_are_refused() -> None:
    xml = b"<Invoice>" + b"<a>" * 100_000
    with pytest.raises(NotAnEInvoice, match="damaged"):
        read_einvoice(xml)
