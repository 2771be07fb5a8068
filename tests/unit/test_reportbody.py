"""A large JSON list is taken apart element by element, and comes out as if taken apart at once."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidReport, InvalidRequest
from app.web.reportbody import _elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def taken_apart(body: bytes) -> list[Any]:
    return [orjson.loads(one) if isinstance(one, bytes) else one for one in _elements(body)]


@given(st.lists(VALUES, max_size=8), st.sampled_from([b"", b" ", b"\r\n\t "]), st.booleans())
def test_a_list_comes_out_as_it_went_in(values: list[Any], gap: bytes, indented: bool) -> None:
    option = orjson.OPT_INDENT_2 if indented else 0
    assert taken_apart(gap + orjson.dumps(values, option=option) + gap) == values
    spaced = gap + (gap + b"," + gap).join(orjson.dumps(value) for value in values) + gap
    assert taken_apart(b"[" + spaced + b"]") == values


@given(st.dictionaries(st.text(max_size=4), VALUES))
def test_what_is_no_list_is_one_report(value: dict[str, Any]) -> None:
    assert taken_apart(b" " + orjson.dumps(value)) == [value]


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] 2",
        b"[}",
        b"[\xff]",
        b"[tru]",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        taken_apart(body)


def test_what_is_nested_without_end_is_named() -> None:
    with pytest.raises(InvalidReport) as refused:
        taken_apart(b"[1," + b"[" * 90_000 + b"]" * 90_000 + b"]")
    assert refused.value.facts["index"] == 1
