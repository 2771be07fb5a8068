"""Claims about reading an invoice by its labels: six languages, many layouts, nothing guessed."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.documents import LineItem
from app.reading.dates import DMY, MDY
from app.reading.invoice_reading import read_layout
from app.reading.printed import amounts_in, dates_in, lines_of
from tests.layouts import page_of


def fields_of(*texts: str, receipt: bool = False) -> dict[str, str]:
    pages = [page_of(text, number) for number, text in enumerate(texts, start=1)]
    fields = read_layout(pages, receipt=receipt)["fields"]
    return {name: field["value"] for name, field in fields.items() if field["value"]}


def items_of(text: str) -> list[dict[str, Any]]:
    items: list[LineItem] = read_layout([page_of(text)], receipt=False)["line_items"]
    return [{k: v for k, v in item.items() if k not in ("page", "bbox")} for item in items]


ENGLISH = """
Northwind Traders Ltd.                                INVOICE
12 High Street                          Invoice No:   NW-2025/0041
London EC1A 1BB                         Invoice Date: 3 March 2025
                                        Due Date:     2 April 2025
Bill To                                 PO Number:    4500012345
Blue Ocean Ltd
7 Quay Road

Description             Qty    Unit Price    VAT      Amount
Paper, A4, box           10         12.50    20%      125.00
Toner black               2         60.00    20%      120.00

                                    Subtotal          £245.00
                                    VAT (20%)          £49.00
                                    Total             £294.00

VAT Reg No: GB 980 7806 84
IBAN: GB29 NWBK 6016 1331 9268 19
"""

GERMAN = """
Muster Werkzeuge GmbH · Hauptstr. 5 · 80331 München

Firma
Schreinerei Holz
Waldweg 2
12345 Berlin

Rechnung
Rechnungsnummer   Kundennummer   Datum
RE-100234         K-77           14.02.2025

Pos.  Bezeichnung         Menge   Einzelpreis   Gesamt
1     Bohrer 8 mm             5          4,20    21,00
2     Akkuschrauber           1      1.149,00   1.149,00

Nettobetrag                                     1.170,00 €
zzgl. 19% MwSt.                                   222,30 €
Rechnungsbetrag                                 1.392,30 €

Zahlbar bis 28.02.2025 auf IBAN DE89 3704 0044 0532 0130 00
USt-IdNr.: DE136695976
"""

FRENCH = """
Boulangerie Martin SARL
4 rue des Lilas
75012 Paris

FACTURE N° 2024-118
Date : 05/12/2024
Échéance : 04/01/2025

Désignation        Quantité   Prix unitaire   Montant HT
Pain de campagne         20            3,10        62,00
Croissants               50            0,90        45,00

Total HT                                        107,00 €
TVA 5,5 %                                         5,89 €
Total TTC                                       112,89 €
N° TVA intracommunautaire : FR83404833048
"""

SPANISH = """
Talleres Gómez S.L.
Calle Mayor 1, 28013 Madrid
NIF: B12345674

Factura nº: F-2025-009
Fecha de factura: 10 de enero de 2025
Vencimiento: 09/02/2025

Concepto          Cantidad   Precio    Importe
Revisión                 1   150,00     150,00

Base imponible                          150,00 €
IVA 21%                                  31,50 €
Total factura                           181,50 €
"""

ITALIAN = """
Rossi Impianti S.r.l.
Via Roma 10 - 20121 Milano - P.IVA IT00743110157

Fattura n. 57/2025 del 20/03/2025
Spett.le
Bianchi S.p.A.

Descrizione        Quantità   Prezzo   Importo
Manutenzione              2   200,00    400,00

Imponibile                              400,00
IVA 22%                                  88,00
Totale fattura                          488,00 EUR
Scadenza: 19/04/2025
"""

DUTCH = """
De Groot Installaties B.V.

FACTUUR
Factuurnummer: 20250017
Factuurdatum: 1 mei 2025
Vervaldatum: 15 mei 2025

Omschrijving          Aantal    Prijs     Bedrag
Onderhoud CV               1    99,00      99,00

Subtotaal                               € 99,00
BTW 21%                                 € 20,79
Totaal te betalen                      € 119,79
BTW-nummer: NL810433941B01
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            ENGLISH,
            {
                "vendor_name": "Northwind Traders Ltd.",
                "invoice_number": "NW-2025/0041",
                "invoice_date": "2025-03-03",
                "due_date": "2025-04-02",
                "net_amount": "245.00",
                "tax_amount": "49.00",
                "total_amount": "294.00",
                "currency": "GBP",
                "vendor_vat_id": "GB980780684",
                "iban": "GB29NWBK60161331926819",
                "purchase_order": "4500012345",
            },
        ),
        (
            GERMAN,
            {
                "vendor_name": "Muster Werkzeuge GmbH",
                "invoice_number": "RE-100234",
                "invoice_date": "2025-02-14",
                "due_date": "2025-02-28",
                "net_amount": "1170.00",
                "tax_amount": "222.30",
                "total_amount": "1392.30",
                "currency": "EUR",
                "vendor_vat_id": "DE136695976",
                "iban": "DE89370400440532013000",
            },
        ),
        (
            FRENCH,
            {
                "vendor_name": "Boulangerie Martin SARL",
                "invoice_number": "2024-118",
                "invoice_date": "2024-12-05",
                "due_date": "2025-01-04",
                "net_amount": "107.00",
                "tax_amount": "5.89",
                "total_amount": "112.89",
                "currency": "EUR",
                "vendor_vat_id": "FR83404833048",
            },
        ),
        (
            SPANISH,
            {
                "vendor_name": "Talleres Gómez S.L.",
                "invoice_number": "F-2025-009",
                "invoice_date": "2025-01-10",
                "due_date": "2025-02-09",
                "net_amount": "150.00",
                "tax_amount": "31.50",
                "total_amount": "181.50",
                "currency": "EUR",
            },
        ),
        (
            ITALIAN,
            {
                "vendor_name": "Rossi Impianti S.r.l.",
                "invoice_number": "57/2025",
                "invoice_date": "2025-03-20",
                "due_date": "2025-04-19",
                "net_amount": "400.00",
                "tax_amount": "88.00",
                "total_amount": "488.00",
                "currency": "EUR",
                "vendor_vat_id": "IT00743110157",
            },
        ),
        (
            DUTCH,
            {
                "vendor_name": "De Groot Installaties B.V.",
                "invoice_number": "20250017",
                "invoice_date": "2025-05-01",
                "due_date": "2025-05-15",
                "net_amount": "99.00",
                "tax_amount": "20.79",
                "total_amount": "119.79",
                "currency": "EUR",
                "vendor_vat_id": "NL810433941B01",
            },
        ),
    ],
    ids=["en", "de", "fr", "es", "it", "nl"],
)
def test_every_field_is_found_in_six_languages(text: str, wanted: dict[str, str]) -> None:
    assert fields_of(text) == wanted


def test_lines_of_the_table_are_items_with_numbers_as_decimals() -> None:
    assert items_of(GERMAN) == [
        {
            "description": "Bohrer 8 mm",
            "quantity": "5",
            "unit_price": "4.20",
            "amount": "21.00",
        },
        {
            "description": "Akkuschrauber",
            "quantity": "1",
            "unit_price": "1149.00",
            "amount": "1149.00",
        },
    ]


def test_a_description_goes_on_in_the_lines_under_it_and_ends_with_the_sums() -> None:
    text = """
Item                     Qty    Price     Amount
Cloud server               1    10.00      10.00
from 1 to 31 March
Support                    2     5.00      10.00

Total                                      20.00
Please pay within 14 days.
"""
    assert [item["description"] for item in items_of(text)] == [
        "Cloud server from 1 to 31 March",
        "Support",
    ]


def test_a_page_without_labels_gives_nothing() -> None:
    assert fields_of("Once upon a time, in 1984, a clock struck 13.00.\nIt was cold.") == {}


def test_the_total_is_what_net_and_tax_make_not_what_is_due_with_an_old_balance() -> None:
    text = """
Subtotal             100.00
Sales tax             10.00
Total                110.00
Previous balance     500.00
Amount due           610.00
"""
    assert fields_of(text)["total_amount"] == "110.00"


def test_taxes_at_several_rates_are_added() -> None:
    text = """
Nettobetrag          200,00 €
MwSt. 7 %              7,00 €
MwSt. 19 %            19,00 €
Gesamtbetrag         226,00 €
"""
    assert fields_of(text)["tax_amount"] == "26.00"


def test_the_buyers_vat_id_is_not_the_vendors() -> None:
    text = """
Rechnung an:
Kunde GmbH
USt-IdNr.: DE136695976

Lieferant AG
USt-IdNr.: ATU13585627
"""
    assert fields_of(text)["vendor_vat_id"] == "ATU13585627"


def test_a_customers_number_or_an_order_date_is_not_the_invoices() -> None:
    text = """
Customer No: 4711
Order date: 2025-01-02
Delivery date: 2025-01-05
"""
    assert fields_of(text) == {}


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Invoice date: 03/04/2025\nDue date: 25/04/2025", "2025-04-03"),
        ("Invoice date: 03/04/2025\nDue date: 04/25/2025", "2025-03-04"),
        ("Springfield, IL 62701\nInvoice date: 03/04/2025", "2025-03-04"),
        ("Invoice date: 03/04/2025", "2025-04-03"),
        ("Invoice date: 2025-04-03", "2025-04-03"),
        ("Rechnungsdatum: 3. April 2025", "2025-04-03"),
    ],
)
def test_day_and_month_are_told_apart_by_the_whole_document(text: str, date: str) -> None:
    assert fields_of(text)["invoice_date"] == date


def test_a_date_that_can_be_read_two_ways_is_less_sure() -> None:
    def sure(text: str) -> float:
        return read_layout([page_of(text)], receipt=False)["fields"]["invoice_date"]["confidence"]

    assert sure("Invoice date: 03/04/2025") < sure("Invoice date: 03/04/2025\nDue: 25/04/2025")


def test_a_receipt_has_its_vendor_on_top_and_a_date_without_a_label() -> None:
    text = """
CORNER CAFE
55 Main Street
12/05/2025 15:16
2 Coffee               7.00
1 Cake                 4.50
TOTAL                 11.50
CASH                  20.00
CHANGE                 8.50
"""
    assert fields_of(text, receipt=True) == {
        "vendor_name": "CORNER CAFE",
        "invoice_date": "2025-05-12",
        "total_amount": "11.50",
    }


def test_an_iban_with_wrong_check_digits_is_read_where_it_is_called_one_and_hardly_sure() -> None:
    text = "IBAN: DE89 3704 0044 0532 0130 01"
    iban = read_layout([page_of(text)], receipt=False)["fields"]["iban"]
    assert (iban["value"], iban["confidence"]) == ("DE89370400440532013001", 0.4)


def test_a_field_says_where_it_stands() -> None:
    field = read_layout([page_of(ENGLISH)], receipt=False)["fields"]["invoice_number"]
    assert field["page"] == 1
    assert field["bbox"] is not None
    assert field["bbox"][0] == pytest.approx(54 * 6.0)


def test_letters_that_were_hard_to_read_make_a_field_less_sure() -> None:
    from dataclasses import replace

    page = page_of("Invoice No: A-17")
    weak = replace(page, lines=[[replace(word, confidence=0.5) for word in page.lines[0]]])
    field = read_layout([weak], receipt=False)["fields"]["invoice_number"]
    assert (field["value"], field["confidence"]) == ("A-17", 0.5)


def confidence_of_total(text: str) -> float:
    fields = read_layout([page_of(text)], receipt=True)["fields"]
    assert fields["total_amount"]["value"] == "12.00"
    return fields["total_amount"]["confidence"]


def test_a_total_that_something_else_confirms_is_surer() -> None:
    alone = confidence_of_total("Cake      12.00\nTotal     12.00")
    paid = confidence_of_total("Cake      12.00\nTotal     12.00\nCash      20.00\nChange     8.00")
    balanced = confidence_of_total("Subtotal  10.00\nTax        2.00\nTotal     12.00")
    assert alone < paid < balanced


def test_a_word_in_capitals_before_an_amount_is_no_currency() -> None:
    fields = fields_of("NET 100.00\nVAT 20.00\nTOTAL 120.00")
    assert (fields["tax_amount"], fields["total_amount"]) == ("20.00", "120.00")
    assert "currency" not in fields


def test_the_net_may_be_called_a_total_where_the_total_is_called_gross() -> None:
    text = """
Total                       381,12 €
VAT 19%                      72,41 €
Gross amount incl. VAT      453,53 €
"""
    assert fields_of(text)["total_amount"] == "453.53"


def test_the_row_of_a_tax_summary_is_not_the_total() -> None:
    text = """
TOTAL SALES (EXCLUDING GST) :   42.20
TOTAL GST :                      2.53
TOTAL SALES (INCLUSIVE OF GST) : 44.73
GST SUMMARY     AMT      TAX
SR              42.20    2.53
TOTAL :         42.20    2.53
"""
    assert fields_of(text)["total_amount"] == "44.73"


def test_cash_may_be_rounded_to_coins() -> None:
    text = "Total      45.34\nRounding   0.01\nRounded    45.35\nCash      45.35"
    assert fields_of(text)["total_amount"] == "45.35"


def test_an_only_amount_counts_where_it_is_called_one_and_lists_of_prices_have_no_total() -> None:
    header = "Number      Date          Charges\n"
    assert fields_of(header + "A-1         2025-01-02    $56.70")["total_amount"] == "56.70"
    assert "total_amount" not in fields_of("Consultation   INR 800.00")


@pytest.mark.parametrize(
    "text",
    ["total 1.00 " * 20_000, "1" * 200_000, "1 000 " * 30_000, "rechnung ( " * 20_000],
    ids=["total", "digits", "groups", "brackets"],
)
def test_a_line_without_end_is_read_as_far_as_a_page_is_wide(text: str) -> None:
    assert set(fields_of(text)) <= {"total_amount"}


def test_of_a_vast_document_the_first_lines_are_read() -> None:
    text = "Invoice No: A-17\n" + "Total 1.00\n" * 20_000
    assert fields_of(text)["invoice_number"] == "A-17"


def test_a_credit_note_is_below_zero() -> None:
    text = """
Net                 -100.00
VAT 19%              -19.00
Total               -119.00 EUR
"""
    found = fields_of(text)
    assert [found[name] for name in ("net_amount", "tax_amount", "total_amount")] == [
        "-100.00",
        "-19.00",
        "-119.00",
    ]


LINES = sorted({line for text in (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, DUTCH)
                for line in text.splitlines() if line})  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(LINES), max_size=14), st.booleans())
def test_no_field_says_what_the_page_does_not(chosen: list[str], receipt: bool) -> None:
    """Of whatever lines a page has: each value stands in the box that is named with it."""
    page = page_of("\n".join(chosen))
    words = [word for line in page.lines for word in line]
    fields = read_layout([page], receipt=receipt)["fields"]
    for name, field in fields.items():
        if field["value"] is None:
            assert (field["status"], field["bbox"]) == ("absent", None)
            continue
        assert 0 < field["confidence"] <= 1
        if name == "currency":
            continue  # a sign, or the country's
        assert field["page"] == 1
        assert field["bbox"] is not None
        x0, y0, x1, y1 = field["bbox"]
        inside = [w for w in words if w.x0 >= x0 - 1 and w.x1 <= x1 + 1 and y0 - 1 <= w.y0 < y1]
        said = " ".join(word.text for word in inside)
        if name == "tax_amount" and field["value"] not in values_in(said):
            continue  # several rates are added
        assert field["value"] in values_in(said), (name, field, said)


def values_in(text: str) -> set[str]:
    """Return everything that a text can mean: its amounts, its dates in both orders, its words."""
    found = {text, text.rstrip(".,;:")}
    for line in lines_of([page_of(text)]):
        found |= {amount.value for amount in amounts_in(line, whole=True)}
        found |= {date.value for order in (DMY, MDY) for date in dates_in(line, order)}
    words = text.split()
    bare = [re.sub(r"[^\w/+-]", "", word) for word in words]
    found |= {sep.join(some[a:b]) for some in (words, bare) for sep in ("", " ")
              for a in range(len(some)) for b in range(a + 1, len(some) + 1)}  # fmt: skip
    return found | {one.strip("·.,;:-# ") for one in found}
