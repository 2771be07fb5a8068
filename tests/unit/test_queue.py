"""Whose turn it is."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.core.queueing import Waiting, nearness, places
from app.pipeline.queue import Turns


def test_nobody_waits() -> None:
    assert Turns().next({}) is None


def test_users_take_turns() -> None:
    turns = Turns()
    files = {"anna": iter(["a1", "a2", "a3"]), "ben": iter(["b1", "b2", "b3"])}
    first = {user: next(jobs) for user, jobs in files.items()}
    order = []
    for _ in range(4):
        job = turns.next(first)
        assert job is not None
        order.append(job)
        user = "anna" if job.startswith("a") else "ben"
        first[user] = next(files[user])
    assert order == ["a1", "b1", "a2", "b2"]


def test_a_newcomer_is_served_before_those_who_had_their_turn() -> None:
    turns = Turns()
    turns.next({"anna": "a1"})
    turns.next({"anna": "a2"})
    assert turns.next({"anna": "a3", "ben": "b1"}) == "b1"


def test_among_newcomers_whoever_waits_longest_is_first() -> None:
    assert Turns().next({"zoe": "z1", "anna": "a1"}) == "z1"


@given(st.integers(1, 6), st.integers(1, 60))
def test_nobody_gets_two_turns_more_than_another_who_waits(users: int, turns_taken: int) -> None:
    turns = Turns()
    served = Counter(
        turns.next({f"u{n}": f"u{n}" for n in range(users)}) for _ in range(turns_taken)
    )
    counts = [served[f"u{n}"] for n in range(users)]
    assert max(counts) - min(counts) <= 1


# Places


def line_of(**files: int) -> list[Waiting]:
    """The line of people who brought so many files each, of a megabyte."""
    return [
        Waiting(f"{who}{turn}", turn, 1_000_000)
        for who, count in files.items()
        for turn in range(1, count + 1)
    ]


def takes_a_second(jobs: int, size_bytes: int) -> float:
    return jobs * 1000.0


def test_a_place_counts_at_most_as_many_of_each_other_person() -> None:
    found = places(line_of(anna=100, ben=2), free=0, workers=1, left_ms=0, takes_ms=None)
    ahead = {job: place.ahead for job, place in found.items()}
    assert (ahead["ben1"], ahead["ben2"]) == (1, 3)
    assert (ahead["anna1"], ahead["anna2"], ahead["anna3"], ahead["anna100"]) == (1, 3, 4, 101)
    assert {place.starts_in for place in found.values()} == {None}


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 9)), st.randoms())
def test_nobody_waits_for_more_than_was_said(files: dict[str, int], chance: Random) -> None:
    line = line_of(**files)
    said = places(line, free=0, workers=1, left_ms=0, takes_ms=None)
    left = {who: [f"{who}{turn}" for turn in range(1, files[who] + 1)] for who in files}
    turns, order = Turns(), list[str]()
    while any(left.values()):
        waiting = {who: jobs[0] for who, jobs in left.items() if jobs}
        job = turns.next(waiting)
        assert job is not None
        left[job[0]].remove(job)
        order.append(job)
    assert all(said[job].ahead >= before for before, job in enumerate(order))


def test_the_start_counts_what_runs_and_what_goes_before() -> None:
    line = line_of(anna=5)
    found = places(line, free=0, workers=2, left_ms=3000, takes_ms=takes_a_second)
    assert [found[f"anna{n}"].starts_in for n in (1, 2, 5)] == [2, 2, 4]
    free = places(line, free=1, workers=2, left_ms=3000, takes_ms=takes_a_second)
    assert [free[f"anna{n}"].starts_in for n in (1, 2)] == [0, 2]


def test_a_long_way_to_the_front_is_told_a_few_times() -> None:
    assert [nearness(ahead) for ahead in (0, 1, 2, 3, 6, 7, 30, 31)] == [0, 1, 1, 1, 1, 2, 2, 3]
    assert nearness(10_000) < 8
