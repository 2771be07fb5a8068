"""What was read out of documents: their pages, zones and text, and a search over all of one's."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.keys import DATABASE, RECORDS
from app.store.documents_reader import MARK_END, MARK_START, Document, DocumentsReader, Hit
from app.store.jobs import JobRow, get_job
from app.web.identity import owner_for
from app.web.jobs import job_of
from app.web.models import DocumentHits, PageList, ZoneList
from app.web.wire import next_link, read_query, state_answer

TEXTS_AT_ONCE = 50
PAGE_END = "\f"
HIGHEST = 2**53 - 1  # of pages and places: what the database and every reader of JSON can hold
MARKED = re.compile(f"{MARK_START}(.*?){MARK_END}", re.S)


class ZoneQuery(BaseModel):
    """Which zones of a document."""

    model_config = ConfigDict(extra="forbid")
    page: int | None = Field(default=None, ge=1, le=HIGHEST, description="of this page only")
    kind: (
        Literal["text", "heading", "list", "key_value", "table", "figure", "header", "footer"]
        | None
    ) = None
    offset: int = Field(default=0, ge=0, le=HIGHEST)
    limit: int = Field(default=100, ge=1, le=1000)


class TextQuery(BaseModel):
    """Which text of a document."""

    model_config = ConfigDict(extra="forbid")
    page: int | None = Field(default=None, ge=1, le=HIGHEST, description="of this page only")


class SearchQuery(BaseModel):
    """What to look for in one's documents."""

    model_config = ConfigDict(extra="forbid")
    q: str = Field(default="", max_length=500, description="words; all of them have to be there")
    offset: int = Field(default=0, ge=0, le=HIGHEST)
    limit: int = Field(default=20, ge=1, le=100)


async def zones(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/zones: the parts of the pages, in the order of reading."""
    query, job = read_query(request, ZoneQuery), await job_of(request)
    reader, document = await _document_of(request, job)
    total, found = 0, list[dict[str, Any]]()
    if document is not None:
        total, found = await reader.zones(
            document, page=query.page, kind=query.kind, offset=query.offset, limit=query.limit
        )
    after = query.offset + len(found)
    headers = next_link(request, offset=after) if found and after < total else None
    return state_answer(request, ZoneList.model_validate({"total": total, "zones": found}), headers)


async def pages(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/pages: every page, its size and where its text came from."""
    job = await job_of(request)
    reader, document = await _document_of(request, job)
    found: dict[str, Any] = {"kind": None, "title": "", "pages": []}
    if document is not None:
        api = f"/api/v1/jobs/{job.id}"
        listed = [
            {**page, "links": _page_links(api, page["number"])}
            for page in await reader.pages(document)
        ]
        found = {"kind": document.kind, "title": document.title, "pages": listed}
    return state_answer(request, PageList.model_validate(found))


def _page_links(api: str, number: int) -> dict[str, str]:
    return {
        "picture": f"{api}/pages/{number}.png",
        "zones": f"{api}/zones?page={number}",
        "text": f"{api}/text?page={number}",
    }


async def text(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/jobs/{job_id}/text: what was read, as plain text; a form feed ends a page."""
    query, job = read_query(request, TextQuery), await job_of(request)
    reader, document = await _document_of(request, job)
    if query.page is not None:
        found = []
        if document is not None:
            found = await reader.texts(document, after=query.page - 1, limit=1)
        if not found or found[0][0] != query.page:
            raise NotFound(what="page")
        return web.Response(text=found[0][1])
    response = web.StreamResponse()
    response.content_type, response.charset = "text/plain", "utf-8"
    await response.prepare(request)
    after = 0
    while document is not None:
        some = await reader.texts(document, after=after, limit=TEXTS_AT_ONCE)
        if not some:
            if await reader.document(job.id) is None:  # taken back meanwhile: half is no whole
                raise NotFound(what="file")
            break
        after = some[-1][0]
        await response.write("".join(page + PAGE_END for _, page in some).encode())
    await response.write_eof()
    return response


async def search(request: web.Request) -> web.Response:
    """GET /api/v1/search: the pages of one's own documents that hold the words of `q`."""
    query, owner = read_query(request, SearchQuery), owner_for(request, "read")
    hits = await request.app[RECORDS].documents.search(
        owner.user_id, query.q, offset=query.offset, limit=query.limit
    )
    headers = None
    if len(hits) == query.limit:
        headers = next_link(request, offset=query.offset + query.limit)
    names = await filenames(request, hits)
    found = [_hit(hit, names[hit.job_id]) for hit in hits if hit.job_id in names]
    return state_answer(request, DocumentHits.model_validate({"hits": found}), headers)


async def filenames(request: web.Request, hits: Sequence[Hit]) -> dict[str, str]:
    """Return the names of the files that hold `hits`, by job; a deleted one has none."""
    names = {}
    for job_id in {hit.job_id for hit in hits}:
        job = await get_job(request.app[DATABASE].reader, job_id)
        if job is not None:
            names[job_id] = job.filename
    return names


def _hit(hit: Hit, filename: str) -> dict[str, Any]:
    api = f"/api/v1/jobs/{hit.job_id}"
    links = {"job": api, **_page_links(api, hit.page), "document": f"/jobs/{hit.job_id}"}
    return {
        "job_id": hit.job_id,
        "filename": filename,
        "kind": hit.kind,
        "page": hit.page,
        "snippet": parts_of(hit.snippet),
        "links": links,
    }


def parts_of(snippet: str) -> list[dict[str, Any]]:
    """Return a snippet as parts to show one after another, each told whether it was looked for."""
    parts = MARKED.split(snippet)
    return [{"text": part, "found": at % 2 == 1} for at, part in enumerate(parts) if part]


async def _document_of(
    request: web.Request, job: JobRow
) -> tuple[DocumentsReader, Document | None]:
    reader = request.app[RECORDS].documents
    return reader, await reader.document(job.id)
