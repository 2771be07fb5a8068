"""The pages a browser sees. Each handler gathers states and hands one dataclass to its template."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
import orjson
from aiohttp import web

from app.core.errors import AppError, NotAuthenticated
from app.core.messages import size_text
from app.core.permissions import Thing, Viewer, may
from app.core.state import JobState, is_reported
from app.core.times import iso_from_ms
from app.keys import ACCOUNTS, DATABASE, GIVEN, PLUGINS, RECORDS, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import BatchRow, get_batch, list_batches, status_counts
from app.store.clarifications import list_clarifications
from app.store.events import read_job
from app.store.exports import list_exports
from app.store.jobs import JobRow, get_job, list_jobs
from app.store.shares import get_share
from app.web import feedview, kit, rowview, views
from app.web.belongings import demand, guest_of, thing_of
from app.web.clarifications import as_shown_to
from app.web.documents import filenames, parts_of
from app.web.documentview import (
    DocumentView,
    HitLine,
    NearView,
    document_view,
    has_pictures,
    is_document,
    near_views,
)
from app.web.exportview import ExportLine, export_line
from app.web.forms import local_path, see_other
from app.web.identity import maybe_viewer, owner_for, viewer_for, viewer_of
from app.web.jobview import fact, file_row
from app.web.problems import status_of
from app.web.questionview import QuestionCard, question_card
from app.web.rendering import render, shell_of
from app.web.shares import page_of
from app.web.static import STATIC, StaticFiles, static_file
from app.web.words import took_text

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "templates"
STATIC_FOLDER = ROOT / "static"

FILES_LISTED = 1000
ROWS_RENDERED = 100
EVENTS_SHOWN = 200
EARLIER_SHOWN = 20
ZONES_RENDERED = 200
QUESTIONS_SHOWN = 50
EXPORTS_SHOWN = 10
NEAR_LOOKED_AT = 5
HITS_SHOWN = 20
UNFINISHED = ("pending", "processing", "paused", "waiting")

GATE_FORMS = {"/login": "login.html", "/setup": "setup.html"}


def page_routes() -> list[web.AbstractRouteDef]:
    """Return every address that answers with a page, and the static files."""
    return [
        web.get("/", files_page),
        web.get("/batches/{batch_id}", files_page),
        web.get("/jobs/{job_id}", job_page),
        web.get("/login", gate_page),
        web.get("/setup", gate_page),
        web.get("/signin", gate_page),
        web.get("/share", gate_page),
        web.get("/static/sdk.tgz", kit.package),
        web.get("/static/sdk/{path:.+}", kit.module),
        web.get("/static/{version}/{path:.+}", static_file),
    ]


def setup_pages(app: web.Application) -> None:
    """Load templates and static files into `app`. Raises OSError when they can not be read."""
    app[STATIC] = files = StaticFiles.load(STATIC_FOLDER)
    app[kit.PACKAGE] = kit.make_package(STATIC_FOLDER / "sdk")
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["asset"] = files.url
    environment.globals["plugin_formats"] = partial(plugin_formats, app)
    environment.globals["blank_row"] = replace(file_row(BLANK), can_cancel=True)
    for name in environment.list_templates():  # now, so that no request waits for the disk
        environment.get_template(name)


def plugin_formats(app: web.Application) -> list[tuple[str, str]]:
    """Return the formats of exports that plugins add; none before the server has started."""
    plugins = app.get(PLUGINS)
    return [(part.key, part.label) for part in plugins.of("exporter")] if plugins else []


BLANK: JobState = {
    "job_id": "",
    "batch_id": None,
    "document_id": None,
    "filename": "",
    "size": 0,
    "media_type": "",
    "sha256": "",
    "plan": "",
    "status": "pending",
    "stage": None,
    "step": None,
    "progress": 0.0,
    "message": "",
    "estimated_time_remaining": None,
    "n": 0,
    "last_seq": 0,
    "attempt": 1,
    "created_at": "",
    "started_at": None,
    "completed_at": None,
    "updated_at": "",
    "duration_ms": None,
    "stages": [],
    "steps_done": [],
    "details": {},
    "warnings": [],
    "document_type": None,
    "platform": None,
    "error": None,
    "result": None,
    "undone": False,
    "waiting_for": [],
    "steering": None,
    "priority": 0,
    "reported": False,
}
"""What the script clones a row from, when a file arrives while the page is open."""


def error_response(
    request: web.Request, error: AppError, status: int | None = None
) -> web.Response:
    """Return `error` as a page: what happened, what was kept, what to do.

    A form that lets people in is shown again, with what was wrong.
    """
    code = status or status_of(error.code)
    if request.method == "POST" and request.path in GATE_FORMS:
        return render(request, GATE_FORMS[request.path], _gate(request, error), code)
    page = views.error_page(shell_of(request, None), error, code, _way_back(request))
    return render(request, "error.html", page, code)


def _way_back(request: web.Request) -> tuple[str, str]:
    viewer = maybe_viewer(request)
    if viewer is None:
        return "/login", "Sign in"
    return ("/", "Back to Files") if viewer.shared is None else ("/", "Back to what was shared")


async def files_page(request: web.Request) -> web.Response:
    """GET / and /batches/{id}: the newest open batch, or all files; one batch."""
    reader = request.app[DATABASE].reader
    wanted = request.match_info.get("batch_id")
    batch: BatchRow | None = None
    viewer = viewer_for(request, "read")
    if wanted is not None:
        batch = demand(viewer, "read", await get_batch(reader, wanted), "batch")
    elif viewer.shared is not None:
        return see_other(page_of(viewer.shared))
    else:
        viewer = owner_for(request, "read")
        newest = await list_batches(reader, user_id=viewer.user_id, limit=1)
        if "all" not in request.query and newest:
            counts = await status_counts(reader, newest[0].id)
            batch = newest[0] if any(counts.get(status) for status in UNFINISHED) else None
    jobs = await list_jobs(
        reader,
        user_id=None if batch else viewer.user_id,
        batch_id=batch.id if batch else None,
        before_id=request.query.get("before") or None,
        limit=FILES_LISTED,
    )
    search = request.query.get("q", "").strip()[:200]
    # A thousand states take longer to put in order than the loop should wait for.
    page = await asyncio.to_thread(_files, request, batch, jobs, search, viewer)
    guest = await _guest(request, viewer, thing_of(batch))
    exports = await _exports(request, batch_id=batch.id) if batch and not guest else ()
    found = await _found(request, search) if search and not guest else ()
    page = replace(page, guest=guest, exports=exports, found=found)
    return render(request, "files.html", page)


async def _found(request: web.Request, search: str) -> tuple[HitLine, ...]:
    """Return the pages of one's own documents that hold the words of `search`, best first."""
    user_id = viewer_of(request).user_id
    hits = await request.app[RECORDS].documents.search(user_id, search, limit=HITS_SHOWN)
    names = await filenames(request, hits)
    return tuple(
        HitLine(
            url=f"/jobs/{hit.job_id}?page={hit.page}#document",
            name=names[hit.job_id],
            page=hit.page,
            parts=tuple((part["text"], part["found"]) for part in parts_of(hit.snippet)),
        )
        for hit in hits
        if hit.job_id in names
    )


async def _guest(request: web.Request, viewer: Viewer, thing: Thing | None) -> views.Guest | None:
    """Return as whose guest `viewer` sees `thing`; None for somebody who sees it anyway.

    Raises NotAuthenticated when the share link has ended meanwhile.
    """
    guest = guest_of(viewer, thing)
    if guest is None:
        return None
    share = await get_share(request.app[DATABASE].reader, guest.via, now_ms())
    if share is None:
        raise NotAuthenticated
    return views.Guest(guest.name, iso_from_ms(share.expires_ms))


def _files(
    request: web.Request,
    batch: BatchRow | None,
    jobs: Sequence[JobRow],
    search: str,
    viewer: Viewer,
) -> views.FilesPage:
    settings = request.app[SETTINGS]
    found = [job.state for job in jobs if search.lower() in job.filename.lower()]
    rows = views.newest_first(found)
    percent, headline, aside = views.tally(rows)
    few = len(rows) <= views.CELLS_AT_MOST
    counted = views.chips(rows)
    older = ""
    if len(jobs) == FILES_LISTED:
        older = f"{request.path}?all&before={jobs[-1].id}"
    return views.FilesPage(
        shell=shell_of(request, "files"),
        guest=None,
        room=f"batch:{batch.id}" if batch else f"user:{viewer.user_id}",
        batch_id=batch.id if batch else "",
        title=_batch_title(batch, found) if batch else "All files",
        where="Batch · started" if batch else "Everything you dropped here, newest first",
        started_at=iso_from_ms(batch.created_ms) if batch else "",
        percent=percent,
        headline=headline,
        aside=aside,
        groups=views.grouped(rows, ROWS_RENDERED),
        count=len(rows),
        cells=tuple(rows) if few else (),
        bars=() if few else tuple(_bars(counted)),
        chips=counted,
        feed=feedview.latest_messages(found),
        other_view=("/?all", "All files") if batch and may(viewer, "read") else None,
        older=older,
        search=search,
        found=(),
        max_upload_bytes=settings.max_upload_bytes,
        max_files=settings.max_files_per_batch,
        limit_text=size_text(settings.max_upload_bytes),
    )


def _bars(chips: Iterable[views.Chip]) -> Iterable[tuple[str, int, str]]:
    for chip in chips:
        if chip.count:
            yield chip.state, chip.count, f"{chip.label}: {chip.count}"


def _batch_title(batch: BatchRow, jobs: Sequence[JobState]) -> str:
    if batch.name:
        return batch.name
    first = min((job["filename"] for job in jobs), default="An upload")
    return first if len(jobs) < 2 else f"{first} and {len(jobs) - 1:,} more"


async def job_page(request: web.Request) -> web.Response:
    """GET /jobs/{id}: one file, what was done with it, and its rows (`?state=`, `?page=`)."""
    viewer = viewer_for(request, "read")
    reader = request.app[DATABASE].reader
    found = await get_job(reader, request.match_info["job_id"])
    job = demand(viewer, "read", found, "file")
    state = job.state
    batch = await get_batch(reader, job.batch_id) if job.batch_id else None
    recorded = await read_job(reader, job.id, max(state["n"] - EVENTS_SHOWN, 0), EVENTS_SHOWN)
    events = [orjson.loads(one.body) for one in recorded]
    delta = await request.app[RECORDS].delta(job.id)
    earlier = await _earlier(request, delta["seen_in"])
    guest = await _guest(request, viewer, thing_of(job))
    names = {one.url.rpartition("/")[2]: one.name for one in earlier}
    rows = await _rows(request, job.id, None if guest else names)
    now = now_ms()
    stages = views.stage_items(state, now)
    outside = is_reported(state)
    document = await _document(request, state) if is_document(state) and not outside else None
    row = file_row(state)
    shown_batch = batch if may(viewer, "read", thing_of(batch)) and batch is not None else None
    page = views.JobPage(
        shell=shell_of(request, "job"),
        guest=guest,
        row=row,
        batch_url=f"/batches/{job.batch_id}" if shown_batch else "/",
        batch_name=_batch_title(shown_batch, [state]) if shown_batch else "",
        percent=row.percent,
        elapsed=views.elapsed(state, now),
        started_at=state["started_at"] or "",
        stages=stages,
        total=took_text(state["duration_ms"]),
        rows=rows,
        earlier=earlier,
        same_as=None if outside else await _same_as(request, state),
        new_rows=delta["new_rows"],
        known_rows=delta["existing_rows"],
        kept_rows=delta["kept_rows"],
        feed=feedview.told(events, {stage["key"]: stage["label"] for stage in state["stages"]}),
        events=feedview.event_lines(events),
        count=state["n"],
        seq=recorded[-1].seq if recorded else state["last_seq"],
        warnings=tuple(state["warnings"]),
        facts=rowview.facts(state),
        rejected=delta["rejected_rows"] or (0 if outside else fact(state, "rejected")),
        undo_text=views.undo_text(state),
        no_rows=views.no_rows(state, rows.filters[0].count),
        size=views.size_of(state),
        plan="reported" if outside else state["plan"],
        questions=await _questions(request, job),
        document=document,
        show_pictures=guest is None and not outside and has_pictures(state),
        near=() if outside else await _near(request, state, guest),
        can_export=state["status"] == "completed" and not state["undone"] and not outside,
        exports=() if guest else await _exports(request, job_id=job.id),
        is_reported=outside,
    )
    return render(request, "job.html", page)


async def _exports(
    request: web.Request, *, job_id: str | None = None, batch_id: str | None = None
) -> tuple[ExportLine, ...]:
    """Return what whoever asks has exported of the job or batch, newest first."""
    found = await list_exports(
        request.app[DATABASE].reader,
        viewer_of(request).user_id,
        job_id=job_id,
        batch_id=batch_id,
        limit=EXPORTS_SHOWN,
    )
    return tuple(map(export_line, found))


async def _near(
    request: web.Request, state: JobState, guest: views.Guest | None
) -> tuple[NearView, ...]:
    """Return the documents that are like this one; a guest is told of no other file."""
    near = [] if guest else (state["result"] or {}).get("near") or []
    names, fields_of = {}, {}
    reader = request.app[RECORDS].documents
    for one in near[:NEAR_LOOKED_AT]:
        job = await get_job(request.app[DATABASE].reader, one["job_id"])
        if job is None or not may(viewer_of(request), "read", thing_of(job)):
            continue
        names[job.id] = job.filename
        document = await reader.document(job.id)
        fields = {} if document is None else await reader.fields(document)
        fields_of[job.id] = {name: field["value"] for name, field in fields.items()}
    return near_views(state, names, fields_of)


async def _document(request: web.Request, state: JobState) -> DocumentView:
    """Return the tab of a document, with the page that is asked for (`?page=`)."""
    reader = request.app[RECORDS].documents
    stored = await reader.document(state["job_id"])
    if stored is None:
        return document_view(state, 1, (), (), {}, ())
    pages = await reader.pages(stored)
    page = min(_page_asked_for(request), len(pages))
    _, zones = await reader.zones(stored, page=page, limit=ZONES_RENDERED)
    fields, items = await reader.fields(stored), await reader.line_items(stored)
    return document_view(state, page, pages, zones, fields, items)


def _page_asked_for(request: web.Request) -> int:
    number = request.query.get("page", "1")
    return max(int(number), 1) if number.isdecimal() and len(number) < 8 else 1


async def _questions(request: web.Request, job: JobRow) -> tuple[QuestionCard, ...]:
    """Return what the job waits for, oldest first."""
    if not job.state.get("waiting_for"):
        return ()
    found = await list_clarifications(
        request.app[DATABASE].reader, job_id=job.id, state="open", limit=QUESTIONS_SHOWN
    )
    viewer = viewer_of(request)
    shown = [as_shown_to(viewer, one) for one in reversed(found)]
    return tuple(
        question_card(one.id, one.job_id, one.batch_id, one.question, one.expires_ms)
        for one in shown
    )


async def _rows(request: web.Request, job_id: str, names: Mapping[str, str] | None) -> views.Rows:
    """Return the page of rows that is asked for.

    names  of earlier files by job; None for a guest, who is not told of them at all
    """
    wanted = request.query.get("state", "")
    state: Any = wanted if wanted in {key for key, _ in rowview.STATES} else ""
    page = _page_asked_for(request)
    found = await request.app[RECORDS].rows(
        job_id,
        state=state or None,
        offset=(page - 1) * rowview.ROWS_A_PAGE,
        limit=rowview.ROWS_A_PAGE,
    )
    return views.Rows(
        filters=rowview.filters(found.counts),
        state=state,
        rows=tuple(
            rowview.table_row({**row, "seen_in": None}, {})
            if names is None
            else rowview.table_row(row, names)
            for row in found.rows
        ),
        total=found.total,
        page=page,
        pages=max(-(-found.total // rowview.ROWS_A_PAGE), 1),
    )


async def _earlier(
    request: web.Request, seen: Sequence[Mapping[str, Any]]
) -> tuple[views.Earlier, ...]:
    found = [await _one_earlier(request, s["job_id"], s["rows"]) for s in seen[:EARLIER_SHOWN]]
    return tuple(one for one in found if one is not None)


async def _same_as(request: web.Request, state: JobState) -> views.Earlier | None:
    other = (state["result"] or {}).get("duplicate_of")
    return await _one_earlier(request, other, 0) if isinstance(other, str) else None


async def _one_earlier(request: web.Request, job_id: str, rows: int) -> views.Earlier | None:
    """Return an earlier file; None for one that whoever asks may not see."""
    job = await get_job(request.app[DATABASE].reader, job_id)
    if job is None or not may(viewer_of(request), "read", thing_of(job)):
        return None
    return views.Earlier(f"/jobs/{job.id}", job.filename, job.state["created_at"], rows)


async def gate_page(request: web.Request) -> web.Response:
    """GET /login, /setup, /signin and /share. The links to all but the first carry a token."""
    name = request.path.strip("/")
    claimed = await request.app[ACCOUNTS].claimed()
    return render(request, f"{name}.html", replace(_gate(request), claimed=claimed))


def _gate(request: web.Request, error: AppError | None = None) -> views.GatePage:
    given = request.get(GIVEN, {})
    return views.GatePage(
        shell=shell_of(request, "gate"),
        error=error,
        next_url=local_path(given.get("next", request.query.get("next"))),
        name=given.get("name", "")[:200],
        min_password_length=request.app[SETTINGS].min_password_length,
    )
