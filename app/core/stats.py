"""What became of many files: counts, rates and durations over their states. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.events import FINISHED
from app.core.state import JobState
from app.core.times import ms_from_iso

CODES_NAMED = 10
STAGES_NAMED = 100  # whoever reports jobs makes stages of their own


class Tally:
    """Adds up jobs, one state at a time. Memory grows with them by a few numbers each."""

    def __init__(self) -> None:
        self.jobs = 0
        self._statuses: Counter[str] = Counter()
        self._days: dict[str, Counter[str]] = defaultdict(Counter)
        self._plans: dict[str, Counter[str]] = defaultdict(Counter)
        self._plan_ms: dict[str, list[int]] = defaultdict(list)
        self._plan_bytes: Counter[str] = Counter()
        self._stage_ms: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._stage_failed: Counter[tuple[str, str]] = Counter()
        self._codes: Counter[str] = Counter()
        self._retried = 0

    def add(self, state: JobState) -> None:
        status, plan = state["status"], state["plan"]
        self.jobs += 1
        self._statuses[status] += 1
        self._days[state["created_at"][:10]][status] += 1
        self._plans[plan][status] += 1
        self._retried += state["attempt"] > 1
        if status == "completed" and state["duration_ms"] is not None:
            self._plan_ms[plan].append(state["duration_ms"])
            self._plan_bytes[plan] += state["size"]
        if state["error"] is not None:
            self._codes[state["error"]["code"]] += 1
        for stage in state["stages"]:
            key = (plan, stage["key"])
            if stage["state"] == "failed":
                self._stage_failed[key] += 1
            elif stage["state"] == "done" and stage["started_at"] and stage["ended_at"]:
                began, ended = ms_from_iso(stage["started_at"]), ms_from_iso(stage["ended_at"])
                self._stage_ms[key].append(max(0, ended - began))

    def result(self) -> dict[str, Any]:
        """Return it all as plain values: durations in ms, rates from 0 to 1, null of nothing."""
        return {
            "jobs": self.jobs,
            "counts": dict(self._statuses),
            "completion_rate": completion_rate(self._statuses),
            "retried": self._retried,
            "days": [
                {"day": day, "jobs": counts.total(), "counts": dict(counts)}
                for day, counts in sorted(self._days.items())
            ],
            "plans": [
                {
                    "plan": plan,
                    "jobs": counts.total(),
                    "completion_rate": completion_rate(counts),
                    **spread(self._plan_ms[plan]),
                    "bytes_per_second": _per_second(
                        self._plan_bytes[plan], sum(self._plan_ms[plan])
                    ),
                }
                for plan, counts in sorted(self._plans.items())
            ],
            "stages": [
                {
                    "plan": plan,
                    "stage": stage,
                    "done": len(self._stage_ms.get((plan, stage), ())),
                    "failed": self._stage_failed[plan, stage],
                    **spread(self._stage_ms.get((plan, stage), ())),
                }
                for plan, stage in self._stages_named()
            ],
            "errors": [
                {"code": code, "jobs": jobs} for code, jobs in self._codes.most_common(CODES_NAMED)
            ],
        }

    def _stages_named(self) -> list[tuple[str, str]]:
        """Return the stages that most jobs went through, in the order in which they were met."""
        jobs = Counter({key: len(took) for key, took in self._stage_ms.items()})
        jobs.update(self._stage_failed)
        named = {key for key, _ in jobs.most_common(STAGES_NAMED)}
        return [key for key in jobs if key in named]


def completion_rate(counts: Mapping[str, int]) -> float | None:
    """Return which share of the jobs that ended ended well; None while none has."""
    ended = sum(count for status, count in counts.items() if status in FINISHED)
    return round(counts.get("completed", 0) / ended, 4) if ended else None


def spread(values_ms: Iterable[int]) -> dict[str, int | None]:
    """Return the median and the 90th percentile (nearest rank) of durations."""
    ranked = sorted(values_ms)
    if not ranked:
        return {"median_ms": None, "p90_ms": None}
    last = len(ranked) - 1
    return {"median_ms": ranked[last // 2], "p90_ms": ranked[min(last, (9 * len(ranked)) // 10)]}


def _per_second(size_bytes: int, took_ms: int) -> int | None:
    return round(size_bytes * 1000 / took_ms) if took_ms else None
