"""Who has a job in hand, and what those see who ask something of it meanwhile."""

import asyncio
from typing import Any, cast

import pytest

from app.core.errors import Conflict
from app.pipeline import hands
from app.pipeline.hands import Hand, Hands


class Row:
    """A job's row, as far as it matters here."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.state = {"status": status}


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Row:
    one = Row("processing")

    async def get_job(reader: object, job_id: str) -> Row:
        return one

    monkeypatch.setattr(hands, "get_job", get_job)
    return one


class NoDatabase:
    reader = None


def make_hands() -> tuple[Hands, asyncio.Event]:
    wake = asyncio.Event()
    return Hands(cast(Any, NoDatabase()), wake), wake


async def test_a_job_that_nobody_works_on_is_held_out_of_the_queue(row: Row) -> None:
    all_hands, wake = make_hands()
    async with all_hands.at("j") as (_, hand):
        assert (hand, [*all_hands.held]) == (None, ["j"])
        assert not wake.is_set()
    assert not all_hands.held
    assert wake.is_set()


async def test_two_who_ask_something_of_a_job_take_turns(row: Row) -> None:
    all_hands, _ = make_hands()
    seen: list[str] = []

    async def ask(name: str) -> None:
        async with all_hands.at("j"):
            seen.append(f"{name} asks")
            await asyncio.sleep(0)  # long enough for the other one to try
            seen.append(f"{name} has asked")

    await asyncio.gather(ask("ann"), ask("bob"))
    assert seen == ["ann asks", "ann has asked", "bob asks", "bob has asked"]


async def test_a_job_in_hand_is_not_taken_from_it(row: Row) -> None:
    all_hands, _ = make_hands()
    all_hands.working["j"] = Hand(cast(Any, None))
    with pytest.raises(Conflict):
        async with all_hands.holding("j"):
            raise AssertionError("it is in hand")


async def test_whoever_waited_for_a_job_whose_end_failed_finds_it_without_a_hand(row: Row) -> None:
    all_hands, _ = make_hands()
    hand = all_hands.working["j"] = Hand(cast(Any, None))
    found: list[Hand | None] = []

    async def ask() -> None:
        async with all_hands.at("j") as (_, one):
            found.append(one)

    async with hand.turn:
        asking = asyncio.create_task(ask())
        await asyncio.sleep(0)  # it waits for its turn
        # As the runner does where the job's end can not be written.
        del all_hands.working["j"]
        hand.ended.set()
    await asking
    assert found == [None]
