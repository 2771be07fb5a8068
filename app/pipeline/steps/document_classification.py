"""Step 6: what kind of document it is."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class DocumentClassification(Work):
    """Bank statement, card statement, list of payments and so on."""

    key = "document_classification"

    def closing(self, task: Task, found: Found) -> Said:
        return Said(self.key, {"document_type": found.get("label")})
