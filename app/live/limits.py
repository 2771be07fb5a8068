"""How many connections there may be, and what is taken from each."""

from collections import Counter
from functools import lru_cache

from app.core.permissions import Viewer
from app.core.protocol import Close, Hangup, Limits
from app.settings import Settings


class Seats:
    """The connections that are taken: so many of each holder, so many in all."""

    def __init__(self, settings: Settings) -> None:
        self.taken = 0
        self._settings = settings
        self._per_holder: Counter[str] = Counter()

    def obstacle(self, viewer: Viewer) -> tuple[str, Hangup] | None:
        """Return why a further connection of `viewer` can not be taken, in a word for the
        figures and for the client; None when it can."""
        limit = limits_of(viewer, self._settings).max_connections
        if self._per_holder[viewer.holder] >= limit:
            cause, reason = "user", f"you have {limit} connections already; close one"
        elif self.taken >= self._settings.max_websocket_connections:
            cause, reason = "server", "the server has as many connections as it may"
        else:
            return None
        return f"too_many_of_{cause}", Hangup(Close.TOO_MANY_CONNECTIONS, reason)

    def take(self, viewer: Viewer) -> None:
        self.taken += 1
        self._per_holder[viewer.holder] += 1

    def free(self, viewer: Viewer) -> None:
        self.taken -= 1
        self._per_holder[viewer.holder] -= 1
        if not self._per_holder[viewer.holder]:
            del self._per_holder[viewer.holder]


def limits_of(viewer: Viewer, settings: Settings) -> Limits:
    """Return what is taken from `viewer`: as the settings say, unless its token may more."""
    own = viewer.allowance
    return _limits(
        own.messages_per_second or settings.websocket_message_rate_limit,
        own.message_bytes or settings.websocket_max_message_size,
        own.connections or settings.max_websocket_connections_per_user,
    )


@lru_cache(maxsize=1024)
def _limits(messages_per_second: int, max_message_bytes: int, max_connections: int) -> Limits:
    return Limits(
        messages_per_second=messages_per_second,
        max_message_bytes=max_message_bytes,
        max_connections=max_connections,
    )
