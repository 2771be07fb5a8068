"""What a step of a plan is: its name, whether a reader does it, and what is said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from app.core.asking import Question
from app.core.reading import Task
from app.pipeline.worker import Told

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A friendly message by its key, the facts it needs, and further details of its event."""

    step: str
    context: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Work:
    """One step. Every sentence also knows `filename`.

    key      the step of the plan, and the name of its reader
    fresh    its process is a new one: no earlier step that a file has got hold of speaks for it
    lets_go  it may take long and needs no rows: others may have their turn at the database
    records  it reads or writes the database of rows, which one job does at a time
    """

    key: str
    records: ClassVar[bool] = False
    fresh: ClassVar[bool] = False
    lets_go: ClassVar[bool] = False

    def is_heavy(self, task: Task) -> bool:
        """Whether it keeps a core and much memory busy: few of these run at the same time."""
        return False

    def asks_first(self, task: Task) -> Question | None:
        """What is to be decided before the step begins: a preview. Its answer DISCARD ends the job.

        None when there is nothing to decide.
        """
        return None

    def before(self, task: Task) -> Sequence[Said]:
        """What is told just before the step begins."""
        return ()

    def opening(self, task: Task) -> Said:
        """What `step_started` says."""
        return Said(self.key)

    def under_way(self, told: Told) -> Said:
        """What is said about a reader's report."""
        return Said(self.key, told.context)

    def after(self, task: Task, found: Found) -> Sequence[Said]:
        """What is told just before the step is completed."""
        return ()

    def closing(self, task: Task, found: Found) -> Said:
        """What `step_completed` says. Its `extra` are the event's details."""
        return Said(self.key)

    def summary(self, task: Task, found: Found) -> str:
        """A few words for the list of stages; "" leaves what stands there."""
        return ""
