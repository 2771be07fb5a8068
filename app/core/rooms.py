"""Rooms: the sets of events that may be followed."""

from dataclasses import dataclass
from typing import Literal

from app.core.ids import is_uuid

RoomKind = Literal["job", "batch", "user", "all"]


@dataclass(frozen=True, slots=True)
class Room:
    """`job:<id>`, `batch:<id>`, `user:<id>` or `all`."""

    kind: RoomKind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


def parse_room(text: str, user_id: str) -> Room:
    """Return the room that a client named; `user:me` is the user's own.

    Raises ValueError when the name is not a room's.
    """
    if text == "all":
        return Room("all")
    kind, _, ident = text.partition(":")
    if kind == "user" and ident == "me":
        ident = user_id
    if kind in ("job", "batch", "user") and is_uuid(ident):
        return Room(kind, ident)  # type: ignore[arg-type]
    raise ValueError(f"not a room: {text[:80]!r}; use job:<id>, batch:<id>, user:me or all")
