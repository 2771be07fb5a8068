"""Going down: everybody is told to come back, and not all in the same second."""

import asyncio
import logging
import random
from collections.abc import Collection

from app.core.protocol import Close, Hangup
from app.live.session import Session

logger = logging.getLogger(__name__)

GOODBYE_S = 5.0
ENDED_A_TURN = 20  # some three milliseconds, what their handlers do at the end included
BACK_A_SECOND = 1000  # a starting server welcomes them without effort
SPREAD_AT_LEAST_S, SPREAD_AT_MOST_S = 1.0, 30.0

_chance = random.SystemRandom()


def restarting(connections: int) -> Hangup:
    """Return the goodbye of a server that will be back; chance says when its client should be.

    connections  how many there are: the more, the longer the time over which they come back
    """
    spread_s = min(SPREAD_AT_MOST_S, max(SPREAD_AT_LEAST_S, connections / BACK_A_SECOND))
    wait_s = round(_chance.uniform(0, spread_s), 3)
    return Hangup(Close.RESTART, f"restarting; retry_after={wait_s:.3f}", retry_after_s=wait_s)


async def end_all(sessions: Collection[Session], nobody: asyncio.Event) -> None:
    """End all `sessions` with 1012, some in each turn of the loop, and cut those that hang.

    nobody  is set once they are gone
    """
    crowd = len(sessions)
    for number, session in enumerate(list(sessions), 1):
        session.end(restarting(crowd))
        if number % ENDED_A_TURN == 0:
            await asyncio.sleep(0)
    try:
        async with asyncio.timeout(GOODBYE_S):
            await nobody.wait()
    except TimeoutError:
        logger.warning("connections were cut: count=%d", len(sessions))
        for session in list(sessions):
            session.transport.abort()
