"""What a batch's jobs are at, for those who see it as one thing."""

from aiosqlite import Connection

from app.core.state import JobState
from app.store.jobs import list_jobs

PAGE = 50


async def states_of(reader: Connection, batch_id: str) -> list[JobState]:
    """Return the states of all jobs of a batch, that which changed last at the end."""
    states: list[JobState] = []
    before: str | None = None
    while page := await list_jobs(reader, batch_id=batch_id, before_id=before, limit=PAGE):
        states += [job.state for job in page]
        before = page[-1].id
    return sorted(states, key=lambda state: state["last_seq"])
