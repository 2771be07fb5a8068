"""Ids of batches that clients made up, and that are not in the log yet."""

from collections.abc import Iterator
from contextlib import contextmanager


class Reservations:
    """Whose an id is while somebody listens for its batch, or brings its files.

    Whoever asks first has it: nobody else can make a batch of that id, whose events the one who
    listens would hear. An id is free again once nobody holds it; a batch that was made of it has
    its owner in the database.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, int]] = {}  # id -> whose, and how often

    @contextmanager
    def held(self, batch_id: str, user_id: str) -> Iterator[bool]:
        """Hold an id while the body runs; yield False, holding nothing, when it is another's."""
        owner, times = self._held.get(batch_id, (user_id, 0))
        if owner != user_id:
            yield False
            return
        self._held[batch_id] = (user_id, times + 1)
        try:
            yield True
        finally:
            _, times = self._held[batch_id]
            if times > 1:
                self._held[batch_id] = (user_id, times - 1)
            else:
                del self._held[batch_id]
