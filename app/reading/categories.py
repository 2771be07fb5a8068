"""Step classification: each row gets a category, how sure that is, and the reason in plain words.

In this order: the person's own rules, their corrections of the same supplier, what a plugin says,
what the export itself says, of a seller's the kind of each row, the rules that everybody has, what
the user's earlier files said of the same vendor, likeness to a corrected name, likeness of letters.
Below REVIEW_BELOW a category is only a suggestion that waits for a person's look; where nothing
speaks, no category is invented.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.reading import Task, Tell
from app.core.taxonomy import INCOME
from app.reading.category_match import (
    MONEY_BACK,
    Decision,
    decide_by_rule,
    decide_by_source,
    single_names,
)
from app.reading.classifier import Classifier, misspelt, trained
from app.reading.learning import learned
from app.reading.own_rules import RULED, Fitting, fitting, reason_of
from app.reading.payees import payee_key, with_purpose
from app.reading.sellers import EARNED, SELLERS, decide_for_seller, is_a_sellers
from app.reading.suggested import suggestions
from app.reading.taught import decide_by_likeness, decide_by_taught
from app.store.records import (
    REVIEW_BELOW,
    Label,
    get_import,
    known_categories,
    labels_of,
    reading_records,
    save_categories,
    writing_records,
)
from app.store.records_labels import Saying, recount_review, say_of_rows
from app.store.records_memory import memories
from app.store.records_rules import Rule, rules_of

REMEMBERED = 0.9
MISSPELT_NAME = 0.8
GUESSED_TEXTS = (
    10_000  # different names at most that are compared letter by letter, commonest first
)
TELL_EVERY = 5_000  # labels

NOBODY = Decision(None, "The row names nobody", 0.0)
NO_CLUE = Decision(None, "No clue in the text", 0.0)
LEAST = 0.2  # likeness below this is not even a suggestion


@dataclass(frozen=True, slots=True)
class Own:
    """What a person has taught.

    taught  supplier -> what corrections say of it, see taught.teach_category
    ruled   label -> the rule of theirs that fits it
    model   what was learned from all of it; None: only what everybody has
    plugins  label -> what a plugin said
    """

    taught: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ruled: Mapping[int, Rule] = field(default_factory=dict)
    model: Classifier | None = None
    plugins: Mapping[int, Decision] = field(default_factory=dict)


NOTHING_TAUGHT = Own()


def decide(
    labels: Sequence[Label],
    remembered: Mapping[str, str],
    document_type: str = "",
    tell: Tell | None = None,
    *,
    sellers: bool = False,
    own: Own = NOTHING_TAUGHT,
) -> dict[int, Decision]:
    """Return the decision for each label, by its id.

    remembered  vendor -> category, as earlier files of the user said
    sellers     it is the export of a seller for certain: what it says is a row's kind
    """
    total = sum(label.rows for label in labels)
    done = 0
    keys: dict[str, str] = {}
    ruled: dict[tuple[str, int], Decision | None] = {}
    decided: dict[int, Decision] = {}
    unknown: dict[str, list[Label]] = {}
    rows_of: Counter[str] = Counter()
    for number, label in enumerate(labels, 1):
        decision = _by_person(label, own, keys) or own.plugins.get(label.id)
        if decision is None and not sellers:
            decision = decide_by_source(label.source_category)
        if decision is None:
            payee, purpose = with_purpose(label.text)
            key = keys.get(payee)
            if key is None:
                key = keys[payee] = payee_key(payee)
            question = (label.text, label.sign)
            if question not in ruled:
                ruled[question] = _by_rules(payee, key, purpose, label.sign)
            rule = ruled[question]
            if sellers:
                decision = decide_for_seller(label.source_category, payee, label.sign, rule)
            decision = decision or rule or _by_memory(label, remembered)
            if decision is None and document_type in SELLERS and label.sign > 0 and not sellers:
                decision = EARNED
            if decision is None and key:
                unknown.setdefault(key, []).append(label)
                rows_of[key] += label.rows
                continue
        decided[label.id] = decision or NOBODY
        done += label.rows
        if tell is not None and number % TELL_EVERY == 0:
            tell(done, total)
    commonest = [key for key, _ in rows_of.most_common(GUESSED_TEXTS)]
    for key, guess in _guesses(commonest, own).items():
        for label in unknown.pop(key):
            decided[label.id] = _way_checked(guess, label.sign)
            done += label.rows
    if tell is not None:
        tell(done, total)
    for rest in unknown.values():
        for label in rest:
            decided[label.id] = NO_CLUE
    return decided


def _by_person(label: Label, own: Own, keys: dict[str, str]) -> Decision | None:
    """What the person said of this very label, of a rule's rows, or of the supplier.

    keys  normalised names that were made before, by payee
    """
    if label.edited:
        return Decision(label.category, label.reason or "", label.confidence or 0.0)
    rule = own.ruled.get(label.id)
    if rule is not None:
        return Decision(rule.says.category, reason_of(rule.says), RULED)
    if not own.taught:
        return None
    payee, purpose = with_purpose(label.text)
    if payee not in keys:
        keys[payee] = payee_key(payee)
    said = decide_by_taught(keys[payee], purpose, own.taught)
    return None if said is None or _way_checked(said, label.sign) is NO_CLUE else said


def _by_rules(payee: str, key: str, purpose: str, sign: int) -> Decision | None:
    """The payee speaks first; the purpose where it is silent, or where money comes in."""
    decision = decide_by_rule(payee, key, sign)
    if purpose and (decision is None or decision.confidence <= MONEY_BACK):
        return decide_by_rule(purpose, "", sign) or decision
    return decision


def _by_memory(label: Label, remembered: Mapping[str, str]) -> Decision | None:
    category = remembered.get(label.vendor) if label.vendor else None
    if category is None:
        return None
    return Decision(category, f"Your earlier files say: {category}", REMEMBERED)


def _guesses(keys: list[str], own: Own) -> dict[str, Decision]:
    if not keys:
        return {}
    found = decide_by_likeness(keys, own.taught)
    for key, name in misspelt([key for key in keys if key not in found]).items():
        category = single_names()[name]
        reason = f"Spelled almost like '{name}', which is {category.lower()}"
        found[key] = Decision(category, reason, MISSPELT_NAME)
    keys = [key for key in keys if key not in found]
    model = own.model or trained()
    for key, (category, share) in zip(keys, model.guess(keys), strict=True):
        if share < LEAST:
            found[key] = NO_CLUE
        else:
            percent = round(share * 100)
            found[key] = Decision(category, f"Looks most like {category} ({percent}%)", share)
    return found


def _way_checked(guess: Decision, sign: int) -> Decision:
    """A guess against the money's way is no clue: nobody pays a salary to a shop."""
    wrong = (sign < 0) == (guess.category in INCOME) and guess.category is not None and sign != 0
    return NO_CLUE if wrong else guess


def categorise(task: Task, tell: Tell) -> dict[str, Any]:
    """Decide for all rows and write it to records.db. Running it again changes nothing.

    Returns categorised and review (rows: sure enough, and waiting for a look), no_clue (those of
    review without even a suggestion), and categories, rows by category, the commonest first.
    """
    job_id, user_id = task["job_id"], task["user_id"]
    remembered: Mapping[str, str] = {}
    fits, own = Fitting(), NOTHING_TAUGHT
    with reading_records(task["records_path"]) as connection:
        stored = get_import(connection, job_id)
        labels = labels_of(connection, job_id) if stored and stored.has_amounts else []
        if stored and labels:
            remembered = known_categories(connection, user_id, job_id)
            fits = fitting(connection, stored.id, labels, rules_of(connection, user_id))
            taught = memories(connection, user_id, "category")
            own = Own(taught, fits.labels, learned(connection, user_id), suggestions(task))
    kind = task["found"].get("document_classification", {}).get("document_type") or ""
    decided = decide(labels, remembered, kind, tell, sellers=is_a_sellers(task["found"]), own=own)
    with writing_records(task["records_path"]) as connection:
        save_categories(
            connection,
            job_id,
            ((label.id, *_saved(decided[label.id])) for label in labels if not label.edited),
        )
        if stored:
            _apart(connection, stored.id, labels, fits)
            labels = labels_of(connection, job_id) if fits.rows else labels
    if fits.rows:  # some labels were taken apart
        decided = {
            label.id: Decision(label.category, label.reason or "", label.confidence or 0.0)
            for label in labels
        }
    rows: Counter[str] = Counter()
    review = no_clue = 0
    for label in labels:
        decision = decided[label.id]
        if decision.category is None:
            no_clue += label.rows
        else:
            rows[decision.category] += label.rows
        if decision.confidence < REVIEW_BELOW:
            review += label.rows
    total = sum(label.rows for label in labels)
    return {
        "categorised": total - review,
        "review": review,
        "no_clue": no_clue,
        "categories": dict(sorted(rows.items(), key=lambda item: (-item[1], item[0]))),
    }


def _saved(decision: Decision) -> tuple[str | None, str, float]:
    return decision.category, decision.reason, decision.confidence


def _apart(
    connection: sqlite3.Connection, import_id: int, labels: Sequence[Label], fits: Fitting
) -> None:
    """Give rows that a rule fits, but not all of their label, a label of their own."""
    by_id = {label.id: label for label in labels}
    for label_id, ruled in fits.rows.items():
        label = by_id[label_id]
        for rule_id, row_ids in ruled.items():
            says = fits.rules[rule_id].says
            saying = Saying(label.vendor, says.category, reason_of(says), RULED, edited=False)
            say_of_rows(connection, import_id, label, row_ids, saying)
    if fits.rows:
        recount_review(connection, [import_id])
