"""Errands about vendors: which may be one, and what a person says of them.

Only what is certain is brought together by itself: names that are equal after normalising. Names
that are merely alike are suggested, and a person decides; both decisions are remembered.
"""

import time
from collections import Counter
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from app.core.errors import NotFound
from app.core.reading import Task, Tell
from app.reading.entities import ALIKE
from app.reading.payees import payee_key, payee_name, with_purpose
from app.reading.taught import teach_vendor
from app.store.documents_alike import document_vendors, rename_vendor
from app.store.records import reading_records, writing_records
from app.store.records_labels import Saying, labels_of_person, say_of_label
from app.store.records_memory import forget, memories, remember

COMPARED = 3_000  # vendors at most, those with most rows
SHOWN = 100
MOST_TOLD = 200  # jobs of which it is told that their rows changed


def apart_key(one: str, other: str) -> str:
    """Return under which it is remembered that two vendors, normalised names, are not one."""
    return " is not ".join(sorted((one, other)))


def suggest_vendors(task: Task, tell: Tell) -> dict[str, Any]:
    """Return suggestions: pairs of vendors that may be one, the likeliest first.

    Each has vendor (the one with fewer rows), into, score (88 to 99), vendor_rows and into_rows; a
    document counts as a row.
    """
    rows: Counter[str] = Counter()
    with reading_records(task["records_path"]) as connection:
        for placed in labels_of_person(connection, task["user_id"]):
            if placed.label.vendor:
                rows[placed.label.vendor] += placed.label.rows
        decided = memories(connection, task["user_id"], "vendor")
        for name, count in document_vendors(connection, task["user_id"]):
            said = decided.get(payee_key(name), {}).get("name")
            rows[said or name] += count
    names = [name for name, _ in rows.most_common(COMPARED)]
    keys = [payee_key(name) or name.lower() for name in names]
    if len(names) < 2:
        return {"suggestions": [], "vendors": len(rows)}
    scores = process.cdist(
        keys, keys, scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE, dtype=np.uint8
    )
    found: list[dict[str, Any]] = []
    for into, other in zip(*np.nonzero(np.triu(scores, 1)), strict=True):
        score = min(int(scores[into, other]), 99)
        pair = names[int(other)], names[int(into)]
        if keys[int(other)] == keys[int(into)]:  # they are one already
            continue
        if apart_key(keys[int(other)], keys[int(into)]) in decided:
            continue
        found.append(
            {
                "vendor": pair[0],
                "into": pair[1],
                "score": score,
                "vendor_rows": rows[pair[0]],
                "into_rows": rows[pair[1]],
            }
        )
    found.sort(key=lambda one: (-int(one["score"]), one["vendor"], one["into"]))
    return {"suggestions": found[:SHOWN], "vendors": len(rows)}


def merge_vendors(task: Task, tell: Tell) -> dict[str, Any]:
    """Make one vendor of two, in all files and for later ones. Options: vendor, into.

    Returns rows: how many now say `into`, and jobs: how many in each, of the newest. Raises
    NotFound when nothing names `vendor`.
    """
    user_id, into = task["user_id"], task["options"]["into"]
    vendor = task["options"]["vendor"]
    rows: Counter[str] = Counter()
    keys = {payee_key(vendor)}
    now_ms = time.time_ns() // 1_000_000
    with writing_records(task["records_path"]) as connection:
        for placed in list(labels_of_person(connection, user_id)):
            label = placed.label
            if label.vendor != vendor:
                continue
            keys.add(payee_key(with_purpose(label.text)[0]))
            saying = Saying(
                into, label.category, label.reason, label.confidence, edited=bool(label.edited)
            )
            say_of_label(connection, placed.import_id, label.id, saying)
            rows[placed.job_id] += label.rows
        documents = rename_vendor(connection, user_id, payee_key(vendor), payee_key(into))
        if not rows and not documents:
            raise NotFound(what="vendor")
        for key, value in memories(connection, user_id, "vendor").items():
            if value.get("name") == vendor:
                keys.add(key)
        for key in sorted(keys):
            teach_vendor(connection, user_id, key, into, now_ms)
        forget(connection, user_id, "vendor", apart_key(payee_key(vendor), payee_key(into)))
    return _told(rows)


def _told(rows: Counter[str]) -> dict[str, Any]:
    return {"rows": rows.total(), "jobs": dict(list(rows.items())[-MOST_TOLD:])}


def part_vendors(task: Task, tell: Tell) -> dict[str, Any]:
    """Say that two vendors are not one. Options: vendor, other; what was merged is taken apart.

    Returns rows: how many got the name back that their own text gives them.
    """
    user_id = task["user_id"]
    vendor, other = task["options"]["vendor"], task["options"]["other"]
    key = payee_key(vendor)
    rows: Counter[str] = Counter()
    with writing_records(task["records_path"]) as connection:
        if (memories(connection, user_id, "vendor").get(key) or {}).get("name") == other:
            forget(connection, user_id, "vendor", key)
            for placed in list(labels_of_person(connection, user_id)):
                label, payee = placed.label, with_purpose(placed.label.text)[0]
                if label.vendor == other and payee_key(payee) == key:
                    name = payee_name(payee, key)
                    saying = Saying(
                        name,
                        label.category,
                        label.reason,
                        label.confidence,
                        edited=bool(label.edited),
                    )
                    say_of_label(connection, placed.import_id, label.id, saying)
                    rows[placed.job_id] += label.rows
        remember(
            connection,
            user_id,
            "vendor",
            apart_key(key, payee_key(other)),
            {"apart": [vendor, other]},
            time.time_ns() // 1_000_000,
        )
    return _told(rows)
