"""Stretches of the log for sessions that catch up, read once and shared by all who ask for them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from app.core.rooms import Room
from app.live.formats import Chunk, Format, chunks
from app.store.events import Recorded

ReadRoom = Callable[[Room, int, int, int, Sequence[str] | None], Awaitable[list[Recorded]]]
"""(room, after, upto, limit, types) -> its events with after < seq <= upto, oldest first."""

Interest = frozenset[tuple[Room, frozenset[str] | None]]
"""Rooms, and of each the types that are wanted; None for all."""

Keep = Callable[[Recorded], bool]

Gone = Mapping[tuple[str, str | None], Sequence[int]]
"""(kind, id) of a room -> up to where events of it were pruned, once for each job or batch."""

PAGE_EVENTS = 200
SCANNED_AT_MOST = 20_000  # places of the log that one page looks at; types are found by looking
CACHE_BYTES = 8 * 1024 * 1024


class Page(NamedTuple):
    """Every wanted event past where it was asked from, up to `reached`."""

    chunks: tuple[Chunk, ...]
    reached: int


class Pages:
    """Reads pages one at a time, and remembers the latest few.

    All clients of a server that came back ask for the same few places, so the first one reads
    and the others find the finished bytes. The memory is bounded by CACHE_BYTES.

    turn  held by whoever reads, and by whoever prunes
    """

    def __init__(self, read_room: ReadRoom) -> None:
        self._read_room = read_room
        self.turn = asyncio.Lock()
        self._pages: OrderedDict[tuple[Interest, int, Format], Page] = OrderedDict()
        self._size_bytes = 0

    async def page(
        self, interest: Interest, after: int, upto: int, *, form: Format, keep: Keep | None = None
    ) -> Page:
        """Return the next events of `interest` with after < seq <= upto, at most a page of them.

        A page may be empty, and reach less far than `upto`. All reads share one connection, so
        none of them may look through the whole log for types that are rare.

        keep  leaves out the events for which it says no; such a page is nobody else's, nor is one
              in a format that says something else every time
        """
        if any(types is not None for _, types in interest):
            upto = min(upto, after + SCANNED_AT_MOST)
        key = (interest, after, form)
        shared = keep is None and form.lasting
        found = self._pages.get(key)
        if shared and found is not None and found.reached <= upto:
            return found
        async with self.turn:
            found = self._pages.get(key)  # another session may have read it meanwhile
            if shared and found is not None and found.reached <= upto:
                self._pages.move_to_end(key)
                return found
            events, reached = await self._read(interest, after, upto)
            if keep is not None:
                events = [event for event in events if keep(event)]
            packed = chunks(events, form)
            page = Page(packed, reached)
            if shared:
                self._remember(key, page)
            return page

    def forget(self) -> None:
        """Forget all pages: what was pruned is not to be told from memory."""
        self._pages.clear()
        self._size_bytes = 0

    async def _read(self, interest: Interest, after: int, upto: int) -> tuple[list[Recorded], int]:
        """Return the events of all rooms merged, each once, and how far they are complete."""
        reached = upto
        merged: dict[int, Recorded] = {}
        for room, types in interest:
            wanted = None if types is None else sorted(types)
            events = await self._read_room(room, after, upto, PAGE_EVENTS, wanted)
            if len(events) == PAGE_EVENTS:
                reached = min(reached, events[-1].seq)
            for event in events:
                merged[event.seq] = event
        return [merged[seq] for seq in sorted(merged) if seq <= reached], reached

    def _remember(self, key: tuple[Interest, int, Format], page: Page) -> None:
        before = self._pages.pop(key, None)
        if before is not None:
            self._size_bytes -= _size(before)
        self._pages[key] = page
        self._size_bytes += _size(page)
        while self._size_bytes > CACHE_BYTES:
            _, oldest = self._pages.popitem(last=False)
            self._size_bytes -= _size(oldest)


def _size(page: Page) -> int:
    return 256 + sum(len(chunk.data) for chunk in page.chunks)
