"""Hand-overs that chance finds seldom, played on the stage of the property test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.core.rooms import Room
from app.store.retention import Pruned, Slice
from tests.unit.hub_machine import Listening, a_stage
from tests.unit.listeners import JOBS, ROOMS, TYPES


def test_a_page_that_did_not_fit_is_gone_on_with_where_it_stopped() -> None:
    with a_stage() as stage:
        stage.commit(jobs=[JOBS[0]] * 4, size=40_000)
        stage.tell()
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.stop_reading(number=0)
        stage.turn()
        stage.let_the_last_read_end()
        stage.turn_the_loop(turns=5)
        assert stage.connections[0].transport.writing_paused
        stage.settle()
        assert stage.connections[0].seqs == [1, 2, 3, 4]


def test_what_a_snapshot_holds_is_not_told_again_though_it_was_not_told_yet() -> None:
    with a_stage() as stage:
        stage.connect(number=0, rooms=ROOMS[-1:], back=0, types=[TYPES[2]])
        stage.follow_from_a_snapshot(number=0, room=ROOMS[0])
        stage.commit(jobs=[JOBS[0]], size=10)
        stage.turn()
        stage.let_the_last_read_end()  # the snapshot sees what is committed
        stage.turn_the_loop(turns=5)
        stage.settle()
        assert stage.connections[0].seqs == []


def test_a_page_that_was_asked_for_before_a_room_was_left_is_dropped() -> None:
    with a_stage() as stage:
        stage.commit(jobs=[JOBS[0], JOBS[4]], size=10)
        stage.tell()
        stage.connect(number=0, rooms=ROOMS[:2], back=30, types=None)
        stage.turn()
        assert stage.reads, "the page is being read"
        connection = stage.connections[0]
        del connection.wishes[ROOMS[0]], connection.client.wishes[ROOMS[0]]
        stage.do(lambda: connection.session.unfollow(ROOMS[0]))
        stage.settle()
        assert connection.seqs == [2]


@pytest.mark.parametrize("again", [False, True], ids=["left", "begun again from here"])
def test_what_a_room_told_is_not_told_again_for_another_that_was_behind_it(again: bool) -> None:
    with a_stage() as stage:
        stage.commit(jobs=[JOBS[0]] * 12, size=10)
        stage.tell()
        user, job = Room("user", JOBS[0][2]), Room("job", JOBS[0][0])
        stage.connect(number=0, rooms=[user], back=30, types=None)
        stage.settle()
        connection = stage.connections[0]
        stage.follow_one_more(number=0, room=job, back=30)
        if again:
            stage.do(lambda: connection.ask(user))
        else:
            connection.live.discard(str(user))
            del connection.wishes[user], connection.client.wishes[user]
            stage.do(lambda: connection.session.unfollow(user))
        stage.settle()
        assert connection.seqs == list(range(1, 13))


@contextmanager
def a_crowd() -> Iterator[Listening]:
    """Three who are live in the same room; one write is a turn's worth."""
    with a_stage() as stage:
        for number in range(3):
            stage.connect(number=number, rooms=ROOMS[:1], back=0, types=None)
        yield stage


def test_who_leaves_a_crowd_that_is_half_told_gets_what_it_is_owed_first() -> None:
    with a_crowd() as stage:
        stage.commit(jobs=[JOBS[0]], size=10)
        connection = stage.connections.pop(2)

        def told_then_leaving() -> list[int]:
            stage.hub.publish(stage.commits.pop())
            connection.session.unfollow(ROOMS[0])
            return list(connection.seqs)

        assert stage.do(told_then_leaving) == [1]
        stage.gone.append(connection.session)


def test_a_crowd_that_is_half_told_is_told_whole_before_the_next_commit() -> None:
    with a_crowd() as stage:
        for _ in range(2):
            stage.commit(jobs=[JOBS[0]], size=10)
        full = stage.connections[2].transport

        def two_commits() -> None:
            stage.hub.publish(stage.commits.pop(0))
            full.reading, full.writing_paused = False, True
            stage.hub.publish(stage.commits.pop(0))

        stage.do(two_commits)
        stage.settle()
        assert [stage.connections[number].seqs for number in range(3)] == [[1, 2]] * 3


def test_who_asks_for_more_than_fits_is_still_told_what_it_is_owed() -> None:
    with a_crowd() as stage:
        stage.commit(jobs=[JOBS[0]], size=10)
        connection = stage.connections[2]

        def told_then_full_then_asking() -> None:
            stage.hub.publish(stage.commits.pop())
            connection.transport.reading, connection.transport.writing_paused = False, True
            connection.session.unfollow(ROOMS[1])

        stage.do(told_then_full_then_asking)
        stage.settle()
        assert connection.seqs == [1]


def test_a_large_commit_that_does_not_fit_is_gone_on_with_where_it_stopped() -> None:
    with a_crowd() as stage:
        stage.stop_reading(number=1)
        stage.commit(jobs=[JOBS[0]] * 4, size=40_000)
        stage.tell()
        stage.turn_the_loop(turns=3)
        assert stage.connections[1].transport.writing_paused
        stage.settle()
        assert [stage.connections[number].seqs for number in range(3)] == [[1, 2, 3, 4]] * 3


def test_a_room_may_be_left_while_its_replay_waits_for_a_turn() -> None:
    with a_stage() as stage:
        stage.commit(jobs=[JOBS[0]], size=10)
        stage.tell()
        for number in range(2):
            stage.connect(number=number, rooms=ROOMS[:1], back=30, types=None)
        stage.turn()
        assert len(stage.reads) == 1, "one reads, and the other waits"
        waiting = stage.connections.pop(1)
        stage.do(lambda: waiting.session.unfollow(ROOMS[0]))
        stage.settle()
        stage.turn_the_loop(turns=5)
        assert waiting.seqs == []
        assert not waiting.session.catching_up
        stage.gone.append(waiting.session)


def test_a_room_that_is_followed_later_and_from_further_back_brings_what_was_not_told() -> None:
    with a_stage() as stage:
        stage.commit(jobs=JOBS[:1], size=10)
        stage.tell()
        for number in range(3):
            stage.connect(number=number, rooms=ROOMS[:1], back=0, types=None)
        stage.commit(jobs=JOBS[:1], size=10)
        connection = stage.connections[2]

        def told_and_asking() -> None:
            stage.hub.publish(stage.commits.pop())
            connection.ask(Room("job", JOBS[0][0]), after=0)  # its answer comes behind what is owed

        stage.do(told_and_asking)
        stage.commit(jobs=JOBS[:1], size=10)
        stage.settle()
        assert connection.seqs == [2, 1, 3]


# The log is pruned while somebody reads it


@contextmanager
def who_comes_from_before() -> Iterator[Listening]:
    """All but the first of four jobs were pruned, up to 2, 3 and 4. States are being read."""
    with a_stage() as stage:
        stage.commit(jobs=JOBS[:4], size=10)
        stage.tell()
        pruned(stage, *JOBS[1:4])
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.turn()
        stage.let_the_last_read_end()  # of the floor
        stage.turn_the_loop(turns=3)
        yield stage


def pruned(stage: Listening, *jobs: tuple[str, str, str]) -> None:
    stage.prune(jobs=list(jobs))
    while stage.pruning is not None:
        stage.let_the_prune_go_on()


def states(stage: Listening) -> dict[str, int]:
    return stage.connections[0].client.states


def test_a_job_that_goes_while_others_are_told_is_told_too() -> None:
    with who_comes_from_before() as stage:
        stage.prune(jobs=JOBS[:1])  # waits for the read that is under way
        stage.let_the_last_read_end()
        stage.turn_the_loop(turns=3)
        assert states(stage) == {JOBS[1][0]: 2, JOBS[2][0]: 3}
        while stage.pruning is not None:  # the next read waits for this in its turn
            stage.let_the_prune_go_on()
        stage.settle()
        assert states(stage) == {job[0]: place for place, job in enumerate(JOBS[:4], 1)}
        assert stage.connections[0].seqs == []


def test_a_job_that_goes_just_after_the_last_look_is_told_too() -> None:
    with a_stage() as stage:
        stage.commit(jobs=[JOBS[0], (None, *JOBS[0][1:]), JOBS[2]], size=10)
        stage.tell()
        pruned(stage, JOBS[0])  # and its batch, up to 2
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.turn()
        for _ in range(2):  # the floor, and the one state
            stage.let_the_last_read_end()
            stage.turn_the_loop(turns=3)
        stage.reads.pop().set_result(None)  # it finds nothing more, and will say so
        stage.turn()
        stage.prune(jobs=[JOBS[2]])
        for _ in range(3):
            stage.let_the_prune_go_on()
        stage.settle()
        assert states(stage).get(JOBS[2][0], 0) == 3 or stage.connections[0].seqs == [3]


def test_what_a_batch_says_of_itself_and_goes_while_states_are_told_is_told_as_gone() -> None:
    with a_stage() as stage:
        batch = (None, *JOBS[0][1:])
        stage.commit(jobs=[JOBS[0], batch], size=10)
        stage.tell()
        pruned(stage, JOBS[0])  # and its batch, up to 2
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.turn()
        stage.let_the_last_read_end()  # of the floor
        stage.turn_the_loop(turns=3)
        stage.commit(jobs=[batch], size=10)
        stage.tell()
        stage.prune(jobs=JOBS[:1])  # waits for the read that is under way, and the next for it
        stage.let_the_last_read_end()
        stage.settle()
        assert stage.connections[0].lost == {str(ROOMS[0]): 3}


def test_a_state_that_holds_what_is_not_told_yet_waits_for_that() -> None:
    with a_stage() as stage:
        stage.commit(jobs=JOBS[:1], size=10)
        stage.tell()
        pruned(stage, JOBS[0])
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.turn()
        stage.let_the_last_read_end()  # of the floor
        stage.turn_the_loop(turns=3)
        stage.commit(jobs=JOBS[:1], size=10)  # somebody retries it
        stage.let_the_last_read_end()
        stage.turn_the_loop(turns=5)
        assert states(stage) == {}
        stage.settle()
        assert states(stage) == {JOBS[0][0]: 2}
        assert stage.connections[0].seqs == []


def test_pages_in_memory_do_not_outlive_what_was_pruned() -> None:
    with a_stage() as stage:
        stage.commit(jobs=JOBS[:1], size=10)
        stage.tell()
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=None)
        stage.settle()
        pruned(stage, JOBS[0])
        stage.connect(number=1, rooms=ROOMS[:1], back=30, types=None)
        stage.settle()
        assert stage.connections[0].seqs == [1]
        assert stage.connections[1].seqs == []
        assert stage.connections[1].client.states == {JOBS[0][0]: 1}


def test_who_asks_for_rare_types_only_is_told_too_and_gets_to_the_head() -> None:
    with a_stage() as stage:
        for _ in range(10):
            stage.commit(jobs=JOBS[:2], size=10)
            stage.tell()
        pruned(stage, JOBS[0])
        stage.connect(number=0, rooms=ROOMS[:1], back=30, types=["job_undone"])
        stage.settle()
        assert stage.connections[0].seqs == []
        assert states(stage) == {JOBS[0][0]: 19}
        assert stage.connections[0].session.told_upto == 20


def test_who_fell_behind_and_was_overtaken_by_a_prune_is_told_so_when_it_reads_again() -> None:
    with a_crowd() as stage:
        stage.stop_reading(number=1)
        for _ in range(2):
            stage.commit(jobs=[JOBS[0]] * 2, size=200)
            stage.tell()
        stage.turn_the_loop(turns=3)
        pruned(stage, JOBS[0])
        stage.settle()
        assert [stage.connections[number].seqs for number in (0, 2)] == [[1, 2, 3, 4]] * 2
        late = stage.connections[1]
        assert late.lost == {str(ROOMS[0]): 4}
        assert late.client.states == {JOBS[0][0]: 4}


def test_who_is_owed_what_is_pruned_and_can_not_take_it_is_told_by_its_state() -> None:
    with a_crowd() as stage:
        stage.commit(jobs=[JOBS[0]], size=10)
        full = stage.connections[2].transport

        async def remove(head: int) -> Slice:
            seq = stage.remove(JOBS[0][0], JOBS[0][0], head)
            return Slice([Pruned(*JOBS[0], seq)], 1, None)

        def told_and_pruned_at_once() -> None:
            stage.hub.publish(stage.commits.pop())
            full.reading, full.writing_paused = False, True
            stage.pruning = stage.loop.create_task(stage.hub.prune(remove))

        stage.do(told_and_pruned_at_once)
        stage.settle()
        assert [stage.connections[number].seqs for number in range(3)] == [[1], [1], []]
        assert stage.connections[2].client.states == {JOBS[0][0]: 1}
