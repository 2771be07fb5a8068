"""What clients of systems A, B and C ask for: a job or batch, and from where in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.protocol import LARGEST_SEQ, Subscribe
from app.core.rooms import Room

ID_AT_MOST = 64
"""Characters of an id or of a log's."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Something to follow. after: everything past this seq; None from now on."""

    ident: str
    after: int | None = None
    log: str | None = None

    def of(self, room: Room, *, snapshot: bool) -> Subscribe:
        """Return what a client of our own would send.

        snapshot  how the room stands comes first, unless events since then are asked for
        """
        return Subscribe(
            op="subscribe",
            room=str(room),
            after=self.after,
            log=self.log,
            snapshot=snapshot and self.after is None,
        )


def read_ask(key: str, said: tuple[Any, ...]) -> Ask:
    """Return what the arguments of an event ask for: an id, or an object that has it as `key`.

    Raises ValueError with a sentence about what is wrong.
    """
    first = said[0] if said else None
    if isinstance(first, Mapping):
        after, log = read_place(first)
        ident = first.get(key)
    else:
        ident, after, log = first, None, None
    if not isinstance(ident, str) or not 0 < len(ident) <= ID_AT_MOST:
        raise ValueError(f"{key} has to be the id of a job or batch")
    return Ask(ident, after, log)


def read_place(said: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Return the place in the log that `said` names, its `after` and `log`.

    Raises ValueError with a sentence about what is wrong.
    """
    after, log = said.get("after"), said.get("log")
    is_whole = isinstance(after, int) and not isinstance(after, bool)
    if after is not None and not (is_whole and 0 <= after <= LARGEST_SEQ):
        raise ValueError(f"after has to be a whole number from 0 to {LARGEST_SEQ}")
    if log is not None and not (isinstance(log, str) and len(log) <= ID_AT_MOST):
        raise ValueError(f"log has to be a text of at most {ID_AT_MOST} characters")
    return after, log
