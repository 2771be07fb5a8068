"""System B, task updates: a job is a task, and each of its events a `task_update`.

Statuses: a job that waits for an answer or rests is `processing`, one that was cancelled is an
`error`. Stages are those of an invoice: `fetch`, `llm_extraction`, `validation`, `save` and
`complete`. That a file is one turns out on the way, so steps count, and not the plan of the moment;
what only other plans do, such as storing rows, keeps the stage that it has there.
"""

from collections.abc import Iterable
from typing import Any

from app.core.dialects.words import AFTERWARDS, Body, Told, in_words
from app.core.plans import INVOICE, PLANS
from app.core.state import JobState
from app.core.times import ms_from_iso

STATUS = {
    "pending": "pending",
    "processing": "processing",
    "paused": "processing",
    "waiting": "processing",
    "completed": "completed",
    "error": "error",
    "cancelled": "error",
}

STAGE_OF = {step.key: stage for stage in INVOICE.stages for step in stage.steps}
"""By step: the stage of an invoice that it belongs to."""

STAGES = [stage for plan in PLANS.values() for stage in plan.stages]
STAGE_KEYS = frozenset(stage.key for stage in STAGES)
FIRST = frozenset((stage.key, stage.steps[0].key) for stage in STAGES)
LAST = frozenset((stage.key, stage.steps[-1].key) for stage in STAGES)


def told(event: Body) -> list[Told]:
    """Return what a client that has joined the job or its batch hears of `event`."""
    if event["type"] in AFTERWARDS:
        return []
    if event["job_id"] is None:
        return _of_batch(event)
    update: dict[str, Any] = {
        "type": _kind(event),
        "task_id": event["job_id"],
        "batch_id": event["batch_id"],
        "status": STATUS[event["status"]],
        **_place(event),
        "step": event["step"],
        "message": event["message"],
        "timestamp": _epoch_s(event["timestamp"]),
        "seq": event["seq"],
        "details": event["details"],
    }
    match event["type"]:
        case "processing_completed":
            update["result"] = event["result"]
        case "processing_failed":
            update |= {"error": in_words(event["error"]), "problem": event["error"]}
        case "job_cancelled":
            update["error"] = event["message"]
    return [Told("task_update", update)]


def _kind(event: Body) -> str:
    match event["type"]:
        case "processing_completed":
            return "complete"
        case "processing_failed" | "job_cancelled":
            return "error"
        case "step_started" if _is_edge(event, FIRST):
            return "stage_start"
        case "step_completed" if _is_edge(event, LAST):
            return "stage_complete"
        case _:
            return "progress"


def _is_edge(event: Body, edges: frozenset[tuple[str, str]]) -> bool:
    # Of a plan that is not ours only the stages are known.
    stage = _place(event)["stage"]
    return (stage, event["step"]) in edges or stage not in STAGE_KEYS


def _place(at: Body | JobState) -> dict[str, Any]:
    """Return the stage that a client is told, and the progress, which lies within it.

    at  an event, or how a job stands
    """
    if at["status"] == "completed":
        return {"stage": "complete", "progress": 100.0}
    known = STAGE_OF.get(at["step"] or "")
    if known is None:
        return {"stage": at["stage"], "progress": at["progress"]}
    return {"stage": known.key, "progress": min(max(at["progress"], known.start), known.end)}


def _of_batch(event: Body) -> list[Told]:
    if event["type"] != "batch_completed":
        return []
    update: dict[str, Any] = {
        "type": "complete",
        "task_id": event["batch_id"],
        "batch_id": event["batch_id"],
        "status": "completed",
        "progress": 100.0,
        "stage": "complete",
        "step": None,
        "message": event["message"],
        "timestamp": _epoch_s(event["timestamp"]),
        "seq": event["seq"],
        "result": {"jobs": event["jobs"], "counts": event["counts"]},
    }
    return [Told("task_update", update)]


def now(state: JobState) -> list[Told]:
    """Return how a job stands, as the update that a client hears which has just joined it."""
    status = STATUS[state["status"]]
    update: dict[str, Any] = {
        "type": {"completed": "complete", "error": "error"}.get(status, "progress"),
        "task_id": state["job_id"],
        "batch_id": state["batch_id"],
        "status": status,
        **_place(state),
        "step": state["step"],
        "message": state["message"],
        "timestamp": _epoch_s(state["updated_at"]),
        "seq": state["last_seq"],
        "details": state["details"],
    }
    if status == "completed":
        update["result"] = state["result"]
    elif status == "error":
        update["error"] = _error(state)
        if state["error"] is not None:
            update["problem"] = state["error"]
    return [Told("task_update", update)]


def status_of(state: JobState, events: Iterable[Body] = ()) -> dict[str, Any]:
    """Return what GET /api/invoices/status/{task_id} answers.

    events  of the job, oldest first: its `updates`
    """
    return {
        "task_id": state["job_id"],
        "filename": state["filename"],
        "status": STATUS[state["status"]],
        **_place(state),
        "message": state["message"],
        "updates": [update.payload for event in events for update in told(event)],
        "result": state["result"],
        "error": _error(state),
        "problem": state["error"],
        "timestamp": _epoch_s(state["updated_at"]),
        "seq": state["last_seq"],
    }


def _error(state: JobState) -> str | None:
    match state["status"]:
        case "error":
            return in_words(state["error"])
        case "cancelled":
            return state["message"]
        case _:
            return None


def _epoch_s(timestamp: str) -> float:
    return ms_from_iso(timestamp) / 1000
