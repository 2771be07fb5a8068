"""When clients are told to come back."""

import pytest

from app.core.protocol import Close
from app.live.farewell import SPREAD_AT_MOST_S, restarting


@pytest.mark.parametrize(
    ("connections", "spread_s"), [(0, 1.0), (10, 1.0), (1000, 1.0), (5000, 5.0), (10**6, 30.0)]
)
def test_the_more_there_are_the_longer_they_take_to_come_back(
    connections: int, spread_s: float
) -> None:
    found = [restarting(connections) for _ in range(1000)]
    waits = [one.retry_after_s or 0.0 for one in found]
    assert 0 <= min(waits) < spread_s / 4 < 3 * spread_s / 4 < max(waits) <= spread_s
    assert spread_s <= SPREAD_AT_MOST_S


def test_the_reason_names_the_seconds_and_fits_into_a_close_frame() -> None:
    goodbye = restarting(10**6)
    assert goodbye.code == Close.RESTART
    assert goodbye.reason == f"restarting; retry_after={goodbye.retry_after_s:.3f}"
    assert len(goodbye.reason.encode()) <= 123
