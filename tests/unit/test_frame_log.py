"""What a log of frames shows of each kind of frame."""

import pytest

from app.core.wire import PING, binary_frame, deflated_text_frame, text_frame
from app.live.formats import MSGPACK, Said
from app.live.frames import TEXT_KEPT, read_frames

LONG = b'{"type": "live", "room": "%b"}' % (b"x" * 2000)


@pytest.mark.parametrize("build", [text_frame, deflated_text_frame])
def test_the_text_of_a_frame_is_shown_however_it_was_packed(build) -> None:  # type: ignore[no-untyped-def]
    frame = build(LONG)
    ((kind, size, text),) = read_frames(frame)
    assert (kind, text) == ("text", LONG.decode())
    assert len(frame) - 10 <= size < len(frame)


def test_the_words_of_a_packed_message_are_shown() -> None:
    for body in (b'{"room": "job"}', LONG):
        ((kind, _, text),) = read_frames(MSGPACK.pack([Said(None, "live", body)]))
        assert kind == "binary"
        assert "room" in text
    ((_, _, text),) = read_frames(binary_frame(b"")[:2] + b"\x01")
    assert text == ""


def test_frames_of_one_write_are_told_apart() -> None:
    data = text_frame(b"1") + PING + text_frame(b"2" * 126) + text_frame(b"3" * 70_000)
    found = list(read_frames(data))
    assert [(kind, size) for kind, size, _ in found] == [
        ("text", 1), ("ping", 0), ("text", 126), ("text", 70_000),
    ]  # fmt: skip
    assert len(found[3][2]) == 4 * TEXT_KEPT
