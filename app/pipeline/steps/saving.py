"""The last steps of a document: storing what was read, and making it searchable."""

from app.core.asking import Question
from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.preview import asked_to_save
from app.pipeline.steps.work import Found, Said, Work


class Saving(Work):
    """One transaction for the whole document."""

    key = "saving"
    records = True

    def asks_first(self, task: Task) -> Question | None:
        """What was read, where people want to see it before anything is stored."""
        found = task["found"]
        pages = int(found.get("page_reading", {}).get("pages", 0))
        check = found.get("field_check") or found.get("field_reading") or {}
        evidence = {
            "pages": pages,
            "fields": {name: one.get("value") for name, one in check.get("fields", {}).items()},
            "line_items": len(check.get("line_items", ())),
        }
        return asked_to_save(task, count(pages, "page"), evidence)

    def closing(self, task: Task, found: Found) -> Said:
        facts = {"pages_done": int(found.get("pages", 0))}
        return Said("document_saved", facts, {"fields": found.get("fields")})

    def summary(self, task: Task, found: Found) -> str:
        return count(int(found.get("pages", 0)), "page")


class Indexing(Work):
    """Its words can be looked for."""

    key = "indexing"
    records = True
