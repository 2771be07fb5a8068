"""Takes jobs from the log, a bounded number at once, and brings each of them to an end."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from app.core.errors import AppError
from app.core.messages import Phrase, friendly_message
from app.core.queueing import Place
from app.fairness import FairTurns
from app.pipeline.answers import Answers, Deadlines
from app.pipeline.control import Control, remove_folder
from app.pipeline.errands import RunErrand, Take, run_errand, run_look, run_look_into
from app.pipeline.hands import Hand
from app.pipeline.jail import InForce
from app.pipeline.job import JobRun
from app.pipeline.line import Line
from app.pipeline.log import Journal
from app.pipeline.patient import PatientJournal, Stopping
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.work import server_steps as plugin_steps
from app.pipeline.questions import Recall
from app.pipeline.queue import Turns
from app.pipeline.rates import Rates
from app.pipeline.shop import ServerStep, Shop
from app.pipeline.step_progress import StepProgress
from app.pipeline.steps import STEPS
from app.pipeline.workers import Workers
from app.settings import Settings
from app.store.accounts import now_ms
from app.store.checkpoints import DELETE, IN_HAND
from app.store.database import Database
from app.store.jobs import JobRow, get_job
from app.store.uploads import awaited_ms
from app.store.waiting import (
    batches_ended_untold,
    jobs_with,
    next_jobs,
    steered,
    those_that_may_go_on,
    undos_begun,
)
from app.tasks import running

logger = logging.getLogger(__name__)

AGAIN_AFTER_S = 1.0
CORES_OF_A_HEAVY_STEP = 2
LOOKS_AT_ONCE = 2  # that people asked for; each is a worker beside those of the jobs
RUNS = ("pending", "processing")


class Runner(Control):
    """Works on the jobs of the log while it is entered as a context.

    readers   by step, and "undo": "module:function", run in a worker process
    server_steps  steps that run in the server: see Shop
    recall    what is remembered of earlier answers, see questions.Recall; None: nothing
    plugins   what was added; None: nothing
    path_of   where the file with a SHA-256 is stored
    preload   what the workers share: "module", or "module:function" to call one at the start
    forget_exports  deletes the exports that may hold a job
    forget_file  deletes the file with a SHA-256, unless a job refers to it
    phrase    makes the sentence of a step

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
        recall: Recall | None = None,
        plugins: Plugins | None = None,
        preload: Sequence[str] = (),
        forget_exports: Callable[[JobRow], Awaitable[None]],
        forget_file: Callable[[str], Awaitable[None]],
        phrase: Phrase = friendly_message,
    ) -> None:
        self._settings = settings
        self._workers = Workers(preload)
        patient = PatientJournal(journal)
        self.answers = Answers(database, journal, self.wake)
        self._deadlines = Deadlines(database, patient, self.wake)
        # What plugins add to these two comes once it is known: see _add_plugins.
        self._server_steps = dict(server_steps or {})
        self._steps = dict(STEPS)
        shop = Shop(
            settings=settings,
            database=database,
            journal=patient,
            report=StepProgress(patient, phrase=phrase),
            workers=self._workers,
            readers=readers,
            server_steps=self._server_steps,
            path_of=path_of,
            records_turn=asyncio.Lock(),
            heavy_turn=asyncio.Semaphore(max(1, (os.cpu_count() or 2) // CORES_OF_A_HEAVY_STEP)),
            rates=Rates(database),
            recall=recall or _nothing,
            deadlines=self._deadlines,
            steps=self._steps,
            plugins=plugins or Plugins(),
        )
        super().__init__(shop, journal, forget_exports, forget_file)
        self._line = Line(database, patient, shop.rates, settings.workers, self._busy)
        self._turns = Turns()
        self._looks = FairTurns(LOOKS_AT_ONCE)
        self._changes = FairTurns(1)  # all of them wait for the database of rows
        self._wake.set()
        self._suspects: set[str] = set()  # that a server died with: see _take
        self._swept = asyncio.Event()  # what makes a folder from then on keeps it
        self._working: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Runner":
        """Begin to warm up the workers, mend what a crash left, and go on with unfinished jobs."""
        await self._stack.enter_async_context(self._workers)
        main = running(self._main(), name="runner")
        self._working = await self._stack.enter_async_context(main)
        told = self._until_readable(self._line.keep)
        await self._stack.enter_async_context(running(told, name="places in the queue"))
        keep = self._until_readable(self._deadlines.keep)
        await self._stack.enter_async_context(running(keep, name="deadlines of questions"))
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
        for hand in self._hands.working.values():
            hand.run.brake.halt("stop")
        ends = [asyncio.ensure_future(hand.ended.wait()) for hand in self._hands.working.values()]
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
    def workers(self) -> Workers:
        """Where readers run, also those that belong to no job."""
        return self._workers

    @property
    def held_by(self) -> InForce | None:
        """What readers are held back by; None until it was tried."""
        return self._workers.held_by

    @property
    def active(self) -> int:
        """How many jobs are being worked on."""
        return len(self._hands.working)

    @property
    def is_working(self) -> bool:
        """Whether jobs are taken up. False where that ended although the server goes on."""
        return self._working is not None and not self._working.done()

    def wake(self) -> None:
        """Look for new jobs."""
        self._wake.set()

    def asked(self) -> None:
        """A question was written: its time may be over before all others'."""
        self._deadlines.asked()

    async def place_of(self, job_id: str) -> Place | None:
        """Return how many jobs go before one that waits; None for any other."""
        return await self._line.place_of(job_id)

    def _busy(self) -> tuple[int, float]:
        free = self._settings.workers - len(self._hands.working)
        left_ms = sum(
            self._shop.rates.whole_job.expected_ms(hand.run.size_bytes) * hand.run.left_share
            for hand in self._hands.working.values()
        )
        return max(0, free), left_ms

    async def errand(self, user_id: str, target: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Run the reader `target` ("module:function") for a person, while no job writes rows.

        options  its task's options; it has no file. Runs to its end, even when whoever asked
                 has left. Raises what it raises, or what stopped its worker, and ShuttingDown.
        """
        return await self._own(self._errand(run_errand, self._changes, user_id, target, options))

    async def look(self, user_id: str, target: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The same for a reader that only looks: it waits for no job."""
        return await self._own(self._errand(run_look, self._looks, user_id, target, options))

    async def look_into(
        self, row: JobRow, target: str, options: Mapping[str, Any], take: Take
    ) -> dict[str, Any]:
        """The same for a reader of a job's file; `take` gets the folder in which it left its work.

        Such a reader has no access to the database of rows.
        """
        return await self._own(self._look_into(row, target, options, take))

    # The queue

    async def _main(self) -> None:
        await self._until_readable(self._shop.rates.load)
        await self._until_readable(self._sweep)
        self._swept.set()
        await self._add_plugins()
        await self._until_readable(self._mend)
        async with asyncio.TaskGroup() as jobs:
            while not self._stopping:
                await self._wake.wait()
                self._wake.clear()
                self._line.moved()
                await self._until_readable(partial(self._take, jobs))

    async def _add_plugins(self) -> None:
        """Wait until it is known what plugins add: no job has a plan before."""
        plugins = await self._shop.plugins.known()
        self._server_steps |= plugin_steps(plugins, self._workers, self._settings)
        self._steps |= plugins.steps()

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
        """Begin as many jobs as there are workers free.

        Of those that a server died with, one at a time: the next death tells which one it was, and
        no other is blamed for it again and again.
        """
        while len(self._hands.working) < self._settings.workers and not self._stopping:
            await self._journal.room.wait()
            busy = [*self._hands.working, *self._hands.held, *self._given_up]
            if not self._suspects.isdisjoint(self._hands.working):
                busy += self._suspects
            waiting = await next_jobs(self._database.reader, busy)
            job_id = self._turns.next(waiting)
            if job_id is None:
                return
            row = await get_job(self._database.reader, job_id)
            # Somebody may have begun to steer it while we looked.
            if (
                row is None
                or row.status not in RUNS
                or job_id in self._hands.held
                or self._stopping
            ):
                continue
            hand = self._hands.working[job_id] = Hand(JobRun(self._shop, row))
            jobs.create_task(self._work(hand, row), name=f"job {job_id}")

    async def _work(self, hand: Hand, row: JobRow) -> None:
        try:
            await hand.run.run()
            async with hand.turn:
                hand.over = True
                await self._after(row)
        except Stopping:
            pass
        except Exception:  # the job's end could not be written: it is taken up at the next start
            logger.exception("job given up until the next start: job=%s", row.id)
            self._given_up.add(row.id)
        finally:
            del self._hands.working[row.id]
            self._suspects.discard(row.id)
            hand.ended.set()
            self._wake.set()

    async def _sweep(self) -> None:
        """Remove the working folders that nobody needs any more."""
        folders = await asyncio.to_thread(_folders, self._settings.work_dir)
        needed = await those_that_may_go_on(self._database.reader, sorted(folders))
        for name in folders.keys() - needed:
            await asyncio.to_thread(remove_folder, folders[name])

    async def _mend(self) -> None:
        """Finish what a crash interrupted between two writes."""
        reader = self._database.reader
        self._suspects = set(await jobs_with(reader, IN_HAND))
        awaited = awaited_ms(now_ms(), self._settings.upload_expires_h)
        for batch_id in await batches_ended_untold(reader, awaited):
            await self._settle(batch_id)
        for job_id in await undos_begun(reader):
            await self._tried("undo", job_id, self._undo(job_id, by=""))
        for job_id in await jobs_with(reader, DELETE):
            await self._tried("delete", job_id, self._delete(job_id, by=""))
        for job_id in await steered(reader):
            if not await self._tried("what was asked", job_id, self._end_as_asked(job_id)):
                self._given_up.add(job_id)

    async def _end_as_asked(self, job_id: str) -> None:
        await self._after(await self._hands.row(job_id))

    async def _tried(self, what: str, job_id: str, work: Coroutine[Any, Any, object]) -> bool:
        """Do `work`; False where it can not be done now, for which no other job waits.

        Raises sqlite3.Error where the database refuses, Stopping.
        """
        try:
            await work
        except AppError as error:  # or somebody asked for it again already
            logger.warning("not ended: what=%s job=%s code=%s", what, job_id, error.code)
        except (sqlite3.Error, Stopping):
            raise
        except Exception:
            logger.exception("not ended: what=%s job=%s", what, job_id)
        else:
            return True
        return False

    # What people ask for

    async def _errand(
        self,
        run: RunErrand,
        turns: FairTurns,
        user_id: str,
        target: str,
        options: Mapping[str, Any],
    ) -> dict[str, Any]:
        await self._swept.wait()
        async with turns.of(user_id):
            return await run(self._shop, user_id, target, options)

    async def _look_into(
        self, row: JobRow, target: str, options: Mapping[str, Any], take: Take
    ) -> dict[str, Any]:
        await self._swept.wait()
        return await run_look_into(self._shop, row, target, options, take)


async def _nothing(user_id: str, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    return {}


def _folders(work_dir: Path) -> dict[str, Path]:
    """Return the working folders that are there, by the id of their job."""
    return {folder.name: folder for folder in work_dir.iterdir()} if work_dir.is_dir() else {}
