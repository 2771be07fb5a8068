"""Packets are the same events whatever carries them, and say of sessions how they stood then."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.core.events import Event
from app.core.protocol import Live, Snapshot, Truncated
from app.core.wire import text_frame
from app.live.formats import Said
from app.live.frames import read_frames
from app.live.socketio.forms import BETWEEN, Forms, System, framed, make_forms
from app.live.socketio.marks import Marks
from app.store.events import Recorded
from tests.unit.test_dialects_tables import BATCH, JOB, Story, answer, at, moves, question

SYSTEMS: tuple[System, ...] = ("A", "B", "C jobs", "C batches")


def recorded(body: dict[str, Any]) -> Recorded:
    data = orjson.dumps(body)
    place = body["seq"], "ann", body["batch_id"], body["job_id"], body["n"], body["type"]
    return Recorded(*place, data)


def forms(marks: Marks | None = None) -> tuple[Forms, Forms]:
    return make_forms(marks or Marks())


def events(body: bytes) -> list[tuple[str, Any]]:
    """Return the events in a body that was polled."""
    if not body:
        return []
    packets = body.split(BETWEEN)
    assert all(packet.startswith(b"42") for packet in packets)
    return [tuple(json.loads(packet[2:])) for packet in packets]


@given(moves(), st.sampled_from(SYSTEMS))
def test_a_websocket_carries_what_is_polled(drafts: list[Event], system: System) -> None:
    story = Story()
    for draft in drafts:
        story.tell(draft)
    marks = Marks()
    marks.follow(BATCH)
    polling, over_websocket = forms(marks)
    messages = [recorded(body) for body in story.bodies]
    for message in messages:
        told = polling.of[system].pack([message])
        frames = over_websocket.of[system].pack([message])
        packets = [text.encode() for _, _, text in read_frames(frames)]
        assert [packet[:2000] for packet in told.split(BETWEEN) if told] == packets
        for name, payload in events(told):
            assert name == "position" or payload["seq"] == message.seq


@given(moves())
def test_a_session_that_is_told_again_is_told_the_same(drafts: list[Event]) -> None:
    story = Story()
    for draft in drafts[:10]:
        story.tell(draft)
    marks = Marks()
    form = forms(marks)[0].of["C jobs"]
    live = [form.pack([recorded(body)]) for body in story.bodies]
    again = form.pack([recorded(body) for body in story.bodies])
    assert BETWEEN.join(live) == again


def test_a_replay_from_the_middle_knows_the_plan_from_how_the_job_stands() -> None:
    story = Story()
    for draft in (at("page_reading", 40.0), question(), answer(), at("page_reading", 50.0)):
        story.tell(draft)
    marks = Marks()
    marks.hold(story.now)
    form = forms(marks)[0].of["C jobs"]
    (_, first), (_, asked), *_ = events(form.pack([recorded(body) for body in story.bodies[1:]]))
    assert (first["progress"], first["prompts"]["completed"]) == (40.0, 4)
    assert first["prompts"]["total"] == 11
    assert asked["clarificationCount"] == 1


def test_the_progress_of_a_batch_is_told_once_a_write() -> None:
    story = Story()
    for progress in (10.0, 20.0, 30.0):
        story.tell(at("page_reading", progress))
    marks = Marks()
    form = forms(marks)[0].of["C batches"]
    messages = [recorded(body) for body in story.bodies]
    assert form.pack(messages) == b""  # of a batch that nobody follows
    marks.follow(BATCH)
    ((name, payload),) = events(form.pack(messages))
    assert (name, payload["sessionId"], payload["progress"]) == ("progress", BATCH, 30.0)
    live = form.say([Live(room=f"batch:{BATCH}", seq=4)])
    assert events(live)[0][1]["prompts"]["total"] == 1
    marks.follow(BATCH)
    marks.leave(BATCH)
    assert events(form.pack(messages[-1:]))
    marks.leave(BATCH)
    assert form.pack(messages[-1:]) == b""


def test_no_place_lies_past_what_was_told() -> None:
    """Who comes back to the last place it was told would miss what is told only later."""
    story = Story()
    for progress in (10.0, 20.0, 30.0):
        story.tell(at("page_reading", progress))
    marks = Marks()
    marks.follow(BATCH)
    marks.hold(story.now)  # as it was looked up, before the replay
    polling = forms(marks)[0]
    replayed = [recorded(body) for body in story.bodies[:2]]
    ((_, payload),) = events(polling.of["C batches"].pack(replayed))
    assert (payload["seq"], payload["progress"]) == (2, 30.0), "and what is newer is not forgotten"
    assert events(polling.of["A"].pack(replayed))[-1] == ("position", "2")
    state = Snapshot.of(f"batch:{BATCH}", story.now).encoded()
    for system in ("A", "B", "C jobs"):
        for _, payload in events(polling.of[system].pack([Said(3, "snapshot", state)])):
            assert payload["seq"] == 3


def test_what_is_said_instead_of_events_is_told_by_its_name() -> None:
    story = Story()
    polling, over_websocket = forms()
    room, batch = f"job:{JOB}", f"batch:{BATCH}"
    said: dict[System, tuple[str, str, list[str]]] = {
        "A": ("user:" + JOB, "room", ["job_update", "file_progress"]),
        "B": (room, "task_id", ["task_update"]),
        "C jobs": (room, "sessionId", ["progress"]),
        "C batches": (batch, "sessionId", []),
    }
    for system, (named, key, names) in said.items():
        form = polling.of[system]
        ((name, payload),) = events(form.say([Truncated(room=named, oldest=7)]))
        assert (name, payload["oldest"], payload["room"]) == ("truncated", 7, named)
        assert payload[key].endswith(named.partition(":")[2])
        snapshot = Snapshot.of(named, story.now)
        told = events(form.pack([Said(None, "snapshot", snapshot.encoded())]))
        assert [name for name, _ in told if name != "position"] == names
    assert polling.of["B"].say([Live(room=room, seq=1)]) == b""
    assert over_websocket.of["B"].say([Live(room=room, seq=1)]) == b""


def test_packets_of_a_body_become_a_frame_each() -> None:
    assert framed(b"42[1]\x1e42[2]") == text_frame(b"42[1]") + text_frame(b"42[2]")
    polling, over_websocket = forms()
    assert framed(polling.event("a", {"b": 1})) == over_websocket.event("a", {"b": 1})


def test_a_job_deleted_is_counted_no_more() -> None:
    story = Story()
    marks = Marks()
    marks.follow(BATCH)
    form = forms(marks)[0].of["C batches"]
    form.pack([recorded(body) for body in story.bodies])
    gone = {**story.bodies[0], "seq": 9, "n": None, "job_id": None}
    gone |= {"type": "job_deleted", "deleted": JOB}
    ((_, payload),) = events(form.pack([recorded(gone)]))
    assert payload["prompts"]["total"] == 0
