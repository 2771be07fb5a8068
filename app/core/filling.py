"""Events out of what a worker elsewhere reports: what it left out is filled in. Pure.

Where in the plan a report belongs, how far the job is, how long it will still take, and the
friendly sentence. No clock: the time is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import reports as said
from app.core.asking import Choice, Question, QuestionKind
from app.core.errors import InvalidReport
from app.core.events import (
    ClarificationRequested,
    ErrorInfo,
    Event,
    JobCancelled,
    ModelResult,
    ProcessingCompleted,
    ProcessingFailed,
    ProcessingProgress,
    ProcessingStarted,
    ProcessingWarning,
    StepCompleted,
    StepStarted,
    WarningInfo,
    ZoneCompleted,
    ZoneProcessing,
)
from app.core.kept import check_details, check_kept, check_result
from app.core.messages import Phrase, friendly_message
from app.core.names import one_line
from app.core.plans import Plan, Stage
from app.core.quantities import took
from app.core.reports import ENDS, LONGEST_TEXT, Report
from app.core.state import JobState
from app.core.times import iso_from_ms, ms_from_iso

STEPS_AT_MOST = 500  # that a job keeps as done
OPEN_AT_MOST = 20  # questions


@dataclass(frozen=True, slots=True)
class AskedOutside:
    """A question that a report puts to people; `expires_ms` is when its time is over."""

    id: str
    step: str
    question: Question
    expires_ms: int


@dataclass(slots=True)
class Filled:
    """What reports come to.

    ended     they end the job
    began_ms  when the attempt began; None: before this server had its first report of it
    """

    drafts: list[Event] = field(default_factory=list)
    asked: list[AskedOutside] = field(default_factory=list)
    ended: bool = False
    began_ms: int | None = None


class Filler:
    """Makes events of the reports of one request, the first of which meets the job as `state`.

    Given all at once (`fill`), or in slices between which others have their turn (`take`, `end`).

    began_ms          when the attempt that runs began; None where nobody knows: then nothing is
                      foretold of it
    answer_within_ms  the time for an answer where a question does not say
    by                who reports
    """

    def __init__(
        self,
        state: JobState,
        plan: Plan,
        *,
        began_ms: int | None,
        now_ms: int,
        answer_within_ms: int,
        by: str,
        new_id: Callable[[], str],
        phrase: Phrase = friendly_message,
    ) -> None:
        self._state, self._plan = state, plan
        self._now_ms, self._answer_within_ms = now_ms, answer_within_ms
        self._by, self._new_id, self._phrase = by, new_id, phrase
        self._stages = {stage.key: stage for stage in plan.stages}
        self._of_step = {step.key: stage for stage in plan.stages for step in stage.steps}
        self._stage = state["stage"]
        self._step = state["step"] or ""
        self._progress = state["progress"]
        self._is_new = state["status"] == "pending" or state["started_at"] is None
        self._facts: dict[str, Any] = {"filename": state["filename"]}
        self._details: dict[str, Any] = {}
        self._filled = Filled(began_ms=began_ms)
        self._taken = 0

    def fill(self, reports: Sequence[Report]) -> Filled:
        """Return the events of all `reports`. Raises InvalidReport, as `take` and `end` do."""
        self.take(reports)
        return self.end()

    def take(self, some: Sequence[Report]) -> None:
        """Make events of the next reports. Raises InvalidReport with the place of the bad one."""
        if self._is_new and not self._filled.drafts and type(some[0]) is not said.Started:
            self._take(said.Started(type="processing_started"))
        for report in some:
            if self._filled.ended:
                raise self._bad("the report before this one has ended the job")
            try:
                self._take(report)
            except ValueError as error:
                raise self._bad(str(error)) from error
            self._taken += 1

    def end(self) -> Filled:
        """Return the events. Raises InvalidReport where the job would keep too much."""
        state, filled = self._state, self._filled
        self._taken -= 1  # it is the last one that brings too much
        if self._details:
            try:
                check_kept({**state["details"], **self._details})
            except ValueError as error:
                raise self._bad(str(error)) from error
        done = {draft.step for draft in filled.drafts if type(draft) is StepCompleted}
        if len(done.union(state["steps_done"])) > STEPS_AT_MOST:
            raise self._bad(f"step: a job has at most {STEPS_AT_MOST}")
        if len(state["waiting_for"]) + len(filled.asked) > OPEN_AT_MOST:
            raise self._bad(f"a job asks at most {OPEN_AT_MOST} at once")
        return filled

    def _bad(self, what: str) -> InvalidReport:
        return InvalidReport(index=max(self._taken, 0), what=what)

    def _take(self, report: Report) -> None:
        if self._is_new and type(report) is said.Started:
            self._filled.began_ms = self._now_ms
        own = self._place(report)
        details = {**report.context, **report.details} if report.context else report.details
        if details:
            check_details(details)
            self._details.update(details)
        own["details"] = details
        facts = {**self._facts, **report.context} if report.context else self._facts
        draft = _MAKERS[type(report)](self, report, own, facts)
        self._filled.drafts.append(draft)
        self._filled.ended = report.type in ENDS  # type: ignore[attr-defined]

    def _place(self, report: Report) -> dict[str, Any]:
        """Return the fields that all events have, and go on from there."""
        stage = self._stage_of(report)
        self._stage = stage.key
        if report.step is not None:
            self._step = report.step
        told = self._progress_of(report, stage)
        if told is not None and told > self._progress:
            self._progress = told
        left = report.estimated_time_remaining
        if left is None and type(report) not in _UNTIMED:
            left = self._time_left()
        return {
            "job_id": self._state["job_id"],
            "stage": stage.key,
            "step": self._step or None,
            "progress": self._progress,
            "estimated_time_remaining": left,
        }

    def _stage_of(self, report: Report) -> Stage:
        """Return where the report belongs: as it says, by its step, or by how far the job is."""
        if report.stage is not None:
            if report.stage not in self._stages:
                raise ValueError(f"stage: there is no {report.stage}; {', '.join(self._stages)}")
            return self._stages[report.stage]
        if report.step is not None and report.step in self._of_step:
            return self._of_step[report.step]
        here = self._stages.get(self._stage or "")
        if report.progress is None:
            return here or self._plan.stages[0]
        reached = max(report.progress, self._progress)
        found = next((one for one in self._plan.stages if one.end > reached), self._plan.stages[-1])
        return here if here is not None and here.start > found.start else found

    def _progress_of(self, report: Report, stage: Stage) -> float | None:
        if type(report) is said.Completed:
            return 100.0
        if report.progress is not None:
            return round(report.progress, 2)
        if isinstance(report, said.Progressed | said.ZoneDone) and report.zones_total:
            if report.zones_completed is None:
                return None
            share = min(report.zones_completed / report.zones_total, 1.0)
            return round(stage.start + (stage.end - stage.start) * share, 1)
        if report.step is not None and report.step in self._of_step:
            if type(report) is said.StepBegun:
                return self._plan.progress(report.step, 0.0)
            if type(report) is said.StepDone:
                return self._plan.progress(report.step, 1.0)
        return None

    def _time_left(self) -> int | None:
        """Return the seconds left if all goes on as until now; None before the first progress.

        Source: remaining = elapsed / (progress / 100) - elapsed.
        """
        if self._filled.began_ms is None or self._progress <= 0:
            return None
        elapsed_s = max(0, self._now_ms - self._filled.began_ms) / 1000
        return int(elapsed_s / (self._progress / 100) - elapsed_s)

    # One maker for each type

    def _sentence(self, report: Report, facts: Mapping[str, Any]) -> str:
        return report.message or _harmless(self._phrase(self._step, facts))

    def _started(self, report: said.Started, own: dict[str, Any], facts: dict[str, Any]) -> Event:
        message = report.message or _harmless(friendly_message("started", facts))
        return ProcessingStarted(**own, message=message, attempt=self._state["attempt"])

    def _step_started(self, report: said.StepBegun, own: dict[str, Any], facts: Any) -> Event:
        return StepStarted(**own, message=self._sentence(report, facts))

    def _step_done(self, report: said.StepDone, own: dict[str, Any], facts: Any) -> Event:
        return StepCompleted(
            **own,
            message=self._sentence(report, facts),
            duration_ms=report.duration_ms,
            summary=report.summary,
        )

    def _progressed(self, report: said.Progressed, own: dict[str, Any], facts: Any) -> Event:
        operation, total = report.current_operation, report.zones_total
        if operation is None and total and report.zones_completed is not None:
            at = min(report.zones_completed + 1, total)
            operation = friendly_message("zone_processing", {"zone": at, "zones": total})
        message = report.message
        if message is None and report.step is None:
            message = operation
        return ProcessingProgress(
            **own,
            message=message or self._sentence(report, facts),
            current_operation=operation,
            current_zone=report.current_zone,
            zones_completed=report.zones_completed,
            zones_total=total,
        )

    def _zone(
        self, report: said.ZoneBegun | said.ZoneDone, own: dict[str, Any], facts: Any
    ) -> Event:
        zone = {"zone": report.zone_index + 1, "zones": report.zones_total}
        fields = {
            **own,
            "message": report.message or friendly_message(report.type, zone),
            "zone_id": report.zone_id,
            "zone_index": report.zone_index,
            "page": report.page,
            "kind": report.kind,
            "bbox": report.bbox,
            "processing_tool": report.processing_tool,
            "zones_completed": report.zones_completed or 0,
            "zones_total": report.zones_total,
        }
        if isinstance(report, said.ZoneBegun):
            return ZoneProcessing(**fields)
        return ZoneCompleted(**fields, confidence=report.confidence, duration_ms=report.duration_ms)

    def _model(self, report: said.ModelSaid, own: dict[str, Any], facts: Any) -> Event:
        what = {"model": report.model_name}
        if report.model_status == "failed":
            what["reason"] = report.error or "it did not say why"
        key = "model_answered" if report.model_status == "completed" else "model_reading"
        return ModelResult(
            **own,
            message=report.message or friendly_message(key, what),
            model_name=report.model_name,
            provider=report.provider,
            model_status=report.model_status,
            duration_ms=report.duration_ms,
            result=report.result,
            error=report.error,
            input_tokens=report.input_tokens,
            output_tokens=report.output_tokens,
            cost=report.cost,
        )

    def _warned(self, report: said.Warned, own: dict[str, Any], facts: Any) -> Event:
        noted = report.warning
        if isinstance(noted, str):
            noted = said.Noted(title=noted)
        info = WarningInfo(**noted.model_dump())
        return ProcessingWarning(**own, message=report.message or info.title, warning=info)

    def _asks(self, report: said.Asked, own: dict[str, Any], facts: Any) -> Event:
        within_ms = (
            self._answer_within_ms if report.expires_in_s is None else report.expires_in_s * 1000
        )
        choices = [choice.model_dump() for choice in report.choices]
        kind: QuestionKind = "choice" if choices else "text"
        question = Question(
            key=report.key or report.question,
            kind=kind,
            text=report.question,
            choices=tuple(Choice(**choice) for choice in choices),
            default=report.default,
        )
        asked = AskedOutside(self._new_id(), self._step, question, self._now_ms + within_ms)
        self._filled.asked.append(asked)
        return ClarificationRequested(
            **own,
            message=report.message or report.question,
            clarification_id=asked.id,
            question=report.question,
            kind=kind,
            choices=choices,
            default=report.default,
            expires_at=iso_from_ms(asked.expires_ms),
        )

    def _completed(self, report: said.Completed, own: dict[str, Any], facts: Any) -> Event:
        check_result(report.result)
        facts = {**facts, "took": took(self._took_ms())}
        return ProcessingCompleted(
            **{**own, "step": report.step or "complete"},
            message=report.message or _harmless(friendly_message("complete", facts)),
            result=report.result,
            duration_ms=self._took_ms(),
        )

    def _failed(self, report: said.Failed, own: dict[str, Any], facts: Any) -> Event:
        mishap = report.error
        if isinstance(mishap, str):
            mishap = said.Mishap(title=mishap)
        info = ErrorInfo(**mishap.model_dump(), step=self._step or None)
        return ProcessingFailed(
            **own,
            message=report.message or friendly_message("error", {"reason": info.title}),
            error=info,
            duration_ms=self._took_ms(),
        )

    def _cancelled(self, report: said.Cancelled, own: dict[str, Any], facts: Any) -> Event:
        message = report.message or friendly_message("cancelled_by_worker")
        return JobCancelled(**own, message=message, by=self._by)

    def _took_ms(self) -> int:
        started = self._state["started_at"]
        return 0 if started is None else max(0, self._now_ms - ms_from_iso(started))


_UNTIMED = (said.Started, said.Asked, said.Completed, said.Failed, said.Cancelled)
_MAKERS: Mapping[type[Report], Callable[..., Event]] = {
    said.Started: Filler._started,
    said.StepBegun: Filler._step_started,
    said.StepDone: Filler._step_done,
    said.Progressed: Filler._progressed,
    said.ZoneBegun: Filler._zone,
    said.ZoneDone: Filler._zone,
    said.ModelSaid: Filler._model,
    said.Warned: Filler._warned,
    said.Asked: Filler._asks,
    said.Completed: Filler._completed,
    said.Failed: Filler._failed,
    said.Cancelled: Filler._cancelled,
}


def began_ms(state: JobState, known: tuple[int, int | None]) -> int | None:
    """Return when the attempt that runs began; None where it has not, or nobody knows.

    known  an attempt, counted from 1, and when it began: a state knows it of the first alone
    """
    if state["status"] == "pending":
        return None
    if state["attempt"] == 1 and state["started_at"] is not None:
        return ms_from_iso(state["started_at"])
    return known[1] if known[0] == state["attempt"] else None


def _harmless(sentence: str) -> str:
    """Return a sentence in which a worker's own facts stand as one line of a fair length."""
    if len(sentence) > LONGEST_TEXT:
        sentence = f"{sentence[: LONGEST_TEXT - 1]}…"
    return sentence if sentence.isprintable() else one_line(sentence)
