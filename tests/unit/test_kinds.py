"""A table is called what a person would call it."""

import re

import pytest

from app.core.reading import Task
from app.reading.kinds import LABELS, classify, classify_document
from tests.unit.test_platforms import Silence, task_with


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("bank_statement", "Date,Description,Amount,Balance"),
        ("bank_statement", "Date,Description,Amount"),
        ("bank_statement", "Date,Details,Debit,Credit,Balance"),
        ("bank_statement", "Datum;Omschrijving;Valuta;Bedrag;Saldo"),
        ("bank_statement", "Buchung;Empfänger;Betrag;Währung"),
        ("bank_statement", "Date;Libellé;Débit;Crédit;Solde"),
        ("bank_statement", "Transaction date,Value date,Description,Withdrawals (SGD),Deposits"),
        (
            "bank_statement",
            "date,description,counterparty,amount,currency,balance,reference,account",
        ),
        ("card_statement", "Date,Description,Amount,Currency,Card"),
        ("card_statement", "Transaction Date;Card Number;Merchant;Amount;Currency"),
        ("card_statement", "Buchungsdatum;Kartennummer;Händler;Betrag"),
        ("invoice_list", "Invoice No,Customer,Invoice Date,Due Date,Net,VAT,Total"),
        ("invoice_list", "Rechnungsnummer;Kunde;Rechnungsdatum;Fällig am;Netto;MwSt;Brutto"),
        ("invoice_list", "Numéro de facture;Client;Date;Échéance;Montant HT;TVA;Total TTC"),
        ("expense_list", "Date,Vendor,Category,Amount,Currency,Note"),
        ("expense_list", "Employee,Expense date,Merchant,Amount,Receipt"),
        ("expense_list", "Datum;Kategorie;Betrag;Notiz"),
        ("sales_export", "Order ID,Customer,Product,Quantity,Unit price,Total,Order date"),
        ("payment_processor_export", "Transaction ID,Date,Customer Email,Gross,Fee,Net,Currency"),
        ("payout_list", "Payout date,Amount,Currency,Status"),
        ("ledger", "Account,Account name,Debit,Credit"),
        ("ledger", "Journal,Account code,Date,Description,Debit,Credit"),
        ("table", "Name,Length,Category"),
        ("table", "Last Name,First Name,Address,City,State,Zip,Occupation,Date,Amount"),
        ("table", "Country,Year,Population"),
    ],
)
def test_a_table_with_amounts_is_called_by_its_columns(kind: str, header: str) -> None:
    assert classify(re.split("[,;]", header))[0] == kind


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("contact_list", "First name,Last name,Email,Phone,City"),
        ("contact_list", "Vorname;Nachname;Telefon;Straße;PLZ;Ort"),
        ("product_list", "SKU,Product name,Price,Stock"),
        ("table", "Date,Temperature,Humidity"),
    ],
)
def test_a_table_without_amounts_is_no_statement(kind: str, header: str) -> None:
    assert classify(re.split("[,;]", header), has_amounts=False)[0] == kind


def test_the_name_of_the_file_tips_the_scales() -> None:
    header = ["Date", "Description", "Amount", "Currency"]
    assert classify(header, filename="account.csv")[0] == "bank_statement"
    kind, evidence = classify(header, filename="card_statement_september.csv")
    assert kind == "card_statement"
    assert evidence[1] == "Its name says so: card_statement_september.csv"


def test_columns_that_have_no_names_are_known_by_what_is_in_them() -> None:
    kind, _ = classify(["Column 1", "Column 2", "Column 3"], ["date", "description", "amount"])
    assert kind == "bank_statement"


def test_a_known_source_decides() -> None:
    task: Task = task_with(["id", "Amount"], [])
    task["found"]["platform_detection"] = {"platform": "stripe_payouts", "name": "Stripe"}
    found = classify_document(task, Silence())
    assert found == {
        "document_type": "payout_list",
        "label": "list of payouts",
        "evidence": ["That is what Stripe exports as “payouts”"],
    }


def test_the_step_gives_a_label_and_a_reason() -> None:
    found = classify_document(
        task_with(["Date", "Description", "Amount", "Balance"], []), Silence()
    )
    assert found["label"] == "bank statement"
    assert found["evidence"] == ["It has the columns “Date”, “Amount”, “Description” and “Balance”"]


def test_labels_fit_into_a_sentence() -> None:
    assert all(label == label.lower() and len(label) < 30 for label in LABELS.values())
