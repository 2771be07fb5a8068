"""How a step says how far it is: the one call, `report(job, step, progress, context=, extra=)`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.eta import Eta
from app.core.events import (
    Event,
    ModelResult,
    ProcessingProgress,
    StepCompleted,
    StepStarted,
    ZoneCompleted,
    ZoneEvent,
    ZoneProcessing,
)
from app.core.messages import Phrase, friendly_message
from app.core.plans import Plan
from app.core.rates import Rate, costs_of
from app.pipeline.log import Journal
from app.pipeline.steps.work import Said

BETWEEN_REPORTS_S = 0.1
OWN_EVENTS: Mapping[str, type[Event]] = {
    "zone_processing": ZoneProcessing,
    "zone_completed": ZoneCompleted,
    "model_result": ModelResult,
}


@dataclass(slots=True)
class JobInHand:
    """A job that is being worked on.

    step      the step of the plan that runs; sentences with other names are told as part of it
    fraction  how much of that step is done, 0 to 1
    rates     what was learned of how long its steps take
    zones     what this attempt told of zones, as (type, zone_id)
    zone      the latest of them: its id, how many are done, and of how many where that is known
    """

    id: str
    filename: str
    size: int
    plan: Plan
    step: str
    fraction: float = 0.0
    rates: Mapping[str, Rate] = field(default_factory=dict)
    zones: set[tuple[str, str]] = field(default_factory=set)
    zone: tuple[str, int, int | None] | None = None
    eta: Eta = field(init=False)
    range_told: tuple[int, int] | None = None
    told: str | None = None  # the sentence that was told last
    not_before_s: float = float("-inf")
    held: ProcessingProgress | None = None

    def __post_init__(self) -> None:
        self._begin_estimate()

    def change_plan(self, plan: Plan) -> None:
        """Go on by another plan, which holds every step that is done."""
        self.plan = plan
        self._begin_estimate()

    def expect(self, rates: Mapping[str, Rate]) -> None:
        """Estimate by `rates` from here on: it is known by now what kind of file it is."""
        self.rates = rates
        self._begin_estimate()

    def _begin_estimate(self) -> None:
        costs, known = costs_of(self.plan.step_keys, self.rates)
        self.eta = Eta(self.plan.step_keys, self.size, costs, known=known)

    def enter(self, step: str) -> None:
        """Begin `step` of the plan."""
        self.step = step
        self.fraction = 0.0
        self.told = None
        self.held = None
        self.zone = None


class StepProgress:
    """Tells progress: at most ten times a second for one sentence, and its last state always."""

    def __init__(
        self,
        journal: Journal,
        clock_s: Callable[[], float] = time.monotonic,
        phrase: Phrase = friendly_message,
    ) -> None:
        self._journal = journal
        self._clock_s = clock_s
        self._phrase = phrase

    async def __call__(
        self,
        job: JobInHand,
        step: str,
        progress: float | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Say that `job` is at `step`.

        step      key of a friendly message: a step of the plan, or a moment within the running one
        progress  how much of the running step is done, 0 to 1; None where it was
        context   facts for the sentence; they go into the event's details too
        extra     further details of the event

        Returns after the commit. A report that comes less than a tenth of a second after another
        with the same sentence is held back; the next one replaces it, `flush` tells it.
        """
        event = self.event(job, step, progress, context=context, extra=extra)
        now_s = self._clock_s()
        if step == job.told and now_s < job.not_before_s:
            job.held = event
            return
        if step != job.told:
            await self.flush(job)
        job.held = None
        job.told = step
        job.not_before_s = now_s + BETWEEN_REPORTS_S
        await self._journal.append(event)

    async def flush(self, job: JobInHand) -> None:
        """Tell the report that was held back, if there is one."""
        held, job.held = job.held, None
        if held is not None:
            await self._journal.append(held)

    def event(
        self,
        job: JobInHand,
        step: str,
        progress: float | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> ProcessingProgress:
        """Return the event that such a report tells, for a caller that appends it itself."""
        if progress is not None:
            job.fraction = max(job.fraction, min(max(progress, 0.0), 1.0))
        at = job.plan.progress(job.step, job.fraction)
        facts = {"filename": job.filename, **(context or {})}
        left = self.time_left(job)
        return ProcessingProgress(
            job_id=job.id,
            stage=job.plan.stage_of(job.step).key,
            step=step,
            progress=at,
            message=self._phrase(step, facts),
            estimated_time_remaining=left,
            details={**facts, "size": job.size, **(extra or {}), **range_of(job)},
            **zones_of(job),
        )

    def said(self, job: JobInHand, said: Said) -> ProcessingProgress:
        """Return the event that tells `said`."""
        return self.event(job, said.step, context=said.context, extra=said.extra)

    def step_event(
        self,
        job: JobInHand,
        kind: type[StepStarted] | type[StepCompleted],
        said: Said,
        **more: Any,
    ) -> Event:
        """Return the event that begins or completes the running step.

        more  further fields of the event
        """
        left = self.time_left(job)
        return kind(
            job_id=job.id,
            stage=job.plan.stage_of(job.step).key,
            step=job.step,
            progress=job.plan.progress(job.step, job.fraction),
            message=self._phrase(said.step, {"filename": job.filename, **said.context}),
            estimated_time_remaining=left,
            details={**said.context, **said.extra, **range_of(job)},
            **more,
        )

    async def own_events(self, job: JobInHand, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Tell events that a reader has of its own, in one commit.

        bodies  what `Tell.events` was given. Each is checked: a worker that a hostile file has got
                hold of can say nothing else

        What was told of a zone is not told again: a step that was broken off begins by repeating
        what nobody may have heard.

        Raises ValueError for one that is none of OWN_EVENTS.
        """
        await self.flush(job)
        drafts: list[Event] = []
        zones: set[tuple[str, str]] = set()
        for body in bodies:
            kind = OWN_EVENTS.get(str(body.get("type")))
            if kind is None:
                raise ValueError(f"a reader may not tell {body.get('type')!r}")
            done, total = body.get("done"), body.get("total")
            if done is not None and total:
                job.fraction = max(job.fraction, min(float(done) / float(total), 1.0))
            if issubclass(kind, ZoneEvent):
                zone = str(body["type"]), str(body.get("zone_id"))
                if zone in job.zones or zone in zones:
                    continue
                zones.add(zone)
            drafts.append(
                kind.model_validate(
                    {
                        **{key: value for key, value in body.items() if key in kind.model_fields},
                        "job_id": job.id,
                        "stage": job.plan.stage_of(job.step).key,
                        "step": job.step,
                        "status": None,
                        "progress": job.plan.progress(job.step, job.fraction),
                        "message": str(body.get("message") or friendly_message(job.step)),
                        "estimated_time_remaining": self.time_left(job),
                    }
                )
            )
        if drafts:
            await self._journal.append(*drafts)
        job.zones |= zones
        for draft in drafts:
            if isinstance(draft, ZoneEvent):
                job.zone = draft.zone_id, draft.zones_completed, draft.zones_total

    def time_left(self, job: JobInHand) -> int | None:
        """Return the seconds that `job` will still take; None while nobody can know."""
        return job.eta.update(job.step, job.fraction, round(self._clock_s() * 1000))


def zones_of(job: JobInHand) -> dict[str, Any]:
    """Return where the running step is among the zones of a document; {} where it has none."""
    if job.zone is None:
        return {}
    zone, done, total = job.zone
    facts = {"zone": max(done, 1), **({} if total is None else {"zones": total})}
    return {
        "current_zone": zone,
        "zones_completed": done,
        "zones_total": total,
        "current_operation": friendly_message("zone_processing", facts),
    }


def range_of(job: JobInHand) -> dict[str, Any]:
    """Return, as details of an event, between what the time left may lie, where that is news."""
    if job.eta.range == job.range_told:
        return {}
    job.range_told = job.eta.range
    return {"eta_range": None if job.eta.range is None else list(job.eta.range)}
