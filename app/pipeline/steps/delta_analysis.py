"""Step 8: which rows are new, and which are known from earlier files."""

from collections.abc import Sequence

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work
from app.pipeline.worker import Told


class DeltaAnalysis(Work):
    """What this file adds to what is there."""

    key = "delta_analysis"
    records = True

    def under_way(self, told: Told) -> Said:
        return Said(self.key, {"rows_done": told.done, "rows_total": told.total, **told.context})

    def after(self, task: Task, found: Found) -> Sequence[Said]:
        known = int(found.get("existing_rows", 0))
        overlap = (Said("content_duplicate_found", {"overlap_rows": known}),) if known else ()
        return (*overlap, self.closing(task, found))

    def closing(self, task: Task, found: Found) -> Said:
        facts = {
            "new_rows": int(found.get("new_rows", 0)),
            "existing_rows": int(found.get("existing_rows", 0)),
        }
        return Said("delta_analysis_complete", facts)

    def summary(self, task: Task, found: Found) -> str:
        new, known = int(found.get("new_rows", 0)), int(found.get("existing_rows", 0))
        return f"{new:,} new, {known:,} known" if known else count(new, "new row")
