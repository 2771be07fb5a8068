"""What this server calls because a user gave it an address: guarded against going astray.

The address that a name stands for is judged where the connection is made, so what was judged is
what is connected to, whatever the name stands for a moment later.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.core.addresses import PRIVATE, why_refused
from app.core.errors import TargetRefused, TargetUnreachable

URL_CHARACTERS = 2048
CONNECTIONS = 200  # more than callers have turns, also of one host: nobody waits for another's
LOOKUPS = 64  # threads that wait for name servers, of which slow ones hold each for a while
CONNECT_S = 10.0
QUIET_S = 30.0  # a body that stands still for so long is given up
MOVED = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "Livetrail"


Addresses = list[tuple[socket.AddressFamily, str]]


class Outbound:
    """Makes requests to addresses that users gave. Use as an async context manager.

    allow_private  this machine and private networks may be called too; see why_refused

    No cookies are kept, no proxy of the environment is used, nothing is unpacked.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self),
            use_dns_cache=False,
            socket_factory=self._socket,
            limit=CONNECTIONS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def why_refused(self, address: str) -> str:
        """Return why no connection may go to `address`, an IP address; "" when one may."""
        return why_refused(address, allow_private=self._allow_private)

    def check(self, text: str) -> URL:
        """Return `text` as a URL that may be called, as far as that can be told from its words.

        Raises TargetRefused.
        """
        if len(text) > URL_CHARACTERS:
            raise TargetRefused(host="this", why=f"it is longer than {URL_CHARACTERS} characters")
        try:
            url = URL(text)
            host, _ = url.host or "", url.port
        except (ValueError, IndexError):  # the latter where brackets stand before an @
            raise TargetRefused(host=repr(text[:80]), why="it is not an address") from None
        if url.scheme not in ("http", "https") or not host:
            raise TargetRefused(
                host=repr(text[:80]), why="it does not begin with https:// or http://"
            )
        if url.user is not None or url.password is not None:
            raise TargetRefused(host=host, why="the address holds a name or a password")
        if _is_literal(host) and (why := self.why_refused(host)):
            raise TargetRefused(host=host, why=why)
        if not self._allow_private and _is_local_name(host):
            raise TargetRefused(host=host, why=PRIVATE)
        return url

    @asynccontextmanager
    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        total_s: float | None = None,
        redirects: int = 0,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a request and yield its answer, whose body is not read yet.

        total_s    longest time of all of it, what the caller does within included; None: only a
                   body that stands still is given up
        redirects  how many of a GET are followed, each one checked; 0: the redirect is the answer

        Raises TargetRefused, TargetUnreachable, also while the caller reads the body.
        """
        host = "it"
        try:
            async with asyncio.timeout(total_s):
                url, given = self.check(target), dict(headers or {})
                for left in range(redirects, -1, -1):
                    host = url.host or host
                    async with self._session.request(
                        method,
                        url,
                        headers=given,
                        data=body,
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_S, sock_read=QUIET_S),
                    ) as response:
                        if not redirects or response.status not in MOVED:
                            yield response
                            return
                        moved = self._moved(url, response, left)
                    # What was meant for one server is not shown to another.
                    given = given if moved.origin() == url.origin() else {}
                    url = moved
        except TimeoutError:
            raise TargetUnreachable(host=host, why="it took too long to answer") from None
        except aiohttp.ClientError as error:
            raise TargetUnreachable(host=host, why=_words(error)) from error

    def _moved(self, url: URL, response: aiohttp.ClientResponse, left: int) -> URL:
        if not left:
            raise TargetUnreachable(host=url.host, why="it redirects too often")
        where = response.headers.get("Location", "")
        try:
            moved = self.check(str(url.join(URL(where))))
        except (ValueError, IndexError):
            raise TargetUnreachable(host=url.host, why="it redirects to nowhere") from None
        if url.scheme == "https" and moved.scheme == "http":
            raise TargetRefused(host=moved.host, why="a redirect from https leads to http")
        return moved

    def _socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Return a socket for the address that is connected to next, if it may be."""
        family, kind, protocol, _, address = info
        if why := self.why_refused(address[0]):
            raise TargetRefused(host=address[0], why=why)
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Finds the addresses of a name, in threads of its own: name servers can be slow.

    Nobody waits for these threads at the end of the server.
    """

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._turn = asyncio.Semaphore(LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host` that may be called. Raises TargetRefused, OSError."""
        found = await self._look_up(host, port, socket.AddressFamily(family))
        allowed = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in found
            if not self._outbound.why_refused(address)
        ]
        if not allowed:
            raise TargetRefused(host=host, why=self._outbound.why_refused(found[0][1]))
        return allowed

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> Addresses:
        """Ask in a thread. Its turn ends with the thread, not with who waits for it."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Addresses] = loop.create_future()
        await self._turn.acquire()

        def settle(found: Addresses | OSError) -> None:
            self._turn.release()
            if answered.done():  # whoever asked has given up
                return
            if isinstance(found, OSError):
                answered.set_exception(found)
            else:
                answered.set_result(found)

        def work() -> None:
            try:
                found: Addresses | OSError = _addresses_of(host, port, family)
            except OSError as error:
                found = error
            with suppress(RuntimeError):  # the loop is gone, and with it whoever asked
                loop.call_soon_threadsafe(settle, found)

        Thread(target=work, name="livetrail-lookup", daemon=True).start()
        return await answered

    async def close(self) -> None:
        """There is nothing to close."""


def _addresses_of(host: str, port: int, family: socket.AddressFamily) -> Addresses:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that no name may have
        raise OSError(None, str(error)) from error
    return list(dict.fromkeys((kind, str(address[0])) for kind, _, _, _, address in found))


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith((".localhost", ".local", ".internal"))


def _words(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientSSLError():
            return "its certificate can not be trusted, or it does not speak TLS"
        case aiohttp.ClientConnectorError():
            return "nothing answers there"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            return "the connection broke off"
        case aiohttp.ClientResponseError():
            return "its answer is not HTTP"
        case _:
            return "the connection failed"


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the first `limit` bytes of the answer's body; the rest is not read."""
    found = bytearray()
    while len(found) < limit:
        some = await response.content.read(limit - len(found))
        if not some:
            break
        found += some
    if not response.content.at_eof():
        response.close()  # or the rest would be read for the sake of the connection
    return bytes(found)
