"""Reporting from outside: jobs without a file, and what a worker elsewhere says of them."""

import asyncio
import hashlib
import sqlite3
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from app.core.errors import (
    InvalidRequest,
)
from app.core.kept import check_details, check_kept
from app.core.names import clean_filename, one_line
from app.core.own_plans import OwnStages, plan_of
from app.core.permissions import Viewer
from app.core.plans import Plan
from app.core.queueing import PriorityName
from app.keys import DATABASE, DOOR, FILES, JOINING, REPORTING, REPORTS_UNDER_WAY
from app.pipeline.outside_jobs import NewJob, Reporter, Taken
from app.store.accounts import now_ms
from app.store.batches import BatchRow, get_batch
from app.store.idempotency import Answer
from app.tasks import finished
from app.web.batches import claim
from app.web.belongings import demand
from app.web.identity import owner_for, viewer_for
from app.web.jobs import job_of
from app.web.once import Once, fingerprint_of, key_of, once
from app.web.reportbody import measure, read_body, read_reports
from app.web.uploads import UploadOptions
from app.web.wire import json_bytes, read_json

DETAILS_AT_MOST = 50


class JobWish(BaseModel):
    """A job whose work is done elsewhere."""

    model_config = ConfigDict(extra="forbid")
    filename: str = Field(
        validation_alias=AliasChoices("filename", "name"),
        min_length=1,
        max_length=1000,
        description="what it is about, as people see it; `name` is good for it too",
    )
    batch_id: str | None = Field(
        default=None,
        max_length=64,
        description="one of yours, or a UUID that you made up",
    )
    batch_name: str | None = Field(default=None, max_length=200)
    plan: Annotated[str, Field(max_length=64)] | OwnStages | None = Field(
        default=None, description="one of Livetrail's plans, or stages of your own"
    )
    details: dict[str, Any] = Field(default_factory=dict, max_length=DETAILS_AT_MOST)
    size: int = Field(default=0, ge=0, lt=2**53, description="bytes; 0: it has none")
    media_type: str = Field(
        default="application/octet-stream", max_length=200, pattern=r"^[\w.+-]+/[\w.+-]+$"
    )
    priority: PriorityName = "normal"


class JobMade(BaseModel):
    """The job, and where its parts are."""

    job_id: str
    batch_id: str
    filename: str
    status: str
    links: dict[str, str]


class ReportsTaken(BaseModel):
    """What came of the reports. It is on the disk."""

    accepted: int
    last_seq: int = Field(description="place of the last of them in the log")
    last_n: int = Field(description="its place in the job")
    status: str = Field(description="of the job after them")
    clarification_ids: list[str] = Field(description="of the questions they asked, in order")


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/jobs: a job without a file, whose work is reported. 201 once it is committed."""
    viewer = owner_for(request, "upload")
    request.app[DOOR].pass_through()
    await request.app[FILES].demand_room()
    wish = await read_json(request, JobWish)
    plan = _plan(wish)
    fingerprint = fingerprint_of(wish.model_dump(mode="json"))

    async def make(asked: Once) -> Answer:
        if (before := asked.before(fingerprint)) is not None:
            return before
        made: list[Answer] = []
        new = await _new_job(request, viewer, wish, plan)

        def then(connection: sqlite3.Connection, job_id: str, batch_id: str) -> None:
            made.append(Answer(201, _made(job_id, batch_id, new.filename).model_dump_json()))
            asked.remember(connection, made[-1], fingerprint, now_ms())

        await request.app[REPORTING].create(new, then)
        return made[-1]

    async with once(request, viewer.user_id) as asked:
        if wish.batch_id is None:
            answer = await finished(make(asked))  # the key is held until it is committed
        else:
            async with request.app[JOINING]:  # the first in a batch begins it
                answer = await finished(make(asked))
    where = f"/api/v1/jobs/{orjson.loads(answer.body)['job_id']}"
    return json_bytes(answer.body.encode(), answer.status, {"Location": where})


def _plan(wish: JobWish) -> Plan:
    """Return the plan that is wished for. Raises InvalidRequest, also for bad details."""
    try:
        measure(wish.details)
        check_details(wish.details)
        return plan_of(wish.plan)
    except ValueError as error:
        raise InvalidRequest(what=str(error)) from error


async def _new_job(request: web.Request, viewer: Viewer, wish: JobWish, plan: Plan) -> NewJob:
    """Return what is wished for. Raises InvalidRequest, NotFound."""
    batch = None if wish.batch_id is None else await _batch(request, viewer, wish.batch_id)
    new = NewJob(
        user_id=viewer.user_id if batch is None else batch.user_id,
        filename=clean_filename(wish.filename),
        plan=plan,
        size=wish.size,
        media_type=wish.media_type,
        details=wish.details,
        priority=wish.priority,
        batch=batch,
        batch_name=one_line(wish.batch_name or ""),
    )
    try:
        check_kept(new.facts)
    except ValueError as error:
        raise InvalidRequest(what=str(error)) from error
    return new


async def _batch(request: web.Request, viewer: Viewer, batch_id: str) -> BatchRow:
    """Return the batch with this id; one that its owner has just made up begins now."""
    known = await get_batch(request.app[DATABASE].reader, batch_id)
    if known is None:
        return await claim(request.app, viewer, batch_id, UploadOptions())
    return demand(viewer, "upload", known, "batch")


def _made(job_id: str, batch_id: str, filename: str) -> JobMade:
    api = f"/api/v1/jobs/{job_id}"
    links = {
        "self": api,
        "events": f"{api}/events",
        "cancel": f"{api}/cancel",
        "batch": f"/api/v1/batches/{batch_id}",
        "page": f"/jobs/{job_id}",
    }
    return JobMade(
        job_id=job_id, batch_id=batch_id, filename=filename, status="pending", links=links
    )


async def take(request: web.Request) -> web.Response:
    """POST /api/v1/jobs/{job_id}/events: what a worker reports, one or many, all or none.

    JSON, one object or a list, or NDJSON. Answered once it is committed.
    """
    job = await job_of(request, "upload")
    viewer = viewer_for(request, "upload")
    request.app[DOOR].pass_through()
    await request.app[FILES].demand_room()
    with request.app[REPORTS_UNDER_WAY].place(viewer.user_id):
        body = await read_body(request)
        fingerprint = ""
        if key_of(request) is not None:
            fingerprint = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        async with once(request, viewer.user_id) as asked:
            answer = asked.before(fingerprint)
            if answer is None:
                reports = await read_reports(request, body)
                reporter = Reporter(
                    viewer.name,
                    lambda connection, taken: asked.remember(
                        connection, _told(taken), fingerprint, now_ms()
                    ),
                )
                answer = _told(await request.app[REPORTING].take(job.id, reports, reporter))
    return json_bytes(answer.body.encode(), answer.status)


def _told(taken: Taken) -> Answer:
    told = ReportsTaken(
        accepted=taken.accepted,
        last_seq=taken.last_seq,
        last_n=taken.last_n,
        status=taken.status,
        clarification_ids=list(taken.clarification_ids),
    )
    return Answer(200, told.model_dump_json())
