"""System A, conversational status: what happens to a file, a friendly sentence at a time.

Every event of a job is told twice, as `job_update` and as its alias `file_progress`; the last one
as `job_complete` or `job_error` besides.
"""

from collections.abc import Mapping
from typing import Any

from app.core.dialects.words import AFTERWARDS, Body, Told, in_words
from app.core.state import JobState

UPDATES = ("job_update", "file_progress")

DUPLICATES = frozenset({"duplicate_found", "near_duplicate_found", "content_duplicate_found"})
"""Steps whose facts are about what was there before."""


def told(event: Body) -> list[Told]:
    """Return what a client hears of `event`, which is of one of its user's jobs."""
    if event["type"] in AFTERWARDS or event["job_id"] is None:
        return []
    extra = dict(event["details"])
    if event["type"] == "job_created":
        extra |= {"filename": event["filename"], "size": event["size"]}
    if event["step"] in DUPLICATES:
        extra["duplicate_info"] = {"kind": event["step"], **event["details"]}
    said = _updates(
        job_id=event["job_id"],
        batch_id=event["batch_id"],
        step=event["step"] or "received",
        message=event["message"],
        progress=event["progress"],
        status=event["status"],
        timestamp=event["timestamp"],
        seq=event["seq"],
        extra=extra,
    )
    payload = said[0].payload
    match event["type"]:
        case "processing_completed":
            said.append(Told("job_complete", {**payload, "result": event["result"]}))
        case "processing_failed":
            problem = event["error"]
            words = in_words(problem)
            said.append(Told("job_error", {**payload, "error": words, "problem": problem}))
        case "job_cancelled":
            said.append(Told("job_error", {**payload, "error": event["message"]}))
    return said


def now(state: JobState) -> list[Told]:
    """Return how a job stands, where its events are no longer there to be told."""
    said = _updates(
        job_id=state["job_id"],
        batch_id=state["batch_id"],
        step=state["step"] or "received",
        message=state["message"],
        progress=state["progress"],
        status=state["status"],
        timestamp=state["updated_at"],
        seq=state["last_seq"],
        extra={**state["details"], "filename": state["filename"], "size": state["size"]},
    )
    payload = said[0].payload
    match state["status"]:
        case "completed":
            said.append(Told("job_complete", {**payload, "result": state["result"]}))
        case "error":
            problem = state["error"]
            words = in_words(problem)
            said.append(Told("job_error", {**payload, "error": words, "problem": problem}))
        case "cancelled":
            said.append(Told("job_error", {**payload, "error": state["message"]}))
    return said


def _updates(*, job_id: str, progress: float, extra: Mapping[str, Any], **more: Any) -> list[Told]:
    payload = {
        "fileId": job_id,
        "job_id": job_id,
        "progress": int(progress),  # whole percent; 100 is said of nothing that is not done
        **more,
        "extra": dict(extra),
    }
    return [Told(name, payload) for name in UPDATES]
