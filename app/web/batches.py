"""Batches: taking files in, and telling what became of them."""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import orjson
from aiohttp import web
from aiosqlite import Connection
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest, NotFound
from app.core.events import BatchCreated, Event, JobCreated
from app.core.ids import is_uuid, uuid7
from app.core.messages import friendly_message
from app.core.model_names import chosen_among, model_names
from app.core.permissions import Action, Viewer
from app.core.plans import plan_for_name
from app.core.quantities import count
from app.core.queueing import PRIORITIES
from app.core.samples import sample_files
from app.core.times import iso_from_ms
from app.keys import (
    DATABASE,
    DOOR,
    FILES,
    JOINING,
    JOURNAL,
    RESERVATIONS,
    RUNNER,
    SETTINGS,
)
from app.store.accounts import now_ms
from app.store.batches import (
    BatchRow,
    begin_batch,
    claim_batch,
    get_batch,
    insert_batch,
    list_batches,
    status_counts,
)
from app.store.files import StoredFile
from app.store.idempotency import Answer
from app.store.jobs import is_referred_to
from app.tasks import finished
from app.web.belongings import demand
from app.web.identity import owner_for, viewer_for
from app.web.models import Accepted, AcceptedJob, BatchAnswer, BatchList
from app.web.once import ALWAYS, Once, fingerprint_of, once
from app.web.uploads import ArrivedFile, UploadOptions, receiving
from app.web.wire import json_bytes, next_link, read_id, read_query, state_answer


class BatchQuery(BaseModel):
    """Which page of batches."""

    model_config = ConfigDict(extra="forbid")
    before: str | None = Field(default=None, max_length=64, description="cursor: `next` of a page")
    limit: int = Field(default=50, ge=1, le=200)


@dataclass(frozen=True, slots=True)
class Intake:
    """Who brings the files, and under which Idempotency-Key, if any.

    batch        the one that the files join, which its owner gave its id; None: one of their own
    fingerprint  of what was asked for, where that is not the files; None: of the files
    also         a further write of the transaction that puts them into the log, given the answer
    """

    viewer: Viewer
    once: Once = ALWAYS
    batch: BatchRow | None = None
    fingerprint: str | None = None
    also: Callable[[sqlite3.Connection, Answer], None] | None = None


TakeIn = Callable[[web.Request, Intake], Awaitable[Answer]]


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/batches: take files in. 202 once every byte is on the disk and in the log."""
    return accepted(await brought_once(request, upload))


async def create_samples(request: web.Request) -> web.Response:
    """POST /api/v1/samples: take the sample files in, to try everything out."""
    return accepted(await brought_once(request, samples))


async def brought_once(request: web.Request, bring: TakeIn) -> Answer:
    """Do `bring`, or say again what was answered under the same Idempotency-Key.

    Raises NotAuthenticated, NotAllowed, InvalidRequest for a bad key, Conflict for a used one.
    """
    viewer = owner_for(request, "upload")
    async with once(request, viewer.user_id) as asked:
        return await bring(request, Intake(viewer, asked))


async def upload(request: web.Request, intake: Intake) -> Answer:
    """Receive the request's files and put them into the log as one batch."""
    async with receiving(request) as arrived:
        return await take_in(request.app, intake, arrived.files, arrived.options)


async def samples(request: web.Request, intake: Intake) -> Answer:
    """Put the sample files into the log as one batch."""
    request.app[DOOR].pass_through()
    files: list[ArrivedFile] = []
    try:
        for filename, content in sample_files():
            incoming = await request.app[FILES].begin()
            files.append(ArrivedFile(filename, incoming))
            await incoming.write(content)
            await incoming.finish()
        return await take_in(request.app, intake, files, UploadOptions(name="Sample files"))
    finally:
        for file in files:
            await file.incoming.abort()


async def take_in(
    app: web.Application,
    intake: Intake,
    files: Sequence[ArrivedFile],
    options: UploadOptions,
) -> Answer:
    """Place the files, then write batch and jobs with one append. All of it, or nothing.

    What was taken in under the same key before is only compared, and answered again. Files that
    join a batch go by its options.
    """
    fingerprint = intake.fingerprint or _fingerprint_of(files, options)
    if (before := intake.once.before(fingerprint)) is not None:
        return before
    if intake.batch is None:  # else they were looked at when it got them, and may be gone since
        _check_models(app, options)
    store = app[FILES]
    placed: list[StoredFile] = []
    try:
        for file in files:
            placed.append(await store.place(file.incoming))
        answer = await _recorded(app, intake, files, placed, options, fingerprint)
    except Exception:
        for stored in placed:
            await store.discard(stored.sha256, lambda sha256: _is_needed(app, sha256))
        raise
    # A cancelled wait may still be committed, so then the files stay held, and stay.
    for stored in placed:
        store.release(stored.sha256)
    app[RUNNER].wake()
    return answer


def _check_models(app: web.Application, options: UploadOptions) -> None:
    """Raise InvalidRequest for a language model that is not configured: it is never called."""
    configured = model_names(app[SETTINGS].models)
    for wanted in options.models or ():
        if not chosen_among(configured, [wanted]):
            known = ", ".join(model.name for model in configured) or "none"
            raise InvalidRequest(what=f"options.models: there is no {wanted}; known are {known}")


def _fingerprint_of(files: Sequence[ArrivedFile], options: UploadOptions) -> str:
    """Return what tells one upload from another, however its parts were put together."""
    brought = [(f.filename, f.incoming.stored.sha256) for f in files]
    return fingerprint_of([brought, options.model_dump(exclude_defaults=True)])


async def _is_needed(app: web.Application, sha256: str) -> bool:
    return await is_referred_to(app[DATABASE].reader, sha256)


async def _recorded(
    app: web.Application,
    intake: Intake,
    files: Sequence[ArrivedFile],
    placed: Sequence[StoredFile],
    options: UploadOptions,
    fingerprint: str,
) -> Answer:
    """Write batch and jobs; where files join a batch, one after the other, to the end of each."""
    if intake.batch is None:
        return await _record(app, intake, files, placed, options, fingerprint)
    options = options_of(intake.batch)
    async with app[JOINING]:
        batch = await get_batch(app[DATABASE].reader, intake.batch.id)
        joining = replace(intake, batch=batch)
        return await finished(_record(app, joining, files, placed, options, fingerprint))


async def claim(
    app: web.Application, viewer: Viewer, batch_id: str, options: UploadOptions
) -> BatchRow:
    """Return the batch with an id that its owner made up; its files may come one by one.

    Its rooms can be followed from now on. Raises InvalidRequest for what is no id or names models
    that there are not, NotFound for somebody else's, Conflict for other options than its own.
    """
    if not is_uuid(batch_id):
        raise InvalidRequest(what="batch_id: not a UUID in its lower-case form")
    _check_models(app, options)
    wanted = BatchRow(
        id=batch_id,
        user_id=viewer.user_id,
        name=options.name or "",
        options=options.model_dump(exclude={"name"}, exclude_unset=True),
        created_ms=now_ms(),
        begun=False,
    )
    with app[RESERVATIONS].held(batch_id, viewer.user_id) as is_free:
        if not is_free:  # somebody else listens for a batch of that id
            raise NotFound(what="batch", is_foreign=True)
        return await app[DATABASE].writer.run(partial(claim_batch, wanted=wanted))


def options_of(batch: BatchRow) -> UploadOptions:
    """Return the options that a batch was begun with."""
    return UploadOptions(name=batch.name or None, **batch.options)


async def _record(
    app: web.Application,
    intake: Intake,
    files: Sequence[ArrivedFile],
    placed: Sequence[StoredFile],
    options: UploadOptions,
    fingerprint: str,
) -> Answer:
    at_ms = now_ms()
    batch = intake.batch or BatchRow(
        id=new_id(at_ms),
        user_id=intake.viewer.user_id,
        name=options.name or _name_of(files),
        options=options.model_dump(exclude={"name"}, exclude_unset=True),
        created_ms=at_ms,
    )
    # ids of one millisecond sort by chance; sorted, they keep the order of the files
    idents = sorted(new_id(at_ms) for _ in files)
    jobs = [
        JobCreated(
            job_id=ident,
            batch_id=batch.id,
            document_id=new_id(at_ms),
            filename=file.filename,
            size=stored.size_bytes,
            sha256=stored.sha256,
            plan=plan_for_name(file.filename).describe(),
            priority=PRIORITIES[options.priority],
            progress=0.0,
            message=friendly_message("received", {"filename": file.filename}),
            details={"filename": file.filename, "size": stored.size_bytes},
        )
        for ident, file, stored in zip(idents, files, placed, strict=True)
    ]
    told = Accepted(
        batch_id=batch.id,
        jobs=[
            AcceptedJob(
                job_id=str(job.job_id),
                filename=job.filename,
                size=job.size,
                sha256=job.sha256,
                status="pending",
            )
            for job in jobs
        ],
    )
    answer = Answer(202, told.model_dump_json())

    def also(connection: sqlite3.Connection) -> None:
        if intake.batch is None:
            insert_batch(connection, batch)
        elif not batch.begun:
            begin_batch(connection, batch.id, _name_of(files))
        if intake.also is not None:
            intake.also(connection, answer)
        intake.once.remember(connection, answer, fingerprint, at_ms)

    drafts: list[Event] = list(jobs)
    if intake.batch is None or not batch.begun:
        verb = "is" if len(jobs) == 1 else "are"
        begun = BatchCreated(
            batch_id=batch.id,
            name=batch.name or _name_of(files),
            jobs=len(jobs),
            message=f"{count(len(jobs), 'file')} {verb} here and safe",
        )
        drafts.insert(0, begun)
    await app[JOURNAL].append(*drafts, user_id=batch.user_id, also=also)
    return answer


def _name_of(files: Sequence[ArrivedFile]) -> str:
    first = files[0].filename
    return first if len(files) == 1 else f"{first} and {count(len(files) - 1, 'other file')}"


def new_id(at_ms: int) -> str:
    """Return a fresh id of that time."""
    return uuid7(at_ms, os.urandom(10))


def accepted(answer: Answer) -> web.Response:
    """Return the answer as it is sent, with the address of the batch."""
    batch_id = orjson.loads(answer.body)["batch_id"]
    return json_bytes(
        answer.body.encode(), answer.status, {"Location": f"/api/v1/batches/{batch_id}"}
    )


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/batches: one's own, newest first."""
    query, viewer = read_query(request, BatchQuery), owner_for(request, "read")
    reader = request.app[DATABASE].reader
    found = await list_batches(reader, viewer.user_id, query.before, query.limit + 1)
    page = found[: query.limit]
    after = page[-1].id if len(found) > query.limit else None
    answers = [_answer(batch, await status_counts(reader, batch.id)) for batch in page]
    headers = next_link(request, before=after) if after else None
    return state_answer(request, BatchList(batches=answers, next=after), headers)


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/batches/{batch_id}: its name, options and jobs by status."""
    batch = await batch_of(request)
    return state_answer(request, await answer_about(request.app[DATABASE].reader, batch))


async def batch_of(request: web.Request, action: Action = "read") -> BatchRow:
    """Return the batch in the path, for `action`. Raises NotAllowed, NotFound."""
    viewer = viewer_for(request, action)
    batch = await get_batch(request.app[DATABASE].reader, read_id(request, "batch_id"))
    return demand(viewer, action, batch, "batch")


async def answer_about(reader: Connection, batch: BatchRow) -> BatchAnswer:
    """Return what the API tells of a batch."""
    return _answer(batch, await status_counts(reader, batch.id))


def _answer(batch: BatchRow, counts: dict[str, int]) -> BatchAnswer:
    api = f"/api/v1/batches/{batch.id}"
    return BatchAnswer(
        batch_id=batch.id,
        name=batch.name,
        options=batch.options,
        created_at=iso_from_ms(batch.created_ms),
        jobs=sum(counts.values()),
        counts=counts,
        links={
            "self": api,
            "jobs": f"/api/v1/jobs?batch_id={batch.id}",
            "events": f"/api/v1/events/history?room=batch:{batch.id}",
            **{op: f"{api}/{op}" for op in ("pause", "resume", "cancel", "retry", "undo")},
            "page": f"/batches/{batch.id}",
        },
    )
