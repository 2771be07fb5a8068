"""What people ask of a job: pause, resume, cancel, retry, undo, delete, and which goes first.

What is asked of a job in hand is in the log before it is done, so that a crash forgets none of it.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from app.core.errors import Conflict, InvalidRequest, ShuttingDown, StorageFull
from app.core.events import (
    BatchCompleted,
    ControlRequested,
    Event,
    JobDeleted,
    JobPaused,
    JobResumed,
    JobRetried,
    PriorityChanged,
)
from app.core.messages import friendly_message
from app.core.queueing import PRIORITIES
from app.core.state import OutOfPlace, is_finished
from app.pipeline import taking_back
from app.pipeline.again import first_step, meets_own_rows
from app.pipeline.hands import Hands
from app.pipeline.log import Journal
from app.pipeline.patient import Stopping
from app.pipeline.shop import Shop, plan_of
from app.store.accounts import now_ms
from app.store.batches import status_counts
from app.store.checkpoints import (
    DELETE,
    TAKE_BACK,
    UNDO,
    checkpoints_of,
    drop_checkpoints,
    put_checkpoint,
)
from app.store.clarifications import (
    erase_secrets_of_batch,
    insert_given,
    withdraw_questions,
)
from app.store.jobs import JobRow, delete_some_events, set_priority
from app.store.uploads import awaited_ms
from app.store.waiting import batch_has_ended_untold

T = TypeVar("T")


class Control:
    """Steers jobs, whether somebody works on them or not.

    log          where somebody waits for the answer: a full disk is told at once
    forget_exports  called with a job before it is deleted: deletes the exports that may hold it
    forget_file     called with the SHA-256 of a file that a deleted job had
    """

    def __init__(
        self,
        shop: Shop,
        log: Journal,
        forget_exports: Callable[[JobRow], Awaitable[None]],
        forget_file: Callable[[str], Awaitable[None]],
    ) -> None:
        self._shop = shop
        self._log = log
        self._journal = shop.journal
        self._database = shop.database
        self._forget_exports = forget_exports
        self._forget_file = forget_file
        self._wake = asyncio.Event()
        self._hands = Hands(shop.database, self._wake)
        self._given_up: set[str] = set()  # whose very end could not be written
        self._errands: set[asyncio.Task[Any]] = set()
        self._settling = asyncio.Lock()
        self._stopping = False

    async def pause(self, job_id: str, by: str) -> None:
        """Let a job rest: where its running step ends, or where that was broken off after 5 s.

        Returns once it is in the log that this was asked for; `job_paused` follows. A job that
        rests or is about to stays so. Raises NotFound, Conflict when it has ended, StorageFull,
        ShuttingDown.
        """
        await self._own(self._pause(job_id, by))

    async def resume(self, job_id: str, by: str) -> None:
        """Put a paused job into the queue again, or withdraw a pause that was asked for.

        A job that is not paused stays as it is. Raises as `pause` does.
        """
        await self._own(self._resume(job_id, by))

    async def cancel(self, job_id: str, by: str) -> None:
        """End a job that has not ended; whatever it stored is taken back.

        A cancelled job stays so. Raises NotFound, Conflict when it has ended otherwise,
        ShuttingDown: then it is done after the next start.
        """
        await self._own(self._cancel(job_id, by))

    async def retry(
        self,
        job_id: str,
        by: str,
        from_step: str | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        """Queue a job that has ended again, from its first unfinished step or `from_step`.

        answers  by the keys of questions: what the steps would ask is answered already

        One that was completed is read anew, and what it stored is taken back first. Where a step
        needs what is gone since, an earlier one is the first.

        Raises NotFound, Conflict when it has not ended, or was completed and no step is named,
        InvalidRequest for a step that the job has not reached, StorageFull.
        """
        await self._own(self._retry(job_id, by, from_step, answers or {}))

    async def undo(self, job_id: str, by: str) -> int:
        """Take back what a completed job stored; return the number of rows.

        Raises NotFound, Conflict when there is nothing to take back, or what stopped the worker.
        """
        return await self._own(self._undo(job_id, by))

    async def delete(self, job_id: str, by: str) -> None:
        """Forget a job: its rows, what its answers alone taught, exports that may hold it, its
        events, and its file with the pictures of its pages unless another job has the same.

        One that has not ended is cancelled first. Raises NotFound, or what stopped the worker.
        """
        await self._own(self._delete(job_id, by))

    async def prioritise(self, job_id: str, by: str, priority: int) -> None:
        """Let a job go before (1) or behind (-1) the other files of its owner, or as usual (0).

        Raises NotFound, Conflict when it has ended, StorageFull.
        """
        await self._own(self._prioritise(job_id, by, priority))

    # Jobs in hand and jobs at rest

    async def _pause(self, job_id: str, by: str) -> None:
        async with self._hands.at(job_id) as (row, hand):
            if row.status == "paused":
                return
            if hand is None:
                await self._steer(row, _paused(job_id, by))
                return
            if row.state["steering"] is None:
                message = friendly_message("pause_requested")
                asked = ControlRequested(job_id=job_id, op="pause", by=by, message=message)
                await self._steer(row, asked)
            hand.run.brake.pause()

    async def _resume(self, job_id: str, by: str) -> None:
        async with self._hands.at(job_id) as (row, hand):
            if is_finished(row.state):
                raise _has_ended(row)
            asked = (row.state["steering"] or {}).get("op")
            if row.status != "paused" and asked != "pause":
                return
            begun = row.reported and row.state["started_at"] is not None
            key = "resumed_outside" if begun else "resumed_by_person"
            key = "resumed_waiting" if row.state["waiting_for"] else key
            words = "pause_withdrawn" if row.status != "paused" else key
            message = friendly_message(words)
            await self._steer(row, JobResumed(job_id=job_id, by=by, message=message))
            if hand is not None:
                hand.run.brake.release()

    async def _cancel(self, job_id: str, by: str) -> None:
        async with self._hands.at(job_id) as (row, hand):
            if row.status == "cancelled":
                return
            if is_finished(row.state):
                raise _has_ended(row)
            if hand is None:
                try:
                    await taking_back.cancel(self._shop, row, await plan_of(self._shop, row), by)
                except OutOfPlace as error:  # whoever works on it elsewhere has just ended it
                    row = await self._hands.row(job_id)
                    if row.status != "cancelled":
                        raise _has_ended(row) from error
                    return
                await self._after(row)
                return
            asked = ControlRequested(
                job_id=job_id, op="cancel", by=by, message=friendly_message("cancel_requested")
            )
            # To end it is what gives room; and if it just ended, the row says below how.
            with suppress(StorageFull, Conflict):
                await self._steer(row, asked)
            hand.run.brake.halt("cancel", by)
        await hand.ended.wait()
        row = await self._hands.row(job_id)
        if not is_finished(row.state):
            raise ShuttingDown
        if row.status != "cancelled":
            raise _has_ended(row)

    async def _steer(
        self, row: JobRow, draft: Event, also: Callable[[Any], None] | None = None
    ) -> None:
        """Append what steers the job. Raises Conflict when it has ended meanwhile."""
        try:
            await self._log.append(draft, also=also)
        except OutOfPlace as error:
            raise _has_ended(row) from error

    async def _do_as_asked(self, job_id: str) -> None:
        """Do what was asked of a job that nobody works on any more, and is not done yet."""
        state = await self._journal.state(job_id)
        if state is None or is_finished(state):
            return
        match state["steering"]:
            case {"op": "pause", "by": by}:
                await self._journal.append(_paused(job_id, by))
            case {"op": "cancel", "by": by}:
                row = await self._hands.row(job_id)
                await taking_back.cancel(self._shop, row, await plan_of(self._shop, row), by)

    # Jobs that have ended

    async def _retry(
        self, job_id: str, by: str, from_step: str | None, answers: Mapping[str, Any]
    ) -> None:
        async with self._hands.holding(job_id) as row:
            if not is_finished(row.state) or (row.status == "completed" and from_step is None):
                raise Conflict(
                    what=f"{row.filename} has not failed, so there is nothing to try again",
                    todo="Name the step to begin at, if you want a finished file read again.",
                )
            if row.reported:
                await self._begin_again_outside(row, by, from_step, answers)
                return
            plugins = await self._shop.plugins.known()
            done = await checkpoints_of(self._database.reader, job_id)
            plan = plugins.plan(row.state["plan"], done)
            step = first_step(plan, done, from_step, has_folder=row.status == "error")
            again = plan.step_keys[plan.step_keys.index(step) :]
            takes_back = not row.undone and meets_own_rows(plan, done, step)
            attempt, now = row.state["attempt"] + 1, time.time_ns() // 1_000_000

            def also(connection: Any) -> None:
                # An undo that has begun is over: what it would take back goes now.
                drop_checkpoints(connection, job_id, (*again, UNDO))
                withdraw_questions(connection, job_id, again)  # they are asked again
                if takes_back:
                    put_checkpoint(connection, job_id, TAKE_BACK, {}, 0)
                insert_given(connection, answers, row, attempt=attempt, step=step, by=by, at_ms=now)

            async with self._settling:
                await self._log.append(
                    JobRetried(
                        job_id=job_id,
                        by=by,
                        attempt=attempt,
                        from_step=step,
                        stage=plan.stage_of(step).key,
                        step=step,
                        progress=plan.progress(step, 0.0),
                        message=friendly_message("retried"),
                    ),
                    also=also,
                )
        self._given_up.discard(job_id)
        self._wake.set()

    async def _begin_again_outside(
        self, row: JobRow, by: str, from_step: str | None, answers: Mapping[str, Any]
    ) -> None:
        """Tell the worker that reports the job to begin again; it decides where."""
        if from_step is not None or answers:
            raise InvalidRequest(
                what="where a job begins again, and what it knows then, is for its worker to say"
            )
        state = row.state
        done, stages = state["steps_done"], state["stages"]
        async with self._settling:
            await self._log.append(
                JobRetried(
                    job_id=row.id,
                    by=by,
                    attempt=state["attempt"] + 1,
                    from_step=done[0] if done else None,
                    stage=stages[0]["key"] if stages else None,
                    progress=0.0,
                    message=friendly_message("expected"),
                )
            )

    async def _undo(self, job_id: str, by: str) -> int:
        async with self._hands.holding(job_id) as row:
            if row.reported:
                raise Conflict(
                    what=f"Nothing of {row.filename} is stored here, so there is nothing to undo",
                    todo="What was done elsewhere has to be taken back there.",
                )
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
            rows = await taking_back.undo(self._shop, row, by)
            await self._after(row)
            return rows

    async def _delete(self, job_id: str, by: str) -> None:
        with suppress(Conflict):  # it has ended otherwise
            await self._cancel(job_id, by)
        async with self._hands.holding(job_id) as row:
            if not is_finished(row.state):
                raise ShuttingDown
            begun = (await checkpoints_of(self._database.reader, job_id)).get(DELETE)
            by = begun["by"] if begun else by
            # From here on the next start goes on with it.
            await self._database.writer.run(
                lambda connection: put_checkpoint(connection, job_id, DELETE, {"by": by}, 0)
            )
            if not row.reported:
                # Also what stored nothing, or nothing any more, may have taught something.
                await taking_back.take_back(self._shop, row)
            await self._forget_exports(row)
            # A worker elsewhere may have told a million: others' commits go between some and more.
            while await self._database.writer.run(partial(delete_some_events, job_id=job_id)):
                pass
            await self._log.append(
                JobDeleted(
                    batch_id=row.batch_id,
                    deleted=job_id,
                    by=by,
                    message=friendly_message("deleted"),
                ),
                user_id=row.user_id,
            )
            if not row.reported:
                await self._forget_file(row.sha256)
            await asyncio.to_thread(remove_folder, self._shop.settings.work_dir / job_id)
        self._given_up.discard(job_id)

    async def _prioritise(self, job_id: str, by: str, priority: int) -> None:
        row = await self._hands.row(job_id)
        if row.state["priority"] == priority and not is_finished(row.state):
            return
        key = next(name for name, value in PRIORITIES.items() if value == priority)
        draft = PriorityChanged(
            job_id=job_id, priority=priority, by=by, message=friendly_message(f"priority_{key}")
        )
        await self._steer(row, draft, partial(set_priority, job_id=job_id, priority=priority))
        self._wake.set()

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

    # Ends

    async def _after(self, row: JobRow) -> None:
        """Do what was asked of the job; if it has ended, clear up and tell the end of its batch."""
        await self._do_as_asked(row.id)
        state = await self._journal.state(row.id)
        if state is None or not is_finished(state):
            return
        if not (state["error"] or {}).get("retryable"):
            await asyncio.to_thread(remove_folder, self._shop.settings.work_dir / row.id)
        if row.batch_id is not None:
            await self._settle(row.batch_id)

    async def settle(self, batch_id: str) -> None:
        """Tell that the batch has ended, where a job that is reported was its last."""
        await self._own(self._settle(batch_id))

    async def _settle(self, batch_id: str) -> None:
        """Tell that the batch has ended, if it has and nobody said so."""
        async with self._settling:
            awaited = awaited_ms(now_ms(), self._shop.settings.upload_expires_h)
            if not await batch_has_ended_untold(self._database.reader, batch_id, awaited):
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
                ),
                also=partial(erase_secrets_of_batch, batch_id=batch_id),
            )


def _paused(job_id: str, by: str) -> JobPaused:
    return JobPaused(job_id=job_id, by=by, message=friendly_message("paused"))


def _has_ended(row: JobRow) -> Conflict:
    return Conflict(
        what=f"{row.filename} has ended already, so there is nothing to stop",
        todo="If it stored something that you do not want, undo it.",
    )


def remove_folder(folder: Path) -> None:
    """Delete a job's working folder, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
