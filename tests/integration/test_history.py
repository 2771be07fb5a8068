"""The log over HTTP: pages, times, and waiting for what comes next."""

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.core.events import BatchCompleted
from app.core.times import ms_from_iso
from app.keys import HUB
from app.store.events import last_before, read_room
from tests.integration.listening import ANN, BOB, a_house, batch_id, job_id, until
from tests.integration.serving import serving, settings_for, with_user


def seqs(page: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in page["events"]]


async def the_next_millisecond() -> None:
    now_ms = time.time_ns() // 1_000_000
    await until(lambda: time.time_ns() // 1_000_000 > now_ms)


async def test_pages_lead_on_until_nothing_is_left(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.create(2, owner=BOB)
        await house.progress(1, times=20)
        found, after, more = [], 0, True
        while more:
            page = await house.history(after=after, limit=7)
            found += seqs(page)
            after, more = page["after"], page["more"]
        assert found == [1, 2, *range(5, 25)]
        assert (page["head"], page["after"], page["log"]) == (24, 24, house.database.log_id)


async def test_rare_types_are_looked_for_a_stretch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.history.SCANNED_AT_MOST", 10)
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1, times=40)
        await house.journal.append(BatchCompleted(batch_id=batch_id(ANN), jobs=1, message="..."))
        found, after, pages, more = [], 0, 0, True
        while more:
            page = await house.history(after=after, types="batch_completed")
            found += seqs(page)
            after, more, pages = page["after"], page["more"], pages + 1
        assert found == [43]
        assert pages == 5
        # Who waits is given the first one, however far it lies.
        page = await house.history(types="batch_completed", wait=20)
        assert seqs(page) == [43]


# Times


async def test_times_narrow_it_to_what_was_recorded_between_them(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1, times=3)
        await the_next_millisecond()
        [event] = await house.progress(1)
        await the_next_millisecond()
        await house.progress(1, times=2)
        moment = json.loads(event.body)["timestamp"]
        assert seqs(await house.history(**{"from": moment})) == [6, 7, 8]
        assert seqs(await house.history(to=moment)) == [1, 2, 3, 4, 5]
        assert seqs(await house.history(**{"from": moment, "after": 7})) == [8]
        assert seqs(await house.history(**{"from": moment.removesuffix("Z"), "limit": 1})) == [6]
        assert seqs(await house.history(**{"from": "2100-01-01"})) == []
        assert seqs(await house.history(to="1999-12-31T23:59:59+02:00")) == []


async def test_the_place_of_a_moment_is_found_also_between_holes(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        moments = {}
        for _ in range(12):
            await the_next_millisecond()
            [event] = await house.progress(1)
            moments[event.seq] = ms_from_iso(json.loads(event.body)["timestamp"])
        gone = {1, 5, 6, 7, 11, 14}

        def prune(connection: sqlite3.Connection) -> None:
            connection.execute(f"DELETE FROM event WHERE seq IN {tuple(gone)}")

        await house.database.writer.run(prune)
        for moment in moments.values():
            place = await last_before(house.database.reader, moment, 14)
            left = {seq for seq in moments if seq not in gone}
            assert {seq for seq in left if seq > place} == {
                seq for seq in left if moments[seq] >= moment
            }


# Waiting


async def test_who_waits_is_answered_when_something_happens_in_the_room(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.create(2, owner=BOB)
        room = f"job:{job_id(1)}"
        waiting = asyncio.create_task(house.history(room=room, after=4, wait=60))
        await until(lambda: len(house.hub.polls))
        await house.progress(2, times=50)  # somebody else's: no reason to look
        await house.progress(1)
        assert seqs(await waiting) == [55]
        assert len(house.hub.polls) == 0


async def test_waiting_looks_into_the_log_only_when_there_is_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    async def counted(*asked: Any) -> Any:
        nonlocal looked
        looked += 1
        return await read_room(*asked)

    monkeypatch.setattr("app.web.history.read_room", counted)
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.create(2, owner=BOB)
        waiting = asyncio.create_task(house.history(after=4, wait=60))
        await until(lambda: looked == 2)
        for _ in range(20):
            await house.progress(2)
        assert looked == 2
        await house.progress(1)
        await waiting
        assert looked == 3


async def test_what_is_told_before_there_is_somebody_to_wake_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)

        async def and_then_more(*asked: Any) -> Any:
            monkeypatch.undo()
            found = await read_room(*asked)
            await house.progress(1)
            return found

        monkeypatch.setattr("app.web.history.read_room", and_then_more)
        async with asyncio.timeout(40):
            assert seqs(await house.history(after=2, wait=60)) == [3]


async def test_waiting_ends_with_an_empty_page_that_leads_on(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        page = await house.history(after=2, wait=0.05)
        assert (seqs(page), page["after"], page["more"]) == ([], 2, False)


async def test_nobody_waits_for_what_is_over(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with asyncio.timeout(40):
            page = await house.history(to="2020-01-01", wait=60)
            assert (seqs(page), page["after"]) == ([], 0)
            page = await house.history(after=900, wait=60)
            assert (page["reset"], page["after"], seqs(page)) == (True, 2, [])
            page = await house.history(after=1, log="another", wait=60)
            assert page["reset"]
            page = await house.history(after=1, log=page["log"], wait=60)
            assert (page["reset"], seqs(page)) == (False, [2])


async def test_waiting_ends_when_the_server_goes_down(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        waiting = asyncio.create_task(house.history(wait=60))
        await until(lambda: len(house.hub.polls))
        async with asyncio.timeout(40):
            await house.hub.close()
            assert seqs(await waiting) == []


async def test_types_narrow_what_is_waited_for(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        waiting = asyncio.create_task(house.history(after=2, types="batch_completed", wait=60))
        await until(lambda: len(house.hub.polls))
        await house.progress(1, times=3)
        await house.journal.append(BatchCompleted(batch_id=batch_id(ANN), jobs=1, message="..."))
        assert seqs(await waiting) == [6]


async def test_one_that_waits_takes_a_place_until_it_leaves(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", max_websocket_connections_per_user=1)
    with_user(settings, "ann")
    path = "/api/v1/events/history?wait=60"
    async with serving(settings) as server, server.client("ann") as ann:
        polls = server.app[HUB].polls
        waiting = asyncio.create_task(ann.get(path))
        await until(lambda: len(polls))
        async with ann.get(path) as answer:
            assert answer.status == 429
            assert (await answer.json())["code"] == "too_many_connections"
        async with ann.get("/api/v1/events/history") as answer:
            assert answer.status == 200  # who does not wait takes none
        waiting.cancel()  # its client leaves, and its place is free
        await asyncio.wait({waiting})
        await until(lambda: not len(polls))
        again = asyncio.create_task(ann.get("/api/v1/events/history?wait=0.01"))
        assert (await again).status == 200


# What is gone


async def test_a_page_says_from_where_on_everything_is_there(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await house.progress(1, times=5)
        await house.progress(2)

        def prune(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM event WHERE job_id = ?", (job_id(1),))
            connection.execute("UPDATE job SET pruned_upto = 8 WHERE id = ?", (job_id(1),))

        await house.database.writer.run(prune)
        page = await house.history(after=0)
        assert (page["truncated"], page["oldest"], seqs(page)) == (True, 9, [1, 3, 9])
        page = await house.history(after=8)
        assert (page["truncated"], page["oldest"]) == (False, None)
        page = await house.history(room=f"job:{job_id(2)}")
        assert not page["truncated"]
        room = f"job:{job_id(1)}"
        async with asyncio.timeout(40):  # what is gone is told at once: nothing new may ever come
            page = await house.history(room=room, after=4, wait=60)
        assert (page["truncated"], page["oldest"], seqs(page), page["after"]) == (True, 9, [], 9)
        url = house.server.make_url("/history").with_query(who="ann")
        async with house.client.get(url, headers={"Accept": "application/x-ndjson"}) as answer:
            assert answer.headers["Livetrail-Oldest"] == "9"
            assert len((await answer.text()).splitlines()) == 3


@pytest.mark.parametrize(
    "query",
    [
        "wait=61",
        "wait=-1",
        "wait=soon",
        "from=yesterday",
        "since=2020-01-01",
        "limit=0",
        "types=jobs",
    ],
)
async def test_what_can_not_be_asked_is_told(ann: aiohttp.ClientSession, query: str) -> None:
    async with ann.get(f"/api/v1/events/history?{query}") as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "invalid_request"
