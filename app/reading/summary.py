"""Step enrichment: what the file amounts to: money in and out, dates, vendors, categories."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from app.core.reading import Task, Tell
from app.store.records import (
    CurrencyTotal,
    Label,
    decimal_text,
    get_import,
    labels_of,
    reading_records,
    totals,
    vendor_totals,
)

TOP = 5


@dataclass(slots=True)
class _Sum:
    rows: int = 0
    amount_micros: int = 0


def summarise(task: Task, tell: Tell) -> dict[str, Any]:
    """Return the totals of the whole file, new rows and known ones. Changes nothing.

    income, spending  decimal texts in `currency`, the commonest; spending is negative or "0.00";
                      None when the file has no amounts
    by_currency       every currency with rows, income, spending, first_date, last_date
    top_vendors, top_categories   at most five in `currency`, the largest first: name, rows, amount
    added             how many such details there are
    """
    job_id = task["job_id"]
    with reading_records(task["records_path"]) as connection:
        stored = get_import(connection, job_id)
        money = totals(connection, job_id)
        labels = labels_of(connection, job_id)
        currency = money[0].currency if money else None
        vendors = [v for v in vendor_totals(connection, job_id, 50) if v.currency == currency]
    has_amounts = stored is not None and stored.has_amounts and bool(money)
    top_vendors = [
        {"name": v.vendor, "rows": v.rows, "amount": decimal_text(v.amount_micros)}
        for v in vendors[:TOP]
    ]
    top_categories = _top_categories(labels, currency)
    by_currency = [_currency(total) for total in money] if has_amounts else []
    added = len(by_currency) * 2 + len(top_vendors) + len(top_categories)
    tell(added, added, added=added)
    dates = [d for total in money for d in (total.first_date, total.last_date) if d]
    return {
        "currency": currency,
        "income": decimal_text(money[0].income_micros) if has_amounts else None,
        "spending": decimal_text(money[0].spending_micros) if has_amounts else None,
        "by_currency": by_currency,
        "first_date": min(dates, default=None),
        "last_date": max(dates, default=None),
        "top_vendors": top_vendors if has_amounts else [],
        "top_categories": top_categories if has_amounts else [],
        "added": added if has_amounts else 0,
    }


def _currency(total: CurrencyTotal) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "rows": total.rows,
        "income": decimal_text(total.income_micros),
        "spending": decimal_text(total.spending_micros),
        "first_date": total.first_date,
        "last_date": total.last_date,
    }


def _top_categories(labels: list[Label], currency: str | None) -> list[dict[str, Any]]:
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    for label in labels:
        if label.category is not None and label.currency == currency:
            sums[label.category].rows += label.rows
            sums[label.category].amount_micros += label.amount_micros
    ranked = sorted(sums.items(), key=lambda item: (-abs(item[1].amount_micros), item[0]))
    return [
        {"name": name, "rows": one.rows, "amount": decimal_text(one.amount_micros)}
        for name, one in ranked[:TOP]
    ]
