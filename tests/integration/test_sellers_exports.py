"""The exports of one payment service agree on what was sold and for how much."""

from pathlib import Path

import pytest

from app.reading.categories import categorise
from app.reading.entities import resolve
from app.reading.extract import extract
from app.reading.fields import detect_fields
from app.reading.kinds import classify_document
from app.reading.platforms import detect_platform
from app.reading.save import store
from tests.desk import Desk

EXPORTS = {
    "stripe_payments": (
        "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,"
        "Converted Amount,Converted Amount Refunded,Fee,Converted Currency,Status",
        "ch_3QAbCdEf1234567{n},{what},Payment complete.,2026-11-0{n} 10:00:00,20.00,0.00,eur,"
        "20.00,0.00,0.88,eur,Paid",
    ),
    "stripe_itemised_balance": (
        "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
        "reporting_category,description",
        "txn_3QAbCdEf1234567{n},2026-11-0{n} 10:00:00,2026-11-09 00:00:00,eur,20.00,0.88,19.12,"
        "charge,{what}",
    ),
    "stripe_balance_history": (
        "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,"
        "Transfer,Transfer Date (UTC),Transfer Group",
        "txn_3QAbCdEf1234567{n},charge,ch_1,20.00,0.88,19.12,eur,2026-11-0{n} 10:00,"
        "2026-11-09 00:00,{what},,,",
    ),
    "paypal_activity": (
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,"
        "To Email Address,Transaction ID",
        "2{n}/11/2026,10:00:00,CET,{what},Express Checkout Payment,Completed,EUR,20.00,-0.88,19.12,"
        "a@example.com,b@example.com,5AB12345CD678901{n}",
    ),
    "paypal_activity_us": (
        "Date,Time,Time Zone,Name,Type,Status,Currency,Amount,Fees,Total,Exchange Rate,Receipt ID,"
        "Balance,Transaction ID,Item Title",
        "11/2{n}/2026,10:00:00,PST,{what},Express Checkout Payment,Completed,EUR,20.00,-0.88,19.12,"
        ",,119.12,5AB12345CD678901{n},",
    ),
    "paypal_activity_de_gebuehr": (
        "Datum,Uhrzeit,Zeitzone,Name,Typ,Status,Währung,Brutto,Gebühr,Netto,"
        "Absender E-Mail-Adresse,Empfänger E-Mail-Adresse,Transaktionscode,Guthaben,"
        "Auswirkung auf Guthaben",
        '2{n}.11.2026,10:00:00,CET,{what},Website-Zahlung,Abgeschlossen,EUR,"20,00","-0,88",'
        '"19,12",a@example.com,b@example.com,5AB12345CD678901{n},"119,12",Haben',
    ),
}
SOLD = ("Order 8", "Coffee mug", "Subscription creation", "Invoice 7")


@pytest.mark.parametrize("key", EXPORTS)
def test_every_export_of_a_service_tells_the_same_sales(tmp_path: Path, key: str) -> None:
    desk = Desk(tmp_path)
    header, row = EXPORTS[key]
    lines = [header, *(row.format(n=n, what=what) for n, what in enumerate(SOLD, 1))]
    task = desk.task(desk.file("\n".join(lines) + "\n"))
    for name, step in (
        ("field_detection", detect_fields),
        ("platform_detection", detect_platform),
        ("document_classification", classify_document),
        ("extracting", extract),
        ("storing", store),
        ("entity_resolution", resolve),
        ("categorization", categorise),
    ):
        task["found"][name] = step(task, desk.heard)

    assert task["found"]["platform_detection"]["platform"] == key
    rows = desk.page("job-1").rows
    assert {row["category"] for row in rows} == {"Sales income"}
    assert {row["amount"] for row in rows} == {"20.00"}
    assert all("0.88" in str(row["extra"]) or "0,88" in str(row["extra"]) for row in rows)
