"""The sentences of steps that know facts: one for each set of facts that a step may come with."""

from collections.abc import Callable, Mapping
from typing import Any

from app.core.quantities import count, nearest, size_text

Context = Mapping[str, Any]


def _percent(score: object) -> str:
    return f"{round(float(score) * 100)}%"  # type: ignore[arg-type]


def _grouped(number: object) -> str:
    return f"{int(number):,}"  # type: ignore[call-overload]


def _before(c: Context) -> str:
    ahead = int(c["ahead"])
    if ahead == 0:
        return "Next in line"
    return f"{count(ahead, 'file goes', 'files go')} before this one"


def _about(c: Context) -> str:
    seconds = int(c["starts_in"])
    return count(seconds, "second") if seconds < 60 else count(nearest(seconds / 60), "minute")


def _on_its_way(c: Context) -> str:
    size = f" of {size_text(c['size'])}" if "size" in c else ""
    return f"{c['filename']} is on its way: {size_text(c['arrived'])}{size} are here"


def _batch_end(c: Context) -> str:
    jobs, completed = int(c["jobs"]), int(c["completed"])
    if completed < jobs:
        return f"{completed:,} of {count(jobs, 'file')} done, {jobs - completed:,} not"
    return "Your file is done" if jobs == 1 else f"All {jobs:,} files are done"


SOURCES = {"xml": "the e-invoice", "layout": "what the pages show"}
"""The readers of fields that are always there, as a sentence names them."""

Variant = tuple[tuple[str, ...], Callable[[Context], str]]

VARIANTS: Mapping[str, tuple[Variant, ...]] = {
    "model_reading": (
        (
            ("model", "fields", "unverified"),
            lambda c: (
                f"{c['model']} found {count(c['fields'], 'field')},"
                f" {_grouped(c['unverified'])} of them not in the text"
            ),
        ),
        (("model", "fields"), lambda c: f"{c['model']} found {count(c['fields'], 'field')}"),
        (("model", "reason"), lambda c: f"{c['model']} could not read it: {c['reason']}"),
        (("model",), lambda c: f"{c['model']} is reading..."),
        (("models",), lambda c: f"Asking {count(c['models'], 'further reader')}..."),
    ),
    "models_read": (
        (
            ("answered", "models"),
            lambda c: (
                f"{_grouped(c['answered'])} of {count(c['models'], 'further reader')} answered"
            ),
        ),
    ),
    "rows_edited": ((("rows",), lambda c: f"Changed by hand: {count(c['rows'], 'row')}"),),
    "fields_edited": ((("names",), lambda c: f"Corrected by hand: {c['names']}"),),
    "template_used": (
        (
            ("fields",),
            lambda c: f"I know this vendor's invoices: {count(c['fields'], 'field')} found",
        ),
    ),
    "fields_checked": (
        (
            ("fields", "check"),
            lambda c: (
                f"I read {count(c['fields'], 'field')}; please look at"
                f" {_grouped(c['check'])} of them"
            ),
        ),
        (("fields",), lambda c: f"I read {count(c['fields'], 'field')}"),
    ),
    "export_started": ((("filename",), lambda c: f"Putting {c['filename']} together..."),),
    "exporting": (
        (
            ("rows_done", "rows_total"),
            lambda c: (
                f"Writing your export: {_grouped(c['rows_done'])} of"
                f" {count(c['rows_total'], 'row')}"
            ),
        ),
    ),
    "exported": (
        (
            ("filename", "rows"),
            lambda c: f"{c['filename']} is ready, with {count(c['rows'], 'row')}",
        ),
    ),
    "export_failed": ((("reason",), lambda c: f"Your export could not be made: {c['reason']}"),),
    "duplicate_check": (
        (("filename",), lambda c: f"Checking if I've seen {c['filename']} before..."),
    ),
    "delta_analysis_complete": (
        (
            ("new_rows", "existing_rows"),
            lambda c: (
                f"Spotted the differences: {count(c['new_rows'], 'new row')},"
                f" {_grouped(c['existing_rows'])} I already know"
            ),
        ),
    ),
    "near_duplicate_found": (
        (
            ("similarity_score",),
            lambda c: (
                f"Found a {_percent(c['similarity_score'])} match"
                " with something I processed earlier"
            ),
        ),
    ),
    "initializing_streaming": (
        (("filename",), lambda c: f"Getting ready to read {c['filename']}..."),
    ),
    "field_detection": (
        (
            ("columns",),
            lambda c: f"Analyzing the structure of your data: {count(c['columns'], 'column')}...",
        ),
    ),
    "platform_detection": (
        (("platform",), lambda c: f"This data looks like it came from {c['platform']}"),
    ),
    "document_classification": (
        (("document_type",), lambda c: f"This looks like: {c['document_type']}"),
    ),
    "starting_transaction": (
        (("rows",), lambda c: f"Setting up secure storage for {count(c['rows'], 'row')}..."),
    ),
    "storing": (
        (
            ("rows_done", "rows_total"),
            lambda c: (
                f"Saving your data: {_grouped(c['rows_done'])}"
                f" of {count(c['rows_total'], 'row')}..."
            ),
        ),
    ),
    "extracting": (
        (
            ("rows_done", "rows_total"),
            lambda c: (
                f"Reading through your data: {_grouped(c['rows_done'])}"
                f" of {count(c['rows_total'], 'row')}..."
            ),
        ),
        (
            ("rows_done",),
            lambda c: f"Reading through your data: {count(c['rows_done'], 'row')} so far...",
        ),
        (
            ("zone", "zones", "page"),
            lambda c: f"Reading zone {c['zone']} of {c['zones']} on page {c['page']}...",
        ),
    ),
    "document_kind": ((("document_type",), lambda c: f"This looks like: {c['document_type']}"),),
    "field_reading": (
        (
            ("source", "fields_found"),
            lambda c: f"Found {count(c['fields_found'], 'field')} in {SOURCES[c['source']]}",
        ),
        (("fields_found",), lambda c: f"Found {count(c['fields_found'], 'field')}"),
    ),
    "duplicate_found": (
        (
            ("filename", "seen_on"),
            lambda c: (
                f"Found an exact match - I've processed {c['filename']} before, on {c['seen_on']}"
            ),
        ),
    ),
    "content_duplicate_found": (
        (
            ("overlap_rows",),
            lambda c: (
                "This data overlaps with something I already have:"
                f" {count(c['overlap_rows'], 'row')}"
            ),
        ),
    ),
    "entity_resolution": (
        (
            ("matched", "total"),
            lambda c: (
                f"Matching entities across your data: {_grouped(c['matched'])}"
                f" of {_grouped(c['total'])}..."
            ),
        ),
    ),
    "classification": (
        (
            ("done", "total"),
            lambda c: (
                f"Categorizing your transactions: {_grouped(c['done'])}"
                f" of {_grouped(c['total'])}..."
            ),
        ),
    ),
    "enrichment": (
        (
            ("added",),
            lambda c: f"Adding context to your data: {count(c['added'], 'detail')} so far...",
        ),
    ),
    "complete": (
        (
            ("filename", "took"),
            lambda c: f"Done! I've processed {c['filename']} successfully in {c['took']}",
        ),
    ),
    "error": ((("reason",), lambda c: f"Oops, something went wrong: {c['reason']}"),),
    "uploading": (
        (("filename", "arrived", "size"), _on_its_way),
        (("filename", "arrived"), _on_its_way),
    ),
    "received": ((("filename",), lambda c: f"{c['filename']} is here and safe"),),
    "started": ((("filename",), lambda c: f"Starting on {c['filename']}..."),),
    "resumed": ((("filename",), lambda c: f"Picking up where I left off with {c['filename']}"),),
    "batch_completed": ((("jobs", "completed"), _batch_end),),
    "malware_scan": (
        (("filename",), lambda c: f"Checking {c['filename']} for anything harmful..."),
    ),
    "scan_clean": ((("filename",), lambda c: f"Nothing harmful found in {c['filename']}"),),
    "duplicate_none": ((("filename",), lambda c: f"I haven't seen {c['filename']} before"),),
    "fields_found": (
        (
            ("columns", "header_line"),
            lambda c: (
                f"Found {count(c['columns'], 'column')}, with their names on line"
                f" {_grouped(c['header_line'])}"
            ),
        ),
        (("columns",), lambda c: f"Found {count(c['columns'], 'column')} without names"),
    ),
    "delta_analysis": (
        (
            ("rows_done", "rows_total"),
            lambda c: (
                f"Comparing with everything I already know: {_grouped(c['rows_done'])}"
                f" of {count(c['rows_total'], 'row')}..."
            ),
        ),
    ),
    "stored": (
        (
            ("new_rows", "existing_rows"),
            lambda c: (
                f"Saved {count(c['new_rows'], 'new row')},"
                f" left out {_grouped(c['existing_rows'])} I already had"
            ),
        ),
        (("new_rows",), lambda c: f"Saved {count(c['new_rows'], 'new row')}"),
    ),
    "page_reading": (
        (
            ("page", "pages"),
            lambda c: f"Reading page {_grouped(c['page'])} of {_grouped(c['pages'])}...",
        ),
    ),
    "likeness_compared": (
        (
            ("filled",),
            lambda c: f"The one I have got {count(c['filled'], 'field')} that it lacked",
        ),
        (("near",), lambda c: f"I have {count(c['near'], 'document')} like it"),
    ),
    "saving": (
        (
            ("pages_done", "pages_total"),
            lambda c: (
                f"Saving what I read: {_grouped(c['pages_done'])}"
                f" of {count(c['pages_total'], 'page')}..."
            ),
        ),
    ),
    "document_saved": ((("pages_done",), lambda c: f"Saved {count(c['pages_done'], 'page')}"),),
    "pages_read": (
        (
            ("pages_done", "zones_found"),
            lambda c: (
                f"Read {count(c['pages_done'], 'page')} with {count(c['zones_found'], 'zone')}"
            ),
        ),
    ),
    "queued": (
        (("ahead", "starts_in"), lambda c: f"{_before(c)}, begins in about {_about(c)}"),
        (("ahead",), lambda c: _before(c)),
    ),
    "answered": ((("by", "answer"), lambda c: f"{c['by']} answered: {c['answer']}"),),
    "expired": (
        (("answer",), lambda c: f"Nobody answered in time, so I took the safe way: {c['answer']}"),
    ),
    "unpacking": (
        (
            ("files_done",),
            lambda c: f"Unpacking the archive: {count(c['files_done'], 'file')} so far...",
        ),
    ),
    "zone_processing": (
        (
            ("zone", "zones"),
            lambda c: f"Processing zone {_grouped(c['zone'])} of {_grouped(c['zones'])}",
        ),
        (("zone",), lambda c: f"Processing zone {_grouped(c['zone'])}"),
    ),
    "zone_completed": (
        (
            ("zone", "zones"),
            lambda c: f"Zone {_grouped(c['zone'])} of {_grouped(c['zones'])} is done",
        ),
        (("zone",), lambda c: f"Zone {_grouped(c['zone'])} is done"),
    ),
    "model_answered": ((("model",), lambda c: f"{c['model']} has answered"),),
    "unpacked": ((("files",), lambda c: f"Unpacked {count(c['files'], 'file')}"),),
    "placing": (
        (
            ("files_done", "files_total"),
            lambda c: (
                f"Putting the files from the archive beside it: {_grouped(c['files_done'])}"
                f" of {_grouped(c['files_total'])}..."
            ),
        ),
    ),
    "placed": (
        (
            ("filename", "files"),
            lambda c: f"{count(c['files'], 'file')} from {c['filename']} in your list now",
        ),
    ),
    "undone": (
        (
            ("filename", "rows"),
            lambda c: (
                f"Taken back: {count(c['rows'], 'row')} of {c['filename']}"
                if int(c["rows"])
                else f"Taken back: everything {c['filename']} stored is gone again"
            ),
        ),
    ),
}
"""For each step, the sentences used when the context has all the keys named; first match wins."""
