"""A document's own step: what kind it is, which decides the plan."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class DocumentKind(Work):
    """Invoice, receipt, statement, contract and so on."""

    key = "document_kind"

    def closing(self, task: Task, found: Found) -> Said:
        return Said(
            self.key,
            {"document_type": found.get("label")},
            extra={
                "document_type": found.get("document_type"),
                "evidence": found.get("evidence"),
                "einvoice": found.get("einvoice"),
            },
        )

    def summary(self, task: Task, found: Found) -> str:
        return str(found.get("label", ""))
