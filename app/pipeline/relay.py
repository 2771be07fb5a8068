"""The steps of one job, handed on in one process where they may touch the same.

A process costs more than a quick step does: forking it, its jail, and taking it down again. So a
quick step leaves its process to the next one of the same job. No step ever gets a process that was
confined to less or to more than it may touch, that failed, or that another job has used.
"""

import asyncio
from types import TracebackType
from typing import Any

from app.core.reading import Task
from app.pipeline.worker import Hear, Limits, Worker
from app.pipeline.workers import Workers

IDLE_S = 1.0  # the next step waits for others, or for somebody's answer: memory is given back


class Relay:
    """Runs the steps of one job, one after the other, while it is entered as a context.

    When the context ends, every process that it used is gone.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._rests: Worker | None = None  # waits for the next step
        self._may: tuple[str, str, Limits] | None = None  # what it may touch, and use
        self._timer: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[int | None]] = set()

    async def __aenter__(self) -> "Relay":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until the last process is gone."""
        self._release()
        if self._ends:
            await asyncio.wait(self._ends)

    async def run(self, target: str, task: Task, limits: Limits, hear: Hear) -> dict[str, Any]:
        """Run the reader `target` in the process of the step before, or in a new one.

        As Workers.run; after an error, or a cancel, the process is gone before this returns.
        """
        may = (task["path"], task["work_dir"], limits)
        if may != self._may:
            self._release()
        worker, self._rests, self._may = self._rests, None, may
        self._quiet()
        if worker is None:
            worker = await self._workers.start(task)
        try:
            found = await worker.do(target, task, limits, hear)
        except BaseException:
            await worker.end()
            raise
        self._rests = worker
        if worker.can_go_on:
            self._timer = asyncio.get_running_loop().call_later(IDLE_S, self._release)
        else:
            self._release()
        return found

    def begin_anew(self) -> None:
        """Have the next step run in a process of its own."""
        self._release()

    def _release(self) -> None:
        """Let the process that rests go; nobody need wait for its end."""
        self._quiet()
        worker, self._rests = self._rests, None
        if worker is not None:
            end = asyncio.create_task(worker.end(), name="end of a worker")
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)

    def _quiet(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
