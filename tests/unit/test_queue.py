"""Whose turn it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

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
