"""Where a reader is, as one word for a client to keep: `<log>:<seq>`, or a bare seq."""

from typing import NamedTuple

from app.core.protocol import LARGEST_SEQ

LONGEST_LOG = 64  # characters, as in messages of clients


class Place(NamedTuple):
    """Everything up to `seq` was told. log: whose seq it is; None when the reader did not say."""

    log: str | None
    seq: int


NOWHERE = Place("", 0)
"""In no log there is: who is here is told to begin anew."""


def parse_place(text: str) -> Place:
    """Return the place that `text` names. Raises ValueError."""
    log, _, number = text.rpartition(":")
    digits = number.lstrip("0") or "0"
    is_number = number.isascii() and number.isdecimal() and len(digits) <= len(str(LARGEST_SEQ))
    if not is_number or int(digits) > LARGEST_SEQ or len(log) > LONGEST_LOG:
        raise ValueError(f"{text[:80]!r} is no place in a log, such as 1042 or <log>:1042")
    return Place(log or None, int(digits))
