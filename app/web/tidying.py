"""What came, and nobody came back for: let go of, every few minutes."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from app.core.errors import AppError
from app.keys import ARRIVALS, DATABASE
from app.store.accounts import now_ms
from app.store.idempotency import forget_answers
from app.store.webhooks import forget_old_secrets
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
        "secrets": partial(sweep_secrets, app),
    }
    while True:
        for what, sweep in sweeps.items():
            try:
                await sweep()
            except (AppError, OSError, sqlite3.Error) as error:
                logger.warning("not swept: what=%s error=%r", what, error)
        await asyncio.sleep(SWEEP_EVERY_S)


async def sweep_secrets(app: web.Application) -> None:
    """Erase secrets that are of no use any more: those before a rotation, and in old answers."""
    at_ms = now_ms()

    def work(connection: sqlite3.Connection) -> None:
        forget_old_secrets(connection, at_ms)
        forget_answers(connection, at_ms)

    await app[DATABASE].writer.run(work)
