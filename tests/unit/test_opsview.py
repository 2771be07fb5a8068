"""The operations page in words: the server's and the script's are the same."""

import dataclasses
from random import Random
from typing import Any, get_args

import pytest

from app.core.permissions import Client
from app.core.quantities import count
from app.store.audit import KINDS
from app.web import opsview
from tests.unit.test_javascript import NODE, ask

JOB = "01936d2e-0000-7000-8000-000000c810a8"
NOW = "2026-11-20T12:00:00.000Z"
ROOMS = (f"job:{JOB}", f"batch:{JOB}", "user:01900000-0000-7000-8000-00000000000a", "all")
SPREAD = {"count": 0, "total": 0.0, "p50": None, "p99": None, "buckets": [[None, 0]]}


def connection(**facts: Any) -> dict[str, Any]:
    usual = {
        "id": "7",
        "client_id": "tab",
        "user_id": "u",
        "user": "Mara",
        "client": "cookie",
        "address": "127.0.0.1",
        "transport": "websocket",
        "format": "json",
        "since": "2026-11-20T11:58:59.400Z",
        "state": "live",
        "rooms": [f"job:{JOB}"],
        "cursor": 1042,
        "lag": 0,
        "unsent_bytes": 0,
        "messages_in": 3,
        "events_out": 1,
        "bytes_out": 1_234_567,
        "silent_s": 0.5,
        "logged_until": None,
    }
    return {**usual, **facts}


def status(*connections: dict[str, Any], **facts: Any) -> dict[str, Any]:
    usual = {
        "now": NOW,
        "up_s": 61.5,
        "head": 1042,
        "connected": len(connections),
        "jobs_at_work": 0,
        "behind": 0,
        "deliveries": 12_345,
        "bytes_out": 9_000,
        "rejected": {},
        "refused": {},
        "telling_s": SPREAD,
        "transaction_s": SPREAD,
        "limits": {"connections": 10_000},
        "connections": list(connections),
    }
    return {**usual, **facts}


def test_a_connection_says_who_follows_what_and_how_it_goes() -> None:
    line = opsview.connection_line(connection(rooms=list(ROOMS), lag=1212), NOW)
    assert (line.who, line.how, line.by) == ("Mara", "browser · 127.0.0.1", "WebSocket")
    assert line.since == "1 min"
    assert line.follows[:2] == (
        ("file c810a8", f"/jobs/{JOB}"),
        ("batch c810a8", f"/batches/{JOB}"),
    )
    assert line.more == "+1"
    assert (line.place, line.behind) == ("1,042", "1,212 behind")
    assert (line.sent, line.events, line.received) == ("1.2 MB", "1 event", "3")


def test_a_connection_that_follows_nothing_says_so() -> None:
    line = opsview.connection_line(connection(rooms=[]), NOW)
    assert line.follows == (("nothing yet", ""),)


def test_the_format_of_an_event_stream_is_no_news() -> None:
    line = opsview.connection_line(connection(transport="sse", format="sse"), NOW)
    assert (line.by, line.form) == ("Event stream", "")


def test_what_the_audit_log_may_hold_has_words() -> None:
    assert set(opsview.DID) == set(KINDS)
    assert set(opsview.HOW) == set(get_args(Client))


def test_a_note_without_a_name_is_of_somebody() -> None:
    note = {"id": 3, "at": NOW, "kind": "refused", "name": "", "client": "", "address": "::1"}
    (line,) = opsview.audit_lines([{**note, "facts": {"reason": "cross_site", "job_id": "x"}}])
    assert (line.who, line.did, line.alarming) == ("somebody", "was refused", True)
    assert line.what == "reason cross_site · job id x"


def test_who_came_by_a_share_link_is_not_the_one_who_made_it() -> None:
    assert opsview.actor({"name": "ann", "client": "share"}) == "guest of ann"
    assert opsview.actor({"name": "ann", "client": "token"}) == "ann"


def test_facts_are_told_without_what_only_machines_can_read() -> None:
    facts = {"room": f"job:{JOB}", "via": JOB, "tokens": False, "scopes": ["read", "listen"]}
    facts["label"] = ""
    assert opsview.facts_text(facts) == "room job:…c810a8 · tokens no · scopes read, listen"


def test_limits_are_told_with_their_units() -> None:
    told = dict(opsview.limits({"connections": 10_000, "message_bytes": 1024, "silence_s": 300}))
    assert list(told.values()) == ["10,000", "1.0 KB", "5 min"]


def test_frames_are_told_newest_first() -> None:
    frames = [
        {"n": 1, "at": NOW, "direction": "in", "kind": "text", "text": "{}"},
        {"n": 2, "at": NOW, "direction": "out", "kind": "ping", "text": ""},
    ]
    told = opsview.frames({"id": "7", "on": False, "until": NOW, "frames": frames})
    assert told.until == ""
    assert [(line.n, line.word, line.text) for line in told.lines] == [
        (2, "sent", "ping "),
        (1, "received", "{}"),
    ]


def any_status(chance: Random) -> dict[str, Any]:
    seconds = (None, 0.0005, 0.0025, 0.25, 1.0, 2.5)

    def spread() -> dict[str, Any]:
        many = chance.choice([0, 7])
        bounds = {key: chance.choice(seconds[1:]) if many else None for key in ("p50", "p99")}
        return {**SPREAD, "count": many, **bounds}

    def one() -> dict[str, Any]:
        return connection(
            id=str(chance.randint(1, 99)),
            user_id=chance.choice("uv"),
            client=chance.choice(get_args(Client)),
            address=chance.choice(["", "::1"]),
            transport=chance.choice(["websocket", "sse"]),
            format=chance.choice(["json", "msgpack, single"]),
            since=f"2026-11-20T{chance.randint(0, 11):02}:59:{chance.randint(50, 59)}.500Z",
            rooms=chance.sample(ROOMS, chance.randint(0, 4)),
            cursor=chance.randint(0, 10**7),
            lag=chance.choice([0, 1, 5000]),
            messages_in=chance.choice([0, 1, 4321]),
            events_out=chance.choice([0, 1, 4321]),
            bytes_out=chance.choice([0, 1, 999, 1250, 10**9]),
            logged_until=chance.choice([None, NOW]),
        )

    return status(
        *(one() for _ in range(chance.randint(0, 4))),
        refused=chance.choice([{}, {"full": 1, "crowd": 1200}]),
        rejected=chance.choice([{}, {"unknown_op": 1}]),
        jobs_at_work=chance.choice([0, 1, 1200]),
        telling_s=spread(),
        transaction_s=spread(),
    )


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_script_says_what_the_server_says() -> None:
    chance = Random(3)
    facts = {"op": "retry", "room": f"job:{JOB}", "client_id": "0" * 26 + "abcdef", "via": JOB}
    facts |= {"times": 3, "seconds": 2.318, "tokens": True, "scopes": ["read", "listen"]}
    facts["label"] = ""
    entries = [{"name": name, "client": client} for name in ("ann", "") for client in opsview.HOW]
    asked = [{"status": any_status(chance), "facts": facts, "entries": entries} for _ in range(60)]
    for question, shown in zip(asked, ask("view-connections.js", asked), strict=True):
        told = question["status"]
        lines = [opsview.connection_line(one, NOW) for one in told["connections"]]
        assert shown["lines"] == [
            {**dataclasses.asdict(line), "follows": [list(room) for room in line.follows]}
            for line in lines
        ]
        assert shown["figures"] == {
            figure.key: [figure.value, figure.note] for figure in opsview.figures(told)
        }
        assert shown["parts"] == {
            "workers": f"{count(told['jobs_at_work'], 'job')} at work",
            "live": count(told["connected"], "connection"),
        }
        assert shown["facts"] == opsview.facts_text(facts)
        assert shown["who"] == [opsview.actor(entry) for entry in entries]
