"""Exports are known by their header, and an unknown table is never guessed at."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.notices import Notice
from app.core.reading import Limits, Task
from app.reading.kinds import LABELS
from app.reading.platforms import THRESHOLD, best_match, detect_platform, match_all, plain_header
from app.reading.signatures import SIGNATURES, Signature
from tests.samples import sample

LIMITS = Limits(
    max_rows=1,
    max_columns=1,
    max_line_bytes=1,
    max_unpacked_bytes=1,
    max_unpack_ratio=1,
    max_archive_files=2000,
    max_archive_depth=2,
    max_pages=1,
    max_ocr_pages=1,
    max_image_pixels=1,
)


class Silence:
    def __call__(self, done: int, total: int | None = None, **context: object) -> None:
        pass

    def events(self, told: object) -> None: ...

    def warn(self, notice: Notice) -> None:
        raise AssertionError(notice)


def task_with(headers: list[str], rows: list[list[str]], header_line: int | None = 1) -> Task:
    fields = {
        "columns": [{"name": name} for name in headers],
        "sample": rows,
        "header_line": header_line,
    }
    return Task(
        job_id="job",
        user_id="user",
        filename="export.csv",
        size=1,
        sha256="",
        path="",
        work_dir="",
        records_path="",
        limits=LIMITS,
        options={},
        found={"field_detection": fields},
        answers={},
    )


CELLS = {
    "stripe_payments": {"id": "ch_3QAbCdEf12345678"},
    "stripe_itemised_balance": {"balance_transaction_id": "txn_1AbCdEf12345"},
    "stripe_itemised_balance_local": {"balance_transaction_id": "txn_1AbCdEf12345"},
    "stripe_balance_history": {"id": "txn_1AbCdEf12345"},
    "stripe_payouts": {"id": "po_1AbCdEf12345"},
    "paypal_activity": {"Transaction ID": "5AB12345CD678901E"},
    "paypal_statement": {"Transaction ID": "5AB12345CD678901E"},
    "paypal_activity_de": {"Transaktionscode": "5AB12345CD678901E"},
    "paypal_activity_de_gebuehr": {"Transaktionscode": "5AB12345CD678901E"},
    "paypal_activity_us": {"Transaction ID": "5AB12345CD678901E"},
    "monzo_statement": {"Transaction ID": "tx_00009TziTeST1NG"},
    "monzo_statement_2018": {"id": "tx_00009TziTeST1NG"},
    "chase_checking": {"Details": "DEBIT"},
    "chase_credit_card": {"Type": "Sale"},
    "wealthsimple_statement": {"transaction": "SPEND"},
    "bunq_statement": {"Account": "NL26BUNQ2025126409"},
}


def row_of(signature: Signature, headers: list[str]) -> list[str]:
    return [CELLS.get(signature.key, {}).get(header, "") for header in headers]


def test_there_are_at_least_sixteen_named_sources() -> None:
    assert len({signature.name for signature in SIGNATURES}) >= 45
    assert {"Stripe", "PayPal", "Wise", "Revolut", "N26", "Shopify", "Square", "QuickBooks"} | {
        "Xero",
        "Chase",
        "Sparkasse",
        "DKB",
        "comdirect",
        "Volksbank / Raiffeisenbank",
        "Rabobank",
        "bunq",
    } <= {signature.name for signature in SIGNATURES}


def test_every_signature_has_its_own_key_and_a_kind_that_has_a_label() -> None:
    assert len({signature.key for signature in SIGNATURES}) == len(SIGNATURES)
    assert {signature.kind for signature in SIGNATURES} <= LABELS.keys()


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.key)
def test_each_export_is_known_by_its_own_columns(signature: Signature) -> None:
    headers = signature.core.split(";")
    found = best_match(headers, [row_of(signature, headers)])
    assert found is not None
    assert found.signature.key == signature.key


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.key)
def test_each_export_is_known_with_all_its_usual_columns_in_another_order(
    signature: Signature,
) -> None:
    headers = [name for name in f"{signature.extra};{signature.core}".split(";") if name]
    found = best_match(headers, [row_of(signature, headers)])
    assert found is not None
    assert found.signature.name == signature.name


@pytest.mark.parametrize(
    ("file", "encoding", "delimiter", "key"),
    [
        ("bank2ynab/20171001-20171106.csv", "utf-8", ",", "n26_statement_de"),
        (
            "bank2ynab/2018-04-14_10-52-13_bunq-transactieoverzicht.csv",
            "utf-8",
            ",",
            "bunq_statement_nl",
        ),
        ("bank2ynab/2019-03-02_11-50-46_bunq-statement.csv", "utf-8", ",", "bunq_statement"),
        ("bank2ynab/20180226-1000594757-umsatz.CSV", "cp1252", ";", "sparkasse_mt940"),
        ("bank2ynab/umsatz-1234________1234-20180227.CSV", "cp1252", ";", "sparkasse_card"),
        ("bank2ynab/CSV_A_20180414_112204.csv", "cp1252", ",", "rabobank_statement"),
        (
            "bank2ynab/MonzoDataExport_February2018_2018-02-26_174335.csv",
            "utf-8",
            ",",
            "monzo_statement_2018",
        ),
        (
            "bank2ynab/Movements_1234512345_201805271848.csv",
            "cp1250",
            ";",
            "raiffeisen_cz_statement",
        ),
        (
            "bank2ynab/Umsaetze_KtoNr538917600_EUR_02-03-2018_1503.CSV",
            "utf-8-sig",
            ";",
            "commerzbank_statement",
        ),
        ("bank2ynab/W80844_EBH_201945.202122.csv", "utf-8", ",", "erste_hu_statement"),
        ("bank2ynab/export_BE11123456789012_20180304_1422.csv", "cp1252", ";", "kbc_statement"),
        (
            "bank2ynab/export_KBC-Mastercard Business Essential_20200204_1604.csv",
            "cp1252",
            ";",
            "kbc_card",
        ),
        ("beanhub-extract/chase_credit_card.csv", "utf-8", ",", "chase_credit_card"),
        ("beanhub-extract/mercury.csv", "utf-8", ",", "mercury_statement"),
        ("beanhub-extract/plaid.csv", "utf-8", ",", "plaid_transactions"),
        ("beanhub-extract/wealthsimple.csv", "utf-8", ",", "wealthsimple_statement"),
        ("beanhub-extract/other.csv", "utf-8", ",", None),
        ("bank2ynab/20180226_12345678.csv", "utf-8", ",", None),
        ("bank2ynab/test_headers.csv", "utf-8", ";", None),
        ("bank2ynab/test_BOI_TransactionExport.csv", "utf-8", ",", None),
        ("tabula-java/schools.csv", "utf-8", ",", None),
        ("csvkit/test_utf8_bom.csv", "utf-8-sig", ",", None),
    ],
)
def test_real_exports_are_named_and_other_tables_are_not(
    file: str, encoding: str, delimiter: str, key: str | None
) -> None:
    text = sample(file).read_text(encoding, errors="replace")
    table = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    found = best_match(table[0], table[1:50])
    assert (None if found is None else found.signature.key) == key


def test_names_of_columns_are_compared_without_case_accents_and_marks() -> None:
    assert plain_header("\ufeff Währung ") == plain_header("WAEHRUNG") == "waehrung"
    assert plain_header("Check or Slip #") == "check or slip #"
    assert plain_header("Omschrijving-1") == "omschrijving 1"


def test_the_same_columns_with_other_cells_are_not_taken_for_the_platform() -> None:
    headers = ["Date", "Amount", "Account", "Counterparty", "Name", "Description"]
    assert (
        best_match(headers, [["2026-01-01", "1.00", "DE02120300000000202051", "", "", ""]]) is None
    )


def test_one_missing_column_and_two_new_ones_are_forgiven() -> None:
    headers = "Type;Product;Started Date;Completed Date;Description;Amount;Fee;Currency;State"
    found = best_match([*headers.split(";"), "Tags", "Owner"], [])
    assert found is not None
    assert found.signature.name == "Revolut"
    assert THRESHOLD <= found.score < 1


PAYPAL_DE = (
    "Datum,Uhrzeit,Zeitzone,Name,Typ,Status,Währung,Brutto,Gebühr,Netto,"
    "Absender E-Mail-Adresse,Empfänger E-Mail-Adresse,Transaktionscode"
)
PAYPAL_DE_REST = (
    "Lieferadresse,Adress-Status,Artikelbezeichnung,Artikelnummer,Versand- und Bearbeitungsgebühr,"
    "Versicherungsbetrag,Umsatzsteuer,Option 1 Name,Option 1 Wert,Option 2 Name,Option 2 Wert,"
    "Zugehöriger Transaktionscode,Rechnungsnummer,Zollnummer,Anzahl,Empfangsnummer,Guthaben,"
    "Adresszeile 1,Adresszusatz,Ort,Bundesland,PLZ,Land,Telefon,Betreff,Hinweis,Ländervorwahl,"
    "Auswirkung auf Guthaben"
)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (f"{PAYPAL_DE},{PAYPAL_DE_REST}", "paypal_activity_de_gebuehr"),
        (f"{PAYPAL_DE},Guthaben,Auswirkung auf Guthaben", "paypal_activity_de_gebuehr"),
        (
            "Date,Time,Time Zone,Name,Type,Status,Currency,Amount,Fees,Total,Exchange Rate,"
            "Receipt ID,Balance,Transaction ID,Item Title",
            "paypal_activity_us",
        ),
        (
            "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fees,Total,Exchange Rate,"
            "Receipt ID,Balance,Transaction ID,Item Title",
            "paypal_activity_us",
        ),
    ],
)
@pytest.mark.parametrize("code", ["5AB12345CD678901E", "TXN-1001", ""])
def test_paypal_is_named_in_german_and_as_it_was_in_the_united_states(
    header: str, key: str, code: str
) -> None:
    names = header.split(",")
    row = [code if name in ("Transaktionscode", "Transaction ID") else "" for name in names]
    found = best_match(names, [row])
    if code == "TXN-1001":  # no code of PayPal: nobody's, rather than a guess
        assert found is None
    else:
        assert found is not None
        assert (found.signature.key, found.signature.name) == (key, "PayPal")


def test_a_common_header_belongs_to_nobody() -> None:
    for header in (
        "Date,Description,Amount",
        "Date,Description,Amount,Balance",
        "Date,Details,Debit,Credit,Balance",
        "date,description,counterparty,amount,currency,balance,reference,account",
        "Datum;Buchungstext;Betrag",
    ):
        assert best_match(header.replace(";", ",").split(","), []) is None


@given(st.lists(st.text(max_size=30), max_size=40), st.lists(st.lists(st.text(max_size=9))))
def test_whatever_the_header_every_score_lies_between_nothing_and_one(
    headers: list[str], rows: list[list[str]]
) -> None:
    for match in match_all(headers, rows):
        assert 0 <= match.score <= 1
        assert match.evidence


def test_the_step_says_why() -> None:
    headers = (
        "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance"
    )
    found = detect_platform(task_with(headers.split(","), []), Silence())
    assert (found["platform"], found["name"], found["score"]) == (
        "revolut_statement",
        "Revolut",
        1.0,
    )
    assert found["evidence"] == [
        "10 of the 10 columns of the Revolut export “account statement” are there",
        "only Revolut names a column “Product”",
    ]


def test_the_step_says_so_when_nothing_fits() -> None:
    unknown = detect_platform(task_with(["Name", "Length"], []), Silence())
    nameless = detect_platform(task_with(["Date", "Amount"], [], header_line=None), Silence())
    assert unknown["platform"] is None
    assert unknown["name"] is None
    assert unknown["evidence"] == ["The columns are not those of any export I know"]
    assert nameless["evidence"] == ["The file has no line with column names to compare"]
