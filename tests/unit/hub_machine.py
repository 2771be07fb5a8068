"""A log, a hub and its clients, with everything that may happen to them as a rule of its own.

There is no socket and no clock: the test decides what happens in which turn of the event loop,
when a page of the log is read and when the loop hears of it, and when a transport takes more.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from app.core.rooms import Room
from app.core.state import JobState
from app.live import fanout, hub, pages
from app.live.formats import JSON_LINES, JSON_SINGLE
from app.live.hub import Hub
from app.live.session import Session
from app.settings import Settings
from app.store.events import Recorded
from app.store.retention import Pruned, PrunedJob, Slice
from tests.unit.listeners import BATCHES, JOBS, LOG, ROOMS, TYPES, Client, Connection, wanted

CLIENT = st.integers(0, 4)
SELDOM = st.sampled_from([False, False, False, True])

T = TypeVar("T")


@contextmanager
def small() -> Iterator[None]:
    """Make pages and turns small, so that there are many hand-overs."""
    with (
        patch.object(pages, "PAGE_EVENTS", 5),
        patch.object(pages, "SCANNED_AT_MOST", 7),
        patch.object(fanout, "WRITES_A_TURN", 1),
        patch.object(hub, "REPLAYS_A_TURN", 1),
    ):
        yield


SOMEBODY = precondition(lambda self: self.connections)


class Listening(RuleBasedStateMachine):
    """The log, the hub, the clients, and a loop that turns only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.log: list[Recorded] = []  # committed
        self.commits: list[list[Recorded]] = []  # of these, not told yet
        self.reads: list[asyncio.Future[None]] = []
        self.last_n: dict[str, int] = {}
        self.gone: list[Session] = []
        self.clients = [Client(JSON_SINGLE if number == 4 else JSON_LINES) for number in range(5)]
        self.connections: dict[int, Connection] = {}
        self.gone_seqs: set[int] = set()  # pruned
        self.pruned_upto: dict[str, int] = {}  # of jobs and batches
        self.steps: list[asyncio.Future[None]] = []  # of a prune that is under way
        self.pruning: asyncio.Task[Slice] | None = None
        self.hub = self.do(self.a_hub)

    def a_hub(self) -> Hub:
        """Open the log, as a server does when it starts."""
        return Hub(
            log_id=LOG,
            read_room=self.read_room,
            head=len(self.log),
            settings=Settings(),
            snapshot=self.snapshot,
            floor=self.floor,
            pruned=self.pruned,
            pruned_upto=max(self.pruned_upto.values(), default=0),
            clock=lambda: 0.0,
        )

    def connected(self, number: int) -> Connection:
        connections = list(self.connections.values())
        return connections[number % len(connections)]

    # The loop, and the log as the hub reads it

    def do(self, action: Callable[[], T]) -> T:
        """Run `action` inside the loop, in a turn of its own."""
        results: list[T] = []
        self.loop.call_soon(lambda: results.append(action()))
        self.turn()
        return results[0]

    def turn(self) -> None:
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        if self.errors:
            raise AssertionError(self.errors) from self.errors[0].get("exception")

    async def read(self, look: Callable[[], T]) -> T:
        """Return what `look` finds. The test lets it look, and later lets the loop hear of it."""
        await self.turn_of(self.reads)
        found = look()
        await self.turn_of(self.reads)
        return found

    async def turn_of(self, waiting: list[asyncio.Future[None]]) -> None:
        future = self.loop.create_future()
        waiting.append(future)
        await future

    async def read_room(
        self, room: Room, after: int, upto: int, limit: int, types: Sequence[str] | None
    ) -> list[Recorded]:
        wish = (after, None if types is None else frozenset(types))

        def look() -> list[Recorded]:
            found = [e for e in self.log if e.seq <= upto and wanted(e, room, wish)]
            return [e for e in found if e.seq not in self.gone_seqs][:limit]

        return await self.read(look)

    async def snapshot(self, room: Room, before: str | None) -> list[JobState]:
        def look() -> list[JobState]:
            last = {e.job_id: e.seq for e in self.log if e.job_id and wanted(e, room, (0, None))}
            jobs = sorted((job for job in last if before is None or job < before), reverse=True)
            return [cast(JobState, {"job_id": job, "last_seq": last[job]}) for job in jobs[:2]]

        return await self.read(look)

    async def floor(self, room: Room) -> int:
        return await self.read(lambda: max((seq for seq, _ in self.pruned_of(room)), default=0))

    async def pruned(self, room: Room, after: int) -> list[PrunedJob]:
        def look() -> list[PrunedJob]:
            found = [(seq, job) for seq, job in self.pruned_of(room) if job and seq > after][:2]
            last = {e.job_id: e.seq for e in self.log}
            return [
                PrunedJob(seq, cast(JobState, {"job_id": job, "last_seq": last[job]}))
                for seq, job in found
            ]

        return await self.read(look)

    def pruned_of(self, room: Room) -> list[tuple[int, str | None]]:
        """Return up to where each job of a room was pruned, and the batches themselves."""
        own = {e.job_id or e.batch_id: e for e in self.log if wanted(e, room, (0, None))}
        return sorted(
            (seq, own[ident].job_id) for ident, seq in self.pruned_upto.items() if ident in own
        )

    # What may happen

    @precondition(lambda self: self.log and self.pruning is None)
    @rule(jobs=st.lists(st.sampled_from(JOBS), min_size=1, max_size=3, unique=True))
    def prune(self, jobs: list[tuple[str, str, str]]) -> None:
        """All that was told of some jobs, and of batches that have no other, is to go.

        They may go on later: then somebody has retried them.
        """

        async def remove(head: int) -> Slice:
            await self.turn_of(self.steps)
            gone = [Pruned(*job, seq) for job in jobs if (seq := self.remove(job[0], job[0], head))]
            there = {e.batch_id for e in self.log if e.job_id and e.seq not in self.gone_seqs}
            for batch, user in {job[1:] for job in jobs if job[1] not in there}:
                if seq := self.remove(batch, None, head):
                    gone.append(Pruned(None, batch, user, seq))
            await self.turn_of(self.steps)
            return Slice(gone, len(gone), None)

        self.pruning = self.do(lambda: self.loop.create_task(self.hub.prune(remove)))

    def remove(self, ident: str, job: str | None, head: int) -> int:
        """Remove all events of a job, or of a batch as a whole; return the last place, or 0."""
        seqs = [
            e.seq
            for e in self.log
            if e.job_id == job and ident in (e.job_id, e.batch_id) and e.seq not in self.gone_seqs
        ]
        if not seqs or seqs[-1] > head:
            return 0
        self.gone_seqs.update(seqs)
        self.pruned_upto[ident] = seqs[-1]
        return seqs[-1]

    @precondition(lambda self: self.pruning is not None)
    @rule()
    def let_the_prune_go_on(self) -> None:
        """Its transaction commits, or the loop hears of that."""
        if self.steps:
            self.steps.pop().set_result(None)
        self.turn()
        self.turn()
        if self.pruning is not None and self.pruning.done():
            self.pruning.result()
            self.pruning = None

    @rule(
        jobs=st.lists(st.sampled_from([*JOBS, *((None, *b) for b in BATCHES)]), min_size=1),
        size=st.sampled_from([10, 40_000]),  # of the large ones, each is a write of its own
    )
    def commit(self, jobs: list[tuple[str | None, str, str]], size: int) -> None:
        """A transaction of the journal's ends; it is told in a later turn."""
        commit = []
        for job, batch, user in jobs:
            kind = TYPES[len(self.log) % len(TYPES)]
            n = None
            if job is not None:
                n = self.last_n[job] = self.last_n.get(job, 0) + 1
            body = {"seq": len(self.log) + 1, "n": n, "type": kind, "pad": "x" * size}
            event = Recorded(
                len(self.log) + 1, user, batch, job, n, kind, json.dumps(body).encode()
            )
            self.log.append(event)
            commit.append(event)
        self.commits.append(commit)

    @precondition(lambda self: self.commits)
    @rule()
    def tell(self) -> None:
        commit = self.commits.pop(0)
        self.do(lambda: self.hub.publish(commit))

    @rule(turns=st.integers(1, 5))
    def turn_the_loop(self, turns: int) -> None:
        for _ in range(turns):
            self.turn()

    @precondition(lambda self: self.reads)
    @rule(data=st.data())
    def let_a_read_happen(self, data: st.DataObject) -> None:
        read = self.reads.pop(data.draw(st.integers(0, len(self.reads) - 1)))
        if not read.done():
            read.set_result(None)

    def let_the_last_read_end(self) -> None:
        for _ in range(2):
            self.reads.pop().set_result(None)
            self.turn()

    @rule(
        number=CLIENT,
        rooms=st.just(ROOMS[:1])  # so that some follow the same
        | st.lists(st.sampled_from(ROOMS), min_size=1, max_size=3, unique=True),
        back=st.integers(0, 30),
        types=st.sampled_from([None, None, [TYPES[0]], TYPES[:2]]),
    )
    def connect(self, number: int, rooms: list[Room], back: int, types: list[str] | None) -> None:
        """A client comes, or comes back with what it has seen, and asks for all at once."""
        if number in self.connections:
            return
        client = self.clients[number]
        if not client.wishes:
            after = max(0, self.hub.head - back)
            kinds = None if types is None else frozenset(types)
            client.wishes = dict.fromkeys(rooms, (after, kinds))
            client.cursors = dict.fromkeys(rooms, after)
        self.do(lambda: self._connect(number, client))

    def _connect(self, number: int, client: Client) -> None:
        connection = self.connections[number] = Connection(client, self.hub, self.log)
        self.hub.sessions.add(connection.session)
        for room, (_, types) in client.wishes.items():
            kinds = None if types is None else sorted(types)
            after: int | str = client.cursors[room]
            # One place for all rooms: it is of no use for one that has not got so far yet.
            if client.acked is not None and client.acked <= client.cursors[room]:
                after = "acked"
            connection.ask(room, after=after, log=LOG, types=kinds)

    @SOMEBODY
    @rule(number=CLIENT, room=st.sampled_from(ROOMS), back=st.none() | st.integers(0, 30))
    def follow_one_more(self, number: int, room: Room, back: int | None) -> None:
        connection = self.connected(number)
        if room in connection.wishes:
            return
        client = connection.client
        after = self.hub.head if back is None else max(0, self.hub.head - back)
        connection.done -= {
            e.seq
            for e in self.log
            if wanted(e, room, (after, None))
            and not any(wanted(e, *item) for item in connection.wishes.items())
        }
        client.wishes[room] = (after, None)
        client.cursors[room] = after
        if back is not None:
            connection.in_order = False
        self.do(lambda: connection.ask(room, after=None if back is None else after))

    @SOMEBODY
    @rule(number=CLIENT, room=st.sampled_from(ROOMS))
    def follow_from_a_snapshot(self, number: int, room: Room) -> None:
        connection = self.connected(number)
        if room in connection.wishes:
            return
        connection.in_order = False
        self.do(lambda: connection.ask(room, snapshot=True))

    @SOMEBODY
    @rule(number=CLIENT, back=st.integers(0, 30), stop=st.booleans(), now=SELDOM)
    def ask_again_or_stop(self, number: int, back: int, stop: bool, now: bool) -> None:
        """Once all is quiet, so that what was told by then is known."""
        connection = self.connected(number)
        if connection.snapshots or not now:
            return
        self.settle()
        if connection.folded:
            return
        room = next(iter(connection.wishes))
        told = self.log[: self.hub.head]
        client = connection.client
        connection.seqs.clear()
        if stop and len(connection.wishes) > 1:
            connection.done = {event.seq for event in told}
            del connection.wishes[room], client.wishes[room], client.cursors[room]
            connection.live.discard(str(room))
            self.do(lambda: connection.session.unfollow(room))
            return
        # Others' since is where they began on this connection: what they told stays told.
        others = {r: wish for r, wish in connection.wishes.items() if r != room}
        connection.done = {
            e.seq for e in told if any(wanted(e, r, wish) for r, wish in others.items())
        }
        connection.in_order = False
        after = max(0, self.hub.head - back)
        client.wishes[room] = (after, None)
        client.cursors[room] = after
        self.do(lambda: connection.ask(room, after=after))

    @SOMEBODY
    @rule(number=CLIENT)
    def acknowledge(self, number: int) -> None:
        """From now on the client goes by its acknowledged position alone, as one of that name."""
        self.connected(number).ack()

    @SOMEBODY
    @rule(number=CLIENT)
    def stop_reading(self, number: int) -> None:
        self.connected(number).transport.reading = False

    @SOMEBODY
    @rule(number=CLIENT)
    def read_on(self, number: int) -> None:
        self.do(self.connected(number).transport.read)

    @SOMEBODY
    @rule(number=CLIENT)
    def drop(self, number: int) -> None:
        """The network goes; the server notices the session's end in a later turn."""
        connection = self.connected(number)
        self.connections = {n: c for n, c in self.connections.items() if c is not connection}
        self.do(connection.transport.abort)
        self.gone.append(connection.session)

    @precondition(lambda self: self.gone)
    @rule()
    def notice_a_drop(self) -> None:
        session = self.gone.pop()
        self.do(lambda: self.hub.forget(session))

    @rule(now=SELDOM)
    def restart(self, now: bool) -> None:
        """The server dies and comes back: what was committed is there, told or not."""
        if not now:
            return
        for connection in self.connections.values():
            self.do(connection.transport.abort)
            self.gone.append(connection.session)
        self.connections.clear()
        while self.gone:
            self.notice_a_drop()
        if self.pruning is not None:
            self.do(self.pruning.cancel)
            self.turn()
        self.pruning = None
        self.steps.clear()
        self.reads.clear()
        self.commits.clear()
        self.hub = self.do(self.a_hub)

    @rule(now=SELDOM)
    def sooner_or_later(self, now: bool) -> None:
        if now:
            self.settle()

    def settle(self) -> None:
        """Everybody reads, everything is told: now everything must have arrived."""
        while self.commits:
            self.tell()
        while self.gone:
            self.notice_a_drop()
        for connection in self.connections.values():
            self.do(connection.transport.read)
        busy, turns = True, 0
        while busy:
            turns += 1
            assert turns < 1000, "somebody never gets to the head"
            if self.pruning is not None:
                self.let_the_prune_go_on()
            for read in self.reads:
                if not read.done():
                    read.set_result(None)
            self.reads.clear()
            for _ in range(4):
                self.turn()
            busy = (
                bool(self.reads)
                or self.pruning is not None
                or any(connection.session.catching_up for connection in self.connections.values())
            )
        for connection in self.connections.values():
            told = set(connection.seqs)
            due = [e for e in self.log if connection.expects(e) and e.seq not in told]
            assert not [e for e in due if not self.is_lost(e, connection)], "a hole"
            assert connection.live == {str(room) for room in connection.wishes}
            client = connection.client
            for room, wish in client.wishes.items():
                missed = [e.seq for e in self.log if wanted(e, room, wish) and not client.has(e)]
                assert not missed
            assert connection.acknowledged(self.hub.head) == self.hub.head
        assert self.hub.counts().behind == 0

    def is_lost(self, event: Recorded, connection: Connection) -> bool:
        """Tell whether the client was told that this event of a batch as a whole is gone."""
        return event.job_id is None and any(
            event.seq <= connection.lost.get(str(room), 0)
            for room, wish in connection.wishes.items()
            if wanted(event, room, wish)
        )

    # What holds at every moment

    @invariant()
    def nobody_gets_an_event_twice_or_one_that_is_not_theirs(self) -> None:
        for connection in self.connections.values():
            seqs = connection.seqs
            assert len(seqs) == len(set(seqs)), "told twice"
            assert all(
                any(wanted(self.log[seq - 1], *item) for item in connection.wishes.items())
                for seq in seqs
            )

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            for connection in self.connections.values():
                self.gone.append(connection.session)
            while self.gone:
                self.notice_a_drop()
            self.loop.close()


@contextmanager
def a_stage() -> Iterator[Listening]:
    with small():
        stage = Listening()
        yield stage
        stage.teardown()
