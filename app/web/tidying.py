"""What came, and nobody came back for: let go of, every few minutes."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from app.core.errors import AppError
from app.keys import ARRIVALS
from app.web.reference.deposits import sweep_deposits

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 300.0


async def keep_tidy(app: web.Application) -> None:
    """Sweep now and every few minutes. To be run as a task.

    What can not be swept now, on a full disk for example, is swept later.
    """
    sweeps: dict[str, Callable[[], Awaitable[object]]] = {
        "uploads": app[ARRIVALS].sweep,
        "deposits": partial(sweep_deposits, app),
    }
    while True:
        for what, sweep in sweeps.items():
            try:
                await sweep()
            except (AppError, OSError, sqlite3.Error) as error:
                logger.warning("not swept: what=%s error=%r", what, error)
        await asyncio.sleep(SWEEP_EVERY_S)
