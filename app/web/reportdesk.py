"""How many requests with reports are held in memory at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import TooManyRequests

AT_ONCE = 64
AT_ONCE_OF_ONE = 8


class ReportDesk:
    """Its places: so many in all, and so many of one user. Beyond them requests are refused."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """Hold one place. Raises TooManyRequests where there is none."""
        if self._held[user_id] >= AT_ONCE_OF_ONE:
            limit = f"{AT_ONCE_OF_ONE} requests with reports at once"
            raise TooManyRequests(limit=limit, retry_after=1)
        if self._held.total() >= AT_ONCE:
            limit = f"{AT_ONCE} requests with reports at once, of all users"
            raise TooManyRequests(limit=limit, retry_after=1)
        self._held[user_id] += 1
        try:
            yield
        finally:
            self._held[user_id] -= 1
            if not self._held[user_id]:
                del self._held[user_id]
