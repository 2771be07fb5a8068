"""Connections that ask nothing, too slowly, or no HTTP: they end, are told why, and are counted."""

import asyncio
import json
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from app.keys import LOBBY
from app.settings import Settings
from app.web import edge
from tests.integration.serving import LONGEST_S, Server, serving, with_user

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def connected(
    server: Server,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a bare connection to `server`."""
    host, port = server.url.removeprefix("http://").split(":")
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def answers(said: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """Return the answers in what a server said: status, headers and JSON of each."""
    found = []
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = int(headers["Content-Length"])
        found.append((int(first.split()[1]), headers, json.loads(said[:size])))
        said = said[size:]
    return found


@pytest.fixture
async def hurried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server in which a question has a moment to be asked."""
    monkeypatch.setattr(edge, "HEADER_S", 0.5)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


async def refusals(server: Server) -> list[dict[str, Any]]:
    async with (
        server.client("ann") as ann,
        ann.get("/api/v1/audit?kind=refused") as answer,
    ):
        entries: list[dict[str, Any]] = (await answer.json())["entries"]
        return entries


@pytest.mark.parametrize(
    "begun", [b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX-", b"GET /ws HTTP/1.1\r\nUpgra"]
)
async def test_a_question_that_never_ends_is_told_so(hurried: Server, begun: bytes) -> None:
    async with connected(hurried) as (reader, writer):
        writer.write(begun)
        ((status, headers, problem),) = await answers(await reader.read())
    assert (status, problem["code"]) == (408, "request_timeout")
    assert headers["Content-Type"] == "application/problem+json"
    assert hurried.app[LOBBY].dropped == {"too_slow": 1}
    (refused,) = await refusals(hurried)
    assert refused["facts"] == {"reason": "request_timeout"}
    assert refused["address"] == "127.0.0.1"


async def test_a_byte_now_and_then_is_no_way_to_stay(hurried: Server) -> None:
    async with connected(hurried) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-")

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.02)  # not to wait for anything: this is what is tried

        task = asyncio.create_task(drip())
        ((status, _, _),) = await answers(await reader.read())
        task.cancel()
    assert status == 408


async def test_who_says_nothing_is_told_nothing(hurried: Server) -> None:
    """A browser opens connections ahead; an answer to no question would only confuse it."""
    async with connected(hurried) as (reader, _):
        assert await reader.read() == b""
    assert await refusals(hurried) == []


async def test_the_next_question_has_as_long(hurried: Server) -> None:
    async with connected(hurried) as (reader, writer):
        writer.write(HEALTH)
        await reader.readuntil(b"}")
        writer.write(b"GET / HT")
        ((status, _, _),) = await answers(await reader.read())
    assert status == 408


async def test_whoever_rests_longer_does_not_hold_the_clock_up(hurried: Server) -> None:
    async with connected(hurried) as (resting, writer), connected(hurried) as (silent, _):
        writer.write(HEALTH)
        await resting.readuntil(b"}")
        assert await silent.read() == b""  # now only who rests is waited for
        async with connected(hurried) as (reader, begun):
            begun.write(b"GET / HT")
            ((status, _, _),) = await answers(await reader.read())
        assert status == 408


async def test_what_is_being_answered_or_listens_is_left_alone(hurried: Server) -> None:
    """Three times as long as a question may take: a live connection, and a body that comes late."""
    async with hurried.client("ann") as ann, ann.ws_connect("/ws") as socket:
        await socket.receive()
        async with connected(hurried) as (reader, writer):
            body = b'{"name":"ann","password":"wrong"}'
            writer.write(
                b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            for _ in range(3):
                async with connected(hurried) as (idle, _):
                    assert await idle.read() == b""  # its time is over
            writer.write(body)
            ((status, _, problem),) = await answers(await reader.read())
            assert (status, problem["code"]) == (401, "wrong_password")
        await socket.send_json({"op": "ping", "id": "still"})
        assert (await socket.receive_json())["id"] == "still"


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,  # TLS
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"\r\n" * 10 + b"\0" * 1000,
    ],
)
async def test_what_is_no_http_gets_a_problem(
    server: Server, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(server) as (reader, writer):
        writer.write(said)
        ((status, headers, problem), *rest) = await answers(await reader.read())
    assert (status, problem["code"], rest) == (400, "invalid_request", [])
    assert "it is no HTTP request" in problem["title"]
    assert headers["Content-Type"] == "application/problem+json"
    assert server.app[LOBBY].dropped == {"not_http": 1}
    assert "Traceback" not in caplog.text
    (refused,) = await refusals(server)
    assert refused["facts"]["reason"] == "invalid_request"


async def test_of_many_who_ask_nothing_the_oldest_goes_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "ASKING_AT_MOST", 5)
    with_user(settings, "ann")
    async with serving(settings) as server, connected(server) as (oldest, _):
        later = [connected(server) for _ in range(5)]
        opened = [await connection.__aenter__() for connection in later]
        assert await oldest.read() == b""
        assert server.app[LOBBY].dropped == {"crowded_out": 1}
        async with aiohttp.ClientSession(server.url) as client, client.get("/healthz") as answer:
            assert answer.status == 200
        reader, writer = opened[-1]
        writer.write(HEALTH)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for connection in later:
            await connection.__aexit__(None, None, None)


async def test_of_many_who_rest_the_one_that_rested_longest_goes_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "IDLE_AT_MOST", 3)
    with_user(settings, "ann")
    async with serving(settings) as server:
        several = [connected(server) for _ in range(4)]
        opened = [await connection.__aenter__() for connection in several]
        for reader, writer in opened:
            writer.write(HEALTH)
            await reader.readuntil(b"}")
        assert await opened[0][0].read() == b""
        for reader, writer in opened[1:]:
            writer.write(HEALTH)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for connection in several:
            await connection.__aexit__(None, None, None)


async def test_a_connection_that_asked_once_is_closed_after_a_while(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.IDLE_S", 0.2)
    with_user(settings, "ann")
    async with serving(settings) as server, connected(server) as (reader, writer):
        writer.write(HEALTH)
        ((status, _, _),) = await answers(await reader.read())
        assert status == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can")
async def test_who_takes_nothing_of_an_answer_is_ended_by_the_system(settings: Settings) -> None:
    with_user(settings, "ann")
    hasty = settings.model_copy(update={"websocket_connection_timeout": 0.5})
    async with serving(hasty) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, (host, int(port)))
            asking = asyncio.create_task(loop.sock_sendall(raw, HEALTH * 100_000))
            ended = select.poll()
            ended.register(raw, 0)  # nothing but errors and the end
            ((_, how),) = await asyncio.to_thread(ended.poll, LONGEST_S * 1000)
            assert how & (select.POLLERR | select.POLLHUP)
            asking.cancel()
