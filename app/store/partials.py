"""Files that arrive over several requests, and may outlive the server: incoming/<id>.tus."""

import asyncio
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.store.files import BLOCK_BYTES, PARTIAL_NAME, FileStore, Incoming, move, sync_folder, told

OPEN = os.O_RDWR | os.O_CREAT


def partial_path(store: FileStore, upload_id: str) -> Path:
    """Return where the bytes of an upload are."""
    return store.incoming_dir / f"{upload_id}.tus"


async def open_partial(
    store: FileStore, upload_id: str, offset_bytes: int, digest: Any = None
) -> "Partial":
    """Open an upload's file to go on at `offset_bytes`, or where the file ends if that is earlier.

    digest  the SHA-256 so far, of exactly `offset_bytes`; None: it is made from the file

    Raises StorageFull.
    """
    return await asyncio.to_thread(Partial, store, upload_id, offset_bytes, digest)


async def drop_partial(store: FileStore, upload_id: str, offset_bytes: int) -> None:
    """Delete an upload's file, of which `offset_bytes` count as used."""
    store.used_bytes -= offset_bytes
    await asyncio.to_thread(partial_path(store, upload_id).unlink, missing_ok=True)


async def partials_in(store: FileStore) -> list[str]:
    """Return the ids of all uploads that have a file."""
    return await asyncio.to_thread(_idents, store.incoming_dir)


def _idents(folder: Path) -> list[str]:
    found = (PARTIAL_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(match[1] for match in found if match)


async def size_of_partial(store: FileStore, upload_id: str) -> int:
    """Return how many bytes are in an upload's file; 0 when there is none."""
    return await asyncio.to_thread(_size, partial_path(store, upload_id))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Partial(Incoming):
    """One piece of a file while it arrives, added to those that were kept before.

    kept_bytes  so many are safe; what came after them is gone when it is put away, or the server
                dies

    Not to be shared between tasks.
    """

    def __init__(self, store: FileStore, upload_id: str, offset_bytes: int, digest: Any) -> None:
        super().__init__(store, partial_path(store, upload_id), OPEN)
        try:
            self.kept_bytes = min(offset_bytes, os.fstat(self._fd).st_size)
            os.ftruncate(self._fd, self.kept_bytes)
            if digest is None or self.kept_bytes != offset_bytes:
                digest = _hashed(self._fd)
            os.lseek(self._fd, 0, os.SEEK_END)
            if not self.kept_bytes:
                sync_folder(store.incoming_dir)
        except OSError as error:
            os.close(self._fd)
            raise told(error) from error
        self._hash = digest.copy()
        self.kept_digest = digest
        self.size_bytes = self._counted_bytes = self.kept_bytes
        store.used_bytes -= offset_bytes - self.kept_bytes

    async def keep(self) -> int:
        """Put every byte so far on the disk, and return how many that are. Raises StorageFull."""
        await self._flush()
        await asyncio.to_thread(self._sync)
        self.kept_bytes = self.size_bytes
        self.kept_digest = self._hash.copy()
        return self.kept_bytes

    async def put_away(self) -> None:
        """Close the file, with what was kept of it. Harmless after `finish`, and called twice."""
        kept, self.kept_bytes = self.kept_bytes, 0
        self._store.used_bytes += kept - self._counted_bytes
        self._counted_bytes = 0
        self._gathered.clear()
        await asyncio.to_thread(self._close_at, kept)

    async def abort(self) -> None:
        """Delete it, and count nothing of it any more."""
        self.kept_bytes = 0
        await super().abort()

    def move_to(self, target: Path) -> bool:
        """Give the finished file a second name; the first stays until it is a job's.

        So nothing is lost when the server dies between the two.
        """
        part = self._store.part_path()
        try:
            os.link(self.path, part)
        except OSError as error:
            raise told(error) from error
        return move(part, target)

    def _sync(self) -> None:
        with self._turn:
            try:
                os.fsync(self._fd)
            except OSError as error:
                raise told(error) from error

    def _close_at(self, size_bytes: int) -> None:
        """Close the file; what does not count takes no room either."""
        with self._turn:
            if self._fd != -1:
                with suppress(OSError):  # then the next one who opens it cuts it
                    os.ftruncate(self._fd, size_bytes)
                os.close(self._fd)
                self._fd = -1


def _hashed(fd: int) -> Any:
    """Return the SHA-256 of a whole file."""
    digest = hashlib.sha256()
    os.lseek(fd, 0, os.SEEK_SET)
    while block := os.read(fd, BLOCK_BYTES):
        digest.update(block)
    return digest
