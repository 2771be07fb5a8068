"""No room left, in every place where room is needed: told, nothing harmed, and it goes on."""

import asyncio
import errno
import os
import resource
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app import main
from app.core.times import DAY_MS
from app.keys import DATABASE, FILES
from app.store.accounts import now_ms
from tests.integration.bad_files import table
from tests.integration.full_disk_readers import full_mark
from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    serving,
    settings_for,
    state_of,
    token_of,
    upload,
    with_user,
)

GOOD = ("good.csv", table(20))
MIB = 1024 * 1024


async def refused(client: aiohttp.ClientSession, *files: tuple[str, bytes]) -> dict[str, Any]:
    """Upload `files`, which find no room, and return the problem."""
    async with client.post("/api/v1/batches", data=files_form(*files)) as answer:
        problem: dict[str, Any] = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"]) == (507, "storage_full"), problem
        assert int(answer.headers["Retry-After"]) > 0
    assert len({problem[part] for part in ("title", "detail", "hint")}) == 3
    assert "Traceback" not in str(problem)
    assert problem["retryable"]
    return problem


async def stored(client: aiohttp.ClientSession, *files: tuple[str, bytes]) -> list[dict[str, Any]]:
    """Upload `files`, which are read to their end, and return their jobs."""
    ends = await ended(client, await upload(client, *files))
    assert [end["status"] for end in ends] == ["completed"] * len(files), ends
    return ends


async def assert_unharmed(client: aiohttp.ClientSession, job: dict[str, Any]) -> None:
    """Assert that a completed job, its rows and its file are what they were."""
    assert await state_of(client, job["job_id"]) == job
    async with client.get(f"/api/v1/jobs/{job['job_id']}/rows") as answer:
        assert (await answer.json())["total"] == job["result"]["rows"]
    async with client.get(f"/api/v1/jobs/{job['job_id']}/original") as answer:
        assert len(await answer.read()) == job["size"]


def half_arrived(server: Server) -> list[Path]:
    return list(server.settings.incoming_dir.iterdir())


# Limits of our own


async def test_a_full_quota_refuses_and_takes_what_fits(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", storage_quota_bytes=100_000)
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        used = server.app[FILES].used_bytes
        problem = await refused(ann, ("fits.csv", table(30)), ("big.csv", bytes(100_000)))
        assert "LIVETRAIL_STORAGE_QUOTA_BYTES" in problem["hint"]
        assert (server.app[FILES].used_bytes, half_arrived(server)) == (used, [])
        await assert_unharmed(ann, good)
        await stored(ann, ("fits.csv", table(30)))


async def test_too_little_free_space_refuses_before_the_disk_is_full(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
    settings = settings.model_copy(update={"min_free_bytes": 2**60})
    async with serving(settings) as server, server.client("ann") as ann:
        await refused(ann, ("more.csv", table(30)))
        assert half_arrived(server) == []
        await assert_unharmed(ann, good)


async def test_what_people_ask_for_is_told_that_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_room(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("app.pipeline.runner.run_look", no_room)
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        ann.get("/api/v1/vendors/suggestions") as answer,
    ):
        assert (answer.status, (await answer.json())["code"]) == (507, "storage_full")


# The log


async def test_a_log_without_room_takes_no_upload_and_keeps_no_file(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        files = sorted(settings.files_dir.rglob("*"))
        writer = server.app[DATABASE].writer
        await writer.run(let_grow_to("(SELECT page_count FROM pragma_page_count)"))
        many = [(f"{number}.csv", table(number)) for number in range(50)]  # more than a page
        await refused(ann, *many)
        assert [path for path in settings.files_dir.rglob("*") if path.is_file()] == [
            path for path in files if path.is_file()
        ]
        assert half_arrived(server) == []
        await writer.run(let_grow_to("1000000"))
        await assert_unharmed(ann, good)
        await stored(ann, ("later.csv", table(30)))


NEEDS_ROOM = """
    CREATE TRIGGER {0}_grows BEFORE UPDATE ON {0}
    BEGIN INSERT INTO meta VALUES (hex(randomblob(8)), hex(randomblob(1000000))); END
"""


async def test_a_log_without_room_keeps_nobody_out(tmp_path: Path) -> None:
    """That a session, token or share link is used would be written, and can not be."""
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        async with ann.post("/api/v1/shares", json={"room": f"job:{good['job_id']}"}) as answer:
            link = str((await answer.json())["token"])
        bearers = [token_of(settings, "ann"), link]
        writer = server.app[DATABASE].writer
        old = now_ms() + DAY_MS  # old enough to be prolonged
        await writer.run(lambda db: db.execute("UPDATE login SET expires_ms = ?", (old,)).rowcount)
        for table_used in ("login", "token", "share"):
            trigger = NEEDS_ROOM.format(table_used)
            await writer.run(lambda db, trigger=trigger: db.execute(trigger).rowcount)
        await writer.run(let_grow_to("(SELECT page_count FROM pragma_page_count)"))
        assert await state_of(ann, good["job_id"]) == good
        for bearer in bearers:
            headers = {"Authorization": f"Bearer {bearer}"}
            async with aiohttp.ClientSession(server.url, headers=headers) as program:
                assert await state_of(program, good["job_id"]) == good


def let_grow_to(pages: str) -> Callable[[sqlite3.Connection], None]:
    """Give the database room for as many pages, as a full disk would."""

    def work(connection: sqlite3.Connection) -> None:
        (limit,) = connection.execute(f"SELECT {pages}").fetchone()
        connection.execute(f"PRAGMA max_page_count = {limit}")

    return work


# The work

LET_LINKS_BE_MADE = "tests.integration.full_disk_readers:let_links_be_made"


@pytest.mark.parametrize(("step", "name"), [("extracting", "extract"), ("storing", "store")])
async def test_a_step_without_room_fails_in_three_sentences_and_a_retry_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, name: str
) -> None:
    monkeypatch.setitem(main.READERS, step, f"tests.integration.full_disk_readers:{name}")
    monkeypatch.setattr(main, "PRELOADED", (*main.PRELOADED, LET_LINKS_BE_MADE))
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        full_mark(settings.data_dir).touch()
        (failed,) = await ended(
            ann, await upload(ann, ("late.csv", table(900) + b"never,a,b,c,d\n"))
        )
        assert (failed["status"], failed["error"]["code"]) == ("error", "storage_full")
        assert (failed["error"]["step"], failed["error"]["retryable"]) == (step, True)
        async with ann.get(f"/jobs/{failed['job_id']}", headers={"Accept": "text/html"}) as page:
            text = await page.text()
        assert "Traceback" not in text
        assert all(failed["error"][part] in text for part in ("detail", "hint"))
        await assert_unharmed(ann, good)

        full_mark(settings.data_dir).unlink()
        async with ann.post(f"/api/v1/jobs/{failed['job_id']}/retry") as answer:
            assert answer.status == 202
        room = f"job:{failed['job_id']}"
        events = await followed(ann, room, "processing_completed", after=failed["last_seq"])
        begun = [event["step"] for event in events if event["type"] == "step_started"]
        assert begun[0] == step  # what was done before is not done again
        job = await state_of(ann, failed["job_id"])
        assert (job["result"]["rows"], job["attempt"]) == (900, 2)
        await assert_unharmed(ann, job)
    # A job's folder goes after its end was told: look once the server has stopped.
    assert list(settings.work_dir.iterdir()) == []


# The disk itself


def mounted(folder: Path) -> bool:
    """Mount a small file system on `folder`, where that is allowed."""
    how = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    try:
        return subprocess.run(how, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        if not mounted(Path(folder)):
            return False
        subprocess.run(["umount", "-l", folder], check=True)
        return True


@contextmanager
def small_files(limit_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: what the system refuses, without leave."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """Fill the file system up to its last byte."""
    with pytest.raises(OSError, match="No space"):
        (folder / "ballast").write_bytes(bytes(20 * MIB))
    try:
        yield
    finally:
        (folder / "ballast").unlink()


@dataclass(frozen=True)
class Disk:
    """A folder in which a file can not grow beyond 16 MiB, and a way to fill it up altogether."""

    folder: Path
    full: Callable[[], AbstractContextManager[None]]


# Where nothing can be mounted, a limit on the size of files stands for it alone.
LIMITED = "files that may not grow"
DISKS = [LIMITED, *(["a disk of 16 MiB"] if can_mount() else [])]


@pytest.fixture(params=DISKS)
async def disk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Disk]:
    folder = tmp_path / "little"
    folder.mkdir()
    if request.param == LIMITED:
        with small_files(16 * MIB):
            yield Disk(folder, partial(small_files, 100_000))
        return
    assert mounted(folder)
    yield Disk(folder, partial(ballast, folder))
    await asyncio.to_thread(subprocess.run, ["umount", "-l", str(folder)], check=True)


async def test_a_disk_that_runs_full_during_an_upload_keeps_what_was_accepted(disk: Disk) -> None:
    settings = settings_for(disk.folder / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        used = server.app[FILES].used_bytes
        await refused(ann, ("big.csv", bytes(20 * MIB)))
        assert (server.app[FILES].used_bytes, half_arrived(server)) == (used, [])
        await assert_unharmed(ann, good)
        await stored(ann, ("later.csv", table(30)))


async def test_a_disk_that_others_fill_up_harms_nothing(disk: Disk) -> None:
    settings = settings_for(disk.folder / "data")
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (good,) = await stored(ann, GOOD)
        with disk.full():
            await refused(ann, ("more.csv", os.urandom(200_000)))
            assert half_arrived(server) == []
            await assert_unharmed(ann, good)
        await stored(ann, ("later.csv", table(30)))
