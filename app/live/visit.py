"""What one client asks for, carried out one message after the other, whatever brought it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.conversation import Conversation, nameless
from app.core.errors import AppError, NotAllowed, NotFound
from app.core.permissions import Thing, may_follow, obstacle
from app.core.protocol import (
    SUBSCRIPTIONS_AT_MOST,
    Ack,
    Answer,
    Hangup,
    Ok,
    Ping,
    Pong,
    Problem,
    Reset,
    ServerMessage,
    Steer,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from app.core.rooms import Room
from app.live.hub import Hub
from app.live.limits import limits_of
from app.live.positions import Position, Positions
from app.live.session import Session
from app.settings import Settings

OWN_CODES = 3000  # from there on a client's code is its own choice, and all are counted as this one

Control = Callable[[Session, Steer | Answer], Awaitable[None]]
Work = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What is behind every visit, whoever comes.

    known         what a room is about, where that needs no look into the database; else None
    belonging_of  what a room is about; None when there is no such thing
    positions     how far durable names have acknowledged
    control       carries out what steers a job; raises AppError with the reason when it can not
    questions     what was told of the questions of a room that are open; the place is the head
    """

    hub: Hub
    settings: Settings
    positions: Positions
    known: Callable[[Room], Thing | None]
    belonging_of: Callable[[Room], Awaitable[Thing | None]]
    control: Control | None = None
    questions: Callable[[Room, int], Awaitable[Sequence[Mapping[str, Any]]]] | None = None


class Visit:
    """Carries out what one client asks for."""

    __slots__ = ("_conversation", "_desk", "_position", "_session")

    def __init__(self, desk: Desk, session: Session, position: Position | None = None) -> None:
        """position: how far a client with a durable name has acknowledged; None without one."""
        self._position = position
        self._desk = desk
        self._session = session
        viewer = session.viewer
        rate = limits_of(viewer, desk.settings).messages_per_second
        self._conversation = Conversation(viewer.user_id, rate, desk.hub.clock())

    def admit(self) -> Problem | Hangup | None:
        """Count something that came in. Return None when it may be looked at, else why not."""
        self._session.received += 1
        self._desk.hub.counters.received += 1
        self._session.heard_s = now_s = self._desk.hub.clock()
        return self._conversation.admit(now_s)

    def left(self, code: int) -> None:
        """The client said goodbye, or what made one necessary."""
        self._session.left_with = min(code, OWN_CODES)

    def proved(self, payload: bytes) -> bool:
        """The client answered a ping that carried `payload`: it has all that was sent before it.

        Returns whether that was waited for. Then it is no message of the client's own.
        """
        return False

    def overhear(self, data: str | bytes) -> None:
        """Show a message to whoever looks at this connection."""
        if self._session.tap is not None:
            self._session.tap.hears(data)

    def hang_up(self, goodbye: Hangup) -> None:
        """End the connection."""
        self._session.end(goodbye)

    def refuse(self, why: Problem, text: str | None = None) -> None:
        """Say why a message was not carried out. text: the message, which may have an id."""
        if text is not None:
            why = why.model_copy(update={"id": self._conversation.receive(text).id})
        self._desk.hub.counters.rejected[why.code] += 1
        self._session.say(why)

    def hear(self, text: str) -> Work | None:
        """Carry a message out; return the rest of the work where something has to be waited for."""
        say = self._session.say
        match ask := self._conversation.receive(text):
            case Problem():
                self.refuse(ask)
            case Subscribe():
                return self._subscribe(ask)
            case Unsubscribe():
                room = self._conversation.room(ask)
                if isinstance(room, Problem):
                    self.refuse(room)
                else:
                    self._session.unfollow(room)
                    say(Unsubscribed(id=ask.id, room=str(room)))
            case Ping():
                say(Pong(id=ask.id))
            case Ack():
                self._acknowledge(ask)
            case Steer() | Answer():
                return self._steer(ask)
        return None

    def _subscribe(self, ask: Subscribe) -> Work | None:
        room = self._conversation.room(ask)
        if isinstance(room, Problem):
            self.refuse(room)
            return None
        thing = self._desk.known(room)
        if thing is None or ask.after == "acked":
            return self._look_up(ask, room)
        if self._may_follow(ask, room, thing):
            self._follow(ask, room)
        return None

    async def _look_up(self, ask: Subscribe, room: Room) -> None:
        if not self._may_follow(ask, room, await self._desk.belonging_of(room)):
            return
        acked = None
        if ask.after == "acked" and self._position is not None:
            try:
                acked = await self._position.begin(self._desk.hub.head)
            except AppError as error:
                self.refuse(Problem.of(error, ask.id))
                return
        self._follow(ask, room, acked)

    def _may_follow(self, ask: Subscribe, room: Room, thing: Thing | None) -> bool:
        """Tell whether the client may follow one more room, this one; say why where it may not."""
        session = self._session
        try:
            self._check(room, thing)
        except AppError as error:
            self._desk.hub.denied(session, error, str(room))
            self.refuse(Problem.of(error, ask.id))
            return False
        if room in session.subscriptions or len(session.subscriptions) < SUBSCRIPTIONS_AT_MOST:
            return True
        self.refuse(
            Problem(
                id=ask.id,
                code="too_many_subscriptions",
                message=f"A connection follows at most {SUBSCRIPTIONS_AT_MOST} rooms.",
            )
        )
        return False

    def _follow(self, ask: Subscribe, room: Room, acked: int | None = None) -> None:
        # Nothing is waited for: the head that is answered is the one that is gone on from.
        head, log_id = self._desk.hub.head, self._desk.hub.log_id
        plan = self._conversation.decide(ask, log=log_id, head=head, acked=acked)
        if isinstance(plan, Problem):
            self.refuse(plan)
            return
        answer: list[ServerMessage] = [Subscribed(id=ask.id, room=str(room), head=head)]
        if plan.reset:
            answer.append(Reset(id=ask.id, room=str(room), log=log_id, head=head))
        self._session.follow(room, plan, *answer)

    def _acknowledge(self, ask: Ack) -> None:
        if self._position is None:
            self.refuse(nameless(ask))
            return
        told = self._session.told_upto
        seq = self._conversation.acknowledged(ask, head=self._desk.hub.head, told=told)
        if isinstance(seq, Problem):
            self.refuse(seq)
        else:
            self._position.ack(seq)

    def _check(self, room: Room, thing: Thing | None) -> None:
        """Raise NotAllowed or NotFound unless the viewer may follow `room`, which is of `thing`."""
        if may_follow(self._session.viewer, room, thing):
            return
        if room.kind == "all":
            raise NotAllowed(why=obstacle(self._session.viewer, "operate"))
        raise NotFound(what=room.kind, is_foreign=thing is not None)

    async def _steer(self, ask: Steer | Answer) -> None:
        control = self._desk.control
        if control is None:
            self.refuse(
                Problem(
                    id=ask.id,
                    code="unsupported",
                    message=f"This connection can not {ask.op}; use the HTTP API.",
                )
            )
            return
        try:
            await control(self._session, ask)
        except AppError as error:
            self._desk.hub.denied(self._session, error, ask.op)
            self.refuse(Problem.of(error, ask.id))
        else:
            self._session.say(Ok(id=ask.id))
