"""Step 1: what kind of file this is, by its content."""

from app.core.messages import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work

UNITS = ("bytes", "KB", "MB", "GB")


class Identify(Work):
    """Which kind of file it is."""

    key = "initializing_streaming"

    def closing(self, task: Task, found: Found) -> Said:
        extra = {"media_type": found.get("media_type"), "label": found.get("label")}
        return Said(self.key, extra=extra)

    def summary(self, task: Task, found: Found) -> str:
        return f"{found.get('label', 'File')}, {human_size(task['size'])}"


def human_size(size_bytes: int) -> str:
    """Return a size for a person: "812 bytes", "1.9 MB"."""
    size = float(size_bytes)
    unit = UNITS[0]
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    return count(size_bytes, "byte") if unit == UNITS[0] else f"{size:.1f} {unit}"
