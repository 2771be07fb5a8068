"""Step 1: what kind of file this is, by its content."""

from app.core.quantities import size_text
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class Identify(Work):
    """Which kind of file it is."""

    key = "initializing_streaming"

    def closing(self, task: Task, found: Found) -> Said:
        extra = {"media_type": found.get("media_type"), "label": found.get("label")}
        return Said(self.key, extra=extra)

    def summary(self, task: Task, found: Found) -> str:
        return f"{found.get('label', 'File')}, {size_text(task['size'])}"
