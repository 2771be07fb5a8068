"""Guessing gets slower, and only for the one who guesses."""

import pytest

from app.core.errors import TooManyRequests
from app.web.throttle import BUCKETS_AT_MOST, PER_ADDRESS, PER_NAME, PER_PAIR, WORK, Throttle


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def tries(throttle: Throttle, name: str, address: str, at_most: int = 1000) -> int:
    """Return how many tries are taken before one is refused."""
    for done in range(at_most):
        try:
            throttle.take(name, address)
        except TooManyRequests:
            return done
    return at_most


def test_a_few_tries_are_free() -> None:
    assert tries(Throttle(Clock()), "ann", "a") == PER_PAIR.burst


def test_tries_come_back_with_time() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    tries(throttle, "ann", "a")
    clock.now_s += 2 * PER_PAIR.refill_s
    assert tries(throttle, "ann", "a") == 2


def test_the_wait_that_is_told_is_long_enough() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    tries(throttle, "ann", "a")
    with pytest.raises(TooManyRequests) as refused:
        throttle.take("ann", "a")
    clock.now_s += refused.value.facts["retry_after"]
    throttle.take("ann", "a")


def test_a_guesser_does_not_lock_the_owner_out() -> None:
    throttle = Throttle(Clock())
    tries(throttle, "ann", "guesser")
    throttle.take("ann", "home")


def test_many_names_from_one_address_are_slowed_down() -> None:
    throttle = Throttle(Clock())
    taken = sum(tries(throttle, f"user{number}", "a", 1) for number in range(100))
    assert taken < 100


def test_many_addresses_for_one_name_are_slowed_down() -> None:
    throttle = Throttle(Clock())
    taken = sum(tries(throttle, "ann", f"address{number}", 1) for number in range(200))
    assert taken == PER_NAME.burst


def test_a_right_password_costs_no_try() -> None:
    throttle = Throttle(Clock())
    for _ in range(50):
        throttle.take("ann", "a")
        throttle.forgive("ann", "a")
    assert tries(throttle, "ann", "a") == PER_PAIR.burst


def test_right_passwords_are_work_too_and_only_so_many_are_looked_at() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    done = 0
    with pytest.raises(TooManyRequests):
        while done < 1000:
            throttle.take("bob", "a")
            throttle.forgive("bob", "a")
            done += 1
    assert done == WORK.burst
    throttle.take("ann", "b")  # nobody else has to wait for that
    clock.now_s += WORK.refill_s
    throttle.take("bob", "a")


def test_a_whole_ipv6_network_is_one_guesser() -> None:
    throttle = Throttle(Clock())
    taken = sum(tries(throttle, f"user{n}", f"2001:db8::{n:x}", 1) for n in range(100))
    assert taken == PER_ADDRESS.burst
    throttle.take("ann", "2001:db8:0:1::1")


def test_the_case_of_a_name_makes_no_second_bucket() -> None:
    throttle = Throttle(Clock())
    tries(throttle, "ann", "a")
    assert tries(throttle, " ANN ", "a") == 0


def test_memory_is_bounded() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for number in range(BUCKETS_AT_MOST):
        clock.now_s += 100
        tries(throttle, f"user{number}", f"address{number}", 1)
    assert len(throttle._buckets) <= BUCKETS_AT_MOST
