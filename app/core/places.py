"""Where a reader is, as one word for a client to keep: `<log>:<seq>`, or a bare seq."""

from typing import NamedTuple

from app.core.protocol import LARGEST_SEQ


class Place(NamedTuple):
    """Everything up to `seq` was told. log: whose seq it is; None when the reader did not say."""

    log: str | None
    seq: int


def parse_place(text: str) -> Place:
    """Return the place that `text` names. Raises ValueError."""
    log, _, number = text.rpartition(":")
    if not (number.isascii() and number.isdecimal() and int(number[:20]) <= LARGEST_SEQ):
        raise ValueError(f"{text[:80]!r} is no place in a log, such as 1042 or <log>:1042")
    return Place(log or None, int(number))
