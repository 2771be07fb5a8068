"""Peers that are gone without saying so: closed with 4010 in bounded time, also when that hangs."""

from pathlib import Path
from typing import Any

from tests.integration.listening import a_house, until
from tests.integration.test_slow_clients import a_reader, masked, the_session

TIMES: dict[str, Any] = {"websocket_heartbeat_interval": 0.1, "websocket_connection_timeout": 0.5}
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


async def test_a_half_open_peer_is_closed_though_it_never_answers_the_close(tmp_path: Path) -> None:
    async with a_house(tmp_path, **TIMES) as house, a_reader(house) as gone:
        session = await the_session(house)
        await until(lambda: not house.hub.sessions)
        assert session.transport.is_closing()
        assert house.hub.counters.closed == {4010: 1}
        # What it would have read: pings and heartbeats, then the reason, then nothing more.
        frames = [await gone.frame()]
        while frames[-1][0] != CLOSE:
            frames.append(await gone.frame())
        assert {opcode for opcode, _ in frames} == {TEXT, PING, CLOSE}
        assert frames[-1][1] == (4010).to_bytes(2) + b"nothing was heard for 0.5 seconds"
        assert await gone.reader.read() == b""


async def test_a_peer_whose_pipe_is_full_is_cut(tmp_path: Path) -> None:
    async with a_house(tmp_path, **TIMES) as house, a_reader(house) as gone:
        session = await the_session(house)
        await house.create(1)
        # All at once, so that it is full before it has been silent for too long.
        await house.progress(1, times=1000, size=8000)
        assert session.line.writing_paused
        await until(lambda: not house.hub.sessions)
        assert house.hub.counters.closed == {4010: 1}
        assert session.transport.get_write_buffer_size() == 0
        assert not session.catching_up
        assert house.hub.counts().rooms == 0
        gone.writer.close()


async def test_a_peer_that_answers_pings_and_never_speaks_stays(tmp_path: Path) -> None:
    async with a_house(tmp_path, **TIMES) as house, a_reader(house) as quiet:
        await the_session(house)
        pings = 0
        while pings < 30:  # several times as long as silence may last
            opcode, payload = await quiet.frame()
            assert opcode != CLOSE, payload
            if opcode == PING:
                pings += 1
                quiet.writer.write(masked(payload, PONG))
        assert len(house.hub.sessions) == 1
        assert not house.hub.counters.closed


async def test_dead_peers_are_no_trouble_for_the_others(tmp_path: Path) -> None:
    async with (
        a_house(tmp_path, **TIMES) as house,
        a_reader(house, who="bob"),
        a_reader(house, who="bob"),
        house.follow() as ann,
    ):
        await ann.subscribe()
        await ann.until("live")
        await house.create(1)
        seqs = await ann.seqs(upto=2)
        while len(house.hub.sessions) > 1:
            seqs += await ann.seqs(upto=(await house.progress(1))[-1].seq)
        seqs += await ann.seqs(upto=(await house.progress(1))[-1].seq)
        assert seqs == list(range(1, house.hub.head + 1))
        assert house.hub.counters.closed == {4010: 2}
