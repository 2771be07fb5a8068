"""What can not be told one by one is told as a number, and nothing is left out of it."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.addresses import source_of
from app.core.restraint import KEYS_AT_MOST, MINUTE_MS, Restraint


def test_the_first_few_of_a_key_are_told_and_the_rest_is_a_number() -> None:
    restraint: Restraint[int] = Restraint(2)
    assert [restraint.admit("a", "crowd", n, n) for n in range(5)] == [True, True] + [False] * 3
    assert restraint.admit("b", "crowd", 9, 9)
    assert restraint.holds_back
    assert restraint.sums(MINUTE_MS - 1) == []
    assert restraint.sums(MINUTE_MS) == [(4, 3, False)]
    assert not restraint.holds_back
    assert restraint.admit("a", "crowd", 5, MINUTE_MS)


def test_the_minute_begins_with_the_first_that_is_counted() -> None:
    restraint: Restraint[int] = Restraint(1)
    restraint.admit("a", "crowd", 1, 500_000)
    restraint.admit("a", "crowd", 2, 500_001)
    assert restraint.sums(500_000 + MINUTE_MS - 1) == []
    assert restraint.sums(500_000 + MINUTE_MS) == [(2, 1, False)]


def test_the_end_does_not_wait_for_the_minute() -> None:
    restraint: Restraint[int] = Restraint(1)
    restraint.admit("a", "crowd", 1, 0)
    restraint.admit("a", "crowd", 2, 0)
    assert restraint.sums(0, early=True) == [(2, 1, False)]


def test_more_keys_than_can_be_told_apart_are_one_crowd() -> None:
    restraint: Restraint[int] = Restraint(1)
    for n in range(KEYS_AT_MOST + 100):
        restraint.admit(n, "crowd", n, 0)
    assert restraint.sums(MINUTE_MS) == [(KEYS_AT_MOST + 99, 100, True)]


@given(st.lists(st.integers(0, 2 * KEYS_AT_MOST), max_size=2000), st.integers(1, 5))
def test_everything_is_either_told_or_counted(keys: list[int], at_most: int) -> None:
    restraint: Restraint[int] = Restraint(at_most)
    told = sum(restraint.admit(key, "crowd", key, 0) for key in keys)
    assert told + sum(times for _, times, _ in restraint.sums(MINUTE_MS)) == len(keys)
    assert told <= at_most * KEYS_AT_MOST


def test_an_ipv6_network_is_one_source() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert source_of("2001:db8:0:1::1") != source_of("2001:db8::1")
    assert source_of("fe80::1%eth0") == "fe80::/64"
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1") == "192.0.2.1"
    assert source_of("") == ""
    assert source_of("not: an address") == "not: an address"
