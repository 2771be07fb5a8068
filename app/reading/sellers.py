"""What a row is in the export of a payment service or shop, where money that comes in was earned.

There a column names the kind of each row: a charge, a refund, a payout. It is no category of the
person's, and what the things sold are called says nothing about what the seller spends. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from app.core.taxonomy import FEES, INCOME, INTEREST, SALES, TRANSFERS
from app.reading.category_match import MONEY_BACK, PLAIN, SURE, Decision, words_of
from app.reading.columns import Column
from app.reading.payees import folded

SELLERS = frozenset({"payment_processor_export", "sales_export", "payout_list"})
"""Documents in which money that comes in was earned by selling."""

SELLING = 0.75
EARNED = Decision(SALES, "Money that comes in here was earned by selling", SELLING)
STILL_SPEAK = INCOME | {TRANSFERS, INTEREST}  # rules for what a seller does not sell

Nature: TypeAlias = Literal["moved", "back", "fee", "sale", ""]

# What the services call the kinds of rows, in English and German; the first that fits counts.
KINDS: tuple[tuple[Nature, re.Pattern[str]], ...] = (
    (
        "moved",
        re.compile(
            r"payouts?\b|\btransfers?\b|\bwithdraw|\btop ?up|\bdeposit|\badd(ed)? funds|"
            r"\bcurrency conversion|\bholds?\b|\breserved?\b|auszahlung|abbuchung|bankgutschrift|"
            r"wahrungsumrechnung|waehrungsumrechnung|einbehalt"
        ),
    ),
    (
        "back",
        re.compile(
            r"refund|reversal|reversed|charge ?back|\bdispute|\breturn(ed|s)?\b|\bfailure|"
            r"erstattung|rueckzahlung|rueckbuchung|storn"
        ),
    ),
    ("sale", re.compile(r"\bapplication fee|\bplatform earning")),
    ("fee", re.compile(r"\bfees?\b|\bcommission|\bcosts?\b|paymentcost|gebuehr|entgelt")),
    (
        "sale",
        re.compile(
            r"\bcharges?\b|\bpayments?\b|\bsales?\b|\bsettled|\bcapture|checkout|zahlung|verkauf"
        ),
    ),
)
# Where no column says it, the row's text does; what is sold may be an "airport transfer".
TEXTS: tuple[tuple[Nature, re.Pattern[str]], ...] = (
    (
        "moved",
        re.compile(
            r"\bpayouts?\b|\btransfer (to|from)\b|^transfers?$|\bwithdrawals?\b|^top ?up\b|"
            r"\bbank deposit\b|\badd(ed)? funds\b|\bcurrency conversion\b|^auszahlung\b"
        ),
    ),
    (
        "back",
        re.compile(
            r"\brefund(s|ed)?\b|\bcharge ?backs?\b|\bdisputed?\b|\brueckzahlung|\brueckerstattung|"
            r"\berstattung"
        ),
    ),
)


def is_a_sellers(found: Mapping[str, Any]) -> bool:
    """Tell whether a file is a seller's, by what the steps before found out about it.

    A guessed "payment processor export" is not enough: many a bank has a column of fees.
    """
    kind = found.get("document_classification", {}).get("document_type")
    named = found.get("platform_detection", {}).get("platform") is not None
    return kind in SELLERS and (named or kind == "sales_export")


def with_kinds(columns: Iterable[Column], found: Mapping[str, Any]) -> list[Column]:
    """Return a table's columns; in a seller's, the kind of a row stands in for its category.

    A category in there sorts the goods: it is kept as it is, like any other column.
    """
    if not is_a_sellers(found):
        return list(columns)
    roles = {"category": None, "type": "kind"}
    return [replace(column, role=roles.get(column.role or "", column.role)) for column in columns]


def nature_of(said: str | None, text: str) -> Nature:
    """Return what a row is by the kind that its export names, or else by its text; "": not told."""
    by_kind = _first(KINDS, said or "")
    return by_kind or _first(TEXTS, text)


def _first(patterns: tuple[tuple[Nature, re.Pattern[str]], ...], text: str) -> Nature:
    plain = " ".join(words_of(folded(text)))
    return next((nature for nature, pattern in patterns if pattern.search(plain)), "")


def decide_for_seller(
    said: str | None, text: str, sign: int, ruled: Decision | None
) -> Decision | None:
    """Return what a row of a seller's export is; None: `ruled` and the like must tell.

    said   the kind of the row as the export calls it, or None
    ruled  what the rules say of the text: of money that comes in, they name things that are sold
    """
    nature = nature_of(said, text)
    told = f"The export says: {' '.join(said.split())[:60]}" if said and said.strip() else ""
    match nature:
        case "moved":
            why = told or "Money moved between this service and an account of yours"
            return Decision(TRANSFERS, why, SURE if told else PLAIN)
        case "back" if sign < 0:
            return Decision(SALES, "A sale that was paid back", SELLING)
        case "fee" if told:
            return Decision(FEES, told, SURE if sign < 0 else MONEY_BACK)
        case "sale" | "" if sign > 0:
            speaks = nature == "" and ruled is not None and ruled.category in STILL_SPEAK
            return ruled if speaks else EARNED
    return None
