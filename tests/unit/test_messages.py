"""The friendly sentences: eighteen fixed ones and their variants, verbatim, and never an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.messages import FIXED, OWN, friendly_message
from app.core.plans import PLANS
from app.core.quantities import size_text, took
from app.core.variants import VARIANTS

EIGHTEEN = {
    "initializing_streaming": "Getting ready to read your file...",
    "duplicate_check": "Checking if I've seen this file before...",
    "field_detection": "Analyzing the structure of your data...",
    "platform_detection": "Figuring out where this data came from...",
    "document_classification": "Understanding what type of document this is...",
    "starting_transaction": "Setting up secure storage for your data...",
    "storing": "Saving your file details...",
    "extracting": "Reading through your data...",
    "processing_decision": "Processing your request...",
    "duplicate_found": "Found an exact match - I've processed this before",
    "near_duplicate_found": "Found a similar file - let me compare them",
    "content_duplicate_found": "This data overlaps with something I already have",
    "delta_analysis_complete": "Spotted the differences in your data",
    "entity_resolution": "Matching entities across your data...",
    "classification": "Categorizing your transactions...",
    "enrichment": "Adding context to your data...",
    "complete": "Done! I've processed your file successfully",
    "error": "Oops, something went wrong",
}


def test_the_eighteen_predefined_steps_are_verbatim() -> None:
    assert {step: friendly_message(step) for step in FIXED} == EIGHTEEN


@pytest.mark.parametrize(
    ("step", "context", "sentence"),
    [
        (
            "duplicate_check",
            {"filename": "expenses.csv"},
            "Checking if I've seen expenses.csv before...",
        ),
        (
            "delta_analysis_complete",
            {"new_rows": 42, "existing_rows": 156},
            "Spotted the differences: 42 new rows, 156 I already know",
        ),
        (
            "delta_analysis_complete",
            {"new_rows": 1, "existing_rows": 0},
            "Spotted the differences: 1 new row, 0 I already know",
        ),
        (
            "near_duplicate_found",
            {"similarity_score": 0.87},
            "Found a 87% match with something I processed earlier",
        ),
        ("initializing_streaming", {"filename": "a.csv"}, "Getting ready to read a.csv..."),
        ("field_detection", {"columns": 7}, "Analyzing the structure of your data: 7 columns..."),
        ("platform_detection", {"platform": "Wise"}, "This data looks like it came from Wise"),
        (
            "document_classification",
            {"document_type": "bank statement"},
            "This looks like: bank statement",
        ),
        ("starting_transaction", {"rows": 1234}, "Setting up secure storage for 1,234 rows..."),
        (
            "storing",
            {"rows_done": 20000, "rows_total": 1000000},
            "Saving your data: 20,000 of 1,000,000 rows...",
        ),
        (
            "extracting",
            {"rows_done": 150, "rows_total": 500},
            "Reading through your data: 150 of 500 rows...",
        ),
        (
            "extracting",
            {"rows_done": 50200, "rows_total": None},
            "Reading through your data: 50,200 rows so far...",
        ),
        ("extracting", {"zone": 5, "zones": 9, "page": 1}, "Reading zone 5 of 9 on page 1..."),
        (
            "duplicate_found",
            {"filename": "a.csv", "seen_on": "12 March 2026"},
            "Found an exact match - I've processed a.csv before, on 12 March 2026",
        ),
        (
            "content_duplicate_found",
            {"overlap_rows": 156},
            "This data overlaps with something I already have: 156 rows",
        ),
        (
            "entity_resolution",
            {"matched": 12, "total": 80},
            "Matching entities across your data: 12 of 80...",
        ),
        (
            "classification",
            {"done": 12, "total": 80},
            "Categorizing your transactions: 12 of 80...",
        ),
        ("enrichment", {"added": 3}, "Adding context to your data: 3 details so far..."),
        (
            "complete",
            {"filename": "a.csv", "took": "2.4 s"},
            "Done! I've processed a.csv successfully in 2.4 s",
        ),
        ("error", {"reason": "the file is empty"}, "Oops, something went wrong: the file is empty"),
    ],
)
def test_the_variants_are_verbatim(step: str, context: dict[str, Any], sentence: str) -> None:
    assert friendly_message(step, context) == sentence


def test_an_unknown_step_is_put_into_words() -> None:
    assert friendly_message("weighing_parcels") == "Working on weighing parcels..."


def test_a_fact_that_can_not_be_put_into_words_falls_back_to_the_plain_sentence() -> None:
    assert friendly_message("storing", {"rows_done": "many", "rows_total": []}) == FIXED["storing"]
    endless = {"rows_done": float("inf"), "rows_total": float("inf")}
    assert friendly_message("storing", endless) == FIXED["storing"]
    unknown = {"source": "nobody knows", "fields_found": 3}
    assert friendly_message("field_reading", unknown) == OWN["field_reading"]


@given(
    st.sampled_from([*FIXED, *OWN, "", "something_else"]) | st.text(max_size=30),
    st.dictionaries(
        st.sampled_from(sorted({key for v in VARIANTS.values() for keys, _ in v for key in keys})),
        st.none() | st.text(max_size=10) | st.integers() | st.floats() | st.lists(st.integers()),
    ),
)
def test_a_message_is_always_one_sentence_and_never_an_error(
    step: str, context: dict[str, Any]
) -> None:
    assert friendly_message(step, context).strip()


def test_every_step_of_every_plan_has_a_sentence_of_its_own() -> None:
    steps = {step for plan in PLANS.values() for step in plan.step_keys}
    assert {step for step in steps if friendly_message(step).startswith("Working on")} == set()


@pytest.mark.parametrize(
    ("ms", "words"),
    [(940, "0.9 s"), (41_200, "41 s"), (120_000, "2 min"), (125_000, "2 min 5 s")],
)
def test_durations_read_like_speech(ms: int, words: str) -> None:
    assert took(ms) == words


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(1, "1 byte"), (999, "999 bytes"), (1900, "1.9 KB"), (390_400, "390 KB"), (10**12, "1.0 TB")],
)
def test_a_size_is_said_as_people_know_it(size_bytes: int, said: str) -> None:
    assert size_text(size_bytes) == said
