"""How long steps take is learned from files, and one odd file does not turn it over."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.plans import PLANS
from app.core.rates import KNOWN_AFTER, WHOLE_JOB, Rate, costs_of, guessed, learned

STEPS = sorted({step for plan in PLANS.values() for step in plan.step_keys})


def after(rate: Rate, files: list[tuple[int, float]]) -> Rate:
    for size, took_ms in files:
        rate = learned(rate, size, took_ms)
    return rate


@pytest.mark.parametrize("step", [*STEPS, WHOLE_JOB])
@pytest.mark.parametrize(("fixed", "per_mb"), [(5.0, 200.0), (400.0, 1.0), (80.0, 80.0)])
def test_a_machine_of_any_speed_is_known_after_some_files(
    step: str, fixed: float, per_mb: float
) -> None:
    chance = Random(1)
    sizes = [chance.choice([1_000, 200_000, 5_000_000, 80_000_000]) for _ in range(300)]
    rate = after(guessed(step), [(size, fixed + per_mb * size / 1e6) for size in sizes])
    for size in (1_000, 5_000_000, 80_000_000):
        truth = fixed + per_mb * size / 1e6
        assert truth / 1.5 < rate.expected_ms(size) < truth * 1.5


@given(st.lists(st.tuples(st.integers(0, 10**10), st.floats(0, 1e9, allow_nan=False)), max_size=60))
def test_whatever_files_took_a_rate_stays_a_possible_one(files: list[tuple[int, float]]) -> None:
    rate = after(guessed("extracting"), files)
    assert 0 < rate.expected_ms(1_000_000) < float("inf")
    assert rate.samples == len(files)


def test_one_odd_file_does_not_turn_over_what_is_known() -> None:
    known = after(guessed("extracting"), [(1_000_000, 50.0)] * 50)
    odd = learned(known, 1_000_000, 3_600_000.0)
    assert odd.expected_ms(1_000_000) < 4 * known.expected_ms(1_000_000)


def test_costs_are_known_once_every_step_was_measured() -> None:
    rates = {step: Rate(10.0, 1.0, KNOWN_AFTER) for step in ("one", "two")}
    assert costs_of(("one", "two"), rates)[1]
    assert not costs_of(("one", "two", "three"), rates)[1]
    assert not costs_of(("one",), {"one": Rate(10.0, 1.0, KNOWN_AFTER - 1)})[1]
