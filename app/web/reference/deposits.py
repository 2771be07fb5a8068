"""Files that are brought first, and said later what is to become of them: /api/upload."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel

from app.core.errors import FileMissing, InvalidRequest, NotFound
from app.core.permissions import Viewer
from app.core.times import DAY_MS
from app.keys import DATABASE, FILES
from app.store.accounts import now_ms
from app.store.deposits import Deposit, add_deposit, get_deposit, let_go_of_deposits
from app.store.jobs import is_referred_to
from app.web.batches import new_id
from app.web.identity import origin_of, owner_for
from app.web.jobs import download_headers
from app.web.uploads import THEIRS, ArrivedFile, receiving
from app.web.wire import json_answer, read_id

LARGEST_BYTES = 10 * 1024 * 1024
KEPT_MS = DAY_MS
PATH = re.compile(r"/api/upload/([0-9a-f-]{36})")
HEAD_BYTES = 16
BLOCK_BYTES = 1024 * 1024
# How each kind begins. The content says what kind of work it is; this only says what is none.
KINDS = (
    (re.compile(rb"%PDF-"), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"II\*\0|MM\0\*"), "image/tiff"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8"), "image/gif"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"....ftyp(hei|mif)", re.DOTALL), "image/heic"),
)


class Deposited(BaseModel):
    """The file is here. It is kept for a day at `url`, for its owner alone."""

    url: str
    filename: str
    size: int
    content_type: str


async def deposit(request: web.Request) -> web.Response:
    """POST /api/upload: keep a PDF or an image until it is said what is to become of it."""
    viewer = owner_for(request, "upload")
    async with receiving(request, THEIRS, at_most_bytes=LARGEST_BYTES) as arrived:
        if len(arrived.files) > 1:
            raise InvalidRequest(what="one file at a time comes here; others go to another request")
        kept = await _keep(request.app, viewer, arrived.files[0])
    url = f"{origin_of(request)}/api/upload/{kept.id}"
    return json_answer(
        Deposited(
            url=url, filename=kept.filename, size=kept.size_bytes, content_type=kept.media_type
        )
    )


async def content(request: web.Request) -> web.StreamResponse:
    """GET /api/upload/{deposit_id}: the file as it came."""
    viewer = owner_for(request, "upload")
    kept = await deposit_of(request.app, viewer, read_id(request, "deposit_id"))
    path = request.app[FILES].path_of(kept.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise FileMissing(filename=kept.filename)
    headers = {**download_headers(kept.filename), "Content-Type": kept.media_type}
    return web.FileResponse(path, headers=headers)


async def deposit_of(app: web.Application, viewer: Viewer, deposit_id: str) -> Deposit:
    """Return the viewer's own deposit. Raises NotFound."""
    kept = await get_deposit(app[DATABASE].reader, deposit_id, now_ms())
    if kept is None or kept.user_id != viewer.user_id:
        raise NotFound(what="file", is_foreign=kept is not None)
    return kept


def deposit_in(url: str) -> str | None:
    """Return the id of the deposit at `url`, whatever name of ours that has; None for others."""
    try:
        found = PATH.fullmatch(urlsplit(url).path)
    except ValueError:  # a bracket that is not closed, and the like
        return None
    return found[1] if found else None


@asynccontextmanager
async def taken_out(
    app: web.Application, kept: Deposit, filename: str
) -> AsyncIterator[ArrivedFile]:
    """Yield the deposit as a file that has arrived; unless it is placed, nothing of it is left.

    The deposit stays: the same may be asked for twice. Raises FileMissing, StorageFull.
    """
    incoming = await app[FILES].begin()
    try:
        path = app[FILES].path_of(kept.sha256)
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError as error:
            raise FileMissing(filename=kept.filename) from error
        for start in range(0, len(data), BLOCK_BYTES):
            await incoming.write(data[start : start + BLOCK_BYTES])
        await incoming.finish()
        yield ArrivedFile(filename, incoming)
    finally:
        await incoming.abort()


async def _keep(app: web.Application, viewer: Viewer, file: ArrivedFile) -> Deposit:
    """Place the file. Raises InvalidRequest for what is neither a PDF nor an image."""
    media_type = await asyncio.to_thread(_kind_of, file.incoming.path)
    if media_type is None:
        raise InvalidRequest(
            what=f"{file.filename} is neither a PDF nor an image (PNG, JPEG, TIFF, WebP, GIF, BMP,"
            " HEIC)"
        )
    files = app[FILES]
    is_needed = partial(is_referred_to, app[DATABASE].reader)
    stored = await files.place(file.incoming)
    at_ms = now_ms()
    kept = Deposit(
        id=new_id(at_ms),
        user_id=viewer.user_id,
        sha256=stored.sha256,
        filename=file.filename,
        size_bytes=stored.size_bytes,
        media_type=media_type,
        expires_ms=at_ms + KEPT_MS,
    )
    try:
        await app[DATABASE].writer.run(partial(add_deposit, deposit=kept))
    except Exception:
        await files.discard(stored.sha256, is_needed)
        raise
    # A cancelled wait may still be committed, so then the file stays held, and stays.
    files.release(stored.sha256)
    return kept


async def sweep_deposits(app: web.Application) -> None:
    """Let go of the deposits whose time is over, and of their files."""
    database, files = app[DATABASE], app[FILES]
    is_needed = partial(is_referred_to, database.reader)
    for sha256 in await database.writer.run(partial(let_go_of_deposits, now_ms=now_ms())):
        await files.remove(sha256, is_needed)


def _kind_of(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return next((media_type for begins, media_type in KINDS if begins.match(head)), None)
