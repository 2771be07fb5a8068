"""The edge of the server: connections before they have asked, and between two questions.

The framework closes a connection that asks nothing after its keep-alive time, whatever it sends
meanwhile. Here the time for a question is bounded by itself and short, as is the number of
connections that cost a descriptor and are not being answered; what is no HTTP gets a problem like
every other error, and one quiet line in the log instead of a traceback.
"""

import asyncio
import logging
import resource
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Any, cast

from aiohttp import StreamReader, web

from app.core.errors import AppError, InternalError, InvalidRequest, RequestTimeout
from app.web.problems import problem_response, raw_problem

logger = logging.getLogger(__name__)

HEADER_S = 15.0  # from the connection, or a question's first byte, to the end of its header
ASKING_AT_MOST = 4096  # connections that have not finished asking; then the oldest goes
IDLE_AT_MOST = 2048  # connections between two questions; then the one idle longest goes
GONE_S = 2.0  # for the last words to arrive

OnRefusal = Callable[[str, AppError], None]
"""(address, why): somebody was turned away who had not asked anything that could be answered."""


class State(Enum):
    """What a connection is doing."""

    ASKING = "has not finished its question"
    ANSWERED = "may ask again"
    BUSY = "is being answered, or is a live connection"


class Caller(web.RequestHandler):
    """One connection, as the framework has it, which tells the lobby what it is doing."""

    __slots__ = ("_body", "_heard", "_lobby", "_wire", "state")

    def __init__(self, manager: web.Server, lobby: "Lobby", **options: Any) -> None:
        super().__init__(manager, **options)
        self.state = State.ASKING
        self._lobby = lobby
        self._heard = False  # something of the question that is not finished
        self._body: StreamReader | None = None  # of the latest question
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        self._lobby.bound(self._wire)
        self._lobby.asks(self)

    def data_received(self, data: bytes) -> None:
        if self.state is State.ASKING:
            self._heard = True
        elif self.state is State.ANSWERED and (self._body is None or self._body.is_eof()):
            self._heard = True
            self._lobby.asks(self)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lobby.leaves(self)
        self._wire = None
        super().connection_lost(exc)

    def begins(self, body: StreamReader) -> None:
        """The header of its question is complete and goes to a handler."""
        self._heard = False
        self._body = body
        self._lobby.leaves(self)

    def log_access(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float | None
    ) -> None:
        """The answer is out. It is the framework's only public sign of that."""
        super().log_access(request, response, time)
        if self.transport is not None:  # gone, or taken over by a live connection
            self._lobby.rests(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never reached a handler: it is no HTTP, or the framework itself failed."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is out")
        if isinstance(exc, UnicodeEncodeError):  # it says again what it was sent
            status, message = 400, "a header is no text"
        if status >= 500:
            logger.error("request failed outside of every handler", exc_info=exc)
            error: AppError = InternalError(reference="-")
        else:
            what = (message or "").partition("\n")[0].rstrip(":")[:100]
            error = InvalidRequest(what=f"it is no HTTP request ({what})")
            self._lobby.dropped["not_http"] += 1
            self._lobby.refused(self.address, error)
        response = problem_response(error, status)
        response.force_close()
        return response

    @property
    def address(self) -> str:
        """Where it comes from; "" when it is gone."""
        peer = None if self._wire is None else self._wire.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    def hang_up(self, error: AppError | None) -> None:
        """End it, telling why when something was heard of a question."""
        wire = self._wire
        if wire is None:
            return
        if error is not None and self._heard:
            self._lobby.refused(self.address, error)
            wire.write(raw_problem(error))
        self.force_close()
        asyncio.get_running_loop().call_later(GONE_S, wire.abort)


class Lobby:
    """The connections that are not being answered: who has waited longest, and for how long.

    idle_s      how long a connection may rest between two questions
    patience_s  a peer that takes nothing of what is sent for so long is gone, says the kernel
    """

    def __init__(self, *, idle_s: float, patience_s: float, on_refusal: OnRefusal) -> None:
        self.dropped: Counter[str] = Counter()  # connections, by reason
        self.refused = on_refusal
        self.idle_s = idle_s
        self._patience_ms = round(patience_s * 1000)
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._asking_at_most = min(ASKING_AT_MOST, max(1, descriptors // 4))
        self._idle_at_most = min(IDLE_AT_MOST, max(1, descriptors // 8))
        # Each with the time at which its patience ends, the earliest first.
        self._asking: OrderedDict[Caller, float] = OrderedDict()
        self._idle: OrderedDict[Caller, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0  # when it is over

    def bound(self, wire: asyncio.Transport) -> None:
        """Let the kernel end a connection whose peer takes nothing any more."""
        connection = wire.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._patience_ms)

    def asks(self, caller: Caller) -> None:
        """A question begins, or is awaited for the first time."""
        self.leaves(caller)
        caller.state = State.ASKING
        self._asking[caller] = until_s = asyncio.get_running_loop().time() + HEADER_S
        if len(self._asking) > self._asking_at_most:
            self._crowd_out(self._asking)
        self._wake(until_s)

    def rests(self, caller: Caller) -> None:
        """An answer is out."""
        self.leaves(caller)
        caller.state = State.ANSWERED
        self._idle[caller] = until_s = asyncio.get_running_loop().time() + self.idle_s
        if len(self._idle) > self._idle_at_most:
            self._crowd_out(self._idle)
        self._wake(until_s)

    def leaves(self, caller: Caller) -> None:
        """It is being answered, or gone."""
        if caller.state is State.ASKING:
            self._asking.pop(caller, None)
        elif caller.state is State.ANSWERED:
            self._idle.pop(caller, None)
        caller.state = State.BUSY

    def close(self) -> None:
        """Look after nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _crowd_out(self, callers: OrderedDict[Caller, float]) -> None:
        self.dropped["crowded_out"] += 1
        oldest = next(iter(callers))
        self.leaves(oldest)
        oldest.hang_up(RequestTimeout())

    def _wake(self, at_s: float) -> None:
        """Look around at `at_s` at the latest."""
        if self._timer is not None:
            if self._due_s <= at_s:
                return
            self._timer.cancel()
        self._due_s = at_s
        self._timer = asyncio.get_running_loop().call_at(at_s, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        for callers in (self._asking, self._idle):
            while callers and next(iter(callers.values())) <= now_s:
                caller = next(iter(callers))
                if caller.state is State.ASKING:
                    self.dropped["too_slow"] += 1
                self.leaves(caller)
                caller.hang_up(RequestTimeout())
            if callers:
                self._wake(next(iter(callers.values())))


class EdgeServer(web.Server):
    """The framework's server, with callers that stand in a lobby."""

    def __init__(self, inner: web.Server, lobby: Lobby, **options: Any) -> None:
        """inner: the application's own; it is not used any more."""
        super().__init__(
            inner.request_handler,
            request_factory=self._begin,
            handler_cancellation=inner.handler_cancellation,
        )
        self._inner_factory = inner.request_factory
        self._lobby = lobby
        self._options = options

    def __call__(self) -> web.RequestHandler:
        loop = asyncio.get_running_loop()
        return Caller(self, self._lobby, loop=loop, **self._options)

    def _begin(
        self, message: Any, payload: StreamReader, protocol: Any, writer: Any, task: Any
    ) -> web.BaseRequest:
        protocol.begins(payload)
        return self._inner_factory(message, payload, protocol, writer, task)


class EdgeRunner(web.AppRunner):
    """Runs an application behind the edge."""

    def __init__(
        self, app: web.Application, lobby: Lobby, *, shutdown_timeout: float, **options: Any
    ) -> None:
        """options: of the framework's handler of a connection."""
        super().__init__(app, shutdown_timeout=shutdown_timeout, **options)
        self._lobby = lobby
        self._options = options

    async def _make_server(self) -> web.Server:
        return EdgeServer(await super()._make_server(), self._lobby, **self._options)

    async def cleanup(self) -> None:
        """Stop, as the framework does."""
        try:
            await super().cleanup()
        finally:
            self._lobby.close()
