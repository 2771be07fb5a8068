"""Claims about statements in the banks' own formats: OFX, QIF, MT940, CAMT."""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.unreadable import (
    BankRefused,
    DamagedFile,
    LineTooLong,
    NoTransactions,
)
from app.reading.extract import extract
from app.reading.fields import detect_fields
from app.reading.kinds import classify_document
from app.reading.parts import Parts
from app.reading.statements.mt940 import amount_of
from app.reading.statements.reader import FORMATS, RecordReader
from tests.readers import LIMITS, Heard, task_for
from tests.samples import sample


def records(path: Path, kind: str) -> list[dict[str, str]]:
    """Return a file's records as dicts by column, with their line."""
    names = [name for name, _ in FORMATS[kind].columns]
    reader = RecordReader(path, kind, tuple(names), LIMITS, path.name)
    return [dict(zip(names, r.cells, strict=True), line=str(r.line)) for r in reader.records()]


def written(folder: Path, text: str | bytes, name: str = "statement") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read_whole(path: Path, folder: Path) -> tuple[dict[str, Any], list[list[Any]], list[Any]]:
    """Return the steps' findings, the readable rows and those set aside."""
    task = task_for(path)
    task["work_dir"] = str(folder)
    task["found"]["field_detection"] = detect_fields(task, Heard())
    task["found"]["document_classification"] = classify_document(task, Heard())
    extract(task, Heard())
    parts = Parts(folder)
    wanted = ("date", "amount_micros", "description", "counterparty", "reference", "account")
    rows = [list(row) for frame in parts.frames() for row in frame.select(wanted).iter_rows()]
    return dict(task["found"]), rows, list(parts.rejected())


# OFX

OFX = """OFXHEADER:100
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS></SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>DE12<ACCTTYPE>CHECKING
</BANKACCTFROM><BANKTRANLIST>
{records}
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
RECORD = (
    "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260102120000[-5:EST]<TRNAMT>-3.20<FITID>1<NAME>Shop"
    "<MEMO>Bread &amp; milk</STMTTRN>"
)


def test_an_ofx_record_becomes_a_row(tmp_path: Path) -> None:
    (row,) = records(written(tmp_path, OFX.format(records=RECORD)), "ofx")
    assert row["Date"] == "2026-01-02"
    assert (row["Amount"], row["Currency"], row["Account"]) == ("-3.20", "EUR", "DE12")
    assert (row["Counterparty"], row["Description"], row["Reference"]) == (
        "Shop",
        "Bread & milk",
        "1",
    )
    assert (row["Type"], row["Account type"], row["line"]) == ("DEBIT", "CHECKING", "7")


def test_sgml_and_xml_read_the_same(tmp_path: Path) -> None:
    closed = re.sub(r"<(\w+)>([^<\n]+)", r"<\1>\2</\1>", OFX.format(records=RECORD))
    xml = '<?xml version="1.0"?>\n' + closed[closed.index("<OFX>") :]
    sgml = records(written(tmp_path, OFX.format(records=RECORD)), "ofx")
    assert [{**row, "line": ""} for row in records(written(tmp_path, xml), "ofx")] == [
        {**row, "line": ""} for row in sgml
    ]


def test_records_that_are_not_closed_are_told_apart(tmp_path: Path) -> None:
    open_one = RECORD.removesuffix("</STMTTRN>")
    path = written(tmp_path, OFX.format(records=f"{open_one}\n{open_one}\n{RECORD}"))
    assert [row["Amount"] for row in records(path, "ofx")] == ["-3.20"] * 3


def test_each_account_keeps_its_own_rows(tmp_path: Path) -> None:
    other = "</BANKTRANLIST></STMTRS><CCSTMTRS><CURDEF>USD<CCACCTFROM><ACCTID>4111</CCACCTFROM>"
    path = written(tmp_path, OFX.format(records=f"{RECORD}\n{other}\n{RECORD}"))
    found = [(row["Account"], row["Currency"], row["Account type"]) for row in records(path, "ofx")]
    assert found == [("DE12", "EUR", "CHECKING"), ("4111", "USD", "CREDITCARD")]


def test_the_other_sides_account_is_not_ones_own(tmp_path: Path) -> None:
    transfer = RECORD.replace("<MEMO>", "<BANKACCTTO><ACCTID>FR99</BANKACCTTO><MEMO>")
    rows = records(written(tmp_path, OFX.format(records=transfer + RECORD)), "ofx")
    assert [(row["Account"], row["Counter account"]) for row in rows] == [
        ("DE12", "FR99"),
        ("DE12", ""),
    ]


def test_a_foreign_currency_is_the_rows_only_where_the_amount_is_in_it(tmp_path: Path) -> None:
    foreign = RECORD.replace("<MEMO>", "<CURRENCY><CURRATE>1.1<CURSYM>USD</CURRENCY><MEMO>")
    was = RECORD.replace("<MEMO>", "<ORIGCURRENCY><CURRATE>1.1<CURSYM>USD</ORIGCURRENCY><MEMO>")
    rows = records(written(tmp_path, OFX.format(records=foreign + was)), "ofx")
    assert [row["Currency"] for row in rows] == ["USD", "EUR"]


def test_ansi_letters_and_utf_8_are_both_read(tmp_path: Path) -> None:
    text = OFX.format(records=RECORD.replace("Shop", "Café"))
    for encoding in ("cp1252", "utf-8"):
        (row,) = records(written(tmp_path, text.encode(encoding)), "ofx")
        assert row["Counterparty"] == "Café"


def test_an_investment_is_a_row_by_its_total(tmp_path: Path) -> None:
    bought = (
        "<BUYSTOCK><INVBUY><INVTRAN><FITID>9<DTTRADE>20260105<MEMO>ACME</INVTRAN><UNITS>3"
        "<TOTAL>-30.00</INVBUY><BUYTYPE>BUY</BUYSTOCK>"
    )
    (row,) = records(written(tmp_path, OFX.format(records=bought)), "ofx")
    assert (row["Date"], row["Amount"], row["Type"]) == ("2026-01-05", "-30.00", "BUYSTOCK")


@pytest.mark.parametrize(
    ("name", "rows", "aside", "codes"),
    [
        ("anzcc", 1, 0, "card_statement"),
        ("bank_medium", 3, 0, "bank_statement"),
        ("checking", 3, 0, "bank_statement"),
        ("ofx-v102-empty-tags", 1, 0, "bank_statement"),
        ("suncorp", 1, 0, "bank_statement"),
        ("date_missing", 0, 3, "bank_statement"),
        ("decimal_error", 0, 1, "bank_statement"),
    ],
)
def test_real_ofx_files_are_read_and_what_is_wrong_is_set_aside(
    tmp_path: Path, name: str, rows: int, aside: int, codes: str
) -> None:
    found, read, rejected = read_whole(sample(f"ofxparse/{name}.ofx"), tmp_path)
    assert (len(read), len(rejected)) == (rows, aside)
    assert found["document_classification"]["document_type"] == codes


def test_a_date_that_is_missing_is_said_with_its_line(tmp_path: Path) -> None:
    _, _, rejected = read_whole(sample("ofxparse/date_missing.ofx"), tmp_path)
    assert [row[:3] for row in map(list, rejected)] == [
        [33, "no_date", "It has no date."],
        [40, "no_date", "It has no date."],
        [48, "bad_date", "“2012-02-31” is not a date."],
    ]


@pytest.mark.parametrize("name", ["bank_small", "multiple_accounts"])
def test_a_statement_without_transactions_is_said_to_have_none(name: str) -> None:
    with pytest.raises(NoTransactions):
        detect_fields(task_for(sample(f"ofxparse/{name}.ofx")), Heard())


def test_a_refused_download_says_why(tmp_path: Path) -> None:
    with pytest.raises(BankRefused) as caught:
        detect_fields(task_for(sample("ofxparse/signon_fail.ofx")), Heard())
    assert "your password was incorrect" in str(caught.value)


# QIF


def test_a_qif_record_becomes_a_row(tmp_path: Path) -> None:
    text = (
        "!Account\nNChecking\nTBank\n^\n!Type:Bank\n"
        "D1/ 2'06\nT-1,234.50\nPShop\nMBread\nLFood:Bakery\nN123\nCX\nAStreet 1\nATown\n"
        "SFood\n$-1,000.00\nSHousehold\n$-234.50\n^\n"
    )
    (row,) = records(written(tmp_path, text), "qif")
    assert (row["Date"], row["Amount"], row["Account"]) == ("1/2/2006", "-1,234.50", "Checking")
    assert (row["Counterparty"], row["Category"], row["Reference"]) == (
        "Shop",
        "Food:Bakery",
        "123",
    )
    assert row["Split"] == "Food: -1,000.00; Household: -234.50"
    assert (row["Address"], row["line"]) == ("Street 1, Town", "6")


def test_lists_in_a_qif_file_are_no_transactions(tmp_path: Path) -> None:
    text = "!Type:Cat\nNFood\nE\n^\n!Type:CCard\nD2026-01-05\nT-1.00\n^\n!Type:Memorized\nT-9\n^\n"
    (row,) = records(written(tmp_path, text), "qif")
    assert (row["Amount"], row["Account type"]) == ("-1.00", "CCard")


def test_old_line_ends_and_a_missing_end_lose_no_record(tmp_path: Path) -> None:
    text = "!Type:Bank\rD2026-01-05\rT-1.00\r^\rD2026-01-06\rT-2.00"
    rows = records(written(tmp_path, text), "qif")
    assert [(row["Amount"], row["line"]) for row in rows] == [("-1.00", "2"), ("-2.00", "5")]


def test_qif_dates_are_read_the_way_the_whole_file_writes_them(tmp_path: Path) -> None:
    body = "".join(f"D{day}/03/2026\nT-1,{day:02}0.00\nPShop\n^\n" for day in (1, 2, 15))
    path = written(tmp_path, f"!Type:Bank\n{body}", "mine.qif")
    found, rows, _ = read_whole(path, tmp_path)
    assert [row[0] for row in rows] == ["2026-03-01", "2026-03-02", "2026-03-15"]
    assert [row[1] for row in rows] == [-1_010_000_000, -1_020_000_000, -1_150_000_000]
    assert found["document_classification"]["document_type"] == "bank_statement"


# MT940

STATEMENT = ":20:X\n:25:DE12\n:28C:1/1\n:60F:C260101EUR10,00\n{entries}\n:62F:C260131EUR6,80\n-\n"


def entries(folder: Path, text: str) -> list[dict[str, str]]:
    return records(written(folder, STATEMENT.format(entries=text)), "mt940")


def test_an_mt940_entry_becomes_a_row(tmp_path: Path) -> None:
    (row,) = entries(tmp_path, ":61:2601020103D3,2NMSCREF1//BANK1\nmore\n:86:Bread\nand milk")
    assert (row["Date"], row["Value date"]) == ("2026-01-03", "2026-01-02")
    assert (row["Amount"], row["Currency"], row["Account"]) == ("-3.20", "EUR", "DE12")
    assert (row["Reference"], row["Type"], row["Details"]) == ("BANK1", "NMSC", "more")
    assert (row["Description"], row["line"]) == ("Bread and milk", "5")


@pytest.mark.parametrize(
    ("mark", "amount"),
    [
        ("C", "3.20"), ("D", "-3.20"), ("RC", "-3.20"), ("RD", "3.20"), ("CR", "3.20"),
        ("EC", "3.20"), ("ED", "-3.20"),  # expected ones
    ],
)  # fmt: skip
def test_a_reversal_turns_the_sign(tmp_path: Path, mark: str, amount: str) -> None:
    (row,) = entries(tmp_path, f":61:2601020102{mark}3,2NMSCNONREF")
    assert row["Amount"] == amount


def test_a_year_of_two_digits_is_of_the_last_century_from_80_on(tmp_path: Path) -> None:
    rows = entries(tmp_path, ":61:991231D1,NMSCX\n:61:800101D1,NMSCX\n:61:791231D1,NMSCX")
    assert [row["Date"] for row in rows] == ["1999-12-31", "1980-01-01", "2079-12-31"]


def test_the_booking_date_is_the_nearest_such_day(tmp_path: Path) -> None:
    rows = entries(tmp_path, ":61:2512310102D1,NMSCX\n:61:2601011231D1,NMSCX\n:61:260101D1,NMSCX")
    assert [row["Date"] for row in rows] == ["2026-01-02", "2025-12-31", "2026-01-01"]


def test_german_text_fields_are_taken_apart(tmp_path: Path) -> None:
    text = (
        ":61:260102D1,NTRFNONREF\n:86:105?00LASTSCHRIFT?20EREF+E2E 1?21SVWZ+Strom\n"
        " Januar?30BIC?31DE99?32Stadt?33werke"
    )
    (row,) = entries(tmp_path, text)
    assert (row["Counterparty"], row["Description"]) == ("Stadtwerke", "Strom Januar")
    assert (row["Counter account"], row["Type"]) == ("DE99", "LASTSCHRIFT")
    assert row["End-to-end reference"] == "E2E 1"


def test_text_between_slashes_is_taken_apart(tmp_path: Path) -> None:
    text = ":61:260102D1,NTRFNONREF\n:86:/TRTP/SEPA OVERBOEKING/IBAN/NL99/NAME/Shop/REMI/Invoice 7"
    (row,) = entries(tmp_path, text)
    assert (row["Counterparty"], row["Description"], row["Counter account"]) == (
        "Shop",
        "Invoice 7",
        "NL99",
    )


def test_an_entry_that_makes_no_sense_is_set_aside_with_its_line(tmp_path: Path) -> None:
    text = STATEMENT.format(entries=":61:nonsense\n:61:2601020102D3,2NMSCNONREF")
    _, rows, rejected = read_whole(written(tmp_path, text, "a.sta"), tmp_path)
    assert [row[1] for row in rows] == [-3_200_000]
    assert [row[:2] for row in map(list, rejected)] == [[5, "bad_date"]]


@pytest.mark.parametrize(
    ("digits", "number"),
    [("380115,12", "380115.12"), ("380115,1", "380115.10"), ("380115,", "380115.00"),
     ("00,12", "00.12"), ("7", "7.00"), ("1,234", "1.2340")],
)  # fmt: skip
def test_every_way_to_write_an_amount_is_read(digits: str, number: str) -> None:
    assert amount_of(digits, "C") == number


def expected(text: str) -> list[dict[str, Any]]:
    """Return what the mt940 package's own tests expect of each transaction."""
    blocks = text.split("!!python/object:mt940.models.Transaction\n")[1:]
    return [
        {
            "amount": re.findall(r"decimal\.Decimal\n\s+- '([^']+)'", block)[0],
            "currency": re.findall(r"\n    currency: (\w+)", block)[0],
            "date": _pickled_day(re.findall(r"\n    date: .*?binary \|\n\s+(\S+)", block, re.S)[0]),
            "status": re.findall(r"\n    status: (\w+)", block)[0],
        }
        for block in blocks
    ]


def _pickled_day(text: str) -> str:
    high, low, month, day = base64.b64decode(text)
    return f"{high * 256 + low}-{month:02}-{day:02}"


@pytest.mark.parametrize(
    "name", ["abnamro", "ing", "postfinance", "sepa_snippet", "sepa_snippet_broken"]
)
def test_real_statements_are_read_as_another_reader_reads_them(name: str) -> None:
    wanted = expected(sample(f"mt940/{name}.yml").read_text())
    rows = records(sample(f"mt940/{name}.sta"), "mt940")
    assert wanted
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted, strict=True):
        assert float(row["Amount"]) == float(want["amount"])
        assert (row["Currency"], row["Value date"]) == (want["currency"], want["date"])


def test_balances_without_entries_are_no_transactions() -> None:
    with pytest.raises(NoTransactions):
        detect_fields(task_for(sample("mt940/amount_formats.sta")), Heard())


# CAMT

CAMT = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>DE12</IBAN></Id><Ccy>EUR</Ccy></Acct>
{entries}
</Stmt></BkToCstmrStmt></Document>
"""
ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd><Sts>{status}</Sts>
<BookgDt><Dt>2026-01-03</Dt></BookgDt><ValDt><Dt>2026-01-02</Dt></ValDt>
<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"""
DETAILS = """<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{amount}
<RltdPties><Dbtr><Nm>Me</Nm></Dbtr><Cdtr>{name}</Cdtr><CdtrAcct><Id><IBAN>FR99</IBAN></Id>
</CdtrAcct></RltdPties><RmtInf><Ustrd>Invoice</Ustrd><Ustrd>7</Ustrd></RmtInf></TxDtls>"""


def camt(folder: Path, *found: str, version: str = "02", doctype: str = "") -> Path:
    text = CAMT.format(entries="\n".join(found), version=version, doctype=doctype)
    return written(folder, text, "statement.xml")


def entry(amount: str = "3.20", mark: str = "DBIT", status: str = "BOOK", details: str = "") -> str:
    return ENTRY.format(amount=amount, mark=mark, status=status, details=details)


@pytest.mark.parametrize(
    ("version", "name"), [("02", "<Nm>Shop</Nm>"), ("08", "<Pty><Nm>Shop</Nm></Pty>")]
)
def test_a_camt_entry_becomes_a_row(tmp_path: Path, version: str, name: str) -> None:
    path = camt(tmp_path, entry(details=DETAILS.format(amount="", name=name)), version=version)
    (row,) = records(path, "camt")
    assert (row["Date"], row["Value date"]) == ("2026-01-03", "2026-01-02")
    assert (row["Amount"], row["Currency"], row["Account"]) == ("-3.20", "EUR", "DE12")
    assert (row["Counterparty"], row["Description"]) == ("Shop", "Invoice 7")
    assert (row["Counter account"], row["End-to-end reference"]) == ("FR99", "E1")


def test_a_bundle_becomes_a_row_for_each_payment_that_it_adds_up_from(tmp_path: Path) -> None:
    def part(amount: str) -> str:
        own = f'<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>'
        return DETAILS.format(amount=own, name="<Nm>Shop</Nm>")

    path = camt(
        tmp_path,
        entry("3.20", details=part("1.20") + part("2.00")),
        entry("5.00", details=part("1.00") + part("2.00")),
    )
    assert [row["Amount"] for row in records(path, "camt")] == ["-1.20", "-2.00", "-5.00"]


def test_a_bundle_in_another_currency_stays_one_row(tmp_path: Path) -> None:
    """Its payments are no amounts of this account, even where the numbers add up."""

    def part(amount: str) -> str:
        own = f'<AmtDtls><TxAmt><Amt Ccy="USD">{amount}</Amt></TxAmt></AmtDtls>'
        return DETAILS.format(amount=own, name="<Nm>Shop</Nm>")

    (row,) = records(camt(tmp_path, entry("3.20", details=part("1.20") + part("2.00"))), "camt")
    assert (row["Amount"], row["Currency"]) == ("-3.20", "EUR")


def test_a_payment_that_came_back_has_its_own_direction(tmp_path: Path) -> None:
    own = '<AmtDtls><TxAmt><Amt Ccy="EUR">3.20</Amt></TxAmt></AmtDtls>'
    details = DETAILS.format(amount=own, name="<Nm>Shop</Nm>")
    returned = details.replace("<TxDtls>", "<TxDtls><CdtDbtInd>CRDT</CdtDbtInd>")
    rows = records(camt(tmp_path, entry(details=returned), entry(details=details)), "camt")
    assert [(row["Amount"], row["Counterparty"]) for row in rows] == [
        ("3.20", "Me"),
        ("-3.20", "Shop"),
    ]


def test_what_is_not_booked_yet_is_set_aside(tmp_path: Path) -> None:
    path = camt(tmp_path, entry(), entry(status="PDNG"), entry(status="<Cd>PDNG</Cd>"))
    found, rows, rejected = read_whole(path, tmp_path)
    assert found["initializing_streaming"]["label"] == "CAMT"
    assert len(rows) == 1
    assert [code for _, code, *_ in rejected] == ["not_booked", "not_booked"]


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE Document [<!ENTITY a0 "ha">{LAUGHS}]>',
        '<!DOCTYPE Document [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document [<!ENTITY a11 SYSTEM "http://127.0.0.1:9/x">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY a11 "ha">]>',
        '<!DOCTYPE Document [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x; <!ENTITY a11 "ha">]>',
    ],
)
def test_no_entity_is_expanded_and_nothing_outside_is_read(tmp_path: Path, doctype: str) -> None:
    path = camt(tmp_path, entry(details="<TxDtls><RmtInf><Ustrd>x&a11;</Ustrd></RmtInf></TxDtls>"),
                doctype=doctype)  # fmt: skip
    with suppress(DamagedFile):  # refused as a whole is fine too
        (row,) = records(path, "camt")
        assert "ha" not in row["Description"]
        assert "root" not in row["Description"]


def test_entities_in_an_ofx_file_stay_what_they_are(tmp_path: Path) -> None:
    doctype = '<?xml version="1.0"?><!DOCTYPE OFX [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    text = OFX.format(records=RECORD.replace("Shop", "x&a;"))
    (row,) = records(written(tmp_path, doctype + text[text.index("<OFX>") :]), "ofx")
    assert row["Counterparty"] == "x&a;"


def test_xml_that_ends_too_early_is_damaged(tmp_path: Path) -> None:
    whole = camt(tmp_path, *[entry()] * 50).read_bytes()
    with pytest.raises(DamagedFile):
        records(written(tmp_path, whole[: len(whole) // 2]), "camt")


def test_xml_that_nests_without_end_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile):
        records(camt(tmp_path, entry(details="<a>" * 100_000)), "camt")


# All of them


@pytest.mark.parametrize("kind", ["qif", "mt940"])
def test_a_line_beyond_the_limit_is_refused_with_its_number(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, "!Type:Bank\n:20:X\n" + "x" * (LIMITS["max_line_bytes"] + 1))
    with pytest.raises(LineTooLong) as caught:
        records(path, kind)
    assert caught.value.facts["line"] == 3


PIECES = [
    *(b"<OFX>", b"<STMTTRN>", b"</STMTTRN>", b"<TRNAMT>-1", b"<![CDATA[", b"]]>", b"<", b">"),
    *(b"!Type:Bank\n", b"!Account\n", b"^\n", b"D1/1'06\n", b"T", b"$1\n", b"S"),
    *(b":20:X\n", b":61:", b"2601020102D3,2NMSC//\n", b":86:", b"105?20SVWZ+", b"/NAME/", b"-\n"),
    *(b"<Document>", b"<Ntry>", b"</Ntry>", b"<Amt>", b"&a;", b"\n", b"\0", b"\xff"),
]


@settings(max_examples=120)
@given(
    content=st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), min_size=1, max_size=40).map(
        b"".join
    ),
    kind=st.sampled_from(sorted(FORMATS)),
)
def test_any_bytes_are_read_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), content, "fuzz")
    with suppress(AppError):  # nothing else may come out
        for row in records(path, kind):
            assert all(isinstance(cell, str) for cell in row.values())


words = st.text(st.sampled_from("abc é&<>;:?/+-,.'\"0123"), max_size=20)


@settings(max_examples=60)
@given(cents=st.integers(-(10**9), 10**9).filter(bool), payee=words, memo=words)
def test_what_was_written_is_read_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, cents: int, payee: str, memo: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    amount, sign = f"{abs(cents) // 100}.{abs(cents) % 100:02}", "-" if cents < 0 else ""
    texts: Mapping[str, str] = {
        "ofx": OFX.format(records=f"<STMTTRN><DTPOSTED>20260102<TRNAMT>{sign}{amount}"
                                  f"<NAME>{_escaped(payee)}<MEMO>{_escaped(memo)}</STMTTRN>"),
        "qif": f"!Type:Bank\nD2026-01-02\nT{sign}{amount}\nP{payee}\nM{memo}\n^\n",
        "camt": CAMT.format(doctype="", version="02", entries=entry(
            amount, "DBIT" if sign else "CRDT", details=
            f"<TxDtls><RltdPties><Cdtr><Nm>{_escaped(payee)}</Nm></Cdtr><Dbtr><Nm>{_escaped(payee)}"
            f"</Nm></Dbtr></RltdPties><RmtInf><Ustrd>{_escaped(memo)}</Ustrd></RmtInf></TxDtls>")),
    }  # fmt: skip
    for kind, text in texts.items():
        (row,) = records(written(folder, text, "round"), kind)
        assert row["Amount"] == f"{sign}{amount}"
        assert row["Counterparty"] == " ".join(payee.split())
        assert row["Description"] == " ".join(memo.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
