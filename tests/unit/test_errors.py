"""Every failure is three sentences and a stable code."""

import string

import pytest

from app.core.errors import AppError, InternalError, UploadTooLarge
from app.core.notices import Notice

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
    error = UploadTooLarge(filename="big.csv", limit=2 * 1024**3)
    again = AppError.from_wire(error.code, error.facts)
    assert again.body() == error.body()
    assert str(again) == "big.csv is larger than 2,147,483,648 bytes"


def test_an_unknown_code_becomes_an_internal_error() -> None:
    assert isinstance(AppError.from_wire("from_the_future", {}), InternalError)
