"""What a client may say, what it means, and how frames are built: no socket, no clock."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.conversation import TAKES, Conversation, Follow, TokenBucket
from app.core.events import EVENT_TYPES
from app.core.protocol import (
    Ack,
    Answer,
    Close,
    Hangup,
    Ping,
    Problem,
    Steer,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Welcome,
)
from app.core.rooms import Room
from app.core.wire import text_frame
from tests.unit.listeners import unframed

USER = "01900000-0000-7000-8000-00000000000a"
JOB = "01900000-0000-7000-8000-000000000001"


def conversation(rate: int = 10) -> Conversation:
    return Conversation(USER, rate, now_s=0.0)


def heard(message: dict[str, Any]) -> object:
    return conversation().receive(json.dumps(message))


def subscribe(**fields: Any) -> Subscribe:
    return Subscribe(op="subscribe", room="user:me", **fields)


def decided(head: int = 100, log: str = "here", **fields: Any) -> Follow | Problem:
    return Conversation.decide(subscribe(**fields), log=log, head=head)


# Reading


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"op": "subscribe", "id": "1", "room": "user:me", "after": 0}, Subscribe),
        ({"op": "unsubscribe", "id": 7, "room": "all"}, Unsubscribe),
        ({"op": "ack", "seq": 12}, Ack),
        ({"op": "ping"}, Ping),
        ({"op": "cancel", "id": "x", "job_id": JOB}, Steer),
        ({"op": "answer", "clarification_id": "q", "answer": ["yes"]}, Answer),
    ],
)
def test_every_op_is_understood(message: dict[str, Any], kind: type) -> None:
    assert type(heard(message)) is kind


@pytest.mark.parametrize(
    ("text", "code", "message_id"),
    [
        ("{not json", "bad_json", None),
        ("", "bad_json", None),
        ("[" * 900, "bad_json", None),
        ('"ping"', "invalid_request", None),
        ('{"op": "dance", "id": "a"}', "unknown_op", "a"),
        ('{"id": 4}', "unknown_op", 4),
        ('{"op": "subscribe", "id": "a"}', "invalid_request", "a"),
        ('{"op": "subscribe", "id": "a", "room": "all", "color": 1}', "invalid_request", "a"),
        ('{"op": "subscribe", "id": "a", "room": "all", "after": -1}', "invalid_request", "a"),
        ('{"op": "subscribe", "id": "a", "room": "all", "after": "5"}', "invalid_request", "a"),
        ('{"op": "subscribe", "id": "a", "room": "all", "after": true}', "invalid_request", "a"),
        ('{"op": "ack", "seq": 9223372036854775808}', "invalid_request", None),
        ('{"op": "ping", "id": {"a": 1}}', "invalid_request", None),
        (
            '{"op": "subscribe", "id": "a", "room": "all", "types": ["job_done"]}',
            "invalid_request",
            "a",
        ),
    ],
)
def test_what_can_not_be_understood_is_answered_with_its_own_code(
    text: str, code: str, message_id: str | int | None
) -> None:
    answer = conversation().receive(text)
    assert isinstance(answer, Problem)
    assert (answer.code, answer.id) == (code, message_id)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("ping", "A message is a JSON object with an op."),
        ({"op": "subscribe"}, "subscribe needs room."),
        ({"op": "subscribe", "room": "all", "color": 1}, "subscribe takes no color."),
        (
            {"op": "subscribe", "room": "all", "after": -1},
            "after has to be a whole number from 0 to 9223372036854775807.",
        ),
        (
            {"op": "subscribe", "room": "all", "types": ["a", 4]},
            "types has to be a list of 1 to 50 types of events.",
        ),
        (
            {"op": "subscribe", "room": "all", "types": ["job_created", "job_done"]},
            "types: there are no events of the type “job_done”; there are "
            + ", ".join(EVENT_TYPES)
            + ".",
        ),
        (
            {"op": "ping", "id": {"a": 1}},
            "id has to be a text of at most 64 characters or a whole number.",
        ),
        ({"op": "retry", "job_id": ""}, "job_id has to be a text of 1 to 64 characters."),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(message: object, said: str) -> None:
    answer = conversation().receive(json.dumps(message))
    assert isinstance(answer, Problem)
    assert answer.message == said


def test_every_field_that_can_be_wrong_has_its_words() -> None:
    asks = (Subscribe, Unsubscribe, Ack, Ping, Steer, Answer)
    fields = {name for ask in asks for name in ask.model_fields}
    assert fields - {"op", "answer"} == set(TAKES)


@given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_nothing_a_client_sends_raises(thing: object) -> None:
    conversation().receive(thing if isinstance(thing, str) else json.dumps(thing))


@given(
    st.dictionaries(st.sampled_from(["op", "id", "room", "after", "seq"]), st.text() | st.none())
)
def test_no_object_a_client_sends_raises(thing: dict[str, Any]) -> None:
    heard(thing)


def test_user_me_is_the_users_own_room() -> None:
    assert conversation().room(subscribe()) == Room("user", USER)


def test_a_room_that_can_not_be_is_refused() -> None:
    answer = conversation().room(Subscribe(op="subscribe", id="a", room="job:../../etc"))
    assert isinstance(answer, Problem)
    assert (answer.code, answer.id) == ("invalid_request", "a")


# Where to go on from


def test_without_after_a_client_starts_now() -> None:
    assert decided() == Follow(100, None, snapshot=False, reset=False)


@pytest.mark.parametrize("after", [0, 57, 100])
def test_a_client_goes_on_from_its_cursor(after: int) -> None:
    assert decided(after=after, log="here") == Follow(after, None, snapshot=False, reset=False)


@pytest.mark.parametrize("fields", [{"after": 101}, {"after": 5, "log": "x"}])
def test_a_cursor_that_is_not_of_this_log_is_reset_not_served(fields: dict[str, Any]) -> None:
    ask = subscribe(**fields)
    plan = Conversation.decide(ask, log="here", head=100)
    assert plan == Follow(100, None, snapshot=True, reset=True)


def test_a_snapshot_comes_instead_of_old_events() -> None:
    assert decided(after=3, snapshot=True) == Follow(100, None, snapshot=True, reset=False)


def test_types_narrow_what_is_followed() -> None:
    plan = decided(types=["processing_completed"])
    assert isinstance(plan, Follow)
    assert plan.types == {"processing_completed"}


def test_who_has_no_durable_name_has_no_acknowledged_position() -> None:
    plan = decided(after="acked")
    assert isinstance(plan, Problem)
    assert plan.code == "unsupported"


def test_who_has_one_goes_on_from_there() -> None:
    plan = Conversation.decide(subscribe(after="acked"), log="here", head=100, acked=42)
    assert plan == Follow(42, None, snapshot=False, reset=False)


@pytest.mark.parametrize(("seq", "told", "acked"), [(7, 9, 7), (9, 9, 9), (10, 9, 9)])
def test_no_more_is_acknowledged_than_was_told(seq: int, told: int, acked: int) -> None:
    ask = Ack(op="ack", seq=seq)
    assert Conversation.acknowledged(ask, head=10, told=told) == acked


def test_what_has_not_happened_can_not_be_acknowledged() -> None:
    answer = Conversation.acknowledged(Ack(op="ack", seq=11, id=1), head=10, told=10)
    assert isinstance(answer, Problem)
    assert (answer.id, answer.code) == (1, "invalid_request")


# How much


def test_a_second_s_worth_of_messages_passes_at_once() -> None:
    talk = conversation(rate=3)
    assert [talk.admit(0.0) for _ in range(3)] == [None] * 3


def test_one_too_many_is_told_when_to_come_again() -> None:
    talk = conversation(rate=2)
    answers = [talk.admit(0.0) for _ in range(3)]
    assert isinstance(answers[2], Problem)
    assert answers[2].code == "too_many_messages"
    assert answers[2].retry_after == 0.5
    assert talk.admit(0.5) is None


def test_who_does_not_stop_is_hung_up_on() -> None:
    talk = conversation(rate=2)
    answers = [talk.admit(0.0) for _ in range(5)]
    assert isinstance(answers[4], Hangup)
    assert answers[4].code == Close.TOO_MANY_MESSAGES


def test_a_quiet_second_is_a_clean_slate() -> None:
    talk = conversation(rate=2)
    for second in range(10):
        answers = [talk.admit(float(second)) for _ in range(3)]
        assert isinstance(answers[2], Problem)


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 20))
def test_no_second_lets_more_than_twice_the_rate_through(gaps: list[float], rate: int) -> None:
    bucket = TokenBucket(rate, tokens=rate, at_s=0.0)
    now_s, passed = 0.0, []
    for gap in gaps:
        now_s += gap
        if not bucket.take(now_s):
            passed.append(now_s)
    for start in passed:
        assert sum(start <= at_s < start + 1 for at_s in passed) <= 2 * rate


# Writing


def test_a_message_leaves_out_what_is_null() -> None:
    sent = json.loads(Subscribed(room="all", head=3).encoded())
    assert sent == {"type": "subscribed", "room": "all", "head": 3}


def test_welcome_has_every_field_that_clients_rely_on() -> None:
    assert set(Welcome.model_fields) == {
        *("type", "client_id", "user_id", "log", "head", "heartbeat", "limits", "server")
    }


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_frame_carries_its_length_in_the_shortest_form(size: int) -> None:
    payload = b"x" * size
    frame = text_frame(payload)
    assert unframed(frame) == [(0x81, payload)]
    assert len(frame) - size == (2 if size < 126 else 4 if size < 65536 else 10)
