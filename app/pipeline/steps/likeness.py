"""Before a document is stored: whether one like it is there already."""

from collections.abc import Sequence
from typing import Any

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class Likeness(Work):
    """Documents that are the same, or nearly so."""

    key = "likeness"
    records = True

    def after(self, task: Task, found: Found) -> Sequence[Said]:
        near = found.get("near", ())
        return (like_before(found),) if near else ()

    def closing(self, task: Task, found: Found) -> Said:
        near = len(found.get("near", ()))
        facts = {"near": near} if near else {}
        if found.get("decision") == "merge":
            facts = {"filled": len(found.get("filled", ()))}
        return Said("likeness_compared", facts, {"decision": found.get("decision")})

    def summary(self, task: Task, found: Found) -> str:
        return {"skip": "known already", "merge": "merged"}.get(found.get("decision", ""), "")


def like_before(found: Found) -> Said:
    """Return what is said where there is a document like this one."""
    near = found["near"]
    return Said("near_duplicate_found", {"similarity_score": near[0]["score"]}, {"near": near})


def told_of_likeness(found: Found) -> dict[str, Any]:
    """Return what of the step belongs into the job's result."""
    return {key: found[key] for key in ("near", "decision", "filled") if found.get(key)}
