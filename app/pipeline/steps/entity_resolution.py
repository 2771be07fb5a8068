"""Step 10: bringing the names of vendors together."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class EntityResolution(Work):
    """Who was paid, or who paid."""

    key = "entity_resolution"
    records = True

    def under_way(self, told: Told) -> Said:
        return Said(self.key, {"matched": told.done, "total": told.total, **told.context})

    def closing(self, task: Task, found: Found) -> Said:
        facts = {"matched": int(found.get("matched", 0)), "total": int(found.get("total", 0))}
        return Said(self.key, facts, {"vendors": found.get("vendors")})
