"""Exports as pages list them. Pure; static/js/ui/exports.js is its twin."""

from dataclasses import dataclass

from app.core.quantities import count, size_text
from app.store.exports import ExportRow


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One export. `url` leads to its file; "" while there is none."""

    name: str
    about: str
    url: str


def export_line(export: ExportRow) -> ExportLine:
    """Return what a list shows of `export`."""
    is_there = export.state == "completed"
    url = f"/api/v1/exports/{export.id}/file" if is_there else ""
    return ExportLine(export.filename, export_words(export), url)


def export_words(export: ExportRow) -> str:
    """Return how an export stands: "12 rows · 640 KB", "is being made..."."""
    if export.state == "failed":
        return str((export.error or {}).get("title") or "It could not be made")
    if export.state != "completed":
        return "is being made..." if export.state == "running" else "waits for its turn"
    return f"{count(export.rows or 0, 'row')} · {size_text(export.size_bytes or 0)}"
