"""Somebody who comes and goes, remembers a position for each room, and expects no hole."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.reliability.decoding import Object
from tests.reliability.polling import PollVisit
from tests.reliability.promises import Ask, BrokenPromise, Fact, Listener, Promise
from tests.reliability.stage import Place
from tests.reliability.visits import SocketVisit, StreamVisit

AnyVisit = SocketVisit | StreamVisit | PollVisit
RECENT = 40  # messages that a failure shows


@dataclass
class Followed:
    """A room as its follower knows it, over all visits.

    at      everything up to here was seen; None: only a state can say how things stand
    since   everything past it was seen, or a state speaks for it
    """

    types: tuple[str, ...] | None
    at: int | None = None
    since: int | None = None

    def asks_for(self, fact: Fact, room: str) -> bool:
        of_type = self.types is None or fact.type in self.types
        return self.since is not None and fact.seq > self.since and of_type and room in fact.rooms


@dataclass
class Name:
    """A durable name. Its acknowledged position lies between these.

    least  None: it was never used
    most   None: nothing was answered yet, so it may be as new as the head
    first  where it began
    """

    least: int | None = None
    most: int | None = None
    first: int | None = None

    def server_was_killed(self) -> None:
        """What was acknowledged last may not have been written yet."""
        self.least = self.first


@dataclass
class Client:
    """One program, on one connection at a time.

    speaks  what its visit is given
    place   of a client of event streams: the id that it comes back with
    acks    ping that was sent behind an ack -> what was acknowledged
    """

    world: Place
    number: int
    person: str
    speaks: dict[str, Any]
    way: Literal["socket", "stream", "poll"] = "socket"
    durable: Name | None = None
    place: str | None = None
    rooms: dict[str, Followed] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    folded: dict[str, int] = field(default_factory=dict)
    acks: dict[str, int] = field(default_factory=dict)
    visit: AnyVisit | None = None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT))

    @property
    def name(self) -> str:
        how = " ".join(str(value) for value in self.speaks.values())
        return f"client {self.number} ({self.person}, {self.way} {how})"

    @property
    def here(self) -> AnyVisit | None:
        """The connection, unless there is none or it is over."""
        return self.visit if self.visit is not None and not self.visit.over else None

    @property
    def socket(self) -> SocketVisit | None:
        """The same, if one can speak on it."""
        return self.here if isinstance(self.here, SocketVisit) else None

    async def come(self) -> None:
        """Connect, and go on with every room from where the last visit ended."""
        self.drop()
        listener = Listener(self.world.trail, self.name)
        self.visit = visit = self._visit(listener)
        self.recent.append("comes")
        await visit.open(self.world.port)
        await self.world.until(
            lambda: listener.welcome is not None or visit.over, lambda: f"welcome of {self.name}"
        )
        assert listener.welcome is not None, f"{self.name} was not let in: {visit.end_code}"
        for room, followed in self.rooms.items() if self.way == "socket" else ():
            if self.durable:
                self.ask(room, after="acked", resumes=True)
            else:
                self.ask(room, after=followed.at, snapshot=followed.at is None, resumes=True)

    def _visit(self, listener: Listener) -> AnyVisit:
        how = {**self.speaks, "token": self.world.people[self.person].token}
        match self.way:
            case "socket":
                return SocketVisit(self.world, listener, self.heard, **how)
            case "stream":
                asks = {room: self._place_of(followed) for room, followed in self.rooms.items()}
                place = self.place
                return StreamVisit(self.world, listener, self.heard, asks=asks, place=place, **how)
            case "poll":
                ((room, followed),) = self.rooms.items()
                resumes, prunes = followed.since is not None, self.world.trail.prunes
                ask = Ask(followed.at, followed.types, resumes=resumes, prunes=prunes)
                return PollVisit(self.world, listener, self.heard, room=room, ask=ask, **how)

    def _place_of(self, followed: Followed) -> Ask:
        """Return what a stream asks for; all its rooms at the same place."""
        prunes = self.world.trail.prunes
        if self.place is None:
            return Ask(followed.at, followed.types, prunes=prunes)
        log, _, seq = self.place.rpartition(":")
        foreign = log != self.world.log_id
        return Ask(int(seq), followed.types, foreign=foreign, resumes=True, prunes=prunes)

    def follow(self, room: str, types: tuple[str, ...] | None, **how: Any) -> None:
        """Begin to follow a room, or begin again from elsewhere. how: fields of Ask."""
        self.rooms[room] = Followed(types)
        self.ask(room, **how)

    def ask(self, room: str, **how: Any) -> None:
        assert self.socket is not None
        if how.get("after") == "acked":
            how["unsure"] = self._unsure()
        types, prunes = self.rooms[room].types, self.world.trail.prunes
        ask = Ask(types=types, prunes=prunes, room=room, **how)
        log = "another" if ask.foreign else self.world.log_id
        self.socket.subscribe(room, ask, log)

    def _unsure(self) -> tuple[int, int | None]:
        """Return between which places the name's position is; None: the head when it is asked."""
        name = self.durable
        assert name is not None
        if name.least is None:
            assert self.visit is not None
            assert self.visit.listener.welcome is not None
            name.least = name.first = int(self.visit.listener.welcome["head"])
        return name.least, name.most

    def leave(self, room: str) -> None:
        assert self.socket is not None
        del self.rooms[room]
        self.socket.unsubscribe(room)

    def acknowledge(self, back: int = 0) -> None:
        """Acknowledge what has come, in every room; the pong that comes behind confirms it.

        back  an earlier place than that is named, which changes nothing
        """
        places = [followed.at for followed in self.rooms.values()]
        known = [place for place in places if place is not None]
        socket = self.socket
        if socket is None or self.durable is None or self.durable.most is None:
            return
        if socket.listener.asks or not places or len(known) < len(places):
            return
        seq = max(0, min(known) - back)
        socket.say("ack", seq=seq)
        self.durable.most = max(seq, self.durable.most)
        self.acks[socket.say("ping")] = seq
        self.recent.append(f"acks {seq}")

    def drop(self) -> None:
        """Be cut off."""
        if self.visit is None:
            return
        self.visit.end()
        if isinstance(self.visit, StreamVisit):
            self.place = self.visit.place
        if isinstance(self.visit, PollVisit):
            (followed,) = self.rooms.values()
            followed.at = self.visit.place
            self.seen |= self.visit.listener.told
        self.visit = None
        self.acks.clear()
        self.recent.append("is gone")

    # What it remembers

    def heard(self, fact: Fact | None, message: Object) -> None:
        """Called after the connection's listener found nothing wrong."""
        assert self.visit is not None
        wishes = self.visit.listener.wishes
        if fact is not None:
            self.recent.append(f"{fact.seq}")
            self.seen.add(fact.seq)
            for room, wish in wishes.items():
                if wish.wants(fact):
                    self._reached(room, fact.seq)
            return
        kind = message["type"]
        self.recent.append(f"{kind} {message.get('room', '')} {message.get('seq', '')}")
        match kind:
            case "subscribed" if message["room"] in self.rooms:
                self._began(message["room"])
            case "live":
                self._reached(message["room"], message["seq"], known=True)
            case "heartbeat":
                for room in wishes:
                    self._reached(room, message["head"])
            case "snapshot":
                job, upto = message["job_id"], message["state"]["last_seq"]
                self.folded[job] = max(upto, self.folded.get(job, 0))
            case "pong" if self.durable and (acked := self.acks.pop(message["id"], None)):
                self.durable.least = max(acked, self.durable.least or 0)

    def _began(self, room: str) -> None:
        assert self.visit is not None
        wish, followed = self.visit.listener.wishes[room], self.rooms[room]
        followed.at = None if wish.states else wish.since
        if followed.since is None or wish.states or not wish.resumes:
            followed.since = max(wish.since, wish.unsure)
        if self.durable and self.durable.most is None:
            self.durable.most = wish.unsure

    def _reached(self, room: str, seq: int, *, known: bool = False) -> None:
        """known: the room's states, if any were due, have all come."""
        followed = self.rooms.get(room)
        if followed is not None and (known or followed.at is not None):
            followed.at = max(seq, followed.at or 0)

    def has_no_hole(self) -> None:
        """Raise unless everything since the first visit was seen, or a state speaks for it."""
        if isinstance(self.visit, PollVisit):
            self.seen |= self.visit.listener.told
        holes = [
            fact.seq
            for fact in self.world.trail.facts.values()
            if fact.seq not in self.seen
            and fact.seq > self.folded.get(fact.job_id or "", 0)
            and not (fact.job_id is None and fact.seq in self.world.trail.gone)
            and any(followed.asks_for(fact, room) for room, followed in self.rooms.items())
        ]
        if holes:
            what = f"of all visits together {holes} were never told"
            raise BrokenPromise(Promise.RESUME, self.name, what)
