"""The time left is never silly: hidden at first, steady, coarse far out, and it ends at nothing."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.eta import COSTS, LONGEST_S, TELLING, Cost, Eta
from app.core.plans import PLANS, TRANSACTIONS

STEPS = TRANSACTIONS.step_keys
BEHIND = STEPS[STEPS.index("storing") + 1 :]
SIZE = 100_000_000

samples = st.lists(
    st.tuples(
        st.sampled_from(STEPS),
        st.floats(min_value=-1, max_value=2, allow_nan=False),
        st.integers(min_value=-5_000, max_value=100_000),
    ),
    max_size=60,
)
TOOK_MS = {
    step: st.integers(5, 20_000) if step in TELLING else st.integers(1, 300) for step in STEPS
}
Said = tuple[int, str, int | None]


def run(took_ms: dict[str, int], every_ms: int = 100) -> Iterator[Said]:
    """A job whose steps take `took_ms` each: the time left in truth, the step, and what is said."""
    eta, now = Eta(STEPS, SIZE), 0
    end = sum(took_ms.values())
    for step in STEPS:
        began = now
        for at in range(began, began + took_ms[step], every_ms):
            yield end - at, step, eta.update(step, (at - began) / took_ms[step], at)
        now = began + took_ms[step]
        yield end - now, step, eta.update(step, 1.0, now)


def job(**took_ms: int) -> dict[str, int]:
    return {**dict.fromkeys(STEPS, 20), **took_ms}


def reading(seconds: int, percent_per_s: float = 5.0) -> tuple[Eta, int | None]:
    """A job that has read for so long, and what it says."""
    eta, left = Eta(STEPS, SIZE), None
    for second in range(seconds + 1):
        left = eta.update("extracting", second * percent_per_s / 100, second * 1000)
    return eta, left


@given(samples)
def test_whatever_is_reported_the_answer_is_none_or_a_possible_number(
    reports: list[tuple[str, float, int]],
) -> None:
    eta, now = Eta(STEPS, SIZE), 1_000_000
    for step, fraction, passed in reports:
        now += passed
        left = eta.update(step, fraction, now)
        assert left is None or 0 <= left <= LONGEST_S
        assert (left == 0) == (step == STEPS[-1] and fraction >= 1)


@given(samples)
def test_nothing_is_shown_in_the_first_three_seconds(
    reports: list[tuple[str, float, int]],
) -> None:
    eta = Eta(STEPS, SIZE)
    for at, (step, fraction, _) in enumerate(reports):
        assert not eta.update(step, fraction, at * 40)


@given(samples)
def test_whatever_is_reported_nothing_leaps_upwards(reports: list[tuple[str, float, int]]) -> None:
    eta, now, before, last = Eta(STEPS, SIZE), 0, None, 0
    for step, fraction, passed in reports:
        now += passed
        left = eta.update(step, fraction, now)
        if STEPS.index(step) < last:
            before = None  # a new attempt
        if left and before:
            assert left <= max(before * 1.5, before + 1)
        before, last = left or before, STEPS.index(step)


@given(st.fixed_dictionaries(TOOK_MS))
def test_a_large_file_on_any_machine_is_told_a_time_that_makes_sense(
    took_ms: dict[str, int],
) -> None:
    for true_ms, step, left in run(took_ms):
        if left and step in ("storing", *BEHIND):  # on the last stretch it is nearly right
            expected_ms = max(took_ms["storing"], took_ms["extracting"] * 1.3)
            assert left <= 2 + 1.25 * expected_ms / 1000 + 3
        if left and step in BEHIND:
            assert left * 1000 <= true_ms + 5_000


@given(st.floats(min_value=0.3, max_value=30))
def test_a_job_as_measured_is_told_its_true_rest_however_slow_the_machine(slowness: float) -> None:
    took_ms = {
        step: round((COSTS[step].fixed + COSTS[step].per_mb * SIZE / 1e6) * slowness)
        for step in STEPS
    }
    for true_ms, _, left in run(took_ms):
        if left is not None:
            assert abs(left - true_ms / 1000) <= max(0.15 * true_ms / 1000, 3)


def test_the_edges_of_the_stages_do_not_show() -> None:
    said = [left for _, _, left in run(job(extracting=13_000, storing=16_000)) if left is not None]
    rises = [(one, two) for one, two in pairwise(said) if two > one]
    assert said[0] in (25, 30)
    assert rises == []


def test_the_quick_last_steps_promise_no_minutes() -> None:
    last = [left for _, step, left in run(job(storing=10_000)) if step in BEHIND]
    assert set(last) <= {0, 1, 2}


def test_a_slow_first_step_is_told_only_when_it_is_most_of_the_wait() -> None:
    slow = [left for _, step, left in run(job(malware_scan=60_000)) if step == "malware_scan"]
    assert slow[100] in (50, 55, 60)
    quick = [left for _, step, left in run(job(malware_scan=5_000)) if step == "malware_scan"]
    assert set(quick) == {None}


def test_work_before_the_first_row_is_no_part_of_the_rate() -> None:
    eta, left = Eta(STEPS, 0), None
    eta.update("extracting", 0.0, 0)
    for tenth in range(1, 6):  # a workbook is opened for 8 seconds; then it is a second to the end
        left = eta.update("extracting", tenth / 10, 8_000 + tenth * 100)
    assert left is not None
    assert left <= 5


def test_nothing_is_shown_before_five_percent_of_the_time_have_passed() -> None:
    assert reading(40, percent_per_s=0.01)[1] is None


@given(st.floats(min_value=0.5, max_value=5), st.integers(min_value=6, max_value=18))
def test_a_steady_step_is_told_its_true_rest(percent_per_s: float, seconds: int) -> None:
    _, left = reading(seconds, percent_per_s)
    here = (100 - percent_per_s * seconds) / percent_per_s
    storing = 100 / percent_per_s * COSTS["storing"].per_mb / COSTS["extracting"].per_mb
    if seconds < 0.06 * (here + storing + seconds):
        return
    assert left is not None
    assert abs(left - here - storing) <= 0.1 * (here + storing) + 8


def test_one_slow_second_does_not_make_the_estimate_jump() -> None:
    eta, before = reading(10)
    after = eta.update("extracting", 0.5, 11_000)
    assert before is not None
    assert after is not None
    assert abs(after - before) <= 10


def test_a_rate_that_collapses_is_believed_within_seconds() -> None:
    eta, before = reading(10)
    left = None
    for second in range(11, 31):
        left = eta.update("extracting", 0.5 + (second - 10) / 200, second * 1000)
    assert before is not None
    assert left is not None
    assert left > 5 * before


def test_a_step_that_takes_far_longer_than_expected_promises_nothing() -> None:
    eta = Eta(STEPS, SIZE)
    for second in range(6):
        eta.update("storing", second / 5, second * 1000)
    assert eta.update("entity_resolution", 0.0, 5_100) is not None
    assert eta.update("entity_resolution", 0.0, 9_100) is None


def test_a_retry_begins_anew() -> None:
    eta, _ = reading(15)
    assert eta.update("malware_scan", 0.2, 16_000) is None
    assert eta.update("extracting", 0.1, 17_000) is None


def test_far_away_ends_are_told_in_whole_minutes_and_near_ones_in_seconds() -> None:
    far = reading(150, percent_per_s=0.1)[1]
    assert far is not None
    assert far % 60 == 0
    said = [left for true, _, left in run(job(storing=20_000)) if left and true < 4_000]
    assert set(said) <= {1, 2, 3, 4, 5}


def test_after_half_a_minute_without_news_nothing_is_promised() -> None:
    eta, _ = reading(10)
    assert eta.update("extracting", 0.5, 12_000) is not None
    assert eta.update("extracting", 0.5, 40_001) is None


@pytest.mark.parametrize("step", [step for plan in PLANS.values() for step in plan.step_keys])
def test_every_step_has_its_cost(step: str) -> None:
    assert step in COSTS


def test_what_earlier_files_took_is_told_before_anything_was_measured() -> None:
    costs = dict.fromkeys(STEPS, Cost(100.0, 50.0))
    eta = Eta(STEPS, SIZE, costs, known=True)
    fresh = Eta(STEPS, SIZE)
    for now_ms in range(0, 4_000, 500):
        left = eta.update("initializing_streaming", 0.0, now_ms)
        assert fresh.update("initializing_streaming", 0.0, now_ms) is None
    assert left is not None
    assert eta.range is not None
    assert eta.range[0] < left < eta.range[1]


def test_the_range_ends_once_the_time_left_is_steady() -> None:
    eta, ranges = Eta(STEPS, SIZE), []
    for second in range(30):
        if eta.update("extracting", second * 2 / 100, second * 1000) is not None:
            ranges.append(eta.range)
    assert ranges[0] is not None
    assert ranges[-1] is None
    turns = [before is None and after is not None for before, after in pairwise(ranges)]
    assert not any(turns), "it does not come back"
