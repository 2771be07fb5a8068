"""What is to become of something that is stored already: as was wished, or as somebody answered."""

from typing import Any, Literal

from app.core.asking import DUPLICATE
from app.core.reading import Task

OnDuplicate = Literal["ask", "skip", "keep", "merge"]
"""ask    a person decides
skip   known rows, exact copies and invoices that are certainly the same are left out
keep   everything is stored once more
merge  only what is new is stored: new rows, and fields that the stored document lacks
"""
Decision = Literal["skip", "keep", "merge"]


def decision_of(task: Task) -> Decision | None:
    """Return what is to be done; None when a person is to be asked, and has not answered yet."""
    wish: Any = task["options"].get("on_duplicate", "skip")
    if wish == "ask":
        wish = task["answers"].get(DUPLICATE)
    match wish:
        case "skip" | "keep" | "merge":
            return wish  # type: ignore[no-any-return]
        case _:
            return None
