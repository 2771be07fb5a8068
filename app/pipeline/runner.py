"""Takes jobs from the log, a bounded number at once, and brings each of them to an end."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from app.core.errors import AppError, Conflict, InvalidRequest, NotFound, ShuttingDown
from app.core.events import BatchCompleted, JobRetried
from app.core.messages import friendly_message
from app.core.plans import PLANS, TRANSACTIONS
from app.core.state import is_finished
from app.pipeline.errands import run_errand
from app.pipeline.jail import InForce
from app.pipeline.job import JobRun
from app.pipeline.patient import PatientJournal, Stopping
from app.pipeline.queue import Turns
from app.pipeline.report import Journal, Report
from app.pipeline.shop import ServerStep, Shop
from app.pipeline.workers import Workers
from app.settings import Settings
from app.store.batches import status_counts
from app.store.checkpoints import checkpoints_of, drop_checkpoints
from app.store.database import Database
from app.store.jobs import JobRow, get_job
from app.store.waiting import (
    batch_has_ended_untold,
    batches_ended_untold,
    next_jobs,
    those_that_may_go_on,
    undos_begun,
)
from app.tasks import running

logger = logging.getLogger(__name__)
T = TypeVar("T")

AGAIN_AFTER_S = 1.0


@dataclass(slots=True)
class _Hand:
    run: JobRun
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Runner:
    """Works on the jobs of the log while it is entered as a context.

    readers   by step, and "undo": "module:function", run in a worker process
    server_steps  steps that run in the server: see Shop
    path_of   where the file with a SHA-256 is stored
    preload   what the workers share: "module", or "module:function" to call one at the start

    The table of jobs is the queue: nothing waits in memory. `wake` tells that something was added.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        journal: Journal,
        readers: Mapping[str, str],
        path_of: Callable[[str], Path],
        *,
        server_steps: Mapping[str, ServerStep] | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._database = database
        self._log = journal  # where somebody waits for the answer a full disk is told at once
        self._journal = PatientJournal(journal)
        self._workers = Workers(preload)
        self._shop = Shop(
            settings=settings,
            database=database,
            journal=self._journal,
            report=Report(self._journal),
            workers=self._workers,
            readers=readers,
            server_steps=server_steps or {},
            path_of=path_of,
            records_turn=asyncio.Lock(),
        )
        self._turns = Turns()
        self._hands: dict[str, _Hand] = {}
        self._held: set[str] = set()  # being cancelled, retried or undone
        self._given_up: set[str] = set()  # whose very end could not be written
        self._errands: set[asyncio.Task[Any]] = set()
        self._settling = asyncio.Lock()
        self._wake = asyncio.Event()
        self._wake.set()
        self._mended = asyncio.Event()  # leftover folders are swept
        self._stopping = False
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Runner":
        """Begin to warm up the workers, mend what a crash left, and go on with unfinished jobs."""
        await self._stack.enter_async_context(self._workers)
        await self._stack.enter_async_context(running(self._main(), name="runner"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop within `shutdown_timeout_s`. Jobs stay as their last checkpoint left them."""
        self._stopping = True
        self._journal.stop()
        for hand in self._hands.values():
            hand.run.halt("stop")
        ends = [asyncio.ensure_future(hand.ended.wait()) for hand in self._hands.values()]
        if waiting := {*ends, *self._errands}:
            # Half of the time is left for closing the processes.
            _, late = await asyncio.wait(waiting, timeout=self._settings.shutdown_timeout_s / 2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._stack.aclose()

    async def ready(self) -> int:
        """Wait until workers start at once; return the process id of their fork server."""
        return await self._workers.ready()

    @property
    def held_by(self) -> InForce | None:
        """What readers are held back by; None until it was tried."""
        return self._workers.held_by

    @property
    def active(self) -> int:
        """How many jobs are being worked on."""
        return len(self._hands)

    def wake(self) -> None:
        """Look for new jobs."""
        self._wake.set()

    async def cancel(self, job_id: str, by: str) -> None:
        """End a job that has not ended; whatever it stored is taken back.

        Raises NotFound, Conflict when it has ended, ShuttingDown.
        """
        await self._own(self._cancel(job_id, by))

    async def retry(self, job_id: str, by: str, from_step: str | None = None) -> None:
        """Queue a failed or cancelled job again, from its first unfinished step or `from_step`.

        Raises NotFound, Conflict when it has not ended that way, InvalidRequest for a step that
        the job has not reached, StorageFull.
        """
        await self._own(self._retry(job_id, by, from_step))

    async def undo(self, job_id: str, by: str) -> int:
        """Take back what a completed job stored; return the number of rows.

        Raises NotFound, Conflict when there is nothing to take back, or what stopped the worker.
        """
        return await self._own(self._undo(job_id, by))

    async def errand(self, user_id: str, target: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Run the reader `target` ("module:function") for a person, while no job writes rows.

        options  its task's options; it has no file. Runs to its end, even when whoever asked
                 has left. Raises what it raises, or what stopped its worker, and ShuttingDown.
        """
        return await self._own(self._errand(user_id, target, options))

    # The queue

    async def _main(self) -> None:
        await self._until_readable(self._mend)
        self._mended.set()
        async with asyncio.TaskGroup() as jobs:
            while not self._stopping:
                await self._wake.wait()
                self._wake.clear()
                await self._until_readable(partial(self._take, jobs))

    async def _until_readable(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `work`, again and again while the database refuses."""
        while True:
            try:
                return await work()
            except sqlite3.Error:
                logger.exception("the queue can not be read; trying again")
                await asyncio.sleep(AGAIN_AFTER_S)
            except Stopping:
                return None

    async def _take(self, jobs: asyncio.TaskGroup) -> None:
        """Begin as many jobs as there are workers free."""
        while len(self._hands) < self._settings.workers and not self._stopping:
            await self._journal.room.wait()
            busy = [*self._hands, *self._held, *self._given_up]
            waiting = await next_jobs(self._database.reader, busy)
            job_id = self._turns.next(waiting)
            if job_id is None:
                return
            row = await get_job(self._database.reader, job_id)
            # Somebody may have begun to cancel it while we looked.
            if row is None or is_finished(row.state) or job_id in self._held or self._stopping:
                continue
            hand = self._hands[job_id] = _Hand(JobRun(self._shop, row))
            jobs.create_task(self._work(hand, row), name=f"job {job_id}")

    async def _work(self, hand: _Hand, row: JobRow) -> None:
        try:
            await hand.run.run()
            await self._after(row)
        except Stopping:
            pass
        except Exception:  # the job's end could not be written: it is taken up at the next start
            logger.exception("job given up until the next start: job=%s", row.id)
            self._given_up.add(row.id)
        finally:
            del self._hands[row.id]
            hand.ended.set()
            self._wake.set()

    async def _after(self, row: JobRow) -> None:
        """Clear up after a job that ended, and tell the end of its batch."""
        state = await self._journal.state(row.id)
        if state is None or not is_finished(state):
            return
        if not (state["error"] or {}).get("retryable"):
            await asyncio.to_thread(_remove, self._settings.work_dir / row.id)
        if row.batch_id is not None:
            await self._settle(row.batch_id)

    async def _settle(self, batch_id: str) -> None:
        """Tell that the batch has ended, if it has and nobody said so."""
        async with self._settling:
            if not await batch_has_ended_untold(self._database.reader, batch_id):
                return
            counts = await status_counts(self._database.reader, batch_id)
            jobs = sum(counts.values())
            facts = {"jobs": jobs, "completed": counts.get("completed", 0)}
            await self._journal.append(
                BatchCompleted(
                    batch_id=batch_id,
                    jobs=jobs,
                    counts=counts,
                    message=friendly_message("batch_completed", facts),
                )
            )

    async def _mend(self) -> None:
        """Finish what a crash interrupted between two writes."""
        for batch_id in await batches_ended_untold(self._database.reader):
            await self._settle(batch_id)
        for job_id in await undos_begun(self._database.reader):
            try:
                await self._undo(job_id, by="")
            except AppError as error:  # not now, or somebody asked for it again already
                logger.warning("undo not ended: job=%s code=%s", job_id, error.code)
        folders = await asyncio.to_thread(_folders, self._settings.work_dir)
        needed = await those_that_may_go_on(self._database.reader, sorted(folders))
        for name in folders.keys() - needed:
            await asyncio.to_thread(_remove, folders[name])

    # What people ask for

    async def _errand(
        self, user_id: str, target: str, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        await self._mended.wait()
        return await run_errand(self._shop, user_id, target, options)

    async def _cancel(self, job_id: str, by: str) -> None:
        hand = self._hands.get(job_id)
        if hand is None:
            async with self._holding(job_id) as row:
                if is_finished(row.state):
                    raise _ended_already(row)
                await JobRun(self._shop, row).cancel(by)
                await self._after(row)
            return
        hand.run.halt("cancel", by)
        await hand.ended.wait()
        row = await self._row(job_id)
        if not is_finished(row.state):
            raise ShuttingDown
        if row.status != "cancelled":
            raise _ended_already(row)

    async def _retry(self, job_id: str, by: str, from_step: str | None) -> None:
        async with self._holding(job_id) as row:
            if row.status not in ("error", "cancelled"):
                raise Conflict(
                    what=f"{row.filename} has not failed, so there is nothing to try again",
                    todo="Only files that failed or were cancelled can be tried again.",
                )
            plan = PLANS.get(row.state["plan"], TRANSACTIONS)
            done = await checkpoints_of(self._database.reader, job_id)
            left = [step for step in plan.step_keys if step not in done]
            first = left[0] if left else plan.step_keys[-1]
            step = first if from_step is None else from_step
            upto = plan.step_keys.index(first) + 1
            if step not in plan.step_keys[:upto]:
                reached = ", ".join(plan.step_keys[:upto])
                raise InvalidRequest(what=f"from_step has to be one of {reached}")
            again = plan.step_keys[plan.step_keys.index(step) :]
            if "storing" in again and step != first:
                # What is read anew must not meet its own rows of the last time.
                await JobRun(self._shop, row).forget_stored()
            async with self._settling:
                await self._log.append(
                    JobRetried(
                        job_id=job_id,
                        by=by,
                        attempt=row.state["attempt"] + 1,
                        from_step=step,
                        stage=plan.stage_of(step).key,
                        step=step,
                        progress=plan.progress(step, 0.0),
                        message=friendly_message("retried"),
                    ),
                    also=lambda connection: drop_checkpoints(connection, job_id, again),
                )
        self._given_up.discard(job_id)
        self._wake.set()

    async def _undo(self, job_id: str, by: str) -> int:
        async with self._holding(job_id) as row:
            if row.status != "completed":
                raise Conflict(
                    what=f"{row.filename} has stored nothing that could be taken back",
                    todo="Only files that were read to their end can be taken back.",
                )
            if row.undone:
                raise Conflict(
                    what=f"{row.filename} was taken back already",
                    todo="Upload it again if you want its rows back.",
                )
            rows = await JobRun(self._shop, row).undo(by)
            await self._after(row)
            return rows

    @asynccontextmanager
    async def _holding(self, job_id: str) -> AsyncIterator[JobRow]:
        """Keep the job out of the queue. Raises Conflict when it is in use, NotFound."""
        if job_id in self._held or job_id in self._hands:
            raise Conflict(
                what="This file is being worked on right now",
                todo="Wait a moment and try again.",
            )
        self._held.add(job_id)
        try:
            yield await self._row(job_id)
        finally:
            self._held.discard(job_id)
            self._wake.set()

    async def _row(self, job_id: str) -> JobRow:
        row = await get_job(self._database.reader, job_id)
        if row is None:
            raise NotFound(what="file")
        return row

    async def _own(self, errand: Coroutine[Any, Any, T]) -> T:
        """Run `errand` to its end, even when whoever asked for it has left."""
        if self._stopping:
            errand.close()
            raise ShuttingDown
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        try:
            return await asyncio.shield(task)
        except Stopping as error:
            raise ShuttingDown from error


def _ended_already(row: JobRow) -> Conflict:
    return Conflict(
        what=f"{row.filename} has ended already, so it can not be cancelled",
        todo="If it stored something that you do not want, undo it.",
    )


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _folders(work_dir: Path) -> dict[str, Path]:
    """Return the working folders that are there, by the id of their job."""
    return {folder.name: folder for folder in work_dir.iterdir()} if work_dir.is_dir() else {}
