"""The last steps of a document: storing what was read, and making it searchable."""

from app.core.messages import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class Saving(Work):
    """One transaction for the whole document."""

    key = "saving"
    records = True

    def closing(self, task: Task, found: Found) -> Said:
        facts = {"pages_done": int(found.get("pages", 0))}
        return Said("document_saved", facts, {"fields": found.get("fields")})

    def summary(self, task: Task, found: Found) -> str:
        return count(int(found.get("pages", 0)), "page")


class Indexing(Work):
    """Its words can be looked for."""

    key = "indexing"
    records = True
