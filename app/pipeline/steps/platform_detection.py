"""Step 5: which bank or service the file comes from."""

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class PlatformDetection(Work):
    """Where the data comes from."""

    key = "platform_detection"

    def closing(self, task: Task, found: Found) -> Said:
        name = found.get("name")
        if name is None:
            return Said("platform_unknown")
        return Said(self.key, {"platform": name}, {"platform_score": found.get("score")})
