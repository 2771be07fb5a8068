"""The step likeness: whether a document like this one is stored already, and what to do then."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

from app.core.asking import Asking, Choice, Question
from app.core.reading import Task, Tell
from app.reading.alike import Facts, Match, Traits, contradictions, looks_of, nearest, text_signature
from app.reading.page import load_pages
from app.reading.payees import payee_key
from app.reading.saving import fields_of, micros_of
from app.store.documents_alike import (
    StoredDocument,
    fill_fields,
    other_documents,
    shown_facts,
    vendor_with,
)
from app.store.records_memory import memories
from app.store.records_schema import decimal_text, reading_records, writing_records

QUESTION = "duplicate"
SHOWN = 5  # documents that are alike
PICTURE_POINTS = 240  # the longer side at which a page is looked at
SURE_MARKS = ("vendor_vat_id", "iban")
SAME, OTHER = "skip", "keep"


def compare_documents(task: Task, tell: Tell) -> dict[str, Any]:
    """Compare with everything the person has stored, and decide as options["on_duplicate"] says.

    Returns text_signature and image_hash (hexadecimal, or None), vendor_key, near (what is alike,
    the likest first), decision: store, skip or merge, and duplicate_of, the job that has it then;
    of a merge also filled, the fields that it brought. Raises Asking.
    """
    fields, _ = fields_of(task)
    text, is_picture = _read(task)
    signature = text_signature(text)
    looks = _looks(task) if is_picture else None
    with reading_records(task["records_path"]) as connection:
        vendor = _vendor(connection, task, fields)
        facts = _facts(fields, vendor)
        stored = {one.job_id: one for one in other_documents(connection, task["user_id"], task["job_id"])}
        tell(0, len(stored))
        alike = nearest(
            Traits(facts, signature, looks),
            ((job_id, _traits(one)) for job_id, one in stored.items()),
            SHOWN,
        )
        near = [
            _side_by_side(match, stored[job_id], facts, shown_facts(connection, stored[job_id].import_id))
            for job_id, match in alike
        ]
    tell(len(stored), len(stored))
    found: dict[str, Any] = {
        "text_signature": signature.hex() if signature else None,
        "image_hash": looks.hex() if looks else None,
        "vendor_key": vendor,
        "near": near,
        "decision": "store",
        "duplicate_of": None,
    }
    if not near:
        return found
    decision = _decide(task, near, {**_shown(facts), "vendor": _value(fields, "vendor_name")})
    if decision == "keep":
        return found
    first = near[0]["job_id"]
    if decision == "merge":
        with writing_records(task["records_path"]) as connection:
            found["filled"] = fill_fields(
                connection, task["job_id"], stored[first].import_id, fields
            )
    return {**found, "decision": decision, "duplicate_of": first}


def _decide(task: Task, near: list[dict[str, Any]], mine: dict[str, Any]) -> str:
    """Return skip, keep or merge. Only what is certain is left out without asking."""
    wish = task["options"].get("on_duplicate", "skip")
    certain = near[0]["certain"]
    if wish == "ask":
        answer = task["answers"].get(QUESTION)
        if answer not in ("skip", "keep", "merge"):
            raise Asking(_question(task, near, mine))
        return str(answer)
    return str(wish) if certain else "keep"


def _question(task: Task, near: list[dict[str, Any]], mine: dict[str, Any]) -> Question:
    first = near[0]
    percent = round(first["score"] * 100)
    if first["certain"]:
        text = f"{task['filename']} is an invoice that you have already. What shall I do with it?"
    else:
        text = f"{task['filename']} is {percent}% like one that you have. What shall I do with it?"
    return Question(
        key=QUESTION,
        kind="duplicate",
        text=text,
        choices=(
            Choice("skip", "Leave it out", "Nothing of it is stored."),
            Choice("keep", "Keep both", "It is stored as a document of its own."),
            Choice("merge", "Merge", "The stored one gets the fields that it lacks."),
        ),
        default=SAME if first["certain"] else OTHER,
        suggested=SAME if first["certain"] else None,
        evidence={"this": mine, "near": near},
    )


def _side_by_side(
    match: Match, other: StoredDocument, mine: Facts, shown: dict[str, Any]
) -> dict[str, Any]:
    theirs = _facts_of(other)
    return {
        "job_id": other.job_id,
        "score": match.score,
        "certain": match.certain,
        "text": None if match.text is None else round(match.text, 2),
        "looks": None if match.looks is None else round(match.looks, 2),
        "differs": contradictions(mine, theirs),
        **_shown(theirs),
        **shown,
    }


def _shown(facts: Facts) -> dict[str, Any]:
    found = asdict(facts)
    found["total"] = decimal_text(found.pop("total_micros"))
    return found


def _read(task: Task) -> tuple[str, bool]:
    """Return the document's text, and whether its first page is a picture."""
    texts, is_picture = [], False
    for page in load_pages(task["work_dir"]):
        texts.append(page.text)
        is_picture = is_picture or (page.number == 1 and page.source in ("ocr", "none"))
    return "\n".join(texts), is_picture


def _looks(task: Task) -> bytes | None:
    """Return what the first page looks like; None where it can not be shown."""
    with suppress(Exception):  # strangers' pictures fail in many ways, and reading has told why
        if task["found"].get("initializing_streaming", {}).get("kind") == "pdf":
            return _looks_of_pdf(task)
        with Image.open(Path(task["path"])) as picture:
            if picture.width * picture.height > task["limits"]["max_image_pixels"]:
                return None
            picture.draft("L", (PICTURE_POINTS, PICTURE_POINTS))
            return looks_of(picture)
    return None


def _looks_of_pdf(task: Task) -> bytes | None:
    password = next((value for key, value in task["answers"].items() if key.startswith("password")), None)
    document = pypdfium2.PdfDocument(task["path"], password=password)
    try:
        page = document[0]
        scale = PICTURE_POINTS / max(*page.get_size(), 1.0)
        return looks_of(page.render(scale=scale, grayscale=True).to_pil())
    finally:
        document.close()


def _vendor(connection: Any, task: Task, fields: Mapping[str, Any]) -> str | None:
    """Return the normalised vendor: whoever has the same VAT id or IBAN is the same for certain."""
    for name in SURE_MARKS:
        value = _value(fields, name)
        if value:
            known = vendor_with(connection, task["user_id"], task["job_id"], name, value)
            if known is not None:
                return known
    key = payee_key(_value(fields, "vendor_name") or "")
    said = memories(connection, task["user_id"], "vendor").get(key, {}).get("name")
    return (payee_key(said) if said else key) or None


def _facts(fields: Mapping[str, Any], vendor: str | None) -> Facts:
    return Facts(
        vendor,
        _value(fields, "invoice_number"),
        _value(fields, "invoice_date"),
        micros_of(_value(fields, "total_amount")),
        _value(fields, "currency"),
    )


def _value(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name, {}).get("value")
    return None if value is None else str(value)


def _facts_of(one: StoredDocument) -> Facts:
    return Facts(one.vendor_key, one.number, one.date, one.total_micros, one.currency)


def _traits(one: StoredDocument) -> Traits:
    return Traits(_facts_of(one), one.text_signature, one.image_hash)
