"""Before a document is stored: whether one like it is there already."""

from collections.abc import Sequence
from typing import Any

from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work

TOLD = ("job_id", "score", "certain", "differs")  # of another document


class Likeness(Work):
    """Documents that are the same, or nearly so."""

    key = "likeness"
    records = True

    def after(self, task: Task, found: Found) -> Sequence[Said]:
        near = found.get("near", ())
        if not near:
            return ()
        facts = {"similarity_score": near[0]["score"]}
        return (Said("near_duplicate_found", facts, {"near": told_near(near)}),)

    def closing(self, task: Task, found: Found) -> Said:
        near = len(found.get("near", ()))
        facts = {"near": near} if near else {}
        if found.get("decision") == "merge":
            facts = {"filled": len(found.get("filled", ()))}
        return Said("likeness_compared", facts, {"decision": found.get("decision")})

    def summary(self, task: Task, found: Found) -> str:
        return {"skip": "known already", "merge": "merged"}.get(found.get("decision", ""), "")


def ended_alike(found: Found) -> Said:
    """Return what is said at the end of a document that is stored as another one already."""
    if found["decision"] == "merge":
        return Said("likeness_compared", {"filled": len(found["filled"])})
    return Said("left_out")


def told_of_likeness(found: Found) -> dict[str, Any]:
    """Return what of the step belongs into the job's result."""
    told = {key: found[key] for key in ("decision", "filled") if found.get(key)}
    return {**told, "near": told_near(found["near"])} if found.get("near") else told


def told_near(near: Sequence[Found]) -> list[dict[str, Any]]:
    """Return what everybody who follows the job may know of the other documents.

    What they say is not told: a guest of this file has no business with them.
    """
    return [{key: one.get(key) for key in TOLD} for one in near]
