"""The first few of a kind in a minute are told one by one, the rest as a number. No clock."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

MINUTE_MS = 60_000
KEYS_AT_MOST = 500  # told apart within a minute; what comes under further ones is one crowd


@dataclass(slots=True)
class _Seen(Generic[Item]):
    is_crowd: bool
    passed: int = 0
    held_back: int = 0
    latest: Item | None = None


class Restraint(Generic[Item]):
    """Lets `at_most` items of each key through in a minute, and counts what it holds back.

    The minute begins with the first item. In all, no more than KEYS_AT_MOST * at_most items get
    through, and then one sum for each key, and one for each crowd.
    """

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._began_ms = 0
        self._seen: dict[Hashable, _Seen[Item]] = {}
        self.holds_back = False

    def admit(self, key: Hashable, crowd: Hashable, item: Item, now_ms: int) -> bool:
        """Tell whether `item` is told by itself; otherwise it is part of a sum.

        crowd  key of the sum in which it is counted when there are too many keys
        """
        if not self._seen:
            self._began_ms = now_ms
        seen = self._seen.get(key)
        if seen is None and len(self._seen) >= KEYS_AT_MOST:
            seen = self._seen.setdefault((None, crowd), _Seen(True, self._at_most))
        elif seen is None:
            seen = self._seen[key] = _Seen(False)
        if seen.passed < self._at_most:
            seen.passed += 1
            return True
        seen.held_back += 1
        seen.latest = item
        self.holds_back = True
        return False

    def ends_ms(self) -> int:
        """Return when the minute is over. Only meaningful while something is counted."""
        return self._began_ms + MINUTE_MS

    def sums(self, now_ms: int, *, early: bool = False) -> list[tuple[Item, int, bool]]:
        """Return what was held back once the minute is over: (latest item, how many, is a crowd).

        early  do not wait for the end of the minute
        """
        if not self._seen or (now_ms < self.ends_ms() and not early):
            return []
        over, self._seen, self.holds_back = self._seen, {}, False
        return [
            (seen.latest, seen.held_back, seen.is_crowd)
            for seen in over.values()
            if seen.latest is not None
        ]
