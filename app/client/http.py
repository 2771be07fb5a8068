"""Requests to one server: who asks, what an answer means, and when to ask again."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from app.client.errors import Refused, Unreachable

API = "/api/v1"
TRIES = 5  # of a request that can be repeated without doing anything twice
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
AGAIN = frozenset({429, 502, 503, 504})
NO_CONTENT, UNDER_WAY = 204, 409

Body = Callable[[], Any]
"""Makes the body of a request, anew for each try: a sent one is used up."""


def wait_s(failures: int) -> float:
    """Return how long to wait before the next try: doubling, with chance in it, bounded."""
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(failures, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - it spreads clients, no secret


class Http:
    """Requests of one user to one server. Used as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        """url: of the server, such as http://127.0.0.1:8080; token: an API token, lt_...

        Raises ValueError for what is no address.
        """
        try:
            given = urlsplit(url)
            is_address = given.scheme in ("http", "https") and bool(given.hostname)
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError(f"{url!r} is no address of a server; one looks like http://host:8080")
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # No limit in all: files are large, and listening has no end. Silence has one.
        patience = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=patience)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connection pool. Raises RuntimeError before the client was entered."""
        if self._session is None:
            raise RuntimeError("use the client as a context manager: async with Livetrail(...)")
        return self._session

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        repeat: bool | None = None,
    ) -> Any:
        """Return the JSON of an answer; None when it has no body.

        path    below /api/v1, unless it begins with it
        repeat  whether asking twice does nothing twice; by default only of GET

        Raises Refused, Unreachable.
        """

        async def once() -> Any:
            given = {"params": _plain(query), "headers": headers, "json": json}
            if body is not None:
                given["data"] = body()
                del given["json"]
            async with self.session.request(method, self.address(path), **given) as answer:
                return await read(answer)

        keyed = "Idempotency-Key" in (headers or {})
        repeats = method == "GET" if repeat is None else repeat
        return await patiently(once, self.url, repeats, keyed=keyed)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, Any] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield an answer whose body is read by the caller. Raises Refused, Unreachable."""
        try:
            async with self.session.get(self.address(path), params=_plain(query)) as answer:
                if answer.status >= 400:
                    await read(answer)
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{self.url} does not answer: {why(error)}") from error

    def address(self, path: str) -> str:
        """Return the whole address of a path, below /api/v1 unless it begins with a slash."""
        return self.url + (path if path.startswith("/") else f"{API}/{path}")


async def patiently(
    once: Callable[[], Awaitable[Any]], url: str, repeat: bool, *, keyed: bool = False
) -> Any:
    """Return what `once` returns, trying again, where that is harmless, while nobody answers.

    url    of the server
    keyed  it carries an Idempotency-Key: after a cut the first try may be under way still, which
           is a conflict until it has ended
    """
    failures = 0
    while True:
        try:
            return await once()
        except (aiohttp.ClientError, TimeoutError) as error:
            failures += 1
            if not repeat or failures >= TRIES:
                raise Unreachable(f"{url} does not answer: {why(error)}") from error
            await asyncio.sleep(wait_s(failures))
        except Refused as error:
            is_under_way = keyed and failures > 0 and error.status == UNDER_WAY
            failures += 1
            if not repeat or failures >= TRIES or not (is_under_way or error.status in AGAIN):
                raise
            await asyncio.sleep(min(error.retry_after_s or wait_s(failures), LONGEST_WAIT_S))


def why(error: Exception) -> str:
    """Return in a few words why there was no answer."""
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        return "no server listens there" if refused else str(error.os_error.strerror or error)
    if isinstance(error, TimeoutError):
        return "nothing was heard in time"
    return str(error) or type(error).__name__


async def read(answer: aiohttp.ClientResponse) -> Any:
    """Return the JSON of `answer`; None when it has no body. Raises Refused, Unreachable."""
    is_json = answer.content_type.endswith("json")
    try:
        said = await answer.json(content_type=None) if is_json else None
    except ValueError as error:
        raise Unreachable(
            "the answer is no JSON: is something between us and Livetrail?"
        ) from error
    if answer.status < 400:
        if not is_json and answer.status != NO_CONTENT:
            raise Unreachable(f"{answer.url.origin()} answers, but not as Livetrail does")
        return said
    wait = answer.headers.get("Retry-After", "")
    after_s = float(wait) if wait.isdecimal() else None
    raise Refused.of(said if isinstance(said, dict) else {}, answer.status, after_s)


def _plain(query: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return what goes into an address: without what is None."""
    if query is None:
        return None
    return {key: str(value) for key, value in query.items() if value is not None}
