"""The step likeness: whether a document like this one is stored already, and what to do then."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.core.asking import DUPLICATE, Asking, Choice, Question
from app.core.duplicates import decision_of
from app.core.errors import AppError
from app.core.reading import Task, Tell
from app.reading.alike import (
    Facts,
    Match,
    Traits,
    contradictions,
    looks_of,
    nearest,
    text_signature,
)
from app.reading.images import open_pictures
from app.reading.page import load_pages
from app.reading.payees import payee_key
from app.reading.pdf import BrokenPage, open_pdf
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

SHOWN = 5  # documents that are alike
LOOKED_AT_DPI = 30.0  # at which a page of a PDF is looked at
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
        others = other_documents(connection, task["user_id"], task["job_id"])
        stored = {one.job_id: one for one in others}
        tell(0, len(stored))
        alike = nearest(
            Traits(facts, signature, looks, task["sha256"]),
            ((job_id, _traits(one)) for job_id, one in stored.items()),
            SHOWN,
        )
        near = [
            {
                **_beside(match, stored[job_id], facts),
                **shown_facts(connection, stored[job_id].import_id),
            }
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
    decision = decision_of(task)
    if decision is None:
        raise Asking(_question(task, near, mine))
    was_asked = task["options"].get("on_duplicate") == "ask"
    return decision if was_asked or near[0]["certain"] else "keep"


def _question(task: Task, near: list[dict[str, Any]], mine: dict[str, Any]) -> Question:
    first = near[0]
    percent = round(first["score"] * 100)
    if first["certain"]:
        text = f"{task['filename']} is an invoice that you have already. What shall I do with it?"
    else:
        text = f"{task['filename']} is {percent}% like one that you have. What shall I do with it?"
    return Question(
        key=DUPLICATE,
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


def _beside(match: Match, other: StoredDocument, mine: Facts) -> dict[str, Any]:
    theirs = _facts_of(other)
    return {
        "job_id": other.job_id,
        "score": match.score,
        "certain": match.certain,
        "text": None if match.text is None else round(match.text, 2),
        "looks": None if match.looks is None else round(match.looks, 2),
        "differs": contradictions(mine, theirs),
        **_shown(theirs),
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
    try:
        if task["found"]["initializing_streaming"]["kind"] == "image":
            with open_pictures(task) as pictures:
                return looks_of(pictures.page(1).image)
        with open_pdf(task) as pdf, pdf.page(1) as page:
            return looks_of(page.picture(LOOKED_AT_DPI))
    except (AppError, BrokenPage):  # reading has told what is wrong with it
        return None


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
    return Traits(_facts_of(one), one.text_signature, one.image_hash, one.sha256)
