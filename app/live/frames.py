"""What goes over one connection, written down for a while: for an operator who looks for a fault.

Nothing of it costs the other connections anything: the session's own `write` is replaced.
"""

import asyncio
import logging
import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from app.core.errors import Conflict
from app.core.protocol import Hangup
from app.core.wire import COMPRESSED, GZIP, GZIPPED, RAW
from app.live.session import Session

logger = logging.getLogger(__name__)

FRAMES_KEPT = 200
TEXT_KEPT = 2000  # characters of a frame
LOGS_AT_MOST = 10
LINES_A_SECOND = 50  # in the server's log; the last frames are kept in any case

KINDS = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
FIRST_FRAME = b"\x80"  # every frame of ours is whole: the first bit of it is set, as of no text
END_OF_DEFLATE = b"\0\0\xff\xff"


class Frame(NamedTuple):
    """One frame. `n` counts from 1; `text` is cut after TEXT_KEPT characters."""

    n: int
    at_ms: int
    direction: Literal["in", "out"]
    kind: str
    size_bytes: int
    text: str


class FrameLog:
    """Writes down what goes over a session's connection, until its time is over.

    until_ms  when it ends by itself
    """

    def __init__(self, session: Session, seconds: float) -> None:
        self.number = session.number
        self.until_ms = _now_ms() + round(seconds * 1000)
        self.frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)
        self._client_id = session.client_id
        self._session: Session | None = session
        self._count = 0
        self._second = self._lines = 0
        self._write = session.write
        session.write = self._tells
        session.tap = self
        self._end = asyncio.get_running_loop().call_later(seconds, self.stop)

    @property
    def is_on(self) -> bool:
        return self._session is not None

    def stop(self) -> None:
        """Let the connection be. What was written down stays."""
        self._end.cancel()
        if self._session is not None:
            self._session.write = self._write
            self._session.tap = None
            self._session = None
            logger.info("frames no longer logged: client=%s", self._client_id)

    def hears(self, message: str | bytes) -> None:
        """Write a message of the client down."""
        if isinstance(message, str):
            self._note("in", "text", len(message.encode()), message)
        else:
            self._note("in", "binary", len(message), _unpacked(message))

    def ends(self, goodbye: Hangup) -> None:
        """Write down that the server ends the connection."""
        self._note("out", "close", 2 + len(goodbye.reason), f"{goodbye.code} {goodbye.reason}")

    def _tells(self, data: bytes) -> None:
        self._write(data)
        if data[:1] >= FIRST_FRAME:
            for kind, payload, text in read_frames(data):
                self._note("out", kind, payload, text)
        else:
            self._note("out", "stream", len(data), _text(data))

    def _note(self, direction: Literal["in", "out"], kind: str, size: int, text: str) -> None:
        at_ms = _now_ms()
        text = text[:TEXT_KEPT]
        self._count += 1
        self.frames.append(Frame(self._count, at_ms, direction, kind, size, text))
        if at_ms // 1000 != self._second:
            self._second, self._lines = at_ms // 1000, 0
        self._lines += 1
        if self._lines <= LINES_A_SECOND:
            logger.info(
                "frame: client=%s direction=%s kind=%s size_bytes=%d text=%r",
                self._client_id, direction, kind, size, text,
            )  # fmt: skip


class FrameLogs:
    """The latest few logs of connections, also of some that are over."""

    def __init__(self) -> None:
        self._logs: OrderedDict[int, FrameLog] = OrderedDict()

    def start(self, session: Session, seconds: float) -> FrameLog:
        """Begin to log, or begin anew. Raises Conflict while too many others are logged."""
        before = self._logs.pop(session.number, None)
        if before is not None:
            before.stop()
        if len(self._logs) >= LOGS_AT_MOST:
            over = next((log for log in self._logs.values() if not log.is_on), None)
            if over is None:
                raise Conflict(
                    what=f"The frames of {LOGS_AT_MOST} connections are being logged",
                    todo="Switch one of them off first.",
                )
            del self._logs[over.number]
        log = self._logs[session.number] = FrameLog(session, seconds)
        return log

    def of(self, number: int) -> FrameLog | None:
        """Return the log of the connection with this number; None when it has none."""
        return self._logs.get(number)


def read_frames(data: bytes) -> Iterator[tuple[str, int, str]]:
    """Read the whole, unmasked frames of one write: the kind, payload size and text of each."""
    start = 0
    while start < len(data):
        first, size = data[start], data[start + 1]
        start += 2
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        payload = data[start : start + size]
        start += size
        kind = KINDS.get(first & 0x0F, "unknown")
        if first & COMPRESSED:
            inflate = zlib.decompressobj(RAW)
            yield kind, size, _text(inflate.decompress(payload + END_OF_DEFLATE, 4 * TEXT_KEPT))
        elif kind == "binary":
            yield kind, size, _unpacked(payload)
        else:
            yield kind, size, _text(payload)


def _unpacked(data: bytes) -> str:
    """Return a packed message as text: its names and words can be read, its numbers can not."""
    if data[:1] != GZIPPED:
        return _text(data[1:])
    try:
        return _text(zlib.decompressobj(GZIP).decompress(data[1:], 4 * TEXT_KEPT))
    except zlib.error:
        return "(damaged)"


def _text(data: bytes) -> str:
    return data[: 4 * TEXT_KEPT].decode(errors="replace")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
