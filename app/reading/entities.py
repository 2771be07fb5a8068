"""Step entity_resolution: rows that name the same vendor in different ways are brought together.

Two names become one only when they are equal after normalising. Names that are merely alike are
counted as suggestions: at 88 percent likeness there are wrong merges (ESH and WATES CONSTRUCTION).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from app.core.reading import Task, Tell
from app.reading.payees import payee_key, payee_name, with_purpose
from app.store.records import (
    Label,
    known_vendors,
    labels_of,
    reading_records,
    save_label_vendors,
    save_vendors,
    writing_records,
)
from app.store.records_memory import memories

ALIKE = 88  # percent; likeness from which two names are worth a person's look
COMPARED = 1_500  # names at most, the commonest, that are compared with each other
SHOWN = 20  # suggestions that are told with their names
TELL_EVERY = 5_000  # labels


@dataclass(slots=True)
class Resolved:
    """Who is meant by each label.

    vendors   normalised name -> name to show
    of_label  label id -> name to show, or None when its text names nobody
    """

    vendors: dict[str, str] = field(default_factory=dict)
    of_label: dict[int, str | None] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    matched: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two vendors that may be one; score is a percentage, 88 to 99."""

    name: str
    other: str
    score: int


def resolve_labels(
    labels: Sequence[Label], known: Mapping[str, str], tell: Tell | None = None
) -> Resolved:
    """Bring the labels' payees together.

    known  the user's vendors of earlier files, normalised name -> name, whose spelling is kept
    """
    found = Resolved(total=sum(label.rows for label in labels))
    keys: dict[str, str] = {}
    key_of: list[str] = []
    speaker: dict[str, tuple[int, str]] = {}  # the commonest text of each key gives its spelling
    done = 0
    for number, label in enumerate(labels, 1):
        payee, _ = with_purpose(label.text)
        key = keys.get(payee)
        if key is None:
            key = keys[payee] = payee_key(payee)
        key_of.append(key)
        done += label.rows
        if key:
            found.matched += label.rows
            found.rows[key] += label.rows
            if key not in speaker or label.rows > speaker[key][0]:
                speaker[key] = (label.rows, payee)
        if tell is not None and number % TELL_EVERY == 0:
            tell(done, found.total, matched=found.matched)
    for key, (_, text) in speaker.items():
        found.vendors[key] = known.get(key) or payee_name(text, key)
    for label, key in zip(labels, key_of, strict=True):
        found.of_label[label.id] = found.vendors.get(key)
    return found


def suggest(found: Resolved, known: Mapping[str, str]) -> list[Suggestion]:
    """Return pairs of vendors that are alike but not equal, the likeliest first.

    Bounded work: the commonest COMPARED names of the file with each other, and with as many known
    ones.
    """
    fresh = [key for key, _ in found.rows.most_common(COMPARED)]
    others = [*fresh, *(key for key in known if key not in found.rows)][: 2 * COMPARED]
    if not fresh or len(others) < 2:
        return []
    scores = process.cdist(
        fresh, others, scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE, dtype=np.uint8
    )
    pairs = []
    for here, there in zip(*np.nonzero(scores), strict=True):
        if there > here:
            score = min(int(scores[here, there]), 99)
            one, other = fresh[int(here)], others[int(there)]
            names = found.vendors[one], found.vendors.get(other) or known[other]
            if names[0] != names[1]:  # a person has said that they are one
                pairs.append(Suggestion(*names, score))
    return sorted(pairs, key=lambda pair: (-pair.score, pair.name, pair.other))


def resolve(task: Task, tell: Tell) -> dict[str, Any]:
    """Name the vendor of every row; write it to records.db. Running it again changes nothing.

    Returns vendors (distinct), matched and total (rows), suggestions (pairs that are alike) and
    alike, the first of those pairs.
    """
    job_id = task["job_id"]
    with reading_records(task["records_path"]) as connection:
        labels = labels_of(connection, job_id)
        known = known_vendors(connection, task["user_id"], job_id)
        for key, value in memories(connection, task["user_id"], "vendor").items():
            if "name" in value:  # as a person said
                known[key] = value["name"]
    found = resolve_labels(labels, known, tell)
    alike = suggest(found, known)
    with writing_records(task["records_path"]) as connection:
        save_vendors(connection, job_id, sorted(found.vendors.items()))
        save_label_vendors(connection, job_id, found.of_label.items())
    tell(found.total, found.total, matched=found.matched)
    return {
        "vendors": len(found.vendors),
        "matched": found.matched,
        "total": found.total,
        "suggestions": len(alike),
        "alike": [
            {"name": pair.name, "other": pair.other, "score": pair.score} for pair in alike[:SHOWN]
        ],
    }
