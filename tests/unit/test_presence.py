"""Who hears of whom, what pings prove, and whose an id is that nobody has used yet."""

import json
import struct
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

from app.core.permissions import Viewer
from app.core.wire import ping_frame
from app.live.presence import TOLD_AT_MOST, Presence
from app.live.receipts import (
    ASK_AT_LEAST_EVERY_S,
    ASK_EVERY_S,
    ASKED_A_SECOND,
    PATIENCE,
    Receipt,
    Receipts,
)
from app.live.reservations import Reservations
from app.live.session import Session
from tests.unit.listeners import FakeLine, FakeTransport, frames
from tests.unit.test_hub import Clock, a_hub

ANN, BOB = "ann", "bob"


class Page:
    """A named connection of somebody, and what was said on it beside events."""

    def __init__(self, who: str, name: str, role: Any = "member") -> None:
        self.told: list[tuple[str, str]] = []
        self.written = 0
        self.transport = FakeTransport(self._heard)
        self.session = Session(
            a_hub(Clock()),
            FakeLine(self.transport),
            client_id=name,
            viewer=Viewer(who, who, role),
        )

    def _heard(self, data: bytes) -> None:
        self.written += len(data)
        for frame in frames(data):
            said = json.loads(frame)
            self.told.append((said["type"], said["client_id"]))


def test_the_same_users_others_hear_who_comes_comes_back_and_goes() -> None:
    presence, mine, other, his = Presence(), Page(ANN, "desk"), Page(ANN, "phone"), Page(BOB, "tv")
    with ExitStack() as here:
        for page in (mine, his):
            here.enter_context(presence.named(page.session, hears=True))
        for _ in range(2):
            with presence.named(other.session, hears=True):
                pass
    assert mine.told == [
        ("connection_established", "phone"),
        ("connection_lost", "phone"),
        ("user_disconnected", "phone"),
        ("reconnected", "phone"),
        ("connection_lost", "phone"),
        ("user_disconnected", "phone"),
    ]
    assert his.told == other.told == []


def test_a_name_is_lost_with_its_last_connection() -> None:
    presence, mine, one, two = Presence(), Page(ANN, "desk"), Page(ANN, "a"), Page(ANN, "a")
    with presence.named(mine.session, hears=True), presence.named(one.session, hears=False):
        with presence.named(two.session, hears=False):
            pass
        assert [kind for kind, _ in mine.told] == ["connection_established", "reconnected"]


def test_operators_hear_of_everybody_but_not_twice() -> None:
    presence, boss, his = Presence(), Page(ANN, "office", "operator"), Page(BOB, "tv")
    own = Page(ANN, "phone", "operator")
    with presence.named(boss.session, hears=True):
        for page in (his, own):
            with presence.named(page.session, hears=True):
                pass
    assert [one for one in boss.told if one[1] == "tv"] == [
        ("connection_established", "tv"), ("connection_lost", "tv"),
    ]  # fmt: skip
    assert len([one for one in boss.told if one[1] == "phone"]) == 3


def test_no_crowd_hears_of_each_other_and_who_does_not_read_hears_nothing() -> None:
    presence = Presence()
    pages = [Page(ANN, f"page-{n}") for n in range(TOLD_AT_MOST * 2)]
    pages[0].transport.reading, pages[0].transport.writing_paused = False, True
    with ExitStack() as here:
        for page in pages:
            here.enter_context(presence.named(page.session, hears=True))
        before = [len(page.told) for page in pages]
        with presence.named(Page(ANN, "late").session, hears=False):
            after = [len(page.told) for page in pages]
    assert sum(now - then for now, then in zip(after, before, strict=True)) == TOLD_AT_MOST - 1
    assert pages[0].written == 0


def test_nothing_is_remembered_of_who_has_gone_but_the_name() -> None:
    presence = Presence()
    with presence.named(Page(ANN, "desk", "operator").session, hears=True):
        pass
    assert (presence._names, presence._hearing, presence._operators) == ({}, {}, {})
    assert list(presence._ended) == [(ANN, "desk")]


# What pings prove


def receipt(acked: int | None) -> tuple[Receipt, list[bytes], list[int], Any]:
    written: list[bytes] = []
    proved: list[int] = []
    session = SimpleNamespace(
        line=SimpleNamespace(writing_paused=False),
        closing=False,
        traffic=(0, 0),
        told_upto=7,
        put=written.append,
    )
    position: Any = SimpleNamespace(acked=acked, ack=proved.append)
    return Receipt(session, position), written, proved, session  # type: ignore[arg-type]


def test_a_ping_is_sent_when_there_is_news_and_its_answer_is_a_receipt() -> None:
    asked, written, proved, session = receipt(None)
    asked.ask()
    assert written == []
    session.traffic = (3, 100)
    asked.ask()
    asked.ask()
    assert written == [b"\x89\x08" + struct.pack(">Q", 7)]
    assert asked.proved(struct.pack(">Q", 7))
    assert not asked.proved(struct.pack(">Q", 7))  # who says it again says so by itself
    assert set(proved) == {7}


def test_one_ping_is_open_at_a_time_unless_it_seems_to_be_lost() -> None:
    asked, written, proved, session = receipt(None)
    for place in range(1, PATIENCE + 1):
        session.traffic, session.told_upto = (place, 100), place
        asked.ask()
    assert written == [ping_frame(struct.pack(">Q", 1))]
    asked.ask()
    assert written[1:] == [ping_frame(struct.pack(">Q", PATIENCE))]
    assert not asked.proved(struct.pack(">Q", 1))
    assert asked.proved(struct.pack(">Q", PATIENCE))
    assert proved == [1, PATIENCE]


def test_a_crowd_is_asked_less_often() -> None:
    receipts = Receipts()
    with ExitStack() as asking:
        receipts._later = lambda: None  # type: ignore[method-assign]
        paces = []
        for _ in range(2 * ASKED_A_SECOND):
            asking.enter_context(receipts.asking(receipt(None)[0]))
            paces.append(receipts.every_s)
    assert (paces[0], paces[-1]) == (ASK_EVERY_S, ASK_AT_LEAST_EVERY_S)
    assert paces == sorted(paces)


def test_what_was_not_asked_proves_nothing() -> None:
    asked, written, proved, session = receipt(5)
    session.traffic = (1, 1)
    session.line.writing_paused = True
    asked.ask()
    assert written == []
    for payload in (b"", b"\0", struct.pack(">Q", 6), struct.pack(">Q", 2**63), b"x" * 125):
        asked.proved(payload)
    assert proved == []


# Ids


def test_an_id_is_whose_who_asked_first_until_they_let_go() -> None:
    ids = Reservations()
    with ids.held("x", ANN) as first, ids.held("x", ANN) as again:
        assert first
        assert again
        with ids.held("x", BOB) as his, ids.held("y", BOB) as another:
            assert not his
            assert another
    with ids.held("x", BOB) as now:
        assert now
    assert ids._held == {}
