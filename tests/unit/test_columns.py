"""What columns mean, by their names and by their cells."""

import pytest

from app.reading.column_names import plain_name
from app.reading.columns import find_columns

ROWS = {
    "date": "2026-11-20",
    "text": "Coffee at the corner",
    "amount": "-3.50",
    "currency": "EUR",
    "balance": "96.50",
}


@pytest.mark.parametrize(
    "names",
    [
        ["Date", "Description", "Amount", "Currency", "Balance"],
        ["Buchungstag", "Verwendungszweck", "Betrag", "Währung", "Saldo"],
        ["Datum", "Omschrijving", "Bedrag", "Munt", "Saldo na trn"],
        ["Date opération", "Libellé", "Montant", "Devise", "Solde"],
        ["Fecha", "Concepto", "Importe", "Divisa", "Saldo"],
        ["Data contabile", "Descrizione", "Importo", "Divisa", "Saldo"],
        ["Bokföringsdag", "Beskrivning", "Belopp", "Valuta", "Bokfört saldo"],
        ["Dato", "Tekst", "Beløp", "Valuta", "Saldo"],
        ["Data operacji", "Opis operacji", "Kwota", "Waluta", "Saldo po operacji"],
        ["Datum zaúčtování", "Popis", "Částka", "Měna", "Zůstatek"],
        ["Könyvelés dátuma", "Közlemény", "Összeg", "Devizanem", "Egyenleg"],
        ["DATE", "Transaction description", "Amount (EUR)", "CCY", "Running balance"],
    ],
)
def test_names_in_many_languages_are_understood(names: list[str]) -> None:
    columns = find_columns(names, [list(ROWS.values())])

    assert [column.role for column in columns] == [
        *("date", "description", "amount", "currency", "balance")
    ]


def test_cells_contradict_names() -> None:
    columns = find_columns(["Valuta", "Betrag", "Datum"], [["20.11.2026", "1,50", "19.11.2026"]])

    assert [column.role for column in columns] == ["value_date", "amount", "date"]


def test_without_names_the_cells_tell() -> None:
    rows = [["18.09.2017", "Coffee at the corner", "18.09.2017", "-3,50", "EUR"]]

    roles = [column.role for column in find_columns([], rows)]

    assert roles == ["date", "description", None, "amount", "currency"]


def test_two_columns_that_are_never_both_filled_are_debits_and_credits() -> None:
    rows = [["2026-11-20", "a", "", "3.50"]] * 3 + [["2026-11-20", "b", "9.00", ""]]

    columns = find_columns([], rows)

    assert [column.role for column in columns] == ["date", "description", "credit", "debit"]
    assert columns[3].inverse


def test_debits_written_with_a_minus_are_not_turned_round() -> None:
    rows = [["2026-11-20", "-3.50", ""], ["2026-11-20", "", "9.00"]]

    debit = find_columns(["Date", "Debit", "Credit"], rows)[1]

    assert (debit.role, debit.inverse) == ("debit", False)


def test_numbers_under_another_name_are_no_money() -> None:
    columns = find_columns(["date_maj", "longitude"], [["2018/03/31", "6.92641"]])

    assert "amount" not in [column.role for column in columns]


def test_a_flag_that_marks_only_credits_makes_the_others_debits() -> None:
    rows = [["2026-11-20", "a", "3.50", ""], ["2026-11-20", "b", "9.00", "CR"]]

    flag = find_columns(["Date", "Description", "Amount", ""], rows)[3]

    assert (flag.role, flag.inverse) == ("flag", True)


def test_every_column_gets_a_name_of_its_own() -> None:
    columns = find_columns(["id", "", "id"], [["1", "2", "3"]])

    assert [column.name for column in columns] == ["id", "Column 2", "id (2)"]


def test_names_are_compared_without_case_accents_and_marks() -> None:
    assert plain_name("  Währung (EUR) ") == "wahrung eur"
    assert plain_name("Beløb") == "belob"
    assert plain_name("Zůstatek/Kč") == "zustatek kc"


# The headers of some banks and services, and what has to be found in them.
HEADERS = [
    (
        "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance",
        {
            "date": "Completed Date",
            "amount": "Amount",
            "description": "Description",
            "status": "State",
        },
    ),
    (
        "Booking Date,Value Date,Partner Name,Partner Iban,Type,Payment Reference,Account Name,"
        "Amount (EUR),Original Amount,Original Currency,Exchange Rate",
        {"date": "Booking Date", "amount": "Amount (EUR)", "counterparty": "Partner Name"},
    ),
    (
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Balance,Transaction ID",
        {"date": "Date", "amount": "Gross", "currency": "Currency", "reference": "Transaction ID"},
    ),
    (
        "Buchungsdatum,Wertstellung,Status,Zahlungspflichtige*r,Zahlungsempfänger*in,"
        "Verwendungszweck,Umsatztyp,Betrag (€)",
        {
            "date": "Buchungsdatum",
            "amount": "Betrag (€)",
            "counterparty": "Zahlungsempfänger*in",
            "description": "Verwendungszweck",
        },
    ),
    (
        "Buchungstag,Wertstellung (Valuta),Vorgang,Buchungstext,Umsatz in EUR",
        {"date": "Buchungstag", "amount": "Umsatz in EUR", "description": "Buchungstext"},
    ),
    (
        "Transaction Date,Post Date,Description,Category,Type,Amount,Memo",
        {"date": "Transaction Date", "amount": "Amount", "category": "Category"},
    ),
    (
        "Date,Counter Party,Reference,Type,Money Out,Money In,Balance (GBP)",
        {"debit": "Money Out", "credit": "Money In", "balance": "Balance (GBP)"},
    ),
]
CELLS = {
    "date": "2026-11-20",
    "datum": "2026-11-20",
    "tag": "2026-11-20",
    "wertstellung": "2026-11-20",
    "amount": "-3.50",
    "betrag": "-3.50",
    "umsatz in": "-3.50",
    "gross": "-3.50",
    "net": "-3.50",
    "fee": "0.10",
    "money": "3.50",
    "balance": "96.50",
    "currency": "EUR",
}


@pytest.mark.parametrize(("header", "roles"), HEADERS)
def test_exports_of_known_banks_are_understood(header: str, roles: dict[str, str]) -> None:
    names = header.split(",")
    row = [
        next((cell for word, cell in CELLS.items() if word in name.lower()), "some words")
        for name in names
    ]

    found = {column.role: column.name for column in find_columns(names, [row])}

    assert {role: found.get(role) for role in roles} == roles


@pytest.mark.parametrize(
    "names",
    [
        ["created_utc", "description", "net", "fee", "gross", "reporting_category"],
        ["Date", "Description", "Net", "Fee", "Gross", "Type"],
        ["Datum", "Beschreibung", "Netto", "Entgelt", "Brutto", "Typ"],
        ["Datum", "Beschreibung", "Netto", "Gebühr", "Brutto", "Typ"],
        ["Created (UTC)", "Description", "Net", "Fee", "Amount", "Type"],
        ["Date", "Description", "Total", "Fees", "Amount", "Type"],
    ],
)
def test_what_was_sold_is_the_amount_and_not_what_is_left_of_it(names: list[str]) -> None:
    row = ["2026-11-20", "Order 8", "19.12", "0.88", "20.00", "charge"]

    roles = [column.role for column in find_columns(names, [row])]

    assert roles == ["date", "description", None, "fee", "amount", "type"]
