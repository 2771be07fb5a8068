"""Reporting from outside: jobs without a file, and what a worker elsewhere says of them."""

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import (
    InvalidReport,
    InvalidRequest,
    ReportTooLarge,
    UploadCut,
)
from app.core.filling import check_details, check_kept
from app.core.messages import size_text
from app.core.names import clean_filename, one_line
from app.core.own_plans import OwnStages, plan_of
from app.core.permissions import Viewer
from app.core.plans import Plan
from app.core.queueing import PriorityName
from app.core.reports import REPORT_TYPES, REPORTS, AnyReport
from app.keys import DATABASE, DOOR, JOINING, REPORT_DESK, REPORTING, SETTINGS
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
from app.web.uploads import UploadOptions
from app.web.wire import json_bytes, read_json

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
CHECKED_AT_ONCE = 100  # reports; then others have their turn on the loop
LONGEST_REPORT_BYTES = 16 * 1024
VALUES_AT_MOST = 100_000  # in one request: taking more apart would hold the loop for long
LINE = re.compile(rb"[^\s][^\n]*")
DETAILS_AT_MOST = 50
ROOM = 8  # levels that a report gains on its way into the log


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
        _measure(wish.details)
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
    with request.app[REPORT_DESK].place(viewer.user_id):
        body = await _body(request)
        fingerprint = ""
        if key_of(request) is not None:
            fingerprint = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        async with once(request, viewer.user_id) as asked:
            answer = asked.before(fingerprint)
            if answer is None:
                reports = await _reports(request, body)
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


async def _body(request: web.Request) -> bytes:
    """Return the body. Raises ReportTooLarge, UploadCut, InvalidRequest."""
    settings = request.app[SETTINGS]
    most = settings.max_report_bytes
    if (request.content_length or 0) > most:
        raise ReportTooLarge(limit=size_text(most))
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.upload_idle_s):
            async for part in request.content.iter_any():
                size += len(part)
                if size > most:
                    raise ReportTooLarge(limit=size_text(most))
                parts.append(part)
    except TimeoutError as error:
        raise UploadCut from error
    except web.RequestPayloadError as error:
        raise InvalidRequest(what="the body is not packed as its headers say") from error
    return b"".join(parts)


async def _reports(request: web.Request, body: bytes) -> list[AnyReport]:
    """Return what the body holds. Raises InvalidRequest, and InvalidReport that names its place.

    The loop is left to others between a hundred reports and the next.
    """
    most = request.app[SETTINGS].max_reports_per_request
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES_AT_MOST:
        raise InvalidRequest(what=f"more than {VALUES_AT_MOST:,} values in one request")
    if request.content_type in NDJSON:
        lines = [match[0] for match in islice(LINE.finditer(body), most + 1)]
    else:
        lines = _listed(body)
    if not lines:
        raise InvalidRequest(what="the body holds no reports")
    if len(lines) > most:
        raise InvalidRequest(what=f"a request has at most {most:,} reports")
    reports: list[AnyReport] = []
    for start in range(0, len(lines), CHECKED_AT_ONCE):
        reports += _checked(lines[start : start + CHECKED_AT_ONCE], start)
        await asyncio.sleep(0)
    return reports


def _listed(body: bytes) -> list[Any]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(what=f"the body is not JSON ({error})") from error
    return values if isinstance(values, list) else [values]


def _checked(some: Sequence[Any], start: int) -> list[AnyReport]:
    """Return `some` reports, as lines or plain values, the first of which is the `start`th."""
    values: list[Any] = []
    for at, one in enumerate(some, start):
        try:
            value = orjson.loads(one) if isinstance(one, bytes) else one
        except orjson.JSONDecodeError as error:
            raise InvalidReport(index=at, what=f"it is not JSON ({error})") from error
        try:
            _measure(value)
        except ValueError as error:
            raise InvalidReport(index=at, what=str(error)) from error
        values.append(value)
    try:
        return REPORTS.validate_python(values)
    except ValidationError as error:
        raise _named(error, start) from error


def _measure(value: Any) -> None:
    """Raise ValueError for what is too large for one event, or nested too deep for the log."""
    try:
        size = len(orjson.dumps([[[[[[[[value]]]]]]]]))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise ValueError("it is nested too deep") from error
    if size > LONGEST_REPORT_BYTES + 2 * ROOM:
        raise ValueError(f"it has more than {LONGEST_REPORT_BYTES} bytes")


def _named(error: ValidationError, start: int) -> InvalidReport:
    """Return what is wrong with the first bad report, and which it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    index, *where = first["loc"]
    place = ".".join(str(part) for part in where[1:])  # the first is its type
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such field, or it is the server's to say"
    elif first["type"] == "union_tag_invalid":
        told = str(first["ctx"]["tag"])[:64]
        message = f"{told} is not reported; {', '.join(REPORT_TYPES)} are"
    elif first["type"] == "union_tag_not_found":
        message = "it has no type"
    return InvalidReport(
        index=start + int(index), what=f"{place[:200]}: {message}" if place else message
    )
