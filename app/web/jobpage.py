"""The page of one file: what was done with it, what was read out of it, and what it asks."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from app.core.permissions import may
from app.core.state import JobState, is_reported
from app.keys import DATABASE, RECORDS
from app.store.accounts import now_ms
from app.store.batches import get_batch
from app.store.clarifications import list_clarifications
from app.store.events import latest_of_job
from app.store.jobs import JobRow, get_job
from app.web import feedview, rowview, views
from app.web.belongings import demand, thing_of
from app.web.clarifications import as_shown_to
from app.web.documentview import (
    DocumentView,
    NearView,
    document_view,
    has_pictures,
    is_document,
    near_views,
)
from app.web.identity import viewer_for, viewer_of
from app.web.jobview import fact, file_row
from app.web.pageparts import batch_title, exports_shown, guest_shown
from app.web.questionview import QuestionCard, question_card
from app.web.rendering import render, shell_of
from app.web.words import took_text

EVENTS_SHOWN = 200
EARLIER_SHOWN = 20
ZONES_RENDERED = 200
QUESTIONS_SHOWN = 50
NEAR_LOOKED_AT = 5


async def job_page(request: web.Request) -> web.Response:
    """GET /jobs/{id}: one file, what was done with it, and its rows (`?state=`, `?page=`)."""
    viewer = viewer_for(request, "read")
    reader = request.app[DATABASE].reader
    found = await get_job(reader, request.match_info["job_id"])
    job = demand(viewer, "read", found, "file")
    state = job.state
    batch = await get_batch(reader, job.batch_id) if job.batch_id else None
    recorded = await latest_of_job(reader, job.id, state["last_seq"], EVENTS_SHOWN)
    events = [orjson.loads(one.body) for one in recorded]
    delta = await request.app[RECORDS].delta(job.id)
    earlier = await _earlier(request, delta["seen_in"])
    guest = await guest_shown(request, viewer, thing_of(job))
    names = {one.url.rpartition("/")[2]: one.name for one in earlier}
    rows = await _rows(request, job.id, None if guest else names)
    now = now_ms()
    stages = views.stage_items(state, now)
    outside = is_reported(state)
    document = await _document(request, state) if is_document(state) and not outside else None
    row = file_row(state, now)
    shown_batch = batch if may(viewer, "read", thing_of(batch)) and batch is not None else None
    page = views.JobPage(
        shell=shell_of(request, "job"),
        guest=guest,
        row=row,
        batch_url=f"/batches/{job.batch_id}" if shown_batch else "/",
        batch_name=batch_title(shown_batch, [state]) if shown_batch else "",
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
        exports=() if guest else await exports_shown(request, job_id=job.id),
        is_reported=outside,
    )
    return render(request, "job.html", page)


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
