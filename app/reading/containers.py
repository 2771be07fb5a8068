"""Files that hold files: what kind of zip or OLE container one is, and unpacking it under limits.

Nothing a header claims about sizes is believed: members are really inflated, and counted.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.reading import Limits
from app.core.unreadable import ArchiveBomb, DamagedFile

MAX_MEMBERS = 2000
MAX_DEPTH = 2  # a zip in a zip; more is no office file
DIRECTORY_BYTES = 1024  # a member may take in the directory
RATIO_FROM_BYTES = 16 * 1024 * 1024  # what unpacks to less is harmless at any ratio
BLOCK_BYTES = 1024 * 1024

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_DIRECTORY_SECTORS = 512
FREE_SECTOR = 0xFFFFFFFA  # and above: no sector


def readable_bytes(size: float) -> str:
    """Return a size for people: "312 MB"."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@dataclass(frozen=True)
class Member:
    """One file in a zip, as its central directory tells it."""

    name: str
    offset: int
    packed: int
    method: int
    encrypted: bool
    size: int = 0  # as it claims
    mode: int = 0  # of the file on the system that packed it, where that has such


def zip_members(stream: BinaryIO, filename: str, most: int = MAX_MEMBERS) -> list[Member]:
    """Return the members of a zip, at most `most`. Raises DamagedFile, ArchiveBomb."""
    _check_directory(stream, filename, most)
    try:
        with zipfile.ZipFile(stream) as archive:
            return [
                Member(
                    info.filename,
                    info.header_offset,
                    info.compress_size,
                    info.compress_type,
                    bool(info.flag_bits & 0x1),
                    info.file_size,
                    info.external_attr >> 16,
                )
                for info in archive.infolist()
                if info.compress_size or not info.is_dir()  # a folder's name may hide content
            ]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise DamagedFile(filename=filename) from error


def look_into_zip(path: Path, filename: str, limits: Limits) -> tuple[str, str, list[Member]]:
    """Return (kind, what a person calls it, members) of a zip. Raises DamagedFile, ArchiveBomb."""
    mimetype = ""
    with path.open("rb") as stream:
        members = zip_members(stream, filename, max(MAX_MEMBERS, limits["max_archive_files"]))
        for member in members:
            if member.name == "mimetype" and not member.encrypted:
                blocks = Unpacker(filename, limits).blocks(stream, member)
                mimetype = next(blocks, b"")[:200].decode("ascii", "replace")
    kind, found = zip_kind({member.name for member in members}, mimetype)
    return kind, found, members


def is_locked_opendocument(
    path: Path, filename: str, limits: Limits, members: list[Member]
) -> bool:
    """Tell whether an OpenDocument file has a password: its manifest, which is plain, says so.

    Raises DamagedFile, ArchiveBomb.
    """
    for member in members:
        if member.name == "META-INF/manifest.xml" and not member.encrypted:
            with path.open("rb") as stream:
                blocks = Unpacker(filename, limits).blocks(stream, member)
                return b"encryption-data" in next(blocks, b"")
    return False


def _check_directory(stream: BinaryIO, filename: str, most: int) -> None:
    """Look at the directory's size before it is read into memory."""
    size = stream.seek(0, 2)
    tail_at = max(0, size - 65_557)
    stream.seek(tail_at)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise DamagedFile(filename=filename)
    members, directory = struct.unpack_from("<HI", tail, at + 10)
    if directory == 0xFFFFFFFF or members == 0xFFFF:  # zip64 holds the real ones
        locator = tail.rfind(b"PK\x06\x06")
        if locator < 0 or len(tail) < locator + 56:
            raise DamagedFile(filename=filename)
        members, directory = struct.unpack_from("<QQ", tail, locator + 32)
    if members > most or directory > most * DIRECTORY_BYTES:
        raise ArchiveBomb(filename=filename, measured=f"{members:,} files", limit=f"{most:,} files")


class Unpacker:
    """Inflates members and keeps the sum under the limits, over all nested zips of one file."""

    def __init__(self, filename: str, limits: Limits) -> None:
        self._filename = filename
        self._limits = limits
        self._packed = 0
        self._unpacked = 0

    def blocks(self, stream: BinaryIO, member: Member) -> Iterator[bytes]:
        """Yield a member's content in blocks of at most 1 MiB.

        Raises ArchiveBomb as soon as a limit is passed, DamagedFile when it does not inflate.
        """
        if member.offset < 0:  # a directory that is not where it says
            raise DamagedFile(filename=self._filename)
        stream.seek(member.offset)
        header = stream.read(30)
        if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
            raise DamagedFile(filename=self._filename)
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        stream.seek(name_size + extra_size, 1)
        if member.method == zipfile.ZIP_STORED:
            yield from self._stored(stream, member.packed)
        elif member.method == zipfile.ZIP_DEFLATED:
            yield from self._inflated(stream)
        else:  # no spreadsheet program writes another
            raise DamagedFile(filename=self._filename)

    def _stored(self, stream: BinaryIO, size: int) -> Iterator[bytes]:
        while size > 0 and (block := stream.read(min(size, BLOCK_BYTES))):
            size -= len(block)
            self._count(len(block), len(block))
            yield block

    def _inflated(self, stream: BinaryIO) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        packed = b""
        while not inflater.eof:
            packed = inflater.unconsumed_tail or stream.read(64 * 1024)
            if not packed:
                raise DamagedFile(filename=self._filename)
            try:
                block = inflater.decompress(packed, BLOCK_BYTES)
            except zlib.error as error:
                raise DamagedFile(filename=self._filename) from error
            left = len(inflater.unconsumed_tail) + len(inflater.unused_data)
            self._count(len(packed) - left, len(block))
            if block:
                yield block

    def _count(self, packed: int, unpacked: int) -> None:
        self._packed += packed
        self._unpacked += unpacked
        most = self._limits["max_unpacked_bytes"]
        if self._unpacked > most:
            raise ArchiveBomb(
                filename=self._filename,
                measured=f"more than {readable_bytes(most)}",
                limit=readable_bytes(most),
            )
        ratio = self._unpacked / max(1, self._packed)
        if self._unpacked > RATIO_FROM_BYTES and ratio > self._limits["max_unpack_ratio"]:
            raise ArchiveBomb(
                filename=self._filename,
                measured=f"{ratio:,.0f} times its size",
                limit=f"{self._limits['max_unpack_ratio']:,} times",
            )


def zip_kind(names: set[str], mimetype: str) -> tuple[str, str]:
    """Return (kind, what a person calls it) from a zip's member names.

    mimetype  content of the member of that name, "" without one
    """
    if "xl/workbook.bin" in names:
        return "xlsb", "a binary Excel workbook (.xlsb)"
    if any(name.startswith("xl/") for name in names) and "[Content_Types].xml" in names:
        return "xlsx", "an Excel workbook"
    if any(name.startswith("word/") for name in names):
        return "docx", "a Word document"
    if any(name.startswith("ppt/") for name in names):
        return "pptx", "a PowerPoint presentation"
    if "opendocument.spreadsheet" in mimetype:
        return "ods", "an OpenDocument spreadsheet (.ods)"
    if "opendocument" in mimetype:
        return "odf", "an OpenDocument file"
    if "epub" in mimetype:
        return "epub", "an e-book"
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in names):
        return "numbers", "an Apple Numbers document"
    if "AndroidManifest.xml" in names:
        return "apk", "an Android app"
    if "META-INF/MANIFEST.MF" in names:
        return "jar", "a Java program"
    return "zip", "a ZIP archive"


def ole_streams(path: Path) -> set[str]:
    """Return the names in an OLE file's directory; empty when it can not be followed."""
    names: set[str] = set()
    with path.open("rb") as stream:
        header = stream.read(512)
        if len(header) < 512 or not header.startswith(OLE_MAGIC):
            return names
        shift = struct.unpack_from("<H", header, 30)[0]
        if shift not in (9, 12):
            return names
        sector_size = 1 << shift
        fat_sectors = struct.unpack_from("<109I", header, 76)
        sector = struct.unpack_from("<I", header, 48)[0]
        seen: set[int] = set()
        while sector < FREE_SECTOR and sector not in seen and len(seen) < OLE_DIRECTORY_SECTORS:
            seen.add(sector)
            stream.seek((sector + 1) * sector_size)
            directory = stream.read(sector_size)
            for at in range(0, len(directory) - 127, 128):
                length = struct.unpack_from("<H", directory, at + 64)[0]
                if 2 < length <= 64:
                    names.add(directory[at : at + length - 2].decode("utf-16-le", "replace"))
            table, entry = divmod(sector, sector_size // 4)
            if table >= len(fat_sectors) or fat_sectors[table] >= FREE_SECTOR:
                break
            stream.seek((fat_sectors[table] + 1) * sector_size + entry * 4)
            following = stream.read(4)
            if len(following) < 4:
                break
            sector = struct.unpack("<I", following)[0]
    return names


def ole_kind(names: set[str]) -> tuple[str, str]:
    """Return (kind, what a person calls it) from an OLE file's stream names."""
    if "EncryptedPackage" in names:
        return "encrypted", "an Office file with a password"
    if names & {"Workbook", "Book"}:
        return "xls", "an old Excel workbook (.xls)"
    if "WordDocument" in names:
        return "doc", "an old Word document (.doc)"
    if "PowerPoint Document" in names:
        return "ppt", "an old PowerPoint presentation (.ppt)"
    if any(name.startswith("__substg1.0_") or "properties_version" in name for name in names):
        return "msg", "an Outlook message"
    return "ole", "an old Office file"
