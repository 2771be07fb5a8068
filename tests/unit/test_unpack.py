"""Claims about archives: what is taken out of them, and what is refused before it does harm."""

import io
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.unreadable import ArchiveBomb, EmptyFile, PasswordProtected
from app.reading.identify import identify
from app.reading.unpack import FOLDER, unpack
from tests.readers import Heard, task_for


def zipped(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def unpacked(folder: Path, content: bytes, **limits: int) -> list[tuple[str, bytes]]:
    """Return the name and content of each file taken out."""
    path = folder / "files.zip"
    path.write_bytes(content)
    task = task_for(path, "zip", **limits)
    found = unpack(task, Heard())["files"]
    return [(file["name"], (folder / FOLDER / str(file["number"])).read_bytes()) for file in found]


def test_every_file_is_taken_out_whatever_folder_it_is_in(tmp_path: Path) -> None:
    files = {"a.csv": b"1", "2026/january/b.csv": b"22", "empty/": b"", "c.pdf": b""}
    assert unpacked(tmp_path, zipped(files)) == [("a.csv", b"1"), ("b.csv", b"22"), ("c.pdf", b"")]


def test_an_archive_within_is_taken_apart_and_a_workbook_is_not(tmp_path: Path) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        workbook.add_worksheet().write(0, 0, "x")
    inner = zipped({"b.csv": b"2"})
    files = {"a.csv": b"1", "in.zip": inner, "book.xlsx": book.getvalue(), "cut.zip": inner[:40]}
    names = [name for name, _ in unpacked(tmp_path, zipped(files))]
    assert names == ["a.csv", "b.csv", "book.xlsx", "cut.zip"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\windows\\x.csv", "a\x00b.csv", "x" * 5000,
             "con", "a/../../b"]
)  # fmt: skip
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    (found,) = unpacked(tmp_path, zipped({name: b"1"}))
    assert "/" not in found[0]
    assert "\\" not in found[0]
    after = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert after == {tmp_path / "files.zip", tmp_path / FOLDER / "1"}


def test_what_systems_leave_in_archives_and_links_are_left_out(tmp_path: Path) -> None:
    made = io.BytesIO(zipped({"__MACOSX/._a.csv": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x"}))
    with zipfile.ZipFile(made, "a") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.csv", b"1")
    assert unpacked(tmp_path, made.getvalue()) == [("a.csv", b"1")]


def test_an_archive_of_nothing_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyFile):
        unpacked(tmp_path, zipped({".DS_Store": b"x"}))


def test_an_archive_with_a_password_is_told_so(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": b"1"}))
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(content)
    with pytest.raises(PasswordProtected):
        identify(task_for(path, "zip"), Heard())
    with pytest.raises(PasswordProtected):
        unpacked(tmp_path, bytes(content))


NULLS = bytes(20 * 1024 * 1024)
DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"


def claiming(*sizes: int) -> bytes:
    """Return an archive whose directory claims that its files have these sizes."""
    content = bytearray(zipped({f"{n}.csv": b"1" for n in range(len(sizes))}))
    at = 0
    for size in sizes:
        at = content.index(DIRECTORY, at) + 24
        content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


def with_directory_of(size: int) -> bytes:
    """Return an archive whose directory claims to take so many bytes."""
    content = bytearray(zipped({"a.csv": b"1"}))
    at = content.rfind(END) + 12
    content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


def counted_by_zip64(files: int) -> bytes:
    """Return an archive that claims so many files in the way of those beyond 65,535."""
    content = zipped({"a.csv": b"1"})
    end = content.rfind(END)
    size, offset = struct.unpack_from("<II", content, end + 12)
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, files, files, size, offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4sHHHHIIH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:end] + record + locator + last


@pytest.mark.parametrize(
    ("content", "limits", "measured"),
    [
        (zipped({"a.csv": NULLS}), {}, "times its size"),
        (zipped({"a.csv": NULLS}), {"max_unpacked_bytes": 1_000_000}, "21 MB"),
        (claiming(3_000_000_000), {}, "3.0 GB"),
        (claiming(700_000_000, 700_000_000), {}, "1.4 GB"),
        (with_directory_of(2_000_000_000), {}, "1 files"),
        (counted_by_zip64(10_000_000), {}, "10,000,000 files"),
        (zipped({"a.zip": zipped({"b.csv": NULLS})}), {}, "times its size"),
        (zipped({f"{n}.csv": b"1" for n in range(30)}), {"max_archive_files": 20}, "30 files"),
        (
            zipped({f"{n}.zip": zipped({"a": b"1", "b": b"2"}) for n in range(10)}),
            {"max_archive_files": 20},
            "21 files",
        ),
        (zipped({"a.zip": zipped({"b.zip": zipped({"c": b"1"})})}), {}, "3 levels deep"),
    ],
)
def test_a_bomb_is_refused_with_what_was_measured_and_nothing_is_kept(
    tmp_path: Path, content: bytes, limits: dict[str, Any], measured: str
) -> None:
    with pytest.raises(ArchiveBomb) as caught:
        unpacked(tmp_path, content, **limits)
    assert measured in caught.value.facts["measured"]
    assert not (tmp_path / FOLDER).exists()


def test_the_limit_of_the_ratio_is_the_one_that_is_set(tmp_path: Path) -> None:
    content = zipped({"a.csv": NULLS})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (info,) = archive.infolist()
    ratio = info.file_size // info.compress_size  # a little more on the way
    assert unpacked(tmp_path, content, max_unpack_ratio=round(1.05 * ratio)) == [("a.csv", NULLS)]
    with pytest.raises(ArchiveBomb):
        unpacked(tmp_path, content, max_unpack_ratio=round(0.95 * ratio))


def test_zip64_is_read_where_it_says_the_truth(tmp_path: Path) -> None:
    assert unpacked(tmp_path, counted_by_zip64(1)) == [("a.csv", b"1")]


def test_a_size_that_is_a_lie_is_found_out_while_unpacking(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": NULLS}))
    at = content.rfind(b"PK\x01\x02") + 24
    content[at : at + 4] = (5).to_bytes(4, "little")
    with pytest.raises(ArchiveBomb):
        unpacked(tmp_path, bytes(content), max_unpacked_bytes=1_000_000)


@example(places=[(205, 0)])  # its members are not found any more: it is empty
@given(places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8))
def test_an_archive_with_wrong_bytes_is_unpacked_or_refused_with_a_code(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    content = bytearray(zipped({"a.csv": b"a,b\n1,2\n", "b/c.csv": b"x" * 300}))
    for place, value in places:
        content[place % len(content)] = value
    folder = tmp_path_factory.getbasetemp()
    try:
        files = unpacked(folder, bytes(content))
    except AppError:
        assert not (folder / FOLDER).exists()
    else:
        assert len(files) <= 4
