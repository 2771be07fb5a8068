"""What `processing_completed` says: the result of a whole job, gathered from its checkpoints."""

from collections.abc import Mapping
from typing import Any

from app.core.plans import ARCHIVE, TRANSACTIONS
from app.core.state import JobState
from app.pipeline.steps.likeness import told_near

Checkpoints = Mapping[str, Mapping[str, Any]]


def result_of(job_id: str, found: Checkpoints) -> dict[str, Any]:
    """Return the summary of a job, with links to what was read."""
    if "placing" in found:
        return _of_archive(found)
    return (_of_document if "page_reading" in found else _of_table)(job_id, found)


def _of_archive(found: Checkpoints) -> dict[str, Any]:
    placed = found["placing"]
    links = {"jobs": f"/api/v1/jobs?batch_id={placed['batch_id']}"} if placed["batch_id"] else {}
    return {"files": int(placed["files"]), "jobs": placed["jobs"], "links": links}


def _of_table(job_id: str, found: Checkpoints) -> dict[str, Any]:
    extracted = found.get("extracting", {})
    stored = found.get("storing", {})
    categories = found.get("classification", {})
    summary = found.get("enrichment", {})
    rejected = int(extracted.get("rejected", 0))
    links = {"rows": f"/api/v1/jobs/{job_id}/rows"}
    if rejected:
        links["rejected"] = f"/api/v1/jobs/{job_id}/rejected.csv"
    return {
        "rows": int(extracted.get("rows", 0)),
        "new_rows": int(stored.get("stored", 0)),
        "existing_rows": int(stored.get("known", 0)),
        "rejected": rejected,
        "platform": found.get("platform_detection", {}).get("name"),
        "document_type": found.get("document_classification", {}).get("label"),
        "categories": categories.get("categories", {}),
        "review": int(categories.get("review", 0)),
        "vendors": int(found.get("entity_resolution", {}).get("vendors", 0)),
        "currency": summary.get("currency"),
        "income": summary.get("income"),
        "spending": summary.get("spending"),
        "by_currency": summary.get("by_currency", []),
        "top_vendors": summary.get("top_vendors", []),
        "top_categories": summary.get("top_categories", []),
        "first_date": summary.get("first_date") or extracted.get("first_date"),
        "last_date": summary.get("last_date") or extracted.get("last_date"),
        "links": links,
    }


def _of_document(job_id: str, found: Checkpoints) -> dict[str, Any]:
    read, kind = found["page_reading"], found.get("document_kind", {})
    checked = _checked(found)
    fields = checked.get("fields", {})
    return {
        "document_type": found.get("field_reading", kind).get("label"),
        "pages": int(read.get("pages", 0)),
        "pages_read": int(read.get("read", 0)),
        "unreadable_pages": read.get("unreadable", []),
        "zones": int(read.get("zones", 0)),
        "zone_kinds": read.get("kinds", {}),
        "text_sources": read.get("sources", {}),
        "einvoice": kind.get("einvoice"),
        "fields": fields_read(found),
        "review": sum(field.get("status") == "check" for field in fields.values()),
        "line_items": len(checked.get("line_items", ())),
        "near": told_near(found.get("likeness", {}).get("near", [])),
        "links": _document_links(job_id),
    }


def fields_read(found: Checkpoints) -> dict[str, Any]:
    """Return the values of a document's fields by their names."""
    fields = _checked(found).get("fields", {})
    return {name: field.get("value") for name, field in fields.items()}


def _checked(found: Checkpoints) -> Mapping[str, Any]:
    return found.get("field_check") or found.get("field_reading") or {}


def _document_links(job_id: str) -> dict[str, str]:
    api = f"/api/v1/jobs/{job_id}"
    return {part: f"{api}/{part}" for part in ("fields", "pages", "zones", "text")}


def duplicate_result(job_id: str, earlier: JobState) -> dict[str, Any]:
    """Return the result of a job whose file was stored before, by the job `earlier`."""
    earlier_id = earlier["job_id"]
    if earlier["plan"] == ARCHIVE.name:
        return {"duplicate_of": earlier_id, "links": (earlier["result"] or {}).get("links", {})}
    if earlier["plan"] != TRANSACTIONS.name:
        return {"duplicate_of": earlier_id, "links": _document_links(earlier_id)}
    links = {"rows": f"/api/v1/jobs/{earlier_id}/rows"}
    return {**_of_table(job_id, {}), "duplicate_of": earlier_id, "links": links}
