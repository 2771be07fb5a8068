"""Once for each Idempotency-Key: what is asked for is done the first time, and later said again."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from aiohttp import web

from app.core.errors import InvalidRequest
from app.keys import IDEMPOTENCY
from app.store.idempotency import Answer, Remembered, remember_answer

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Once:
    """Under which key something is asked for. Without one it is done as often as it is asked for.

    path   of the request: a key is good for one address
    known  what was answered under the key before
    """

    user_id: str = ""
    path: str = ""
    key: str | None = None
    known: Remembered | None = None

    def before(self, fingerprint: str) -> Answer | None:
        """Return what was answered when the same was asked for; None when it is to be done.

        Raises Conflict when the key came with something else.
        """
        return None if self.known is None else self.known.again(fingerprint)

    def remember(
        self, connection: sqlite3.Connection, answer: Answer, fingerprint: str, at_ms: int
    ) -> None:
        """Write the answer in the transaction of what it speaks of. Nothing without a key."""
        if self.key is not None:
            remembered = Remembered(answer, fingerprint)
            remember_answer(connection, self.user_id, self.key, self.path, remembered, at_ms)


ALWAYS = Once()
"""Of what comes without a key: by a page's form, by a socket, out of the server itself."""


@asynccontextmanager
async def once(request: web.Request, user_id: str) -> AsyncIterator[Once]:
    """Hold the key of the request, if it has one, until it is answered.

    Raises InvalidRequest for a bad key, Conflict for one that was used at another address or whose
    request is still under way.
    """
    key = key_of(request)
    if key is None:
        yield ALWAYS
        return
    idempotency = request.app[IDEMPOTENCY]
    with idempotency.answering(user_id, key):
        known = await idempotency.answered(user_id, key, request.path)
        yield Once(user_id, request.path, key, known)


def key_of(request: web.Request) -> str | None:
    """Return the request's Idempotency-Key, if it has one. Raises InvalidRequest."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= LONGEST_KEY and key.isprintable()):
        raise InvalidRequest(what=f"an Idempotency-Key has 1 to {LONGEST_KEY} visible characters")
    return key


def fingerprint_of(asked: object) -> str:
    """Return what tells one thing that is asked for from another. `asked` can be told as JSON."""
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()
