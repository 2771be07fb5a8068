"""How the work on a job is broken off from outside: at once, or where its step ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Why = Literal["pause", "cancel", "stop"]


class Halted(Exception):
    """The work on a job was broken off from outside."""


class Brake:
    """Breaks off one job's work. What is committed already stands.

    A pause lets the running step end for `grace_s` seconds and breaks it off then; it may be
    withdrawn, or overtaken by a cancel or a stop. These are at once, and the first of them stands.
    """

    def __init__(self, grace_s: float) -> None:
        self.why: Why | None = None
        self.by = ""
        self._grace_s = grace_s
        self._scope: asyncio.Timeout | None = None
        self._gently = False
        self._fired = False
        self._timer: asyncio.TimerHandle | None = None

    def halt(self, why: Literal["cancel", "stop"], by: str = "") -> None:
        """Break off at once."""
        if self.why in (None, "pause"):
            self.why, self.by = why, by
            self._fire()

    def pause(self) -> None:
        """Break off where the running step ends, or when its grace is over."""
        if self.why is not None:
            return
        self.why = "pause"
        if self._gently:
            self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._fire)
        else:
            self._fire()

    def release(self) -> None:
        """Withdraw a pause. Work that it broke off already is to be taken up anew."""
        if self.why == "pause":
            self.why = None
            self._rest()

    def check(self) -> None:
        """Raise Halted between two steps when the work is to end here."""
        if self.why is not None:
            raise Halted

    @asynccontextmanager
    async def on(self, *, gently: bool) -> AsyncIterator[None]:
        """Let the brake break off the body. Raises Halted when it did, or had before.

        gently  a pause gives the body its grace: it is a step, and not a mere wait
        """
        self.check()
        self._fired, self._gently = False, gently
        try:
            async with asyncio.timeout(None) as scope:
                self._scope = scope
                try:
                    yield
                finally:
                    self._scope, self._gently = None, False
                    self._rest()
        except TimeoutError as error:
            if not self._fired:
                raise
            raise Halted from error

    def _fire(self) -> None:
        self._rest()
        # Work that is being broken off already may take its time: its worker has to go first.
        if self._scope is not None and not self._fired:
            self._fired = True
            self._scope.reschedule(asyncio.get_running_loop().time())

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
