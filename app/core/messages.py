"""The friendly sentence of every step. One pure function, `friendly_message`, that never raises."""

from collections.abc import Callable, Mapping

from app.core.variants import VARIANTS, Context

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
