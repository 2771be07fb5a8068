"""Plain blocks read at once say the same as Python's own csv, or nothing."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.reading.dialect import Dialect
from app.reading.frames import plain_frame

COMMA = Dialect(",", '"', None, skip_space=False, score=1.0)

CELL = st.one_of(
    st.text(alphabet="ab,; \"'é\t", max_size=5),
    st.text(alphabet="ab 1.", max_size=4),
    st.text(alphabet="ab,1", max_size=4).map(lambda text: f'"{text}"'),
    st.just('""'),
)
LINES = st.lists(st.lists(CELL, min_size=1, max_size=4).map(",".join), min_size=1, max_size=5)


@settings(max_examples=400)
@given(LINES, st.integers(2, 4))
@example(['a,"b,c",d', 'a,"b",c,d'], 4)
@example(["a,b,c", "a,b,c,d,e"], 4)
@example(["", "a,b,c"], 2)
@example(['a,"b', 'c",d'], 2)
@example(['"a"b,c'], 2)
@example(['a"b","c'], 2)
def test_a_plain_block_says_what_csv_says(lines: list[str], width: int) -> None:
    text = "".join(f"{line}\n" for line in lines)

    frame = plain_frame(text, COMMA, width)

    if frame is not None:
        assert [list(row) for row in frame.iter_rows()] == list(csv.reader(io.StringIO(text)))
        assert frame.width == width


@pytest.mark.parametrize("text", ["a,b\nc,d\n", '"a","b"\n"","d, e"\n', " a , b \n,\n"])
def test_ordinary_blocks_are_plain(text: str) -> None:
    assert plain_frame(text, COMMA, 2) is not None


def test_a_file_that_escapes_quotes_is_read_carefully() -> None:
    escaped = Dialect(",", '"', "\\", skip_space=False, score=1.0)

    assert plain_frame("a\\,b,c\n", escaped, 3) is None
    assert plain_frame("a,b,c\n", escaped, 3) is not None
