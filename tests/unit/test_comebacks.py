"""Who was cut and comes back without a word goes on from what it had; nobody else does."""

import pytest

from app.live.socketio import comebacks
from app.live.socketio.comebacks import BACK_WITHIN_S, Client, Comebacks

ANN = Client("ann", "token", "192.0.2.1", "python")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_client_that_was_cut_goes_on_once(clock: Clock) -> None:
    known = Comebacks(clock)
    known.cut(ANN, 7)
    assert known.back(ANN) == 7
    assert known.back(ANN) is None


@pytest.mark.parametrize("field", Client._fields)
def test_somebody_else_does_not(clock: Clock, field: str) -> None:
    known = Comebacks(clock)
    known.cut(ANN, 7)
    assert known.back(ANN._replace(**{field: "other"})) is None
    assert known.back(ANN) == 7


def test_of_several_that_look_alike_none_misses_anything(clock: Clock) -> None:
    known = Comebacks(clock)
    for place in (9, 7, 8):
        known.cut(ANN, place)
    assert [known.back(ANN) for _ in range(4)] == [7, 7, 7, None]


def test_who_comes_late_begins_anew(clock: Clock) -> None:
    known = Comebacks(clock)
    known.cut(ANN, 7)
    clock.now_s += BACK_WITHIN_S / 2
    known.cut(ANN, 8)
    clock.now_s += BACK_WITHIN_S / 2 + 1
    assert [known.back(ANN), known.back(ANN)] == [8, None]


def test_no_more_are_remembered_than_may_be(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comebacks, "CLIENTS_AT_MOST", 2)
    known = Comebacks(clock)
    clients = [ANN._replace(address=f"192.0.2.{last}") for last in range(3)]
    for client in clients:
        known.cut(client, 7)
    assert [known.back(client) for client in clients] == [None, 7, 7]
