"""Step 7: reading the rows."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class Extracting(Work):
    """Every row, read and normalised."""

    key = "extracting"

    def under_way(self, told: Told) -> Said:
        # What is done and total are bytes; how many rows there are is known with the last of them.
        rows, total = told.context.get("rows_done"), told.context.get("rows_total")
        return Said(self.key, told.context, {"processed": rows, "total": total})

    def closing(self, task: Task, found: Found) -> Said:
        rows, rejected = int(found.get("rows", 0)), int(found.get("rejected", 0))
        facts = {"rows_done": rows, "rows_total": rows, "rejected": rejected}
        return Said(self.key, facts, {"errors": rejected})

    def summary(self, task: Task, found: Found) -> str:
        rejected = int(found.get("rejected", 0))
        rows = count(int(found.get("rows", 0)), "row")
        return f"{rows}, {rejected:,} could not be read" if rejected else rows
