"""Every failure is three sentences and a stable code."""

import string

import pytest

from app.core.errors import AppError, InternalError, StepTimeout, UploadTooLarge
from app.core.notices import Notice
from app.core.sentences import Facts
from app.core.unreadable import from_wire

ERRORS = sorted(AppError.by_code.values(), key=lambda error: error.code)
NOTICES = sorted(Notice.by_code.values(), key=lambda notice: notice.code)


def facts_of(*templates: str) -> dict[str, object]:
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text) if name}
    return {name: f"<{name}>" for name in names}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_says_what_happened_what_was_kept_and_what_to_do(error: type[AppError]) -> None:
    facts = facts_of(error.title, error.kept, error.hint)
    body = error(**facts).body(step="extracting")
    sentences = (body["title"], body["detail"], body["hint"])
    assert all(sentences)
    assert len(set(sentences)) == 3
    assert not any("?" in sentence or "Traceback" in sentence for sentence in sentences)
    assert body["code"] == error.code
    assert body["step"] == "extracting"


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.code)
def test_a_warning_says_what_was_seen_what_was_done_and_what_to_do(notice: type[Notice]) -> None:
    facts = facts_of(notice.title, notice.detail, notice.hint)
    body = notice(**facts).body()
    assert all((body["title"], body["detail"], body["hint"]))


def test_an_error_survives_the_border_between_processes() -> None:
    error = UploadTooLarge(filename="big.csv", limit="2.1 GB")
    again = from_wire(error.code, error.facts)
    assert again.body() == error.body()
    assert str(again) == "big.csv is larger than 2.1 GB"


def test_an_unknown_code_becomes_an_internal_error() -> None:
    assert isinstance(from_wire("from_the_future", {}), InternalError)


@pytest.mark.parametrize(("rows", "told"), [(1, "1 row fits"), (1200, "1,200 rows fit")])
def test_a_count_agrees_with_its_noun(rows: int, told: str) -> None:
    assert "{rows:row fits/rows fit}".format_map(Facts(rows=rows)) == told


@pytest.mark.parametrize(("limit_s", "told"), [(1, "1 second"), (600, "600 seconds")])
def test_a_step_out_of_time_says_how_long_it_had(limit_s: int, told: str) -> None:
    error = StepTimeout(filename="a.csv", limit_s=limit_s)
    assert str(error) == f"This step of a.csv took longer than {told}"


def test_a_missing_fact_does_not_hide_the_error() -> None:
    assert "{rows:row/rows} of {filename}".format_map(Facts()) == "? rows of ?"
