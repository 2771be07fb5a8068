"""How events go to Socket.IO clients: in the words of a dialect, as packets of one transport.

Packets are built once for all who listen, as everywhere: frames back to back for a WebSocket, or a
body's worth of them for clients that poll.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from app.core.dialects import conversational, sessions, tasks
from app.core.dialects.packets import SEPARATOR
from app.core.dialects.words import Body, Told
from app.core.events import EVENT_TYPES
from app.core.rooms import Room, parse_room
from app.core.state import JobState
from app.core.wire import text_frame
from app.live.formats import Format, Message
from app.live.socketio.marks import Marks
from app.live.socketio.places import place_packet, with_places

System = Literal["A", "B", "C jobs", "C batches"]
"""What is told by one table. C names a batch and its jobs alike, so they are told apart."""

BETWEEN = SEPARATOR.encode()
EVENTS = frozenset(EVENT_TYPES)

Tell = Callable[[Sequence[Message]], Iterable[Told]]


def packet(told: Told) -> bytes:
    """Return an event as a packet, the type of Engine.IO's included."""
    return b"42" + orjson.dumps([told.name, told.payload])


def framed(packets: bytes) -> bytes:
    """Return the packets of a body as frames."""
    return b"".join([text_frame(one) for one in packets.split(BETWEEN)])


def _unbeaten(head: int, timestamp: str) -> bytes:
    return b""  # Engine.IO has signs of life of its own


def _format(name: str, tell: Tell) -> Format:
    """Return the format for clients that poll. What is not told in the dialect leaves nothing."""

    def pack(messages: Sequence[Message]) -> bytes:
        return BETWEEN.join([packet(told) for told in tell(messages)])

    return Format(name, pack, b"", _unbeaten, "socketio")


def _over_websocket(form: Format) -> Format:
    def pack(messages: Sequence[Message]) -> bytes:
        packets = form.pack(messages)
        return framed(packets) if packets else b""

    return replace(form, name=f"{form.name.partition(',')[0]}, WebSocket", pack=pack)


@dataclass(frozen=True, slots=True)
class Forms:
    """The formats of one kind of connection.

    own     of a connection, which tells nothing by itself
    finish  packets as they are written
    """

    own: Format
    of: dict[System, Format]
    finish: Callable[[bytes], bytes]

    def event(self, name: str, payload: dict[str, Any]) -> bytes:
        """Return one event as one write."""
        return self.finish(packet(Told(name, payload)))

    def place(self, seq: int) -> bytes:
        """Return where a client is as one write."""
        return self.finish(place_packet(seq))


def make_forms(marks: Marks) -> tuple[Forms, Forms]:
    """Return the formats for clients that poll, and for those on a WebSocket."""
    tells: dict[System, Tell] = {
        "A": _one_by_one(conversational.told, conversational.now, "room"),
        "B": _one_by_one(tasks.told, tasks.now, "task_id"),
        "C jobs": _one_by_one(_of_job(marks), _stands(marks), "sessionId"),
        "C batches": _of_batches(marks),
    }
    own = _format("polling", lambda messages: ())
    of = {name: _format(f"{name}, polling", tells[name]) for name in tells}
    of["A"] = with_places(of["A"])
    over = {name: _over_websocket(form) for name, form in of.items()}
    polling = Forms(own, of, lambda packets: packets)
    return polling, Forms(replace(own, name="WebSocket"), over, framed)


def _one_by_one(
    told: Callable[[Body], list[Told]], now: Callable[[JobState], list[Told]], key: str
) -> Tell:
    """Return how a dialect is told that knows each event by itself.

    now  tells how a job stands
    key  under which an id goes
    """

    def tell(messages: Sequence[Message]) -> Iterable[Told]:
        for message in messages:
            body = orjson.loads(message.body)
            if message.type in EVENTS:
                yield from told(body)
            elif message.type == "snapshot":
                # Of other jobs of the room less may be told by now: no place lies past that.
                for name, payload in now(body["state"]):
                    upto = payload["seq"] if message.seq is None else message.seq
                    yield Told(name, {**payload, "seq": min(payload["seq"], upto)})
            elif message.type == "truncated":
                yield _truncated(body, key)

    return tell


def _of_job(marks: Marks) -> Callable[[Body], list[Told]]:
    def told(event: Body) -> list[Told]:
        if event["job_id"] is None:
            return []
        return sessions.told_of_job(event, marks.after(event))

    return told


def _stands(marks: Marks) -> Callable[[JobState], list[Told]]:
    def now(state: JobState) -> list[Told]:
        marks.hold(state)
        return sessions.now(state)

    return now


def _of_batches(marks: Marks) -> Tell:
    """Return how batches are told as sessions: their progress once a write, when it is current."""

    def tell(messages: Sequence[Message]) -> Iterable[Told]:
        said: list[Told] = []
        places: dict[str, tuple[int, int]] = {}  # batch -> where in `said`, and in the log
        for message in messages:
            body = orjson.loads(message.body)
            if message.type in EVENTS:
                marks.count(body)
                places[body["batch_id"]] = len(said), body["seq"]
                said += sessions.told_of_batch(body)
            elif message.type == "snapshot":
                marks.hold(body["state"])
            elif message.type == "truncated":
                said.append(_truncated(body, "sessionId"))
            elif message.type == "live":
                places[_room(body).id] = len(said), body["seq"]
        for batch_id, (place, seq) in sorted(places.items(), key=_by_place, reverse=True):
            progress = marks.progress(batch_id)
            if progress is not None:
                # How it stands may be further than what was told: who comes back does to that.
                said.insert(place, Told("progress", {**progress, "seq": seq}))
        return said

    return tell


def _by_place(item: tuple[str, tuple[int, int]]) -> int:
    return item[1][0]


def _truncated(body: Body, key: str) -> Told:
    room = _room(body)
    about = {key: room.id} if key != "room" else {}
    return Told("truncated", {**about, "room": str(room), "oldest": body["oldest"]})


def _room(body: Body) -> Room:
    return parse_room(body["room"], "")
