"""How many requests that hold much, or last long, are under way at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import TooManyRequests


class Turnstile:
    """Places for one kind of request: so many in all, and so many of one user.

    Beyond them requests are refused.
    """

    def __init__(self, what: str, *, at_once: int, of_one: int) -> None:
        """what: the requests, as in "8 requests with reports at once"."""
        self._what = what
        self._at_once = at_once
        self._of_one = of_one
        self._held: Counter[str] = Counter()

    def held(self, user_id: str) -> int:
        """Return how many places a user holds."""
        return self._held[user_id]

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """Hold one place. Raises TooManyRequests where there is none."""
        if self._held[user_id] >= self._of_one:
            raise TooManyRequests(limit=f"{self._of_one} {self._what} at once", retry_after=1)
        if self._held.total() >= self._at_once:
            limit = f"{self._at_once} {self._what} at once, of all users"
            raise TooManyRequests(limit=limit, retry_after=1)
        self._held[user_id] += 1
        try:
            yield
        finally:
            self._held[user_id] -= 1
            if not self._held[user_id]:
                del self._held[user_id]
