"""File names from strangers become one harmless line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.names import FALLBACK, LONGEST_BYTES, clean_filename, one_line


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\mara\\March.csv", "March.csv"),
        ("..\\..\\run.py", "run.py"),
        ("..", FALLBACK),
        ("", FALLBACK),
        ("a\x00b\r\n.csv", "ab.csv"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("  two   spaces .csv ", "two spaces .csv"),
        ("/", FALLBACK),
    ],
)
def test_tricks_in_a_name_are_left_out(given_name: str, shown: str) -> None:
    assert clean_filename(given_name) == shown


def test_a_long_name_keeps_its_ending() -> None:
    short = clean_filename("ü" * 500 + ".csv")
    assert short.endswith(".csv")
    assert len(short.encode()) <= LONGEST_BYTES


@given(st.text(max_size=400))
def test_a_name_is_never_a_path_never_invisible_never_long(name: str) -> None:
    shown = clean_filename(name)
    assert shown
    assert "/" not in shown
    assert "\\" not in shown
    assert shown not in (".", "..")
    assert len(shown.encode()) <= LONGEST_BYTES
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in shown)
    assert clean_filename(shown) == shown


def test_a_text_becomes_one_line_that_moves_no_cursor() -> None:
    assert one_line("a\r\nDone: b\x1b[2J\u2028c \u202ed\x00") == "a Done: b[2J c d"
