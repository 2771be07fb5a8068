"""Errands about categories: a person corrects a row, tries a rule out, makes one, changes one.

A correction changes the row that it is about and is remembered for later files. Other rows change
only where the person makes a rule of it, having seen which ones those are.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

from app.core.errors import NotFound
from app.core.reading import Task, Tell
from app.reading.own_rules import RULED, Fitting, fitting, reason_of
from app.reading.payees import payee_key, with_purpose
from app.reading.taught import teach_category, teach_vendor
from app.store.records import Label, reading_records, writing_records
from app.store.records_labels import (
    PlacedLabel,
    Saying,
    label_of_row,
    labels_of_person,
    recount_review,
    say_of_label,
    say_of_rows,
)
from app.store.records_rules import (
    Rule,
    Wish,
    add_rule,
    change_rule,
    drop_rule,
    move_rule,
    rules_of,
)
from app.store.records_schema import id_range

SAID = "You said so"
SHOWN_ROWS = 10  # of those that a rule would change
SHOWN_JOBS = 50
MOST_TOLD = 200  # jobs of which it is told that their rows changed


def correct_row(task: Task, tell: Tell) -> dict[str, Any]:
    """Change what one row is said to be. Options: job_id, row, and category or vendor or both.

    Returns category, vendor, and rule: what a rule for all rows like it would say and change, or
    None where there is none to offer. Raises NotFound.
    """
    options, user_id = task["options"], task["user_id"]
    with writing_records(task["records_path"]) as connection:
        placed = label_of_row(connection, user_id, options["job_id"], options["row"])
        if placed is None:
            raise NotFound(what="row")
        label, now_ms = placed.label, _now_ms()
        category = options.get("category", label.category)
        vendor = options.get("vendor", label.vendor)
        row_id = id_range(placed.import_id)[0] - 1 + options["row"]
        said = "category" in options
        saying = Saying(
            vendor,
            category,
            SAID if said else label.reason,
            1.0 if said else label.confidence,
            edited=said or bool(label.edited),
        )
        say_of_rows(connection, placed.import_id, label, [row_id], saying)
        recount_review(connection, [placed.import_id])
        payee = with_purpose(label.text)[0]
        key = payee_key(payee)
        if said:
            teach_category(connection, user_id, label.text, vendor or key, category, now_ms)
        if vendor and vendor != label.vendor:
            teach_vendor(connection, user_id, key, vendor, now_ms)
    offer = _offer(task, vendor, key, category, label.sign) if said and category else None
    return {"category": category, "vendor": vendor, "rule": offer}


def _offer(
    task: Task, vendor: str | None, key: str, category: str, sign: int
) -> dict[str, Any] | None:
    """Return the rule that would do the same to all rows like this one; None if there are none."""
    if not (vendor or key):
        return None
    says = Wish("vendor", "is", vendor or key, sign, category)
    with reading_records(task["records_path"]) as connection:
        if any(rule.says == says for rule in rules_of(connection, task["user_id"])):
            return None
    found = _tried(task, says, 0)
    return {**asdict(says), "rows": found["changes"], "files": len(found["jobs"])}


def preview_rule(task: Task, tell: Tell) -> dict[str, Any]:
    """Say what a rule would do. Options: field, operator, value, sign, category; nothing changes.

    Returns rows (that it fits), changes (those whose category it would change), edited (those
    that it leaves alone because a person said what they are), jobs with their rows, and examples.
    """
    return _tried(task, _wish(task), SHOWN_ROWS)


def _tried(task: Task, says: Wish, shown: int) -> dict[str, Any]:
    rule = Rule(0, 0, says, 0)
    rows = changes = edited = 0
    jobs: list[dict[str, Any]] = []
    examples: list[dict[str, Any]] = []
    with reading_records(task["records_path"]) as connection:
        for import_id, job_id, labels in _imports(connection, task["user_id"]):
            fits = fitting(connection, import_id, labels, [rule])
            theirs = 0
            for label, count in _fitted(labels, fits):
                rows += count
                if label.category != says.category:
                    theirs += count
                    if len(examples) < shown:
                        examples.append(_example(job_id, label, count))
            edited += _edited(connection, import_id, labels, rule)
            changes += theirs
            if theirs:
                jobs.append({"job_id": job_id, "rows": theirs})
    return {
        "rows": rows,
        "changes": changes,
        "edited": edited,
        "jobs": jobs[-SHOWN_JOBS:][::-1],
        "examples": examples,
    }


def _edited(connection: Any, import_id: int, labels: list[Label], rule: Rule) -> int:
    """Count the rows that the rule would fit, had no person said what they are."""
    theirs = [_as_if_unsaid(label) for label in labels if label.edited]
    if not theirs:
        return 0
    fits = fitting(connection, import_id, theirs, [rule])
    return sum(count for _, count in _fitted(theirs, fits))


def _as_if_unsaid(label: Label) -> Label:
    return replace(label, edited=0)


def _fitted(labels: list[Label], fits: Fitting) -> Iterator[tuple[Label, int]]:
    """Yield each label that has rows which the rules fit, and how many those are."""
    for label in labels:
        if label.id in fits.labels:
            yield label, label.rows
        elif label.id in fits.rows:
            yield label, sum(map(len, fits.rows[label.id].values()))


def _example(job_id: str, label: Label, rows: int) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "text": with_purpose(label.text)[0][:200],
        "vendor": label.vendor,
        "category": label.category,
        "rows": rows,
    }


def make_rule(task: Task, tell: Tell) -> dict[str, Any]:
    """Make a rule, and apply it where options["apply"].

    Returns rule, changed: rows, and jobs: how many in each, of the newest MOST_TOLD.
    """
    with writing_records(task["records_path"]) as connection:
        rule = add_rule(connection, task["user_id"], _wish(task), _now_ms())
        jobs = _apply(connection, task) if task["options"].get("apply") else {}
    return {"rule": _rule(rule), **_told(jobs)}


def alter_rule(task: Task, tell: Tell) -> dict[str, Any]:
    """Change a rule: what it says, its place, or both. Options as for making one, id and place.

    Raises NotFound.
    """
    options, user_id = task["options"], task["user_id"]
    with writing_records(task["records_path"]) as connection:
        there = {rule.id: rule for rule in rules_of(connection, user_id)}
        if options["id"] not in there:
            raise NotFound(what="rule")
        before = asdict(there[options["id"]].says)
        says = Wish(**{name: options.get(name, value) for name, value in before.items()})
        change_rule(connection, user_id, options["id"], says)
        if "place" in options:
            move_rule(connection, user_id, options["id"], options["place"])
        jobs = _apply(connection, task) if options.get("apply") else {}
        rule = next(r for r in rules_of(connection, user_id) if r.id == options["id"])
    return {"rule": _rule(rule), **_told(jobs)}


def remove_rule(task: Task, tell: Tell) -> dict[str, Any]:
    """Let the rule options["id"] go; rows keep what it said of them. Raises NotFound."""
    with writing_records(task["records_path"]) as connection:
        drop_rule(connection, task["user_id"], task["options"]["id"])
    return {}


def _told(jobs: dict[str, int]) -> dict[str, Any]:
    """Return what is told of changes: rows, and jobs with theirs, the newest."""
    newest = list(jobs.items())[-MOST_TOLD:]
    return {"changed": sum(jobs.values()), "jobs": dict(newest)}


def _apply(connection: Any, task: Task) -> dict[str, int]:
    """Let the person's rules decide in all of their files; return how many rows changed in each."""
    rules = rules_of(connection, task["user_id"])
    jobs: dict[str, int] = {}
    for import_id, job_id, labels in list(_imports(connection, task["user_id"])):
        fits = fitting(connection, import_id, labels, rules)
        changed = 0
        for label in labels:
            for rule_id, row_ids in fits.rows.get(label.id, {}).items():
                if label.category != fits.rules[rule_id].says.category:
                    say_of_rows(
                        connection, import_id, label, row_ids, _ruled(label, fits.rules[rule_id])
                    )
                    changed += len(row_ids)
            rule = fits.labels.get(label.id)
            if rule is not None and label.category != rule.says.category:
                say_of_label(connection, import_id, label.id, _ruled(label, rule))
                changed += label.rows - sum(map(len, fits.rows.get(label.id, {}).values()))
        if changed:
            jobs[job_id] = changed
            recount_review(connection, [import_id])
    return jobs


def _ruled(label: Label, rule: Rule) -> Saying:
    return Saying(label.vendor, rule.says.category, reason_of(rule.says), RULED, edited=False)


def _imports(connection: Any, user_id: str) -> Iterator[tuple[int, str, list[Label]]]:
    """Yield each file of a person with its labels."""

    def file_of(placed: PlacedLabel) -> tuple[int, str]:
        return placed.import_id, placed.job_id

    for (import_id, job_id), some in groupby(labels_of_person(connection, user_id), file_of):
        yield import_id, job_id, [placed.label for placed in some]


def _wish(task: Task) -> Wish:
    options = task["options"]
    return Wish(
        options["field"],
        options["operator"],
        options["value"],
        options.get("sign", 0),
        options["category"],
    )


def _rule(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "place": rule.place, **asdict(rule.says), "created_ms": rule.created_ms}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
