"""The pictures of pages that were looked at: pages/<sha256>/<number>.png, made again when gone."""

import asyncio
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

STORED_NAME = re.compile(r"[0-9a-f]{64}")
TIDY_TO = 0.8  # of the limit: once it is passed, this much is left


class PictureStore:
    """Keeps pictures up to a number of bytes; those that nobody looked at for longest go first."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._used_bytes = 0

    def path_of(self, sha256: str, page: int) -> Path:
        """Return where the picture of a page is, or would be. Raises ValueError for no hash."""
        if not STORED_NAME.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in lower-case hexadecimals: {sha256[:80]!r}")
        return self._folder / sha256 / f"{page}.png"

    async def find(self, sha256: str, page: int) -> Path | None:
        """Return the picture's path, and count this as a look at it; None when it is not there."""
        path = self.path_of(sha256, page)
        return path if await asyncio.to_thread(_touch, path) else None

    async def keep(self, sha256: str, page: int, drawn: Path) -> Path:
        """Take the picture `drawn` in, and make room for it where there is none."""
        path = self.path_of(sha256, page)
        self._used_bytes += await asyncio.to_thread(_move, drawn, path)
        if self._used_bytes > self._most_bytes:
            room = round(self._most_bytes * TIDY_TO)
            self._used_bytes = await asyncio.to_thread(_tidy, self._folder, room, path)
        return path

    async def forget(self, sha256: str) -> None:
        """Delete the pictures of a file that is gone."""
        folder = self.path_of(sha256, 1).parent
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def sweep(self, needed: Collection[str]) -> None:
        """At start: delete the pictures of files that no job refers to."""
        self._used_bytes = await asyncio.to_thread(_sweep, self._folder, frozenset(needed))


def _touch(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _move(drawn: Path, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = drawn.stat().st_size
    drawn.replace(path)
    return size


def _tidy(folder: Path, room: int, newest: Path) -> int:
    """Delete what was not looked at for longest until `room` bytes are used; return how many."""
    found = [(path.stat(), path) for path in folder.glob("*/*.png")]
    used = sum(stat.st_size for stat, _ in found)
    for stat, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
        if used <= room:
            break
        if path != newest:
            path.unlink(missing_ok=True)
            used -= stat.st_size
    return used


def _sweep(folder: Path, needed: frozenset[str]) -> int:
    if not folder.is_dir():
        return 0
    for kept in folder.iterdir():
        if STORED_NAME.fullmatch(kept.name) and kept.name not in needed:
            shutil.rmtree(kept, ignore_errors=True)
    return sum(path.stat().st_size for path in folder.glob("*/*.png"))
