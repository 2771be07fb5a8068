"""Plans: the progress bar from 0 to 100, and the place of every step in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.plans import TRANSACTIONS, Plan, Stage, Step


def test_the_stages_of_a_transaction_file_are_the_ones_clients_know() -> None:
    assert [(s.key, s.start, s.end) for s in TRANSACTIONS.stages] == [
        ("validation", 0, 20),
        ("scanning", 20, 40),
        ("parsing", 40, 60),
        ("database", 60, 80),
        ("categorization", 80, 100),
    ]


def test_each_step_begins_where_the_one_before_ended() -> None:
    keys = TRANSACTIONS.step_keys
    ends = [TRANSACTIONS.progress(key, 1.0) for key in keys]
    starts = [TRANSACTIONS.progress(key, 0.0) for key in keys]
    assert [0.0, *ends[:-1]] == starts
    assert ends[-1] == 100.0


@given(st.sampled_from(TRANSACTIONS.step_keys), st.floats(-1, 2))
def test_progress_stays_inside_the_stage(step: str, fraction: float) -> None:
    stage = TRANSACTIONS.stage_of(step)
    assert stage.start <= TRANSACTIONS.progress(step, fraction) <= stage.end


def test_a_plan_with_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="without a gap"):
        Plan("odd", (Stage("a", "A", 0, 50, (Step("x"),)), Stage("b", "B", 60, 100, (Step("y"),))))


def test_a_step_of_another_plan_is_not_found() -> None:
    with pytest.raises(KeyError):
        TRANSACTIONS.progress("llm_extraction", 0.5)
