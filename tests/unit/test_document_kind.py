"""Claims about what kind of document a file is, and the plan that follows."""

import io
from pathlib import Path

import pytest
from PIL import Image

from app.core.asking import Asking
from app.reading.document_kind import LABELS, SIGNS, TITLES, find_kind, kind_of_text
from tests.readers import Heard, task_for
from tests.samples import sample


def kind_of(path: Path, kind: str = "pdf", heard: Heard | None = None) -> tuple[str, str]:
    found = find_kind(task_for(path, kind), heard or Heard())
    return found["plan"], found["document_type"]


@pytest.mark.parametrize(
    "name",
    [
        "invoice2data/AmazonWebServices.pdf",
        "invoice2data/QualityHosting.pdf",
        "invoice2data/coolblue1.pdf",
        "invoice2data/free_fiber.pdf",
        "azure-form-recognizer/invoice.pdf",
        "zugferd-corpus/Facture_UE_MINIMUM.pdf",
        "zugferd-corpus/factur-x-invalid-xml-encoding-attribute.pdf",
    ],
)
def test_invoices_of_many_countries_go_on_with_the_plan_of_invoices(name: str) -> None:
    assert kind_of(sample(name)) == ("invoice", "invoice")


@pytest.mark.parametrize(
    "name",
    [
        "pdfplumber/nics-background-checks-2015-11.pdf",
        "pdfplumber/senate-expenditures.pdf",
        "tabula-java/schools.pdf",
        "tabula-java/frx_2012_disclosure.pdf",
    ],
)
def test_reports_with_amounts_stay_documents(name: str) -> None:
    assert kind_of(sample(name))[0] == "document"


def test_an_image_goes_on_with_the_plan_of_invoices(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (20, 20)).save(picture, "PNG")
    (tmp_path / "a.png").write_bytes(picture.getvalue())
    assert kind_of(tmp_path / "a.png", "image") == ("invoice", "image")


def test_an_e_invoice_says_itself_what_it_is() -> None:
    found = find_kind(task_for(sample("zugferd-corpus/EN16931_Miete.pdf"), "pdf"), Heard())
    assert (found["document_type"], found["einvoice"]) == ("invoice", "Factur-X/ZUGFeRD")


def test_a_damaged_e_invoice_is_told_and_its_text_decides() -> None:
    heard = Heard()
    path = sample("zugferd-corpus/factur-x-invalid-xml-encoding-attribute.pdf")
    assert kind_of(path, heard=heard) == ("invoice", "invoice")
    assert heard.codes == ["einvoice_unreadable"]


def test_a_locked_pdf_asks_for_its_password() -> None:
    with pytest.raises(Asking):
        kind_of(sample("pdfplumber/password-example.pdf"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Kontoauszug\nAlter Saldo 1.200,00\nBuchungstag\nNeuer Saldo 900,00", "bank_statement"),
        ("GUTSCHRIFT\nRechnungsnummer 77\nGesamtbetrag 12,00 EUR\nMwSt 19%", "credit_note"),
        ("Avoir\nTotal TTC 12,00\nTVA 20 %", "credit_note"),
        ("Rappel\nFacture 12 en retard\nTotal 15,00", "reminder"),
        ("Bulletin de paie\nSalaire brut 2.000,00\nSalaire net 1.500,00", "payslip"),
        ("SCONTRINO\nTotale 4,20\nContanti 5,00\nResto 0,80", "receipt"),
        ("Dear Sir,\nthank you for your letter.", "document"),
        ("", "document"),
    ],
)
def test_other_kinds_are_known_by_title_and_words(text: str, kind: str) -> None:
    assert kind_of_text(text).document_type == kind


def test_every_kind_has_words_for_people() -> None:
    assert set(TITLES) | set(SIGNS) <= set(LABELS)


def test_what_was_paid_at_a_till_is_a_receipt_whatever_its_title_says() -> None:
    text = "TAX INVOICE\nTOTAL 9.60\nCASH 10.00\nCHANGE 0.40\nGST REG NO 1"
    assert kind_of_text(text).document_type == "receipt"


def test_an_invoice_that_may_be_paid_in_cash_stays_an_invoice() -> None:
    text = "INVOICE\nInvoice number 7\nDue date 2026-01-02\nTotal 9.60\nNo cash please"
    assert kind_of_text(text).document_type == "invoice"
