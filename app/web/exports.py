"""Exports: what is stored, as files to take away."""

import asyncio
import os
import re
import sqlite3
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.errors import Conflict, FileMissing, InvalidRequest, NotFound
from app.core.events import ErrorInfo
from app.core.ids import uuid7
from app.core.permissions import Action, Viewer, may
from app.core.times import DAY_MS, iso_from_ms
from app.keys import DATABASE, DOOR, EXPORTER, PLUGINS, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import BatchRow, get_batch
from app.store.exports import ExportRow, ExportState, get_export, insert_export, list_exports
from app.store.idempotency import Answer
from app.store.jobs import JobRow, get_job, plans_in
from app.web.audit import note
from app.web.belongings import demand
from app.web.identity import owner_for, viewer_for
from app.web.jobs import download_headers
from app.web.once import ALWAYS, Once, fingerprint_of, once
from app.web.wire import json_bytes, next_link, read_id, read_json, read_query, state_answer

OwnFormat = Literal["csv", "json", "xlsx", "parquet"]
Format = OwnFormat | Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Content = Literal["rows", "documents", "line_items"]
ENDINGS: dict[str, str] = {"csv": "csv", "json": "jsonl", "xlsx": "xlsx", "parquet": "parquet"}
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
LONGEST_STEM = 100
Text = Annotated[str, Field(min_length=1, max_length=200)]


class ExportQuery(BaseModel):
    """What is taken; what is not named does not matter."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    first: date | None = Field(default=None, alias="from", description="first day")
    last: date | None = Field(default=None, alias="to", description="last day")
    account: Text | None = None
    category: Text | None = None
    vendor: Text | None = None
    currency: Text | None = None
    text: Text | None = Field(
        default=None, description="somewhere in description, counterparty or reference"
    )
    state: Literal["new", "known", "review", "all"] | None = Field(
        default=None, description="of rows; of one job all, else new, so that none comes twice"
    )


class ExportWish(BaseModel):
    """What is to be exported: of a job, of a batch, or of everything one has stored."""

    model_config = ConfigDict(extra="forbid")
    format: Format = Field(default="csv", description="one of a plugin is PLUGIN.NAME")
    job_id: str | None = Field(default=None, max_length=64)
    batch_id: str | None = Field(default=None, max_length=64)
    query: ExportQuery = Field(default_factory=ExportQuery)
    content: Content | None = Field(
        default=None, description="absent: rows, or documents where there are only those"
    )
    formulas: Literal["safe", "as_is"] = Field(
        default="safe",
        description="csv: safe puts an apostrophe before what a spreadsheet program would run",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.job_id is not None and self.batch_id is not None:
            raise ValueError("a job or a batch, not both")
        query = self.query
        if query.first is not None and query.last is not None and query.last < query.first:
            raise ValueError("query: to lies before from")
        named = [n for n in ("account", "category", "state") if getattr(query, n) is not None]
        if named and self.content in ("documents", "line_items"):
            raise ValueError(f"query: {self.content} have no {' or '.join(named)}")
        return self


class ExportAnswer(BaseModel):
    """An export as it stands. `links.file` is there once it is completed."""

    export_id: str
    state: ExportState
    format: Format
    content: Content
    filename: str
    job_id: str | None
    batch_id: str | None
    query: dict[str, Any]
    rows: int | None
    size: int | None = Field(description="bytes")
    sha256: str | None
    error: ErrorInfo | None
    created_at: str
    ended_at: str | None
    expires_at: str | None = Field(description="when its file will be removed")
    links: dict[str, str]


class ExportList(BaseModel):
    """Exports, newest first. `next` is the cursor of the page after this one."""

    exports: list[ExportAnswer]
    next: str | None


class ListQuery(BaseModel):
    """Which page of exports."""

    model_config = ConfigDict(extra="forbid")
    job_id: str | None = Field(default=None, max_length=64)
    batch_id: str | None = Field(default=None, max_length=64)
    before: str | None = Field(default=None, max_length=64, description="cursor: `next` of a page")
    limit: int = Field(default=50, ge=1, le=200)


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/exports: have a file made. 202; events and its state tell when it is there."""
    request.app[DOOR].pass_through()
    viewer = owner_for(request, "download")
    wish = await read_json(request, ExportWish)
    async with once(request, viewer.user_id) as asked:
        return _accepted(await _record(request, viewer, wish, asked))


async def make_export(request: web.Request, wish: ExportWish) -> None:
    """Have a file made for whoever asks. Raises NotAllowed, NotFound, Conflict."""
    request.app[DOOR].pass_through()
    await _record(request, owner_for(request, "download"), wish, ALWAYS)


async def _record(request: web.Request, viewer: Viewer, wish: ExportWish, asked: Once) -> Answer:
    """Write the export and its answer. Raises InvalidRequest where no plugin has the format."""
    fingerprint = fingerprint_of(wish.model_dump(mode="json", exclude_unset=True))
    if (before := asked.before(fingerprint)) is not None:
        return before
    if wish.format not in ENDINGS:
        plugins = await request.app[PLUGINS].known()
        if plugins.format(wish.format) is None:
            raise InvalidRequest(what=f"there is no format {wish.format}")
    job, batch = await _of_what(request, viewer, wish)
    export = await _export(request, viewer, wish, job, batch)
    answer = Answer(202, answer_of(request, export).model_dump_json())

    def work(connection: sqlite3.Connection) -> None:
        insert_export(connection, export)
        asked.remember(connection, answer, fingerprint, export.created_ms)

    await request.app[DATABASE].writer.run(work)
    note(request, "control", op="export", export_id=export.id, job_id=wish.job_id or "")
    request.app[EXPORTER].wake()
    return answer


async def _of_what(
    request: web.Request, viewer: Viewer, wish: ExportWish
) -> tuple[JobRow | None, BatchRow | None]:
    """Return the job or batch. Raises NotFound, Conflict for a job that has stored nothing."""
    reader = request.app[DATABASE].reader
    if wish.batch_id is not None:
        batch = await get_batch(reader, wish.batch_id)
        return None, demand(viewer, "download", batch, "batch")
    if wish.job_id is None:
        return None, None
    job = demand(viewer, "download", await get_job(reader, wish.job_id), "job")
    if job.status != "completed" or job.undone:
        raise Conflict(
            what=f"{job.filename} has stored nothing that could be exported",
            todo="Export it once it was read to its end.",
        )
    return job, None


async def _export(
    request: web.Request,
    viewer: Viewer,
    wish: ExportWish,
    job: JobRow | None,
    batch: BatchRow | None,
) -> ExportRow:
    at_ms = now_ms()
    content = wish.content or await _usual_content(request, job, batch)
    query = wish.query.model_dump(mode="json")
    query["state"] = wish.query.state or ("new" if job is None else "all")
    owner, batch_id = (viewer.user_id, None)
    if job is not None:
        owner, batch_id = job.user_id, job.batch_id
    elif batch is not None:
        owner, batch_id = batch.user_id, batch.id
    return ExportRow(
        id=uuid7(at_ms, os.urandom(10)),
        user_id=viewer.user_id,
        batch_id=wish.batch_id,
        job_id=wish.job_id,
        wish={
            "content": content,
            "formulas": wish.formulas,
            "filters": query,
            # What an operator takes away is not told to whom it belongs.
            "told_in": batch_id if owner == viewer.user_id else None,
        },
        format=wish.format,
        state="pending",
        filename=_filename(job, batch, content, _ending(request, wish.format), at_ms),
        size_bytes=None,
        rows=None,
        sha256=None,
        error=None,
        created_ms=at_ms,
        ended_ms=None,
    )


async def _usual_content(
    request: web.Request, job: JobRow | None, batch: BatchRow | None
) -> Content:
    """Return rows, or documents where nothing else was given."""
    if job is not None:
        plans = {job.state["plan"]}
    elif batch is not None:
        plans = await plans_in(request.app[DATABASE].reader, batch.id)
    else:
        return "rows"
    return "rows" if not plans or "transactions" in plans else "documents"


def _filename(
    job: JobRow | None, batch: BatchRow | None, content: Content, ending: str, at_ms: int
) -> str:
    if job is not None:
        stem = job.filename.rpartition(".")[0] or job.filename
    elif batch is not None:
        stem = batch.name
    else:
        stem = f"livetrail-{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
    stem = re.sub(r"[\\/:*?\"<>|\x00-\x1f]+", "_", stem).strip(" .")[:LONGEST_STEM] or "export"
    return f"{stem}-{content.replace('_', '-')}.{ending}"


def _ending(request: web.Request, form: str) -> str:
    part = request.app[PLUGINS].format(form)
    return ENDINGS[form] if part is None else part.ending


def answer_of(request: web.Request, export: ExportRow) -> ExportAnswer:
    """Return `export` as the API tells it."""
    days, ended_ms = request.app[SETTINGS].export_days, export.ended_ms
    api = f"/api/v1/exports/{export.id}"
    links = {"self": api}
    if export.state == "completed":
        links["file"] = f"{api}/file"
    filters = {
        "from" if n == "first" else "to" if n == "last" else n: value
        for n, value in export.wish["filters"].items()
        if value is not None
    }
    return ExportAnswer.model_validate(
        {
            "export_id": export.id,
            "state": export.state,
            "format": export.format,
            "content": export.wish["content"],
            "filename": export.filename,
            "job_id": export.job_id,
            "batch_id": export.batch_id,
            "query": filters,
            "rows": export.rows,
            "size": export.size_bytes,
            "sha256": export.sha256,
            "error": export.error,
            "created_at": iso_from_ms(export.created_ms),
            "ended_at": None if ended_ms is None else iso_from_ms(ended_ms),
            "expires_at": iso_from_ms(ended_ms + days * DAY_MS) if ended_ms and days else None,
            "links": links,
        }
    )


def _accepted(answer: Answer) -> web.Response:
    export_id = orjson.loads(answer.body)["export_id"]
    return json_bytes(
        answer.body.encode(), answer.status, {"Location": f"/api/v1/exports/{export_id}"}
    )


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/exports: one's own, newest first."""
    query, viewer = read_query(request, ListQuery), owner_for(request, "read")
    found = await list_exports(
        request.app[DATABASE].reader,
        viewer.user_id,
        job_id=query.job_id,
        batch_id=query.batch_id,
        before_id=query.before,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    after = page[-1].id if len(found) > query.limit else None
    headers = next_link(request, before=after) if after else None
    answers = [answer_of(request, export) for export in page]
    return state_answer(request, ExportList(exports=answers, next=after), headers)


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/exports/{export_id}: how it stands."""
    return state_answer(request, answer_of(request, await _export_of(request)))


async def file(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/exports/{export_id}/file: the file, or the part of it that Range asks for."""
    export = await _export_of(request)
    if export.state != "completed":
        raise Conflict(
            what=f"{export.filename} is not there: the export is {export.state}",
            todo="Wait for export_completed, or ask for it anew.",
        )
    path = request.app[EXPORTER].path_of(export.id)
    if not await asyncio.to_thread(path.is_file):
        raise FileMissing(filename=export.filename)
    headers = {
        **download_headers(export.filename),
        "Content-Type": await _media_type(request, export.format),
        "Cache-Control": "private, no-cache",
    }
    return web.FileResponse(path, headers=headers)


async def _media_type(request: web.Request, form: str) -> str:
    """Return what a file is sent as; that of a plugin that is gone, as bytes."""
    if form in MEDIA_TYPES:
        return MEDIA_TYPES[form]
    part = (await request.app[PLUGINS].known()).format(form)
    return "application/octet-stream" if part is None else part.media_type


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/exports/{export_id}: forget it and its file, also while it is being made."""
    export = await _export_of(request, "control")
    await request.app[EXPORTER].delete(export.id)
    note(request, "control", op="delete export", export_id=export.id)
    return web.Response(status=204)


async def _export_of(request: web.Request, action: Action = "download") -> ExportRow:
    """Return the export in the path, for `action`. Raises NotFound, also for somebody else's."""
    viewer = viewer_for(request, action)
    export = await get_export(request.app[DATABASE].reader, read_id(request, "export_id"))
    own = export is not None and viewer.shared is None and export.user_id == viewer.user_id
    if export is None or not (own or may(viewer, "operate")):
        raise NotFound(what="export", is_foreign=export is not None)
    return export
