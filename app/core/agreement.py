"""What several readers found in one document, brought together field by field. Pure.

The order is xml, template, layout, then models. An embedded XML and what was learned of a vendor
settle a field. Among the others agreement makes a value surer; where they differ, and where all are
unsure, somebody has to look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Literal

from app.core.documents import FIELDS, FieldValue, LineItem, Reading, absent
from app.core.field_values import canonical

LOCAL = ("xml", "template", "layout")
SETTLING = ("xml", "template")
IMPORTANT = ("vendor_name", "invoice_number", "invoice_date", "total_amount", "currency")
"""The fields that are asked about; doubt about another one only asks for a look."""

UNVERIFIED_AT_MOST = 0.3  # how sure a value can be that a model names and no page says
SUREST = 0.99
# Readers of one text make some mistakes together, so a second one adds half of what it would add
# if it knew nothing of the first.
SECOND_COUNTS = 0.5

CONTRADICTED_AT_MOST = 0.7  # how sure a value can be that does not fit with the others

Reason = Literal["differ", "unsure", "unverified", "contradicted"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value of a field, and everybody who read it.

    best   as the first reader in the order has it, with the confidence of them all together
    """

    best: FieldValue
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field about which the readers leave a doubt. The likeliest candidate stands first."""

    name: str
    reason: Reason
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """Every field with its likeliest value, and where doubt is left."""

    fields: dict[str, FieldValue]
    doubts: tuple[Doubt, ...]


def agree(readings: Mapping[str, Reading], threshold: float) -> Agreed:
    """Bring together what was read.

    readings   by source: xml, template, layout, or a model's name
    threshold  a value with less confidence is doubted

    A reader that found nothing says nothing: only what was found can differ. A model's value that
    no page says does not count against one that a page does say.
    """
    fields: dict[str, FieldValue] = {}
    doubts: list[Doubt] = []
    for name in FIELDS:
        found = _found(readings, name)
        candidates = _candidates(name, found)
        if not candidates:
            fields[name] = absent()
            continue
        best = candidates[0].best
        reason = _reason(candidates, threshold)
        if reason is None:
            fields[name] = {**best, "status": "read"}
            continue
        fields[name] = {**best, "status": "check"}
        doubts.append(Doubt(name, reason, tuple(candidates)))
    return Agreed(fields, tuple(doubts))


def is_unverified(value: FieldValue) -> bool:
    """Tell whether a model named this value, and no page says it."""
    return value["source"] not in (*LOCAL, "person") and value["status"] == "check"


def contradicted(agreed: Agreed, names: Iterable[str], threshold: float) -> Agreed:
    """Return the fields with less trust in those that contradict each other.

    An embedded XML and a person are believed all the same.
    """
    fields, doubts = dict(agreed.fields), list(agreed.doubts)
    known = {doubt.name for doubt in doubts}
    for name in names:
        value = fields[name]
        if value["value"] is None or value["source"] in ("xml", "person"):
            continue
        sure = min(value["confidence"], CONTRADICTED_AT_MOST)
        fields[name] = {**value, "confidence": sure, "status": "check"}
        if name not in known and sure < threshold:
            only = Candidate(fields[name], (value["source"],))
            doubts.append(Doubt(name, "contradicted", (only,)))
    return Agreed(fields, tuple(doubts))


def agreed_items(
    readings: Mapping[str, Reading], fields: Mapping[str, FieldValue]
) -> list[LineItem]:
    """Return the lines of the first reader whose lines add up to net or total; else the first's."""
    sums = [value for name in ("net_amount", "total_amount") if (value := fields[name]["value"])]
    some = [readings[source]["line_items"] for source in _in_order(readings)]
    some = [items for items in some if items]
    fitting = [items for items in some if _adds_up(items, sums)]
    return [*fitting, *some, []][0]


def _in_order(readings: Mapping[str, Reading]) -> list[str]:
    local = [source for source in LOCAL if source in readings]
    return [*local, *(source for source in readings if source not in LOCAL)]


def _found(readings: Mapping[str, Reading], name: str) -> list[FieldValue]:
    """Return what counts of what was read for a field, in the order of the readers."""
    values = [readings[source]["fields"].get(name) for source in _in_order(readings)]
    found = [value for value in values if value is not None and value["value"] is not None]
    for source in SETTLING:
        settled = [value for value in found if value["source"] == source]
        if settled:
            return settled
    return found


def _candidates(name: str, found: Sequence[FieldValue]) -> list[Candidate]:
    """Return the values, those that agree as one, the likeliest first."""
    groups: dict[str, list[FieldValue]] = {}
    for value in found:
        groups.setdefault(canonical(name, value["value"] or ""), []).append(value)
    said = {key: [v for v in group if not is_unverified(v)] for key, group in groups.items()}
    sure = {key: _together(group) for key, group in said.items() if group}
    if len(sure) > 1:
        sure = _against_each_other(sure)
    candidates = [
        Candidate(
            {**(said[key] or group)[0], "confidence": round(sure.get(key, _unverified(group)), 3)},
            tuple(value["source"] for value in group),
        )
        for key, group in groups.items()
    ]
    # Sorting keeps the readers' order among equals.
    return sorted(candidates, key=lambda c: (is_unverified(c.best), -c.best["confidence"]))


def _together(group: Iterable[FieldValue]) -> float:
    """Return how sure a value is that all of these readers found."""
    first, *others = sorted((value["confidence"] for value in group), reverse=True)
    missed = reduce(lambda left, sure: left * (1 - SECOND_COUNTS * sure), others, 1 - first)
    return min(1 - missed, SUREST) if others else first


def _against_each_other(sure: Mapping[str, float]) -> dict[str, float]:
    """Return how sure each value is when at most one of them is right."""
    capped = {key: min(value, SUREST) for key, value in sure.items()}
    wrong = reduce(lambda left, value: left * (1 - value), capped.values(), 1.0)
    weights = {key: wrong / (1 - value) * value for key, value in capped.items()}
    total = sum(weights.values()) + wrong
    return {key: weight / total for key, weight in weights.items()}


def _unverified(group: Iterable[FieldValue]) -> float:
    return min(UNVERIFIED_AT_MOST, max(value["confidence"] for value in group))


def _reason(candidates: Sequence[Candidate], threshold: float) -> Reason | None:
    best = candidates[0].best
    if is_unverified(best):
        return "unverified"
    if sum(not is_unverified(candidate.best) for candidate in candidates) > 1:
        return "differ"
    return "unsure" if best["confidence"] < threshold else None


def _adds_up(items: Iterable[LineItem], sums: Iterable[str]) -> bool:
    amounts = [item.get("amount") for item in items]
    if None in amounts:
        return False
    total = sum(Decimal(amount) for amount in amounts if amount)
    return any(abs(total - Decimal(wanted)) <= Decimal("0.02") for wanted in sums)
