"""Files that are taken away: where they go, and that they are whole."""

import asyncio
import os
import uuid
from pathlib import Path

import aiohttp

from app.core.names import clean_filename

CHUNK = 1024 * 1024


async def save(answer: aiohttp.ClientResponse, into: Path) -> Path:
    """Write the body of `answer` to `into`, or into that folder; return where it is.

    It is there once it is whole: broken off, what was at `into` before is there still. Raises
    OSError, and what reading the body raises.
    """
    named = answer.content_disposition and answer.content_disposition.filename
    place = await asyncio.to_thread(place_of, into, named or "file")
    if await asyncio.to_thread(_leads_elsewhere, place):
        await _write(answer, place)
        return place
    part = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        await _write(answer, part)
        await asyncio.to_thread(part.replace, place)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    return place


def place_of(into: Path, name: str) -> Path:
    """Return where a file goes. A name from elsewhere leads nowhere else, and hides nothing.

    In a folder, a file that is there already stays as it is.
    """
    if not into.is_dir():
        return into
    wanted = Path(clean_filename(name))
    place, number = into / wanted, 1
    while os.path.lexists(place):
        number += 1
        place = into / f"{wanted.stem} ({number}){wanted.suffix}"
    return place


def _leads_elsewhere(place: Path) -> bool:
    """Tell whether it is a link, a pipe, a terminal: what is written through, not replaced."""
    return place.is_symlink() or (place.exists() and not place.is_file())


async def _write(answer: aiohttp.ClientResponse, place: Path) -> None:
    with await asyncio.to_thread(place.open, "wb") as file:
        async for chunk in answer.content.iter_chunked(CHUNK):
            await asyncio.to_thread(file.write, chunk)
