"""The question before a step that stores: with the option `auto_save: false` people decide."""

from collections.abc import Mapping
from typing import Any

from app.core.asking import DISCARD, Choice, Question
from app.core.reading import Task

SAVE = "save"


def asked_to_save(task: Task, what: str, evidence: Mapping[str, Any]) -> Question | None:
    """Return the question whether to store; None where it is stored without asking.

    what      what would be stored, in words: "12 new rows"
    evidence  counts and whatever else helps to decide
    """
    if task["options"].get("auto_save", True):
        return None
    return Question(
        key=SAVE,
        kind="save",
        text=f"Save {what} of {task['filename']}?",
        choices=(
            Choice(SAVE, "Save", f"{what[:1].upper()}{what[1:]} will be stored."),
            Choice(DISCARD, "Discard", "Nothing is stored, and the job ends."),
        ),
        default=DISCARD,
        evidence=dict(evidence),
    )
