"""What `processing_completed` says: the result of a whole job, gathered from its checkpoints."""

from collections.abc import Mapping
from typing import Any

Checkpoints = Mapping[str, Mapping[str, Any]]


def result_of(job_id: str, found: Checkpoints) -> dict[str, Any]:
    """Return the summary of a job on a table of transactions, with links to what was read."""
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


def duplicate_result(job_id: str, earlier_id: str) -> dict[str, Any]:
    """Return the result of a job whose file was stored before, by the job `earlier_id`."""
    links = {"rows": f"/api/v1/jobs/{earlier_id}/rows"}
    return {**result_of(job_id, {}), "duplicate_of": earlier_id, "links": links}
