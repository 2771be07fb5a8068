"""One listener: its subscriptions, each with a cursor into the log, and how it gets to the head.

A session is LIVE (in an audience of the hub) or CATCHING UP (reading pages of the log). It joins
the live set in the very loop step in which all its cursors stand at the head, so that no event
falls between the two or comes twice. There is no third way.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from app.core.conversation import Follow
from app.core.permissions import Viewer
from app.core.protocol import Hangup, Live, ServerMessage
from app.core.rooms import Room
from app.live.formats import JSON_LINES, Format
from app.live.mending import mend, send_snapshot
from app.live.pages import Gone, Interest
from app.live.ports import Crowd, Line, Source, Tap
from app.live.subscription import Subscription
from app.store.events import Recorded

logger = logging.getLogger(__name__)

NO_GOODBYE = 1006  # the code of a connection that ended without a close frame


class Session:
    """One connection. All its methods are called in the loop; those that write never wait.

    While its transport is paused nothing is written but the answers to its own messages, and
    nothing is held for it but its cursors.
    """

    __slots__ = (
        "_events",
        "_revision",
        "_sent_bytes",
        "_source",
        "_task",
        "address",
        "audience",
        "client_id",
        "closing",
        "ended_s",
        "form",
        "goodbye",
        "heard_s",
        "is_closing",
        "left_bytes",
        "left_with",
        "line",
        "moved_s",
        "number",
        "received",
        "sent_s",
        "since_s",
        "subscriptions",
        "tap",
        "transport",
        "viewer",
        "write",
    )

    def __init__(
        self,
        source: Source,
        line: Line,
        *,
        client_id: str,
        viewer: Viewer,
        form: Format = JSON_LINES,
        address: str = "",
    ) -> None:
        """address: where it comes from, for operators."""
        self._source = source
        self.line = line
        self._task: asyncio.Task[None] | None = None
        self._revision = 0  # of the subscriptions; a page asked for an older one is dropped
        self.client_id = client_id
        self.viewer = viewer
        self.address = address
        self.form = form
        self.subscriptions: dict[Room, Subscription] = {}
        self.audience: Crowd | None = None  # None while not live
        self.closing = False
        self.goodbye: Hangup | None = None  # why it was us who ended it
        self.left_with: int = NO_GOODBYE  # the code of the client's close frame
        self.number = 0  # among all connections of the hub; it tells them apart
        self.received = 0  # messages
        self.tap: Tap | None = None  # an operator looks at what goes over the connection
        self._events = self._sent_bytes = 0  # written, beside what its audience was told
        self.transport = line.transport
        self.write: Callable[[bytes], None] = line.transport.write
        self.is_closing = line.transport.is_closing
        self.since_s = self.sent_s = self.heard_s = self.moved_s = source.clock()
        self.ended_s = 0.0  # when `end` was called
        self.left_bytes = 0  # unsent, when last looked at

    def say(self, *messages: ServerMessage) -> None:
        """Write messages beside the events, all at once."""
        self.put(self.form.say(messages, self.told_upto if self.form.places else None))

    def put(self, data: bytes) -> None:
        """Write whole messages, if there are any, unless the connection is over."""
        if data and not self.closing and not self.is_closing():
            self.write(data)
            self.sent_s = self._source.clock()
            self._count(0, len(data))

    def listen_with(self, audience: Crowd | None) -> None:
        """Be told what `audience` is told; None for no longer."""
        for crowd, sign in ((self.audience, 1), (audience, -1)):
            if crowd is not None:
                self.count(sign * crowd.events, sign * crowd.sent_bytes)
        self.audience = audience

    def count(self, events: int, size_bytes: int) -> None:
        """Count what was written for this session alone."""
        self._events += events
        self._sent_bytes += size_bytes

    @property
    def kind(self) -> str:
        return self.form.transport

    @property
    def traffic(self) -> tuple[int, int]:
        """Events and bytes that were written, what is on its way now included."""
        if self.audience is None:
            return self._events, self._sent_bytes
        return self._events + self.audience.events, self._sent_bytes + self.audience.sent_bytes

    def follow(self, room: Room, ask: Follow, *answer: ServerMessage) -> None:
        """Begin to follow `room`, or begin again from elsewhere, `answer` being said first.

        What another subscription of this session has written already is not written again. From
        the answer to that of the next subscription events come in order of seq, and so those of
        each job in order of n. Only a subscription that reaches further back than what was told
        before can bring older events of a job after newer ones: those that it alone asked for.
        """
        self._stand_still()
        self._give_up(room)
        self.subscriptions[room] = Subscription.of(room, ask, self._source.pruned_upto)
        self._go_on(*answer)

    def unfollow(self, room: Room) -> None:
        """Stop following `room`, if it is followed."""
        self._stand_still()
        self._give_up(room)
        self._go_on()

    def change_form(self, form: Format) -> None:
        """Go on in another format. What was owed is written in the one before."""
        self._stand_still()
        self.form = form
        self._go_on()

    def lose(self, gone: Gone) -> None:
        """Events were pruned. Who is live has been told them; who reads the log may miss some.

        A page that this session waits for may be read only now: it is dropped.
        """
        if self.audience is None:
            for room, subscription in self.subscriptions.items():
                if seqs := gone.get((room.kind, room.id)):
                    subscription.lose(seqs)
                    self._revision += 1

    def fall_behind(self, cursor: int) -> None:
        """Go on from the log: the hub took it out, having written everything up to `cursor`."""
        for subscription in self.subscriptions.values():
            subscription.cursor = cursor
        self._go_on()

    @property
    def followed(self) -> Collection[Room]:
        """The rooms that are followed."""
        return self.subscriptions

    @property
    def catching_up(self) -> bool:
        return self._task is not None

    @property
    def told_upto(self) -> int:
        """Everything up to here was written, in every room that is followed."""
        cursors = (s.cursor for s in self.subscriptions.values())
        cursor = min(cursors, default=self._source.head)
        return cursor if self.audience is None else max(cursor, self._source.told_upto)

    def interest(self) -> Interest:
        return frozenset((s.room, s.types) for s in self.subscriptions.values())

    def lasted_s(self) -> float:
        return self._source.clock() - self.since_s

    async def drained(self) -> None:
        """Wait until the transport takes more. At once when it does."""
        if self.line.writing_paused:
            await self.line.drained()
            self.moved_s = self._source.clock()

    def end(self, goodbye: Hangup) -> None:
        """Stop telling, and begin to end the connection; it is over within a bounded time."""
        if not self.closing:
            self.closing = True
            self.goodbye = goodbye
            self.ended_s = self._source.clock()
            self._source.leave(self)
            if self._task is not None:
                self._task.cancel()
            if self.tap is not None:
                self.tap.ends(goodbye)
            self.line.end(goodbye)

    def stop(self) -> asyncio.Task[None] | None:
        """Leave the live set and stop catching up; nothing is written afterwards.

        Returns the catch-up, where there was one, for whoever waits for its end.
        """
        self.closing = True
        if self.tap is not None:
            self.tap.stop()
        self._source.leave(self)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    def _count(self, events: int, size_bytes: int) -> None:
        self.count(events, size_bytes)
        self._source.count(events, size_bytes)

    def _give_up(self, room: Room) -> None:
        subscription = self.subscriptions.pop(room, None)
        if subscription is not None:
            for other in self.subscriptions.values():
                other.outlive(subscription)

    def _stand_still(self) -> None:
        """Leave the live set, if in it, and give each subscription its cursor."""
        self._revision += 1
        if self.audience is not None and self._source.leave(self):
            for subscription in self.subscriptions.values():
                subscription.cursor = self._source.head

    def _go_on(self, *answer: ServerMessage) -> None:
        """Say `answer`, and join the live set now, or catch up in a task of this session's own."""
        if self.closing or self.is_closing() or (self._task is None and self._join(*answer)):
            return
        if answer:
            self.say(*answer)
        if self._task is not None:
            return
        self._task = asyncio.create_task(self._catch_up(), name=f"catch-up {self.client_id}")
        self._task.add_done_callback(self._caught_up)

    def _join(self, *answer: ServerMessage) -> bool:
        """Join the live set if every cursor stands at the head and the transport takes more.

        Only then `answer` is said, in one write with what else there is to say.
        """
        head = self._source.head
        if self.line.writing_paused:
            return not self.subscriptions
        for subscription in self.subscriptions.values():
            if subscription.states or subscription.cursor != head:
                return False
        said = list(answer)
        for subscription in self.subscriptions.values():
            if not subscription.announced:
                subscription.announced = True
                said.append(Live(room=str(subscription.room), seq=head))
        if said:
            self.say(*said)
        if self.subscriptions:
            self._source.join(self)
        return True

    async def _catch_up(self) -> None:
        while not self.is_closing():
            if self.line.writing_paused:
                await self.drained()
            elif self._join():
                break
            else:
                async with self._source.replaying:
                    await self._come_closer()
                    await asyncio.sleep(0)  # pages may come from memory: the loop has its turn
        self._task = None

    async def _come_closer(self) -> None:
        """Read one page of what is missing, and write as much of it as the transport takes."""
        if self.line.writing_paused:
            return  # it was not while this session waited for its turn
        due = next((s for s in self.subscriptions.values() if not s.is_whole), None)
        if due is None:
            await self._replay()
        elif due.states:
            await send_snapshot(self, self._source, due)
        else:
            await mend(self, self._source, due)

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("catching up failed: client=%s", self.client_id, exc_info=error)
            self.transport.abort()  # it comes back with its cursor

    async def _replay(self) -> None:
        """Write the next page for those subscriptions that are furthest behind.

        They go on alone until they reach the next one, and then together with it: so the events
        of a session come in order of seq wherever its subscriptions began at the same place.
        """
        everyone = list(self.subscriptions.values())
        if not everyone:
            return  # the last one was left while this session waited for its turn
        after = min(s.cursor for s in everyone)
        group = [s for s in everyone if s.cursor == after]
        ahead = [s for s in everyone if s.cursor > after]
        upto = min([self._source.head, *(s.cursor for s in ahead)])
        written = [s for s in everyone if s.since < upto and s.written_upto > after]

        def is_new(event: Recorded) -> bool:
            return any(s.wants(event) for s in group) and not any(
                s.has_written(event) for s in written
            )

        special = bool(written) or any(s.cursor < s.folded_upto for s in group)
        revision = self._revision
        page = await self._source.page(
            frozenset((s.room, s.types) for s in group),
            after,
            upto,
            form=self.form,
            keep=is_new if special else None,
        )
        if revision != self._revision or self.is_closing():
            return
        reached = page.reached
        for chunk in page.chunks:
            if self.line.writing_paused:  # hold nothing but the cursor: the rest is read again
                reached = after
                break
            self.write(chunk.data)
            self._count(chunk.events, len(chunk.data))
            after = chunk.seq
        for subscription in group:
            subscription.cursor = reached
        self.sent_s = self._source.clock()
