"""What a job looks like now is a fold over its events. Pure: no clock, no IO.

The state is a plain JSON object, because it is stored, sent and compared as one. `fold` never
changes its argument.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

from app.core.events import FINISHED, Event
from app.core.times import iso_from_ms, ms_from_iso

WARNINGS_KEPT = 50


class OutOfPlace(ValueError):
    """An event that means nothing any more: of a job that has ended, or whose turn has come."""


class StageState(TypedDict):
    """One segment of the rail. `state` is waiting, running, done, failed or skipped."""

    key: str
    label: str
    # "from" is a Python word, so the two edges are called start and end here
    start: float
    end: float
    state: str
    started_at: str | None
    ended_at: str | None
    summary: str


class JobState(TypedDict):
    """The snapshot of a job: what the API and the page show."""

    job_id: str
    batch_id: str | None
    document_id: str | None
    filename: str
    size: int
    media_type: str
    sha256: str
    plan: str
    status: str
    stage: str | None
    step: str | None
    progress: float
    message: str
    estimated_time_remaining: int | None
    n: int
    last_seq: int
    attempt: int
    created_at: str
    started_at: str | None
    completed_at: str | None
    updated_at: str
    duration_ms: int | None
    stages: list[StageState]
    steps_done: list[str]
    details: dict[str, Any]
    warnings: list[dict[str, Any]]
    document_type: str | None
    platform: str | None
    error: dict[str, Any] | None
    result: dict[str, Any] | None
    undone: bool
    waiting_for: list[str]
    steering: dict[str, str] | None  # what was asked for and is not done yet: op, by
    priority: int
    reported: bool  # the work is done elsewhere; see docs/reporting.md


def place(
    draft: Event,
    state: JobState | None,
    *,
    seq: int,
    now_ms: int,
) -> tuple[dict[str, Any], JobState | None]:
    """Give `draft` its place: return the event's body and the job's next state.

    state  the job's state before the event; None for a batch's own events and for job_created

    The body is what the log keeps and every listener gets. What the draft leaves out is taken from
    the state, and progress never falls, except where a retry begins again.

    Raises ValueError when a job's event has no job to belong to.
    """
    body = draft.fields()
    body["seq"] = seq
    body["timestamp"] = iso_from_ms(now_ms)
    if draft.job_id is None:
        body["n"] = None
        return body, None
    if state is None:
        if draft.type != "job_created":
            raise ValueError(f"{draft.type} for an unknown job {draft.job_id}")
        body["n"] = 1
    else:
        body["n"] = state["n"] + 1
        body["batch_id"] = state["batch_id"]
        body["document_id"] = state["document_id"]
        for key in ("stage", "step"):
            if body[key] is None:
                body[key] = state[key]
    before = 0.0 if state is None else state["progress"]
    if body["progress"] is None:
        body["progress"] = before
    elif draft.type not in OWN_PROGRESS:
        body["progress"] = max(before, body["progress"])
    body["status"] = draft.status or _status_after(draft, state)
    return body, fold(state, body)


OWN_PROGRESS = frozenset({"job_retried"})  # a retry begins further back

STATUS_AFTER: Mapping[str, str] = {
    "job_created": "pending",
    "processing_started": "processing",
    "job_paused": "paused",
    "job_cancelled": "cancelled",
    "job_retried": "pending",
    "processing_completed": "completed",
    "processing_failed": "error",
}
STEERS = frozenset(
    {
        "control_requested",
        "job_paused",
        "job_resumed",
        "job_cancelled",
        "priority_changed",
        "clarification_requested",
        "clarification_answered",
        "clarification_expired",
    }
)
"""Events that mean nothing any more once the job has ended."""
TELLS_OF_WORK = frozenset(
    {
        "processing_started",
        "step_started",
        "step_completed",
        "processing_progress",
        "zone_processing",
        "zone_completed",
        "model_result",
        "processing_warning",
        "processing_completed",
        "processing_failed",
    }
)
"""What a worker elsewhere reports, beside what steers."""


def check_place(draft: Event, state: JobState | None) -> None:
    """Raise OutOfPlace when `draft` steers a job that has ended, or tells a turn that has come.

    Of a job that is reported from outside, no work is told after its end: a report may come late.
    """
    if state is None:
        return
    has_come = draft.type == "queue_moved" and state["status"] != "pending"
    is_late = draft.type in STEERS or (is_reported(state) and draft.type in TELLS_OF_WORK)
    if has_come or (is_late and is_finished(state)):
        raise OutOfPlace(f"{draft.type} for {draft.job_id}, which is {state['status']}")


def _status_after(draft: Event, state: JobState | None) -> str:
    """Return the job's status after `draft`. A pause outlasts questions and their answers.

    Nobody has to take up a job that is reported from outside: it goes on at once, and that its
    worker has begun takes neither a pause nor a question away.
    """
    if draft.type == "processing_started" and state is not None and is_reported(state):
        return "processing" if state["status"] == "pending" else state["status"]
    if draft.type in STATUS_AFTER:
        return STATUS_AFTER[draft.type]
    if state is None:
        return "pending"
    now, open_ones = state["status"], set(state.get("waiting_for", []))
    goes_on = "processing" if is_reported(state) and state["started_at"] else "pending"
    if draft.type == "job_resumed" and now == "paused":
        return "waiting" if open_ones else goes_on
    own = getattr(draft, "clarification_id", None)
    if draft.type == "clarification_requested" and now != "paused":
        return "waiting"
    if draft.type in ("clarification_answered", "clarification_expired") and now == "waiting":
        return "waiting" if open_ones - {own} else goes_on
    return now


def fold(state: JobState | None, event: Mapping[str, Any]) -> JobState:
    """Return the job's state after `event` (a placed body).

    Events whose `n` is not the next one are ignored, so that a repetition changes nothing.
    Raises ValueError when the first event is not job_created.
    """
    if state is None:
        if event["type"] != "job_created":
            raise ValueError(f"a job begins with job_created, not {event['type']}")
        return _first(event)
    if event["n"] != state["n"] + 1:
        return state
    after = cast(JobState, dict(state))
    after["n"] = event["n"]
    after["last_seq"] = event["seq"]
    after["updated_at"] = event["timestamp"]
    after["message"] = event["message"]
    after["status"] = event["status"]
    after["step"] = event["step"]
    after["progress"] = event["progress"]
    after["estimated_time_remaining"] = event["estimated_time_remaining"]
    if event["details"]:
        after["details"] = {**state["details"], **event["details"]}
    if event["stage"] != state["stage"]:
        after["stage"] = event["stage"]
        after["stages"] = _enter(after["stages"], event["stage"], event["timestamp"])
    change = _CHANGES.get(event["type"])
    if change is not None:
        change(after, event)
    return after


def fold_all(events: Iterable[Mapping[str, Any]], state: JobState | None = None) -> JobState | None:
    """Return the state after `events`, oldest first, from `state` on; None before the first."""
    for event in events:
        state = fold(state, event)
    return state


def _first(event: Mapping[str, Any]) -> JobState:
    plan = event["plan"]
    return JobState(
        job_id=event["job_id"],
        batch_id=event["batch_id"],
        document_id=event["document_id"],
        filename=event["filename"],
        size=event["size"],
        media_type=event["media_type"],
        sha256=event["sha256"],
        plan=plan.get("name", ""),
        status=event["status"],
        stage=event["stage"],
        step=event["step"],
        progress=event["progress"],
        message=event["message"],
        estimated_time_remaining=event["estimated_time_remaining"],
        n=event["n"],
        last_seq=event["seq"],
        attempt=1,
        created_at=event["timestamp"],
        started_at=None,
        completed_at=None,
        updated_at=event["timestamp"],
        duration_ms=None,
        stages=_stages(plan),
        steps_done=[],
        details=dict(event["details"]),
        warnings=[],
        document_type=None,
        platform=None,
        error=None,
        result=None,
        undone=False,
        waiting_for=[],
        steering=None,
        priority=event.get("priority", 0),
        reported=event.get("reported", False),
    )


def _stages(plan: Mapping[str, Any]) -> list[StageState]:
    return [
        StageState(
            key=stage["key"],
            label=stage["label"],
            start=stage["from"],
            end=stage["to"],
            state="waiting",
            started_at=None,
            ended_at=None,
            summary="",
        )
        for stage in plan.get("stages", [])
    ]


def _enter(stages: list[StageState], key: str | None, at: str) -> list[StageState]:
    """Begin the stage `key`: those before it are done, those after it wait."""
    places = [stage["key"] for stage in stages]
    if key not in places:
        return stages
    here = places.index(key)
    return [
        _ended(stage, "done", at)
        if at_index < here
        else _begun(stage, at)
        if at_index == here
        else _waiting(stage)
        for at_index, stage in enumerate(stages)
    ]


def _ended(stage: StageState, state: str, at: str) -> StageState:
    if stage["state"] in ("done", "skipped"):
        return stage
    if stage["state"] == "waiting":
        return {**stage, "state": "skipped"}
    return {**stage, "state": state, "ended_at": at}


def _begun(stage: StageState, at: str) -> StageState:
    return {**stage, "state": "running", "started_at": stage["started_at"] or at, "ended_at": None}


def _waiting(stage: StageState) -> StageState:
    return {**stage, "state": "waiting", "started_at": None, "ended_at": None, "summary": ""}


def _started(after: JobState, event: Mapping[str, Any]) -> None:
    after["started_at"] = after["started_at"] or event["timestamp"]


def _step_completed(after: JobState, event: Mapping[str, Any]) -> None:
    if event["step"] and event["step"] not in after["steps_done"]:
        after["steps_done"] = [*after["steps_done"], event["step"]]
    if event["summary"]:
        after["stages"] = [
            {**stage, "summary": event["summary"]} if stage["key"] == event["stage"] else stage
            for stage in after["stages"]
        ]
    after["document_type"] = event["details"].get("document_type", after["document_type"])
    after["platform"] = event["details"].get("platform", after["platform"])


def _plan_chosen(after: JobState, event: Mapping[str, Any]) -> None:
    """Take the new stages: those before the running step are done, as its plan sees it."""
    plan = event["plan"]
    after["plan"] = plan["name"]
    fresh = _stages(plan)
    began = {stage["key"]: stage for stage in after["stages"]}
    kept = [
        {**began[s["key"]], "start": s["start"], "end": s["end"]} if s["key"] in began else s
        for s in fresh
    ]
    after["stages"] = _enter(cast(list[StageState], kept), event["stage"], event["timestamp"])


def _asked(after: JobState, event: Mapping[str, Any]) -> None:
    after["waiting_for"] = [*_waiting_for(after, event), event["clarification_id"]]


def _answered(after: JobState, event: Mapping[str, Any]) -> None:
    after["waiting_for"] = _waiting_for(after, event)


def _waiting_for(state: JobState, event: Mapping[str, Any]) -> list[str]:
    # States of before there were questions do not have the key.
    own = event["clarification_id"]
    return [one for one in state.get("waiting_for", []) if one != own]


def _warned(after: JobState, event: Mapping[str, Any]) -> None:
    warnings = [w for w in after["warnings"] if w != event["warning"]]
    after["warnings"] = [*warnings, dict(event["warning"])][-WARNINGS_KEPT:]


def _completed(after: JobState, event: Mapping[str, Any]) -> None:
    after["result"] = dict(event["result"])
    _finish(after, event, "done")


def _failed(after: JobState, event: Mapping[str, Any]) -> None:
    after["error"] = dict(event["error"])
    _finish(after, event, "failed")


def _cancelled(after: JobState, event: Mapping[str, Any]) -> None:
    _finish(after, event, "skipped")


def _finish(after: JobState, event: Mapping[str, Any], outcome: str) -> None:
    after["completed_at"] = event["timestamp"]
    after["estimated_time_remaining"] = None
    after["waiting_for"] = []
    after["steering"] = None
    if after["started_at"] is not None:
        began = ms_from_iso(after["started_at"])
        after["duration_ms"] = ms_from_iso(event["timestamp"]) - began
    ended = []
    for stage in after["stages"]:
        if stage["state"] == "running" or (stage["state"] == "waiting" and outcome == "done"):
            ended.append(_ended(stage, outcome, event["timestamp"]))
        else:
            ended.append(stage)
    after["stages"] = ended


def _retried(after: JobState, event: Mapping[str, Any]) -> None:
    after["attempt"] = event["attempt"]
    after["error"] = None
    after["result"] = None
    after["completed_at"] = None
    after["duration_ms"] = None
    after["undone"] = False
    # The stage may be the one that failed: it begins again, and those after it wait again.
    after["stages"] = _enter(after["stages"], event["stage"], event["timestamp"])
    step = event["from_step"]
    if step in after["steps_done"]:
        after["steps_done"] = after["steps_done"][: after["steps_done"].index(step)]


def _control_requested(after: JobState, event: Mapping[str, Any]) -> None:
    after["steering"] = {"op": event["op"], "by": event["by"]}


def _steered(after: JobState, event: Mapping[str, Any]) -> None:
    after["steering"] = None


def _priority_changed(after: JobState, event: Mapping[str, Any]) -> None:
    after["priority"] = event["priority"]


def _undone(after: JobState, event: Mapping[str, Any]) -> None:
    after["undone"] = True


def _fields_edited(after: JobState, event: Mapping[str, Any]) -> None:
    result = after["result"]
    if result is not None and "fields" in result:
        fields = {**result["fields"], **event["fields_said"]}
        after["result"] = {**result, "fields": fields, "review": event["review"]}


def _rows_edited(after: JobState, event: Mapping[str, Any]) -> None:
    result = after["result"]
    if result is not None and "rows" in result:
        counts = {key: event[key] for key in ("new_rows", "existing_rows", "review")}
        after["result"] = {**result, **counts}


_CHANGES = {
    "processing_started": _started,
    "step_completed": _step_completed,
    "plan_chosen": _plan_chosen,
    "clarification_requested": _asked,
    "clarification_answered": _answered,
    "clarification_expired": _answered,
    "processing_warning": _warned,
    "processing_completed": _completed,
    "processing_failed": _failed,
    "control_requested": _control_requested,
    "job_paused": _steered,
    "job_resumed": _steered,
    "priority_changed": _priority_changed,
    "job_cancelled": _cancelled,
    "job_retried": _retried,
    "job_undone": _undone,
    "fields_edited": _fields_edited,
    "rows_edited": _rows_edited,
}


def is_reported(state: JobState) -> bool:
    """Tell whether the job's work is done elsewhere, and told by reports."""
    return state.get("reported", False)  # states of before there were reports do not have the key


def is_finished(state: JobState) -> bool:
    """Tell whether the job has ended: completed, error or cancelled."""
    return state["status"] in FINISHED
