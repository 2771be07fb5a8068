"""The friendly sentence of every step. One pure function, `friendly_message`, that never raises."""

from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, Any]
Phrase = Callable[[str, Context | None], str]
"""Makes the sentence of a step out of facts, as `friendly_message` does."""

FIXED: Mapping[str, str] = {
    "initializing_streaming": "Getting ready to read your file...",
    "duplicate_check": "Checking if I've seen this file before...",
    "field_detection": "Analyzing the structure of your data...",
    "platform_detection": "Figuring out where this data came from...",
    "document_classification": "Understanding what type of document this is...",
    "starting_transaction": "Setting up secure storage for your data...",
    "storing": "Saving your file details...",
    "extracting": "Reading through your data...",
    "processing_decision": "Processing your request...",
    "duplicate_found": "Found an exact match - I've processed this before",
    "near_duplicate_found": "Found a similar file - let me compare them",
    "content_duplicate_found": "This data overlaps with something I already have",
    "delta_analysis_complete": "Spotted the differences in your data",
    "entity_resolution": "Matching entities across your data...",
    "classification": "Categorizing your transactions...",
    "enrichment": "Adding context to your data...",
    "complete": "Done! I've processed your file successfully",
    "error": "Oops, something went wrong",
}
"""The 18 predefined steps. Clients know these sentences by heart: their wording never changes."""

OWN: Mapping[str, str] = {
    "uploading": "Your file is on its way...",
    "received": "Your file is here and safe",
    "started": "Starting on your file...",
    "resumed": "Picking up where I left off...",
    "malware_scan": "Checking your file for anything harmful...",
    "scan_clean": "Nothing harmful found in your file",
    "duplicate_none": "I haven't seen this file before",
    "platform_unknown": "I don't recognize where this came from, so I go by its columns",
    "fields_found": "I understand the structure of your data",
    "delta_analysis": "Comparing your data with everything I already know...",
    "stored": "Your data is saved",
    "plan_chosen": "Now I know what kind of work this is",
    "plan_extended": "Steps of plugins come with it",
    "document_kind": "Finding out what kind of document this is...",
    "page_reading": "Reading the pages...",
    "pages_read": "I have read the pages",
    "field_reading": "Looking for number, dates and amounts...",
    "model_reading": "Asking further readers...",
    "models_none": "No further readers were asked",
    "models_read": "Further readers have answered",
    "field_check": "Checking what I read...",
    "fields_checked": "I checked what I read",
    "fields_edited": "Corrected by hand",
    "rows_edited": "Rows were changed by hand",
    "template_used": "I know this vendor's invoices",
    "likeness": "Comparing with documents I know...",
    "likeness_compared": "I have nothing like it",
    "saving": "Saving what I read...",
    "document_saved": "Your document is saved",
    "indexing": "Making it searchable...",
    "unpacking": "Unpacking the archive...",
    "left_out": "I have this document already, so I left this copy of it out",
    "unpacked": "The archive is unpacked",
    "placing": "Putting the files from the archive beside it...",
    "placed": "The files from the archive are in your list",
    "queued": "Waiting for its turn",
    "pause_requested": "I pause as soon as this step is done...",
    "pause_withdrawn": "Going on without a pause",
    "cancel_requested": "Stopping, and taking back what is stored already...",
    "answered": "Thank you for the answer",
    "expired": "Nobody answered in time",
    "paused": "Paused",
    "resumed_waiting": "Waiting for your answer again",
    "priority_high": "Goes before your other files now",
    "priority_normal": "Takes its usual turn again",
    "priority_low": "Goes behind your other files now",
    "deleted": "A file was deleted, with everything that was read out of it",
    "resumed_by_person": "In the queue again",
    "undone": "Taken back: everything this file stored is gone again",
    "retried": "Trying again from where it stopped...",
    "cancelled": "Cancelled. Nothing of this file is stored",
    "cancelled_outside": "Cancelled. Whoever works on it is told",
    "cancelled_by_worker": "Cancelled by whoever worked on it",
    "zone_processing": "Processing a zone...",
    "zone_completed": "A zone is done",
    "model_answered": "A model has answered",
    "expected": "Waiting for whoever works on it",
    "resumed_outside": "Going on",
    "batch_completed": "All your files are done",
    "export_started": "Putting your export together...",
    "exporting": "Writing your export...",
    "exported": "Your export is ready",
    "export_failed": "Your export could not be made",
}
"""Sentences for our own further steps, in the same voice."""


def count(number: object, singular: str, plural: str | None = None) -> str:
    """Return a grouped number with its noun: "1 new row", "12,960 rows"."""
    value = int(number)  # type: ignore[call-overload]
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


SIZES = ("KB", "MB", "GB", "TB")


def size_text(size_bytes: int) -> str:
    """Return a size as people know it: "640 bytes", "1.9 MB", "640 KB"; a kilobyte is 1000."""
    if size_bytes < 1000:
        return count(size_bytes, "byte")
    value = float(size_bytes)
    for unit in SIZES:
        value /= 1000
        if value < 999.5 or unit == SIZES[-1]:
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{nearest(value)} {unit}"


def nearest(value: float) -> int:
    """Round a half up, as the script does."""
    return int(value + 0.5)


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


def friendly_message(step: str, context: Context | None = None) -> str:
    """Return the sentence that tells a person what `step` is doing.

    context  facts such as {"filename": "expenses.csv"}; unknown keys are ignored, and a value
             that can not be put into words falls back to the step's plain sentence; for a step
             of a plugin `says` is the sentence

    Never raises: a message must not stop the work it speaks of. docs/messages.md lists the
    sentences and the facts of each.
    """
    facts = context or {}
    for keys, phrase in VARIANTS.get(step, ()):
        if all(facts.get(key) is not None for key in keys):
            try:
                return phrase(facts)
            except (ArithmeticError, LookupError, TypeError, ValueError):
                break
    plain = FIXED.get(step) or OWN.get(step) or facts.get("says")
    return str(plain) if plain else f"Working on {step.replace('_', ' ').strip() or 'your file'}..."


def has_own_sentence(step: str) -> bool:
    """Tell whether `step` is known here: any other is told in its own words."""
    return step in FIXED or step in OWN


def took(duration_ms: int) -> str:
    """Return a duration for a sentence: "0.9 s", "41 s", "2 min 5 s"."""
    if duration_ms < 10_000:
        return f"{duration_ms / 1000:.1f} s"
    seconds = round(duration_ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
