"""How the jobs of sessions stand: what `progress` needs to know beside the event."""

import time
from collections import Counter, OrderedDict, deque
from typing import Any

from app.core.dialects.sessions import (
    Mark,
    end_of_batch,
    mark_after,
    mark_of,
    progress_of_batch,
)
from app.core.dialects.words import Body, Told
from app.core.state import JobState
from app.core.times import iso_from_ms

JOBS_REMEMBERED = 4096
LATEST = 16  # marks of a job: an event may be packed again for others who listen


class Marks:
    """The latest marks of jobs, and of each batch that is followed how all of its jobs stand.

    Events come in order of n when they are live, and from further back when they are replayed; a
    job's newer mark is never overwritten by an older one.
    """

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, deque[Mark]] = OrderedDict()
        self._batches: dict[str, dict[str, Mark]] = {}
        self._followers: Counter[str] = Counter()

    def hold(self, state: JobState) -> None:
        """Remember how a job stands."""
        mark = mark_of(state)
        self._remember(state["job_id"], mark)
        self._tally(state["batch_id"], state["job_id"], mark)

    def after(self, event: Body) -> Mark:
        """Return how the job of `event` stands after it."""
        job_id = event["job_id"]
        marks = self._jobs.get(job_id)
        newest = marks[-1] if marks else None
        if marks and newest is not None and newest.n >= event["n"]:
            for mark in marks:
                if mark.n == event["n"]:
                    return mark
            before = next((mark for mark in marks if mark.n + 1 == event["n"]), newest)
            return mark_after(event, before)
        mark = mark_after(event, newest)
        self._remember(job_id, mark)
        return mark

    def count(self, event: Body) -> None:
        """Let the batch of `event` know."""
        batch = self._batches.get(event["batch_id"])
        if batch is None:
            return
        if event["job_id"] is not None:
            self._tally(event["batch_id"], event["job_id"], self.after(event))
        elif event["type"] == "job_deleted":
            batch.pop(event["deleted"], None)

    def progress(self, batch_id: str) -> dict[str, Any] | None:
        """Return the `progress` of a batch; None of one that nobody follows."""
        batch = self._batches.get(batch_id)
        if batch is None:
            return None
        now = iso_from_ms(time.time_ns() // 1_000_000)
        return progress_of_batch(batch_id, batch.values(), now)

    def end(self, batch_id: str) -> list[Told]:
        """Return how a batch that is followed has ended; nothing while it has not."""
        return end_of_batch(batch_id, self._batches[batch_id].values())

    def follow(self, batch_id: str) -> None:
        """Keep how the jobs of a batch stand, until it is let go as often."""
        self._followers[batch_id] += 1
        self._batches.setdefault(batch_id, {})

    def leave(self, batch_id: str) -> None:
        """Let a batch go."""
        self._followers[batch_id] -= 1
        if self._followers[batch_id] <= 0:
            del self._followers[batch_id]
            self._batches.pop(batch_id, None)

    def _remember(self, job_id: str, mark: Mark) -> None:
        marks = self._jobs.setdefault(job_id, deque(maxlen=LATEST))
        if not marks or marks[-1].n < mark.n:
            marks.append(mark)
        self._jobs.move_to_end(job_id)
        while len(self._jobs) > JOBS_REMEMBERED:
            self._jobs.popitem(last=False)

    def _tally(self, batch_id: str | None, job_id: str, mark: Mark) -> None:
        batch = self._batches.get(batch_id or "")
        if batch is not None and (job_id not in batch or batch[job_id].n < mark.n):
            batch[job_id] = mark
