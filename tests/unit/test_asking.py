"""Answers to questions, whatever is sent as one: kept as they are meant, or refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.asking import (
    LONGEST_ANSWER,
    QUESTION_KINDS,
    Choice,
    Question,
    answers_others,
    checked_answer,
    is_answer,
    reason_for,
    told_answer,
    words_for,
)
from app.core.errors import InvalidRequest
from app.pipeline.steps.storing import Storing
from tests.readers import task_for

WAYS = (Choice("a", "The first"), Choice("b", "The second", "what follows"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(QUESTION_KINDS)


def question(kind: Any, **more: Any) -> Question:
    return Question("k", kind, "Which?", **{"choices": WAYS, **more})


@given(kind=KINDS, sent=JSON | st.sampled_from(["a", "b", 3, "3", " tea "]))
def test_whatever_is_sent_is_an_answer_or_refused(kind: Any, sent: Any) -> None:
    asked = question(kind)
    if not is_answer(asked, sent):
        with pytest.raises(InvalidRequest, match="answer: "):
            checked_answer(asked, sent)
        return
    kept = checked_answer(asked, sent)
    assert checked_answer(asked, kept) == kept  # it is no other answer the second time
    json.dumps(kept).encode()
    assert isinstance(words_for(asked, kept), str)


@given(st.text(min_size=1, max_size=50))
def test_a_secret_is_in_no_words(secret: str) -> None:
    asked = question("password", choices=())
    if is_answer(asked, secret):
        assert told_answer(asked, secret) is None
        assert words_for(asked, secret) == "the password"


@given(kind=KINDS, key=st.sampled_from("xy"), remember=st.sampled_from(["", "r", "s"]))
def test_only_what_is_alike_is_answered_for_others(kind: Any, key: str, remember: str) -> None:
    one = Question("x", kind, "Which?", remember="r")
    other = Question(key, kind, "And here?", remember=remember)
    is_own = kind in ("text", "field")
    assert answers_others(one, other) == (remember == "r" or (key == "x" and not is_own))
    assert answers_others(one, other) == answers_others(other, one)
    odd = Question("x", "text" if kind != "text" else "field", "Which?", remember="r")
    assert not answers_others(one, odd)


def test_a_question_crosses_a_process_border() -> None:
    asked = question("choice", default="a", evidence={"rows": 3}, remember="header:1")
    assert Question.from_json(json.loads(json.dumps(asked.to_json()))) == asked


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text", "x" * (LONGEST_ANSWER + 1)),
        ("text", "  "),
        ("text", "\udcff"),
        ("password", ""),
        ("header_row", -1),
        ("header_row", True),
        ("header_row", 1.5),
        ("header_row", "9" * 40),
        ("field", 12.5),
        ("date_order", "A"),
    ],
)
def test_what_can_not_be_meant_is_refused(kind: Any, sent: Any) -> None:
    assert not is_answer(question(kind), sent)


def test_an_absent_field_is_null_however_it_is_sent() -> None:
    assert checked_answer(question("field"), None) is None
    assert checked_answer(question("field"), "  ") is None
    assert words_for(question("field"), None) == "it is not there"


def test_a_preview_says_in_words_what_would_become_of_the_rows(tmp_path: Path) -> None:
    (tmp_path / "may.csv").write_text("Date,Amount\n")
    task = task_for(tmp_path / "may.csv", "csv")
    task["options"]["auto_save"] = False
    task["found"] = {
        "extracting": {"rejected": 2},
        "delta_analysis": {"new_rows": 1200, "existing_rows": 3},
    }
    asked = Storing().asks_first(task)
    assert asked is not None
    assert reason_for(asked) == "1,200 new, 3 already here, 2 could not be read."


def test_an_example_is_given_once() -> None:
    found = {"rows": 3, "examples": ["01/09/2026", "01/09/2026", "02/09/2026"]}
    question = Question("date_order:Date", "date_order", "Which way round?", evidence=found)
    told = "3 rows can be read either way, for example 01/09/2026, 02/09/2026."
    assert reason_for(question) == told
