"""Many who come in one turn of the loop have their turns one after the other."""

import asyncio

from app.live.turns import Turns


async def turn() -> None:
    await asyncio.sleep(0)


async def test_while_there_is_room_nobody_waits() -> None:
    done: list[int] = []
    turns = Turns(2)
    assert turns.begin(lambda: done.append(1)) is None
    assert turns.begin(lambda: done.append(2)) is None
    assert done == [1, 2]
    await turn()
    assert turns.begin(lambda: done.append(3)) is None
    assert done == [1, 2, 3]


async def test_in_a_crowd_some_are_served_in_each_turn_in_the_order_of_their_coming() -> None:
    done: list[int] = []
    turns = Turns(2)
    for number in range(7):
        turns.begin(lambda number=number: done.append(number))  # type: ignore[misc]
    seen = [len(done)]
    for _ in range(4):
        await turn()
        seen.append(len(done))
    assert seen == [2, 4, 6, 7, 7]
    assert done == list(range(7))


async def test_who_comes_later_does_not_overtake_who_waits() -> None:
    done: list[str] = []
    turns = Turns(1)
    for name in ("first", "second", "third"):
        turns.begin(lambda name=name: done.append(name))  # type: ignore[misc]
    await turn()
    assert turns.begin(lambda: done.append("late")) is not None
    for _ in range(3):
        await turn()
    assert done == ["first", "second", "third", "late"]


async def test_who_left_takes_nobodys_turn() -> None:
    done: list[str] = []
    turns = Turns(1)
    turns.begin(lambda: done.append("first"))
    gone = turns.begin(lambda: done.append("gone"))
    turns.begin(lambda: done.append("second"))
    assert gone is not None
    gone.cancel()
    await turn()
    assert done == ["first", "second"]
