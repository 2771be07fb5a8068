"""Requests are counted fairly: everybody gets the quota, and nobody more."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.permissions import Viewer
from app.core.rooms import Room
from app.web import budgets
from app.web.budgets import WINDOW_S, Budgets, Quota

ANN = Viewer("ann", "ann", "operator")


def test_the_quota_may_come_at_once_and_refills_evenly() -> None:
    quota = Quota(60)
    waits = [quota.take("a", 100.0)[1] for _ in range(61)]
    assert waits == [0.0] * 60 + [pytest.approx(1.0)]
    assert quota.take("a", 100.5)[1] == pytest.approx(0.5)
    assert quota.take("a", 101.0)[1] == 0.0
    assert quota.take("a", 101.0)[1] == pytest.approx(1.0)
    assert quota.take("b", 101.0)[1] == 0.0


def test_the_headers_say_what_is_left() -> None:
    quota = Quota(60)
    first, _ = quota.take("a", 0.0)
    assert first.headers() == {
        "RateLimit-Policy": '"requests";q=60;w=60',
        "RateLimit": '"requests";r=59;t=1',
    }
    for _ in range(60):
        last, _ = quota.take("a", 0.0)
    assert last.headers()["RateLimit"] == '"requests";r=0;t=60'
    assert quota.take("a", 1000.0)[0].headers()["RateLimit"] == '"requests";r=59;t=1'


@example(1, [0.0, 0.0])
@given(
    st.integers(1, 500),
    st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=300),
)
def test_never_more_than_the_quota_and_what_refilled(quota: int, pauses: list[float]) -> None:
    counted, now_s, taken = Quota(quota), 0.0, 0
    for pause_s in pauses:
        now_s += pause_s
        budget, wait_s = counted.take("a", now_s)
        taken += wait_s == 0
        assert 0 <= budget.left < quota
        assert taken <= quota + now_s * quota / WINDOW_S + 1
        if wait_s:
            assert counted.take("a", now_s + wait_s + 1e-3)[1] == 0
            now_s += wait_s + 1e-3
            taken += 1


def test_who_is_refused_learns_when_to_come_back() -> None:
    everybody = Budgets(signed_in=1, anonymous=1, clock_s=lambda: 0.0)
    assert everybody.take(None, "192.0.2.1")[1] is None
    budget, refusal = everybody.take(None, "192.0.2.1")
    assert refusal is not None
    assert refusal.facts == {"limit": "1 requests a minute", "retry_after": 60}
    assert budget.left == 0


def test_users_guests_and_addresses_have_budgets_of_their_own() -> None:
    everybody = Budgets(signed_in=1, anonymous=1, clock_s=lambda: 0.0)
    guest = Viewer("ann", "ann", "operator", "share", via="1", shared=Room("job", "1"))
    for viewer, address in (
        (None, "192.0.2.1"),
        (None, "192.0.2.2"),
        (None, "2001:db8::1"),
        (ANN, "192.0.2.1"),
        (guest, "192.0.2.1"),
    ):
        assert everybody.take(viewer, address)[1] is None
        assert everybody.take(viewer, address)[1] is not None
    assert everybody.take(None, "2001:db8::2")[1] is not None
    assert everybody.take(ANN, "192.0.2.3")[1] is not None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "KNOWN_AT_MOST", 2)
    quota = Quota(1)
    for key in ("a", "b", "c"):
        assert quota.take(key, 0.0)[1] == 0
    assert quota.take("c", 0.0)[1] > 0
    assert quota.take("a", 0.0)[1] == 0  # forgotten


def test_a_request_that_turns_out_to_be_a_users_is_counted_for_them_alone() -> None:
    counted = Budgets(signed_in=2, anonymous=1, clock_s=lambda: 0.0)
    for _ in range(2):
        assert counted.take(None, "192.0.2.1")[1] is None
        counted.move(ANN, "192.0.2.1")
    assert counted.take(ANN, "192.0.2.1")[1] is not None
    assert counted.take(None, "192.0.2.1")[1] is None
    counted.move(ANN, "192.0.2.1")  # she has nothing left: it stays where it is
    assert counted.take(None, "192.0.2.1")[1] is not None
