"""Checking the fields of an invoice: where readers differ or are unsure, people are asked."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class FieldCheck(Work):
    """Reads and writes what was learned of vendors, in the database of rows."""

    key = "field_check"
    records = True

    def closing(self, task: Task, found: Found) -> Said:
        values = found["fields"].values()
        check = sum(value["status"] == "check" for value in values)
        return Said("fields_checked", {"fields": _found(found), "check": check or None})

    def summary(self, task: Task, found: Found) -> str:
        return count(_found(found), "field")


def _found(found: Found) -> int:
    return sum(value["value"] is not None for value in found["fields"].values())
