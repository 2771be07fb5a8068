"""An invoice's own step: its fields, as the local readers find them."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class FieldReading(Work):
    """Number, dates, amounts and so on: by the e-invoice within the file and by its pages."""

    key = "field_reading"

    def closing(self, task: Task, found: Found) -> Said:
        return Said(
            self.key,
            {"fields_found": len(_found(found))},
            extra={
                "document_type": found.get("document_type"),
                "sources": list(found.get("readings", {})),
                "fields_found": _found(found),
            },
        )

    def summary(self, task: Task, found: Found) -> str:
        return f"{count(len(_found(found)), 'field')} found"


def _found(found: Found) -> list[str]:
    """Return the names of the fields that any reader found, in their order."""
    names: dict[str, None] = {}
    for reading in found.get("readings", {}).values():
        for name, field in reading["fields"].items():
            if field["value"] is not None:
                names.setdefault(name)
    return list(names)
