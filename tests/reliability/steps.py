"""What may happen in a history: one server, its clients, and a step for everything they do."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast
from unittest.mock import patch

import uvloop

from app import main
from app.live import connection, fanout, formats, hub, pages
from tests.reliability.clients import Client, Followed, Name
from tests.reliability.polling import PollVisit
from tests.reliability.promises import Listener
from tests.reliability.world import PEOPLE, World

HELD = 8 * 1024  # bytes for a client that does not read, beside the last write
LARGE = 20_000  # bytes; a few such events are more than a way can hold whose end does not read
AT_ONCE = 2 * LARGE  # of one write: about LARGE of events, or a single larger one

CAST: tuple[dict[str, Any], ...] = (
    {"speaks": {"path": "/ws"}},
    {"speaks": {"path": "/ws?frames=single"}},
    {"speaks": {"path": "/ws", "packs": True}},
    {"speaks": {"path": "/ws", "inflates": True}},
    {"speaks": {"path": "/ws/scanner?frames=lines"}, "durable": True},
    {"speaks": {"version": "1.1"}, "way": "stream"},
    {"speaks": {"path": "/ws/till?frames=single", "packs": True}, "durable": True},
    {"speaks": {"version": "1.0"}, "way": "stream"},
    {"speaks": {}, "way": "poll"},
    {"speaks": {"path": "/ws?frames=single"}, "like": 1},
    {"speaks": {"path": "/ws"}, "like": 0},
)
"""Who listens, and what they speak; the first one is ann, the next one bob, and so on. The last
two follow what another one does, so that what was made for one is there for the other."""

Types = tuple[str, ...] | None
T = TypeVar("T")


@contextmanager
def small() -> Iterator[None]:
    """Make pages, turns and buffers small, so that there are many hand-overs; goodbyes short."""
    with (
        patch.object(pages, "PAGE_EVENTS", 5),
        patch.object(pages, "SCANNED_AT_MOST", 7),
        patch.dict(cast(Any, formats.chunks).__kwdefaults__, at_most=LARGE),
        patch.object(fanout, "WRITES_A_TURN", 1),
        patch.object(hub, "REPLAYS_A_TURN", 2),
        patch.object(main, "SNAPSHOT_PAGE", 2),
        patch.object(connection, "UNSENT_AT_MOST", HELD),
        patch.object(connection, "UNSENT_IN_KERNEL", HELD),
        patch.object(connection, "CLOSE_S", 0.1),
    ):
        yield


shown: list[BaseException] = []


def show_once(error: BaseException) -> None:
    """Print the first failure: one that does not come again hypothesis reports without it."""
    if not shown:
        shown.append(error)
        traceback.print_exception(error)


class Steps:
    """The server, the clients, and the loop that they share with it.

    `do` runs a step to its end. Numbers that name somebody or something count round.
    """

    def __init__(self) -> None:
        self.story: list[str] = []
        self.stack = ExitStack()
        self.stack.enter_context(small())
        folder = self.stack.enter_context(TemporaryDirectory(prefix="livetrail-history-"))
        self.loop = self.stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        self.clients: list[Client] = []
        self.first_asks: dict[int, tuple[list[str], Types, int | None]] = {}  # by client
        self.world = self.do(self.begin, Path(folder))

    async def begin(self, folder: Path) -> World:
        world = World(folder, websocket_compression=True)
        await world.start()
        for person in world.people.values():
            await world.open_batch(person, [1, 2])
        for number, how in enumerate(CAST):
            durable = Name() if how.get("durable") else None
            person, way = PEOPLE[number % 2], how.get("way", "socket")
            client = Client(world, number, person, how["speaks"], way=way, durable=durable)
            self.clients.append(client)
        return world

    def do(self, step: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run one step to its end; what went wrong since the last one is raised here."""
        names = ", ".join(str(value) for value in arguments)
        self.story.append(f"{step.__name__}({names})")

        async def run() -> T:
            found = await step(*arguments)
            if len(self.story) > 1:
                self.world.check()
            return found

        try:
            return self.loop.run(run())
        except BaseException as error:
            error.add_note("what happened:\n  " + "\n  ".join(self.story))
            for client in self.clients:
                error.add_note(f"{client.name} heard, in the end: {' | '.join(client.recent)}")
            show_once(error)
            raise

    def somebody(self, number: int) -> Client | None:
        """Return one of those who are connected."""
        here = [client for client in self.clients if client.here]
        return here[number % len(here)] if here else None

    def rooms_of(self, client: Client) -> list[str]:
        person = self.world.people[client.person]
        jobs = [job for job, owner in self.world.jobs.items() if owner is person]
        own = [f"user:{person.id}", f"batch:{person.batch}", *(f"job:{job}" for job in jobs)]
        return own if client.person != "ann" else [*own, "all"]

    def a_job(self, number: int) -> str:
        jobs = list(self.world.jobs)
        return jobs[number % len(jobs)]

    def a_position(self, back: int | None) -> int | None:
        return None if back is None else max(0, self.world.hub.head - back)

    async def append(self, jobs: list[list[int]], size: int, wait: bool) -> None:
        for numbers in jobs:
            drafts = [self.world.progress(self.a_job(number), size) for number in numbers]
            self.world.append(*drafts)
        if wait:
            await self.world.written()

    async def append_to_all(self, times: int, size: int) -> None:
        for _ in range(times):
            for job in self.world.jobs:
                self.world.append(self.world.progress(job, size))

    async def a_job_comes_or_goes(self, number: int, comes: bool) -> None:
        person = self.world.people[PEOPLE[number % 2]]
        jobs = sum(owner is person for owner in self.world.jobs.values())
        if comes and jobs < 4:
            await self.world.open_batch(person, [jobs + 1])
        else:
            await self.world.written()
            self.world.end_job(self.a_job(number))

    async def the_disk_takes_its_time(self, number: int) -> None:
        await self.world.written()
        async with self.world.disk_held():
            for person in PEOPLE:
                job = self.world.people[person].job(1)
                self.world.append(*[self.world.progress(job)] * (number + 1))
            await self.hear_from_everybody()
        await self.world.written()

    async def hear_from_everybody(self) -> None:
        """Wait for an answer on each connection that is read: it comes behind all before it."""
        asked = [
            (client, visit, visit.say("ping"))
            for client in self.clients
            if (visit := client.socket) and visit.reading and self.is_answered(client)
        ]
        for client, visit, message_id in asked:
            await self.world.until(
                lambda v=visit, m=message_id: v.over or m in v.listener.pongs,
                lambda c=client: f"an answer to {c.name}",
            )

    async def come(
        self,
        number: int,
        rooms: list[int],
        back: int | None,
        types: Types,
        reading: bool,
    ) -> None:
        client = self.clients[number]
        if client.here:
            return
        known = self.rooms_of(client)
        wanted = list(dict.fromkeys(known[index % len(known)] for index in rooms))
        is_new = not client.rooms
        at = self.a_position(back)
        wanted, types, at = self.first_asks.get(CAST[number].get("like", -1), (wanted, types, at))
        if is_new:
            self.first_asks[number] = wanted, types, at
        if is_new and client.way == "stream":
            client.rooms = {room: Followed(types, at) for room in wanted}
            client.place = None if back is None or back % 5 else "another:3"
        if is_new and client.way == "poll":
            client.rooms = {wanted[0]: Followed(types, self.a_position(back or 0))}
        await client.come()
        assert client.visit is not None
        if not reading:
            client.visit.stall()
        if is_new and client.way == "socket":
            for room in wanted:
                client.follow(room, types, after="acked" if client.durable else at)

    async def follow(
        self, number: int, room: int, back: int | None, types: Types, how: str
    ) -> None:
        client = self.somebody(number)
        if client is None or client.socket is None:
            return
        known = self.rooms_of(client)
        wanted = known[room % len(known)]
        if self.is_asked_for(client, wanted):
            return
        after: int | str | None = self.a_position(back)
        if client.durable:
            how, after = "", "acked"
        if how == "future":
            after = self.world.trail.head + 1_000_000
        client.follow(
            wanted,
            types,
            after=after,
            snapshot=how == "snapshot",
            foreign=how == "foreign",
        )

    def is_asked_for(self, client: Client, room: str) -> bool:
        """Tell whether the client waits for the answer about this room."""
        assert client.visit is not None
        listener = client.visit.listener
        return room in {*listener.leaving.values(), *(ask.room for ask in listener.asks.values())}

    def is_answered(self, client: Client) -> bool:
        assert client.visit is not None
        listener = client.visit.listener
        return not listener.asks and not listener.leaving

    async def leave_a_room(self, number: int, room: int) -> None:
        client = self.somebody(number)
        if client is None or client.socket is None or len(client.rooms) < 2:
            return
        unwanted = sorted(client.rooms)[room % len(client.rooms)]
        if not self.is_asked_for(client, unwanted):
            client.leave(unwanted)

    async def stall(self, number: int, times: int) -> None:
        client = self.somebody(number)
        if client is not None and client.visit is not None:
            client.visit.stall()
            await self.append_to_all(times, LARGE)

    async def read_on(self, number: int) -> None:
        client = self.somebody(number)
        if client is not None and client.visit is not None:
            client.visit.read_on()

    async def acknowledge(self, number: int, back: int, late: bool) -> None:
        """back: an earlier place. late: of all that came since nothing was read, nor ever will."""
        durable = [client for client in self.clients if client.durable]
        client = durable[number % len(durable)]
        if late and client.here is not None:
            client.here.stall()
            await self.append_to_all(1, 0)
            await self.world.written()
        client.acknowledge(back)
        if late and client.here is not None:
            await self.some_time_passes(20)
            client.drop()

    async def drop(self, number: int, back: bool) -> None:
        client = self.somebody(number)
        if client is not None:
            client.drop()
            if back:
                await client.come()

    async def some_time_passes(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        if not turns:
            now_s = self.world.hub.clock() + 1000.0
            self.world.hub.keeper.sweep(now_s, 1_790_000_000_000, judge=False)

    async def prune(self, ends: set[int]) -> None:
        for job in sorted({self.a_job(number) for number in ends} - self.world.ended):
            self.world.end_job(job)
        await self.world.prune()

    async def restart(self, gently: bool, back: bool) -> None:
        here = [client for client in self.clients if client.here]
        # Who is still owed something may be cut off before the goodbye, which comes behind it.
        quiet = [
            visit
            for client in here
            if (visit := client.here) and visit.reading and visit.listener.is_settled()
        ]
        await self.world.stop(gently=gently)
        for visit in quiet if gently else ():
            who = visit.listener.who
            await self.world.until(lambda v=visit: v.over, lambda w=who: f"the end of {w}")
            due = None if isinstance(visit, PollVisit) else 1012
            assert visit.end_code == due, f"{who} was left with {visit.end_code}"
        for client in here:
            client.drop()
        await self.world.start()
        for client in here if back else ():
            await client.come()

    async def settle(self) -> None:
        await self.world.written()
        here = [client for client in self.clients if client.here]
        for client in here:
            visit = client.visit
            assert visit is not None
            if visit.reading:
                await self.world.until(
                    lambda v=visit: v.over or v.listener.is_settled(),
                    lambda v=visit: f"{v.listener.lacks()}; {self.on_our_side(v.listener)}",
                )
                assert not visit.over, f"{client.name} was put out: {visit.end_code}"
                assert not visit.listener.errors, visit.listener.errors
                client.has_no_hole()
        await self.hear_from_everybody()  # and nothing that was not asked for comes behind
        listening = sum(client.way != "poll" for client in here)
        await self.world.until_server(
            lambda: len(self.world.hub.sessions) == listening, lambda: "the end of those who left"
        )

    async def everybody_is_content(self) -> None:
        """In the end all read on, and who was away comes back: nobody has missed anything."""
        for client in self.clients:
            if client.here:
                assert client.visit is not None
                client.visit.read_on()
            elif client.rooms:
                await client.come()
        await self.settle()
        for client in self.clients:
            client.drop()

    def on_our_side(self, listener: Listener) -> str:
        """Say how the server sees a connection."""
        name = listener.welcome and listener.welcome.get("client_id")
        for session in self.world.hub.sessions:
            if session.client_id == name:
                held = session.transport.get_write_buffer_size()
                paused = "full" if session.line.writing_paused else "open"
                where = "catches up" if session.catching_up else "live" if session.audience else "?"
                return f"its session {where} at {session.told_upto}, is {paused} and holds {held}"
        return "the server has no session of it"

    def look_at_what_is_held(self) -> None:
        for session in self.world.hub.sessions:
            held = session.transport.get_write_buffer_size()
            assert held <= HELD + AT_ONCE, f"{held} bytes for {session.client_id}"

    def close(self) -> None:
        try:
            self.do(self.world.close)
        finally:
            self.stack.close()
