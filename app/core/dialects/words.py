"""What the tables of all dialects share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]
"""A placed event, as the log has it."""


class Told(NamedTuple):
    """One message in a dialect: the name of its event, and its one argument."""

    name: str
    payload: dict[str, Any]


AFTERWARDS = frozenset(
    {
        "job_undone",
        "fields_edited",
        "rows_edited",
        "export_started",
        "export_progress",
        "export_completed",
        "export_failed",
    }
)
"""Told of jobs that have ended: to clients that know no such thing they would begin anew."""


def in_words(error: Mapping[str, Any] | None) -> str:
    """Return what went wrong as a sentence or two for a person; error: the object events carry."""
    said = error or {}
    parts = [str(said[key]).strip() for key in ("title", "detail") if said.get(key)]
    return ". ".join(part.rstrip(".") for part in parts) + "." if parts else "It failed."
