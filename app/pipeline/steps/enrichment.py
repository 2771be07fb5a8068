"""Step 12: totals, periods and the vendors that matter most."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class Enrichment(Work):
    """What the rows amount to."""

    key = "enrichment"
    records = True

    def under_way(self, told: Told) -> Said:
        return Said(self.key, {"added": told.done, **told.context})

    def closing(self, task: Task, found: Found) -> Said:
        return Said(self.key, {"added": int(found.get("added", 0))})
