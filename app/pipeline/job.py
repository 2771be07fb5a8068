"""One job in hand: its steps in order, and every way in which it can end."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from app.core.asking import DISCARD, Asking, failure_without, is_answer
from app.core.duplicates import decision_of
from app.core.errors import (
    AppError,
    FileMissing,
    InternalError,
    OutOfMemory,
    StorageFull,
    WorkerCrashed,
)
from app.core.events import (
    ErrorInfo,
    Event,
    JobCancelled,
    JobUndone,
    PlanChosen,
    ProcessingCompleted,
    ProcessingFailed,
    ProcessingStarted,
    ProcessingWarning,
    StepCompleted,
    StepStarted,
    WarningInfo,
)
from app.core.messages import friendly_message, took
from app.core.notices import Notice
from app.core.plans import PLANS, TRANSACTIONS, Plan, plan_for_content
from app.core.rates import WHOLE_JOB
from app.core.state import JobState
from app.core.times import ms_from_iso
from app.pipeline.brake import Brake, Halted
from app.pipeline.child import is_disk_full
from app.pipeline.patient import Stopping
from app.pipeline.questions import Step, put
from app.pipeline.rates import ANY_KIND
from app.pipeline.report import JobInHand, range_of
from app.pipeline.shop import Shop, limits_for, task_for
from app.pipeline.steps import STEPS
from app.pipeline.steps.duplicate_check import ask_about_copy, found_before
from app.pipeline.steps.likeness import like_before, told_of_likeness
from app.pipeline.steps.result import duplicate_result, result_of
from app.pipeline.steps.work import Said, Work
from app.pipeline.workers import Heard, OwnEvents
from app.store.checkpoints import TAKE_BACK, UNDO, drop_checkpoints, put_checkpoint
from app.store.clarifications import answerer_of, close_questions, unanswered_of
from app.store.jobs import JobRow, find_same_file, get_job

logger = logging.getLogger(__name__)

PAUSE_WITHIN_S = 5.0  # a step that takes longer is broken off, and begins again
RUNS_AT_MOST = 2  # of one step whose worker crashes
WARNINGS_AT_MOST = 500

ENDS = (ProcessingCompleted, ProcessingFailed, JobCancelled)


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
        self._plan = PLANS.get(row.state["plan"], TRANSACTIONS)
        self._hand = JobInHand(
            row.id, row.filename, row.size_bytes, self._plan, self._plan.step_keys[0]
        )
        self._found: dict[str, dict[str, Any]] = {}
        self._warned = 0
        self._timed_ms: list[int] = []  # what the steps of this run took
        self.brake = Brake(PAUSE_WITHIN_S)

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
                await self._begin()
                while not await self._work_or_ask():
                    await self._load()
            except Halted:
                if self.brake.why == "cancel":
                    await self.cancel(self.brake.by)
            except _Discarded as discarded:
                await self.cancel(discarded.by)
        except Stopping:
            return
        except AppError as error:
            await self._fail(error)
        except Exception as error:  # recorded in the job, and the runner lives on
            reference = uuid.uuid4().hex[:8]
            logger.exception("job failed: job=%s reference=%s", self._row.id, reference)
            full = is_disk_full(error)
            await self._fail(StorageFull() if full else InternalError(reference=reference))

    async def cancel(self, by: str) -> None:
        """End the job as cancelled, and take back what it stored."""
        await self.forget_stored()
        drop_all = partial(self._drop_in, steps=self._plan.step_keys)
        message = friendly_message("cancelled")
        await self._append(JobCancelled(job_id=self._row.id, by=by, message=message), also=drop_all)

    async def forget_stored(self) -> None:
        """Take back the rows of a job that has not ended well, where it may have stored any."""
        await self._load()
        # A server that died may have stored them without a checkpoint that says so.
        reached = self._next_step() or self._plan.step_keys[-1]
        if TAKE_BACK in self._found or reached in self._plan.storing_steps:
            # Dropped first: should the server die in between, the rows are stored again.
            await self._drop(self._plan.storing_steps)
            await self._take_back()
            await self._drop((TAKE_BACK,))

    async def take_back(self) -> int:
        """Take back whatever the job stored, and tell nobody; return how many rows that were."""
        await self._load()
        return await self._take_back()

    async def undo(self, by: str) -> int:
        """Take back what a completed job stored; return how many rows that were.

        What was begun is noted first: should the server die in between, the next start ends it.
        """
        await self._load()
        begun = self._found.get(UNDO)
        if begun is None:
            await self._shop.database.writer.run(
                lambda connection: put_checkpoint(connection, self._row.id, UNDO, {"by": by}, 0)
            )
        else:
            by = begun["by"]
        rows = await self._take_back()
        if begun is not None and not rows:  # they were gone when it was broken off
            rows = int(self._found.get("storing", {}).get("stored", 0))
        message = friendly_message("undone", {"filename": self._row.filename, "rows": rows})
        await self._append(
            JobUndone(job_id=self._row.id, by=by, rows=rows, message=message),
            also=partial(self._drop_in, steps=(UNDO,)),
        )
        return rows

    # The way through the plan

    async def _begin(self) -> None:
        """Say that the work begins. Raises AppError where it can not."""
        await self._load()
        left = self._next_step()
        if left is not None:
            self._hand.enter(left)
        await self._append(self._started())
        await self._check_file()
        if TAKE_BACK in self._found:
            async with self.brake.on(gently=True):
                await self._take_back()
            await self._drop((TAKE_BACK,))
            del self._found[TAKE_BACK]
        reader = self._shop.database.reader
        if (one := await unanswered_of(reader, self._row.id)) is not None:
            raise failure_without(one.question.text, one.unanswered)

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
                work = STEPS[step]
                if work.records and not waited:
                    async with self.brake.on(gently=False):
                        await turn.enter_async_context(self._shop.records_turn)
                    waited = True
                if await self._do(work):
                    return
        if left is None:
            await self._append(await self._completed())

    def _next_step(self) -> str | None:
        """Return the first step of the plan, which may have changed, that is not done."""
        return next((step for step in self._plan.step_keys if step not in self._found), None)

    def _started(self) -> ProcessingStarted:
        resumed = self._row.status == "processing" or bool(self._found)
        words = friendly_message(
            "resumed" if resumed else "started", {"filename": self._row.filename}
        )
        return ProcessingStarted(
            job_id=self._row.id,
            attempt=self._row.state["attempt"],
            resumed=resumed,
            message=words,
        )

    async def _do(self, work: Work) -> bool:
        """Do one step and write its checkpoint. True when that ended the job."""
        self.brake.check()
        hand, task = self._hand, self._task
        hand.enter(work.key)
        await self._ask_first(work)
        began_s = time.monotonic()
        await self._append(
            *(self._event(said) for said in work.before(task)),
            self._step_event(StepStarted, work.opening(task)),
        )
        earlier = None
        if work.key == "duplicate_check":
            earlier = await self._stored_before()
            found = {"duplicate_of": earlier["job_id"] if earlier else None}
        else:
            found = await self._read(work)
            if work.key == "likeness":
                earlier = await self._stored_elsewhere(found)
        await self._shop.report.flush(hand)
        took_ms = round((time.monotonic() - began_s) * 1000)
        hand.fraction = 1.0
        self._found[work.key] = found
        if work.key == "initializing_streaming":
            hand.expect(self._shop.rates.of(self._kind))
        closing = work.closing(task, found)
        told = [self._event(said) for said in work.after(task, found)]
        if earlier is not None and work.key == "duplicate_check":
            closing = found_before(earlier)
            told.append(self._event(closing))
        summary = work.summary(task, found)
        told.append(self._step_event(StepCompleted, closing, duration_ms=took_ms, summary=summary))
        plan = plan_for_content(self._plan, work.key, found)
        if plan is not self._plan:
            told.append(self._choose(plan))
        if earlier is not None or self._next_step() is None:
            told.append(await self._completed(earlier))
        await self._append(
            *told,
            also=self._keeping(work.key, found, took_ms),
        )
        return earlier is not None

    def _keeping(self, step: str, found: dict[str, Any], took_ms: int) -> Callable[[Any], None]:
        """Learn how long the step took, and return what writes that and its checkpoint."""
        rates, size = self._shop.rates, self._row.size_bytes
        self._timed_ms.append(took_ms)
        writes: list[Callable[[Any], None]] = [
            partial(put_checkpoint, job_id=self._row.id, step=step, found=found, took_ms=took_ms),
            rates.learn(step, self._kind, size, took_ms),
        ]
        if len(self._timed_ms) == len(self._plan.step_keys):
            writes.append(rates.learn(WHOLE_JOB, ANY_KIND, size, sum(self._timed_ms)))

        def write(connection: Any) -> None:
            for one in writes:
                one(connection)

        return write

    @property
    def _kind(self) -> str:
        """What kind of file it is; before that is known, what its name says."""
        kind = self._found.get("initializing_streaming", {}).get("kind")
        return str(kind or self._row.filename.rpartition(".")[2].lower())

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

    def _choose(self, plan: Plan) -> PlanChosen:
        """Go on by another plan from here, and return the event that says so."""
        self._plan = plan
        self._hand.change_plan(plan)
        return PlanChosen(
            job_id=self._row.id,
            stage=plan.stage_of(self._hand.step).key,
            step=self._hand.step,
            progress=plan.progress(self._hand.step, 1.0),
            plan=plan.describe(),
            message=friendly_message("plan_chosen", {"plan": plan.name}),
        )

    async def _read(self, work: Work) -> dict[str, Any]:
        """Run the step's reader; once more when its worker crashes."""
        for run in range(1, RUNS_AT_MOST + 1):
            try:
                async with self._turn_of(work), self.brake.on(gently=True):
                    if work.key in self._shop.server_steps:
                        return await self._shop.server_steps[work.key](
                            self._task, partial(self._hear, work)
                        )
                    return await self._shop.workers.run(
                        self._shop.readers[work.key],
                        self._task,
                        limits_for(self._shop.settings, records=work.records),
                        partial(self._hear, work),
                    )
            except WorkerCrashed as error:
                logger.warning(
                    "worker crashed: job=%s step=%s run=%d reason=%s",
                    self._row.id,
                    work.key,
                    run,
                    error.facts.get("reason"),
                )
                if run == RUNS_AT_MOST and error.facts.get("memory"):
                    raise OutOfMemory(filename=self._row.filename) from error
                if run == RUNS_AT_MOST:
                    raise
                await self._shop.report(self._hand, "retried")
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def _turn_of(self, work: Work) -> AsyncIterator[None]:
        """Wait until a step that keeps a core and much memory busy may begin."""
        if not work.is_heavy(self._task):
            yield
            return
        async with AsyncExitStack() as turn:
            async with self.brake.on(gently=False):
                await turn.enter_async_context(self._shop.heavy_turn)
            yield

    async def _hear(self, work: Work, said: Heard) -> None:
        if isinstance(said, Notice):
            await self._warn(said)
            return
        if isinstance(said, OwnEvents):
            await self._shop.report.own_events(self._hand, said.bodies)
            return
        fraction = said.done / said.total if said.total else None
        words = work.under_way(said)
        extra = {"processed": said.done, "total": said.total, **words.extra}
        await self._shop.report(
            self._hand, words.step, fraction, context=words.context, extra=extra
        )

    async def _warn(self, notice: Notice) -> None:
        self._warned += 1
        if self._warned > WARNINGS_AT_MOST:  # a reader that a hostile file has got hold of
            return
        warning = WarningInfo(**notice.body())
        await self._append(
            ProcessingWarning(
                job_id=self._row.id,
                message=warning.title,
                warning=warning,
                estimated_time_remaining=self._shop.report.time_left(self._hand),
            )
        )

    async def _stored_before(self) -> JobState | None:
        """Return the job that stored the very same bytes, unless they are to be read all the same.

        Raises Asking where a person is to decide.
        """
        decision = decision_of(self._task)
        if decision in ("keep", "merge"):
            return None
        row = self._row
        earlier = await find_same_file(
            self._shop.database.reader, row.user_id, row.sha256, not_job_id=row.id
        )
        if earlier is not None and decision is None:
            raise Asking(ask_about_copy(self._task, earlier.state))
        return None if earlier is None else earlier.state

    async def _stored_elsewhere(self, found: Mapping[str, Any]) -> JobState | None:
        """Return the job whose document has all that is to be stored of this one, if any."""
        earlier_id = found.get("duplicate_of")
        if earlier_id is None:
            return None
        earlier = await get_job(self._shop.database.reader, str(earlier_id))
        is_theirs = earlier is not None and earlier.user_id == self._row.user_id
        return earlier.state if earlier is not None and is_theirs else None

    # How it ends

    async def _completed(self, earlier: JobState | None = None) -> ProcessingCompleted:
        """Return the job's last event. `earlier` is the job that has stored the same already."""
        took_ms = await self._took_ms()
        facts = {"filename": self._row.filename, "took": took(took_ms)}
        words, result = friendly_message("complete", facts), result_of(self._row.id, self._found)
        if earlier is not None:
            likeness = self._found.get("likeness", {})
            said = like_before(likeness) if likeness else found_before(earlier)
            words = friendly_message(said.step, {**facts, **said.context})
            result = {**duplicate_result(self._row.id, earlier), **told_of_likeness(likeness)}
        return ProcessingCompleted(
            job_id=self._row.id,
            step="complete",
            progress=100.0,
            message=words,
            result=result,
            duration_ms=took_ms,
        )

    async def _fail(self, error: AppError) -> None:
        """Write the failure. What can be tried again keeps its checkpoints and its rows."""
        info = ErrorInfo(**error.body(self._hand.step))
        logger.info("job failed: job=%s step=%s code=%s", self._row.id, self._hand.step, info.code)
        drop = None if info.retryable else partial(self._drop_in, steps=self._plan.step_keys)
        try:
            if not info.retryable:
                await self.forget_stored()
            await self._append(
                ProcessingFailed(
                    job_id=self._row.id,
                    stage=self._plan.stage_of(self._hand.step).key,
                    step=self._hand.step,
                    message=friendly_message("error", {"reason": info.title}),
                    error=info,
                    duration_ms=await self._took_ms(),
                ),
                also=drop,
            )
        except Stopping:
            return

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

    async def _took_ms(self) -> int:
        state = await self._shop.journal.state(self._row.id)
        if state is None or state["started_at"] is None:
            return 0
        return max(0, time.time_ns() // 1_000_000 - ms_from_iso(state["started_at"]))

    async def _take_back(self) -> int:
        async with self._shop.records_turn:
            gone = await self._shop.workers.run(
                self._shop.readers["undo"],
                self._task,
                limits_for(self._shop.settings, records=True),
                _ignore,
            )
        return int(gone.get("rows", 0))

    # What it stands on

    async def _load(self) -> None:
        """Gather what the job's readers are given."""
        self._task = await task_for(self._shop, self._row)
        self._found = self._task["found"]
        self._hand.expect(self._shop.rates.of(self._kind))

    async def _check_file(self) -> None:
        if not await asyncio.to_thread(self._shop.path_of(self._row.sha256).is_file):
            raise FileMissing(filename=self._row.filename)

    def _event(self, said: Said) -> Event:
        return self._shop.report.event(
            self._hand, said.step, context=said.context, extra=said.extra
        )

    def _step_event(
        self, kind: type[StepStarted] | type[StepCompleted], said: Said, **more: Any
    ) -> Event:
        """Return the event that begins or completes the running step."""
        facts = {"filename": self._row.filename, **said.context}
        hand = self._hand
        left = self._shop.report.time_left(hand)
        return kind(
            job_id=hand.id,
            stage=self._plan.stage_of(hand.step).key,
            step=hand.step,
            progress=self._plan.progress(hand.step, hand.fraction),
            message=friendly_message(said.step, facts),
            estimated_time_remaining=left,
            details={**said.context, **said.extra, **range_of(hand)},
            **more,
        )

    async def _append(self, *drafts: Event, also: Callable[[Any], None] | None = None) -> None:
        def with_questions(connection: Any) -> None:
            if also is not None:
                also(connection)
            close_questions(connection, self._row.id)

        ends = any(isinstance(draft, ENDS) for draft in drafts)
        await self._shop.journal.append(*drafts, also=with_questions if ends else also)

    def _drop_in(self, connection: Any, steps: tuple[str, ...]) -> None:
        drop_checkpoints(connection, self._row.id, steps)

    async def _drop(self, steps: tuple[str, ...]) -> None:
        await self._shop.database.writer.run(partial(self._drop_in, steps=steps))


async def _ignore(said: Heard) -> None:
    """Taking back has nothing to tell on the way."""
