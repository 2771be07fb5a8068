"""Tells services of other people something, each time in a process of its own.

What speaks to a hundred services is large, waits as long as they let it, and is steered by what
users typed in: a process costs half a second, and can be killed.
"""

import asyncio
import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from app.core.notifications import Message
from app.fairness import FairTurns

logger = logging.getLogger(__name__)

PROGRAM = "app.notify"
ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 3
LONGEST_S = 30.0
TOO_LONG = "the service took too long"
BROKE_OFF = "the program that tells services broke off"


class Told(NamedTuple):
    """The name of the service, and why it was not told; "" when it was."""

    service: str
    why: str


class Messenger:
    """Runs the program that tells services. Used as an async context manager.

    allow_private  this machine and private networks may be reached too

    A user has one turn at a time, so that nobody takes all of them.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="livetrail-messenger")
        self._turns = FairTurns(AT_ONCE)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closing = False

    async def __aenter__(self) -> "Messenger":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what runs."""
        self._closing = True
        for process in list(self._running):
            process.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def look(self, user_id: str, address: str) -> Told:
        """Return what an address leads to; nobody is called."""
        return await self._run(user_id, {"address": address})

    async def tell(self, user_id: str, address: str, message: Message) -> Told:
        """Tell the service at `address`, and return how that went."""
        wish = {"address": address, "title": message.title, "body": message.body}
        return await self._run(user_id, wish)

    async def _run(self, user_id: str, wish: dict[str, str]) -> Told:
        text = json.dumps({**wish, "allow_private": self._allow_private}).encode()
        async with self._turns.of(user_id):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._work, text)

    def _work(self, text: bytes) -> Told:
        """In a thread. Cancelling the wait does not take it back; its end is near in any case."""
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it may hold secrets
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            )
        except OSError as error:  # no process, file or memory is left for it
            logger.warning("a notification could not begin: error=%r", error)
            return Told("", BROKE_OFF)
        self._running.add(process)
        try:
            if self._closing:
                process.kill()
            said, _ = process.communicate(text, timeout=LONGEST_S)
            told = json.loads(said)
            return Told(told["service"], told["why"])
        except subprocess.TimeoutExpired:
            return Told("", TOO_LONG)
        except ValueError:
            logger.warning("a notification broke off: code=%s", process.returncode)
            return Told("", BROKE_OFF)
        finally:
            process.kill()
            process.communicate()
            self._running.discard(process)
