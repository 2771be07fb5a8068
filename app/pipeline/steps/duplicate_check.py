"""Step 2: whether the very same bytes were processed before. The log knows; no reader is needed."""

from datetime import UTC, datetime

from app.core.reading import Task
from app.core.state import JobState
from app.core.times import ms_from_iso
from app.pipeline.steps.work import Found, Said, Work


class DuplicateCheck(Work):
    """Whether this file is new."""

    key = "duplicate_check"

    def closing(self, task: Task, found: Found) -> Said:
        return Said("duplicate_none")

    def summary(self, task: Task, found: Found) -> str:
        return ""


def found_before(earlier: JobState) -> Said:
    """Return what is said about a file that `earlier` has stored already."""
    seen = datetime.fromtimestamp(ms_from_iso(earlier["created_at"]) / 1000, UTC)
    return Said(
        "duplicate_found",
        {"seen_on": f"{seen.day} {seen:%B %Y}"},
        {"duplicate_of": earlier["job_id"]},
    )
