"""What crosses from a worker to the server, and how often."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.core.notices import NulBytes
from app.pipeline.child import Teller, encode


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def telling() -> tuple[list[dict[str, Any]], Clock, Teller]:
    sent: list[dict[str, Any]] = []
    clock = Clock()
    return sent, clock, Teller(sent.append, clock)


def test_at_most_ten_reports_a_second_cross() -> None:
    sent, clock, tell = telling()
    for done in range(1000):
        clock.now_s = done / 1000
        tell(done, 1000)
    assert len(sent) == 10


def test_the_first_and_the_last_report_cross() -> None:
    sent, _, tell = telling()
    for done in range(1, 6):
        tell(done, 5)
    tell.flush()
    assert [message["done"] for message in sent] == [1, 5]


def test_nothing_crosses_twice() -> None:
    sent, _, tell = telling()
    tell(1, 1)
    tell.flush()
    tell.flush()
    assert len(sent) == 1


def test_every_warning_crosses_at_once() -> None:
    sent, _, tell = telling()
    for line in range(3):
        tell.warn(NulBytes(count=1, line=line))
    assert [message["facts"]["line"] for message in sent] == [0, 1, 2]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec=None, exclude_categories=())),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_a_file_says_becomes_one_line_of_json(value: Any) -> None:
    line = encode({"is": "found", "found": value})
    assert b"\n" not in line
    assert orjson.loads(line)["is"] == "found"


def test_a_lone_surrogate_and_a_huge_number_are_kept_as_far_as_they_can_be() -> None:
    found = orjson.loads(encode({"name": "caf\udce9", "number": 10**30}))
    assert found == {"name": "caf?", "number": "1" + "0" * 30}
