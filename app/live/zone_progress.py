"""Clients at /ws/{client_id} that know no `subscribe`: they are told what is their user's.

Such a client connects, and waits. Whoever speaks our protocol subscribes at once; who has said
nothing of the kind within a second never will. It follows its user's room from where its name
stands, and what has arrived counts as acknowledged without its doing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import orjson

from app.core.conversation import Follow
from app.core.dialects.pings import answer_to
from app.core.dialects.zones import DIFFERENT, told
from app.core.errors import StorageFull
from app.core.protocol import Ack, Connection, ServerMessage, Subscribe, Welcome
from app.core.rooms import Room
from app.core.wire import PING, deflated_text_frame, text_frame
from app.live.dialect import Dialect, agreed
from app.live.formats import DEFLATED_SINGLE, JSON_SINGLE, Format, Message, Said
from app.live.manner import Manner
from app.live.positions import Position
from app.live.presence import Presence
from app.live.receipts import Receipt, Receipts
from app.live.session import Session
from app.live.visit import Desk, Visit, Work
from app.tasks import report_death

FIRST_WORD_S = 1.0


def _apart(frame: Callable[[bytes], bytes], name: str) -> Format:
    def pack(messages: Sequence[Message]) -> bytes:
        return b"".join([frame(_body(message)) for message in messages])

    return Format(name, pack, PING, JSON_SINGLE.quiet)


def _body(message: Message) -> bytes:
    if isinstance(message, Said) or message.type not in DIFFERENT:
        return message.body
    return orjson.dumps(told(orjson.loads(message.body)))


ZONES: Mapping[Format, Format] = {
    JSON_SINGLE: _apart(text_frame, "json, single, zones"),
    DEFLATED_SINGLE: _apart(deflated_text_frame, "json, single, zones, deflated"),
}
"""How a client that asks for nothing is told, by what was agreed on with it."""


class NamedManner(Manner):
    """Of named connections whose client shows that it speaks our protocol."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    @contextmanager
    def company(self, session: Session, visit: Visit) -> Iterator[None]:
        with self._presence.named(session, hears=False):
            yield


class ZoneManner(Manner):
    """Of the other named connections."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._receipts = Receipts()

    def dialect(
        self, asked: Mapping[str, str], *, single: bool, compression: bool, at_most: int
    ) -> Dialect:
        return agreed(asked, single=True, compression=compression, at_most=at_most)

    def visit(self, desk: Desk, session: Session, position: Position | None) -> Visit:
        return ZoneVisit(desk, session, position, self._receipts)

    def greeting(self, session: Session, welcome: Welcome) -> Sequence[ServerMessage]:
        return [Connection(client_id=session.client_id), welcome]

    @contextmanager
    def company(self, session: Session, visit: Visit) -> Iterator[None]:
        assert isinstance(visit, ZoneVisit)
        with self._presence.named(session, hears=True), visit.waiting():
            yield


class ZoneVisit(Visit):
    """Of a client that may or may not subscribe."""

    __slots__ = ("_began", "_form", "_receipt", "_receipts", "_unasked", "_waiting")

    def __init__(
        self, desk: Desk, session: Session, position: Position | None, receipts: Receipts
    ) -> None:
        super().__init__(desk, session, position)
        self._receipts = receipts
        self._receipt: Receipt | None = None
        self._began = desk.hub.head
        self._form = session.form
        self._waiting: asyncio.Task[None] | None = None
        self._unasked = ExitStack()  # what is done for a client that asks for nothing

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Begin without being asked, unless the client subscribes first or leaves."""
        self._waiting = asyncio.create_task(self._begin_unasked(), name="a client's first word")
        self._waiting.add_done_callback(report_death)
        try:
            yield
        finally:
            self._waiting.cancel()
            self._unasked.close()

    def hear(self, text: str) -> Work | None:
        answer = answer_to(text)
        if answer is None:
            return super().hear(text)
        self._session.put(text_frame(answer))
        return None

    def proved(self, payload: bytes) -> bool:
        if self._receipt is None or not self._receipt.proved(payload):
            return False
        self._session.heard_s = self._desk.hub.clock()
        return True

    @property
    def _room(self) -> Room:
        viewer = self._session.viewer
        return viewer.shared or Room("user", viewer.user_id)

    async def _begin_unasked(self) -> None:
        await asyncio.sleep(FIRST_WORD_S)
        after = self._began
        position = self._position
        if position is not None:
            try:
                after = min(await position.begin(self._began), self._desk.hub.head)
            except StorageFull:
                position = None  # it hears what happens from now on; its name stays where it was
        if self._session.closing:
            return
        self._session.form = ZONES[self._form]
        self._session.follow(self._room, Follow(after, None, snapshot=False, reset=False))
        self._unasked.callback(self._end_unasked)
        if position is not None:
            self._receipt = Receipt(self._session, position)
            self._unasked.enter_context(self._receipts.asking(self._receipt))

    def _end_unasked(self) -> None:
        self._receipt = None
        if not self._session.closing:
            self._session.unfollow(self._room)
            self._session.form = self._form

    def _subscribe(self, ask: Subscribe) -> Work | None:
        """The client speaks our protocol after all: from now on it hears what it asks for."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._unasked.close()
        return super()._subscribe(ask)

    def _acknowledge(self, ask: Ack) -> None:
        """A client that acknowledges knows best what it has."""
        self._receipt = None
        super()._acknowledge(ask)
