"""The steps of an archive: taking it apart, and making its files jobs of the same batch."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class Unpacking(Work):
    """Every file in it, under limits."""

    key = "unpacking"

    def closing(self, task: Task, found: Found) -> Said:
        return Said("unpacked", {"files": len(found.get("files", ()))})

    def summary(self, task: Task, found: Found) -> str:
        return count(len(found.get("files", ())), "file")


class Placed(Work):
    """Each file has a job of its own."""

    key = "placing"

    def closing(self, task: Task, found: Found) -> Said:
        return Said("placed", {"files": int(found.get("files", 0))})

    def summary(self, task: Task, found: Found) -> str:
        return count(int(found.get("files", 0)), "new job")
