"""What was learned of how long steps take: in memory for whoever asks, in the table for later."""

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial

from app.core.rates import WHOLE_JOB, Rate, guessed, learned
from app.store.database import Database
from app.store.rates import put_rate, read_rates

ANY_KIND = ""


class Rates:
    """The measured rates, by step and kind of file. `load` comes first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], Rate] = {}

    async def load(self) -> None:
        """Take up what earlier lives of the server have learned."""
        self._known = await read_rates(self._database.reader)

    def of(self, kind: str) -> Mapping[str, Rate]:
        """Return what is known of each step for files of this kind."""
        return {step: rate for (step, of), rate in self._known.items() if of == kind}

    @property
    def whole_job(self) -> Rate:
        """What is known of files of any kind, from their first step to their last."""
        return self._known.get((WHOLE_JOB, ANY_KIND)) or guessed(WHOLE_JOB)

    def learn(
        self, step: str, kind: str, size: int, took_ms: float
    ) -> Callable[[sqlite3.Connection], None]:
        """Learn from one step; return what writes it, for the transaction that says it is done."""
        rate = learned(self._known.get((step, kind)) or guessed(step), size, took_ms)
        self._known[step, kind] = rate
        return partial(put_rate, step=step, kind=kind, rate=rate)
