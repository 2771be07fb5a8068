"""Ends connections whose session, token or share link has ended, or is worth something else now."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence

from app.core.permissions import Client, Viewer
from app.core.protocol import Close, Hangup
from app.live.hub import Hub

logger = logging.getLogger(__name__)

LOOKS_EVERY_S = 1.0
AT_ONCE = 500  # looked up with one query, some two milliseconds

Check = Callable[[Sequence[Viewer]], Awaitable[Sequence[bool | None]]]
"""Tells for each viewer: True while it is what it was, None when its rights have changed, False
once what it came by has ended."""

REASONS: dict[Client, str] = {
    "token": "the API token was revoked or has expired",
    "listen": "the listen-only token was ended or has expired",
    "share": "the share link was revoked or has expired",
}
SIGNED_OUT = "you were signed out"
CHANGED = Hangup(Close.RESTART, "what you may see has changed; come back")


class Recheck:
    """Looks again and again whether those who listen still may.

    Time ends a session without anybody's doing, and the command line changes accounts from
    another process: both are only found by looking.
    """

    def __init__(self, hub: Hub, check: Check) -> None:
        self._hub = hub
        self._check = check

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            try:
                await self.look()
            except sqlite3.Error:
                logger.exception("connections could not be looked over")

    async def look(self) -> None:
        """End what has to end, now. Cancelling is safe."""
        viewers: dict[object, Viewer] = {}
        for listener in self._hub.viewers():
            for viewer in (listener, listener.guest):
                if viewer is not None and viewer.via:
                    viewers[_key(viewer)] = viewer
        goodbyes: dict[object, Hangup] = {}
        everyone = list(viewers.values())
        for start in range(0, len(everyone), AT_ONCE):
            some = everyone[start : start + AT_ONCE]
            for viewer, holds in zip(some, await self._check(some), strict=True):
                if holds is None:
                    goodbyes[_key(viewer)] = CHANGED
                elif not holds:
                    reason = REASONS.get(viewer.client, SIGNED_OUT)
                    goodbyes[_key(viewer)] = Hangup(Close.NOT_AUTHENTICATED, reason)
        if goodbyes:
            self._hub.end_where(lambda viewer: _goodbye(viewer, goodbyes))


def _key(viewer: Viewer) -> object:
    return viewer.via, viewer.client, viewer.role, viewer.epoch


def _goodbye(viewer: Viewer, goodbyes: dict[object, Hangup]) -> Hangup | None:
    if (known := goodbyes.get(_key(viewer))) is not None:
        return known
    if viewer.guest is not None and _key(viewer.guest) in goodbyes:
        return CHANGED  # who signed in stays so
    return None
