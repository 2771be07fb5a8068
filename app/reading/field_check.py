"""The step field_check: what readers found is brought together, and people are asked in doubt."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.core.agreement import (
    IMPORTANT,
    Agreed,
    Candidate,
    Doubt,
    agree,
    agreed_items,
    contradicted,
    is_unverified,
)
from app.core.asking import Asking, Choice, Question
from app.core.documents import FieldValue, Reading, readings_of
from app.core.field_values import LABELS, canonical, normal_value, same
from app.core.messages import friendly_message
from app.core.reading import Task, Tell
from app.reading.evidence import find
from app.reading.invoice_rules import Known, findings
from app.reading.page import Page, load_pages
from app.reading.payees import payee_key
from app.reading.templates import fitting, learned, template_reading
from app.store.documents import invoice_numbers
from app.store.records_memory import memories, memory_of, remember
from app.store.records_schema import reading_records, writing_records

MOST_PAGES = 20  # of a long document, whose invoice stands on its first pages
LONGEST_KEY = 200
TEACHERS_KEPT = 100  # ids of invoices that taught a template; the newest
KEY = "field:"  # in front of a field's name: the key of the question about it
ABOUT_READING = ("sum", "future", "due_before_date", "currency", "vat_id", "iban")
"""The rules that a misread value breaks; the others are about the invoice itself."""
THRESHOLD = 0.8  # where the task does not say


def check(task: Task, tell: Tell) -> dict[str, Any]:
    """Return {"fields", "line_items", "findings", "readers", "asked"}.

    fields   each with its value as the readers agreed, or a person said
    findings what does not add up all the same, see invoice_rules
    readers  whose answers were there, in their order: xml, template, layout, models
    asked    how many fields people were asked about

    Raises Asking for important fields that are doubtful. What a person answers is learned for the
    vendor's next invoice.
    """
    pages = _pages(task)
    readings = _readings(task, pages, tell)
    threshold = task["options"].get("confidence_threshold", THRESHOLD)
    agreed = agree(readings, threshold)
    given = {name: _Given.of(name, answer, task) for name, answer in _answers(task).items()}
    taken = {
        name: _answered(name, answer, agreed.fields[name], pages)
        for name, answer in given.items()
        if not answer.problem
    }
    agreed = Agreed({**agreed.fields, **taken}, agreed.doubts)
    items = agreed_items(readings, agreed.fields)
    found = findings(Reading(fields=agreed.fields, line_items=items), _known(task, agreed.fields))
    doubted = {name for one in found if one.rule in ABOUT_READING for name in one.fields}
    agreed = contradicted(agreed, sorted(doubted), threshold)
    questions = [
        _question(doubt, task, pages)
        for doubt in agreed.doubts
        if doubt.name in IMPORTANT and doubt.name not in given
    ] + [
        _asked_again(name, answer, agreed.doubts, task, pages)
        for name, answer in given.items()
        if answer.problem
    ]
    if questions and task["options"].get("ask", True):
        raise Asking(*questions)
    _learn(task, agreed.fields, pages)
    tell(1, 1)
    return {
        "fields": agreed.fields,
        "line_items": items,
        "findings": [one.to_json() for one in found],
        "readers": list(readings),
        "asked": len(given),
    }


def _pages(task: Task) -> list[Page]:
    try:
        return list(islice(load_pages(task["work_dir"]), MOST_PAGES))
    except FileNotFoundError:  # an e-invoice without pages
        return []


def _readings(task: Task, pages: Sequence[Page], tell: Tell) -> dict[str, Reading]:
    """Return every reader's answer, with what was taught of this vendor."""
    local = readings_of(task["found"], "field_reading")
    models = readings_of(task["found"], "model_reading")
    taught = None
    if "xml" not in local:
        began_s = time.perf_counter()
        with reading_records(task["records_path"]) as connection:
            template = fitting(memories(connection, task["user_id"], "template"), pages)
        if template is not None:
            taught = template_reading(template, pages)
            _tell(tell, taught, began_s)
    return {**local, **({"template": taught} if taught else {}), **models}


def _tell(tell: Tell, reading: Reading, began_s: float) -> None:
    found = {name: value["value"] for name, value in reading["fields"].items()}
    tell.events(
        [
            {
                "type": "model_result",
                "model_name": "template",
                "model_status": "completed",
                "duration_ms": round((time.perf_counter() - began_s) * 1000),
                "result": {"fields": found, "line_items": 0},
                "message": friendly_message("template_used", {"fields": len(found)}),
            }
        ]
    )


def _known(task: Task, fields: Mapping[str, FieldValue]) -> Known:
    """Return what the rules know beside the fields."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    vendor = fields["vendor_name"]["value"]
    if vendor is None:
        return Known(today)
    with reading_records(task["records_path"]) as connection:
        numbers = invoice_numbers(connection, task["user_id"], payee_key(vendor), task["job_id"])
    return Known(today, numbers)


# Questions and answers


@dataclass(frozen=True, slots=True)
class _Given:
    """An answer to the question about a field.

    value       None: it is not there
    is_default  nobody gave it
    problem     why it can not be taken; "" where it can
    """

    text: str | None
    value: str | None
    is_default: bool
    problem: str = ""

    @classmethod
    def of(cls, name: str, answer: Any, task: Task) -> "_Given":
        is_default = KEY + name in task.get("defaults", ())
        text = None if answer is None else str(answer)
        try:
            return cls(text, None if text is None else normal_value(name, text), is_default)
        except ValueError as error:
            return cls(text, None, is_default, str(error))


def _answers(task: Task) -> dict[str, Any]:
    return {
        key.removeprefix(KEY): answer
        for key, answer in task["answers"].items()
        if key.startswith(KEY) and key.removeprefix(KEY) in LABELS
    }


def _answered(name: str, given: _Given, read: FieldValue, pages: Sequence[Page]) -> FieldValue:
    """Return the field as a person says it is. A default leaves it as it was read."""
    if given.is_default:
        return {**read, "status": "check"}
    return edited(name, given.value, read, pages)


def edited(name: str, value: str | None, read: FieldValue, pages: Sequence[Page]) -> FieldValue:
    """Return a field with the value that a person gave it; None says that it is not there."""
    is_same = value is not None and read["value"] is not None and same(name, value, read["value"])
    place = None if value is None or is_same else find(name, value, pages)
    page, bbox = (place.page, place.bbox) if place else (None, None)
    if is_same:
        page, bbox = read["page"], read["bbox"]
    return FieldValue(
        value=value, confidence=1.0, source="person", page=page, bbox=bbox, status="edited"
    )


def _question(doubt: Doubt, task: Task, pages: Sequence[Page]) -> Question:
    best = doubt.candidates[0].best
    return Question(
        key=KEY + doubt.name,
        kind="field",
        text=_text(doubt),
        choices=tuple(_choice(candidate) for candidate in doubt.candidates),
        default=best["value"],
        suggested=best["value"] if best["confidence"] >= 0.5 else None,
        evidence={
            "field": doubt.name,
            "reason": doubt.reason,
            "page": best["page"],
            "bbox": best["bbox"],
            "candidates": [_told(candidate) for candidate in doubt.candidates],
            "crop": _crop(best, task, pages),
        },
    )


def _asked_again(
    name: str, given: _Given, doubts: Sequence[Doubt], task: Task, pages: Sequence[Page]
) -> Question:
    text = f"“{given.text}” can not be the {LABELS[name]}: {given.problem}. What is it?"
    for doubt in doubts:
        if doubt.name == name:
            question = _question(doubt, task, pages)
            return Question.from_json({**question.to_json(), "text": text})
    return Question(KEY + name, "field", text, evidence={"field": name, "reason": "unclear"})


def _text(doubt: Doubt) -> str:
    label = LABELS[doubt.name]
    values = [f"“{candidate.best['value']}”" for candidate in doubt.candidates]
    if doubt.reason == "differ":
        return f"What is the {label}: {' or '.join(values)}?"
    if doubt.reason == "unverified":
        return f"A model named {values[0]} as the {label}, but no page says so. Is it right?"
    if doubt.reason == "contradicted":
        return f"{values[0]} as the {label} does not fit with the rest. Is it right?"
    return f"I am not sure: is {values[0]} the {label}?"


def _choice(candidate: Candidate) -> Choice:
    value = candidate.best["value"] or ""
    said = "not in the text" if is_unverified(candidate.best) else ""
    by = f"read by {' and '.join(candidate.sources)}"
    return Choice(value, value, f"{by}, {said}" if said else by)


def _told(candidate: Candidate) -> dict[str, Any]:
    best = candidate.best
    return {
        "value": best["value"],
        "sources": list(candidate.sources),
        "confidence": best["confidence"],
        "verified": not is_unverified(best),
        "page": best["page"],
        "bbox": best["bbox"],
    }


def _crop(best: FieldValue, task: Task, pages: Sequence[Page]) -> dict[str, Any] | None:
    """Return which part of which picture shows the value, in points; None where nobody knows."""
    page = next((page for page in pages if page.number == best["page"]), None)
    if page is None or best["bbox"] is None:
        return None
    return {
        "picture": f"/api/v1/jobs/{task['job_id']}/pages/{page.number}.png",
        "width": page.width,
        "height": page.height,
        "bbox": best["bbox"],
    }


# Learning


def _learn(task: Task, fields: Mapping[str, FieldValue], pages: Sequence[Page]) -> None:
    """Keep where the values stand that people gave, for the vendor's next invoice."""
    taught = [name for name, value in fields.items() if value["source"] == "person"]
    if taught:
        learn(task, task["job_id"], fields, taught, pages)


def learn(
    task: Task,
    job_id: str,
    fields: Mapping[str, FieldValue],
    taught: Sequence[str],
    pages: Sequence[Page],
) -> bool:
    """Keep what was taught, in a transaction of its own; say whether there was anything.

    job_id  of the invoice by which it was taught: with the last of these it is forgotten
    """
    with writing_records(task["records_path"]) as connection:
        key = template_key(fields)
        before = memory_of(connection, task["user_id"], "template", key)
        template = learned(fields, taught, pages, before)
        if template is None:
            return False
        jobs = [one for one in (before or {}).get("jobs", []) if one != job_id]
        template["jobs"] = [job_id, *jobs][:TEACHERS_KEPT]
        now_ms = time.time_ns() // 1_000_000
        remember(connection, task["user_id"], "template", key, template, now_ms)
    return True


def template_key(fields: Mapping[str, FieldValue]) -> str:
    """Return under which a vendor's template is kept: its name, or what else it is known by."""
    for name in ("vendor_name", "vendor_vat_id", "iban"):
        value = fields[name]["value"]
        if value:
            return canonical(name, value)[:LONGEST_KEY]
    return ""
