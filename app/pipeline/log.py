"""What the pipeline needs of the log: to append to it, and a job's state."""

import sqlite3
from collections.abc import Callable
from typing import Protocol

from app.core.events import Event
from app.core.state import JobState


class Journal(Protocol):
    """What the pipeline needs of the log."""

    async def append(
        self,
        *drafts: Event,
        user_id: str | None = None,
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> object:
        """Write the drafts in one transaction with what `also` writes; return after the commit."""

    async def state(self, job_id: str) -> JobState | None:
        """Return the job's committed state; None when there is no such job."""
