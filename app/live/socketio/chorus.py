"""One Socket.IO connection as the hub sees it: one seat, however much is told over it."""

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from app.core.protocol import Hangup
from app.core.rooms import Room
from app.live.pages import Gone
from app.live.session import Session
from app.live.socketio.forms import Forms, System

if TYPE_CHECKING:
    from app.live.socketio.wire import Wire


class Chorus(Session):
    """A session that follows nothing itself. Its parts do, one for each table that tells them.

    The parts are no connections: the hub knows them as listeners alone, and all that concerns a
    connection (its seat, its end, signs of life, what operators see) is the chorus's.
    """

    __slots__ = ("_forms", "_put", "parts")
    line: "Wire"

    def __init__(self, *args: object, forms: Forms, **options: object) -> None:
        """As of a session; forms: of the kind of connection that it is now."""
        self.parts: dict[System, Session] = {}
        self._forms = forms
        super().__init__(*args, form=forms.own, **options)  # type: ignore[arg-type]

    @property
    def write(self) -> Callable[[bytes], None]:
        """What writes to the client, for all parts: an operator may look on."""
        return self._put

    @write.setter
    def write(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        for part in self.parts.values():
            part.write = put

    def part(self, system: System) -> Session:
        """Return the part that tells by the table of `system`."""
        part = self.parts.get(system)
        if part is None:
            part = self.parts[system] = Session(
                self._source,
                self.line,
                client_id=self.client_id,
                viewer=self.viewer,
                form=self._forms.of[system],
                address=self.address,
            )
            part.write = self._put
        return part

    def tell(self, name: str, payload: dict[str, Any]) -> None:
        """Write an event beside the tables."""
        self.put(self._forms.event(name, payload))

    def tell_place(self, seq: int) -> None:
        """Write that the client has everything up to `seq`."""
        self.put(self._forms.place(seq))

    def speak(self, forms: Forms) -> None:
        """Go on over another kind of connection."""
        self._forms, self.form = forms, forms.own
        for system, part in self.parts.items():
            part.change_form(forms.of[system])

    @property
    def followed(self) -> Collection[Room]:
        return dict.fromkeys(room for part in self.parts.values() for room in part.followed)

    @property
    def catching_up(self) -> bool:
        return any(part.catching_up for part in self.parts.values())

    @property
    def told_upto(self) -> int:
        places = [part.told_upto for part in self.parts.values()]
        return min(places, default=self._source.head)

    @property
    def traffic(self) -> tuple[int, int]:
        each = [super().traffic, *(part.traffic for part in self.parts.values())]
        return sum(events for events, _ in each), sum(size for _, size in each)

    def lose(self, gone: Gone) -> None:
        for part in self.parts.values():
            part.lose(gone)

    def end(self, goodbye: Hangup) -> None:
        if not self.closing:
            self._stop_parts()
            super().end(goodbye)

    def stop(self) -> asyncio.Task[None] | None:
        super().stop()
        endings = self._stop_parts()
        if not endings:
            return None
        return asyncio.create_task(_all_over(endings), name=f"end of {self.client_id}")

    def _stop_parts(self) -> list[asyncio.Task[None]]:
        stopped = [part.stop() for part in self.parts.values()]
        return [ending for ending in stopped if ending is not None]


async def _all_over(endings: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(endings)
