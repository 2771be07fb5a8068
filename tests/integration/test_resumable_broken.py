"""Uploads by tus that break off, by their client or with the server, and go on where they were."""

import asyncio
import errno
import hashlib
import os
import sqlite3
import stat
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import StorageFull
from app.keys import ARRIVALS, FILES, JOURNAL
from app.store.partials import Partial
from app.web.arrivals import Arrivals
from tests.integration.listening import until
from tests.integration.resumable import (
    CSV,
    PIECE,
    UPLOADS,
    arriving,
    begin,
    checksum,
    code,
    head,
    jobs,
    metadata,
    offset_of,
    send,
)
from tests.integration.serving import (
    Server,
    followed,
    serving,
    settings_for,
    state_of,
    with_user,
)


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that waits for nobody who says nothing for a second."""
    settings = settings_for(tmp_path / "impatient", upload_idle_s=1.0)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


# Broken off


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever arrives is made safe and told at once, so that a test can wait for it."""
    monkeypatch.setattr("app.web.arrivals.KEEP_BYTES", 1)
    monkeypatch.setattr("app.web.progress.TELL_S", 0.0)


class Stalled:
    """A client that sends the first bytes of a piece, and then nothing more."""

    def __init__(self, client: aiohttp.ClientSession, address: str, offset: int, **more: str):
        self._plugged = asyncio.Event()
        self.answer = asyncio.create_task(send(client, address, offset, self._body(), **more))

    async def _body(self) -> AsyncIterator[bytes]:
        yield b"x" * 300
        await self._plugged.wait()

    async def pull_the_plug(self) -> None:
        self.answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.answer


async def arrived(client: aiohttp.ClientSession, batch: str, after: int = 0) -> dict[str, Any]:
    """Wait until something of a file has arrived, and return how that is told."""
    return (await followed(client, f"batch:{batch}", "upload_progress", after))[-1]


@pytest.mark.usefixtures("told_at_once")
async def test_what_came_before_the_connection_broke_counts(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    address = await begin(ann, 1000, batch_id=batch)
    stalled = Stalled(ann, address, 0)
    event = await arrived(ann, batch)
    await stalled.pull_the_plug()
    assert await offset_of(ann, address) == 300
    assert (event["bytes_received"], event["bytes_total"], event["progress"]) == (300, 1000, 30.0)
    assert (event["job_id"], event["n"], event["filename"]) == (None, None, "a.csv")
    assert event["message"] == "a.csv is on its way: 300 bytes of 1.0 KB are here"
    assert server.app[FILES].used_bytes == 300


@pytest.mark.usefixtures("told_at_once")
async def test_what_could_not_be_checked_does_not_count(impatient: Server) -> None:
    async with impatient.client("ann") as client:
        address = await begin(client, 1000)
        header = {"Upload-Checksum": checksum(b"x" * 1000)}
        assert await code(await Stalled(client, address, 0, **header).answer) == (408, "piece_cut")
        assert await offset_of(client, address) == 0
    assert impatient.app[FILES].used_bytes == 0


@pytest.mark.usefixtures("told_at_once")
async def test_a_client_that_comes_back_takes_over(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    batch = str(uuid.uuid4())
    address = await begin(ann, 1000, batch_id=batch)
    stalled = Stalled(ann, address, 0)
    await arrived(ann, batch)
    async with asyncio.timeout(server.settings.upload_idle_s / 2):  # nobody waits for silence
        assert await offset_of(ann, address) == 300
        answer = await send(ann, address, 300, b"x" * 700)
        assert answer.headers["Livetrail-Job"]
        assert (await stalled.answer).status == 408


async def test_what_is_not_safe_on_the_disk_does_not_count(
    ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(ann, 100)
    sync = os.fsync

    def full(fd: int) -> None:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.ENOSPC, "no space")
        sync(fd)

    monkeypatch.setattr("app.store.partials.os.fsync", full)
    assert (await send(ann, address, 0, b"x" * 50)).status == 507
    assert await offset_of(ann, address) == 0
    monkeypatch.undo()
    assert (await send(ann, address, 0, b"x" * 50)).headers["Upload-Offset"] == "50"


async def test_a_silent_client_is_not_waited_for(impatient: Server) -> None:
    async with impatient.client("ann") as client:
        address = await begin(client, 1000)
        assert await code(await Stalled(client, address, 0).answer) == (408, "piece_cut")
        assert await offset_of(client, address) == 300


@pytest.mark.parametrize("harm", ["shorter", "gone"])
async def test_no_more_counts_than_is_there(
    server: Server, ann: aiohttp.ClientSession, harm: str
) -> None:
    address = await begin(ann, len(CSV))
    await send(ann, address, 0, CSV[:30])
    (path,) = server.settings.incoming_dir.iterdir()
    left = 10 if harm == "shorter" else 0
    if left:
        os.truncate(path, left)
    else:
        path.unlink()
    assert await offset_of(ann, address) == left
    await send(ann, address, left, CSV[left:])
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
    assert server.app[FILES].used_bytes == len(CSV)


def test_however_it_is_cut_the_file_is_the_same(tmp_path: Path) -> None:
    """Pieces of every size, some sent damaged or to a wrong place before, are one file."""
    whole = settings_for(tmp_path)
    with_user(whole, "ann")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(serving(whole)))
        client = runner.run(stack.enter_async_context(server.client("ann")))

        @settings(max_examples=30, deadline=None)
        @given(
            content=st.binary(max_size=3000),
            cuts=st.lists(st.integers(0, 3000), max_size=6),
            damaged=st.sets(st.integers(0, 6)),
        )
        def holds(content: bytes, cuts: list[int], damaged: set[int]) -> None:
            runner.run(_in_pieces(client, content, cuts, damaged))

        try:
            holds()
        finally:
            runner.run(stack.aclose())


async def _in_pieces(
    client: aiohttp.ClientSession, content: bytes, cuts: list[int], damaged: set[int]
) -> None:
    address = await begin(client, len(content))
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for number, (start, end) in enumerate(pairwise(edges)):
        piece = content[start:end]
        if number in damaged and piece:
            header = {"Upload-Checksum": checksum(b"what it was not")}
            assert (await send(client, address, start, piece, **header)).status == 460
            assert (await send(client, address, start + 1, piece)).status == 409
        assert await offset_of(client, address) == start
        header = {"Upload-Checksum": checksum(piece)} if number % 2 else {}
        answer = await send(client, address, start, piece, **header)
        assert answer.headers["Upload-Offset"] == str(end)
    job = await state_of(client, (await head(client, address)).headers["Livetrail-Job"])
    assert (job["size"], job["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("name", ["sha1", "sha256"])
async def test_a_piece_that_was_damaged_does_not_count(
    server: Server, ann: aiohttp.ClientSession, name: str
) -> None:
    address = await begin(ann, len(CSV))
    await send(ann, address, 0, CSV[:10], **{"Upload-Checksum": checksum(CSV[:10], name)})
    damaged = await send(
        ann, address, 10, b"x" * 20, **{"Upload-Checksum": checksum(CSV[10:30], name)}
    )
    assert await code(damaged) == (460, "checksum_mismatch")
    assert await offset_of(ann, address) == 10
    assert server.app[FILES].used_bytes == 10
    unknown = await send(ann, address, 10, b"x", **{"Upload-Checksum": "md5 YQ=="})
    assert await code(unknown) == (400, "invalid_request")
    await send(ann, address, 10, CSV[10:], **{"Upload-Checksum": checksum(CSV[10:], name)})
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]


# Ends and beginnings of the server


async def test_a_graceful_stop_keeps_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()
    write = Partial.write

    async def noted(file: Partial, data: bytes) -> None:
        await write(file, data)
        written.set()

    monkeypatch.setattr(Partial, "write", noted)
    folder = settings_for(tmp_path / "twice")
    with_user(folder, "ann")
    async with serving(folder) as server, server.client("ann") as client:
        address = await begin(client, 1000)
        stalled = Stalled(client, address, 0)
        await written.wait()
        await server.app.shutdown()
        assert await code(await stalled.answer) == (503, "shutting_down")
    async with serving(folder) as server, server.client("ann") as client:
        assert await offset_of(client, address) == 300
        assert server.app[FILES].used_bytes == 300
        await send(client, address, 300, b"x" * 700)
        assert jobs(server) == [("a.csv", 1000, hashlib.sha256(b"x" * 1000).hexdigest())]


async def test_what_had_come_in_full_is_a_job_after_the_next_start(tmp_path: Path) -> None:
    folder = settings_for(tmp_path / "twice")
    with_user(folder, "ann")
    async with serving(folder) as server, server.client("ann") as client:
        whole, half = await begin(client, len(CSV)), await begin(client, len(CSV))
    # As when it dies after the last byte was kept, and before the job was in the log.
    with sqlite3.connect(folder.database_path) as database:
        for address, size in ((whole, len(CSV)), (half, 10)):
            ident = address.rpartition("/")[2]
            (folder.incoming_dir / f"{ident}.tus").write_bytes(CSV)
            database.execute("UPDATE upload SET offset_bytes = ? WHERE id = ?", (size, ident))
    (folder.incoming_dir / f"{uuid.uuid4()}.tus").write_bytes(b"of nothing that is known")
    async with serving(folder) as server, server.client("ann") as client:
        assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
        assert server.app[FILES].used_bytes == len(CSV) + 10
        assert arriving(server) == [f"{half.rpartition('/')[2]}.tus"]
        assert (await head(client, whole)).headers["Livetrail-Job"]
        assert await offset_of(client, half) == 10
        await send(client, half, 10, CSV[10:])
        assert len(jobs(server)) == 2


async def test_a_file_that_can_not_be_written_down_is_not_lost(
    server: Server, ann: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(ann, len(CSV))
    journal = server.app[JOURNAL]

    async def full(*_: Any, **__: Any) -> Any:
        raise StorageFull

    with monkeypatch.context() as broken:
        broken.setattr(journal, "append", full)
        assert await code(await send(ann, address, 0, CSV)) == (507, "storage_full")
    assert not jobs(server)
    assert server.app[FILES].used_bytes == len(CSV)
    assert (await head(ann, address)).headers["Livetrail-Job"]
    assert jobs(server) == [("a.csv", len(CSV), hashlib.sha256(CSV).hexdigest())]
    assert server.app[FILES].used_bytes == len(CSV)
    assert arriving(server) == []


@pytest.mark.usefixtures("told_at_once")
async def test_a_beginning_that_breaks_off_gives_its_room_back(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    """What came of it was counted, and its client never learns where it is."""

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 300
        await asyncio.Event().wait()

    batch = str(uuid.uuid4())
    await begin(ann, 1, batch_id=batch)  # so that it can be followed
    headers = {**PIECE, "Upload-Length": "1000", "Upload-Metadata": metadata(batch_id=batch)}
    sending = asyncio.create_task(ann.post(UPLOADS, data=half(), headers=headers))
    await arrived(ann, batch)
    assert server.app[FILES].used_bytes == 300
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await until(lambda: not arriving(server))
    assert server.app[FILES].used_bytes == 0


async def test_what_does_not_count_takes_no_room(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    address = await begin(ann, 1000)
    damaged = {"Upload-Checksum": checksum(b"something else")}
    answer = await send(ann, address, 0, b"x" * 500, **damaged)
    assert answer.status == 460
    (partial,) = server.settings.incoming_dir.iterdir()
    assert partial.stat().st_size == 0


async def test_what_can_not_be_swept_now_is_swept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings_of = settings_for(tmp_path / "later")
    with_user(settings_of, "ann")
    monkeypatch.setattr("app.web.tidying.SWEEP_EVERY_S", 0.01)
    swept = asyncio.Event()

    async def sweep(arrivals: Arrivals) -> int:
        if "not swept: what=uploads" not in caplog.text:
            raise StorageFull
        swept.set()
        return 0

    monkeypatch.setattr(Arrivals, "sweep", sweep)
    async with serving(settings_of), asyncio.timeout(60):
        await swept.wait()


async def test_what_a_removed_user_was_sending_goes(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    address = await begin(bob, 1000)
    await send(bob, address, 0, b"x" * 300)
    async with ann.get("/api/v1/users") as answer:
        users = {user["name"]: user["id"] for user in (await answer.json())["users"]}
    async with ann.delete(f"/api/v1/users/{users['bob']}") as answer:
        assert answer.status == 204
    assert await server.app[ARRIVALS].sweep() == 1
    assert (arriving(server), server.app[FILES].used_bytes) == ([], 0)


async def test_a_beginning_that_fails_leaves_nothing(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    headers = {**PIECE, "Upload-Length": "100", "Upload-Checksum": checksum(b"something else")}
    async with ann.post(UPLOADS, data=b"x" * 50, headers=headers) as answer:
        assert await code(answer) == (460, "checksum_mismatch")
    assert (arriving(server), server.app[FILES].used_bytes) == ([], 0)


async def test_the_page_of_a_batch_without_files_is_a_page(ann: aiohttp.ClientSession) -> None:
    batch = str(uuid.uuid4())
    await begin(ann, 10, batch_id=batch)
    for address in (f"/batches/{batch}", "/"):
        async with ann.get(address, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200
