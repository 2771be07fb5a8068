"""The log kept within an age or a size: whole jobs go, their last state stays, and all are told."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from app.core.events import BatchCompleted, JobRetried, ProcessingCompleted
from app.core.rooms import Room
from app.core.times import DAY_MS
from app.keys import HUB
from app.live.retention import Retention
from app.settings import Settings
from app.store import retention
from app.store.events import Recorded, read_room
from app.store.jobs import get_job
from app.store.retention import floor_of_room, used_bytes
from tests.integration.listening import ANN, BOB, Following, House, a_house, batch_id, job_id, until
from tests.integration.serving import (
    ended,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)
from tests.integration.test_positions import hold_back
from tests.patience import LONGEST_S

MARCH = b"date,amount,payee\n2026-03-01,1.50,Shop\n"


async def end(house: House, *numbers: int, untold: bool = False) -> list[Recorded]:
    """Record that jobs ended well, and with them their batch."""
    ends = [ProcessingCompleted(job_id=job_id(number), message="...") for number in numbers]
    batch = BatchCompleted(batch_id=batch_id(ANN), message="...")
    return await house.journal.append(*ends, *(() if untold else (batch,)))


async def prune(house: House, *, days: int = 1, later_days: int = 2, size_bytes: int = 0) -> int:
    """Prune as a server would `later_days` from now; return how many events went."""
    settings = Settings(log_retention_days=days, log_retention_bytes=size_bytes)
    now_ms = time.time_ns() // 1_000_000 + later_days * DAY_MS
    return await Retention(house.database.writer, house.hub, settings, lambda: now_ms).prune()


async def there(house: House) -> list[int]:
    """Return the places that the log still has."""
    events = await read_room(house.database.reader, Room("all"), 0, 10**9, 10**9)
    return [event.seq for event in events]


async def until_live(client: Following) -> list[tuple[Any, ...]]:
    """Return what comes up to `live`, in short."""
    found: list[tuple[Any, ...]] = []
    for message in await client.until("live"):
        match message["type"]:
            case "truncated":
                found.append(("truncated", message["oldest"]))
            case "snapshot":
                found.append(("state", message["job_id"][-1], message["state"]["last_seq"]))
            case "processing_progress" | "processing_completed" | "job_created" | "job_retried":
                found.append(("event", message["seq"]))
    return found


async def test_ended_jobs_go_whole_and_their_last_state_stays(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)  # 1 is the batch's, 2 and 3 the jobs'
        await house.progress(1, times=3)  # 4 to 6
        await end(house, 1, untold=True)  # 7
        state = (await get_job(house.database.reader, job_id(1))).state  # type: ignore[union-attr]
        assert await prune(house) == 5
        assert await there(house) == [1, 3]
        job = await get_job(house.database.reader, job_id(1))
        assert job is not None
        assert job.state == state


async def test_what_a_batch_says_of_itself_goes_with_its_last_job(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await end(house, 1, untold=True)
        await prune(house)
        assert await there(house) == [1, 3]
        await end(house, 2)
        await prune(house)
        assert await there(house) == []
        assert await floor_of_room(house.database.reader, Room("batch", batch_id(ANN))) == 6
        assert await floor_of_room(house.database.reader, Room("user", ANN)) == 6
        assert await floor_of_room(house.database.reader, Room("job", job_id(1))) == 4
        assert await floor_of_room(house.database.reader, Room("all")) == 6


async def test_jobs_that_ended_lately_stay(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await end(house, 1)
        assert await prune(house, days=3) == 0
        assert await prune(house, days=0, size_bytes=1) == 4


async def test_the_end_of_a_batch_is_told_before_its_jobs_may_go(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await end(house, 1, untold=True)  # the server died just then
        assert await prune(house) == 0


async def test_the_oldest_go_until_the_rest_is_small_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "EVENTS_AT_ONCE", 10)
    async with a_house(tmp_path) as house:
        numbers = range(1, 7)
        await house.create(*numbers)
        for number in numbers:
            await house.progress(number, times=10, size=4000)
        await end(house, *numbers)
        before = await house.database.writer.run(used_bytes)
        limit = before - 100_000
        await prune(house, days=0, size_bytes=limit)
        after = await house.database.writer.run(used_bytes)
        assert limit - 60_000 < after <= limit
        left = [
            n
            for n in numbers
            if await house.database.reader.execute_fetchall(
                "SELECT 1 FROM event WHERE job_id = ? LIMIT 1", (job_id(n),)
            )
        ]
        assert left == list(numbers)[-len(left) :]
        assert 0 < len(left) < 6


async def test_what_was_not_told_yet_does_not_go(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        events = await end(house, 1)
        house.hub.head = events[0].seq - 1
        assert await prune(house) == 0


async def test_who_comes_from_before_is_told_so_and_gets_the_states(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2, 3, 4)  # 2 to 5
        await end(house, 3, 1, 4, untold=True)  # 6, 7, 8
        await prune(house)
        await house.progress(2)  # 9
        async with house.follow() as client:
            await client.subscribe(after=3, id="mine")
            assert await until_live(client) == [
                ("truncated", 9),
                ("state", "3", 6),
                ("state", "1", 7),
                ("state", "4", 8),
                ("event", 9),
            ]
            await house.progress(2)
            assert (await client.next())["seq"] == 10


@pytest.mark.parametrize("after", [6, 7])
async def test_who_has_what_was_pruned_is_not_bothered(tmp_path: Path, after: int) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await house.progress(1, times=2)
        await end(house, 1, untold=True)  # 6
        await house.progress(2, times=2)
        await prune(house)
        async with house.follow() as client:
            await client.subscribe(after=after)
            assert await until_live(client) == [("event", seq) for seq in range(after + 1, 9)]


async def test_other_rooms_are_not_concerned(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await end(house, 1, untold=True)
        await prune(house)
        async with house.follow() as client:
            await client.subscribe(f"job:{job_id(2)}", after=0)
            assert await until_live(client) == [("event", 3)]


async def test_a_job_that_is_retried_after_it_was_pruned_is_told_once(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await end(house, 1)
        await prune(house)  # 1 to 4
        again = JobRetried(job_id=job_id(1), message="...", status="pending", progress=0)
        await house.journal.append(again)
        await house.progress(1)
        assert await prune(house) == 0, "it has not ended"
        async with house.follow() as client:
            await client.subscribe(after=0)
            assert await until_live(client) == [("truncated", 5), ("state", "1", 6)]
            [event] = await house.progress(1)
            assert (await client.next())["n"] == event.n == 5


async def test_who_is_reading_the_log_when_it_is_pruned_misses_nothing(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await end(house, 1, untold=True)  # 4
        await house.progress(2)  # 5
        async with house.follow() as client:
            may_read = hold_back(house)
            await client.subscribe(after=0)
            await client.until("subscribed")
            pruning = asyncio.create_task(prune(house))
            await until(lambda: house.hub._pages.turn.locked())
            may_read.set()
            await pruning
            told = await until_live(client)
        # The page was read before, or is read again after: either way there is no hole.
        assert told in (
            [("event", 2), ("event", 3), ("event", 4), ("event", 5)],
            [("truncated", 5), ("state", "1", 4), ("event", 3), ("event", 5)],
        )


async def test_a_restarted_server_knows_what_it_pruned(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await end(house, 1)
        await prune(house)
    async with a_house(tmp_path) as house, house.follow() as client:
        await client.subscribe(after=0)
        assert await until_live(client) == [("truncated", 5), ("state", "1", 3)]
        again = await house.create(2, owner=BOB)
        assert again[0].seq == 5, "no place is given twice"


async def test_a_durable_name_that_was_away_for_long_is_told_so(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with house.follow(name="till") as client:
            await client.subscribe(after="acked")
            await client.until("live")
        await end(house, 1)
        await prune(house)
        async with house.follow(name="till") as client:
            await client.subscribe(after="acked")
            assert await until_live(client) == [("truncated", 5), ("state", "1", 3)]


async def test_a_server_prunes_by_itself_and_says_what_it_can_not_show(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    async with serving(settings, warm=True) as server:
        with_user(settings, "ann")
        async with server.client("ann") as ann:
            accepted = await upload(
                ann, ("march.csv", b"date,amount,payee\n2026-03-01,1.50,Shop\n")
            )
            (state,) = await ended(ann, accepted)
    small = settings_for(tmp_path, log_retention_bytes=1)
    async with serving(small) as server, server.client("ann") as ann:
        await until(lambda: server.app[HUB].pruned_upto)
        async with asyncio.timeout(LONGEST_S), ann.ws_connect("/ws?frames=single") as socket:
            await socket.send_json({"op": "subscribe", "room": "user:me", "after": 0})
            kinds = [(await socket.receive_json())["type"] for _ in range(5)]
            assert kinds == ["welcome", "subscribed", "truncated", "snapshot", "live"]
        job = f"/api/v1/jobs/{state['job_id']}"
        assert await state_of(ann, state["job_id"]) == state
        async with ann.get(f"{job}?at_n=1") as answer:
            assert answer.status == 410
            assert (await answer.json())["code"] == "history_pruned"
        async with ann.get(f"/jobs/{state['job_id']}") as page:
            assert page.status == 200
