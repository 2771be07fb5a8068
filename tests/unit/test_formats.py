"""What is packed into one write: every message, in order, whole."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.protocol import Live, Reset
from app.core.wire import WORTH_COMPRESSING, binary_frame, binary_payload, deflated_text_frame
from app.live.formats import (
    DEFLATED_LINES,
    DEFLATED_SINGLE,
    JSON_LINES,
    JSON_SINGLE,
    MSGPACK,
    MSGPACK_SINGLE,
    Format,
    Said,
    chunks,
    sse,
)
from tests.unit.decoders import (
    Decode,
    EventStream,
    binary_messages,
    chunked_messages,
    stream_messages,
    text_messages,
    unchunked,
)
from tests.unit.listeners import unframed

STREAM, PLAIN_STREAM = sse("log", chunked=True), sse("log", chunked=False)
FORMATS: list[tuple[Format, Decode]] = [
    (JSON_LINES, text_messages),
    (JSON_SINGLE, text_messages),
    (DEFLATED_LINES, text_messages),
    (DEFLATED_SINGLE, text_messages),
    (MSGPACK, binary_messages),
    (MSGPACK_SINGLE, binary_messages),
    (STREAM, chunked_messages),
    (PLAIN_STREAM, stream_messages),
]
every_format = pytest.mark.parametrize(
    ("form", "decode"), FORMATS, ids=[f.name for f, _ in FORMATS]
)

texts = st.text(st.characters(codec="utf-8"), max_size=10)
long_texts = texts.map(lambda text: text * 200)  # worth compressing
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9)
scalars = st.none() | st.booleans() | numbers | texts | long_texts
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=2)
objects = st.lists(st.dictionaries(texts, values, max_size=3), max_size=12)


def as_events(found: list[Any]) -> list[Said]:
    return [Said(seq, "x", json.dumps(body).encode()) for seq, body in enumerate(found, 5)]


@every_format
@given(found=objects, at_most=st.integers(1, 4000))
def test_chunks_hold_every_event_once_in_order_and_know_how_far_they_reach(
    form: Format, decode: Decode, found: list[Any], at_most: int
) -> None:
    events = as_events(found)
    packed = chunks(events, form, at_most=at_most)
    assert decode(b"".join(chunk.data for chunk in packed)) == found
    reached = 4
    for chunk in packed:
        assert len(decode(chunk.data)) == chunk.events  # each write is whole, and readable alone
        reached += chunk.events
        assert chunk.seq == reached
        size = sum(len(event.body) for event in events if event.seq and event.seq <= reached)
        size -= sum(len(e.body) for e in events if e.seq and e.seq <= reached - chunk.events)
        assert size <= at_most or chunk.events == 1
    assert reached == 4 + len(found)


@pytest.mark.parametrize("form", [JSON_SINGLE, DEFLATED_SINGLE, MSGPACK_SINGLE])
@given(found=objects)
def test_who_asked_for_it_gets_one_object_a_frame(form: Format, found: list[Any]) -> None:
    assert len(unframed(form.pack(as_events(found)))) == len(found)


@pytest.mark.parametrize("form", [JSON_LINES, DEFLATED_LINES, MSGPACK])
@given(found=objects.filter(bool))
def test_others_get_the_objects_of_a_write_in_one_frame(form: Format, found: list[Any]) -> None:
    assert len(unframed(form.pack(as_events(found)))) == 1


# Compression


@given(st.binary(max_size=50).map(lambda data: data * 40))
def test_a_frame_is_only_compressed_where_that_makes_it_smaller(payload: bytes) -> None:
    for frame in (binary_frame(payload), deflated_text_frame(payload)):
        assert len(frame) <= len(payload) + 11


def test_large_frames_are_compressed_and_small_ones_are_not() -> None:
    small, large = b"x" * (WORTH_COMPRESSING - 1), b"x" * (WORTH_COMPRESSING + 1)
    assert [unframed(deflated_text_frame(p))[0][0] for p in (small, large)] == [0x81, 0xC1]
    assert [unframed(binary_frame(p))[0][1][0] for p in (small, large)] == [0, 1]
    assert len(deflated_text_frame(large)) < 50
    assert len(binary_frame(large)) < 50


@given(st.binary(max_size=50).map(lambda data: data * 40))
def test_what_a_client_packs_is_unpacked(payload: bytes) -> None:
    packed = unframed(binary_frame(payload))[0][1]
    assert binary_payload(packed, len(payload)) == payload
    if payload:
        with pytest.raises(OverflowError):
            binary_payload(packed, len(payload) - 1)


@given(st.binary(max_size=60))
def test_what_is_no_frame_of_ours_is_told_and_breaks_nothing(junk: bytes) -> None:
    with suppress(ValueError, OverflowError):
        assert len(binary_payload(junk, 50)) <= 50


def test_a_bomb_is_not_unpacked() -> None:
    bomb = unframed(binary_frame(b"\0" * 50_000_000))[0][1]
    assert len(bomb) < 300_000
    with pytest.raises(OverflowError):
        binary_payload(bomb, 1024)


def test_a_frame_that_was_cut_or_goes_on_is_refused() -> None:
    packed = unframed(binary_frame(b"x" * 2000))[0][1]
    for wrong in (packed[:-4], packed + b"more", b"", b"\2abc"):
        with pytest.raises(ValueError, match="frame"):
            binary_payload(wrong, 5000)


# Event streams


@pytest.mark.parametrize("form", [STREAM, PLAIN_STREAM])
@given(found=objects)
def test_every_block_of_a_stream_has_its_place_and_its_type(form: Format, found: list[Any]) -> None:
    packed = form.pack(as_events(found))
    text = b"".join(unchunked(packed)) if form is STREAM and found else packed
    heard = list(EventStream().feed(text.decode())) if found else []
    assert [event.last_event_id for event in heard] == [f"log:{n + 5}" for n in range(len(found))]
    assert {event.type for event in heard} <= {"x"}


def test_a_write_is_one_chunk() -> None:
    packed = STREAM.pack(as_events([{"a": 1}, {"b": 2}]))
    assert len(unchunked(packed)) == 1


def test_a_heartbeat_is_a_comment_and_moves_nobody() -> None:
    stream = EventStream()
    assert list(stream.feed(PLAIN_STREAM.quiet(7, "2026-11-20T08:10:11.123Z").decode())) == []
    assert stream.comments == ["heartbeat 7 2026-11-20T08:10:11.123Z"]
    assert stream.last_event_id == ""


def test_who_was_told_to_begin_anew_is_not_there_yet() -> None:
    stream = EventStream()
    list(stream.feed("id: other:5\ndata: x\n\n"))
    reset = PLAIN_STREAM.say([Reset(room="all", log="log", head=9)], 9)
    assert [event.last_event_id for event in stream.feed(reset.decode())] == ["other:5"]
    live = PLAIN_STREAM.say([Live(room="all", seq=9)], 9)
    assert [event.last_event_id for event in stream.feed(live.decode())] == ["log:9"]
