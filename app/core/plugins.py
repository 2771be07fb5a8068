"""What plugins add, as data: their parts, where those stand in a plan, and what is wrong. Pure.

The server knows a plugin by this alone: its code runs in other processes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.events import EVENT_TYPES
from app.core.plans import PLANS, TRANSACTIONS, Plan, Step
from app.core.sentences import Facts

Kind = Literal["step", "reader", "scanner", "categoriser", "exporter", "notifier"]
WORKING: tuple[Kind, ...] = ("step", "reader", "scanner", "categoriser")
"""Kinds that are a step of a plan, of their own."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SCAN = "malware_scan"
TOO_EARLY = frozenset({"initializing_streaming", "duplicate_check"})
"""Steps before the scan: nobody but it works on what was not scanned."""
TIED = frozenset({"delta_analysis", "likeness"})
"""Steps whose finding the next one stores: nothing may come between the two."""
OPEN_STEPS = frozenset(key for plan in PLANS.values() for key in plan.step_keys) - TOO_EARLY - TIED
_KEYS = TRANSACTIONS.step_keys
WITH_ROWS = tuple(key for key in _KEYS[_KEYS.index("extracting") :] if key in OPEN_STEPS)
BEFORE = {"reader": "field_detection", "categoriser": "classification"}
BEGUN_WITH = "plugins"
"""In place of a step, among checkpoints: the parts that were there when the job was begun."""
FOREIGN = "foreign"
"""The kind of a file that a plugin's reader reads."""
FOLDER = "plugins"  # in a job's own
TABLE = "table.csv"  # in a reader's folder: the rows it read
ROWS = "rows.jsonl"  # in the folder of a step that asked for them
ROW_FIELDS = (
    "n",
    "line",
    "date",
    "amount_micros",
    "currency",
    "description",
    "counterparty",
    "reference",
    "account",
)
GROUPS = "groups.jsonl"  # in a categoriser's: what it is asked about
SUGGESTED = "suggested.jsonl"  # and what it says
FAILED = "plugin_failed"  # in what a part found that failed, and that the job can do without
FACT = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
LONGEST_SAID = 500
SHARE_OF_STAGE = 0.2  # of the bar's stretch that a step of a plugin takes

Words = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class Part(BaseModel):
    """One thing that a plugin adds, as it declared it.

    message    said while it works; `done` when it has, filled in with what it returned
    after      of a step: the step that it comes after
    plans      of a step: the names of the plans that it is added to
    rows       of a step: it is given the rows of a table, so it comes after they were extracted
    required   of a step: the job fails where it fails; else people are warned and the job goes on
    endings    of a reader: of the files' names, without the point
    magic      of a reader: how its files begin, in hex; "" where the name says enough
    ending, media_type  of an exporter: of the file that it writes
    types      of a notifier: of the events that it is told
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    plugin: Name
    kind: Kind
    name: Name
    label: Words
    message: Words
    done: Words
    after: str = ""
    plans: tuple[str, ...] = ()
    rows: bool = False
    required: bool = True
    endings: tuple[Annotated[str, Field(pattern="^[a-z0-9]{1,12}$")], ...] = ()
    magic: str = Field(default="", pattern="^([0-9a-f]{2}){0,64}$")
    ending: str = Field(default="", pattern="^[a-z0-9]{0,12}$")
    media_type: str = Field(default="", pattern=r"^(\w[\w.+-]*/\w[\w.+-]*)?$")
    types: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        match self.kind:
            case "step":
                self._check_place()
            case "reader" if not self.endings:
                raise ValueError("a reader names the endings of its files")
            case "exporter" if not self.ending or not self.media_type:
                raise ValueError("an exporter names the ending and the media type of its file")
            case "notifier" if not self.types or not set(self.types) <= set(EVENT_TYPES):
                raise ValueError("a notifier names the types of its events, as docs/events.md does")
        return self

    def _check_place(self) -> None:
        if self.after not in OPEN_STEPS:
            raise ValueError(
                f"after has to be one of {', '.join(sorted(OPEN_STEPS))}; it is {self.after!r}"
            )
        if self.rows and self.after not in WITH_ROWS:
            raise ValueError(f"with rows, after has to be one of {', '.join(WITH_ROWS)}")
        for name in self.plans:
            if name not in PLANS or self.after not in PLANS[name].step_keys:
                raise ValueError(f"there is no plan {name!r} with a step {self.after!r}")

    @property
    def key(self) -> str:
        """Its name in plans, checkpoints, events and formats; no other plugin has the same."""
        return f"{self.plugin}.{self.name}"

    def said_done(self, found: Mapping[str, Any]) -> str:
        """Return `done`, filled in with what it returned; one line of at most LONGEST_SAID.

        Only {fact} and {fact:one/many} are: a plugin's own words are no program for the server.
        """
        facts = Facts(found)
        said = FACT.sub(lambda place: format(facts[place[1]], place[2] or ""), self.done)
        return " ".join(said.split())[:LONGEST_SAID]


class Plugin(BaseModel):
    """One plugin as it was found.

    source   folder: of the data directory; package: installed, and named by an entry point
    path     the file or folder that holds it
    module   by which name it is imported; `attribute` of it holds the hooks, "" is all of it
    version  of the package; "" of a file
    problem  why it is not used; "" where all is well
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    source: Literal["folder", "package"]
    path: str
    module: str
    attribute: str = ""
    version: str = ""
    parts: tuple[Part, ...] = ()
    problem: str = ""

    def broken(self, problem: str) -> "Plugin":
        """Return it as one that is not used."""
        return self.model_copy(update={"parts": (), "problem": problem})


def folder_of(work_dir: Path, key: str) -> Path:
    """Return the folder of a part within a job's."""
    return work_dir / FOLDER / key


def all_told_apart(plugins: Iterable[Plugin], own_endings: Iterable[str]) -> tuple[Plugin, ...]:
    """Return the plugins; one whose name or ending somebody else has is not used, and says so.

    own_endings  of files that are read without a plugin
    """
    names: set[str] = set()
    endings = dict.fromkeys(own_endings, "Livetrail itself")
    formats: list[Plugin] = []
    for plugin in plugins:
        taken = {e: endings[e] for p in plugin.parts for e in p.endings if e in endings}
        if plugin.name in names:
            formats.append(plugin.broken("another plugin has this name already"))
            continue
        names.add(plugin.name)
        if taken:
            ending, who = next(iter(taken.items()))
            formats.append(plugin.broken(f"files named .{ending} are read by {who} already"))
            continue
        endings |= {e: f"the plugin {plugin.name}" for p in plugin.parts for e in p.endings}
        formats.append(plugin)
    return tuple(formats)


def with_parts(plan: Plan, parts: Sequence[Part], read_by: str | None = None) -> Plan:
    """Return `plan` with the parts that belong into it; `plan` itself where none does.

    read_by  the key of the reader that reads this file, which is a step only then
    """
    for part in reversed(parts):  # each is put right behind its place: the first ends up first
        at = _place(plan, part, read_by)
        if at is not None:
            plan = _put(plan, part, *at)
    return plan


def _place(plan: Plan, part: Part, read_by: str | None) -> tuple[str, int] | None:
    """Return a step, and 0 to stand before it or 1 behind it; None: not in this plan."""
    match part.kind:
        case "step" if not part.plans or plan.name in part.plans:
            place = part.after, 1
        case "scanner":
            place = SCAN, 1
        case "categoriser":
            place = BEFORE["categoriser"], 0
        case "reader" if part.key == read_by:
            place = BEFORE["reader"], 0
        case _:
            return None
    return place if place[0] in plan.step_keys else None


def _put(plan: Plan, part: Part, key: str, offset: int) -> Plan:
    stages = []
    for stage in plan.stages:
        keys = [step.key for step in stage.steps]
        if key in keys:
            weight = SHARE_OF_STAGE * sum(step.weight for step in stage.steps)
            at = keys.index(key) + offset
            steps = (*stage.steps[:at], Step(part.key, weight), *stage.steps[at:])
            stage = replace(stage, steps=steps)
        stages.append(stage)
    return replace(plan, stages=tuple(stages))
