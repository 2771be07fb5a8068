"""Believable jobs for people who build something that listens: `python3 run.py simulate`.

What a job is going to tell is decided beforehand, from a seed (`script_of`); playing it heeds what
people do with it meanwhile. It is reported over HTTP, as by any other worker elsewhere.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.client import Livetrail, LivetrailError, Refused, Snapshot
from app.client.following import Following
from app.core.events import JobDeleted
from app.core.own_plans import OwnStage, plan_of
from app.core.plans import PLANS, Plan

OWN: Sequence[Mapping[str, Any]] = (
    {"key": "fetch", "label": "Fetching", "from": 0, "to": 15, "steps": ["connect", "download"]},
    {"key": "crunch", "label": "Crunching", "from": 15, "to": 85, "steps": ["crunch_numbers"]},
    {"key": "publish", "label": "Publishing", "from": 85, "to": 100, "steps": ["publish"]},
)
PLAN_NAMES = (*PLANS, "own")
FILENAMES: Mapping[str, Sequence[str]] = {
    "transactions": ("expenses-{0}.csv", "bank-{0}.xlsx", "payments-{0}.csv"),
    "invoice": ("invoice-{0}.pdf", "receipt-{0}.jpg"),
    "document": ("contract-{0}.pdf", "report-{0}.pdf"),
    "archive": ("everything-{0}.zip",),
    "own": ("nightly-{0}.parquet",),
}
FAILURES = (
    ("The connection was cut", "What was done before is kept.", True),
    ("The last pages are damaged", "Nothing of it was stored.", False),
)
COUNTED = frozenset({"extracting", "storing", "crunch_numbers", "delta_analysis"})
ASKED = "clarification_requested"
ENDS = {"processing_completed": "done", "processing_failed": "failed"}
QUESTION: Mapping[str, Any] = {
    "type": ASKED,
    "question": "Is 03/04 the 3rd of April, or March 4?",
    "choices": [
        {"value": "dmy", "label": "The 3rd of April", "hint": "the day comes first"},
        {"value": "mdy", "label": "March 4", "hint": "the month comes first"},
    ],
    "default": "dmy",
}
TELLS_EVERY_S = 0.4
ZONES = 6


@dataclass(frozen=True, slots=True)
class Beat:
    """What is reported after `wait_s` seconds of work."""

    wait_s: float
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """One job: its name, size in bytes, its plan as it is sent, and what is reported of it."""

    filename: str
    size: int
    plan: str | Sequence[Mapping[str, Any]]
    beats: tuple[Beat, ...]

    def without_failure(self, rest: "Script") -> "Script":
        """Return the script that a retry plays: `rest` of the same plan goes to its end."""
        return Script(self.filename, self.size, self.plan, rest.beats)


def script_of(name: str, chance: Random, *, fails: float, asks: float) -> Script:
    """Return a job of the plan called `name`, one of PLAN_NAMES.

    fails, asks  how likely it is that it fails, and that it asks a question; 0 to 1
    """
    plan = PLANS.get(name) or plan_of([OwnStage.model_validate(stage) for stage in OWN])
    filename = chance.choice(FILENAMES[name]).format(chance.randint(2019, 2026))
    rows = chance.randint(120, 4_000)
    steps = plan.step_keys
    fails_at = chance.randrange(1, len(steps)) if chance.random() < fails else None
    asks_at = chance.randrange(1, len(steps)) if chance.random() < asks else None
    beats: list[Beat] = []
    for at, step in enumerate(steps):
        beats += _working(plan, step, rows, chance)
        if at == asks_at:
            beats.append(Beat(0.2, {**QUESTION, "step": step}))
        if at == fails_at:
            title, detail, retryable = chance.choice(FAILURES)
            error = {"title": title, "detail": detail, "hint": "Retry.", "retryable": retryable}
            beats.append(Beat(0.3, {"type": "processing_failed", "step": step, "error": error}))
            break
        summary = f"{rows:,} rows" if step in COUNTED else ""
        beats.append(Beat(0.1, {"type": "step_completed", "step": step, "summary": summary}))
    else:
        result = {"summary": f"{rows:,} rows", "rows": rows}
        beats.append(Beat(0.1, {"type": "processing_completed", "result": result}))
    return Script(filename, rows * 74, name if name in PLANS else OWN, tuple(beats))


def _working(plan: Plan, step: str, rows: int, chance: Random) -> list[Beat]:
    """Return what is told while `step` is worked on: more of one that takes longer."""
    stage = plan.stage_of(step)
    beats = [Beat(0.1, {"type": "step_started", "step": step})]
    if step == "page_reading":
        return beats + _zones(stage.key, step, chance)
    if step == "model_reading":
        return beats + _models(step, chance)
    share = (plan.progress(step, 1.0) - plan.progress(step, 0.0)) / 100
    times = max(1, round(share * 25))
    for at in range(1, times + 1):
        context = {"rows_done": rows * at // times, "rows_total": rows} if step in COUNTED else {}
        report = {
            "type": "processing_progress",
            "step": step,
            "progress": plan.progress(step, at / (times + 1)),
            "context": context,
        }
        beats.append(Beat(TELLS_EVERY_S * chance.uniform(0.5, 1.5), report))
    return beats


def _zones(stage: str, step: str, chance: Random) -> list[Beat]:
    beats = []
    for at in range(ZONES):
        zone = {
            "step": step,
            "stage": stage,
            "zone_id": f"zone-{at + 1}",
            "zone_index": at,
            "page": at // 3 + 1,
            "kind": chance.choice(["text", "table", "heading"]),
            "processing_tool": "simulated",
            "zones_total": ZONES,
        }
        took_s = TELLS_EVERY_S * chance.uniform(1, 3)
        begun = {**zone, "type": "zone_processing", "zones_completed": at}
        done = {
            **zone,
            "type": "zone_completed",
            "zones_completed": at + 1,
            "confidence": round(chance.uniform(0.7, 1), 2),
            "duration_ms": round(took_s * 1000),
        }
        beats += [Beat(0.05, begun), Beat(took_s, done)]
    return beats


def _models(step: str, chance: Random) -> list[Beat]:
    beats = []
    for model in ("quick", "thorough"):
        own = {"type": "model_result", "step": step, "model_name": model, "provider": "simulated"}
        took_s = TELLS_EVERY_S * chance.uniform(1, 4)
        result = {"total_amount": f"{chance.randint(10, 900)}.00"}
        ended = {"duration_ms": round(took_s * 1000), "result": result}
        beats += [Beat(0.05, {**own, "model_status": "processing"}), Beat(took_s, {**own, **ended})]
    return beats


@dataclass(eq=False)
class _Role:
    """A job that is played, and what its listener has heard of it."""

    job_id: str
    script: Script
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # its question
    ended: str = "stopped"  # how, in a word
    stopped: bool = False

    def heard(self, kind: str) -> None:
        match kind:
            case "job_paused":
                self.goes_on.clear()
            case "job_resumed":
                self.goes_on.set()
            case "clarification_answered" | "clarification_expired":
                self.settled.set()
            case "job_cancelled" | "job_deleted":
                self.stopped = True
                self.goes_on.set()
                self.settled.set()


class Stage:
    """Plays jobs side by side, all of them in one batch.

    speed  how many times as fast as believable
    say    is told one line about each job as it begins and ends
    stays  a job that has ended is waited for: somebody may ask to have it tried again
    """

    def __init__(
        self,
        trail: Livetrail,
        chance: Random,
        *,
        speed: float,
        say: Callable[[str], None],
        stays: bool = False,
    ) -> None:
        self._trail, self._chance = trail, chance
        self._speed, self._say, self._stays = speed, say, stays
        self._roles: dict[str, _Role] = {}

    async def play(self, scripts: Sequence[Script]) -> str:
        """Play all of them to their ends; return the id of their batch.

        Raises Refused, Unreachable.
        """
        batch_id: str | None = None
        for script in scripts:
            made = await self._trail.create_job(
                script.filename,
                plan=script.plan,
                batch_id=batch_id,
                size=script.size,
                batch_name="Simulated",
            )
            batch_id = str(made["batch_id"])
            self._roles[made["job_id"]] = _Role(made["job_id"], script)
            self._say(f"job:{made['job_id']} {script.filename}")
        async with self._trail.follow(f"batch:{batch_id}", 0) as following:
            try:
                async with asyncio.TaskGroup() as group:
                    playing = [group.create_task(self._play(one)) for one in self._roles.values()]
                    listening = group.create_task(self._listen(following, group))
                    if not self._stays:
                        await asyncio.wait(playing)
                        listening.cancel()
            except* LivetrailError as errors:
                raise errors.exceptions[0] from None
        return str(batch_id)

    async def _listen(self, following: Following, group: asyncio.TaskGroup) -> None:
        async for told in following:
            if isinstance(told, Snapshot):
                continue
            job_id = told.deleted if isinstance(told, JobDeleted) else told.job_id
            role = self._roles.get(job_id or "")
            if role is None:
                continue
            if told.type == "job_retried":
                name = role.script.plan if isinstance(role.script.plan, str) else "own"
                again = script_of(name, self._chance, fails=0, asks=0)
                role = self._roles[role.job_id] = _Role(
                    role.job_id, role.script.without_failure(again)
                )
                group.create_task(self._play(role))
            else:
                role.heard(told.type)

    async def _play(self, role: _Role) -> None:
        role.goes_on.set()
        try:
            for beat in role.script.beats:
                await asyncio.sleep(beat.wait_s / self._speed)
                await role.goes_on.wait()
                if role.stopped:
                    return
                role.settled.clear()
                await self._trail.report_events(role.job_id, [beat.report])
                role.ended = ENDS.get(beat.report["type"], role.ended)
                if beat.report["type"] == ASKED:
                    await role.settled.wait()
        except Refused as error:  # somebody ended it, or deleted it, just now
            if error.code not in ("job_ended", "not_found"):
                raise
        finally:
            self._say(f"{role.ended}: {role.script.filename}")


def scripts_of(
    plans: Sequence[str], jobs: int, chance: Random, *, fails: float, asks: float
) -> list[Script]:
    """Return `jobs` scripts, of the plans in turn."""
    return [script_of(plans[at % len(plans)], chance, fails=fails, asks=asks) for at in range(jobs)]
