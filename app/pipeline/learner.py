"""Lets what people taught be learned, in the background, once they have taught for a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from app.core.errors import AppError

logger = logging.getLogger(__name__)

QUIET_S = 5.0  # corrections come in rows; one fit for all of them is enough


class Learner:
    """Who taught something is kept until it is learned; whoever teaches meanwhile, learned again.

    learn  learns anew from everything a user taught
    """

    def __init__(self, learn: Callable[[str], Awaitable[object]], quiet_s: float = QUIET_S) -> None:
        self._learn = learn
        self._quiet_s = quiet_s
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()

    def taught(self, user_ids: Iterable[str]) -> None:
        """These users taught something."""
        self._waiting.update(user_ids)
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Learn, one user after another, until cancelled. What can not be learned is logged."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._quiet_s)
            self._wake.clear()
            users, self._waiting = self._waiting, set()
            for user_id in sorted(users):
                try:
                    await self._learn(user_id)
                # Whatever it was, the next correction tries again, and others are learned now.
                except AppError as error:
                    logger.warning("not learned: user=%s code=%s", user_id, error.code)
                except Exception:
                    logger.exception("not learned: user=%s", user_id)
