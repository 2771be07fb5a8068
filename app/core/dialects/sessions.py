"""System C, session updates: a session is a job, or a batch of them.

Prompts are the steps of a job's plan, or the jobs of a batch. A job that waits for its turn or an
answer, or rests, is ACTIVE; one that was cancelled is EXPIRED.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.core.dialects.words import AFTERWARDS, Body, Told, in_words
from app.core.events import FINISHED
from app.core.messages import friendly_message
from app.core.plans import PLANS
from app.core.state import JobState

STATUS = {
    "pending": "ACTIVE",
    "processing": "PROCESSING",
    "paused": "ACTIVE",
    "waiting": "ACTIVE",
    "completed": "COMPLETED",
    "error": "FAILED",
    "cancelled": "EXPIRED",
}

STEP_ENDS = {
    plan.name: tuple(plan.progress(step, 1.0) for step in plan.step_keys) for plan in PLANS.values()
}
"""By plan: the progress at which each of its steps is done, ascending."""


class Mark(NamedTuple):
    """How a job stands after its event `n`; as much as a session needs to know.

    ends       the progress at which each of its prompts is done, ascending
    questions  those that wait for an answer
    """

    n: int
    seq: int
    status: str
    progress: float
    timestamp: str
    questions: frozenset[str]
    ends: Sequence[float]

    @property
    def open_questions(self) -> int:
        return max(len(self.questions), int(self.status == "waiting"))


def mark_of(state: JobState) -> Mark:
    """Return how the job stands."""
    return Mark(
        n=state["n"],
        seq=state["last_seq"],
        status=state["status"],
        progress=state["progress"],
        timestamp=state["updated_at"],
        questions=frozenset(state.get("waiting_for", [])),
        ends=_ends(state["plan"], [stage["end"] for stage in state["stages"]]),
    )


def mark_after(event: Body, before: Mark | None) -> Mark:
    """Return how a job stands after `event`, its own; before: as it stood at an earlier one.

    Where that is not the one just before, there may be more open questions than are counted.
    """
    ends: Sequence[float] = () if before is None else before.ends
    if event["type"] in ("job_created", "plan_chosen"):
        plan = event["plan"]
        ends = _ends(plan.get("name", ""), [stage["to"] for stage in plan.get("stages", [])])
    status = event["status"]
    questions: frozenset[str] = frozenset()
    if before is not None and before.n + 1 == event["n"]:
        questions = before.questions
    match event["type"]:
        case "clarification_requested":
            questions |= {event["clarification_id"]}
        case "clarification_answered" | "clarification_expired":
            questions -= {event["clarification_id"]}
        case "processing_completed" | "processing_failed" | "job_cancelled":
            questions = frozenset()
    return Mark(
        n=event["n"],
        seq=event["seq"],
        status=status,
        progress=event["progress"],
        timestamp=event["timestamp"],
        questions=questions,
        ends=ends,
    )


def _ends(plan: str, stages: Sequence[float]) -> Sequence[float]:
    """Return where each step of the plan ends; of a plan that is not ours, each stage."""
    return STEP_ENDS.get(plan) or tuple(stages)


def told_of_job(event: Body, mark: Mark) -> list[Told]:
    """Return what a client hears of `event` whose session is the job; mark: as it stands then."""
    if event["type"] in AFTERWARDS or event["job_id"] is None:
        return []
    session = event["job_id"]
    result = event["result"] if event["type"] == "processing_completed" else None
    said = [Told("progress", _progress(session, mark, result))]
    match event["type"]:
        case "processing_completed":
            said.append(_completed(session, event, event["result"]))
        case "processing_failed":
            said.append(_error(session, event, in_words(event["error"]), problem=event["error"]))
        case "job_cancelled":
            said.append(_error(session, event, event["message"]))
        case _:
            said += _asides(session, event)
    return said


def told_of_batch(event: Body) -> list[Told]:
    """Return what a client hears of `event` whose session is the batch, beside its progress."""
    session = event["batch_id"]
    if event["type"] == "batch_completed":
        return [_end_of_batch(session, event, event["jobs"], event["counts"], event["message"])]
    return _asides(session, event)


def _end_of_batch(
    session: str, at: Body, jobs: int, counts: Mapping[str, int], message: str
) -> Told:
    """Return how a batch has ended. at: has the time, and the place in the log."""
    result = {"jobs": jobs, "counts": counts}
    if jobs and counts.get("error", 0) == jobs:
        return _error(session, at, message, result=result)
    return _completed(session, at, result)


def end_of_batch(batch_id: str, marks: Iterable[Mark]) -> list[Told]:
    """Return what a client hears that subscribes to a batch when it has ended; else nothing."""
    jobs = list(marks)
    counts = Counter(job.status for job in jobs)
    if not jobs or not FINISHED.issuperset(counts):
        return []
    latest = max(jobs, key=lambda job: job.seq)
    at = {"timestamp": latest.timestamp, "seq": latest.seq}
    facts = {"jobs": len(jobs), "completed": counts["completed"]}
    message = friendly_message("batch_completed", facts)
    return [_end_of_batch(batch_id, at, len(jobs), dict(counts), message)]


def asked(session: str, question: Body) -> list[Told]:
    """Return what a client hears which subscribes while a question is open; as it was told."""
    return _asides(session, question)


def _asides(session: str, event: Body) -> list[Told]:
    """Return what is told of models and questions, alike for a job and its batch."""
    common = {
        "sessionId": session,
        "jobId": event["job_id"],
        "timestamp": event["timestamp"],
        "seq": event["seq"],
    }
    match event["type"]:
        case "model_result":
            found = event.get("result")
            payload = {
                **common,
                "modelName": event["model_name"],
                "provider": event.get("provider", "local"),
                "duration": event.get("duration_ms", 0),
                "result": None if found is None else json.dumps(found, ensure_ascii=False),
                "fields": found,
                "status": event.get("model_status", "completed"),
                "error": event.get("error"),
            }
            return [Told("model_result", payload)]
        case "clarification_requested" | "clarification_answered" | "clarification_expired":
            is_open = event["type"] == "clarification_requested"
            payload = {
                **common,
                "clarificationId": event["clarification_id"],
                "question": event["question"],
                "status": "pending" if is_open else "answered",
                "choices": event.get("choices", []),
                "default": event.get("default"),
                "expiresAt": event.get("expires_at"),
            }
            if not is_open:
                payload["answer"] = event.get("answer")
            return [Told("clarification", payload)]
        case _:
            return []


def now(state: JobState) -> list[Told]:
    """Return how a job stands, as a client hears it which has just subscribed to it."""
    session, mark = state["job_id"], mark_of(state)
    said = [Told("progress", progress_of(state))]
    at = {"timestamp": mark.timestamp, "seq": mark.seq}
    match state["status"]:
        case "completed":
            said.append(_completed(session, at, state["result"]))
        case "error":
            said.append(_error(session, at, in_words(state["error"]), problem=state["error"]))
        case "cancelled":
            said.append(_error(session, at, state["message"]))
    return said


def progress_of(state: JobState) -> dict[str, Any]:
    """Return the `progress` payload of the job; GET /api/wizard/session/{id} answers it too."""
    return _progress(state["job_id"], mark_of(state), state["result"])


def progress_of_batch(batch_id: str, marks: Iterable[Mark], timestamp: str = "") -> dict[str, Any]:
    """Return the `progress` payload of a batch whose jobs stand as `marks` say.

    timestamp  when it was made, for a batch without jobs
    """
    jobs = list(marks)
    counts = Counter(job.status for job in jobs)
    done, failed = counts["completed"], counts["error"]
    dropped, pending = counts["cancelled"], counts["pending"]
    ended = bool(jobs) and done + failed + dropped == len(jobs)
    if ended:
        status = "COMPLETED" if done else "FAILED" if failed else "EXPIRED"
    else:
        status = "PROCESSING" if counts["processing"] else "ACTIVE"
    shares = [100.0 if job.status in FINISHED else job.progress for job in jobs]
    questions = sum(job.open_questions for job in jobs)
    payload: dict[str, Any] = {
        "sessionId": batch_id,
        "status": status,
        "progress": round(sum(shares) / len(shares), 1) if shares else 0.0,
        "prompts": {
            "total": len(jobs),
            "completed": done,
            "processing": len(jobs) - done - failed - dropped - pending,
            "pending": pending,
            "failed": failed + dropped,
        },
        "hasClarifications": questions > 0,
        "clarificationCount": questions,
        "hasResult": ended and done > 0,
        "timestamp": max((job.timestamp for job in jobs), default=timestamp),
        "seq": max((job.seq for job in jobs), default=0),
    }
    if payload["hasResult"]:
        payload["result"] = {"jobs": len(jobs), "counts": dict(counts)}
    return payload


def _progress(session: str, mark: Mark, result: Mapping[str, Any] | None) -> dict[str, Any]:
    has_result = mark.status == "completed" and result is not None
    payload: dict[str, Any] = {
        "sessionId": session,
        "status": STATUS[mark.status],
        "progress": mark.progress,
        "prompts": _prompts(mark),
        "hasClarifications": mark.open_questions > 0,
        "clarificationCount": mark.open_questions,
        "hasResult": has_result,
        "timestamp": mark.timestamp,
        "seq": mark.seq,
    }
    if has_result:
        payload["result"] = result
    return payload


def _prompts(mark: Mark) -> dict[str, int]:
    total = len(mark.ends)
    done = total if mark.status == "completed" else bisect_right(mark.ends, mark.progress)
    left = total - done
    failed = int(left > 0 and mark.status in ("error", "cancelled"))
    running = int(left > 0 and mark.status not in FINISHED and mark.status != "pending")
    return {
        "total": total,
        "completed": done,
        "processing": running,
        "pending": left - failed - running,
        "failed": failed,
    }


def _completed(session: str, at: Body, result: Mapping[str, Any] | None) -> Told:
    payload = {"sessionId": session, "result": result}
    return Told("completed", {**payload, "timestamp": at["timestamp"], "seq": at["seq"]})


def _error(session: str, at: Body, words: str, **more: Any) -> Told:
    payload = {"sessionId": session, "error": words, **more}
    return Told("error", {**payload, "timestamp": at["timestamp"], "seq": at["seq"]})
