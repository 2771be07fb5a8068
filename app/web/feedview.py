"""The messages of files and the log of events, newest first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.state import JobState

FEED_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the message list. `kind` is warn, bad, good, dup or "" and colours its mark."""

    at: str
    text: str
    who: str = ""
    kind: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event as the log has it."""

    n: int
    at: str
    type: str
    stage: str
    progress: str


def latest_messages(jobs: Sequence[JobState]) -> tuple[Message, ...]:
    """Return the newest message of each of the most recently changed jobs, newest first."""
    newest = sorted(jobs, key=lambda job: job["last_seq"], reverse=True)[:FEED_LENGTH]
    return tuple(
        Message(job["updated_at"], job["message"], job["filename"], _kind_of_state(job))
        for job in newest
    )


def _kind_of_state(job: JobState) -> str:
    return {"completed": "good", "error": "bad", "waiting": "warn"}.get(job["status"], "")


KIND_OF_EVENT = {
    "processing_completed": "good",
    "processing_failed": "bad",
    "processing_warning": "warn",
    "clarification_requested": "warn",
}
DUPLICATE_STEPS = frozenset(
    {
        "duplicate_found",
        "near_duplicate_found",
        "content_duplicate_found",
        "delta_analysis_complete",
    }
)


UNDER_WAY = frozenset(
    {
        "step_started",
        "processing_progress",
        "zone_processing",
        "zone_completed",
        "step_completed",
    }
)


def kind_of_event(event: Mapping[str, Any]) -> str:
    """Return how a message is marked; what found no duplicate is not marked as one."""
    kind = KIND_OF_EVENT.get(event["type"], "")
    if not kind and event["step"] in DUPLICATE_STEPS:
        return "" if event["details"].get("existing_rows") == 0 else "dup"
    return kind


def event_lines(events: Sequence[Mapping[str, Any]]) -> tuple[EventLine, ...]:
    """Return `events` (oldest first) as the log has them, newest first."""
    return tuple(
        EventLine(
            event["n"],
            event["timestamp"],
            event["type"],
            event["stage"] or "",
            f"{event['progress']:g}",
        )
        for event in reversed(events)
    )


def told(events: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> tuple[Message, ...]:
    """Return `events` (oldest first) as messages, newest first, a heading over each stage.

    labels  a stage's key -> its label
    """
    lines: list[Message] = []
    stage = step = None
    for event in events:
        if event["stage"] != stage and event["stage"] in labels:
            stage = event["stage"]
            lines.append(Message(event["timestamp"], "", heading=labels[stage]))
        kind = kind_of_event(event)
        if lines and event["message"] == lines[-1].text:
            continue
        line = Message(event["timestamp"], event["message"], kind=kind)
        # A step that tells more rewrites its own line; a warning or an end gets one of its own.
        if event["type"] in UNDER_WAY and event["step"] == step and lines and not lines[-1].heading:
            lines[-1] = line
        else:
            lines.append(line)
        step = event["step"] if event["type"] in UNDER_WAY else None
    return tuple(_headings_first(lines))


def _headings_first(lines: Sequence[Message]) -> list[Message]:
    """Return `lines` newest first, each heading above its own stage's lines."""
    blocks: list[list[Message]] = [[]]
    for line in lines:
        if line.heading:
            blocks.append([line])
        else:
            blocks[-1].append(line)
    ordered: list[Message] = []
    for block in reversed(blocks):
        head = [line for line in block if line.heading]
        ordered += head + [line for line in reversed(block) if not line.heading]
    return ordered
