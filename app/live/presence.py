"""Who else of a user's is here: named connections that come, come back, and end.

What is said about it is no event: it is written to those who are here, and kept only in the audit
log. Only connections that were not told by their client what to listen to hear it.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from app.core.permissions import may
from app.core.protocol import (
    ConnectionEstablished,
    ConnectionLost,
    Reconnected,
    UserDisconnected,
)
from app.core.times import iso_from_ms
from app.live.session import Session

TOLD_AT_MOST = 20  # so many of a user hear of each other: after a restart all come at once
Kind = (
    type[ConnectionEstablished] | type[Reconnected] | type[ConnectionLost] | type[UserDisconnected]
)
REMEMBERED = 10_000  # names that ended, so that who comes back is told so


class Presence:
    """Named connections of all users, and who hears of them."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], int] = {}  # (holder, name) -> connections
        self._ended: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._hearing: dict[str, dict[Session, None]] = {}  # by holder
        self._operators: dict[Session, None] = {}

    @contextmanager
    def named(self, session: Session, *, hears: bool) -> Iterator[None]:
        """Count a named connection in while the body runs, and tell the others.

        hears  it is told of others too
        """
        key = (session.viewer.holder, session.client_id)
        self._tell(session, Reconnected if self._comes_back(key) else ConnectionEstablished)
        self._names[key] = self._names.get(key, 0) + 1
        if hears:
            self._hearing.setdefault(key[0], {})[session] = None
            if may(session.viewer, "operate"):
                self._operators[session] = None
        try:
            yield
        finally:
            self._forget(session)
            self._names[key] -= 1
            if not self._names[key]:
                del self._names[key]
                self._remember(key)
                self._tell(session, ConnectionLost)
                self._tell(session, UserDisconnected)

    def _comes_back(self, key: tuple[str, str]) -> bool:
        return key in self._names or self._ended.pop(key, False) is None

    def _remember(self, key: tuple[str, str]) -> None:
        self._ended[key] = None
        self._ended.move_to_end(key)
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    def _forget(self, session: Session) -> None:
        holder = session.viewer.holder
        hearing = self._hearing.get(holder, {})
        hearing.pop(session, None)
        if not hearing:
            self._hearing.pop(holder, None)
        self._operators.pop(session, None)

    def _tell(self, about: Session, kind: Kind) -> None:
        own = self._hearing.get(about.viewer.holder, {})
        others = {} if kind is UserDisconnected else self._operators
        told = kind(
            client_id=about.client_id,
            user_id=about.viewer.user_id,
            timestamp=iso_from_ms(time.time_ns() // 1_000_000),
        )
        for session in list(islice({**own, **others}, TOLD_AT_MOST)):
            # Who does not read hears of nobody: nothing is held for them.
            if session is not about and not session.line.writing_paused:
                session.say(told)
