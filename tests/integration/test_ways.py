"""The same job followed in every way there is: the same events, in the same order, each once."""

import asyncio
import json
import random
import string
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from app.core.events import ProcessingProgress
from tests.integration.listening import House, a_house, job_id, until
from tests.integration.ways import SOCKETS, WAYS, Event, Way
from tests.patience import LONGEST_S

ROOM = f"job:{job_id(1)}"


@asynccontextmanager
async def a_full_house(path: Path) -> AsyncIterator[House]:
    async with a_house(
        path, websocket_compression=True, max_websocket_connections_per_user=100
    ) as house:
        await house.create(1, 2)
        yield house


async def record(house: House, commits: int, size: int = 0) -> None:
    """Record progress of two jobs, in commits of 1 to 5 events. size: of what does not shrink."""
    chance = random.Random(3)
    letters = string.ascii_letters + string.digits
    for _ in range(commits):
        drafts = [
            ProcessingProgress(
                job_id=job_id(chance.choice((1, 1, 2))),
                stage="parsing",
                step="extracting",
                progress=50,
                message=f"é{number}" + "".join(chance.choices(letters, k=size)),
            )
            for number in range(chance.randint(1, 5))
        ]
        await house.journal.append(*drafts)


def of_the_job(house: House) -> list[Event]:
    return [json.loads(event.body) for event in house.told if event.job_id == job_id(1)]


async def told_by_all(listeners: dict[str, Coroutine[Any, Any, list[Event]]]) -> dict[str, Any]:
    async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as tasks:
        running = {name: tasks.create_task(listener) for name, listener in listeners.items()}
    return {name: task.result() for name, task in running.items()}


async def to_the_end(house: House, way: Way, last: asyncio.Future[int], after: int) -> list[Event]:
    """Listen until the event whose seq `last` tells, once it is known."""
    found: list[Event] = []
    async with aclosing(way(house, ROOM, after)) as events:
        async for event in events:
            found.append(event)
            if last.done() and event["seq"] == last.result():
                break
    return found


async def end(house: House, last: "asyncio.Future[int]") -> None:
    """Record the event that ends the story; `last` is known before anybody hears it."""
    draft = ProcessingProgress(
        job_id=job_id(1), stage="parsing", step="extracting", progress=60, message="the end"
    )
    last.set_result(house.journal.head + 1)
    [event] = await house.journal.append(draft)
    assert event.seq == last.result()


async def test_every_way_tells_the_same_from_replay_into_live(tmp_path: Path) -> None:
    async with a_full_house(tmp_path) as house:
        await record(house, 100)
        last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        telling = asyncio.create_task(record(house, 100))
        listening = asyncio.create_task(
            told_by_all({name: to_the_end(house, way, last, 0) for name, way in WAYS.items()})
        )
        await telling
        await end(house, last)
        heard = await listening
        expected = of_the_job(house)
        assert [event["n"] for event in expected] == list(range(1, len(expected) + 1))
        assert {name: events == expected for name, events in heard.items()} == dict.fromkeys(
            WAYS, True
        )


async def test_every_way_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    async def with_drops(house: House, way: Way, last: asyncio.Future[int]) -> list[Event]:
        found: list[Event] = []
        while not (last.done() and found and found[-1]["seq"] == last.result()):
            after = found[-1]["seq"] if found else 0
            async with aclosing(way(house, ROOM, after)) as events:
                async for event in events:
                    found.append(event)
                    if len(found) % 37 == 0 or (last.done() and event["seq"] == last.result()):
                        break
        return found

    async with a_full_house(tmp_path) as house:
        await record(house, 50)
        last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        telling = asyncio.create_task(record(house, 100))
        listening = asyncio.create_task(
            told_by_all({name: with_drops(house, way, last) for name, way in WAYS.items()})
        )
        await telling
        await end(house, last)
        heard = await listening
        expected = of_the_job(house)
        assert {name: events == expected for name, events in heard.items()} == dict.fromkeys(
            WAYS, True
        )


async def test_every_way_waits_for_a_slow_reader(tmp_path: Path) -> None:
    read_on = asyncio.Event()

    async def slowly(house: House, way: Way, last: asyncio.Future[int]) -> list[Event]:
        found: list[Event] = []
        async with aclosing(way(house, ROOM, 0)) as events:
            async for event in events:
                found.append(event)
                await read_on.wait()
                if last.done() and event["seq"] == last.result():
                    break
        return found

    async with a_full_house(tmp_path) as house:
        last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        listening = asyncio.create_task(
            told_by_all({name: slowly(house, way, last) for name, way in WAYS.items()})
        )
        await until(lambda: sum(s.audience is not None for s in house.hub.sessions) == len(SOCKETS))
        while house.hub.counts().behind < len(SOCKETS):
            await record(house, 50, size=8000)
        await end(house, last)
        read_on.set()
        heard = await listening
        expected = of_the_job(house)
        assert {name: events == expected for name, events in heard.items()} == dict.fromkeys(
            WAYS, True
        )
