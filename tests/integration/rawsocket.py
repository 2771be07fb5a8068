"""A WebSocket client on a bare connection, which may break every rule."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.integration.serving import LONGEST_S, Server

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
NO_MASK = b"\0\0\0\0"  # legal, and leaves the payload as it is


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = NO_MASK,
    size: int | None = None,
) -> bytes:
    """Return one frame.

    mask  is said, but not applied; None: the frame says that it has none
    size  what is said of the payload's length, when that is a lie
    """
    size = len(payload) if size is None else size
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked = 0x80 if mask is not None else 0
    if size < 126:
        head = bytes((first, masked | size))
    elif size < 2**16:
        head = bytes((first, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + size.to_bytes(8, "big")
    return head + (mask or b"") + payload


class RawSocket:
    """One connection after its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, **message: Any) -> None:
        self.send(frame(json.dumps(message).encode()))

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame as (opcode, payload)."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> dict[str, Any]:
        """Return the next text frame as JSON, or {"type": "closed", "code", "reason"}."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT:
                told: dict[str, Any] = json.loads(payload)
                return told
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                return {"type": "closed", "code": code, "reason": payload[2:].decode()}

    async def closed(self) -> int:
        """Read on to the close frame and return its code; 0 when the line was cut without one."""
        try:
            while (message := await self.message())["type"] != "closed":
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0
        return int(message["code"])

    async def ended(self) -> None:
        """Answer the close frame, and read to the end of the line. Raises ConnectionResetError."""
        self.send(frame(b"\x03\xe8", CLOSE))
        await self.reader.read()


@asynccontextmanager
async def raw_socket(
    server: Server, token: str, path: str = "/ws?frames=single", **headers: str
) -> AsyncIterator[RawSocket]:
    """Connect with an API token, and read up to and with `welcome`."""
    host, port = server.url.removeprefix("http://").split(":")
    given = {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Authorization": f"Bearer {token}",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101"), answer
            raw = RawSocket(reader, writer)
            assert (await raw.message())["type"] == "welcome"
            yield raw
        finally:
            writer.transport.abort()
