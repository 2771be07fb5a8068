"""Notifications: what is told, in how many words, and what an address may be."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from app.core.events import EVENT_TYPES
from app.core.notifications import (
    KINDS,
    SCHEMES,
    TYPES,
    Message,
    check_target,
    gather,
    masked,
    message_of,
)


def test_every_service_that_is_offered_is_one_there_is() -> None:
    ask = "from apprise.manager_plugins import NotificationManager as M; print(*M().schemas())"
    known = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert set(known.stdout.split()) >= SCHEMES


def event(kind: str, batch: str | None = "b", job: str | None = None, **more: Any) -> Any:
    return {"type": kind, "batch_id": batch, "job_id": job, **more}


def ended(batch: str = "b", **counts: int) -> Any:
    return event("batch_completed", batch, counts=counts)


def asked(question: str, batch: str = "b") -> Any:
    return event("clarification_requested", batch, "j", question=question)


def told(*events: Any, kinds: Any = KINDS, names: Mapping[str, str] | None = None) -> str | None:
    message = message_of(gather(events), kinds, names or {})
    return None if message is None else message.body


def test_the_types_it_is_made_of_are_types_there_are() -> None:
    assert set(TYPES) <= set(EVENT_TYPES)


def test_an_upload_is_one_line_whatever_happened_in_it() -> None:
    files = [event("processing_completed", job=f"{n}") for n in range(3)]
    line = told(
        asked("Which order?"),
        *files,
        event("processing_failed", job="x"),
        ended(completed=3, error=1),
        names={"b": "Taxes"},
    )
    assert line == "Taxes: 3 files are done, 1 failed"
    assert told(*files) is None, "before its end nothing is told of an upload's files"


def test_a_job_that_belongs_to_no_upload_is_told_by_itself() -> None:
    assert told(event("processing_failed", None, "j"), names={"j": "a.csv"}) == "a.csv: 1 failed"


def test_questions_of_an_upload_are_told_together() -> None:
    assert told(asked("A?"), asked("B?")) == "2 questions wait for you: A?"
    assert told(asked("A?")) == "1 question waits for you: A?"


@pytest.mark.parametrize(
    ("kinds", "lines"),
    [
        (("ended",), ["1 file is done", "1 failed"]),
        (("failed",), ["1 failed"]),
        (("question",), ["1 question waits for you: A?"]),
    ],
)
def test_only_what_was_chosen_is_told(kinds: Any, lines: list[str]) -> None:
    body = told(ended("1", completed=1), ended("2", error=1), asked("A?", "3"), kinds=kinds)
    assert (body or "").split("\n") == lines


def test_nothing_worth_it_is_no_notification() -> None:
    assert told() is None
    assert told(ended(completed=1), kinds=("failed",)) is None


def test_a_crowd_is_cut_short_and_names_are_one_line() -> None:
    events = [ended(f"{n}", completed=1) for n in range(12)]
    message = message_of(gather(events), KINDS, {"0": "a\nb\x1b[31m" + "c" * 100})
    assert isinstance(message, Message)
    assert message.title == "Livetrail: 12 things happened"
    lines = message.body.split("\n")
    assert lines[0] == "a b[31m" + "c" * 53 + ": 1 file is done"
    assert lines[-1] == "… and 2 more"
    assert len(lines) == 11


@pytest.mark.parametrize(
    "address",
    [
        "dbus://",
        "macosx://",
        "windows://",
        "gnome://",
        "syslog://",
        "rsyslog://example.com",
        "blink1://",
        "file:///etc/passwd",
        "smpp://user:secret@example.com/1/2",
        "irc://example.com/#room",
        "tgram://token/chat?template=/etc/passwd",
        "mailto://me:secret@example.com?PGP=yes",
        "matrixs://me:secret@example.com/#r?e2ee=yes",
        "jsons://example.com/?TEMPL%41TE=x",
        "jsons://example.com/a;attach=/etc/passwd",
        "ntfy",
        "",
        "://x",
        "json://exa mple\n.com",
        "jsons://[::1",
        "ntfys://" + "x" * 1000,
    ],
)
def test_what_works_on_this_machine_or_reads_its_files_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        check_target(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ntfy://topic", "ntfy://…"),
        ("ntfys://token@ntfy.example.com/topic", "ntfys://ntfy.example.com…"),
        ("mailtos://me:secret@example.com?to=x", "mailtos://example.com…"),
        ("mailtos://me:secret@example.com?to=me@example.com", "mailtos://example.com…"),
        ("jsons://secret#word@example.com/x", "jsons://…"),
        ("jsons://secret?word@example.com/x", "jsons://…"),
        ("TGRAM://123456:secret/42", "tgram://…"),
        ("discord://4711/secret", "discord://…"),
        ("jsons://me:secret@example.com:8443/secret?secret=1", "jsons://example.com…"),
    ],
)
def test_no_secret_of_an_address_is_shown(address: str, shown: str) -> None:
    assert masked(address) == shown
