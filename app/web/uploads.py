"""Receiving files: a multipart body goes to the disk while it is hashed, never into memory."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from aiohttp import BodyPartReader, ClientPayloadError, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import (
    InvalidRequest,
    MalformedMultipart,
    NoFiles,
    NotMultipart,
    TooManyFiles,
    UploadCut,
    UploadTooLarge,
)
from app.core.names import clean_filename
from app.keys import DOOR, FILES, SETTINGS
from app.settings import Settings
from app.store.files import Incoming
from app.web.wire import validated

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
OPTIONS_BYTES = 64 * 1024
FORM_FIELDS = ("name", "on_duplicate")  # what a page without scripts sends in place of options


class UploadOptions(BaseModel):
    """What may be asked for with an upload."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, max_length=200, description="of the batch")
    on_duplicate: Literal["skip", "keep"] = Field(
        default="skip", description="rows that an earlier file brought: leave out, or store again"
    )


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file whose every byte is on the disk, not yet under its hash."""

    filename: str
    incoming: Incoming


@dataclass(slots=True)
class Arrived:
    """A whole upload."""

    files: list[ArrivedFile] = field(default_factory=list)
    options: UploadOptions = field(default_factory=UploadOptions)


@asynccontextmanager
async def receiving(request: web.Request) -> AsyncIterator[Arrived]:
    """Receive the request's files and options; whatever was not placed by the end is deleted.

    Raises NotMultipart, MalformedMultipart, NoFiles, TooManyFiles, UploadTooLarge, UploadCut,
    StorageFull, InvalidRequest, ShuttingDown. Cancelling leaves nothing behind.
    """
    arrived = Arrived()
    try:
        await _receive(request, arrived)
        yield arrived
    finally:
        for file in arrived.files:
            await file.incoming.abort()


async def _receive(request: web.Request, arrived: Arrived) -> None:
    request.app[DOOR].pass_through()
    settings = request.app[SETTINGS]
    reader = _multipart(request)
    options: dict[str, Any] = {}
    try:
        while (part := await _next_part(reader, settings)) is not None:
            if part.name == "files":
                await _receive_file(request, part, arrived)
            elif part.name == "options":
                options.update(_options(await _short_text(part, settings)))
            elif part.name in FORM_FIELDS:
                value = (await _short_text(part, settings)).strip()
                options.update({part.name: value} if value else {})
            else:
                name = (part.name or "")[:80]
                raise InvalidRequest(
                    what=f"a part is named “{name}”; files go into parts named files, and the"
                    " rest into one named options"
                )
    except (ConnectionResetError, ClientPayloadError, TimeoutError) as error:
        raise UploadCut from error
    except (ValueError, RuntimeError, HttpProcessingError) as error:
        raise MalformedMultipart(what=str(error)[:200]) from error
    if not arrived.files:
        raise NoFiles
    arrived.options = validated(UploadOptions, options, "options")


def _multipart(request: web.Request) -> MultipartReader:
    if not request.content_type.startswith("multipart/form-data"):
        raise NotMultipart(found=request.headers.get("Content-Type", "nothing")[:80])
    try:
        return MultipartReader(request.headers, request.content)
    except ValueError as error:  # no boundary, or one too long
        raise MalformedMultipart(what=str(error)[:200]) from error


async def _next_part(reader: MultipartReader, settings: Settings) -> BodyPartReader | None:
    async with asyncio.timeout(settings.upload_idle_s):
        part = await reader.next()
    if part is not None and not isinstance(part, BodyPartReader):
        raise ValueError("a part is itself a multipart body")
    return part


async def _receive_file(request: web.Request, part: BodyPartReader, arrived: Arrived) -> None:
    settings = request.app[SETTINGS]
    if part.filename is None:
        raise InvalidRequest(what="a part named files has no filename")
    filename = clean_filename(part.filename)
    if len(arrived.files) >= settings.max_files_per_batch:
        raise TooManyFiles(limit=settings.max_files_per_batch)
    incoming = await request.app[FILES].begin()
    arrived.files.append(ArrivedFile(filename, incoming))
    async for chunk in _chunks(part, settings):
        if incoming.size_bytes + len(chunk) > settings.max_upload_bytes:
            raise UploadTooLarge(filename=filename, limit=settings.max_upload_bytes)
        await incoming.write(chunk)
    if not part.filename and not incoming.size_bytes:  # a form in which nothing was chosen
        arrived.files.pop()
        await incoming.abort()
        return
    await incoming.finish()


async def _chunks(part: BodyPartReader, settings: Settings) -> AsyncIterator[bytes]:
    while not part.at_eof():
        async with asyncio.timeout(settings.upload_idle_s):
            chunk = await part.read_chunk(CHUNK_BYTES)
        if chunk:
            yield chunk


async def _short_text(part: BodyPartReader, settings: Settings) -> str:
    gathered = bytearray()
    async for chunk in _chunks(part, settings):
        gathered += chunk
        if len(gathered) > OPTIONS_BYTES:
            raise InvalidRequest(what=f"the part {part.name} is larger than {OPTIONS_BYTES} bytes")
    try:
        return gathered.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(what=f"the part {part.name} is not UTF-8") from error


def _options(text: str) -> dict[str, Any]:
    try:
        options = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(what=f"options: not JSON ({error})") from error
    if not isinstance(options, dict):
        raise InvalidRequest(what="options: has to be a JSON object")
    return options
