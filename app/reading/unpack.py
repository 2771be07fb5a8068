"""The step unpacking: the files in an archive, each put into the job's work folder, under limits.

Names in an archive are only ever shown: what is written is named by its number.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.names import clean_filename
from app.core.reading import Task, Tell
from app.core.unreadable import (
    ArchiveBomb,
    DamagedFile,
    EmptyFile,
    PasswordProtected,
)
from app.reading.containers import Member, Unpacker, look_into_zip, readable_bytes

FOLDER = "unpacked"
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
MAC_FOLDER = "__MACOSX/"
LINK_TYPE = 0o120000


def unpack(task: Task, tell: Tell) -> dict[str, Any]:
    """Return files, each {"name", "number", "size"}: the content lies in unpacked/<number>.

    Archives within are unpacked too. What operating systems leave in archives, and links, is
    left out. Raises ArchiveBomb, DamagedFile, PasswordProtected, EmptyFile; then nothing is kept.
    """
    folder = Path(task["work_dir"]) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        files = list(_Unpacking(task, tell, folder).files(Path(task["path"]), depth=1))
        if not files:
            raise EmptyFile(filename=task["filename"])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return {"files": files}


class _Unpacking:
    """Unpacks one archive and those within it; the limits count for all of them together."""

    def __init__(self, task: Task, tell: Tell, folder: Path) -> None:
        self._task = task
        self._tell = tell
        self._folder = folder
        self._unpacker = Unpacker(task["filename"], task["limits"])
        self._written = 0

    def files(self, path: Path, depth: int) -> Iterator[dict[str, Any]]:
        """Yield what was written. Raises ArchiveBomb, DamagedFile, PasswordProtected."""
        task, limits = self._task, self._task["limits"]
        if depth > limits["max_archive_depth"]:
            raise ArchiveBomb(
                filename=task["filename"],
                measured=f"archives inside archives, {depth} levels deep",
                limit=f"{limits['max_archive_depth']} levels",
            )
        _, _, members = look_into_zip(path, task["filename"], limits)
        wanted = [member for member in members if _is_wanted(member)]
        self._check(wanted)
        with path.open("rb") as stream:
            for member in wanted:
                self._written += 1
                number = self._written
                target = self._folder / str(number)
                with target.open("wb") as written:
                    for block in self._unpacker.blocks(stream, member):
                        written.write(block)
                if depth == 1:
                    self._tell(min(stream.tell(), task["size"]), task["size"], files_done=number)
                if _is_archive(target, task):
                    yield from self.files(target, depth + 1)
                    target.unlink()
                else:
                    name = clean_filename(member.name)
                    yield {"name": name, "number": number, "size": target.stat().st_size}

    def _check(self, members: list[Member]) -> None:
        """Refuse what the directory alone gives away, before anything is unpacked."""
        name, limits = self._task["filename"], self._task["limits"]
        if any(member.encrypted for member in members):
            raise PasswordProtected(filename=name)
        most = limits["max_archive_files"]
        if self._written + len(members) > most:
            raise ArchiveBomb(
                filename=name,
                measured=f"{self._written + len(members):,} files",
                limit=f"{most:,} files",
            )
        size = sum(member.size for member in members)
        if size > limits["max_unpacked_bytes"]:
            raise ArchiveBomb(
                filename=name,
                measured=readable_bytes(size),
                limit=readable_bytes(limits["max_unpacked_bytes"]),
            )


def _is_wanted(member: Member) -> bool:
    last = member.name.replace("\\", "/").rpartition("/")[2]
    litter = last in LITTER or last.startswith("._") or member.name.startswith(MAC_FOLDER)
    return bool(last) and not litter and member.mode & 0o170000 != LINK_TYPE


def _is_archive(path: Path, task: Task) -> bool:
    """Tell an archive from a workbook, which is a zip too; a damaged one is left to its own job."""
    with path.open("rb") as stream:
        if not stream.read(4).startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return False
    try:
        kind, _, _ = look_into_zip(path, task["filename"], task["limits"])
    except DamagedFile:
        return False
    return kind == "zip"
