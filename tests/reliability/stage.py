"""Where clients come and go. Nobody sleeps there: each wait is for something, and is bounded."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.reliability.promises import Trail

PATIENCE_S = 60.0  # for what comes within milliseconds, unless the machine stands still
IMPATIENCE_S = 2.0  # once something did not come, while the history is made short

patience_s = PATIENCE_S


@contextmanager
def in_time(missing: Callable[[], str]) -> Iterator[None]:
    """Say what is missing when the body's time is over; the next one gets less."""
    global patience_s
    try:
        yield
    except TimeoutError:
        waited_s, patience_s = patience_s, IMPATIENCE_S
        raise AssertionError(f"waited {waited_s:g} s in vain for {missing()}") from None


class Stage:
    """What is waited for, and what went wrong meanwhile."""

    def __init__(self) -> None:
        self._stirred = asyncio.Event()
        self._failure: BaseException | None = None

    def stir(self) -> None:
        """Something came: whoever waits looks again."""
        self._stirred.set()

    def fail(self, error: BaseException) -> None:
        """Something is wrong: whoever waits, or checks, raises it."""
        self._failure = self._failure or error
        self.stir()

    def watch_the_loop(self) -> None:
        """Let an exception that nobody catches be a failure."""

        def unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            self.fail(context.get("exception") or AssertionError(context["message"]))

        asyncio.get_running_loop().set_exception_handler(unhandled)

    def check(self) -> None:
        """Raise what went wrong in the meantime."""
        if self._failure is not None:
            raise self._failure

    async def until(
        self,
        condition: Callable[[], bool],
        missing: Callable[[], str],
        *,
        within_s: float | None = None,
    ) -> None:
        """Wait for `condition`, which is looked at whenever something came.

        Raises AssertionError, saying what is missing, when it does not come in time.
        """
        with in_time(missing):
            async with asyncio.timeout(within_s or patience_s):
                while not condition():
                    self.check()
                    self._stirred.clear()
                    await self._stirred.wait()
        self.check()

    async def until_server(self, condition: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Wait for a condition within the server, of which nothing comes over the network."""
        with in_time(missing):
            async with asyncio.timeout(patience_s):
                while not condition():  # noqa: ASYNC110
                    await asyncio.sleep(0)


@dataclass(frozen=True)
class Person:
    """Somebody with an account; `token` is for its programs."""

    id: str
    token: str

    @property
    def batch(self) -> str:
        return f"01900000-0000-7000-8002-{self.id[-12:]}"

    def job(self, number: int) -> str:
        return f"01900000-0000-7000-80{number:02d}-{self.id[-12:]}"


class Place(Stage):
    """A server that clients come to, its people, and its log as an outsider finds it."""

    trail: Trail
    people: dict[str, Person]
    port: int
    log_id: str
