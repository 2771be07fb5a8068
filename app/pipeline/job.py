"""One job in hand: its steps in order, from where its checkpoints end."""

import asyncio
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

from app.core.asking import DISCARD, Asking, failure_without, is_answer
from app.core.diskfull import is_disk_full
from app.core.errors import (
    AppError,
    FileMissing,
    InternalError,
    PluginGone,
    ServerCrashed,
    StorageFull,
)
from app.core.events import Event, PlanChosen, ProcessingStarted, StepCompleted, StepStarted
from app.core.messages import friendly_message
from app.core.plans import Plan, plan_for_content, plan_named
from app.core.plugins import BEGUN_WITH, Part
from app.core.rates import WHOLE_JOB
from app.core.state import JobState
from app.pipeline import taking_back
from app.pipeline.brake import Brake, Halted
from app.pipeline.earlier import stored_before, stored_elsewhere
from app.pipeline.ends import completed, write_end, write_failure
from app.pipeline.patient import Stopping
from app.pipeline.plugins.catalogue import FIRST, read_by
from app.pipeline.plugins.saying import gone_warning
from app.pipeline.questions import Step, put
from app.pipeline.rates import ANY_KIND
from app.pipeline.reader_run import ReaderRun
from app.pipeline.relay import Relay
from app.pipeline.shop import Shop, task_for
from app.pipeline.step_progress import JobInHand
from app.pipeline.steps.duplicate_check import found_before
from app.pipeline.steps.work import Work
from app.store.checkpoints import IN_HAND, TAKE_BACK, drop_checkpoints, put_checkpoint
from app.store.clarifications import answerer_of, unanswered_of
from app.store.events import zones_told
from app.store.jobs import JobRow

logger = logging.getLogger(__name__)

PAUSE_WITHIN_S = 5.0  # a step that takes longer is broken off, and begins again


class _Discarded(Exception):
    """Somebody looked at what would be stored, and does not want it."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class JobRun:
    """The work on one job, from where its checkpoints end."""

    def __init__(self, shop: Shop, row: JobRow) -> None:
        self._shop = shop
        self._row = row
        plan = plan_named(row.state["plan"])
        self._hand = JobInHand(row.id, row.filename, row.size_bytes, plan, plan.step_keys[0])
        self._found: dict[str, dict[str, Any]] = {}
        self._timed_ms: list[int] = []  # what the steps of this run took
        self._gone: tuple[Part, ...] = ()  # of plugins that the job was begun with
        self._deaths = 0  # of servers, in the step that is done next
        self.brake = Brake(PAUSE_WITHIN_S)
        self._relay = Relay(shop.workers)
        self._read = ReaderRun(shop, self._relay, self._hand, self.brake)

    @property
    def size_bytes(self) -> int:
        return self._row.size_bytes

    @property
    def left_share(self) -> float:
        """How much of the job is not done yet, 0 to 1."""
        return 1 - self._plan.progress(self._hand.step, self._hand.fraction) / 100

    async def run(self) -> None:
        """Do what is left of the job, and write how it ended.

        Returns without an end in the log when it asked something, or was halted to pause or to
        stop; a worker that ran then is gone.
        """
        try:
            try:
                async with self._relay:
                    await self._begin()
                    while not await self._work_or_ask():
                        await self._load()
            except Halted:
                if self.brake.why == "cancel":
                    await self._cancel(self.brake.by)
            except _Discarded as discarded:
                await self._cancel(discarded.by)
        except Stopping:
            return
        except AppError as error:
            await self._fail(error)
        except Exception as error:  # recorded in the job, and the runner lives on
            reference = uuid.uuid4().hex[:8]
            logger.exception("job failed: job=%s reference=%s", self._row.id, reference)
            full = is_disk_full(error)
            await self._fail(StorageFull() if full else InternalError(reference=reference))

    # The way through the plan

    async def _begin(self) -> None:
        """Say that the work begins. Raises AppError where it can not."""
        await self._load()
        if (died := self._found.pop(IN_HAND, None)) is not None:
            self._deaths = int(died["deaths"]) + 1
        told, keeping = self._take_plan()
        await self._shop.journal.append(self._started(), *told, also=keeping)
        if (gone := read_by(self._found)) in {part.key for part in self._gone}:
            raise PluginGone(filename=self._row.filename, plugin=str(gone).partition(".")[0])
        if not await asyncio.to_thread(self._shop.path_of(self._row.sha256).is_file):
            raise FileMissing(filename=self._row.filename)
        if self._deaths >= self._shop.settings.give_up_after_crashes:
            raise ServerCrashed(filename=self._row.filename, deaths=self._deaths)
        if TAKE_BACK in self._found:
            async with self.brake.on(gently=True):
                await taking_back.take_back(self._shop, self._row)
            await taking_back.drop(self._shop, self._row.id, (TAKE_BACK,))
            del self._found[TAKE_BACK]
        reader = self._shop.database.reader
        self._hand.zones = await zones_told(reader, self._row.id)
        if (one := await unanswered_of(reader, self._row.id)) is not None:
            raise failure_without(one.question.text, one.unanswered)

    def _take_plan(self) -> tuple[list[Event], Callable[[sqlite3.Connection], None] | None]:
        """Take the plan that the job goes by, with the steps that plugins add.

        Returns what is to be told of it, and what notes with which of them the job was begun.
        """
        plugins, found, name = self._shop.plugins, self._found, self._row.state["plan"]
        begins = self._row.status == "pending" and FIRST not in found
        if begins:
            found.pop(BEGUN_WITH, None)
        parts = plugins.begun_with(found)
        self._gone = plugins.gone(name, found)
        self._hand.change_plan(plugins.plan(name, found))
        if (left := self._next_step()) is not None:
            self._hand.enter(left)
        if not begins and not self._gone:
            return [], None
        told: list[Event] = [gone_warning(self._row.id, part) for part in self._gone]
        is_longer = self._plan != plan_named(name)
        if self._gone or is_longer:
            told.append(self._choose(self._plan, "plan_extended" if is_longer else "plan_chosen"))
        if not parts:
            return told, None
        kept = [part for part in parts if part not in self._gone]
        found[BEGUN_WITH] = {"parts": [part.model_dump(mode="json") for part in kept]}
        return told, partial(
            put_checkpoint,
            job_id=self._row.id,
            step=BEGUN_WITH,
            found=found[BEGUN_WITH],
            took_ms=0,
        )

    async def _load(self) -> None:
        """Gather what the job's readers are given."""
        self._task = await task_for(self._shop, self._row)
        self._found = self._task["found"]
        self._hand.expect(self._shop.rates.of(self._kind))

    async def _work_or_ask(self) -> bool:
        """Do what is left. False when a step asked, and has its answers already: go on."""
        try:
            await self._work()
        except Asking as asking:
            return not await self._ask(asking)
        return True

    async def _work(self) -> None:
        left = self._next_step()
        async with AsyncExitStack() as turn:
            waited = False
            while (step := self._next_step()) is not None:
                work = self._shop.steps[step]
                if work.lets_go and waited:
                    await turn.aclose()
                    waited = False
                if work.records and not waited:
                    async with self.brake.on(gently=False):
                        await turn.enter_async_context(self._shop.records_turn)
                    waited = True
                if await self._do(work):
                    return
        if left is None:
            end = await completed(self._shop, self._hand, self._found)
            await write_end(self._shop, self._row.id, end)

    @property
    def _plan(self) -> Plan:
        """The job's plan; its file's content may change it on the way."""
        return self._hand.plan

    def _next_step(self) -> str | None:
        """Return the first step of the plan that is not done."""
        return next((step for step in self._plan.step_keys if step not in self._found), None)

    @property
    def _kind(self) -> str:
        """What kind of file it is; before that is known, what its name says."""
        kind = self._found.get("initializing_streaming", {}).get("kind")
        return str(kind or self._row.filename.rpartition(".")[2].lower())

    # One step

    async def _do(self, work: Work) -> bool:
        """Do one step and write its checkpoint. True when that ended the job."""
        self.brake.check()
        hand, task, report = self._hand, self._task, self._shop.report
        hand.enter(work.key)
        await self._ask_first(work)
        began_s = time.monotonic()
        await self._shop.journal.append(
            *(report.said(hand, said) for said in work.before(task)),
            report.step_event(hand, StepStarted, work.opening(task)),
            also=self._begins(),
        )
        try:
            found, earlier = await self._find(work)
        except BaseException:  # that is not how it looks when the server dies
            with suppress(StorageFull, sqlite3.Error):
                await taking_back.drop(self._shop, self._row.id, (IN_HAND,))
            raise
        await report.flush(hand)
        took_ms = round((time.monotonic() - began_s) * 1000)
        hand.fraction = 1.0
        self._found[work.key] = found
        if work.key == "initializing_streaming":
            hand.expect(self._shop.rates.of(self._kind))
        closing = work.closing(task, found)
        told: list[Event] = [report.said(hand, said) for said in work.after(task, found)]
        if earlier is not None and work.key == "duplicate_check":
            closing = found_before(earlier)
            told.append(report.said(hand, closing))
        summary = work.summary(task, found)
        told.append(
            report.step_event(hand, StepCompleted, closing, duration_ms=took_ms, summary=summary)
        )
        base = plan_for_content(plan_named(self._plan.name), work.key, found)
        plan = self._shop.plugins.plan(base.name, self._found)
        if plan != self._plan:
            told.append(self._choose(plan))
        keeping = self._keeping(work.key, found, took_ms)
        if earlier is None and self._next_step() is not None:
            await self._shop.journal.append(*told, also=keeping)
            return False
        told.append(await completed(self._shop, hand, self._found, earlier))
        await write_end(self._shop, self._row.id, *told, also=keeping)
        return earlier is not None

    async def _find(self, work: Work) -> tuple[dict[str, Any], JobState | None]:
        """Return what the step found, and the job that has stored the same already, if any."""
        if work.key == "duplicate_check":
            earlier = await stored_before(self._shop, self._row, self._task)
            return {"duplicate_of": earlier["job_id"] if earlier else None}, earlier
        found = await self._read(work, self._task)
        if work.key == "likeness":
            return found, await stored_elsewhere(self._shop, self._row, found)
        return found, None

    def _begins(self) -> Callable[[sqlite3.Connection], None]:
        """Return what notes that a step is being done, for the next start to find."""
        deaths, self._deaths = self._deaths, 0
        return partial(
            put_checkpoint,
            job_id=self._row.id,
            step=IN_HAND,
            found={"deaths": deaths},
            took_ms=0,
        )

    def _keeping(
        self, step: str, found: dict[str, Any], took_ms: int
    ) -> Callable[[sqlite3.Connection], None]:
        """Learn how long the step took, and return what writes that and its checkpoint."""
        rates, size = self._shop.rates, self._row.size_bytes
        self._timed_ms.append(took_ms)
        writes: list[Callable[[sqlite3.Connection], None]] = [
            partial(put_checkpoint, job_id=self._row.id, step=step, found=found, took_ms=took_ms),
            partial(drop_checkpoints, job_id=self._row.id, steps=(IN_HAND,)),
            rates.learn(step, self._kind, size, took_ms),
        ]
        if len(self._timed_ms) == len(self._plan.step_keys):
            writes.append(rates.learn(WHOLE_JOB, ANY_KIND, size, sum(self._timed_ms)))

        def write(connection: sqlite3.Connection) -> None:
            for one in writes:
                one(connection)

        return write

    def _choose(self, plan: Plan, words: str = "plan_chosen") -> PlanChosen:
        """Go on by another plan from here, and return the event that says so."""
        self._hand.change_plan(plan)
        return PlanChosen(
            job_id=self._row.id,
            stage=plan.stage_of(self._hand.step).key,
            step=self._hand.step,
            progress=plan.progress(self._hand.step, self._hand.fraction),
            plan=plan.describe(),
            message=friendly_message(words, {"plan": plan.name}),
        )

    def _started(self) -> ProcessingStarted:
        resumed = self._row.status == "processing" or bool(self._found.keys() - {BEGUN_WITH})
        words = friendly_message(
            "resumed" if resumed else "started", {"filename": self._row.filename}
        )
        return ProcessingStarted(
            job_id=self._row.id,
            attempt=self._row.state["attempt"],
            resumed=resumed,
            message=words,
        )

    # Asking

    async def _ask_first(self, work: Work) -> None:
        """Show what the step would do, where people want to see it, and do what they decide."""
        question = work.asks_first(self._task)
        if question is None:
            return
        answer = self._task["answers"].get(question.key)
        if not is_answer(question, answer):  # what came with a retry may be anything
            raise Asking(question)
        if answer == DISCARD:
            reader = self._shop.database.reader
            raise _Discarded(await answerer_of(reader, self._row.id, question.key))

    async def _ask(self, asking: Asking) -> bool:
        """Put the questions to people: the job waits for them, and holds no worker.

        True when all were answered at once. Raises AppError where nobody may be asked.
        """
        step = Step(
            job_id=self._row.id,
            batch_id=self._row.batch_id,
            user_id=self._row.user_id,
            attempt=self._row.state["attempt"],
            stage=self._plan.stage_of(self._hand.step).key,
            key=self._hand.step,
            answers=self._task["answers"],
            ask=self._task["options"].get("ask", True),
        )
        shop = self._shop
        is_answered = await put(
            shop.database,
            shop.journal,
            shop.recall,
            step,
            asking,
            answer_within_h=shop.settings.answer_within_h,
        )
        shop.deadlines.asked()
        return is_answered

    # How it ends otherwise

    async def _cancel(self, by: str) -> None:
        await taking_back.cancel(self._shop, self._row, self._plan, by)

    async def _fail(self, error: AppError) -> None:
        """Write the failure. What can be tried again keeps its checkpoints and its rows."""
        try:
            if not error.retryable:
                await taking_back.forget_stored(self._shop, self._row, self._plan)
            await write_failure(self._shop, self._hand, error)
        except Stopping:
            return
