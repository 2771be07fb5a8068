"""The pages a browser sees: where they are, all files, the doors, and what went wrong."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from app.core.errors import AppError
from app.core.permissions import Viewer, may
from app.core.quantities import size_text
from app.core.state import JobState
from app.core.times import iso_from_ms
from app.keys import ACCOUNTS, DATABASE, GIVEN, PLUGINS, RECORDS, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import BatchRow, get_batch, list_batches, status_counts
from app.store.jobs import JobRow, list_jobs
from app.web import feedview, kit, views
from app.web.belongings import demand, thing_of
from app.web.documents import filenames, parts_of
from app.web.documentview import (
    HitLine,
)
from app.web.forms import local_path, see_other
from app.web.identity import maybe_viewer, owner_for, viewer_for, viewer_of
from app.web.jobpage import job_page
from app.web.jobview import file_row
from app.web.pageparts import batch_title, exports_shown, guest_shown
from app.web.problems import status_of
from app.web.rendering import MODULES, render, shell_of
from app.web.shares import page_of
from app.web.static import STATIC, StaticFiles, static_file
from app.web.wheel import make_wheel

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "templates"
STATIC_FOLDER = ROOT / "static"

FILES_LISTED = 1000
ROWS_RENDERED = 100
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
        web.get(r"/static/{filename:livetrail-[^/]+\.whl}", kit.wheel),
        web.get("/static/sdk/{path:.+}", kit.module),
        web.get("/static/{version}/{path:.+}", static_file),
    ]


def setup_pages(app: web.Application) -> None:
    """Load templates and static files into `app`.

    Raises OSError when they can not be read, KeyError when a page needs a module that is not there.
    """
    app[STATIC] = files = StaticFiles.load(STATIC_FOLDER)
    app[kit.PACKAGE] = kit.make_package(STATIC_FOLDER / "sdk")
    app[kit.WHEEL] = make_wheel(ROOT / "app")
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
    for entry in MODULES.values():  # and none for what is read out of 80 KB of scripts
        files.modules(entry)


def plugin_formats(app: web.Application) -> list[tuple[str, str]]:
    """Return the formats of exports that plugins add; none while they are still being asked."""
    return [(part.key, part.label) for part in app[PLUGINS].of("exporter")]


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
        newest = await list_batches(reader, viewer.user_id, limit=1)
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
    guest = await guest_shown(request, viewer, thing_of(batch))
    exports = await exports_shown(request, batch_id=batch.id) if batch and not guest else ()
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


def _files(
    request: web.Request,
    batch: BatchRow | None,
    jobs: Sequence[JobRow],
    search: str,
    viewer: Viewer,
) -> views.FilesPage:
    settings = request.app[SETTINGS]
    found = [job.state for job in jobs if search.lower() in job.filename.lower()]
    rows = views.newest_first(found, now_ms())
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
        title=batch_title(batch, found) if batch else "All files",
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
