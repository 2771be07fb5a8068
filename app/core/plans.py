"""Plans are data: stages with their share of the progress bar, and the steps in each."""

from collections.abc import Mapping
from dataclasses import dataclass

STORING = frozenset({"storing", "saving"})
"""Steps that store what was read: what they wrote is taken back before they are done again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work that leaves a checkpoint.

    weight  its share of its stage, relative to its sisters: about the time it takes of a large
            file, though a step that is over at once still moves the bar
    """

    key: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of the progress bar, `start` to `end` percent, with at least one step."""

    key: str
    label: str
    start: float
    end: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages of a job, in order, from 0 to 100 percent without a gap."""

    name: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        edges = [0.0, *(stage.end for stage in self.stages)]
        if [stage.start for stage in self.stages] != edges[:-1] or edges[-1] != 100.0:
            raise ValueError(f"the stages of {self.name} do not cover 0 to 100 without a gap")

    @property
    def step_keys(self) -> tuple[str, ...]:
        """Every step of the plan, in order."""
        return tuple(step.key for stage in self.stages for step in stage.steps)

    @property
    def storing_steps(self) -> tuple[str, ...]:
        """The steps from the first one on that stores what was read."""
        keys = self.step_keys
        return next((keys[at:] for at, key in enumerate(keys) if key in STORING), ())

    def stage_of(self, step: str) -> Stage:
        """Return the stage that holds `step`. Raises KeyError when none does."""
        for stage in self.stages:
            if any(own.key == step for own in stage.steps):
                return stage
        raise KeyError(step)

    def progress(self, step: str, fraction: float) -> float:
        """Return the job's progress, 0 to 100, when `fraction` (0 to 1) of `step` is done.

        Raises KeyError when the plan has no such step.
        """
        stage = self.stage_of(step)
        total = sum(own.weight for own in stage.steps)
        before = 0.0
        for own in stage.steps:
            if own.key == step:
                share = (before + own.weight * min(max(fraction, 0.0), 1.0)) / total
                return round(stage.start + (stage.end - stage.start) * share, 1)
            before += own.weight
        raise KeyError(step)

    def describe(self) -> dict[str, object]:
        """Return the plan as told by `job_created`: its name and stages, each with from and to."""
        return {
            "name": self.name,
            "stages": [
                {
                    "key": stage.key,
                    "label": stage.label,
                    "from": stage.start,
                    "to": stage.end,
                    "steps": [step.key for step in stage.steps],
                }
                for stage in self.stages
            ],
        }


TRANSACTIONS = Plan(
    "transactions",
    (
        Stage(
            "validation",
            "Validation",
            0.0,
            20.0,
            (Step("initializing_streaming", 3.0), Step("duplicate_check", 1.0)),
        ),
        Stage("scanning", "Scanning", 20.0, 40.0, (Step("malware_scan"),)),
        Stage(
            "parsing",
            "Reading",
            40.0,
            60.0,
            (
                Step("field_detection", 1.0),
                Step("platform_detection", 0.5),
                Step("document_classification", 0.5),
                Step("extracting", 18.0),
            ),
        ),
        Stage(
            "database",
            "Storing",
            60.0,
            80.0,
            (Step("delta_analysis", 1.0), Step("storing", 19.0)),
        ),
        Stage(
            "categorization",
            "Categorizing",
            80.0,
            100.0,
            (
                Step("entity_resolution", 7.0),
                Step("classification", 7.0),
                Step("enrichment", 6.0),
            ),
        ),
    ),
)

DOCUMENT = Plan(
    "document",
    (
        Stage(
            "validation",
            "Validation",
            0.0,
            10.0,
            (Step("initializing_streaming", 3.0), Step("duplicate_check", 1.0)),
        ),
        Stage(
            "scanning",
            "Scanning",
            10.0,
            20.0,
            (Step("malware_scan", 3.0), Step("document_kind", 1.0)),
        ),
        Stage("zones", "Reading", 20.0, 85.0, (Step("page_reading"),)),
        Stage("save", "Storing", 85.0, 95.0, (Step("likeness", 1.0), Step("saving", 2.0))),
        Stage("complete", "Finishing", 95.0, 100.0, (Step("indexing"),)),
    ),
)

INVOICE = Plan(
    "invoice",
    (
        Stage(
            "fetch",
            "Checking",
            0.0,
            10.0,
            (
                Step("initializing_streaming", 3.0),
                Step("duplicate_check", 1.0),
                Step("malware_scan", 3.0),
                Step("document_kind", 1.0),
            ),
        ),
        Stage(
            "llm_extraction",
            "Reading",
            10.0,
            80.0,
            (Step("page_reading", 6.0), Step("field_reading", 1.0), Step("model_reading", 3.0)),
        ),
        Stage(
            "validation",
            "Validation",
            80.0,
            90.0,
            (Step("field_check", 2.0), Step("likeness", 1.0)),
        ),
        Stage("save", "Storing", 90.0, 95.0, (Step("saving"),)),
        Stage("complete", "Finishing", 95.0, 100.0, (Step("indexing"),)),
    ),
)

ARCHIVE = Plan(
    "archive",
    (
        Stage(
            "validation",
            "Validation",
            0.0,
            10.0,
            (Step("initializing_streaming", 3.0), Step("duplicate_check", 1.0)),
        ),
        Stage("scanning", "Scanning", 10.0, 25.0, (Step("malware_scan"),)),
        Stage(
            "unpacking", "Unpacking", 25.0, 100.0, (Step("unpacking", 2.0), Step("placing", 1.0))
        ),
    ),
)

PLANS = {plan.name: plan for plan in (TRANSACTIONS, DOCUMENT, INVOICE, ARCHIVE)}

DOCUMENT_ENDINGS = frozenset(
    {"pdf", "png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "gif", "heic", "heif"}
)


def plan_named(name: str) -> Plan:
    """Return the plan of this name; transactions for one that is unknown, or not known yet."""
    return PLANS.get(name, TRANSACTIONS)


def plan_for_name(filename: str) -> Plan:
    """Return the plan that a file's name lets expect; what is in it decides later."""
    ending = filename.rpartition(".")[2].lower()
    if ending == "zip":
        return ARCHIVE
    return DOCUMENT if ending in DOCUMENT_ENDINGS else TRANSACTIONS


def plan_for_content(plan: Plan, step: str, found: Mapping[str, object]) -> Plan:
    """Return the plan to go on with after `step` found `found`; mostly `plan` itself.

    A step that knows better names another plan in found["plan"]. Both hold the steps up to it.
    """
    name = found.get("plan")
    if not isinstance(name, str) or name not in PLANS or step not in PLANS[name].step_keys:
        return plan
    return PLANS[name]
