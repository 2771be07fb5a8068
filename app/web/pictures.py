"""A page of a document as a picture, for people who look at what was read beside it."""

import asyncio
from typing import Any

from aiohttp import web

from app.core.errors import FileMissing, NotFound
from app.keys import DATABASE, FILES, PICTURES
from app.store.checkpoints import checkpoints_of
from app.store.jobs import JobRow
from app.web.drawer import Wanted
from app.web.jobs import job_of
from app.web.wire import number_in_path

DRAWABLE = ("pdf", "image", "einvoice")
KEPT_S = 3600  # by a browser; what a page looks like never changes


async def picture(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/jobs/{job_id}/pages/{number}.png: at 110 dots an inch, once it was read."""
    job = await job_of(request, "download")
    wanted = await _wanted(request, job)
    if not await asyncio.to_thread(request.app[FILES].path_of(job.sha256).is_file):
        raise FileMissing(filename=job.filename)
    path = await request.app[PICTURES].picture(wanted)
    headers = {"Content-Type": "image/png", "Cache-Control": f"private, max-age={KEPT_S}"}
    return web.FileResponse(path, headers=headers)


async def _wanted(request: web.Request, job: JobRow) -> Wanted:
    """Return the page in the path. Raises NotFound for one that was not read."""
    number = number_in_path(request, "number")
    found: dict[str, Any] = await checkpoints_of(request.app[DATABASE].reader, job.id)
    read = found.get("page_reading", {})
    kind = str(found.get("initializing_streaming", {}).get("kind"))
    if kind not in DRAWABLE or not 1 <= number <= int(read.get("pages", 0)):
        raise NotFound(what="page")
    return Wanted(job, number, kind, int(read.get("turned", {}).get(str(number), 0)))
