"""Step 9: writing the rows, all of them or none."""

from collections.abc import Sequence

from app.core.asking import Question
from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.preview import asked_to_save
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class Storing(Work):
    """One transaction for the whole file."""

    key = "storing"
    records = True

    def asks_first(self, task: Task) -> Question | None:
        """The delta, where people want to see it before anything is stored."""
        delta = task["found"].get("delta_analysis", {})
        evidence = {
            "new_rows": int(delta.get("new_rows", 0)),
            "existing_rows": int(delta.get("existing_rows", 0)),
            "rejected_rows": int(task["found"].get("extracting", {}).get("rejected", 0)),
        }
        is_kept = task["options"].get("on_duplicate") == "keep"
        rows = evidence["new_rows"] + (evidence["existing_rows"] if is_kept else 0)
        return asked_to_save(task, count(rows, "row" if is_kept else "new row"), evidence)

    def before(self, task: Task) -> Sequence[Said]:
        rows = task["found"].get("extracting", {}).get("rows")
        return (Said("starting_transaction", {"rows": rows}),)

    def under_way(self, told: Told) -> Said:
        # What is done and total are units of work: a row is written, and later its key.
        rows, total = told.context.get("rows_done"), told.context.get("rows_total")
        return Said(self.key, told.context, {"processed": rows, "total": total})

    def closing(self, task: Task, found: Found) -> Said:
        known = int(found.get("known", 0))
        facts = {"new_rows": int(found.get("stored", 0)), "existing_rows": known or None}
        return Said("stored", facts)

    def summary(self, task: Task, found: Found) -> str:
        new, known = int(found.get("stored", 0)), int(found.get("known", 0))
        return f"{new:,} new, {known:,} known" if known else count(new, "new row")
