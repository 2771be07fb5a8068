"""Clients of the hub without sockets: what each gets, and what it may expect."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.conversation import Conversation, Follow
from app.core.permissions import Viewer
from app.core.protocol import Ack, Hangup, Subscribe, Subscribed
from app.core.rooms import Room, parse_room
from app.core.wire import PING
from app.live.formats import JSON_LINES, Format
from app.live.hub import Hub
from app.live.session import Session
from app.store.events import Recorded

LOG = "log"
FULL_BYTES = 150  # what a transport holds before it is full
TYPES = ["processing_progress", "step_started", "step_completed"]


def uuid_of(kind: int, number: int) -> str:
    return f"01900000-0000-7000-{kind:04d}-{number:012d}"


USERS = [uuid_of(8000, n) for n in range(2)]
BATCHES = [(uuid_of(8001, n), USERS[n // 2]) for n in range(3)]
JOBS = [(uuid_of(8002, n), *BATCHES[n // 2]) for n in range(5)]
ROOMS = [
    *(Room("user", user) for user in USERS),
    *(Room("batch", batch) for batch, _ in BATCHES[:2]),
    *(Room("job", job) for job, _, _ in JOBS[:2]),
    Room("all"),
]


class FakeTransport:
    """Keeps what is written until the client reads it, and is full beyond a write."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self.received = received
        self.reading = True
        self.writing_paused = False
        self.gone = False
        self.unread = bytearray()
        self.waiting: list[asyncio.Future[None]] = []

    def write(self, data: bytes) -> None:
        assert not self.gone, "written to a transport that is gone"
        if self.reading:
            self.received(data)
            return
        if b'"pad"' in data:
            assert not self.writing_paused, "events were written to a full transport"
        self.unread += data
        self.writing_paused = len(self.unread) > FULL_BYTES

    def read(self) -> None:
        self.reading = True
        if not self.gone:
            data, self.unread = bytes(self.unread), bytearray()
            self.received(data)
        self.writing_paused = False
        self.wake()

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def is_closing(self) -> bool:
        return self.gone

    def get_write_buffer_size(self) -> int:
        return len(self.unread)

    def abort(self) -> None:
        self.gone = True
        self.wake()


class FakeLine:
    def __init__(self, transport: FakeTransport) -> None:
        self.transport: Any = transport
        self.goodbye: Hangup | None = None

    @property
    def writing_paused(self) -> bool:
        return bool(self.transport.writing_paused)

    async def drained(self) -> None:
        if self.writing_paused and not self.transport.gone:
            future = asyncio.get_running_loop().create_future()
            self.transport.waiting.append(future)
            await future

    def end(self, goodbye: Hangup) -> None:
        self.goodbye = goodbye
        self.transport.abort()


def frames(data: bytes) -> Iterator[bytes]:
    while data:
        assert data[0] == 0x81
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        assert len(data) >= start + size, "a frame was cut"
        yield data[start : start + size]
        data = data[start + size :]


Wish = tuple[int, frozenset[str] | None]  # past which seq, and which types


def wanted(event: Recorded, room: Room, wish: Wish) -> bool:
    since, types = wish
    own = {"all": "", "user": event.user_id, "batch": event.batch_id, "job": event.job_id}
    of_room = own[room.kind] == room.id
    return of_room and event.seq > since and (types is None or event.type in types)


@dataclass
class Client:
    """Somebody who comes and goes, and keeps a cursor for each room."""

    form: Format
    cursors: dict[Room, int] = field(default_factory=dict)
    wishes: dict[Room, Wish] = field(default_factory=dict)  # from when it first asked
    seen: set[int] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)  # job -> seq of the newest state it has
    lost_upto: int = 0  # it was told that of what lies before, only the state is left
    acked: int | None = None

    def has(self, event: Recorded) -> bool:
        """Tell whether it got the event, or the state of its job, or that there is neither."""
        if event.seq in self.seen:
            return True
        if event.job_id is None:
            return event.seq <= self.lost_upto
        return event.seq <= self.states.get(event.job_id, 0)


class Connection:
    """What a client got over one connection, and what it may expect of it.

    log  every event that was ever committed, in order; without it less is looked at
    """

    def __init__(self, client: Client, hub: Hub, log: Sequence[Recorded] = ()) -> None:
        self.client = client
        self.hub = hub
        self.log = log
        self.transport = FakeTransport(self.received)
        self.line = FakeLine(self.transport)
        self.session = Session(
            hub, self.line, client_id="c", viewer=Viewer("u", "ann", "member"), form=client.form
        )
        self.pings = 0
        self.heartbeats: list[int] = []  # the head that each named
        self.wishes: dict[Room, Wish] = {}
        self.folded: dict[tuple[str, str | None], int] = {}  # room, job -> seq of its snapshot
        self.snapshots: set[Room] = set()
        self.live: set[str] = set()
        self.lost: dict[str, int] = {}  # room -> up to where it was told that events are gone
        self.seqs: list[int] = []
        self.latest = 0  # seq since the last answer to a subscription
        self.done: set[int] = set()  # not to be told again
        self.in_order = True  # everything was asked for at once

    def ask(self, room: Room, **fields: Any) -> None:
        """Subscribe, as the transport does for a client's message."""
        ask = Subscribe(op="subscribe", room=str(room), **fields)
        acked = self.client.acked
        plan = Conversation.decide(ask, log=LOG, head=self.hub.head, acked=acked)
        assert isinstance(plan, Follow)
        self.wishes[room] = (plan.after, plan.types)
        self.live.discard(str(room))
        if plan.snapshot:
            self.snapshots.add(room)
        self.session.follow(room, plan, Subscribed(room=str(room), head=self.hub.head))

    def ack(self) -> None:
        """Acknowledge what has arrived, in every room; the client knows from now on what counts."""
        kept = self.acknowledged(min(self.client.cursors.values()))
        self.client.acked = max(self.client.acked or 0, kept)

    def acknowledged(self, seq: int) -> int:
        """Return what the transport keeps of an acknowledgement."""
        kept = Conversation.acknowledged(
            Ack(op="ack", seq=seq), head=self.hub.head, told=self.session.told_upto
        )
        assert isinstance(kept, int)
        return kept

    @property
    def goodbye(self) -> Hangup | None:
        return self.line.goodbye

    def received(self, data: bytes) -> None:
        if data == PING:
            self.pings += 1
            return
        for payload in frames(data):
            lines = payload.split(b"\n")
            assert len(lines) == 1 or self.client.form is JSON_LINES
            for line in lines:
                self.heard(json.loads(line))

    def heard(self, message: dict[str, Any]) -> None:
        client = self.client
        match message["type"]:
            case "subscribed":
                self.latest = 0
            case "heartbeat":
                self.heartbeats.append(message["head"])
            case "snapshot":
                job, seq = message["job_id"], message["state"]["last_seq"]
                self.folded[message["room"], job] = seq
                client.states[job] = max(client.states.get(job, 0), seq)
            case "truncated":
                upto = message["oldest"] - 1
                assert upto > self.wishes[parse_room(message["room"], "")][0], "nothing was missed"
                self.lost[message["room"]] = upto
                client.lost_upto = max(client.lost_upto, upto)
                self.live.discard(message["room"])
            case "live":
                self.live.add(message["room"])
                room = parse_room(message["room"], "")
                if room in client.cursors:
                    client.cursors[room] = max(client.cursors[room], message["seq"])
            case _:
                seq = message["seq"]
                assert seq <= self.hub.head, "shown before it was told"
                assert seq > self.latest, "out of order"
                assert not self.log or self.expects(self.log[seq - 1]), "told, or not to be told"
                self.latest = seq
                self.seqs.append(seq)
                client.seen.add(seq)
                if self.in_order or self.live >= {str(room) for room in self.wishes}:
                    for room in client.cursors:
                        client.cursors[room] = max(client.cursors[room], seq)

    def expects(self, event: Recorded) -> bool:
        if event.seq in self.done:
            return False
        return any(
            wanted(event, room, wish) and event.seq > self.folded.get((str(room), event.job_id), 0)
            for room, wish in self.wishes.items()
        )


def unframed(data: bytes) -> list[tuple[int, bytes]]:
    """Read frames as a client would: (first byte, payload)."""
    found = []
    while data:
        size, start = data[1], 2
        assert not size & 0x80, "a server never masks"
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        found.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return found
