"""What one Socket.IO client asks for, whichever of the systems A, B and C it is of."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.conversation import Conversation, Follow
from app.core.dialects import sessions
from app.core.dialects.asks import Ask, read_ask, read_place
from app.core.dialects.packets import Packet
from app.core.errors import AppError, NotFound
from app.core.ids import is_uuid
from app.core.permissions import Viewer, may_follow
from app.core.protocol import SUBSCRIPTIONS_AT_MOST, Close, Hangup
from app.core.rooms import Room
from app.core.times import iso_from_ms
from app.live.limits import limits_of
from app.live.session import Session
from app.live.socketio.chorus import Chorus
from app.live.socketio.comebacks import Client
from app.live.socketio.forms import Forms, System
from app.live.socketio.marks import Marks
from app.live.socketio.places import recovered
from app.live.socketio.wire import Wire
from app.live.visit import Desk

KEYS = {"B": "task_id", "C": "sessionId"}
"""Under which name each system has the id of what it follows."""


class Guest:
    """One client that was recognised, from its connect to its end.

    wire   the way to it
    marks  shared by all guests
    agent  the program that it says it is
    """

    def __init__(
        self,
        desk: Desk,
        wire: Wire,
        marks: Marks,
        forms: Forms,
        viewer: Viewer,
        client_id: str,
        address: str,
        agent: str,
    ) -> None:
        self._desk = desk
        self._hub = desk.hub
        self._marks = marks
        self.wire = wire
        self.client = Client(viewer.holder, viewer.via, address, agent)
        self.limits = limits_of(viewer, desk.settings)
        rate, now_s = self.limits.messages_per_second, self._hub.clock()
        self._wishes = Conversation(viewer.user_id, rate, now_s)
        self._signs = Conversation(viewer.user_id, rate, now_s)  # what asks for nothing
        self._batches: set[str] = set()
        self._pinged = 0  # the place in the log that the latest ping stands for
        self._proved: int | None = None  # and the latest answer; None: it follows no files
        self.session = Chorus(
            self._hub, wire, client_id=client_id, viewer=viewer, address=address, forms=forms
        )

    def begin(
        self,
        sid: str,
        auth: Mapping[str, Any],
        *,
        is_conversational: bool,
        was_cut_at: int | None = None,
    ) -> None:
        """Welcome the client. is_conversational: it is of system A, and follows its user's files.

        sid         what the client knows itself by
        was_cut_at  where that goes on from, unless it says where it was; None: from now on
        """
        hub, session = self._hub, self.session
        session.tell(
            "connected",
            {"socketId": sid, "timestamp": _now(), "log": hub.log_id, "head": hub.head},
        )
        if not is_conversational:
            return
        try:
            after, log = read_place(recovered(auth))
        except ValueError as error:
            self._refuse("", "invalid_request", f"{error}.", {})
            return
        room = Room("user", session.viewer.user_id)
        thing = self._desk.known(room)
        if may_follow(session.viewer, room, thing):
            if after is None and was_cut_at is not None:
                after, log = was_cut_at, hub.log_id
                session.tell_place(after)
            elif after is None:
                session.tell_place(hub.head)  # before there was anything to tell
            self._follow("A", room, Ask(room.id, after, log), {"room": str(room)}, snapshot=False)
            self._pinged = self._proved = session.parts["A"].told_upto
        else:
            words = "A share link shows one job or batch; join or subscribe to it."
            self._refuse(room.id, "not_allowed", words, {})

    @property
    def cut_at(self) -> int | None:
        """Up to where it surely has everything of its user's files; None when it follows none."""
        return self._proved

    def overhear(self, text: str) -> None:
        """Show a packet to whoever looks at this connection."""
        if self.session.tap is not None:
            self.session.tap.hears(text)

    def pinged(self) -> None:
        """A ping goes to it: once that is answered, all that was told before it has arrived."""
        if self._proved is not None:
            self._pinged = self.session.parts["A"].told_upto

    def admit(self, packet: Packet, size_bytes: int) -> bool:
        """Count a packet. Return whether it is carried out; the connection may end over it."""
        session = self.session
        session.received += 1
        self._hub.counters.received += 1
        session.heard_s = now_s = self._hub.clock()
        if size_bytes > self.limits.max_message_bytes:
            reason = f"a message has at most {self.limits.max_message_bytes} bytes"
            session.end(Hangup(Close.MESSAGE_TOO_BIG, reason))
        elif packet.kind == "connect" and packet.namespace == "/":
            session.end(Hangup(Close.INVALID_DATA, "you are connected already"))
        else:
            if packet.kind == "pong" and self._proved is not None:
                self._proved = self._pinged
            counted = self._wishes if packet.kind == "event" else self._signs
            refused = counted.admit(now_s)
            if isinstance(refused, Hangup):
                session.end(refused)
            elif refused is None:
                return packet.kind != "ack"  # nothing of ours asks for one
            elif packet.kind == "event":
                self._hub.counters.rejected[refused.code] += 1
                more = {"retry_after": refused.retry_after, "event": packet.name}
                self._refuse("", refused.code, refused.message, more)
            else:
                return True
        return False

    async def join_task(self, *said: Any) -> None:
        """B: follow a task, which is a job or a batch."""
        found = await self._found("B", said)
        if found is None:
            return
        ask, room = found
        if self._may_follow_one_more("B", room):
            self.session.tell("joined_task", {"task_id": ask.ident})
            self._follow("B", room, ask, {"task_id": ask.ident}, snapshot=True)

    async def leave_task(self, *said: Any) -> None:
        """B: hear no more of a task."""
        ask = self._read("B", said)
        if ask is not None:
            self._unfollow("B", Room("job", ask.ident))
            self._unfollow("B", Room("batch", ask.ident))
            self.session.tell("left_task", {"task_id": ask.ident})

    async def subscribe(self, *said: Any) -> None:
        """C: follow a session, which is a job or a batch."""
        found = await self._found("C", said)
        if found is None:
            return
        ask, room = found
        system: System = "C jobs" if room.kind == "job" else "C batches"
        if not self._may_follow_one_more(system, room):
            return
        if room.kind == "batch" and room.id not in self._batches:
            self._batches.add(room.id)
            self._marks.follow(room.id)
        await self._mark(room)
        asked: Sequence[Mapping[str, Any]] = ()
        if ask.after is None and self._desk.questions is not None:
            asked = await self._desk.questions(room, self._hub.head)
        if self.session.closing:
            return
        about = {"sessionId": ask.ident}
        self.session.tell("subscribed", {**about, "timestamp": _now()})
        for question in asked:
            for told in sessions.asked(ask.ident, question):
                self.session.tell(*told)
        self._follow(system, room, ask, about, snapshot=room.kind == "job")
        if room.kind == "batch" and ask.after is None:
            for told in self._marks.end(room.id):
                self.session.tell(*told)

    async def unsubscribe(self, *said: Any) -> None:
        """C: hear no more of a session."""
        ask = self._read("C", said)
        if ask is not None:
            self._unfollow("C jobs", Room("job", ask.ident))
            self._unfollow("C batches", Room("batch", ask.ident))
            if ask.ident in self._batches:
                self._batches.remove(ask.ident)
                self._marks.leave(ask.ident)
            about = {"sessionId": ask.ident, "timestamp": _now()}
            self.session.tell("unsubscribed", about)

    def over(self) -> None:
        """The connection is over."""
        for batch_id in self._batches:
            self._marks.leave(batch_id)
        self._batches.clear()
        self._proved = None
        self._hub.forget(self.session)

    def _read(self, system: str, said: tuple[Any, ...]) -> Ask | None:
        """Return what is asked for; None when it can not be understood, which is said."""
        try:
            return read_ask(KEYS[system], said)
        except ValueError as error:
            self._refuse("", "invalid_request", f"{error}.", {})
            return None

    async def _found(self, system: str, said: tuple[Any, ...]) -> tuple[Ask, Room] | None:
        """Return what is asked for, and the room it is; None when there is none, which is said."""
        ask = self._read(system, said)
        if ask is None:
            return None
        about = {KEYS[system]: ask.ident}
        try:
            return ask, await self._room(ask.ident)
        except AppError as error:
            self._hub.denied(self.session, error, ask.ident)
            self._refuse(ask.ident, error.code, f"{error}.", about)
            return None

    async def _room(self, ident: str) -> Room:
        """Return the room of a job or batch. Raises NotFound, also for somebody else's."""
        is_foreign = False
        for kind in ("job", "batch") if is_uuid(ident) else ():
            room = Room(kind, ident)
            thing = self._desk.known(room) or await self._desk.belonging_of(room)
            if thing is not None and may_follow(self.session.viewer, room, thing):
                return room
            is_foreign = is_foreign or thing is not None
        raise NotFound(what="job or batch", is_foreign=is_foreign)

    async def _mark(self, room: Room) -> None:
        """Look up how the jobs of a room stand, everything up to there being told."""
        last: str | None = None
        while page := await self._hub.snapshot(room, last):
            await self._hub.told(max(state["last_seq"] for state in page))
            for state in page:
                self._marks.hold(state)
            last = page[-1]["job_id"]

    def _may_follow_one_more(self, system: System, room: Room) -> bool:
        if self.session.closing:
            return False
        followed = self.session.part(system).subscriptions
        if room in followed or len(followed) < SUBSCRIPTIONS_AT_MOST:
            return True
        words = f"A connection follows at most {SUBSCRIPTIONS_AT_MOST} jobs or batches."
        self._refuse(room.id, "too_many_subscriptions", words, {KEYS[system[0]]: room.id})
        return False

    def _follow(
        self, system: System, room: Room, ask: Ask, about: dict[str, Any], *, snapshot: bool
    ) -> None:
        # Nothing is waited for: the head that is answered is the one that is gone on from.
        head, log_id = self._hub.head, self._hub.log_id
        plan = Conversation.decide(ask.of(room, snapshot=snapshot), log=log_id, head=head)
        assert isinstance(plan, Follow)  # a number is never refused
        if plan.reset:
            self.session.tell("reset", {**about, "log": log_id, "head": head})
        self.session.part(system).follow(room, plan)

    def _unfollow(self, system: System, room: Room) -> None:
        part: Session | None = self.session.parts.get(system)
        if part is not None:
            part.unfollow(room)

    def _refuse(self, ident: str, code: str, words: str, more: dict[str, Any]) -> None:
        payload = {"sessionId": ident, "error": words, "code": code, "timestamp": _now(), **more}
        self.session.tell("error", payload)


def _now() -> str:
    return iso_from_ms(time.time_ns() // 1_000_000)
