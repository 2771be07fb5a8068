"""Whose turn an upload is."""

import asyncio
from typing import Any

import pytest

from app.web.arrivals import Turn


class Silent:
    """A body of which nothing more comes."""

    content: "Silent"

    def __init__(self) -> None:
        self.content = self

    async def readany(self) -> bytes:
        await asyncio.Event().wait()
        return b""


async def test_who_wants_the_turn_just_when_its_time_is_up_is_not_in_the_way() -> None:
    turn, body = Turn(), Silent()
    waiting: asyncio.Task[Any] = asyncio.create_task(turn.next_of(body, 0.0))  # type: ignore[arg-type]
    await asyncio.sleep(0)  # it waits
    await asyncio.sleep(0)  # its time is up, and it does not know yet
    turn.give_way()
    with pytest.raises(TimeoutError):
        await waiting


async def test_who_wants_the_turn_has_it_though_nothing_comes() -> None:
    turn, body = Turn(), Silent()
    waiting: asyncio.Task[Any] = asyncio.create_task(turn.next_of(body, 3600))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    turn.give_way()
    turn.give_way()
    with pytest.raises(TimeoutError):
        await waiting
    with pytest.raises(TimeoutError):
        await turn.next_of(body, 3600)  # type: ignore[arg-type]
