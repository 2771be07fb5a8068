"""What a person's corrections and files teach a classifier of their own; kept in records.db.

It is fitted anew, off the path of any file, some seconds after corrections. How sure its guesses
are is measured while it is fitted: on names that were held back, which is what it is asked about,
since names that it knows are remembered exactly.
"""

import io
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.core.reading import Task, Tell
from app.reading.classifier import (
    OF_THE_RULES,
    Classifier,
    Curve,
    new_letters,
    phrase_pairs,
)
from app.reading.payees import payee_key
from app.reading.taught import FOR, commonest
from app.store.records import known_categories, reading_records, writing_records
from app.store.records_memory import PERSON, memories

ENOUGH = 12  # examples from which a classifier of one's own is worth while
MOST_EXAMPLES = 4_000  # the newest; more take longer and tell little more
MOST_GROUPS = 24_000  # of letters, the commonest: the model stays within some megabytes
IMPORTANCE = 4.0  # of a person's example, where a phrase of the rules has 1
FOLDS = 3
BINS = 8
DOUBT = 12.0  # how many cases the rules' own curve counts for, beside those that were held back
SUREST = 0.9  # a guess stays a guess


def examples_of(connection: sqlite3.Connection, user_id: str) -> dict[str, str]:
    """Return what a person's corrections and files say: normalised name -> category.

    A correction outweighs what files say. The newest MOST_EXAMPLES of them.
    """
    found: dict[str, str] = {}
    for vendor, category in known_categories(connection, user_id).items():
        if key := payee_key(vendor):
            found[key] = category
    for key, value in memories(connection, user_id, "category").items():
        name = key.partition(FOR)[0]
        found.pop(name, None)
        found[name] = commonest(value)[0]
    return dict(list(found.items())[-MOST_EXAMPLES:])


def fit(examples: Mapping[str, str]) -> Classifier:
    """Learn from a person's examples beside the phrases of the rules."""
    model = _fit(list(examples.items()))
    model.worth = _measured(list(examples.items()))
    return model


def _fit(examples: Sequence[tuple[str, str]]) -> Classifier:
    taught = {name for name, _ in examples}
    pairs = [pair for pair in phrase_pairs() if pair[0] not in taught]
    importance = [1.0] * len(pairs) + [IMPORTANCE] * len(examples)
    return Classifier.fit([*pairs, *examples], importance, MOST_GROUPS)


def _measured(examples: Sequence[tuple[str, str]]) -> Curve:
    """Return how often guesses about names that were held back are right, by their share."""
    if len(examples) < ENOUGH:
        return OF_THE_RULES
    told: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        held = examples[fold::FOLDS]
        rest = [pair for at, pair in enumerate(examples) if at % FOLDS != fold]
        guesses = _fit(rest).shares([name for name, _ in held])
        told += [
            (share, guess == category)
            for (guess, share), (_, category) in zip(guesses, held, strict=True)
        ]
    told.sort()
    shares, right = [0.0], [0.0]
    for some in np.array_split(np.array(told, dtype=float), min(BINS, max(1, len(told) // 6))):
        share = float(some[:, 0].mean())
        believed = DOUBT * OF_THE_RULES(share)
        worth = (float(some[:, 1].sum()) + believed) / (len(some) + DOUBT)
        shares.append(share)
        right.append(min(SUREST, max(right[-1], worth)))
    return Curve((*shares, 1.0), (*right, right[-1]))


# Kept as plain arrays: what can be loaded from a database must not be able to run.


def to_bytes(model: Classifier) -> bytes:
    """Return a fitted model as bytes."""
    words = sorted(model.letters.vocabulary_, key=model.letters.vocabulary_.__getitem__)
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        letters=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
        names=np.frombuffer("\n".join(model.names).encode(), dtype=np.uint8),
        rarity=model.letters.idf_.astype(np.float32),
        weights=model.weights.astype(np.float16),
        offsets=np.asarray(model.offsets, dtype=np.float32),
        shares=np.array(model.worth.shares),
        right=np.array(model.worth.right),
    )
    return stream.getvalue()


def from_bytes(kept: bytes) -> Classifier:
    """Return the model that `to_bytes` kept."""
    with np.load(io.BytesIO(kept), allow_pickle=False) as found:
        words = found["letters"].tobytes().decode().split("\n")
        letters = new_letters(vocabulary={word: at for at, word in enumerate(words)})
        letters.idf_ = found["rarity"]
        return Classifier(
            letters,
            found["weights"].astype(np.float32),
            found["offsets"],
            found["names"].tobytes().decode().split("\n"),
            frozenset(words),
            Curve(tuple(found["shares"].tolist()), tuple(found["right"].tolist())),
        )


LEARNED = f"SELECT model FROM learned WHERE person = {PERSON}"  # noqa: S608
KEEP = (
    "INSERT INTO learned (person, examples, taught_ms, model)"  # noqa: S608
    f" VALUES ({PERSON}, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " examples = excluded.examples, taught_ms = excluded.taught_ms, model = excluded.model"
)
DROP = f"DELETE FROM learned WHERE person = {PERSON}"  # noqa: S608
NEWEST = (
    "SELECT coalesce(max(changed_ms), 0) FROM memory"  # noqa: S608
    f" WHERE person = {PERSON} AND kind = 'category'"
)


def learned(connection: sqlite3.Connection, user_id: str) -> Classifier | None:
    """Return what was learned for a person; None where there is not enough to learn from."""
    row = connection.execute(LEARNED, (user_id,)).fetchone()
    return None if row is None else from_bytes(row[0])


def refit(task: Task, tell: Tell) -> dict[str, Any]:
    """Learn anew from everything the person taught, and keep it. Returns examples."""
    user_id = task["user_id"]
    with reading_records(task["records_path"]) as connection:
        taught_ms = int(connection.execute(NEWEST, (user_id,)).fetchone()[0])
        examples = examples_of(connection, user_id)
    enough = len(examples) >= ENOUGH and len(set(examples.values())) > 1
    kept = to_bytes(fit(examples)) if enough else b""
    with writing_records(task["records_path"]) as connection:
        if enough:
            connection.execute(KEEP, (user_id, len(examples), taught_ms, kept))
        else:
            connection.execute(DROP, (user_id,))
    return {"examples": len(examples), "learned": enough}
