"""The content-addressed store of originals: files/ab/cd/<sha256>, and what is still arriving."""

import asyncio
import errno
import hashlib
import os
import re
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import StorageFull

LOOKED_EVERY_S = 1.0  # how much room the disk has
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
BLOCK_BYTES = 1024 * 1024  # gathered before a thread is asked to write
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PART_NAME = re.compile(r"[0-9a-f]{32}\.part")
PARTIAL_NAME = re.compile(r"([0-9a-f-]{36})\.tus")
STORED_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose every byte is on the disk, under its hash."""

    sha256: str
    size_bytes: int


class FileStore:
    """Keeps originals, each once however often it comes.

    files_dir       files/ab/cd/<sha256>, never changed once there
    incoming_dir    <id>.part, on the same file system; <id>.tus arrive over several requests
    min_free_bytes  the disk is called full below this
    quota_bytes     limit for all of it together; 0 is none
    """

    def __init__(
        self, files_dir: Path, incoming_dir: Path, *, min_free_bytes: int = 0, quota_bytes: int = 0
    ) -> None:
        self.files_dir = files_dir
        self.incoming_dir = incoming_dir
        self.min_free_bytes = min_free_bytes
        self.quota_bytes = quota_bytes
        self.used_bytes = 0  # stored and arriving
        self._held: dict[str, int] = {}  # hashes placed by requests that have not ended
        self._tidying = asyncio.Lock()
        self._is_full, self._looked_s = False, float("-inf")

    async def demand_room(self) -> None:
        """Raise StorageFull where the disk is called full; looked at once a second.

        For what is written elsewhere than here: whoever fills the disk hurts all others.
        """
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOKED_EVERY_S:
            self._looked_s = now_s
            disk = await asyncio.to_thread(os.statvfs, self.incoming_dir)
            self._is_full = disk.f_bavail * disk.f_frsize < self.min_free_bytes
        if self._is_full:
            raise StorageFull

    def path_of(self, sha256: str) -> Path:
        """Return where the file with this hash is, or would be.

        Raises ValueError for what is not a hash, so that no path can be smuggled in.
        """
        if not STORED_NAME.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in lower-case hexadecimals: {sha256[:80]!r}")
        return self.files_dir / sha256[:2] / sha256[2:4] / sha256

    async def begin(self) -> "Incoming":
        """Return a new, empty arriving file. Raises StorageFull."""
        return await asyncio.to_thread(Incoming, self, self.part_path(), NEW_FILE)

    def part_path(self) -> Path:
        """Return a fresh name for what will not outlive this life of the server."""
        return self.incoming_dir / f"{uuid.uuid4().hex}.part"

    def reserve(self, size_bytes: int) -> None:
        """Count `size_bytes` as used. Raises StorageFull past the quota; then nothing counts."""
        if self.quota_bytes and self.used_bytes + size_bytes > self.quota_bytes:
            raise StorageFull
        self.used_bytes += size_bytes

    async def place(self, incoming: "Incoming") -> StoredFile:
        """Give a finished file its name; afterwards it outlives a power cut.

        The hash is held until `release`: nobody else's failure takes the file away meanwhile.
        Raises StorageFull, and RuntimeError before `finish`; then nothing is held.
        """
        stored = incoming.stored
        async with self._tidying:
            self._held[stored.sha256] = self._held.get(stored.sha256, 0) + 1
            try:
                is_new = await asyncio.to_thread(incoming.move_to, self.path_of(stored.sha256))
            except BaseException:
                self._let_go(stored.sha256)
                raise
        incoming.placed(is_new)
        return stored

    def release(self, sha256: str) -> None:
        """End the hold of one `place`: a job refers to the file now."""
        self._let_go(sha256)

    async def discard(self, sha256: str, is_needed: Callable[[str], Awaitable[bool]]) -> None:
        """End the hold of one `place`, and delete the file unless somebody else needs it."""
        self._let_go(sha256)
        await self.remove(sha256, is_needed)

    async def remove(self, sha256: str, is_needed: Callable[[str], Awaitable[bool]]) -> None:
        """Delete a stored file unless somebody holds or needs it."""
        async with self._tidying:
            if sha256 not in self._held and not await is_needed(sha256):
                freed = await asyncio.to_thread(_unlink, self.path_of(sha256))
                self.used_bytes -= freed

    async def sweep(self, needed: Collection[str], arriving: Mapping[str, int]) -> None:
        """At start: delete what is half arrived and what no job refers to.

        needed    every hash that a job refers to
        arriving  the bytes that count, by the id of what arrives over several requests

        Only names of the store's own making are touched.
        """
        self.used_bytes = await asyncio.to_thread(self._sweep, frozenset(needed), arriving)

    def _sweep(self, needed: frozenset[str], arriving: Mapping[str, int]) -> int:
        self.files_dir.mkdir(parents=True, exist_ok=True)
        self.incoming_dir.mkdir(parents=True, exist_ok=True)
        sync_folder(self.files_dir.parent)  # what is accepted soon must not lose its folder
        used = 0
        for part in self.incoming_dir.iterdir():
            known = PARTIAL_NAME.fullmatch(part.name)
            if known and known[1] in arriving:
                used += min(part.stat().st_size, arriving[known[1]])
            elif known or PART_NAME.fullmatch(part.name):
                part.unlink(missing_ok=True)
        for stored in self.files_dir.glob("??/??/*"):
            if not STORED_NAME.fullmatch(stored.name):
                continue
            if stored.name in needed:
                used += stored.stat().st_size
            else:
                stored.unlink(missing_ok=True)
        return used

    def _let_go(self, sha256: str) -> None:
        left = self._held[sha256] - 1
        if left:
            self._held[sha256] = left
        else:
            del self._held[sha256]


class Incoming:
    """One file while it arrives: written and hashed in blocks, in a thread, one at a time.

    Not to be shared between tasks. Holds at most one block in memory.
    """

    def __init__(self, store: FileStore, path: Path, flags: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._store = store
        self._hash = hashlib.sha256()
        # a cancelled wait leaves its thread writing; nobody may close the file under it
        self._turn = threading.Lock()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._counted_bytes = 0  # of the store's used_bytes
        self._stored: StoredFile | None = None
        try:
            self._fd = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise told(error) from error

    @property
    def stored(self) -> StoredFile:
        """Return hash and size. Raises RuntimeError before `finish`."""
        if self._stored is None:
            raise RuntimeError("the file has not finished arriving")
        return self._stored

    async def write(self, data: bytes) -> None:
        """Add `data`. Raises StorageFull when it does not fit."""
        self._store.reserve(len(data))
        self._counted_bytes += len(data)
        self.size_bytes += len(data)
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= BLOCK_BYTES:
            await self._flush()

    async def finish(self) -> StoredFile:
        """Put every byte on the disk and return hash and size. Raises StorageFull."""
        await self._flush()
        await asyncio.to_thread(self._sync_and_close)
        self._stored = StoredFile(self._hash.hexdigest(), self.size_bytes)
        return self._stored

    async def abort(self) -> None:
        """Leave nothing behind. Harmless after `place`, and when called twice."""
        self._store.used_bytes -= self._counted_bytes
        self._counted_bytes = 0
        self._gathered.clear()
        await asyncio.to_thread(self._close_and_unlink)

    def move_to(self, target: Path) -> bool:
        """Give the finished file its name, durably; tell whether that is new. Raises StorageFull.

        To be called in a thread.
        """
        return move(self.path, target)

    def placed(self, is_new: bool) -> None:
        """Hand the count of bytes over to the store; a file it had already costs nothing more."""
        if not is_new:
            self._store.used_bytes -= self._counted_bytes
        self._counted_bytes = 0

    async def _flush(self) -> None:
        blocks, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if blocks:
            await asyncio.to_thread(self._write_blocks, blocks)

    def _write_blocks(self, blocks: list[bytes]) -> None:
        with self._turn:
            if self._fd != -1:
                self._write_open(blocks)

    def _write_open(self, blocks: list[bytes]) -> None:
        if self._store.min_free_bytes:
            disk = os.fstatvfs(self._fd)
            free = disk.f_bavail * disk.f_frsize - sum(map(len, blocks))
            if free < self._store.min_free_bytes:
                raise StorageFull
        try:
            for block in blocks:
                view = memoryview(block)
                while view:
                    view = view[os.write(self._fd, view) :]
                self._hash.update(block)
        except OSError as error:
            raise told(error) from error

    def _sync_and_close(self) -> None:
        with self._turn:
            try:
                os.fsync(self._fd)
            except OSError as error:
                raise told(error) from error
            os.close(self._fd)
            self._fd = -1

    def _close_and_unlink(self) -> None:
        with self._turn:
            if self._fd != -1:
                os.close(self._fd)
                self._fd = -1
            self.path.unlink(missing_ok=True)


def told(error: OSError) -> Exception:
    """Return what to raise for `error`: StorageFull where there is no room."""
    return StorageFull() if error.errno in NO_ROOM else error


def move(part: Path, target: Path) -> bool:
    """Move `part` to `target`, durably; tell whether it was new.

    A stored file that somebody cut short is replaced by the whole one.
    """
    try:
        if target.exists() and target.stat().st_size == part.stat().st_size:
            part.unlink()
            return False
        for folder in (target.parent.parent, target.parent):
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                sync_folder(folder.parent)
        part.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise told(error) from error
    return True


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk, so that they outlive a power cut. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unlink(path: Path) -> int:
    """Delete `path` and return its size in bytes; 0 when it was not there."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size
