"""Resumable uploads by tus 1.0.0: /api/v1/uploads/. The files become jobs like all others."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from functools import partial

import orjson
from aiohttp import hdrs, web
from pydantic import BaseModel

from app.core.errors import (
    AppError,
    Conflict,
    InvalidRequest,
    MethodNotAllowed,
    NotAPiece,
    NotFound,
    StorageFull,
    UnknownTus,
    UploadTooLarge,
)
from app.core.names import clean_filename
from app.core.permissions import Viewer
from app.core.quantities import size_text
from app.core.times import iso_from_ms
from app.core.tus import (
    ALGORITHMS,
    CHUNK,
    EXTENSIONS,
    VERSION,
    parse_checksum,
    parse_metadata,
    parse_number,
)
from app.keys import ARRIVALS, DATABASE, DOOR, FILES, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import get_batch
from app.store.idempotency import Answer
from app.store.uploads import UploadRow, complete_upload, insert_upload, whole_uploads
from app.tasks import finished
from app.web.arrivals import Turn
from app.web.batches import Intake, claim, new_id, options_of, take_in
from app.web.identity import owner_for
from app.web.uploads import ArrivedFile, UploadOptions, options_in
from app.web.wire import json_answer, read_id, shown, validated

logger = logging.getLogger(__name__)

PATH = "/api/v1/uploads/"
KNOWN_METADATA = ("filename", "batch_id", "options")
OVERRIDE = "X-HTTP-Method-Override"


class UploadState(BaseModel):
    """A file that comes in pieces, as it stands."""

    upload_id: str
    filename: str
    batch_id: str
    offset: int
    length: int | None
    job_id: str | None
    expires_at: str


async def options(request: web.Request) -> web.Response:
    """OPTIONS /api/v1/uploads/: what this server can do."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Tus-Max-Size": str(request.app[SETTINGS].max_upload_bytes),
    }
    return web.Response(status=204, headers=headers)


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/uploads/: begin an upload, with its first bytes if they are sent along."""
    viewer = owner_for(request, "upload")
    _demand_version(request)
    request.app[DOOR].pass_through()
    length = _length(request)
    row = await _begun(request, viewer, length)
    headers = {"Location": f"{PATH}{row.id}"}
    arrivals = request.app[ARRIVALS]
    async with arrivals.turn(row.id) as turn:
        try:
            if request.content_type == CHUNK and request.body_exists:
                row = await _receive(request, row, turn)
            row = await _completed(request.app, row)
        except AppError:  # its client does not learn where it is
            await finished(arrivals.drop(row))
            raise
    return web.Response(status=201, headers={**headers, **_told(row)})


async def state(request: web.Request) -> web.Response:
    """HEAD /api/v1/uploads/{upload_id}: how far it came. GET says it in JSON."""
    if request.method == hdrs.METH_GET:
        row = await _own(request)
        answer = UploadState(
            upload_id=row.id,
            filename=row.filename,
            batch_id=row.batch_id,
            offset=row.offset_bytes,
            length=row.length_bytes,
            job_id=row.job_id,
            expires_at=iso_from_ms(row.expires_ms),
        )
        return json_answer(answer, headers={**_told(row), "Cache-Control": "no-store"})
    return await _head(request)


async def patch(request: web.Request) -> web.Response:
    """PATCH /api/v1/uploads/{upload_id}: the next piece. The last one makes a job of the file."""
    row = await _own(request)
    _demand_version(request)
    request.app[DOOR].pass_through()
    if request.content_type != CHUNK:
        raise NotAPiece(found=shown(request.headers.get("Content-Type", "nothing"), 80))
    offset = parse_number(request.headers.get("Upload-Offset", ""), "Upload-Offset")
    async with request.app[ARRIVALS].turn(row.id) as turn:
        row = _with_length(request, await _own(request))
        if offset != row.offset_bytes:
            raise Conflict(
                what=f"{row.filename} has come to byte {row.offset_bytes}, not to {offset}",
                todo="Ask with HEAD how far it came, and go on from there.",
            )
        if row.job_id is None:
            row = await _receive(request, row, turn)
            row = await _completed(request.app, row)
    return web.Response(status=204, headers=_told(row))


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/uploads/{upload_id}: forget it. A job that became of it stays."""
    row = await _own(request)
    _demand_version(request)
    async with request.app[ARRIVALS].turn(row.id):
        await finished(request.app[ARRIVALS].drop(await _own(request)))
    return web.Response(status=204)


async def overridden(request: web.Request) -> web.Response:
    """POST /api/v1/uploads/{upload_id}: for clients that can send no PATCH, DELETE or HEAD."""
    match request.headers.get(OVERRIDE, "").upper():
        case "PATCH":
            return await patch(request)
        case "DELETE":
            return await delete(request)
        case "HEAD":
            return await _head(request)
        case "":
            await _own(request)
            raise InvalidRequest(what=f"a POST to an upload needs the header {OVERRIDE}")
        case other:
            raise MethodNotAllowed(method=shown(other, 20), allowed="PATCH, DELETE, HEAD")


async def complete_whole_uploads(app: web.Application) -> None:
    """At start: make jobs of the uploads that had come in full when the server died."""
    for row in await whole_uploads(app[DATABASE].reader):
        standing = await app[ARRIVALS].get(row.id)
        try:
            if standing is not None:
                await _completed(app, standing)
        except (AppError, OSError) as error:  # it is tried again when its client asks
            logger.warning("upload not taken in: upload=%s error=%r", row.id, error)


async def _head(request: web.Request) -> web.Response:
    row = await _own(request)
    _demand_version(request)
    # Whoever asks has lost the connection on which a piece may still be on its way.
    async with request.app[ARRIVALS].turn(row.id):
        row = await _completed(request.app, await _own(request))
    headers = {**_told(row), "Cache-Control": "no-store"}
    if row.metadata:
        headers["Upload-Metadata"] = row.metadata
    if row.length_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    return web.Response(status=200, headers=headers)


async def _begun(request: web.Request, viewer: Viewer, length: int | None) -> UploadRow:
    """Write down a new upload, and the batch that it belongs to.

    Raises InvalidRequest, UploadTooLarge, StorageFull, TooManyUploads, TooManyFiles, NotFound for
    somebody else's batch, Conflict for one with other options.
    """
    app = request.app
    header = request.headers.get("Upload-Metadata", "")
    metadata = parse_metadata(header)
    filename = clean_filename(metadata.get("filename", ""))
    wished = validated(UploadOptions, options_in(metadata.get("options", "")), "options")
    settings, files = app[SETTINGS], app[FILES]
    if length is not None:
        if length > settings.max_upload_bytes:
            limit = size_text(settings.max_upload_bytes)
            raise UploadTooLarge(filename=filename, limit=limit)
        if files.quota_bytes and files.used_bytes + length > files.quota_bytes:
            raise StorageFull
    at_ms = now_ms()
    batch = await claim(app, viewer, metadata.get("batch_id") or new_id(at_ms), wished)
    row = UploadRow(
        id=new_id(at_ms),
        user_id=viewer.user_id,
        batch_id=batch.id,
        filename=filename,
        metadata=header,
        length_bytes=length,
        offset_bytes=0,
        job_id=None,
        created_ms=at_ms,
        expires_ms=app[ARRIVALS].expires_ms(),
    )
    insert = partial(
        insert_upload,
        upload=row,
        open_at_most=settings.max_open_uploads,
        files_at_most=settings.max_files_per_batch,
    )
    await app[DATABASE].writer.run(insert)
    return row


async def _receive(request: web.Request, row: UploadRow, turn: Turn) -> UploadRow:
    said = request.headers.get("Upload-Checksum")
    checksum = None if said is None else parse_checksum(said)
    return await request.app[ARRIVALS].receive(row, request, turn, checksum)


async def _completed(app: web.Application, row: UploadRow) -> UploadRow:
    """Make a job of the upload if every byte is there; return it as it stands then.

    To be called by whoever has the turn. Cancelling takes effect once it is done. It is done again
    where the server died before it was, so a file becomes one job.
    """
    if row.job_id is not None or not row.is_whole:
        return row
    return await finished(_complete(app, row))


async def _complete(app: web.Application, row: UploadRow) -> UploadRow:
    batch = await get_batch(app[DATABASE].reader, row.batch_id)
    if batch is None:
        raise NotFound(what="batch")

    def also(connection: object, answer: Answer) -> None:
        complete_upload(connection, row.id, _job_in(answer))  # type: ignore[arg-type]

    viewer = Viewer(row.user_id, "", "member")
    intake = Intake(viewer, batch=batch, also=also)
    async with app[ARRIVALS].opened(row) as file:
        await file.finish()
        answer = await take_in(app, intake, [ArrivedFile(row.filename, file)], options_of(batch))
        await file.abort()  # of the two names that the file has now
    return replace(row, job_id=_job_in(answer))


def _job_in(answer: Answer) -> str:
    return str(orjson.loads(answer.body)["jobs"][0]["job_id"])


async def _own(request: web.Request) -> UploadRow:
    """Return the upload in the path. Raises NotFound also for somebody else's."""
    viewer = owner_for(request, "upload")
    row = await request.app[ARRIVALS].get(read_id(request, "upload_id"))
    if row is None or row.user_id != viewer.user_id:
        raise NotFound(what="upload", is_foreign=row is not None)
    return row


def _demand_version(request: web.Request) -> None:
    said = request.headers.get("Tus-Resumable", "none")
    if said != VERSION:
        raise UnknownTus(version=VERSION, found=shown(said, 20))


def _length(request: web.Request) -> int | None:
    """Return the size that a new upload will have; None where the client does not know yet."""
    said, later = request.headers.get("Upload-Length"), request.headers.get("Upload-Defer-Length")
    if (said is None) == (later is None) or later not in (None, "1"):
        raise InvalidRequest(what="a new upload has an Upload-Length, or Upload-Defer-Length: 1")
    return None if said is None else parse_number(said, "Upload-Length")


def _with_length(request: web.Request, row: UploadRow) -> UploadRow:
    """Return the upload with the size that the client knows now. Raises InvalidRequest."""
    said = request.headers.get("Upload-Length")
    if said is None or row.job_id is not None:
        return row
    length = parse_number(said, "Upload-Length")
    if row.length_bytes not in (None, length) or length < row.offset_bytes:
        raise InvalidRequest(what="Upload-Length: it is told once, and covers what has come")
    limit = request.app[SETTINGS].max_upload_bytes
    if length > limit:
        raise UploadTooLarge(filename=row.filename, limit=size_text(limit))
    return replace(row, length_bytes=length)


def _told(row: UploadRow) -> Mapping[str, str]:
    headers = {
        "Upload-Offset": str(row.offset_bytes),
        "Upload-Expires": formatdate(row.expires_ms / 1000, usegmt=True),
        "Livetrail-Batch": row.batch_id,
    }
    if row.length_bytes is not None:
        headers["Upload-Length"] = str(row.length_bytes)
    if row.job_id is not None:
        headers["Livetrail-Job"] = row.job_id
    return headers
