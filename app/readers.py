"""Who does the work of each step: functions of reading/, and what is loaded before the first job.

By name: they and what they need are loaded in worker processes only.
"""

READERS = {
    "initializing_streaming": "app.reading.identify:identify",
    "malware_scan": "app.reading.scan:scan",
    "document_kind": "app.reading.document_kind:find_kind",
    "field_reading": "app.reading.field_reading:read_fields",
    "field_detection": "app.reading.fields:detect_fields",
    "platform_detection": "app.reading.platforms:detect_platform",
    "document_classification": "app.reading.kinds:classify_document",
    "extracting": "app.reading.extract:extract",
    "delta_analysis": "app.reading.delta:compare",
    "storing": "app.reading.save:store",
    "entity_resolution": "app.reading.entities:resolve",
    "classification": "app.reading.categories:categorise",
    "enrichment": "app.reading.summary:summarise",
    "page_reading": "app.reading.pages:read_pages",
    "field_check": "app.reading.field_check:check",
    "likeness": "app.reading.likeness:compare_documents",
    "saving": "app.reading.saving:save_document",
    "indexing": "app.reading.saving:index",
    "unpacking": "app.reading.unpack:unpack",
    "undo": "app.reading.save:undo",
}
# Done because somebody asked: see web/rules.py, web/vendors.py, web/exports.py, web/drawer.py.
LEARN = "app.reading.learning:refit"
EXPORT = "app.reading.export:export"
ASKED_FOR = (
    "app.reading.corrections",
    "app.reading.learning",
    "app.reading.pictures",
    "app.reading.vendors",
)
# What is named with its function is made once, before the fork, and shared by every worker.
PRELOADED = (
    *sorted({name.partition(":")[0] for name in (*READERS.values(), EXPORT)}),
    *ASKED_FOR,
    "app.reading.rules:rule_count",
    "app.reading.classifier:trained",
)
