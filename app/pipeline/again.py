"""Where a job that is done again begins, and what has to go first. Pure."""

from collections.abc import Collection

from app.core.errors import InvalidRequest
from app.core.plans import Plan

LEAVES_NOTHING = frozenset({"initializing_streaming", "duplicate_check", "malware_scan"})
"""Steps after which the working folder is empty; all others may need what an earlier one left."""


def first_open(plan: Plan, done: Collection[str]) -> str:
    """Return the first step that is not done; the last one where all are."""
    return next((step for step in plan.step_keys if step not in done), plan.step_keys[-1])


def first_step(
    plan: Plan, done: Collection[str], from_step: str | None, *, has_folder: bool
) -> str:
    """Return the step at which the job begins again.

    done        steps with a checkpoint
    from_step   the step that was asked for; None for the first that is not done
    has_folder  what the steps left for later ones is still there

    Raises InvalidRequest for a step that the job has not reached.
    """
    keys, first = plan.step_keys, first_open(plan, done)
    step = first if from_step is None else from_step
    reached = keys[: keys.index(first) + 1]
    if step not in reached:
        raise InvalidRequest(what=f"from_step has to be one of {', '.join(reached)}")
    if not has_folder:
        needed = next(key for key in keys if key not in LEAVES_NOTHING)
        step = min(step, needed, key=keys.index)
    return step


def meets_own_rows(plan: Plan, done: Collection[str], step: str) -> bool:
    """Tell whether a job that begins again at `step` would meet what it stored the last time.

    The step that was broken off while it stored does not: it replaces its own rows.
    """
    first, stores = first_open(plan, done), plan.storing_steps
    begins_before = bool(stores) and plan.step_keys.index(step) <= plan.step_keys.index(stores[0])
    return begins_before and first in stores and step != first
