"""Reading the pages of a document: words, zones, tables."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class PageReading(Work):
    """Every page, zone by zone."""

    key = "page_reading"

    def is_heavy(self, task: Task) -> bool:
        return bool(task["found"]["initializing_streaming"].get("kind") == "image")

    def under_way(self, told: Told) -> Said:
        facts = {"page": told.context.get("pages_done"), "pages": told.total}
        return Said(self.key, {**told.context, **facts})

    def closing(self, task: Task, found: Found) -> Said:
        facts = {"pages_done": int(found.get("pages", 0)), "zones_found": found.get("zones")}
        return Said("pages_read", facts, {"zone_kinds": found.get("kinds", {})})

    def summary(self, task: Task, found: Found) -> str:
        pages, read = int(found.get("pages", 0)), int(found.get("read", 0))
        if read < pages:
            return f"{read:,} of {count(pages, 'page')}"
        return f"{count(pages, 'page')}, {count(int(found.get('zones', 0)), 'zone')}"
