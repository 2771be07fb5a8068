"""Counts in buckets, and what they tell."""

import pytest

from app.core.histogram import SECONDS, Histogram


@pytest.mark.parametrize(("share", "bound"), [(0.5, 0.001), (0.75, 0.01), (1.0, 10.0)])
def test_a_quantile_is_a_bound_that_this_share_did_not_exceed(share: float, bound: float) -> None:
    values = Histogram(SECONDS)
    assert values.quantile(share) is None
    for value in (0.0004, 0.001, 0.009, 99.0):
        values.add(value)
    assert values.quantile(share) == bound
    assert values.buckets()[-1] == (float("inf"), 4)
