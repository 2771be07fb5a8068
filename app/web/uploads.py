"""Receiving files: a multipart body goes to the disk while it is hashed, never into memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import orjson
from aiohttp import HttpVersion11, web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.core.duplicates import OnDuplicate
from app.core.errors import (
    InvalidRequest,
    MalformedMultipart,
    NoFiles,
    NotMultipart,
    TooManyFiles,
    UploadCut,
    UploadTooLarge,
)
from app.core.multipart import MultipartParser, PartBegins, PartData, PartEnds, boundary_of
from app.core.names import clean_filename
from app.core.quantities import size_text
from app.core.queueing import PriorityName
from app.keys import DOOR, FILES, JOURNAL, SETTINGS, UPLOADS_UNDER_WAY
from app.store.files import Incoming
from app.web.identity import owner_for
from app.web.progress import BatchOf, Telling, no_batch_yet
from app.web.wire import shown, validated

FIELD_BYTES = 64 * 1024
FIELDS_AT_MOST = 16
FORM_FIELDS = ("name", "on_duplicate")  # what a page without scripts sends in place of options


@dataclass(frozen=True, slots=True)
class Shape:
    """How the parts of an upload are named.

    files    the names of parts that are files
    is_ours  other parts are refused, so that a misspelt one is not lost; the forms of others' pages
             have parts of their own, which are heard and not judged
    """

    files: frozenset[str]
    is_ours: bool


OURS = Shape(frozenset({"files"}), is_ours=True)
THEIRS = Shape(frozenset({"file", "files"}), is_ours=False)


def _listed(value: object) -> object:
    """Take names set apart by commas for a list of them: so they come in an address."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


ModelName = Annotated[str, Field(min_length=1, max_length=100)]


class UploadOptions(BaseModel):
    """What may be asked for with an upload. A batch keeps what was named, and no defaults."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, max_length=200, description="of the batch")
    on_duplicate: OnDuplicate = Field(
        default="skip", description="what is stored already: ask, leave out, store again, or merge"
    )
    auto_save: bool = Field(
        default=True, description="false: show what would be stored, and wait for a decision"
    )
    ask: bool = Field(
        default=True, description="false: take the safe answer instead of asking a question"
    )
    priority: PriorityName = Field(
        default="normal", description="before or behind your other files; nobody else's"
    )
    confidence_threshold: float | None = Field(
        default=None, ge=0, le=1, description="fields read with less are asked about"
    )
    models: Annotated[list[ModelName], BeforeValidator(_listed)] | None = Field(
        default=None,
        max_length=20,
        description="which of the server's language models read too; [] for none, null for all",
    )


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file whose every byte is on the disk, not yet under its hash."""

    filename: str
    incoming: Incoming


@dataclass(slots=True)
class Arrived:
    """A whole upload. said: what other parts of others' forms say."""

    files: list[ArrivedFile] = field(default_factory=list)
    options: UploadOptions = field(default_factory=UploadOptions)
    said: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receiving(
    request: web.Request,
    shape: Shape = OURS,
    *,
    at_most_bytes: int | None = None,
    batch_of: Callable[[Mapping[str, str]], Awaitable[str | None]] | None = None,
) -> AsyncIterator[Arrived]:
    """Receive the request's files and options; whatever was not placed by the end is deleted.

    at_most_bytes  of each file; None: as the settings have it
    batch_of       the user's own batch that the files join, by what other parts have said so far:
                   its listeners are told how far they have come, and their owner in any case

    Raises NotMultipart, MalformedMultipart, NoFiles, TooManyFiles, UploadTooLarge, UploadCut,
    StorageFull, InvalidRequest, ShuttingDown, TooManyRequests. Cancelling leaves nothing behind.
    """
    arrived = Arrived()
    try:
        limit = request.app[SETTINGS].max_upload_bytes
        limit = min(limit, at_most_bytes or limit)
        parts = _Parts(request.app, arrived, shape, limit)
        named = no_batch_yet if batch_of is None else partial(batch_of, arrived.said)
        with _place(request):
            await _receive(request, parts, _telling(request, named))
        yield arrived
    finally:
        for file in arrived.files:
            await file.incoming.abort()


@asynccontextmanager
async def receiving_one(
    request: web.Request, filename: str, options: UploadOptions
) -> AsyncIterator[Arrived]:
    """Receive the request's whole body as one file; deleted unless it was placed by the end.

    Raises UploadTooLarge, UploadCut, StorageFull, InvalidRequest, ShuttingDown, TooManyRequests:
    where it can be known, before a client that waits for leave to send has sent anything.
    Cancelling leaves nothing behind.
    """
    request.app[DOOR].pass_through()
    limit = request.app[SETTINGS].max_upload_bytes
    name = clean_filename(filename)
    if (request.content_length or 0) > limit:
        raise UploadTooLarge(filename=name, limit=size_text(limit))
    file = ArrivedFile(name, await request.app[FILES].begin())
    try:
        with _place(request):
            await _let_send(request)
            try:
                telling = _telling(request, no_batch_yet)
                while data := await _next(request):
                    await _write(file, data, limit)
                    await telling.heard(len(data), name)
            except web.RequestPayloadError as error:
                raise InvalidRequest(what="the body is not packed as its headers say") from error
            await file.incoming.finish()
        yield Arrived([file], options)
    finally:
        await file.incoming.abort()


def _place(request: web.Request) -> AbstractContextManager[None]:
    """Hold a place among what is uploaded now: each has a file open, for as long as it comes."""
    return request.app[UPLOADS_UNDER_WAY].place(owner_for(request, "upload").user_id)


async def send_later(request: web.Request) -> None:
    """Leave a client that expects 100 waiting, until it is known that its file is welcome."""


async def _let_send(request: web.Request) -> None:
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    if expects and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


async def _next(request: web.Request) -> bytes:
    """Return what comes next of the body; b"" at its end. Raises UploadCut."""
    try:
        async with asyncio.timeout(request.app[SETTINGS].upload_idle_s):
            return await request.content.readany()
    except (ConnectionResetError, TimeoutError) as error:
        raise UploadCut from error


async def _write(file: ArrivedFile, content: bytes, limit: int) -> None:
    """Add to the file. Raises UploadTooLarge, StorageFull."""
    if file.incoming.size_bytes + len(content) > limit:
        raise UploadTooLarge(filename=file.filename, limit=size_text(limit))
    await file.incoming.write(content)


def _telling(request: web.Request, batch_of: BatchOf) -> Telling:
    viewer, journal = owner_for(request, "upload"), request.app[JOURNAL]
    return Telling(journal, viewer.user_id, request.content_length, batch_of)


async def _receive(request: web.Request, parts: "_Parts", telling: Telling) -> None:
    request.app[DOOR].pass_through()
    if not request.content_type.startswith("multipart/form-data"):
        raise NotMultipart(found=shown(request.headers.get("Content-Type", "nothing"), 80))
    parser = MultipartParser(boundary_of(request.headers["Content-Type"]))
    while not parser.ended:
        try:
            data = await _next(request)
        except web.RequestPayloadError as error:
            raise MalformedMultipart(what="the body is not packed as its headers say") from error
        if not data:
            parser.close()
        for piece in parser.feed(data):
            match piece:
                case PartBegins():
                    await parts.begin(piece)
                case PartData(content):
                    await parts.add(content)
                case PartEnds():
                    await parts.end()
        await telling.heard(len(data), parts.filename)
    parts.close()


class _Parts:
    """What to do with the part that is arriving: a file goes to the disk, a field is gathered."""

    def __init__(
        self, app: web.Application, arrived: Arrived, shape: Shape, at_most_bytes: int
    ) -> None:
        """at_most_bytes: of each file"""
        self._options: dict[str, Any] = {}
        self._shape = shape
        self._limit = at_most_bytes
        self._settings = app[SETTINGS]
        self._files = app[FILES]
        self._arrived = arrived
        self._file: ArrivedFile | None = None
        self._field = ""
        self._fields = 0
        self._begun = 0  # files, those among them that turned out to be none
        self._is_nameless = False
        self._text = bytearray()

    @property
    def filename(self) -> str:
        """What the file is called that arrives now, or came last; "" before the first."""
        return self._arrived.files[-1].filename if self._arrived.files else ""

    async def begin(self, part: PartBegins) -> None:
        """Begin a part. Raises InvalidRequest, TooManyFiles, StorageFull."""
        if part.name in self._shape.files:
            await self._begin_file(part.filename)
            return
        self._fields += 1
        is_known = part.name in ("options", *FORM_FIELDS) or not self._shape.is_ours
        if not is_known or self._fields > FIELDS_AT_MOST:
            raise InvalidRequest(
                what=f"a part is named “{shown(part.name or '', 80)}”; files go into parts named"
                " files, and the rest into one named options"
            )
        self._field = shown(part.name or "", 80)
        self._text.clear()

    async def _begin_file(self, filename: str | None) -> None:
        if filename is None:
            raise InvalidRequest(what="a part named files has no filename")
        self._begun += 1
        if self._begun > self._settings.max_files_per_batch:
            raise TooManyFiles(limit=self._settings.max_files_per_batch)
        self._is_nameless = not filename
        self._file = ArrivedFile(clean_filename(filename), await self._files.begin())
        self._arrived.files.append(self._file)

    async def add(self, content: bytes) -> None:
        """Add to the part. Raises UploadTooLarge, StorageFull, InvalidRequest."""
        file = self._file
        if file is None:
            self._text += content
            if len(self._text) > FIELD_BYTES:
                raise InvalidRequest(
                    what=f"the part {self._field} is larger than {FIELD_BYTES} bytes"
                )
            return
        await _write(file, content, self._limit)

    async def end(self) -> None:
        """End the part. Raises StorageFull, InvalidRequest."""
        file, self._file = self._file, None
        if file is None:
            self._end_field()
        elif self._is_nameless and not file.incoming.size_bytes:
            # A form in which nothing was chosen.
            self._arrived.files.remove(file)
            await file.incoming.abort()
        else:
            await file.incoming.finish()

    def _end_field(self) -> None:
        """Keep what a part that is no file says. Raises InvalidRequest."""
        name = self._field
        try:
            text = self._text.decode().strip()
        except UnicodeDecodeError as error:
            raise InvalidRequest(what=f"the part {name} is not UTF-8") from error
        if not self._shape.is_ours:
            self._arrived.said[name] = text
        elif name == "options":
            self._options.update(options_in(text))
        elif text:
            self._options[name] = text

    def close(self) -> None:
        """Every part is here: look at the options. Raises NoFiles, InvalidRequest."""
        if not self._arrived.files:
            raise NoFiles
        self._arrived.options = validated(UploadOptions, self._options, "options")


def options_in(text: str) -> dict[str, Any]:
    """Return the options that a JSON text holds; none for "". Raises InvalidRequest."""
    try:
        options = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(what=f"options: not JSON ({error})") from error
    if not isinstance(options, dict):
        raise InvalidRequest(what="options: has to be a JSON object")
    return options
