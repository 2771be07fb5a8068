"""The time left is never silly: hidden at first, steady, coarse far out, and it ends at nothing."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.eta import LONGEST_S, Eta

samples = st.lists(
    st.tuples(
        st.floats(min_value=-10, max_value=200, allow_nan=False),
        st.integers(min_value=-5_000, max_value=100_000),
    ),
    max_size=60,
)


def steady(eta: Eta, percent_per_s: float, seconds: int, start_ms: int = 0) -> int | None:
    left = None
    for second in range(seconds + 1):
        left = eta.update(min(100.0, second * percent_per_s), start_ms + second * 1000)
    return left


@given(samples)
def test_whatever_is_reported_the_answer_is_none_or_a_possible_number(
    reports: list[tuple[float, int]],
) -> None:
    eta, now = Eta(), 1_000_000
    for progress, passed in reports:
        now += passed
        left = eta.update(progress, now)
        assert left is None or 0 <= left <= LONGEST_S
        assert (left == 0) == (progress >= 100)


@given(samples)
def test_nothing_is_shown_in_the_first_three_seconds(reports: list[tuple[float, int]]) -> None:
    eta = Eta()
    for at, (progress, _) in enumerate(reports):
        left = eta.update(progress, at * 40)
        assert left is None or progress >= 100


def test_nothing_is_shown_below_five_percent() -> None:
    assert steady(Eta(), 0.1, 40) is None


@given(st.floats(min_value=0.2, max_value=5), st.integers(min_value=6, max_value=18))
def test_a_steady_job_is_told_its_true_rest(percent_per_s: float, seconds: int) -> None:
    left = steady(Eta(), percent_per_s, seconds)
    if percent_per_s * seconds < 5:
        assert left is None
        return
    true = (100 - percent_per_s * seconds) / percent_per_s
    assert left is not None
    assert abs(left - true) <= max(0.1 * true, 8)


def test_one_slow_second_does_not_make_the_estimate_jump() -> None:
    eta = Eta()
    before = steady(eta, 2.0, 20)
    after = eta.update(40.0, 21_000)
    assert before is not None
    assert after is not None
    assert abs(after - before) <= 10


def test_steps_that_are_over_in_no_time_do_not_shorten_the_estimate() -> None:
    eta = Eta()
    for percent in range(0, 41, 10):
        eta.update(float(percent), percent * 10)  # 40 percent within half a second
    left = None
    for second in range(1, 6):
        left = eta.update(40.0 + second, 400 + second * 1000)  # then one percent a second
    assert left == 55


def test_a_long_silence_is_part_of_the_rate() -> None:
    eta = Eta()
    eta.update(0.0, 0)
    eta.update(10.0, 20_000)
    assert eta.update(20.0, 40_000) == 165  # 160 s, in steps of 15


def test_a_retry_begins_anew() -> None:
    eta = Eta()
    steady(eta, 5.0, 15)
    assert eta.update(20.0, 16_000) is None
    assert eta.update(26.0, 17_000) is None


def test_far_away_ends_are_told_in_whole_minutes_and_near_ones_in_seconds() -> None:
    far = steady(Eta(), 0.1, 60)
    assert far is not None
    assert far % 60 == 0
    assert steady(Eta(), 1.0, 80) in (15, 20, 25)
    assert steady(Eta(), 1.0, 98) in (1, 2, 3)


def test_after_half_a_minute_without_news_nothing_is_promised() -> None:
    eta = Eta()
    steady(eta, 2.0, 20)
    assert eta.left(22_000) is not None
    assert eta.left(51_001) is None
