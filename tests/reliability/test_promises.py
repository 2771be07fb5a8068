"""Every promise to whoever listens, under random histories of a real server.

Hypothesis draws the history: who comes, follows, stalls, is cut off and comes back, what is
written, when the server restarts. The server is whole, its log a real file, its connections real
sockets with clients that share no code with it; only the pages are small, so that there are many
hand-overs. Time is as it is, so nothing sleeps: each wait is for something that must come, and
says what is missing when it does not. A history that fails is made as short as it can be.

LIVETRAIL_HISTORIES=5000 runs that many; --hypothesis-seed=1 runs the same ones again.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.reliability.steps import CAST, LARGE, Steps, Types

HISTORIES = int(os.environ.get("LIVETRAIL_HISTORIES", "80"))
STEPS = 40
pytestmark = pytest.mark.timeout(600 + 5 * HISTORIES)  # one that fails is made short

NUMBER = st.integers(0, len(CAST) - 1)
ROOMS = st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True)
BACK = st.none() | st.integers(0, 30)
TYPES = (None, None, None, ("processing_progress",), ("job_created", "processing_completed"))


class Histories(RuleBasedStateMachine):
    """Which steps there are to draw from, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps()

    @initialize(
        first=st.lists(
            st.tuples(NUMBER, ROOMS, BACK, st.sampled_from(TYPES)), min_size=3, max_size=8
        )
    )
    def some_come(self, first: list[tuple[int, list[int], int | None, Types]]) -> None:
        for number, rooms, back, types in first:
            self.steps.do(self.steps.come, number, rooms, back, types, True)

    @rule(
        jobs=st.lists(st.lists(NUMBER, min_size=1, max_size=6), min_size=1, max_size=4),
        size=st.sampled_from([0, 300, LARGE]),
        wait=st.booleans(),
    )
    def append(self, jobs: list[list[int]], size: int, wait: bool) -> None:
        """Several callers append at once, each some events; whether they share a commit is luck."""
        self.steps.do(self.steps.append, jobs, size, wait)

    @rule(times=st.integers(1, 3), size=st.sampled_from([0, LARGE]))
    def append_to_all(self, times: int, size: int) -> None:
        """Every job gets on; with large events, ways fill whose ends do not read."""
        self.steps.do(self.steps.append_to_all, times, size)

    @rule(number=NUMBER, comes=st.booleans())
    def a_job_comes_or_goes(self, number: int, comes: bool) -> None:
        self.steps.do(self.steps.a_job_comes_or_goes, number, comes)

    @rule(number=NUMBER)
    def the_disk_takes_its_time(self, number: int) -> None:
        """While nothing can be committed, nothing is shown; the listeners notice if it is."""
        self.steps.do(self.steps.the_disk_takes_its_time, number)

    @rule(
        number=NUMBER,
        rooms=ROOMS,
        back=BACK,
        types=st.sampled_from(TYPES),
        reading=st.sampled_from([True, True, True, False]),
    )
    def come(
        self,
        number: int,
        rooms: list[int],
        back: int | None,
        types: Types,
        reading: bool,
    ) -> None:
        """A client comes for the first time, or comes back with the positions it has."""
        self.steps.do(self.steps.come, number, rooms, back, types, reading)

    @rule(
        number=NUMBER,
        room=st.integers(0, 6),
        back=BACK,
        types=st.sampled_from(TYPES),
        how=st.sampled_from(["", "", "", "snapshot", "foreign", "future"]),
    )
    def follow(self, number: int, room: int, back: int | None, types: Types, how: str) -> None:
        """Somebody follows one more room, or begins one again from elsewhere."""
        self.steps.do(self.steps.follow, number, room, back, types, how)

    @rule(number=NUMBER, left=st.integers(0, 6), wanted=st.integers(0, 6), back=BACK)
    def change_rooms(self, number: int, left: int, wanted: int, back: int | None) -> None:
        """As a page does that turns from one thing to another, in one breath."""
        self.steps.do(self.steps.follow, number, wanted, back, None, "")
        self.steps.do(self.steps.leave_a_room, number, left)

    @rule(number=NUMBER, room=st.integers(0, 6))
    def leave_a_room(self, number: int, room: int) -> None:
        self.steps.do(self.steps.leave_a_room, number, room)

    @rule(number=NUMBER, times=st.integers(0, 3))
    def stall(self, number: int, times: int) -> None:
        self.steps.do(self.steps.stall, number, times)

    @rule(number=NUMBER)
    def read_on(self, number: int) -> None:
        self.steps.do(self.steps.read_on, number)

    @rule(number=NUMBER, back=st.sampled_from([0, 0, 0, 5]), late=st.booleans())
    def acknowledge(self, number: int, back: int, late: bool) -> None:
        self.steps.do(self.steps.acknowledge, number, back, late)

    @rule(number=NUMBER, back=st.booleans())
    def drop(self, number: int, back: bool) -> None:
        """The network goes, and perhaps the client is back before the server noticed."""
        self.steps.do(self.steps.drop, number, back)

    @rule(turns=st.integers(0, 20))
    def some_time_passes(self, turns: int) -> None:
        """A little; or, as far as the server can tell, so much that all need a sign of life."""
        self.steps.do(self.steps.some_time_passes, turns)

    @rule(ends=st.sets(NUMBER, max_size=3))
    def prune(self, ends: set[int]) -> None:
        """Some jobs end; what ended leaves the log, while others may be reading it."""
        self.steps.do(self.steps.prune, ends)

    @rule(gently=st.booleans(), back=st.booleans())
    def restart(self, gently: bool, back: bool) -> None:
        self.steps.do(self.steps.restart, gently, back)

    @rule(now=st.sampled_from([False, False, False, True]))
    def sooner_or_later(self, now: bool) -> None:
        """Now and then: whoever reads has everything, although others do not read."""
        if now:
            self.steps.do(self.steps.settle)

    @invariant()
    def little_is_held_for_anybody(self) -> None:
        """Nobody slows anybody: who does not read costs a buffer, however much it misses."""
        self.steps.look_at_what_is_held()

    def teardown(self) -> None:
        try:
            self.steps.do(self.steps.everybody_is_content)
        finally:
            self.steps.close()


class TestHistories(Histories.TestCase):  # type: ignore[misc]
    settings = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        report_multiple_bugs=False,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
