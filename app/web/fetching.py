"""POST /api/v1/batches: files that are sent along, or addresses from which they are fetched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Annotated
from urllib.parse import unquote

import aiohttp
from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

from app.core.errors import FetchRefused, TooManyFiles, UploadTooLarge
from app.core.names import clean_filename
from app.core.quantities import size_text
from app.keys import DOOR, FETCHES, FILES, JOURNAL, OUTBOUND, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import BatchRow
from app.store.idempotency import Answer
from app.tasks import running
from app.web import batches, progress
from app.web.batches import Intake, brought_once, claim, new_id, options_of, take_in
from app.web.once import fingerprint_of
from app.web.outbound import URL_CHARACTERS
from app.web.progress import Pace
from app.web.uploads import ArrivedFile, UploadOptions
from app.web.wire import read_json, shown

REDIRECTS = 3
NAME_HEADER_CHARACTERS = 4096
FETCHES_AT_ONCE = 4  # of all users; each of them has one at a time


class UrlWish(BaseModel):
    """A file somewhere else."""

    model_config = ConfigDict(extra="forbid")
    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]
    filename: str | None = Field(
        default=None, max_length=1000, description="null: as its server calls it"
    )


class FetchWish(BaseModel):
    """Files that the server is to fetch: all of them become one batch, or none."""

    model_config = ConfigDict(extra="forbid")
    urls: list[UrlWish] = Field(min_length=1)
    options: UploadOptions = Field(default_factory=UploadOptions)
    batch_id: str | None = Field(
        default=None, description="a UUID of your own making, to be followed meanwhile"
    )


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/batches: take files in, or fetch them. 202 once every byte is on the disk."""
    if request.content_type == "application/json":
        return batches.accepted(await brought_once(request, _fetch))
    return await batches.create(request)


async def _fetch(request: web.Request, intake: Intake) -> Answer:
    wish = await read_json(request, FetchWish)
    fingerprint = fingerprint_of(wish.model_dump(mode="json"))
    # Nothing is fetched again to be compared.
    if (before := intake.once.before(fingerprint)) is not None:
        return before
    batch_id = wish.batch_id or new_id(now_ms())
    batch = await claim(request.app, intake.viewer, batch_id, wish.options)
    async with fetched(request.app, batch, wish.urls) as files:
        intake = replace(intake, batch=batch, fingerprint=fingerprint)
        return await take_in(request.app, intake, files, options_of(batch))


@asynccontextmanager
async def fetched(
    app: web.Application, batch: BatchRow, urls: Sequence[UrlWish]
) -> AsyncIterator[list[ArrivedFile]]:
    """Fetch files, one after the other; whatever was not placed by the end is deleted.

    Each goes straight to the disk. Of one user only one is fetched at a time. Where that takes
    longer than a second it is told in the batch's room. A server that stops breaks it off.

    Raises TargetRefused, TargetUnreachable, FetchRefused, UploadTooLarge, TooManyFiles,
    StorageFull, ShuttingDown.
    """
    limit = app[SETTINGS].max_files_per_batch
    if len(urls) > limit:
        raise TooManyFiles(limit=limit)
    for wish in urls:
        app[OUTBOUND].check(wish.url)
    files: list[ArrivedFile] = []
    course = _Course()
    try:
        async with running(_tell(app, batch, course), name="telling of a fetch"):
            for wish in urls:
                async with app[DOOR].while_open(), app[FETCHES].of(batch.user_id):
                    course.now = _Coming(clean_filename(wish.filename or _name_in(URL(wish.url))))
                    await _fetch_one(app, wish, files, course.now)
                    course.now = None
        yield files
    finally:
        for file in files:
            await file.incoming.abort()


@dataclass(slots=True)
class _Coming:
    """A file that is being fetched. total_bytes: None while its server has not said."""

    filename: str
    received_bytes: int = 0
    total_bytes: int | None = None
    pace: Pace = field(default_factory=Pace)


@dataclass(slots=True)
class _Course:
    """How far a fetch is. now: None while it waits for its turn."""

    now: _Coming | None = None


async def _tell(app: web.Application, batch: BatchRow, course: _Course) -> None:
    """Tell which file is being fetched and how far it came, at most once a second."""
    told: _Coming | None = None
    while True:
        await asyncio.sleep(progress.TELL_S)
        one = course.now
        if one is None:
            continue
        if one is not told or one.pace.is_news(one.received_bytes, one.total_bytes):
            told = one
            event = progress.upload_progress(
                one.filename, one.received_bytes, one.total_bytes, batch_id=batch.id
            )
            await app[JOURNAL].append(event)


async def _fetch_one(
    app: web.Application, wish: UrlWish, files: list[ArrivedFile], coming: _Coming
) -> None:
    """Fetch one file, and add it to `files` before its first byte. `coming` grows with it."""
    settings = app[SETTINGS]
    async with app[OUTBOUND].request(
        "GET", wish.url, total_s=settings.fetch_timeout_s, redirects=REDIRECTS
    ) as response:
        name = clean_filename(wish.filename or _name_of(response))
        _demand_file(response, name)
        total, limit = response.content_length, settings.max_upload_bytes
        if (total or 0) > limit:
            raise UploadTooLarge(filename=name, limit=size_text(limit))
        file = ArrivedFile(name, await app[FILES].begin())
        files.append(file)
        coming.filename, coming.total_bytes = name, total
        async for data in response.content.iter_any():
            coming.received_bytes += len(data)
            if coming.received_bytes > limit:
                raise UploadTooLarge(filename=name, limit=size_text(limit))
            await file.incoming.write(data)
        await file.incoming.finish()


def _demand_file(response: aiohttp.ClientResponse, name: str) -> None:
    """Raise FetchRefused for an answer that is no file."""
    if response.status != 200:
        why = f"it answers {response.status}"
    elif response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        why = "it sends it packed, although it was asked not to"
    else:
        return
    raise FetchRefused(host=response.url.host, filename=name, why=why)


def _name_of(response: aiohttp.ClientResponse) -> str:
    """Return what a server calls its file: by Content-Disposition, or the address's last part."""
    header = Message()
    said = response.headers.get(hdrs.CONTENT_DISPOSITION, "")
    header[hdrs.CONTENT_DISPOSITION] = shown(said, NAME_HEADER_CHARACTERS)
    return header.get_filename() or _name_in(response.url)


def _name_in(url: URL) -> str:
    return unquote(url.name)
