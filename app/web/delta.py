"""How a file differs from what was stored before, and what is to become of its known rows."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.keys import DOOR, RECORDS, RUNNER
from app.store.jobs import JobRow
from app.web.audit import note
from app.web.edits import tell_of_rows
from app.web.jobs import is_shown_to_guest, job_of
from app.web.models import Delta
from app.web.wire import json_answer, read_json, state_answer

# By name: it and what it needs are loaded in worker processes only.
DECIDE = "app.reading.delta:decide_rows"
ROWS_AT_ONCE = 1000


class DeltaDecision(BaseModel):
    """What is to become of rows that an earlier file holds; without `rows`, of all of them."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["new", "known"] = Field(description="new: store them; known: leave them out")
    rows: list[Annotated[int, Field(ge=1, lt=2**32)]] | None = Field(
        default=None, max_length=ROWS_AT_ONCE, description="numbers of rows, as in the list of rows"
    )


class DeltaDecided(BaseModel):
    """How many rows changed, and the counts after it."""

    changed: int
    delta: Delta


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/delta: new and known rows, and which jobs brought those."""
    job = await job_of(request)
    found = await request.app[RECORDS].delta(job.id)
    if is_shown_to_guest(request, job):
        found = {**found, "seen_in": []}
    return state_answer(request, Delta.model_validate(found))


async def decide(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/delta: store known rows after all, or leave them out again."""
    job = await job_of(request, "control")
    return json_answer(await decide_rows(request, job, await read_json(request, DeltaDecision)))


async def decide_rows(request: web.Request, job: JobRow, wish: DeltaDecision) -> DeltaDecided:
    """Do what `wish` says of the rows of `job`. Raises NotFound where it has none."""
    request.app[DOOR].pass_through()
    note(request, "control", op="delta", job_id=job.id)
    options = {"job_id": job.id, **wish.model_dump()}
    found = await request.app[RUNNER].errand(job.user_id, DECIDE, options)
    if found["changed"]:
        await tell_of_rows(request, {job.id: found["changed"]})
    delta = Delta.model_validate(await request.app[RECORDS].delta(job.id))
    return DeltaDecided(changed=found["changed"], delta=delta)
