"""Event streams over real sockets to a real log: places, resume, limits, goodbyes."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from app.core.wire import LAST_CHUNK, WRITE_AT_MOST
from app.store.retention import Pruned, Slice
from tests.integration.listening import ANN, House, a_house, batch_id, job_id, until
from tests.integration.streaming import Stream
from tests.patience import LONGEST_S
from tests.unit.decoders import EventStream, unchunked


async def test_the_first_message_is_welcome_and_has_a_place(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with Stream(house) as ann:
            welcome = await ann.next()
            assert (welcome["type"], welcome["head"]) == ("welcome", 2)
            assert ann.last == f"{house.database.log_id}:2"
            assert ann.answer.headers["Content-Type"] == "text/event-stream"
            assert ann.answer.headers["Cache-Control"] == "no-store"
            assert ann.answer.headers["X-Accel-Buffering"] == "no"
        async with Stream(house, after="1") as ann:  # its own place, not the newest
            await ann.next()
            assert ann.last == f"{house.database.log_id}:1"


async def test_what_is_recorded_is_heard_in_order_and_each_event_has_its_place(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path) as house, Stream(house, after="0") as ann:
        await ann.until("live")
        await house.create(1, 2)
        await house.progress(1, times=300)
        assert await ann.seqs(upto=303) == list(range(1, 304))


async def test_the_last_id_resumes_also_when_nothing_was_heard_yet(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        async with Stream(house) as ann:
            await ann.next()
        await house.create(1)
        async with Stream(house, last=ann.last) as ann:
            assert await ann.seqs(upto=2) == [1, 2]
        await house.progress(1, times=500)
        async with Stream(house, last=ann.last) as ann:
            await house.progress(1, times=10)
            assert await ann.seqs(upto=512) == list(range(3, 513))


async def test_a_client_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with Stream(house, after="0") as ann:
            await ann.seqs(upto=2)
    async with a_house(tmp_path) as house:
        await house.progress(1)
        async with Stream(house, last=ann.last) as ann:
            assert await ann.seqs(upto=3) == [3]


@pytest.mark.parametrize("last", ["another:1", "another:900", "900"])
async def test_a_place_in_another_log_is_told_and_kept_until_the_states_are_there(
    tmp_path: Path, last: str
) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        async with Stream(house, last=last) as ann:
            for kind in ("welcome", "reset", "snapshot", "snapshot"):
                assert (await ann.next())["type"] == kind
                assert ann.last == last  # cut off here, it would begin anew
            assert (await ann.next())["type"] == "live"
            assert ann.last == f"{house.database.log_id}:3"


async def test_who_comes_from_before_what_was_pruned_gets_the_states_and_then_the_rest(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        await house.progress(1, times=3)
        await house.progress(2)

        async def remove(head: int) -> Slice:
            return await house.database.writer.run(partial(forget_job, job_id(1)))

        await house.hub.prune(remove)
        last = f"{house.database.log_id}:1"
        async with Stream(house, last=last) as ann:
            for kind in ("welcome", "truncated", "snapshot"):
                message = await ann.next()
                assert (message["type"], ann.last) == (kind, last)
            assert message["job_id"] == job_id(1)
            assert await ann.seqs(upto=7) == [3, 7]
            assert (await ann.next())["type"] == "live"
            assert ann.last == f"{house.database.log_id}:7"


def forget_job(ident: str, connection: sqlite3.Connection) -> Slice:
    """Remove the events of a job as if it had ended."""
    connection.execute("DELETE FROM event WHERE job_id = ?", (ident,))
    connection.execute("UPDATE job SET pruned_upto = 6 WHERE id = ?", (ident,))
    return Slice([Pruned(ident, batch_id(ANN), ANN, 6)], 4, None)


async def test_states_first_when_asked_for(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2)
        async with Stream(house, snapshot="true") as ann:
            heard = await ann.until("live")
            assert [m["type"] for m in heard] == ["welcome", "snapshot", "snapshot", "live"]


async def test_several_rooms_and_some_types_go_on_from_one_place(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1, 2, 3)
        url = house.server.make_url("/events").with_query(
            [
                ("who", "ann"),
                ("after", "0"),
                ("types", "processing_progress"),
                ("room", f"job:{job_id(1)}"),
                ("room", f"job:{job_id(2)}"),
            ]
        )
        for number in (1, 2, 3, 1, 2, 3):
            await house.progress(number)
        async with house.client.get(url) as answer:
            heard: list[int] = []
            while len(heard) < 6:
                line = (await answer.content.readline()).decode()
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    heard += [message["seq"]] if "n" in message else []
                if len(heard) == 4:
                    await house.progress(2)
                    await house.progress(3)
                    await house.progress(1)
                    heard.append(0)
            assert heard == [5, 6, 8, 9, 0, 11]


async def test_an_event_of_several_rooms_comes_once(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1)
        url = house.server.make_url("/events").with_query(
            [
                ("who", "ann"),
                ("after", "0"),
                ("room", "user:me"),
                ("room", f"batch:{batch_id(ANN)}"),
            ]
        )
        async with house.client.get(url) as answer:
            seqs = []
            while b"event: live" not in (line := await answer.content.readline()):
                if line.startswith(b"id: "):
                    seqs.append(int(line.rpartition(b":")[2]))
        assert seqs == [0, 1, 2, 3, 3]  # welcome, the events, live


# The transport


@asynccontextmanager
async def bare(
    house: House, version: str = "1.1", **query: str
) -> AsyncIterator[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Ask for a stream over a bare socket; yield the head of the answer, and the connection."""
    port = house.server.port
    assert port is not None
    reader, writer = await asyncio.open_connection(str(house.server.host), port, limit=2**20)
    path = house.server.make_url("/events").with_query({"who": "ann", **query}).path_qs
    try:
        writer.write(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        async with asyncio.timeout(LONGEST_S):
            yield await reader.readuntil(b"\r\n\r\n"), reader, writer
    finally:
        writer.transport.abort()


async def test_a_body_is_whole_chunks_and_ends_with_the_last_one(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        await house.progress(1, times=500, size=500)
        async with bare(house, after="0") as (head, reader, _):
            assert b"Transfer-Encoding: chunked" in head
            body = b""
            while b"event: live" not in body:
                body += await reader.read(2**16)
            await house.hub.close()
            body += await reader.read()
        assert body.endswith(LAST_CHUNK)
        text = b"".join(unchunked(body))
        assert text.count(b"\n\n") == text.count(b"event: ") == 502 + 3
        stream = EventStream()
        assert 1000 <= int(text.partition(b"\n")[0].removeprefix(b"retry: ")) <= 3000
        goodbye = list(stream.feed(text.decode()))[-1]
        assert (goodbye.type, json.loads(goodbye.data)["code"]) == ("goodbye", 1012)
        wait_s = json.loads(goodbye.data)["retry_after"]
        assert stream.retry_ms == round(1000 + wait_s * 1000)
        assert text.count(b"event: processing_progress") == 500


async def test_an_old_client_gets_no_chunks_and_the_end_with_the_connection(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await house.create(1)
        async with bare(house, version="1.0", after="0") as (head, reader, _):
            assert b"chunked" not in head
            body = await reader.readuntil(b"event: live")
            assert body.startswith(b"retry: ")
            await house.hub.close()
            body = await reader.read()
        assert not body.endswith(LAST_CHUNK)
        assert body.endswith(b"\n\n")


async def test_a_head_request_is_not_answered_with_a_stream(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        url = house.server.make_url("/events").with_query(who="ann")
        async with house.client.head(url) as answer:
            assert answer.status == 405


async def test_a_quiet_stream_gets_comments_and_stays(tmp_path: Path) -> None:
    async with (
        a_house(
            tmp_path, websocket_heartbeat_interval=0.1, websocket_connection_timeout=0.4
        ) as house,
        bare(house) as (_, reader, _writer),
    ):
        for _ in range(12):  # longer than the timeout
            await reader.readuntil(b": heartbeat 0 ")
        assert house.hub.counts().connections == 1


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
async def test_the_system_ends_a_stream_of_which_nothing_is_acknowledged(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, websocket_connection_timeout=120) as house,
        bare(house) as (_, reader, _writer),
    ):
        await reader.readuntil(b"event: live")
        [session] = house.hub.sessions
        connection = session.transport.get_extra_info("socket")
        option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert option == 120_000


@pytest.mark.parametrize("abort", [True, False])
async def test_a_client_that_left_is_noticed_at_once(tmp_path: Path, abort: bool) -> None:
    async with a_house(tmp_path, max_websocket_connections_per_user=1) as house:
        for _ in range(3):
            async with bare(house) as (_, reader, writer):
                await reader.readuntil(b"event: live")
                assert house.hub.counts().connections == 1
                if abort:
                    writer.transport.abort()
                else:
                    writer.close()
                await until(lambda: not house.hub.sessions)
        assert house.hub.counts().rooms == 0


async def test_what_is_sent_behind_the_request_is_not_kept(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, bare(house) as (_, reader, writer):
        await reader.readuntil(b"event: live")
        for _ in range(50):
            writer.write(b"x" * 2**16)
            await writer.drain()
        await house.create(1)
        await reader.readuntil(b"event: job_created")


async def test_a_client_that_never_reads_costs_a_bounded_buffer_and_is_ended(
    tmp_path: Path,
) -> None:
    async with (
        a_house(
            tmp_path, websocket_heartbeat_interval=0.1, websocket_connection_timeout=0.6
        ) as house,
        bare(house) as (_, _reader, writer),
    ):
        await until(lambda: house.hub.sessions)
        session = next(iter(house.hub.sessions))
        writer.transport.pause_reading()
        await house.create(1)
        for _ in range(20):
            await house.progress(1, times=200, size=8000)
            assert session.transport.get_write_buffer_size() <= 2 * WRITE_AT_MOST
            if session.closing:
                break
        await until(lambda: not house.hub.sessions)


async def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, Stream(house) as ann:
        await ann.until("live")
        await house.create(1)
        transport = ann.answer.connection.transport  # type: ignore[union-attr]
        transport.pause_reading()
        await house.progress(1, times=1000, size=8000)
        await until(lambda: house.hub.counts().behind)
        transport.resume_reading()
        assert await ann.seqs(upto=1002) == list(range(1, 1003))


async def test_closing_does_not_wait_for_a_client_that_never_reads(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, bare(house) as (_, reader, writer):
        await reader.readuntil(b"event: live")
        writer.transport.pause_reading()
        await house.create(1)
        await house.progress(1, times=1000, size=8000)
        async with asyncio.timeout(LONGEST_S):
            await house.hub.close()
        await until(lambda: not house.hub.sessions)
