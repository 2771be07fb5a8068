"""A place in a log as one word: what we give out is read back, and what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.places import Place, parse_place
from app.core.protocol import LARGEST_SEQ


@given(st.none() | st.uuids().map(str), st.integers(0, LARGEST_SEQ))
def test_a_place_is_read_back(log: str | None, seq: int) -> None:
    text = str(seq) if log is None else f"{log}:{seq}"
    assert parse_place(text) == Place(log, seq)


@given(st.text(max_size=90))
def test_what_is_no_place_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        place = parse_place(text)
    except ValueError:
        return
    assert 0 <= place.seq <= LARGEST_SEQ
    assert len(place.log or "") <= 64


@pytest.mark.parametrize(
    "text", ["", ":", "a:", "-1", "1.0", "½", "１２", str(LARGEST_SEQ + 1), "0" * 9000 + "9" * 9000]
)
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no place in a log"):
        parse_place(text)
