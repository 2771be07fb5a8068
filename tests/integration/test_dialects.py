"""What a client and the server agree on at the upgrade, and that each way says the same."""

import asyncio
import gzip
import zlib
from pathlib import Path

import msgpack
import pytest

from app.core.protocol import MSGPACK_SUBPROTOCOL, SUBPROTOCOL
from tests.integration.listening import House, a_house, until

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


async def upgraded(
    house: House, *headers: str
) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the server's answer to an upgrade with `headers`, and the connection."""
    port = house.server.port
    assert port is not None
    reader, writer = await asyncio.open_connection(str(house.server.host), port)
    lines = [
        "GET /ws?who=ann HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    return (await reader.readuntil(b"\r\n\r\n")).decode(), reader, writer


async def first_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the first byte and the payload of the next frame."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    return first, await reader.readexactly(size)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (SUBPROTOCOL, SUBPROTOCOL),
        (MSGPACK_SUBPROTOCOL, MSGPACK_SUBPROTOCOL),
        (f"{MSGPACK_SUBPROTOCOL}, {SUBPROTOCOL}", MSGPACK_SUBPROTOCOL),
        (f"chat, {SUBPROTOCOL}", SUBPROTOCOL),
        ("chat", ""),
    ],
)
async def test_the_first_subprotocol_that_both_know_is_spoken(
    tmp_path: Path, offered: str, chosen: str
) -> None:
    async with a_house(tmp_path) as house:
        answer, reader, writer = await upgraded(house, f"Sec-WebSocket-Protocol: {offered}")
        lines = answer.split("\r\n")
        found = [line for line in lines if line.startswith("Sec-WebSocket-Protocol")]
        assert found == ([f"Sec-WebSocket-Protocol: {chosen}"] if chosen else [])
        first, payload = await first_frame(reader)
        if chosen == MSGPACK_SUBPROTOCOL:
            assert (first, payload[0]) == (0x82, 0)
            assert msgpack.unpackb(payload[1:])["type"] == "welcome"
        else:
            assert first == 0x81
        writer.close()


@pytest.mark.parametrize(
    ("enabled", "offer", "agreed"),
    [
        (True, DEFLATE, True),
        (True, f"{DEFLATE}; client_max_window_bits", True),
        (True, f"{DEFLATE}; server_no_context_takeover", True),
        (True, "X-Nothing: offered", False),
        (False, DEFLATE, False),
    ],
)
async def test_frames_are_compressed_where_the_operator_and_the_client_want_it(
    tmp_path: Path, enabled: bool, offer: str, agreed: bool
) -> None:
    async with a_house(tmp_path, websocket_compression=enabled) as house:
        await house.create(1)
        answer, reader, writer = await upgraded(house, offer)
        assert ("permessage-deflate" in answer) is agreed
        assert (await first_frame(reader))[0] == 0x81  # short ones stay as they are
        ask = b'{"op": "subscribe", "room": "user:me"}'
        writer.write(bytes((0x81, 0x80 | len(ask))) + b"\0\0\0\0" + ask)
        await until(lambda: house.hub.counts().rooms == 1)
        said = (await first_frame(reader))[1]
        if b'"live"' not in said:  # the two may share a frame
            said += (await first_frame(reader))[1]
        assert said.index(b'"subscribed"') < said.index(b'"live"')
        await house.progress(1, size=2000)
        first, payload = await first_frame(reader)
        if agreed:
            assert first == 0xC1
            assert len(payload) < 1000
            assert b"x" * 2000 in zlib.decompressobj(-15).decompress(payload)
        else:
            assert first == 0x81
        writer.close()


async def test_a_window_smaller_than_ours_is_agreed_on_and_never_used(tmp_path: Path) -> None:
    async with a_house(tmp_path, websocket_compression=True) as house:
        await house.create(1)
        await house.progress(1, size=2000)
        async with house.follow(compress=9) as ann:
            await ann.subscribe(after=0)
            assert await ann.seqs(upto=3) == [1, 2, 3]
        sent = house.hub.counters.sent_bytes
        assert sent > 2000


async def test_a_client_may_compress_what_it_sends_too(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, websocket_compression=True) as house,
        house.follow(compress=15) as ann,
    ):
        for number in range(5):  # its compressor remembers what it sent before
            await ann.say(op="ping", id=number)
        assert [(await ann.until("pong"))[-1]["id"] for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_compressed_message_that_is_too_big_ends_the_connection(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, websocket_compression=True) as house,
        house.follow(compress=15) as ann,
    ):
        await ann.ws.send_str("x" * 1_000_000)
        await ann.next()
        assert await ann.next() == {"type": "closed", "code": 1009}


async def test_msgpack_is_spoken_both_ways(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1, times=50)
        async with house.follow(speaking=MSGPACK_SUBPROTOCOL) as ann:
            await ann.subscribe(id="a", after=0)
            assert (await ann.until("subscribed"))[-1]["id"] == "a"
            assert await ann.seqs(upto=52) == list(range(1, 53))
            packed = gzip.compress(msgpack.packb({"op": "ping", "id": "z"}))
            await ann.ws.send_bytes(b"\1" + packed)
            assert (await ann.until("pong"))[-1]["id"] == "z"


async def test_msgpack_heartbeats_are_readable(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, websocket_heartbeat_interval=0.2) as house,
        house.follow(speaking=MSGPACK_SUBPROTOCOL, frames="single") as ann,
    ):
        assert (await ann.until("heartbeat"))[-1]["head"] == 0


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "bad_msgpack"),
        (b"{}", "bad_msgpack"),
        (b"\0", "bad_msgpack"),
        (b"\0\xc1", "bad_msgpack"),
        (b"\0" + msgpack.packb({"op": b"ping"}), "bad_msgpack"),
        (b"\0" + b"\x91" * 900 + b"\x01", "bad_msgpack"),
        (b"\1not gzip", "bad_msgpack"),
        (b"\1" + gzip.compress(b"\x80", mtime=0)[:-2], "bad_msgpack"),
        (b"\0" + msgpack.packb({"op": "dance"}), "unknown_op"),
        (b"\0" + msgpack.packb([1, 2]), "invalid_request"),
        ('{"op": "ping"}', "unsupported"),
    ],
)
async def test_what_is_not_msgpack_is_answered_and_the_talk_goes_on(
    tmp_path: Path, frame: bytes | str, code: str
) -> None:
    async with a_house(tmp_path) as house, house.follow(speaking=MSGPACK_SUBPROTOCOL) as ann:
        if isinstance(frame, bytes):
            await ann.ws.send_bytes(frame)
        else:
            await ann.ws.send_str(frame)
        assert (await ann.until("error"))[-1]["code"] == code
        await ann.say(op="ping")
        await ann.until("pong")


async def test_a_packed_message_is_unpacked_to_its_limit_only(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, house.follow(speaking=MSGPACK_SUBPROTOCOL) as ann:
        await ann.ws.send_bytes(b"\1" + gzip.compress(b"\0" * 500_000))
        await ann.next()
        assert await ann.next() == {"type": "closed", "code": 1009}
