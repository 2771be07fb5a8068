"""Step 4: which columns there are, and what each of them holds."""

from collections.abc import Sequence

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class FieldDetection(Work):
    """How the table is built."""

    key = "field_detection"

    def after(self, task: Task, found: Found) -> Sequence[Said]:
        return (Said(self.key, {"columns": len(found.get("columns", ()))}),)

    def closing(self, task: Task, found: Found) -> Said:
        columns = found.get("columns", ())
        facts = {"columns": len(columns), "header_line": found.get("header_line")}
        names = [column.get("name") for column in columns[:50]]
        return Said("fields_found", facts, {"column_names": names})
