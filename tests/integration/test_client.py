"""The Python client, against a real server: what a program of somebody's own does with it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from app.client import (
    Livetrail,
    LivetrailError,
    LivetrailSync,
    Position,
    Refused,
    Snapshot,
    Unreachable,
    http,
)
from app.core.events import ClarificationRequested, ProcessingCompleted
from app.settings import Settings
from tests.integration.serving import Server, serving, settings_for, token_of, with_user
from tests.process import ServerProcess

CSV = b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n2025-01-05,Milk,-1.30\n"
UNDECIDED = b"Date,Description,Amount\n01/02/2025,Tea,-2.10\n02/03/2025,Milk,-1.30\n"
TEST_S = 60.0
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def trail(server: Server) -> AsyncIterator[Livetrail]:
    async with Livetrail(server.url, token_of(server.settings, "bob")) as trail:
        yield trail


async def test_a_file_is_given_followed_to_its_end_and_taken_away(
    trail: Livetrail, tmp_path: Path
) -> None:
    given = tmp_path / "tea.csv"
    given.write_bytes(CSV)
    upload = await trail.upload(given, options={"name": "June"})
    assert upload.filenames == ("tea.csv",)
    told = [event async for event in trail.until_done(upload.room)]
    assert [event.type for event in told][:2] == ["batch_created", "job_created"]
    assert told[-1].type == "batch_completed"
    assert isinstance(told[-2], ProcessingCompleted)
    job = await trail.job(upload.job_ids[0])
    assert job["status"] == "completed"
    assert (await trail.batch(upload.batch_id))["name"] == "June"
    assert [state["job_id"] async for state in trail.jobs(upload.room)] == list(upload.job_ids)
    assert (await trail.rows(upload.job_ids[0]))["total"] == 2
    assert (await trail.original(upload.job_ids[0], tmp_path / "out.csv")).read_bytes() == CSV
    exported = await trail.export(tmp_path, upload.room)
    assert exported.parent == tmp_path
    assert "Tea" in exported.read_text()


async def test_the_same_key_makes_one_batch(trail: Livetrail) -> None:
    first = await trail.upload(("tea.csv", CSV), key="k1")
    assert await trail.upload(("tea.csv", CSV), key="k1") == first


async def test_a_question_is_answered_while_one_waits_for_the_end(trail: Livetrail) -> None:
    upload = await trail.upload(("dates.csv", UNDECIDED))
    async for told in trail.until_done(upload.room):
        if isinstance(told, ClarificationRequested):
            (waiting,) = await trail.questions(upload.room)
            assert waiting["clarification_id"] == told.clarification_id
            await trail.answer(told.clarification_id, told.choices[0]["value"])
    job = await trail.job(upload.job_ids[0])
    assert job["status"] == "completed"
    assert job["waiting_for"] == []


async def test_a_job_is_steered(trail: Livetrail) -> None:
    upload = await trail.upload(("tea.csv", CSV))
    room = f"job:{upload.job_ids[0]}"
    async for _ in trail.until_done(room):
        pass
    await trail.undo(room)
    assert (await trail.job(upload.job_ids[0]))["undone"]
    await trail.retry(upload.room)
    async for _ in trail.until_done(room):
        pass
    await trail.delete(upload.job_ids[0])
    with pytest.raises(Refused) as refused:
        await trail.job(upload.job_ids[0])
    assert (refused.value.code, refused.value.status) == ("not_found", 404)


async def test_a_kept_position_is_gone_on_from(trail: Livetrail) -> None:
    upload = await trail.upload(("tea.csv", CSV))
    whole = [told.seq async for told in trail.until_done(upload.room)]
    following = trail.follow(upload.room, 0)
    head = [(await anext(following)).seq for _ in range(5)]
    kept = following.position
    await following.close()
    assert kept is not None
    async with trail.follow(upload.room, Position.parse(str(kept))) as following:
        rest = [(await anext(following)).seq for _ in range(len(whole) - 5)]
    assert head + rest == whole


async def test_a_position_of_another_log_gives_the_states(trail: Livetrail) -> None:
    upload = await trail.upload(("tea.csv", CSV))
    async for _ in trail.until_done(upload.room):
        pass
    async with trail.follow(upload.room, Position("another", 3)) as following:
        told = await anext(following)
    assert isinstance(told, Snapshot)
    assert told.state["status"] == "completed"


async def test_what_is_somebody_elses_is_not_there(server: Server, trail: Livetrail) -> None:
    upload = await trail.upload(("tea.csv", CSV))
    with_user(server.settings, "eve")
    async with Livetrail(server.url, token_of(server.settings, "eve")) as other:
        with pytest.raises(Refused) as refused:
            await anext(other.follow(upload.room))
        assert refused.value.code == "not_found"
        with pytest.raises(Refused) as refused:
            await other.batch(upload.batch_id)
        assert refused.value.code == "not_found"


async def test_a_token_that_is_not_good_is_said_so(server: Server) -> None:
    async with Livetrail(server.url, "lt_nothing") as trail:
        with pytest.raises(Refused) as refused:
            await trail.me()
        assert refused.value.status == 401
        async with asyncio.timeout(TEST_S):
            with pytest.raises(Refused) as refused:
                await anext(trail.follow())
        assert refused.value.status == 401


async def test_nobody_at_the_address_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "wait_s", lambda failures: 0.0)
    async with Livetrail("http://127.0.0.1:9", "lt_nothing") as trail:
        with pytest.raises(Unreachable, match="http://127.0.0.1:9 does not answer: no server li"):
            await trail.undo("job:nothing")


@pytest.fixture
async def without_sockets(tmp_path: Path) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data", enable_websockets=False)
    with_user(settings, "bob")
    async with serving(settings) as running:
        yield running


async def test_without_sockets_it_polls_and_hears_the_same(without_sockets: Server) -> None:
    server = without_sockets
    async with (
        asyncio.timeout(TEST_S),
        Livetrail(server.url, token_of(server.settings, "bob")) as trail,
        trail.follow("user:me") as following,
    ):
        await following.next()  # it knows where it begins
        upload = await trail.upload(("tea.csv", CSV))
        polled = []
        async for told in following:
            polled.append(told)
            if told.type == "batch_completed":
                break
        assert polled == [told async for told in trail.until_done(upload.room)]
        assert set(following.heard) == set(upload.job_ids)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path / "data")


async def test_killed_servers_are_waited_out_and_nothing_is_missed(settings: Settings) -> None:
    with_user(settings, "bob")
    token = token_of(settings, "bob")
    process = ServerProcess(settings.data_dir)
    await process.start()
    try:
        async with asyncio.timeout(4 * TEST_S), Livetrail(process.url, token) as trail:
            rows = b"".join(b"2025-01-04,Tea %d,-2.10\n" % n for n in range(20_000))
            upload = await trail.upload(("tea.csv", b"Date,Description,Amount\n" + rows))
            heard, kills = [], {"malware_scan", "storing"}
            async for told in trail.until_done(upload.room):
                heard.append((told.job_id, told.n, told.seq))
                if told.type == "step_started" and told.step in kills:
                    kills.discard(told.step or "")
                    await process.kill(with_workers=True)
                    await process.start()
            assert not kills
            job = await trail.job(upload.job_ids[0])
            assert job["status"] == "completed"
            ns = [n for job_id, n, _ in heard if job_id is not None]
            assert ns == list(range(1, job["n"] + 1))
            assert [seq for *_, seq in heard] == sorted({seq for *_, seq in heard})
    finally:
        with suppress(ProcessLookupError):
            await process.stop()


@pytest.fixture
def blocking(server: Server) -> Iterator[LivetrailSync]:
    with LivetrailSync(server.url, token_of(server.settings, "bob")) as trail:
        yield trail


async def test_without_asyncio_it_is_the_same(blocking: LivetrailSync) -> None:
    def story() -> list[str]:
        upload = blocking.upload(("tea.csv", CSV))
        types = [told.type for told in blocking.until_done(upload.room)]
        for told in blocking.follow(upload.room, 0):
            assert told.type == types[0]
            break
        assert [state["status"] for state in blocking.jobs(upload.room)] == ["completed"]
        assert blocking.questions() == []
        return types

    types = await asyncio.to_thread(story)
    assert types[0] == "batch_created"
    assert types[-1] == "batch_completed"


def test_without_with_it_says_so_instead_of_waiting() -> None:
    trail = LivetrailSync("http://127.0.0.1:9", "lt_nothing")
    with pytest.raises(RuntimeError, match="context manager"):
        trail.me()


async def test_what_another_thread_waits_for_ends_when_the_client_is_left(server: Server) -> None:
    begun = threading.Event()

    def listen(trail: LivetrailSync) -> None:
        following = trail.follow()
        begun.set()
        next(following)

    def story() -> None:
        with (
            ThreadPoolExecutor() as threads,
            LivetrailSync(server.url, token_of(server.settings, "bob")) as trail,
        ):
            listening = threads.submit(listen, trail)
            begun.wait(TEST_S)
            trail.me()  # by now it waits, or is about to
        with pytest.raises((LivetrailError, RuntimeError)):
            listening.result(TEST_S)

    await asyncio.to_thread(story)
