"""Long work in slices: in each turn of the loop one of them, whoever has how much to do."""

import asyncio

from app.slices import Slices


async def test_who_has_much_to_do_shares_the_turns_of_the_loop() -> None:
    slices, done, turn = Slices(), [], 0

    async def work(name: str, many: int) -> None:
        for _ in range(many):
            async with slices.one():
                done.append((turn, name))

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.gather(work("a", 6), work("b", 2), work("c", 2))
    counting.cancel()
    turns = [at for at, _ in done]
    assert len(set(turns)) == len(turns)
    assert "".join(name for _, name in done) == "abcabcaaaa"


async def test_who_leaves_while_it_waits_keeps_nobody_waiting() -> None:
    slices = Slices()

    async def wait() -> None:
        async with slices.one():
            raise AssertionError("it has left")

    async with slices.one():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(10), slices.one():
        assert waiting.cancelled() or waiting.done()
