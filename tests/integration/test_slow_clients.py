"""A client that reads slowly, or never: bounded memory, nobody delayed, nothing lost."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.wire import WRITE_AT_MOST
from app.live.connection import UNSENT_AT_MOST
from app.live.session import Session
from tests.integration.listening import House, a_house, until
from tests.patience import LONGEST_S

HANDSHAKE = (
    "GET /ws?who={who} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
EVENTS, SIZE = 1000, 8000  # more than the kernel's buffers and ours together can hold
HELD_AT_MOST = UNSENT_AT_MOST + WRITE_AT_MOST + 1024  # with what frames add
SESSION_BYTES = 16_000  # all else that a connection costs


def masked(payload: bytes, opcode: int = 0x1) -> bytes:
    """Return a client's frame; the mask is zero, so that the payload stays as it is."""
    assert len(payload) < 126
    return bytes((0x80 | opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload


class Reader:
    """A client on a bare socket with a small buffer, which reads when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame as (opcode, payload)."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def seqs(self, upto: int) -> list[int]:
        """Read on, and return the seq of every event until the one at `upto`."""
        found: list[int] = []
        async with asyncio.timeout(LONGEST_S):
            while not found or found[-1] != upto:
                opcode, payload = await self.frame()
                lines = payload.split(b"\n") if opcode == 1 else []
                messages: list[dict[str, Any]] = [json.loads(line) for line in lines]
                found += [message["seq"] for message in messages if "n" in message]
        return found


@asynccontextmanager
async def a_reader(house: House, who: str = "ann", **fields: Any) -> AsyncIterator[Reader]:
    """Connect, subscribe to all that is `who`'s, and read nothing yet."""
    raw = socket.socket()
    raw.setblocking(False)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    port = house.server.port
    assert port is not None
    await asyncio.get_running_loop().sock_connect(raw, (str(house.server.host), port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    try:
        writer.write(HANDSHAKE.format(who=who).encode())
        await reader.readuntil(b"\r\n\r\n")
        ask = {"op": "subscribe", "room": "user:me", **fields}
        writer.write(masked(json.dumps(ask).encode()))
        yield Reader(reader, writer)
    finally:
        writer.transport.abort()


async def the_session(house: House, user_id: str | None = None) -> Session:
    await until(lambda: any(session.subscriptions for session in house.hub.sessions))
    return next(iter(house.hub.sessions))


def held(session: Session) -> int:
    return session.transport.get_write_buffer_size()


async def test_a_client_that_never_reads_costs_a_bounded_buffer_and_delays_nobody(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path) as house, a_reader(house) as slow:
        session = await the_session(house)
        async with house.follow() as quick:
            await quick.subscribe()
            await quick.until("live")
            await house.create(1)
            most = 0
            for _ in range(EVENTS // 20):
                await house.progress(1, times=20, size=SIZE)
                most = max(most, held(session))
            head = 2 + EVENTS
            assert await quick.seqs(upto=head) == list(range(1, head + 1))
            await until(lambda: house.hub.counts().behind == 1)  # the other has just caught up
            assert 0 < most <= HELD_AT_MOST
        # It reads again, much later, and gets everything; then it is live once more.
        assert await slow.seqs(upto=head) == list(range(1, head + 1))
        await until(lambda: not house.hub.counts().behind)
        await house.progress(1)
        assert await slow.seqs(upto=head + 1) == [head + 1]


def test_a_client_that_never_reads_costs_less_than_100_kb() -> None:
    assert HELD_AT_MOST + SESSION_BYTES < 100_000


async def test_a_replay_that_is_not_read_waits_in_the_log_not_in_memory(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1, times=EVENTS, size=SIZE)
        async with a_reader(house, after=0) as slow:
            session = await the_session(house)
            await until(lambda: session.line.writing_paused)
            assert held(session) <= HELD_AT_MOST
            assert await slow.seqs(upto=2 + EVENTS) == list(range(1, 3 + EVENTS))


async def test_many_clients_that_come_back_at_once_share_what_is_read(tmp_path: Path) -> None:
    async with a_house(tmp_path, max_websocket_connections_per_user=100) as house:
        await house.create(1)
        await house.progress(1, times=300)
        reads = 0
        read_room = house.hub._pages._read_room

        async def counted(*asked: Any) -> Any:
            nonlocal reads
            reads += 1
            return await read_room(*asked)

        house.hub._pages._read_room = counted  # type: ignore[assignment]

        async def come_back() -> list[int]:
            async with house.follow() as client:
                await client.subscribe(after=2)
                return await client.seqs(upto=302)

        found = await asyncio.gather(*(come_back() for _ in range(40)))
        assert found == [list(range(3, 303))] * 40
        assert reads == 2  # pages of one stretch, each read once


async def test_a_client_that_never_reads_is_ended_in_the_end(tmp_path: Path) -> None:
    async with (
        a_house(
            tmp_path, websocket_heartbeat_interval=0.1, websocket_connection_timeout=0.5
        ) as house,
        a_reader(house),
    ):
        await the_session(house)
        await house.create(1)
        for _ in range(EVENTS // 100):
            await house.progress(1, times=100, size=SIZE)
        await until(lambda: not house.hub.sessions)
        assert house.hub.counters.closed[4010] == 1


async def test_closing_does_not_wait_for_a_client_that_never_reads(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, a_reader(house), house.follow() as quick:
        await quick.subscribe()
        await quick.until("live")
        await house.create(1)
        for _ in range(EVENTS // 100):
            await house.progress(1, times=100, size=SIZE)
        await quick.seqs(upto=2 + EVENTS)
        async with asyncio.timeout(LONGEST_S):
            ended, _ = await asyncio.gather(quick.next(), house.hub.close())
        assert ended == {"type": "closed", "code": 1012}
        await until(lambda: not house.hub.sessions)


@pytest.mark.parametrize("opcode", [0x9, 0x1])
async def test_who_asks_and_does_not_read_the_answers_is_not_heard_further(
    tmp_path: Path, opcode: int
) -> None:
    async with (
        a_house(tmp_path, websocket_message_rate_limit=1_000_000) as house,
        a_reader(house) as slow,
    ):
        session = await the_session(house)
        question = masked(b'{"op": "ping", "id": "%s"}' % (b"x" * 60), opcode)
        for _ in range(200_000):
            if session.line.writing_paused:
                break
            slow.writer.write(question * 50)
            await asyncio.sleep(0)
        assert session.line.writing_paused
        slow.writer.write(question * 1000)
        assert held(session) <= HELD_AT_MOST
