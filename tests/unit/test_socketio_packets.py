"""What a Socket.IO client may send, and that nothing else gets through."""

from typing import Any

import pytest
import socketio
from hypothesis import given
from hypothesis import strategies as st

from app.core.dialects.asks import Ask, read_ask, read_place
from app.core.dialects.packets import ENGINE, RESERVED, Malformed, Packet, read_packet
from app.core.protocol import LARGEST_SEQ

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name not in RESERVED)
PACKETS = st.one_of(
    st.builds(
        lambda name, data, ident: socketio.packet.Packet(
            socketio.packet.EVENT, [name, *data], id=ident
        ),
        NAMES,
        st.lists(JSON, max_size=3),
        st.none() | st.integers(0, 10**14),
    ),
    st.builds(
        lambda auth: socketio.packet.Packet(socketio.packet.CONNECT, auth),
        st.none() | st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    ),
    st.just(socketio.packet.Packet(socketio.packet.DISCONNECT)),
    st.builds(
        lambda ident, data: socketio.packet.Packet(socketio.packet.ACK, data, id=ident),
        st.integers(0, 99),
        st.lists(JSON, max_size=2),
    ),
)


@given(PACKETS)
def test_what_the_library_of_clients_sends_is_understood(packet: Any) -> None:
    read = read_packet("4" + packet.encode())
    kinds = ("connect", "disconnect", "event", "ack")
    assert read.kind == kinds[packet.packet_type]
    assert read.name == (packet.data[0] if read.kind == "event" else "")


@given(
    st.text(max_size=60)
    | st.text('0123456789/,-[]{}":abn.', max_size=40).map("4".__add__)
    | st.binary(max_size=30).map(lambda data: data.decode("latin-1"))
)
def test_whatever_is_sent_is_read_as_the_library_reads_it_or_refused(text: str) -> None:
    try:
        read = read_packet(text)
    except Malformed:
        return
    if text in ENGINE:
        return
    assert text[0] == "4"
    packet = socketio.packet.Packet(encoded_packet=text[1:])  # raises for nothing of it
    kinds = ("connect", "disconnect", "event", "ack")
    assert kinds[packet.packet_type] == read.kind
    assert not packet.attachment_count
    assert (packet.namespace or "/") == read.namespace
    if read.kind == "event":
        assert packet.data[0] == read.name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9",
        "2",
        "2probe",
        "5",
        "0{}",
        "3[[[[",
        "4",
        "49",
        "42",
        "42{}",
        "42[]",
        "42[1]",
        "42[null]",
        '42["a"',
        '42["disconnect"]',
        '42["connect",{}]',
        "40[1]",
        "40nonsense",
        '4251-["a",{"_placeholder":true,"num":0}]',
        '451-["a",{"_placeholder":true,"num":0}]',
        "43[]",
        "43",
        '44{"message":"x"}',
        "42" + "[" * 900,
        '42["a",' + "[" * 5000,
        "b4AAAA",
    ],
)
def test_what_is_no_packet_of_a_client_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_packet(text)


def test_a_packet_knows_its_namespace() -> None:
    assert read_packet("40/admin,") == Packet("connect", namespace="/admin")
    assert read_packet("40/admin") == Packet("connect", namespace="/admin")
    assert read_packet('42/admin,7["a"]') == Packet("event", "a", "/admin")


@pytest.mark.parametrize(
    ("said", "ask"),
    [
        (("abc",), Ask("abc")),
        (({"id": "abc"},), Ask("abc")),
        (({"id": "abc", "after": 0, "log": "l", "more": 1}, "ignored"), Ask("abc", 0, "l")),
    ],
)
def test_an_id_is_named_alone_or_with_a_place(said: tuple[Any, ...], ask: Ask) -> None:
    assert read_ask("id", said) == ask


@pytest.mark.parametrize("after", [-1, 1.5, "1", True, LARGEST_SEQ + 1, [1]])
def test_a_place_is_a_whole_number(after: Any) -> None:
    with pytest.raises(ValueError, match="after has to be"):
        read_place({"after": after})
    with pytest.raises(ValueError, match="log has to be"):
        read_place({"log": after if not isinstance(after, str) else "x" * 65})


@given(st.lists(JSON, max_size=2))
def test_whatever_is_asked_for_is_understood_or_answered_in_words(said: list[Any]) -> None:
    first = said[0] if said else None
    if isinstance(first, str) and 0 < len(first) <= 64:
        assert read_ask("id", tuple(said)).ident == first
    elif not isinstance(first, dict):
        with pytest.raises(ValueError, match="id has to be"):
            read_ask("id", tuple(said))
