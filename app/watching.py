"""A folder whose files are given as they come: the hot folder of scanners and downloads."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from app.client import Livetrail, Upload

QUIET_S = 2.0  # a file that did not change for as long is whole
LOOK_S = 30.0  # also without a sign: network folders give none
PARTIAL = (".part", ".crdownload", ".tmp", ".download", "~")


async def watch_folder(
    trail: Livetrail, folder: Path, done: Path, *, once: bool = False
) -> AsyncIterator[tuple[Path, Upload]]:
    """Give each file of `folder` once it is whole, and then move it to `done`.

    Killed in between, it gives the same file again under the same key, which makes no second job.
    Folders within, hidden files and unfinished downloads are left alone.

    Raises OSError where the folder can not be read or the file not be moved, and what the upload
    raises: then the file stays where it is.
    """
    await asyncio.to_thread(done.mkdir, parents=True, exist_ok=True)
    changes = aiter(
        awatch(folder, recursive=False, rust_timeout=int(LOOK_S * 1000), yield_on_timeout=True)
    )
    seen: dict[Path, tuple[int, int]] = {}
    while True:
        now = await asyncio.to_thread(_files, folder)
        whole = [path for path, stat in now.items() if once or seen.get(path) == stat]
        for path in whole:
            key = await asyncio.to_thread(_key, path)
            upload = await trail.upload(path, key=key)
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


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of change of each file that may be given."""
    return {
        path: (stat.st_size, stat.st_mtime_ns)
        for path in sorted(folder.iterdir())
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".")
        and not path.name.endswith(PARTIAL)
        and (stat := path.stat()).st_size
    }


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
