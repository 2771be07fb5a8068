"""What became of files, day by day and stage by stage: GET /api/v1/stats, and the page of it."""

from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from aiosqlite import Connection
from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import uuid7
from app.core.plans import plan_named
from app.core.quantities import count, size_text
from app.core.stats import Tally
from app.core.times import DAY_MS, iso_from_ms
from app.keys import DATABASE
from app.store.accounts import now_ms
from app.store.jobs import list_jobs
from app.web.identity import owner_for
from app.web.rendering import render, shell_of
from app.web.views import Shell
from app.web.wire import read_query, state_answer
from app.web.words import took_text

PAGE = "/statistics"
AT_MOST = 10_000  # jobs, the newest: each is read
AT_ONCE = 100  # in between others have their turn with the database


class StatsQuery(BaseModel):
    """Over which days, and whose files."""

    model_config = ConfigDict(extra="forbid")
    days: int = Field(default=30, ge=1, le=366, description="that many days back from now")
    owner: Literal["me", "all"] = Field(default="me", description="all: operators only")


class DayStats(BaseModel):
    """Files of one day (UTC), by how they stand now."""

    day: str
    jobs: int
    counts: dict[str, int]


class PlanStats(BaseModel):
    """One kind of work."""

    plan: str
    jobs: int
    completion_rate: float | None
    median_ms: int | None = Field(description="from start to end, of those that ended well")
    p90_ms: int | None
    bytes_per_second: int | None


class StageStats(BaseModel):
    """One stage of a plan: how often it ended well, how often it was where a file failed."""

    plan: str
    stage: str
    done: int
    failed: int
    median_ms: int | None
    p90_ms: int | None


class ErrorStats(BaseModel):
    """Why files failed."""

    code: str
    jobs: int


class StatsAnswer(BaseModel):
    """What became of the files of some days.

    is_whole  false: there were more, and the newest 10,000 are counted
    """

    days_back: int
    is_whole: bool
    jobs: int
    counts: dict[str, int]
    completion_rate: float | None = Field(description="of the files that ended, 0 to 1")
    retried: int
    days: list[DayStats]
    plans: list[PlanStats]
    stages: list[StageStats]
    errors: list[ErrorStats]


async def stats(request: web.Request) -> web.Response:
    """GET /api/v1/stats."""
    return state_answer(request, await _asked(request))


async def stats_page(request: web.Request) -> web.Response:
    """GET /statistics."""
    found = await _asked(request)
    query = read_query(request, StatsQuery)
    page = view(shell_of(request, None), found, owner=query.owner)
    return render(request, "statistics.html", page)


def stats_routes() -> list[web.AbstractRouteDef]:
    """Return the page's address."""
    return [web.get(PAGE, stats_page)]


async def _asked(request: web.Request) -> StatsAnswer:
    """Return what was asked for. Raises NotAllowed for others' files, unless an operator asks."""
    query = read_query(request, StatsQuery)
    viewer = owner_for(request, "read" if query.owner == "me" else "operate")
    user_id = viewer.user_id if query.owner == "me" else None
    return await counted(request.app[DATABASE].reader, user_id, query.days)


async def counted(reader: Connection, user_id: str | None, days: int) -> StatsAnswer:
    """Return the statistics of a user's files, None for everybody's, of the last `days`."""
    since = uuid7(now_ms() - days * DAY_MS, bytes(10))  # ids sort by time
    tally, before = Tally(), None
    while tally.jobs < AT_MOST:
        page = await list_jobs(reader, user_id=user_id, before_id=before, limit=AT_ONCE)
        recent = [job for job in page if job.id >= since]
        for job in recent:
            tally.add(job.state)
        if len(recent) < AT_ONCE:
            return StatsAnswer(days_back=days, is_whole=True, **tally.result())
        before = page[-1].id
    return StatsAnswer(days_back=days, is_whole=False, **tally.result())


# The page


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day as two parts of a bar, in percent of the busiest day."""

    day: str
    words: str
    total: int
    good: float
    other: float


@dataclass(frozen=True, slots=True)
class StatsPage:
    """What the template is given: everything in words."""

    shell: Shell
    days: int
    owner: str
    is_whole: bool
    figures: tuple[tuple[str, str, str], ...]
    bars: tuple[DayBar, ...]
    plans: tuple[tuple[str, ...], ...]
    stages: tuple[tuple[str, ...], ...]
    errors: tuple[tuple[str, str], ...]


def view(shell: Shell, found: StatsAnswer, *, owner: str) -> StatsPage:
    """Return the page of `found`."""
    ended_well = found.counts.get("completed", 0)
    busiest = max((day.jobs for day in found.days), default=1)
    known = {day.day: day for day in found.days}
    days = [iso_from_ms(now_ms() - back * DAY_MS)[:10] for back in range(found.days_back, -1, -1)]
    commonest = max(found.plans, key=lambda plan: plan.jobs, default=None)
    return StatsPage(
        shell,
        found.days_back,
        owner,
        found.is_whole,
        (
            ("Files", f"{found.jobs:,}", f"in {count(found.days_back, 'day')}"),
            ("Done", rate_text(found.completion_rate), f"{ended_well:,} of those that ended"),
            ("Failed", f"{found.counts.get('error', 0):,}", f"{found.retried:,} tried again"),
            (
                "Usual time",
                took_text(commonest.median_ms) or "–" if commonest else "–",
                f"for {commonest.plan}" if commonest else "nothing has ended yet",
            ),
        ),
        tuple(_bar(known.get(day, DayStats(day=day, jobs=0, counts={})), busiest) for day in days),
        tuple(
            (
                plan.plan or "unknown",
                f"{plan.jobs:,}",
                rate_text(plan.completion_rate),
                took_text(plan.median_ms) or "–",
                took_text(plan.p90_ms) or "–",
                f"{size_text(plan.bytes_per_second)}/s" if plan.bytes_per_second else "–",
            )
            for plan in found.plans
        ),
        tuple(
            (
                stage.plan or "unknown",
                _label(stage),
                f"{stage.done:,}",
                f"{stage.failed:,}",
                took_text(stage.median_ms) or "–",
                took_text(stage.p90_ms) or "–",
            )
            for stage in found.stages
        ),
        tuple((error.code.replace("_", " "), f"{error.jobs:,}") for error in found.errors),
    )


def rate_text(rate: float | None) -> str:
    """Return a share as people read it; never 100% while something failed."""
    if rate is None:
        return "–"
    return "100%" if rate == 1 else f"{min(99.9, rate * 100):.1f}%"


def _bar(day: DayStats, busiest: int) -> DayBar:
    good = day.counts.get("completed", 0)
    words = f"{day.day}: {count(day.jobs, 'file')}, {good:,} done"
    return DayBar(day.day, words, day.jobs, 100 * good / busiest, 100 * (day.jobs - good) / busiest)


def _label(stage: StageStats) -> str:
    labels: dict[str, Any] = {s.key: s.label for s in plan_named(stage.plan).stages}
    return str(labels.get(stage.stage, stage.stage))
