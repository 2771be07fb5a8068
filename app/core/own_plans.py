"""Plans of jobs whose work is done elsewhere: as they are wished for, and known again. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from app.core.plans import PLANS, Plan, Stage, Step
from app.core.reports import Name, Said
from app.core.state import JobState

STAGES_AT_MOST = 20
STEPS_AT_MOST = 50  # of one stage


class OwnStage(Said):
    """One stretch of the bar. Without `from` and `to`, all stages have equal shares."""

    model_config = ConfigDict(populate_by_name=True)
    key: Name
    label: Name
    start: float | None = Field(default=None, ge=0, le=100, alias="from")
    end: float | None = Field(default=None, ge=0, le=100, alias="to")
    steps: Annotated[list[Name], Field(max_length=STEPS_AT_MOST)] = Field(default_factory=list)


OwnStages = Annotated[list[OwnStage], Field(min_length=1, max_length=STAGES_AT_MOST)]
OWN_PLAN = "own"
PLAIN_PLAN = Plan(OWN_PLAN, (Stage("work", "Working", 0.0, 100.0, ()),))
"""Of a job of which nothing else is said."""


def plan_of(wish: str | list[OwnStage] | None) -> Plan:
    """Return the plan that `wish` names or describes.

    Raises ValueError for a name that there is not, for stages that do not cover 0 to 100 percent
    without a gap, and for keys or steps that come twice.
    """
    if wish is None:
        return PLAIN_PLAN
    if isinstance(wish, str):
        if wish not in PLANS:
            raise ValueError(f"there is no plan {wish[:64]}; known are {', '.join(PLANS)}")
        return PLANS[wish]
    steps = [step for stage in wish for step in stage.steps]
    if len({stage.key for stage in wish}) < len(wish) or len(set(steps)) < len(steps):
        raise ValueError("two stages have the same key, or two steps the same name")
    given = [stage for stage in wish if stage.start is not None and stage.end is not None]
    if not given and all(stage.start is None and stage.end is None for stage in wish):
        edges = [round(100 * at / len(wish), 1) for at in range(len(wish) + 1)]
    elif len(given) == len(wish):
        edges = [float(wish[0].start or 0.0), *(float(stage.end or 0.0) for stage in wish)]
        if any(stage.start != edge for stage, edge in zip(wish, edges, strict=False)):
            raise ValueError("a stage has to begin where the one before it ends")
    else:
        raise ValueError("either all stages say from and to, or none does")
    if sorted(edges) != edges:
        raise ValueError("a stage can not end before it begins")
    stages = [
        Stage(one.key, one.label, start, end, tuple(Step(name) for name in one.steps))
        for one, start, end in zip(wish, edges, edges[1:], strict=False)
    ]
    return Plan(OWN_PLAN, tuple(stages))


def plan_kept(state: JobState) -> Plan:
    """Return the plan of a job of which only the state is kept: its stages without their steps."""
    if state["plan"] in PLANS:
        return PLANS[state["plan"]]
    stages = [
        Stage(one["key"], one["label"], one["start"], one["end"], ()) for one in state["stages"]
    ]
    return Plan(state["plan"], tuple(stages))


def plan_told(described: Mapping[str, Any]) -> Plan:
    """Return the plan that a `job_created` has told, with its steps."""
    if described["name"] in PLANS:
        return PLANS[described["name"]]
    stages = [
        Stage(
            one["key"], one["label"], one["from"], one["to"], tuple(Step(k) for k in one["steps"])
        )
        for one in described["stages"]
    ]
    return Plan(described["name"], tuple(stages))
