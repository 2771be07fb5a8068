"""Step 2: whether the very same bytes were processed before. The log knows; no reader is needed."""

from datetime import UTC, datetime

from app.core.asking import DUPLICATE, Choice, Question
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
    return Said(
        "duplicate_found", {"seen_on": _seen_on(earlier)}, {"duplicate_of": earlier["job_id"]}
    )


def ask_about_copy(task: Task, earlier: JobState) -> Question:
    """Return the question what to do with a file that `earlier` has stored already."""
    copy = {
        "job_id": earlier["job_id"],
        "filename": earlier["filename"],
        "score": 1.0,
        "certain": True,
        "seen_at": earlier["created_at"],
    }
    return Question(
        key=DUPLICATE,
        kind="duplicate",
        # Without its name: whoever follows this file alone learns nothing of others.
        text=f"{task['filename']} is an exact copy of a file of {_seen_on(earlier)}."
        " What shall I do with it?",
        choices=(
            Choice("skip", "Leave it out", "Nothing of it is stored."),
            Choice("keep", "Store it again", "All of it is stored once more."),
            Choice("merge", "Merge", "It is read again, and only what is new is stored."),
        ),
        default="skip",
        suggested="skip",
        evidence={"this": {"filename": task["filename"]}, "near": [copy]},
    )


def _seen_on(earlier: JobState) -> str:
    seen = datetime.fromtimestamp(ms_from_iso(earlier["created_at"]) / 1000, UTC)
    return f"{seen.day} {seen:%B %Y}"
