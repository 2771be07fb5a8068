"""One step's reader at work: its turn, what it tells on the way, and once more after a crash."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from app.core.errors import OutOfMemory, WorkerCrashed
from app.core.events import ProcessingWarning, WarningInfo
from app.core.notices import Notice, WarningsLeftOut
from app.core.reading import Task
from app.pipeline.brake import Brake
from app.pipeline.relay import Relay
from app.pipeline.shop import Shop, limits_for
from app.pipeline.step_progress import JobInHand
from app.pipeline.steps.work import Work
from app.pipeline.worker import Heard, OwnEvents

logger = logging.getLogger(__name__)

RUNS_AT_MOST = 2  # of one step whose worker crashes
WARNINGS_AT_MOST = 500  # of one step


class ReaderRun:
    """Runs the readers of one job in hand, one after the other, and tells what they tell."""

    def __init__(self, shop: Shop, relay: Relay, hand: JobInHand, brake: Brake) -> None:
        self._shop = shop
        self._relay = relay
        self._hand = hand
        self._brake = brake
        self._warned = 0

    async def __call__(self, work: Work, task: Task) -> dict[str, Any]:
        """Run the step's reader; once more when its worker crashes. Return what it found.

        Raises what the reader raises, what stopped its worker twice, and Halted.
        """
        self._warned = 0
        for run in range(1, RUNS_AT_MOST + 1):
            try:
                return await self._once(work, task)
            except WorkerCrashed as error:
                logger.warning(
                    "worker crashed: job=%s step=%s run=%d reason=%s",
                    self._hand.id,
                    work.key,
                    run,
                    error.facts.get("reason"),
                )
                if run == RUNS_AT_MOST and error.facts.get("memory"):
                    raise OutOfMemory(filename=self._hand.filename) from error
                if run == RUNS_AT_MOST:
                    raise
                await self._shop.report(self._hand, "retried")
        raise AssertionError("unreachable")

    async def _once(self, work: Work, task: Task) -> dict[str, Any]:
        shop, hear = self._shop, partial(self._hear, work)
        async with self._turn_of(work, task), self._brake.on(gently=True):
            if work.key in shop.server_steps:
                return await shop.server_steps[work.key](task, hear)
            limits = limits_for(shop.settings, records=work.records)
            if work.fresh:
                self._relay.begin_anew()
            return await self._relay.run(shop.readers[work.key], task, limits, hear)

    @asynccontextmanager
    async def _turn_of(self, work: Work, task: Task) -> AsyncIterator[None]:
        """Wait until a step that keeps a core and much memory busy may begin."""
        if not work.is_heavy(task):
            yield
            return
        async with AsyncExitStack() as turn:
            async with self._brake.on(gently=False):
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
        if self._warned > WARNINGS_AT_MOST + 1:  # a plugin warns of each row, or a hostile file
            return
        if self._warned == WARNINGS_AT_MOST + 1:
            notice = WarningsLeftOut(told=WARNINGS_AT_MOST)
        warning = WarningInfo(**notice.body())
        await self._shop.journal.append(
            ProcessingWarning(
                job_id=self._hand.id,
                message=warning.title,
                warning=warning,
                estimated_time_remaining=self._shop.report.time_left(self._hand),
            )
        )
