"""Step 11: giving each row a category, with its reason."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class Classification(Work):
    """What the money was for."""

    key = "classification"
    records = True

    def under_way(self, told: Told) -> Said:
        return Said(self.key, {"done": told.done, "total": told.total, **told.context})

    def closing(self, task: Task, found: Found) -> Said:
        # Rows that wait for a person's look were gone through too.
        review = int(found.get("review", 0))
        rows = int(found.get("categorised", 0)) + review
        return Said(self.key, {"done": rows, "total": rows}, {"review": review})

    def summary(self, task: Task, found: Found) -> str:
        done, review = int(found.get("categorised", 0)), int(found.get("review", 0))
        return f"{done:,} categorized, {review:,} to review" if review else f"{done:,} categorized"
