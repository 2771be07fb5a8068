"""The rows of a file as the table shows them, and the facts of a result. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.state import JobState, is_reported
from app.store.records import REVIEW_BELOW
from app.web.words import amount_text

ROWS_A_PAGE = 100
FACTS_AT_MOST = 12
LONGEST_FACT = 200
STATES = (("", "All"), ("new", "New"), ("known", "Known"), ("review", "To check"))


@dataclass(frozen=True, slots=True)
class Filter:
    """One chip above the table."""

    state: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row. `mark` is new, known or review; `seen_url` leads to where a known row was seen."""

    number: int
    date: str
    text: str
    note: str
    amount: str
    currency: str
    category: str
    reason: str
    mark: str
    seen: str
    seen_url: str


def table_row(row: Mapping[str, Any], names: Mapping[str, str]) -> TableRow:
    """Return what the table shows of a stored row.

    names  job id -> filename, for the files in which known rows were seen
    """
    seen = row["seen_in"]
    text, note = _text(row)
    return TableRow(
        number=row["row"],
        date=row["date"] or "",
        text=text,
        note=note,
        amount=amount_text(row["amount"]),
        currency=row["currency"] or "",
        category=row["category"] or "",
        reason=row["category_reason"] or "",
        mark=_mark(row),
        seen=f"{names.get(seen['job_id'], 'an earlier file')}, row {seen['row']:,}" if seen else "",
        seen_url=f"/jobs/{seen['job_id']}" if seen and seen["job_id"] in names else "",
    )


def _text(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the row's main words and what stands small below them."""
    vendor, description = row["vendor"] or row["counterparty"] or "", row["description"] or ""
    if vendor or description:
        first = vendor or description
        return first, description if description != first else row["reference"] or ""
    extra = [f"{key}: {value}" for key, value in (row["extra"] or {}).items() if value]
    return " · ".join(extra), ""


def _mark(row: Mapping[str, Any]) -> str:
    if row["state"] == "known":
        return "known"
    sure = row["confidence"]
    return "review" if sure is not None and sure < REVIEW_BELOW else "new"


def filters(counts: Mapping[str, int]) -> tuple[Filter, ...]:
    """Return the table's chips from {"all", "new", "known", "review"}."""
    return tuple(Filter(state, label, counts.get(state or "all", 0)) for state, label in STATES)


def facts(job: JobState) -> tuple[tuple[str, str], ...]:
    """Return the result as (name, value) pairs, in reading order, as far as it stands."""
    result = {} if job["undone"] else job["result"] or {}
    if is_reported(job):
        return _facts_of_worker(result)
    found: list[tuple[str, str]] = []
    if kind := result.get("document_type") or job["document_type"]:
        found.append(("Kind", str(kind)))
    if platform := result.get("platform") or job["platform"]:
        found.append(("From", str(platform)))
    first, last = result.get("first_date"), result.get("last_date")
    if first and last:
        found.append(("Period", first if first == last else f"{first} to {last}"))
    for money in result.get("by_currency") or []:
        currency = money.get("currency") or ""
        for key, label in (("income", "Money in"), ("spending", "Money out")):
            if money.get(key):
                found.append((label, f"{amount_text(str(money[key]))} {currency}".strip()))
    numbers = (
        ("rows", "Rows read"),
        ("new_rows", "New rows stored"),
        ("existing_rows", "Already known"),
        ("rejected", "Could not be read"),
        ("vendors", "Different vendors"),
        ("review", "To check"),
        ("pages", "Pages"),
        ("zones", "Zones"),
    )
    for key, label in numbers:
        value = result.get(key)
        if isinstance(value, int) and (value or key == "new_rows"):
            found.append((label, f"{value:,}"))
    return tuple(found)


def _facts_of_worker(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the plain values of a result of which nothing is known but that it is JSON."""
    found = [
        (f"{key[:1].upper()}{key[1:]}".replace("_", " "), _plain(value))
        for key, value in result.items()
        if isinstance(value, str | int | float) and key != "summary"
    ]
    return tuple(found[:FACTS_AT_MOST])


def _plain(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value[:LONGEST_FACT]
    return (
        f"{value:,}" if isinstance(value, int) else orjson.dumps(value).decode().removesuffix(".0")
    )
