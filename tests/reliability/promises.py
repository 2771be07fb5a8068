"""What is promised to whoever listens (protocol, section 2), checked on each message as it comes.

A `Trail` is the log as an outsider finds it in the file. A `Listener` is one connection: it knows
what was asked and what was told, and raises BrokenPromise at the first message, or the first
missing one, that is against a promise. Nothing here knows how the server does it.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

Object = dict[str, Any]


class Promise(StrEnum):
    COMMIT_THEN_SHOW = "1 commit, then show"
    ORDER = "2 order"
    ONCE = "2 each exactly once"
    COMPLETE = "2 completeness"
    RESUME = "3 resume"
    NOBODY_SLOWS = "4 nobody slows anybody"
    AT_LEAST_ONCE = "5 at least once for durable names"
    PROTOCOL = "the protocol's own words"


class BrokenPromise(AssertionError):
    """The text names the promise, who noticed, and what was wrong."""

    def __init__(self, promise: Promise, who: str, what: str) -> None:
        super().__init__(f"promise broken ({promise.value}), says {who}: {what}")
        self.promise = promise


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the log holds it."""

    seq: int
    n: int | None
    type: str
    job_id: str | None
    rooms: frozenset[str]
    body: Object


class Trail:
    """The log in the file, read over a connection of our own that sees only what is committed.

    facts  every event there ever was, by seq; what was pruned is still remembered here
    gone   of those, the pruned ones, each with the number of the prune that took it
    """

    READ = "SELECT seq, n, type, user_id, batch_id, job_id, body FROM event WHERE seq > ?"

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self.facts: dict[int, Fact] = {}
        self.gone: dict[int, int] = {}
        self.prunes = 0
        self.head = 0
        self._last_n: dict[str, int] = {}

    def close(self) -> None:
        self._db.close()

    def look(self) -> None:
        """Read what is new. Places are 1, 2, 3 … in the log and in each job, without a hole."""
        for row in self._db.execute(f"{self.READ} ORDER BY seq", (self.head,)).fetchall():
            seq, n, kind, user_id, batch_id, job_id, body = row
            rooms = {"all", f"user:{user_id}", f"batch:{batch_id}", f"job:{job_id}"}
            self.facts[seq] = Fact(seq, n, kind, job_id, frozenset(rooms), json.loads(body))
            if seq != self.head + 1:
                raise BrokenPromise(Promise.ORDER, "the log", f"{seq} follows {self.head}")
            if job_id is not None:
                before = self._last_n.get(job_id, 0)
                if n != before + 1:
                    what = f"{n} follows {before} in job {job_id}"
                    raise BrokenPromise(Promise.ORDER, "the log", what)
                self._last_n[job_id] = n
            self.head = seq

    def knows(self, seq: int) -> bool:
        """Tell whether the event at `seq` was committed, by now at the latest."""
        if seq > self.head:
            self.look()
        return seq in self.facts

    def look_for_what_was_pruned(self) -> list[int]:
        """Return the places that are gone since the last time."""
        self.look()
        left = {row[0] for row in self._db.execute("SELECT seq FROM event").fetchall()}
        self.prunes += 1
        found = [seq for seq in self.facts if seq not in left and seq not in self.gone]
        self.gone.update(dict.fromkeys(found, self.prunes))
        return found

    def of_job(self, job_id: str, upto: int) -> Fact | None:
        """Return the newest event of a job up to `upto`."""
        own = [f for f in self.facts.values() if f.job_id == job_id and f.seq <= upto]
        return own[-1] if own else None


@dataclass(frozen=True, slots=True)
class Ask:
    """A subscribe that was sent.

    after   as it was sent
    resumes it goes on from where an earlier connection ended
    unsure  with "acked": the position is from the first to the second of these; None: it is the
            name's first, and the head of now
    """

    after: int | str | None = None
    types: tuple[str, ...] | None = None
    snapshot: bool = False
    foreign: bool = False  # it named another log
    room: str = ""
    resumes: bool = False
    prunes: int = 0  # that were over when it was sent
    unsure: tuple[int, int | None] = (0, None)


@dataclass
class Wish:
    """A room that is followed, as the client may expect it.

    since   everything past it is wanted
    head    the log's when the server agreed
    unsure  what lies between since and this may also have been left out, from its beginning on
    states  states stand for events of the past: they were asked for, or the log no longer reaches
    whole   and there is one of every job
    folded  job -> seq up to which its state speaks for its events
    """

    room: str
    types: frozenset[str] | None
    since: int
    head: int
    unsure: int
    prunes: int
    states: bool = False
    whole: bool = False
    resets: bool = False
    resumes: bool = False
    live: bool = False
    folded: dict[str, int] = field(default_factory=dict)

    def asks_for(self, fact: Fact) -> bool:
        """Tell whether `fact` is past where this began, of its room and type."""
        of_type = self.types is None or fact.type in self.types
        return fact.seq > self.since and of_type and self.room in fact.rooms

    def wants(self, fact: Fact) -> bool:
        """The same, unless a state already speaks for it."""
        return self.asks_for(fact) and fact.seq > self.folded.get(fact.job_id or "", 0)


class Listener:
    """What one connection asked for and was told, message by message in their order."""

    def __init__(self, trail: Trail, who: str) -> None:
        self.trail = trail
        self.who = who
        self.asks: dict[str, Ask] = {}  # by message id, not yet answered
        self.wishes: dict[str, Wish] = {}
        self.told: set[int] = set()
        self.last = 0  # the seq told last
        self.goes_back = (
            0  # how often it may be followed by a smaller one: once for each asked past
        )
        self.leaving: dict[str, str] = {}  # message id -> room
        self.pongs: set[str] = set()
        self.welcome: Object | None = None
        self.errors: list[Object] = []

    def broken(self, promise: Promise, what: str) -> BrokenPromise:
        return BrokenPromise(promise, self.who, what)

    def heard(self, message: Object) -> Fact | None:
        """Take in a message; return the fact when it is an event."""
        if "seq" in message and "n" in message:
            return self._told(message)
        handler = getattr(self, f"_on_{message['type']}", None)
        if handler is None:
            raise self.broken(Promise.PROTOCOL, f"nobody knows {message}")
        handler(message)
        return None

    # Events

    def _told(self, event: Object) -> Fact:
        fact = self._is_committed(event)
        self._is_in_order(fact)
        self._is_wanted_and_new(fact)
        self.told.add(fact.seq)
        self.last = fact.seq
        return fact

    def _is_committed(self, event: Object) -> Fact:
        """Commit, then show: the very same event is in the file by now."""
        seq = event["seq"]
        if not self.trail.knows(seq):
            raise self.broken(Promise.COMMIT_THEN_SHOW, f"{seq} was shown and is not committed")
        fact = self.trail.facts[seq]
        if event != fact.body:
            raise self.broken(Promise.COMMIT_THEN_SHOW, f"{seq} is another one in the log")
        return fact

    def _is_in_order(self, fact: Fact) -> None:
        """Places grow, and so do those in each job; asking for the past begins anew, once."""
        if fact.seq <= self.last:
            if not self.goes_back and fact.seq not in self.told:
                raise self.broken(Promise.ORDER, f"{fact.seq} came after {self.last}")
            self.goes_back -= 1

    def _is_wanted_and_new(self, fact: Fact) -> None:
        if fact.seq in self.told:
            raise self.broken(Promise.ONCE, f"{fact.seq} was told again")
        if any(wish.wants(fact) for wish in self.wishes.values()):
            return
        near = [wish for wish in self.wishes.values() if wish.room in fact.rooms]
        what = f"{fact.seq} was not asked for; of its rooms are followed: {near}"
        raise self.broken(Promise.ONCE, what)

    # What is said beside them

    def _on_welcome(self, message: Object) -> None:
        if self.welcome is not None or self.wishes:
            raise self.broken(Promise.PROTOCOL, "welcome is the first message")
        self.welcome = message

    def _on_subscribed(self, message: Object) -> None:
        ask = self.asks.pop(message["id"])
        head = message["head"]
        self.begin(message["room"], ask, head)

    def begin(self, room: str, ask: Ask, head: int) -> None:
        """From here on `room` is followed, the server's head being `head`."""
        past = isinstance(ask.after, int) and ask.after > head
        resets = ask.foreign or past
        unsure = 0
        if resets or ask.snapshot or ask.after is None:
            since = head
        elif isinstance(ask.after, int):
            since = ask.after
        else:
            since, unsure = ask.unsure[0], head if ask.unsure[1] is None else ask.unsure[1]
        types = None if ask.types is None else frozenset(ask.types)
        wish = Wish(room, types, since, head, unsure, ask.prunes, resumes=ask.resumes)
        wish.states = wish.whole = resets or ask.snapshot
        wish.resets = resets
        self.wishes.pop(room, None)
        self.trail.look()
        others = list(self.wishes.values())
        self.told -= {
            fact.seq
            for fact in self.trail.facts.values()
            if wish.wants(fact) and not any(other.wants(fact) for other in others)
        }
        self.wishes[room] = wish
        if since < head:
            self.goes_back += 1

    def _on_unsubscribed(self, message: Object) -> None:
        room = self.leaving.pop(message["id"])
        if message["room"] != room:
            raise self.broken(Promise.PROTOCOL, f"left {message['room']} instead of {room}")
        del self.wishes[room]

    def _on_reset(self, message: Object) -> None:
        if not self.wishes[message["room"]].resets:
            raise self.broken(Promise.RESUME, f"a reset although the log is the same: {message}")

    def _on_truncated(self, message: Object) -> None:
        wish = self.wishes[message["room"]]
        lost = [
            seq
            for seq, prune in self.trail.gone.items()
            if prune <= wish.prunes and wish.room in self.trail.facts[seq].rooms
        ]
        if any(seq >= message["oldest"] for seq in lost):
            what = f"oldest is {message['oldest']} and {max(lost)} is gone: {message}"
            raise self.broken(Promise.RESUME, what)
        if message["oldest"] <= wish.since:
            raise self.broken(Promise.RESUME, f"nothing was cut past {wish.since}: {message}")
        wish.states = True

    def _on_snapshot(self, message: Object) -> None:
        wish, state = self.wishes[message["room"]], message["state"]
        if not wish.states:
            raise self.broken(Promise.PROTOCOL, f"a state of {wish.room} that nobody asked for")
        upto = state["last_seq"]
        if not self.trail.knows(upto):
            raise self.broken(Promise.COMMIT_THEN_SHOW, f"a state up to {upto} is not committed")
        fact = self.trail.of_job(message["job_id"], upto)
        seen = {key: state[key] for key in ("n", "last_seq", "status", "progress", "message")}
        if fact is None or wish.room not in fact.rooms:
            raise self.broken(Promise.ONCE, f"a state of {message['job_id']} in {wish.room}")
        due = {key: fact.body[key] for key in ("n", "status", "progress", "message")}
        if seen != {**due, "last_seq": fact.seq}:
            raise self.broken(Promise.COMPLETE, f"a state is {seen}; after {fact.seq} it is {due}")
        wish.folded[message["job_id"]] = max(upto, wish.folded.get(message["job_id"], 0))

    def _on_live(self, message: Object) -> None:
        wish = self.wishes[message["room"]]
        if message["seq"] < wish.head:
            what = f"live at {message['seq']}, before the head {wish.head}"
            raise self.broken(Promise.PROTOCOL, what)
        self.misses_nothing(message["seq"], [wish])
        if wish.whole:
            self.has_all_states(wish)
        wish.live = True

    def has_all_states(self, wish: Wish) -> None:
        """A snapshot of a room holds every job that there was."""
        jobs = {
            fact.job_id
            for fact in self.trail.facts.values()
            if fact.job_id and fact.seq <= wish.head and wish.room in fact.rooms
        }
        if missing := jobs - wish.folded.keys():
            raise self.broken(Promise.COMPLETE, f"no state of {sorted(missing)} in {wish.room}")

    def _on_heartbeat(self, message: Object) -> None:
        """Its head is a position: everything up to it was told."""
        self.misses_nothing(message["head"], self.wishes.values())

    def _on_pong(self, message: Object) -> None:
        self.pongs.add(message["id"])

    def _on_error(self, message: Object) -> None:
        self.errors.append(message)
        self.asks.pop(message.get("id", ""), None)

    # What is missing

    def missing(self, upto: int, wishes: Iterable[Wish]) -> list[int]:
        """Return the places up to `upto` that `wishes` ask for, and that were not told."""
        self.trail.look()
        return [
            fact.seq
            for fact in self.trail.facts.values()
            if fact.seq <= upto
            and fact.seq not in self.told
            and any(wish.wants(fact) and not self._may_lack(wish, fact) for wish in wishes)
        ]

    def _may_lack(self, wish: Wish, fact: Fact) -> bool:
        """A batch's own pruned events have no state that could stand for them."""
        if fact.seq <= wish.unsure and not any(wish.since < seq < fact.seq for seq in self.told):
            return True
        return fact.seq in self.trail.gone and fact.job_id is None and wish.states

    def forgive(self, room: str, oldest: int) -> None:
        """Take it that what was pruned before `oldest` is known from elsewhere."""
        self.trail.look_for_what_was_pruned()
        facts = self.trail.facts
        self.told |= {s for s in self.trail.gone if s < oldest and room in facts[s].rooms}

    def misses_nothing(self, upto: int, wishes: Iterable[Wish]) -> None:
        wishes = list(wishes)
        if self.missing(upto, wishes):
            self.trail.look_for_what_was_pruned()
        if missing := self.missing(upto, wishes):
            rooms = sorted(wish.room for wish in wishes)
            gone = sorted(set(missing) & self.trail.gone.keys())
            what = f"told to be complete up to {upto} in {rooms}, and missing {missing}"
            raise self.broken(Promise.COMPLETE, f"{what} (pruned of these: {gone})")

    def is_settled(self) -> bool:
        """Tell whether every ask was answered, every room is live, and nothing is missing."""
        return (
            not self.asks
            and not self.leaving
            and all(wish.live for wish in self.wishes.values())
            and not self.missing(self.trail.head, self.wishes.values())
        )

    def lacks(self) -> str:
        """Say what is missing to be settled."""
        late = [wish.room for wish in self.wishes.values() if not wish.live]
        missing = self.missing(self.trail.head, self.wishes.values())
        return (
            f"{self.who}: unanswered {sorted(self.asks) + sorted(self.leaving)}, not live {late},"
            f" missing {missing[:20]} ({len(missing)} in all), last told {self.last}"
        )
