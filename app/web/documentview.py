"""The tab of a document: its page, the fields that were read, its zones. Pure.

static/js/ui/document-pane.js makes it live.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.documents import FIELDS
from app.core.field_values import TITLES
from app.core.state import JobState

KIND_WORDS = {"key_value": "label and value", "header": "page header", "footer": "page footer"}
ITEM_COLUMNS = (
    ("description", "Description", False),
    ("quantity", "Quantity", True),
    ("unit_price", "Unit price", True),
    ("tax_rate", "Tax", True),
    ("amount", "Amount", True),
)


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field. `sureness` stands beside it; `box` is four numbers in points, or ""."""

    name: str
    label: str
    value: str
    shown: str
    status: str
    sureness: str
    page: str
    box: str


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """One zone in the list beside the page."""

    zone_id: str
    number: int
    text: str
    about: str


@dataclass(frozen=True, slots=True)
class DocumentView:
    """The shown page of a document, and what was read out of all of it.

    pages    0 while nothing is stored
    fields   () where the document is no invoice
    items    rows of texts under `columns`, of which the script knows nothing
    """

    page: int
    pages: int
    width: float
    height: float
    problem: str
    zones: tuple[ZoneLine, ...]
    fields: tuple[FieldLine, ...]
    columns: tuple[tuple[str, bool], ...]
    items: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class HitLine:
    """A page that holds what was looked for. `parts` of its text are (text, whether looked for)."""

    url: str
    name: str
    page: int
    parts: tuple[tuple[str, bool], ...]


NEAR_SHOWN = 3
NEAR_FACTS = ("vendor_name", "invoice_number", "invoice_date", "total_amount", "currency")


@dataclass(frozen=True, slots=True)
class NearView:
    """An earlier document like this one. `facts` are (label, theirs, ours, whether the same)."""

    url: str
    name: str
    percent: int
    facts: tuple[tuple[str, str, str, bool], ...]


def near_views(
    job: JobState, names: Mapping[str, str], fields_of: Mapping[str, Mapping[str, str | None]]
) -> tuple[NearView, ...]:
    """Return the documents that are like the job's, likest first.

    names      job id -> filename, of those that whoever asks may see
    fields_of  job id -> their fields as they stand
    """
    result = job["result"] or {}
    fields = result.get("fields") or {}
    return tuple(
        NearView(
            url=f"/jobs/{one['job_id']}",
            name=names[one["job_id"]],
            percent=int(one["score"] * 100 + 0.5),
            facts=tuple(
                (TITLES[name], theirs or "", ours or "", theirs == ours)
                for name in NEAR_FACTS
                for theirs in [fields_of.get(one["job_id"], {}).get(name)]
                for ours in [fields.get(name)]
                if theirs or ours
            ),
        )
        for one in result.get("near") or ()
        if one["job_id"] in names
    )[:NEAR_SHOWN]


def is_document(job: JobState) -> bool:
    """Tell whether the job reads pages, not rows."""
    return job["plan"] in ("document", "invoice")


def has_pictures(job: JobState) -> bool:
    """Tell whether the job's pages can be drawn: what was read can."""
    return "page_reading" in job["steps_done"]


def document_view(
    job: JobState,
    page: int,
    pages: Sequence[Mapping[str, Any]],
    zones: Sequence[Mapping[str, Any]],
    fields: Mapping[str, Mapping[str, Any]],
    line_items: Sequence[Mapping[str, Any]],
) -> DocumentView:
    """Return the tab of `job`, with the page of that number, as far as it is there."""
    number = min(max(page, 1), max(len(pages), 1))
    here = pages[number - 1] if pages else {}
    used = [one for one in ITEM_COLUMNS if any(item.get(one[0]) for item in line_items)]
    return DocumentView(
        page=number,
        pages=len(pages),
        width=here.get("width", 0.0),
        height=here.get("height", 0.0),
        problem=here.get("problem") or "",
        zones=tuple(_zone(zone, at) for at, zone in enumerate(zones, 1)),
        fields=_fields(fields) if job["plan"] == "invoice" else (),
        columns=tuple((label, numeric) for _, label, numeric in used),
        items=tuple(tuple(item.get(key) or "" for key, _, _ in used) for item in line_items),
    )


def _fields(found: Mapping[str, Mapping[str, Any]]) -> tuple[FieldLine, ...]:
    return tuple(field_line(name, found.get(name) or {}) for name in FIELDS)


def field_line(name: str, field: Mapping[str, Any]) -> FieldLine:
    """Return a field as the page shows it; {} for one of which nothing is known yet."""
    value = field.get("value") or ""
    status = str(field.get("status") or "absent")
    nothing = "Not there" if field else "Not stored yet"
    return FieldLine(
        name=name,
        label=TITLES[name],
        value=value,
        shown=value or nothing,
        status=status,
        sureness=sureness(status, float(field.get("confidence") or 0.0)),
        page=str(field.get("page") or ""),
        box=" ".join(f"{edge:g}" for edge in field.get("bbox") or ()),
    )


def sureness(status: str, confidence: float) -> str:
    """Return what stands beside a field: "98%", "71% · check", "yours", or nothing."""
    if status == "absent":
        return ""
    if status == "edited":
        return "yours"
    percent = f"{int(confidence * 100 + 0.5)}%"
    return f"{percent} · check" if status == "check" else percent


def _zone(zone: Mapping[str, Any], number: int) -> ZoneLine:
    kind = KIND_WORDS.get(zone["kind"], zone["kind"])
    percent = int(zone["confidence"] * 100 + 0.5)
    return ZoneLine(
        zone_id=zone["zone_id"],
        number=number,
        text=zone["text"] or f"({kind})",
        about=f"{kind} · {percent}%",
    )
