"""UUIDv7: sortable by time, and nothing else passes for an id."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import is_uuid, lowest_uuid7, uuid7

MS = st.integers(0, 2**48 - 1)
CHANCE = st.binary(min_size=10, max_size=10)


@given(MS, CHANCE)
def test_an_id_is_a_version_seven_uuid(now_ms: int, chance: bytes) -> None:
    made = uuid.UUID(uuid7(now_ms, chance))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


@given(MS, CHANCE, MS, CHANCE)
def test_ids_sort_by_time(one: int, chance: bytes, two: int, other: bytes) -> None:
    if one != two:
        assert (one < two) == (uuid7(one, chance) < uuid7(two, other))


@given(MS, MS, CHANCE)
def test_ids_of_a_time_and_later_are_told_from_earlier_ones(
    at: int, made: int, chance: bytes
) -> None:
    assert (lowest_uuid7(at) < uuid7(made, chance)) == (at <= made)


@given(st.text())
def test_only_canonical_uuids_pass(text: str) -> None:
    assert not is_uuid(text) or str(uuid.UUID(text)) == text


def test_a_path_is_not_an_id() -> None:
    assert not is_uuid("../../etc/passwd")
