"""In the export of a payment service, money that comes in is a sale, whatever was sold."""

from typing import Any

import pytest

from app.reading.categories import decide
from app.reading.category_match import Decision
from app.reading.columns import Column
from app.reading.sellers import is_a_sellers, nature_of, with_kinds
from app.store.records import Label


def decided(text: str, sign: int, said: str | None = None) -> Decision:
    one = Label(1, text, sign, "EUR", said, 1, 0, None, None, None, None)
    return decide([one], {}, "payment_processor_export", sellers=True)[1]


@pytest.mark.parametrize(
    "text", ["Order 8", "Coffee mug", "Subscription creation", "Invoice 7", "Airport transfer", ""]
)
@pytest.mark.parametrize("said", ["charge", "payment", "Express Checkout Payment", "Web-Zahlung"])
def test_what_was_sold_does_not_name_the_category(text: str, said: str) -> None:
    assert decided(text, 1, said).category == "Sales income"


@pytest.mark.parametrize("text", ["Order 8", "Coffee mug", "Subscription creation", "Invoice 7"])
def test_without_a_kind_money_in_is_a_sale_too(text: str) -> None:
    assert decided(text, 1) == Decision(
        "Sales income", "Money that comes in here was earned by selling", 0.75
    )


@pytest.mark.parametrize(
    ("text", "sign", "said", "category"),
    [
        ("STRIPE PAYOUT", -1, "payout", "Transfers"),
        ("STRIPE PAYOUT", 1, None, "Transfers"),
        ("", 1, "Bank Deposit to PP Account", "Transfers"),
        ("", -1, "General Withdrawal", "Transfers"),
        ("", 1, "Bankgutschrift auf PayPal-Konto", "Transfers"),
        ("", -1, "Allgemeine Währungsumrechnung", "Transfers"),
        ("", -1, "Allgemeine Abbuchung", "Transfers"),
        ("", 1, "Reversal of General Account Hold", "Transfers"),
        ("", -1, "MerchantPayout", "Transfers"),
        ("Transfer from bank", 1, None, "Transfers"),
        ("Order 8", -1, "refund", "Sales income"),
        ("REFUND FOR CHARGE (Order 8)", -1, None, "Sales income"),
        ("Order 8", -1, "Rückzahlung", "Sales income"),
        ("Chargeback withdrawal", -1, "dispute", "Sales income"),
        ("Billing - Usage Fee", -1, "stripe_fee", "Bank fees"),
        ("Seller", 1, "application_fee", "Sales income"),
        ("Netflix", -1, "PreApproved Payment Bill User Payment", "Subscriptions"),
        ("Interest earned", 1, None, "Interest & dividends"),
    ],
)
def test_a_row_is_what_its_kind_says(text: str, sign: int, said: str | None, category: str) -> None:
    assert decided(text, sign, said).category == category


@pytest.mark.parametrize("said", ["refund_failure", "Payment Refund", None])
def test_money_that_a_refund_brings_in_is_no_sale(said: str | None) -> None:
    text = "REWE" if said else "Refund from REWE"
    found = decided(text, 1, said)
    assert (found.category, found.confidence) == ("Groceries", 0.7)


def test_a_category_of_the_goods_is_not_one_of_the_person() -> None:
    columns = [Column(0, "Category", "category"), Column(1, "Event Type", "type")]
    found: dict[str, Any] = {
        "platform_detection": {"platform": "square_items"},
        "document_classification": {"document_type": "sales_export"},
    }
    assert [column.role for column in with_kinds(columns, found)] == [None, "kind"]
    assert with_kinds(columns, {}) == columns


@pytest.mark.parametrize(
    ("kind", "platform", "seller"),
    [
        ("payment_processor_export", "stripe_payments", True),
        ("payment_processor_export", None, False),
        ("sales_export", None, True),
        ("payout_list", "shopify_payouts", True),
        ("bank_statement", "n26_statement", False),
    ],
)
def test_a_bank_with_a_column_of_fees_is_no_shop(
    kind: str, platform: str | None, seller: bool
) -> None:
    found = {
        "platform_detection": {"platform": platform},
        "document_classification": {"document_type": kind},
    }
    assert is_a_sellers(found) is seller


def test_the_kind_goes_before_the_text() -> None:
    assert nature_of("charge", "Refund policy handbook") == "sale"
    assert nature_of(None, "Refund policy handbook") == "back"
    assert nature_of("adjustment", "Order 8") == ""
