"""How a client on a socket is received: what frames it gets, its greeting, what it may say."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from app.core.protocol import ServerMessage, Welcome
from app.live.dialect import Dialect, agreed
from app.live.positions import Position
from app.live.session import Session
from app.live.visit import Desk, Visit


class Manner:
    """Our own: the client subscribes to what it wants. Others differ in what they override."""

    def dialect(
        self, asked: Mapping[str, str], *, single: bool, compression: bool, at_most: int
    ) -> Dialect:
        """Return what will be spoken; see `agreed`."""
        return agreed(asked, single=single, compression=compression, at_most=at_most)

    def visit(self, desk: Desk, session: Session, position: Position | None) -> Visit:
        """Return what carries out what the client asks for."""
        return Visit(desk, session, position)

    def greeting(self, session: Session, welcome: Welcome) -> Sequence[ServerMessage]:
        """Return the first messages."""
        return [welcome]

    def company(self, session: Session, visit: Visit) -> AbstractContextManager[object]:
        """Return what is entered once the greeting is written, and left when the client is gone."""
        return nullcontext()


OURS = Manner()
