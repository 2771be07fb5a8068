"""The one fan-out step after each commit: who is live, what they are told, and are still owed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from app.live.audience import Audience, Debt
from app.live.figures import Counters
from app.live.formats import Chunk, Format, chunks
from app.live.pages import Interest
from app.live.session import Session
from app.store.events import Recorded

logger = logging.getLogger(__name__)

WRITES_A_TURN = 500  # some three milliseconds
CROWD = 100  # writes of a commit
MANY_EACH = 5  # writes for each of its events


class Fanout:
    """The way from a commit to everybody who is live.

    head  place of the newest event at the start
    hear  is given every commit too, after those who are live

    The journal has each commit published. Everything happens in the same loop.
    """

    def __init__(
        self,
        *,
        head: int,
        hear: Callable[[Sequence[Recorded]], None],
        clock: Callable[[], float],
    ) -> None:
        self.head = head
        self.clock = clock
        self.counters = Counters()
        self._hear = hear
        self._audiences: dict[tuple[Interest, Format], Audience] = {}
        # (kind, id) of a room -> who follows it, and the types they want
        self._followers: dict[tuple[str, str], dict[Audience, frozenset[str] | None]] = {}
        self._owed: deque[Debt] = deque()
        self._turn: asyncio.Handle | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._crowded = False
        self._then: Callable[[], None] | None = None  # once nothing is owed
        self._telling: tuple[float, int] | None = None  # since when, and how many events

    def publish(self, events: Sequence[Recorded], since_s: float | None = None) -> None:
        """Tell `events`, just committed and in order of seq, to everyone who is live.

        since_s  when the first of them was asked for, on the hub's clock; for the figures

        One write a listener; nothing here waits, and whoever can not take it falls behind. In a
        crowd the loop gets a turn between slices of it. What is owed then is written before
        anything that could tell the difference: the next commit, or a session that leaves.
        """
        if not events:
            return
        self._pay()
        before, self.head = self.head, events[-1].seq
        hits: dict[Audience, list[Recorded]] = {}
        for event in events:
            self._match(event, hits)
        packed: dict[tuple[Format, tuple[int, ...]], tuple[Chunk, ...] | None] = {}
        for audience, matched in hits.items():
            key = (audience.form, tuple([event.seq for event in matched]))
            if key not in packed:
                packed[key] = _packed(matched, audience.form)
            writes_each = packed[key]
            if writes_each is not None:
                self._owed.append(audience.owe(writes_each, before, self.clock()))
            else:
                for session in audience.live:
                    session.transport.abort()  # it comes back with its cursor
        writes = sum(len(audience.live) for audience in hits)
        self._crowded = writes >= CROWD and writes >= MANY_EACH * len(events)
        if hits and since_s is not None:
            self._telling = since_s, len(events)
        self._pay(WRITES_A_TURN)
        self._hear(events)
        if self._waiting:
            self._wake()

    def _match(self, event: Recorded, hits: dict[Audience, list[Recorded]]) -> None:
        for room in (
            ("all", ""),
            ("user", event.user_id),
            ("batch", event.batch_id),
            ("job", event.job_id),
        ):
            followers = self._followers.get(room)  # type: ignore[arg-type]
            if followers is None:
                continue
            for audience, types in followers.items():
                if types is None or event.type in types:
                    matched = hits.get(audience)
                    if matched is None:
                        hits[audience] = [event]
                    elif matched[-1] is not event:  # in several of its rooms: once
                        matched.append(event)

    def _pay(self, writes: int | None = None) -> None:
        """Write what is owed: about as many writes as given now, the rest in later turns."""
        while self._owed:
            debt = self._owed.popleft()
            if writes is not None:
                most = max(1, writes // len(debt.packed))
                if len(debt.sessions) > most:
                    self._owed.appendleft(debt._replace(sessions=debt.sessions[most:]))
                    debt = debt._replace(sessions=debt.sessions[:most])
                writes -= len(debt.sessions) * len(debt.packed)
            self._tell(debt)
            if writes is not None and writes <= 0:
                break
        if self._owed:
            if self._turn is None:
                self._turn = asyncio.get_running_loop().call_soon(self._go_on)
            return
        if self._telling is not None:
            since_s, events = self._telling
            self._telling = None
            self.counters.telling.add(self.clock() - since_s, events)
        then, self._then = self._then, None
        if then is not None:
            then()

    @property
    def takes_long(self) -> bool:
        """Whether telling the last commit took much more than committing it: each of its events
        went to many, so that more of them with each write would have been cheaper."""
        return self._crowded

    def when_told(self, then: Callable[[], None]) -> None:
        """Call `then` once all that was published is written to whoever is live; now if it is."""
        if self._owed:
            self._then = then
        else:
            then()

    def _go_on(self) -> None:
        self._turn = None
        self._pay(WRITES_A_TURN)

    def _tell(self, debt: Debt) -> None:
        full: list[tuple[Session, int]] = []
        cursor = debt.before
        for data, seq, events in debt.packed:
            written = 0
            behind = len(full)
            for session in debt.sessions:
                if session.line.writing_paused or session.is_closing():
                    full.append((session, cursor))
                else:
                    session.write(data)
                    written += 1
            self.count(events * written, len(data) * written)
            cursor = seq
            if len(full) > behind and len(debt.packed) > 1:
                gone = {session for session, _ in full}
                debt = debt._replace(sessions=[s for s in debt.sessions if s not in gone])
        for session, cursor in full:
            self._take_out(session)
            for chunk in debt.packed:
                if chunk.seq > cursor:
                    session.count(-chunk.events, -len(chunk.data))
            session.fall_behind(cursor)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for seq, future in waiting:
            if seq > self.head:
                self._waiting.append((seq, future))
            elif not future.done():
                future.set_result(None)

    @property
    def told_upto(self) -> int:
        """Everything up to here was written to everybody who is live."""
        return self._owed[0].before if self._owed else self.head

    def join(self, session: Session) -> None:
        """Put `session`, all of whose cursors stand at the head, among the live ones."""
        key = (session.interest(), session.form)
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(*key)
            for room, types in audience.interest:
                self._followers.setdefault((room.kind, room.id), {})[audience] = types
        audience.live[session] = None
        session.listen_with(audience)

    def leave(self, session: Session) -> bool:
        """Take `session` out of the live ones; tell whether it was told everything up to the head.

        False: it was not live, or fell behind just now over what it was owed.
        """
        self._pay()
        was_live = session.audience is not None
        self._take_out(session)
        return was_live

    def _take_out(self, session: Session) -> None:
        audience = session.audience
        if not isinstance(audience, Audience):
            return
        session.listen_with(None)
        del audience.live[session]
        if audience.live:
            return
        del self._audiences[audience.interest, audience.form]
        for room, _ in audience.interest:
            followers = self._followers[room.kind, room.id]
            del followers[audience]
            if not followers:
                del self._followers[room.kind, room.id]

    def count(self, events: int, size_bytes: int) -> None:
        self.counters.deliveries += events
        self.counters.sent_bytes += size_bytes

    async def told(self, seq: int) -> None:
        """Wait until everything up to `seq` was told; `seq` is committed, so that is soon."""
        if seq > self.head:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((seq, future))
            await future


def _packed(events: Sequence[Recorded], form: Format) -> tuple[Chunk, ...] | None:
    """Return the writes of `events`; None when they can not be put in the words of `form`.

    That is a fault of ours, and its listeners' trouble: all others are told.
    """
    try:
        return chunks(events, form)
    except Exception:
        seqs = events[0].seq, events[-1].seq
        logger.exception("events were not told: format=%s first=%d last=%d", form.name, *seqs)
        return None
