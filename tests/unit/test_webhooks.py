"""Webhooks: what is sent is what Standard Webhooks wants, and when it is tried again."""

import base64
import json
import time
from itertools import count, takewhile

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.core.events import EVENT_TYPES
from app.core.times import DAY_MS
from app.core.webhooks import (
    TEST_TYPE,
    USUAL_TYPES,
    check_secret,
    headers_for,
    is_given_up,
    next_wait_ms,
    payload,
    retry_after_s,
    secret_text,
)

NEW, OLD, OTHER = (secret_text(bytes([n]) * 32) for n in (1, 2, 3))


def test_both_secrets_verify_during_a_rotation_and_no_other() -> None:
    body = payload("processing_completed", "2026-11-20T08:10:11.123Z", b'{"seq":7}')
    headers = headers_for((NEW, OLD), "0190-a", int(time.time()), body)
    told = {"type": "processing_completed", "timestamp": "2026-11-20T08:10:11.123Z"}
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(body, headers) == {**told, "data": {"seq": 7}}
    for wrong in (OTHER,):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(body, headers)


def test_a_changed_body_an_other_id_and_an_old_time_do_not_verify() -> None:
    now = int(time.time())
    headers = headers_for((NEW,), "0190-a", now, b"{}")
    for body, changed in (
        (b'{"a":1}', headers),
        (b"{}", {**headers, "webhook-id": "0190-b"}),
        (b"{}", headers_for((NEW,), "0190-a", now - 600, b"{}")),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(body, changed)


def test_a_body_is_json_whatever_the_type_says() -> None:
    assert json.loads(payload('a"b', "t", b"{}")) == {"type": 'a"b', "timestamp": "t", "data": {}}


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(size: int) -> None:
    secret = secret_text(b"x" * size)
    assert check_secret(secret) == secret
    Webhook(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_not base64!",
        secret_text(b"x" * 23),
        secret_text(b"x" * 65),
        base64.b64encode(b"x" * 32).decode(),
        "whsec_é" + "A" * 42,
    ],
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a secret is whsec_"):
        check_secret(text)


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_attempts_go_on_for_about_a_day_with_growing_waits(chance: float) -> None:
    found = (next_wait_ms(attempts, chance) for attempts in count(1))
    waits = [wait for wait in takewhile(lambda wait: wait is not None, found) if wait is not None]
    assert waits == sorted(waits)
    assert waits[0] <= 6000
    assert 0.85 * DAY_MS < sum(waits) < 1.2 * DAY_MS


def test_chance_spreads_what_failed_together() -> None:
    assert next_wait_ms(3, 0.0) != next_wait_ms(3, 0.9)


def test_a_receiver_may_ask_for_more_time_but_not_for_ever() -> None:
    assert next_wait_ms(1, 0.5, 60) == 60_000
    assert next_wait_ms(1, 0.5, 10**9) == 3_600_000
    assert next_wait_ms(10, 0.5, 1) == 36_000_000


def test_only_long_and_steady_failure_turns_a_webhook_off() -> None:
    assert is_given_up(0, 20, 3 * DAY_MS)
    assert not is_given_up(0, 19, 3 * DAY_MS)
    assert not is_given_up(0, 1000, 3 * DAY_MS - 1)


def test_what_is_told_by_default_are_types_there_are_and_a_test_is_none() -> None:
    assert set(USUAL_TYPES) <= set(EVENT_TYPES)
    assert TEST_TYPE not in EVENT_TYPES


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("120", 120),
        ("Fri, 20 Nov 2026 08:01:30 GMT", 90),
        ("Fri, 20 Nov 2026 07:00:00 GMT", 0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        ("Fri, 99 Nov 2026 08:01:30 GMT", None),
        ("\udcff", None),
    ],
)
def test_who_is_busy_says_for_how_long_in_seconds_or_by_a_date(
    said: str, wait_s: int | None
) -> None:
    assert retry_after_s(said, 1795161600) == wait_s
