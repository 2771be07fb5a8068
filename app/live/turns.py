"""Whose turn it is, when many come in the same turn of the loop."""

import asyncio
from collections import deque
from collections.abc import Callable


class Later:
    """Work that waits for its turn."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def cancel(self) -> None:
        self._work = None

    def begin(self) -> bool:
        """Do the work, unless it was cancelled; tell whether it was done."""
        work, self._work = self._work, None
        if work is None:
            return False
        work()
        return True


class Turns:
    """Does some pieces of work in each turn of the loop; the others wait for later ones.

    A piece is what one client brings about at once, some hundred microseconds. First come, first
    served; while there is room nobody waits. The queue holds one entry a waiting caller.
    """

    def __init__(self, a_turn: int) -> None:
        self._a_turn = a_turn
        self._left = a_turn
        self._waiting: deque[Later] = deque()
        self._next: asyncio.Handle | None = None

    def begin(self, work: Callable[[], None]) -> Later | None:
        """Do `work` now, or in a later turn; then return what it can be cancelled by."""
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._go_on)
        if self._left and not self._waiting:
            self._left -= 1
            work()
            return None
        later = Later(work)
        self._waiting.append(later)
        return later

    def _go_on(self) -> None:
        self._left = self._a_turn
        busy = bool(self._waiting)
        self._next = asyncio.get_running_loop().call_soon(self._go_on) if busy else None
        while self._left and self._waiting:
            if self._waiting.popleft().begin():
                self._left -= 1
