"""Signs of life, limits and counts of the hub, on a clock of the test's own."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import pytest

from app.core.permissions import Allowance, Viewer
from app.core.protocol import Close, Hangup
from app.core.rooms import Room
from app.core.state import JobState
from app.live.formats import JSON_LINES, JSON_SINGLE, Message
from app.live.hub import Hub, ReadSnapshot
from app.live.keeper import CUT_S, SWEPT_A_TURN
from app.live.polls import Poll
from app.settings import Settings
from app.store.events import Recorded
from app.tasks import running
from tests.unit.listeners import BATCHES, LOG, ROOMS, Client, Connection, FakeTransport


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def nothing(*_: Any) -> list[Any]:
    return []


async def no_floor(_: Room) -> int:
    return 0


async def no_states(_room: Room, _before: str | None) -> Sequence[JobState]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_hub(clock: Callable[[], float], states: ReadSnapshot = no_states, **settings: Any) -> Hub:
    return Hub(
        log_id=LOG,
        read_room=nothing,
        head=0,
        settings=Settings(**settings),
        snapshot=states,
        floor=no_floor,
        pruned=nothing,
        pruned_upto=0,
        clock=clock,
    )


def listening(hub: Hub) -> Connection:
    """A live client of the first room, in the hub's care."""
    connection = Connection(Client(JSON_LINES), hub)
    hub.sessions.add(connection.session)
    connection.ask(ROOMS[0])
    return connection


def sweep(hub: Hub, clock: Clock, at_s: float, *, judge: bool = True) -> None:
    clock.now_s = at_s
    hub.keeper.sweep(at_s, 1_000_000, judge=judge)


def publish(hub: Hub) -> None:
    seq = hub.head + 1
    body = b'{"type": "step_started", "seq": %d}' % seq
    hub.publish([Recorded(seq, BATCHES[0][1], BATCHES[0][0], None, None, "step_started", body)])


def test_a_quiet_client_gets_a_heartbeat_before_the_time_it_was_promised(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    publish(hub)
    sweep(hub, clock, 20.0)
    assert client.heartbeats == []
    sweep(hub, clock, 25.0)
    assert client.heartbeats == [1]
    assert client.pings == 1


def test_events_are_sign_enough(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    for second in range(10, 100, 10):
        clock.now_s = second
        publish(hub)
        sweep(hub, clock, second + 1)
    assert client.heartbeats == []


def test_a_client_that_is_silent_too_long_is_ended(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    sweep(hub, clock, 299.0)
    assert client.goodbye is None
    sweep(hub, clock, 301.0)
    assert client.goodbye is not None
    assert client.goodbye.code == Close.UNRESPONSIVE
    assert hub.counts().rooms == 0


async def test_everybody_of_a_crowd_gets_a_heartbeat() -> None:
    hub = a_hub(time.monotonic, websocket_heartbeat_interval=0.02)
    clients = [listening(hub) for _ in range(2 * SWEPT_A_TURN + 1)]
    async with running(hub.keeper.watch(), name="keeper"), asyncio.timeout(20):
        while not all(client.heartbeats for client in clients):  # noqa: ASYNC110
            await asyncio.sleep(0)


def test_an_end_that_hangs_is_cut_short(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    client.line.end = lambda goodbye: None  # type: ignore[method-assign]
    sweep(hub, clock, 301.0)
    sweep(hub, clock, 301.0 + CUT_S)
    assert not client.transport.gone
    sweep(hub, clock, 302.0 + CUT_S)
    assert client.transport.gone


async def test_a_fault_in_one_format_costs_the_others_nothing(clock: Clock) -> None:
    def fails(messages: Sequence[Message]) -> bytes:
        if messages[0].type == "step_started":
            raise KeyError("a fault in a table")
        return JSON_SINGLE.pack(messages)

    hub = a_hub(clock)
    unlucky = Connection(Client(replace(JSON_SINGLE, name="faulty", pack=fails)), hub)
    unlucky.ask(ROOMS[0])
    lucky = listening(hub)
    waits = asyncio.create_task(hub.told(1))
    await asyncio.sleep(0)  # it begins to wait
    publish(hub)
    assert lucky.seqs == [1]
    assert unlucky.transport.gone
    async with asyncio.timeout(5):
        await waits


def test_a_seat_is_found_whoever_left_it_and_however(clock: Clock) -> None:
    hub = a_hub(clock, max_websocket_connections_per_user=1)
    ann, bob = (Viewer(name, name, "member") for name in ("ann", "bob"))
    here, gone = FakeTransport(lambda _: None), FakeTransport(lambda _: None)
    gone.abort()
    with ExitStack() as left, ExitStack() as left_otherwise:
        left.enter_context(hub.polls.waiting(Poll(bob, Room("all"), None, cast(Any, gone))))
        waits = Poll(ann, Room("all"), None, cast(Any, here))
        left_otherwise.enter_context(hub.polls.waiting(waits))
        hub.clearing_out.append(left_otherwise.close)
        assert hub.refusal(ann, "") is None


def test_a_token_may_be_silent_for_longer(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    patient = Allowance(silence_s=3600)
    client.session.viewer = replace(client.session.viewer, allowance=patient)
    sweep(hub, clock, 3599.0)
    assert client.goodbye is None
    sweep(hub, clock, 3601.0)
    assert client.goodbye is not None


def test_a_client_that_reads_slowly_is_not_silent(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    client.transport.reading = False
    client.transport.unread = bytearray(b'{"pad"}' * 1000)
    client.transport.writing_paused = True
    for at_s in range(0, 3000, 100):
        del client.transport.unread[:100]
        sweep(hub, clock, at_s)
    assert client.goodbye is None


def test_nobody_is_ended_for_a_stall_of_our_own(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    sweep(hub, clock, 1000.0, judge=False)
    assert client.goodbye is None


def test_a_heartbeat_never_names_a_head_that_was_not_told(clock: Clock) -> None:
    hub = a_hub(clock)
    client = listening(hub)
    clock.now_s = 25.0
    publish(hub)
    clock.now_s = 50.0
    sweep(hub, clock, 50.0)
    assert client.heartbeats == [1]
    assert client.seqs == [1]


async def test_a_heartbeat_names_no_head_to_those_who_still_catch_up(clock: Clock) -> None:
    hub = a_hub(clock)
    publish(hub)
    publish(hub)
    client = Connection(Client(JSON_LINES), hub)
    hub.sessions.add(client.session)
    client.ask(ROOMS[0], after=1)
    sweep(hub, clock, 25.0)
    assert client.heartbeats == [1]
    await stopped(client)


async def test_a_snapshot_is_read_as_fast_as_the_client_takes_it(clock: Clock) -> None:
    asked: list[str | None] = []

    async def states(_: Room, before: str | None) -> Sequence[JobState]:
        asked.append(before)
        first = 100 if before is None else int(before)
        numbers = range(first - 1, max(first - 11, -1), -1)
        return [cast(JobState, {"job_id": f"{n:03}", "last_seq": 0}) for n in numbers]

    hub = a_hub(clock, states)
    client = Connection(Client(JSON_LINES), hub)
    client.transport.reading = False
    client.ask(ROOMS[0], snapshot=True)
    for _ in range(20):
        await asyncio.sleep(0)
    assert asked == [None], "one page is enough for who does not read"
    client.transport.read()
    while client.session.catching_up:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert len(client.folded) == 100
    await stopped(client)


async def test_nothing_is_told_behind_the_goodbye(clock: Clock) -> None:
    hub = a_hub(clock)
    publish(hub)
    client = Connection(Client(JSON_LINES), hub)
    hub.sessions.add(client.session)
    client.line.end = lambda goodbye: None  # type: ignore[method-assign]  # it takes its time
    client.ask(ROOMS[0], after=0)
    assert client.session.catching_up
    client.session.end(Hangup(Close.RESTART, "restarting"))
    for _ in range(20):
        await asyncio.sleep(0)
    publish(hub)
    assert client.live == set()
    assert client.seqs == []
    assert hub.counts().rooms == 0
    await stopped(client)


async def stopped(client: Connection) -> None:
    """Stop a client's session, and wait until its catch-up has ended."""
    catching_up = client.session.stop()
    if catching_up is not None:
        await asyncio.wait({catching_up})
