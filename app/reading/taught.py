"""What a person's corrections say of a supplier: its category, and what it is called."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from app.reading.category_match import Decision
from app.reading.payees import payee_key, with_purpose
from app.store.records_memory import forget, memory_of, remember

# How often corrections of one supplier are right about its next row, measured on 4,300 purchases
# of a council, once by what for and once by kind of merchant: 71 and 97 of 100 after one
# correction, 93 and 98 after two that agree. Where they differ, as often as the commonest is
# among them.
ONCE, TWICE = 0.85, 0.95
ALIKE = 92  # percent; likeness of letters from which a name is the known one
ALMOST = 0.8
FOR = " | "
"""Stands in a remembered name between the supplier and what was paid for."""
OTHERS_NAMED = 3
COMPARED, KNOWN_COMPARED = 3_000, 5_000  # names at most


def supplier_key(key: str, purpose: str) -> str:
    """Return under which name corrections of a supplier are remembered; "" for nobody.

    key  its normalised name. Where the purpose of a payment is known it counts too: rent and a
         gift to the same person.
    """
    return f"{key}{FOR}{purpose}" if key and purpose else key


def decide_by_taught(
    key: str, purpose: str, taught: Mapping[str, Mapping[str, Any]]
) -> Decision | None:
    """Return what corrections say of a supplier; None when they say nothing."""
    value = taught.get(supplier_key(key, purpose)) or taught.get(key) if key else None
    return None if value is None else _decision(value, "You said so for")


def decide_by_likeness(
    keys: Iterable[str], taught: Mapping[str, Mapping[str, Any]]
) -> dict[str, Decision]:
    """Return what corrections say of those names that are spelled almost like a corrected one."""
    some = list(keys)[:COMPARED]
    known = list(taught)[-KNOWN_COMPARED:]
    if not some or not known:
        return {}
    scores = process.cdist(
        some, known, scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE, dtype=np.uint8
    )
    found: dict[str, Decision] = {}
    for place in map(int, np.flatnonzero(scores.any(axis=1))):
        near = known[int(scores[place].argmax())]
        said = _decision(taught[near], "Spelled almost like")
        found[some[place]] = Decision(said.category, said.reason, min(said.confidence, ALMOST))
    return found


def commonest(value: Mapping[str, Any]) -> tuple[str, float]:
    """Return what most corrections of a supplier say, the newest of equals, and their share."""
    said: Mapping[str, int] = value["said"]
    newest = str(value["category"])
    category = max(said, key=lambda one: (said[one], one == newest), default=newest)
    return category, said.get(category, 1) / max(1, sum(said.values()))


def _decision(value: Mapping[str, Any], how: str) -> Decision:
    category, share = commonest(value)
    others = sorted(set(value["said"]) - {category})
    reason = f"{how} {value['name']}"
    if others:
        reason += f", and also {' or '.join(others[:OTHERS_NAMED])}"
        return Decision(category, reason, round(min(share, ONCE), 2))
    return Decision(category, reason, TWICE if value["said"].get(category, 1) > 1 else ONCE)


def teach_category(
    connection: sqlite3.Connection,
    user_id: str,
    text: str,
    name: str,
    category: str | None,
    now_ms: int,
) -> bool:
    """Remember what a person said of a row with this label's text; None forgets it.

    name  of the supplier, to show. Returns whether there was a supplier to remember it for.
    """
    payee, purpose = with_purpose(text)
    key = supplier_key(payee_key(payee), purpose)
    if not key:
        return False
    if category is None:
        forget(connection, user_id, "category", key)
        return True
    before = memory_of(connection, user_id, "category", key) or {}
    said = dict(before.get("said", {}))
    said[category] = said.get(category, 0) + 1
    value = {"category": category, "name": name, "said": said}
    remember(connection, user_id, "category", key, value, now_ms)
    return True


def teach_vendor(
    connection: sqlite3.Connection, user_id: str, key: str, name: str, now_ms: int
) -> None:
    """Remember that whoever is called `key`, normalised, is the vendor `name`."""
    if key:
        remember(connection, user_id, "vendor", key, {"name": name}, now_ms)
