"""Stretches of the log: how far one of them looks."""

from collections.abc import Sequence

from app.core.rooms import Room
from app.live.formats import JSON_LINES
from app.live.pages import SCANNED_AT_MOST, Pages
from app.store.events import Recorded

ROOM = Room("all")


async def test_a_page_never_looks_through_the_whole_log_for_a_rare_type() -> None:
    looked: list[int] = []

    async def read_room(
        room: Room, after: int, upto: int, limit: int, types: Sequence[str] | None
    ) -> list[Recorded]:
        looked.append(upto - after)
        return []

    pages, reached, head = Pages(read_room), 0, SCANNED_AT_MOST * 5 + 1
    interest = frozenset({(ROOM, frozenset({"rare"}))})
    while reached < head:
        page = await pages.page(interest, reached, head, form=JSON_LINES)
        reached = page.reached
    assert reached == head
    assert looked == [SCANNED_AT_MOST] * 5 + [1]
