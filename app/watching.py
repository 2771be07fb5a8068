"""A folder whose files are given as they come: the hot folder of scanners and downloads."""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from app.client import Livetrail, Refused, Unreachable, Upload
from app.core.names import one_line

QUIET_S = 2.0  # a file that did not change for as long is whole
LOOK_S = 30.0  # also without a sign: network folders give none
PARTIAL = (".part", ".crdownload", ".tmp", ".download", "~")
FOR_GOOD = frozenset({401, 403})  # whoever asks is not let in, with no file
LATER = frozenset({429, 502, 503, 504, 507})  # too much, a restart, no room
AGAIN_S = 15.0

Mark = tuple[int, int]
"""Size in bytes and time of change in nanoseconds: what is another file has another one."""

logger = logging.getLogger(__name__)


async def watch_folder(
    trail: Livetrail, folder: Path, done: Path, *, once: bool = False
) -> AsyncIterator[tuple[Path, Upload | Refused | OSError]]:
    """Give each file of `folder` once it is whole, and then move it to `done`.

    Killed in between, it gives the same file again under the same key, which makes no second job.
    Folders within, hidden files and unfinished downloads are left alone. A file that is refused, or
    can not be read, stays where it is; that is yielded too, and the file tried again when it has
    changed. A server that is away or full is waited for, but not with `once`.

    Raises OSError where the folder can not be read or a file not be moved, Refused where nobody is
    let in; with `once` also for a server that is full, or Unreachable.
    """
    await asyncio.to_thread(done.mkdir, parents=True, exist_ok=True)
    changes = aiter(
        awatch(folder, recursive=False, rust_timeout=int(LOOK_S * 1000), yield_on_timeout=True)
    )
    seen: dict[Path, Mark] = {}
    left: dict[Path, Mark] = {}
    while True:
        now = await asyncio.to_thread(_files, folder)
        left = {path: mark for path, mark in left.items() if now.get(path) == mark}
        now = {path: mark for path, mark in now.items() if path not in left}
        whole = [path for path, mark in now.items() if once or seen.get(path) == mark]
        for path in whole:
            try:
                upload = await _give(trail, path, waits=not once)
            except FileNotFoundError:
                continue  # taken away meanwhile
            except (Refused, OSError) as error:
                if isinstance(error, Refused) and error.status in FOR_GOOD | LATER:
                    raise
                left[path] = now[path]
                yield path, error
                continue
            if await asyncio.to_thread(_mark, path) == now[path]:  # else it is given again
                await asyncio.to_thread(_move, path, done)
            yield path, upload
        if once:
            return
        waiting = now.keys() - set(whole)
        seen = {path: now[path] for path in waiting}
        if waiting:
            await asyncio.sleep(QUIET_S)
        else:
            await anext(changes)


async def _give(trail: Livetrail, path: Path, *, waits: bool) -> Upload:
    """Give one file. Raises OSError where it can not be read, Refused, Unreachable.

    waits  for a server that is away or full
    """
    while True:
        try:
            return await trail.upload(path, key=await asyncio.to_thread(_key, path))
        except (Refused, Unreachable) as error:
            if not waits or (isinstance(error, Refused) and error.status not in LATER):
                raise
            logger.warning("%s waits: %s", one_line(path.name), one_line(str(error)))
            await asyncio.sleep(AGAIN_S)


def _files(folder: Path) -> dict[Path, Mark]:
    """Return each file that may be given, with its mark."""
    marks = {
        path: _mark(path)
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not path.name.endswith(PARTIAL)
    }
    return {path: mark for path, mark in marks.items() if mark is not None and mark[0]}


def _mark(path: Path) -> Mark | None:
    """Return the mark of a file; None of what is none, or is there no more."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _key(path: Path) -> str:
    """Return what tells this file from every other, by name, time and content."""
    digest = hashlib.sha256(f"{path.name}\0{path.stat().st_mtime_ns}\0".encode())
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
    return f"watch-{digest.hexdigest()}"


def _move(path: Path, done: Path) -> None:
    """Move a file; one of the same name that is there already stays."""
    place, number = done / path.name, 1
    while place.exists():
        number += 1
        place = done / f"{path.stem} ({number}){path.suffix}"
    shutil.move(path, place)
