"""Turns for what people ask for beside their jobs."""

import asyncio

from app.fairness import FairTurns


async def test_a_person_who_asks_for_much_delays_the_others_by_one_turn() -> None:
    turns, begun = FairTurns(1), list[str]()
    gate = asyncio.Event()

    async def work(user: str, name: str) -> None:
        async with turns.of(user):
            begun.append(name)
            await gate.wait()

    tasks = [asyncio.create_task(work("ann", f"ann {n}")) for n in range(5)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(work("bob", "bob")))
    await asyncio.sleep(0)
    assert begun == ["ann 0"]
    gate.set()
    await asyncio.gather(*tasks)
    assert begun.index("bob") == 1
    assert sorted(begun) == [*(f"ann {n}" for n in range(5)), "bob"]


async def test_one_person_never_has_more_than_one_turn() -> None:
    turns, now, most = FairTurns(3), 0, 0

    async def work() -> None:
        nonlocal now, most
        async with turns.of("ann"):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 1


async def test_who_stops_waiting_takes_no_turn_away() -> None:
    turns = FairTurns(1)
    async with turns.of("ann"):
        waiting = asyncio.create_task(turns.of("bob").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with asyncio.timeout(5), turns.of("bob"):
        pass
