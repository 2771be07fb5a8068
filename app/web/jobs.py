"""Jobs: their state, and what was read out of them."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import orjson
from aiohttp import web
from aiosqlite import Connection
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import FileMissing, HistoryPruned, InvalidRequest, NotFound
from app.core.events import JobStatus
from app.core.permissions import Action, may
from app.core.rooms import Room
from app.core.state import JobState, fold_all, is_reported
from app.keys import DATABASE, FILES, RECORDS, RUNNER
from app.store.events import Recorded, read_job
from app.store.jobs import JobRow, get_job, list_jobs
from app.store.retention import floor_of_room
from app.web.belongings import belonging_of, demand, guest_of, thing_of
from app.web.identity import owner_for, viewer_for
from app.web.wire import next_link, read_id, read_query, state_answer

FOLDED_AT_ONCE = 500  # events: a job may have a million


class JobQuery(BaseModel):
    """Which page of jobs."""

    model_config = ConfigDict(extra="forbid")
    batch_id: str | None = Field(default=None, max_length=64)
    status: JobStatus | None = None
    owner: Literal["me", "all"] = Field(default="me", description="all: operators only")
    before: str | None = Field(default=None, max_length=64, description="cursor: `next` of a page")
    limit: int = Field(default=100, ge=1, le=200)


class StateQuery(BaseModel):
    """Which moment of a job."""

    model_config = ConfigDict(extra="forbid")
    at_n: int | None = Field(default=None, ge=1, description="as it was after this event")


class RowQuery(BaseModel):
    """Which rows of a job."""

    model_config = ConfigDict(extra="forbid")
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)
    state: Literal["new", "known", "review"] | None = None


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/jobs: one's own, newest first."""
    query = read_query(request, JobQuery)
    user_id = await _whose(request, query)
    found = await list_jobs(
        request.app[DATABASE].reader,
        user_id=user_id,
        batch_id=query.batch_id,
        status=query.status,
        before_id=query.before,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    after = page[-1].id if len(found) > query.limit else None
    headers = next_link(request, before=after) if after else None
    return state_answer(
        request, {"jobs": [answer_of(job.state) for job in page], "next": after}, headers
    )


async def _whose(request: web.Request, query: JobQuery) -> str | None:
    """Return whose jobs are listed, None for everybody's. Who sees a batch may list it."""
    viewer = viewer_for(request, "read")
    if query.owner == "all":
        viewer_for(request, "operate")
        return None
    if query.batch_id is not None:
        room = Room("batch", query.batch_id)
        thing = await belonging_of(request.app[DATABASE].reader, room)
        if thing is not None and may(viewer, "read", thing):
            return thing.owner_id
    return owner_for(request, "read").user_id


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}: the fold of its events, now or as it was after `at_n`."""
    query, job = read_query(request, StateQuery), await job_of(request)
    state: JobState | None = job.state
    if query.at_n is not None and query.at_n < job.state["n"]:
        state = await _as_it_was(request.app[DATABASE].reader, job, query.at_n)
    elif query.at_n is not None and query.at_n > job.state["n"]:
        raise InvalidRequest(what=f"at_n: the job has {job.state['n']} events so far")
    if state is None:
        raise NotFound(what="job")
    answer = answer_of(state)
    if state["status"] == "pending" and query.at_n is None:
        place = await request.app[RUNNER].place_of(job.id)
        answer["queue"] = None if place is None else place._asdict()
    return state_answer(request, answer)


async def _as_it_was(reader: Connection, job: JobRow, n: int) -> JobState | None:
    """Return the job's state after its event `n`. Raises HistoryPruned."""
    state: JobState | None = None
    after = 0
    while events := await read_job(reader, job.id, after, FOLDED_AT_ONCE):
        state = await asyncio.to_thread(_folded, state, events, n)
        after = events[-1].seq
        if (events[-1].n or 0) >= n:
            break
    if await floor_of_room(reader, Room("job", job.id)):  # looked at last: it only ever rises
        raise HistoryPruned(filename=job.filename)
    return state


def _folded(state: JobState | None, events: Sequence[Recorded], upto_n: int) -> JobState | None:
    """Return `state` after those of `events` that are not past `upto_n`."""
    wanted = (event for event in events if event.n is not None and event.n <= upto_n)
    return fold_all((orjson.loads(event.body) for event in wanted), state)


async def job_of(request: web.Request, action: Action = "read") -> JobRow:
    """Return the job in the path, for `action`. Raises NotAllowed, NotFound."""
    viewer = viewer_for(request, action)
    job = await get_job(request.app[DATABASE].reader, read_id(request, "job_id"))
    return demand(viewer, action, job, "job")


def answer_of(state: JobState) -> dict[str, Any]:
    """Return `state` with its links: a JobAnswer, as plain values because lists are long."""
    api = f"/api/v1/jobs/{state['job_id']}"
    read = (
        *("rows", "fields", "zones", "pages", "text"),
        *("delta", "rejected.csv", "original", "undo"),
    )
    steering = ("retry", "cancel", "pause", "resume", "priority")
    parts = ("events", *(() if is_reported(state) else read), *steering)
    links = {part.partition(".")[0]: f"{api}/{part}" for part in parts}
    page = f"/jobs/{state['job_id']}"
    return {**state, "links": {"self": api, **links, "page": page}}


async def rows(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/rows: a page of what was read."""
    query, job = read_query(request, RowQuery), await job_of(request)
    page = await request.app[RECORDS].rows(
        job.id, state=query.state, offset=query.offset, limit=query.limit
    )
    after = query.offset + len(page.rows)
    headers = next_link(request, offset=after) if page.rows and after < page.total else None
    found = page.rows
    if is_shown_to_guest(request, job):  # other files are none of their business
        found = [{**row, "seen_in": None} for row in found]
    answer = {"total": page.total, "counts": page.counts, "rows": found}
    return state_answer(request, answer, headers)


def is_shown_to_guest(request: web.Request, job: JobRow) -> bool:
    """Tell whether whoever asks sees the job by a share link alone."""
    return guest_of(viewer_for(request, "read"), thing_of(job)) is not None


async def rejected(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/jobs/{job_id}/rejected.csv: the rows that could not be read, with reasons."""
    job = await job_of(request, "download")
    stem = job.filename.rpartition(".")[0] or job.filename
    response = web.StreamResponse(headers=download_headers(f"{stem}.rejected.csv"))
    response.content_type = "text/csv"
    response.charset = "utf-8"
    await response.prepare(request)
    async for text in request.app[RECORDS].rejected_csv(job.id):
        await response.write(text.encode())
    await response.write_eof()
    return response


async def original(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/jobs/{job_id}/original: the very bytes that came, as a download."""
    job = await job_of(request, "download")
    if job.reported:
        raise NotFound(what="file")
    path = request.app[FILES].path_of(job.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise FileMissing(filename=job.filename)
    headers = {**download_headers(job.filename), "Content-Type": "application/octet-stream"}
    return web.FileResponse(path, headers=headers)


def download_headers(filename: str) -> dict[str, str]:
    """Return headers with which a browser saves an answer, and never shows or runs it."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename
    )
    exact = quote(filename, safe="")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"}
