"""What is packed into one write: every message, in order, whole."""

from hypothesis import given
from hypothesis import strategies as st

from app.live.formats import JSON_LINES, JSON_SINGLE, Format, Said, chunks
from tests.unit.listeners import unframed

bodies = st.lists(st.binary(min_size=1, max_size=40).map(lambda b: b.replace(b"\n", b" ")))


@given(bodies, st.sampled_from([JSON_LINES, JSON_SINGLE]), st.integers(1, 100))
def test_chunks_hold_every_event_once_in_order_and_know_how_far_they_reach(
    found: list[bytes], form: Format, at_most: int
) -> None:
    events = [Said(seq, "x", body) for seq, body in enumerate(found, 5)]
    packed = chunks(events, form, at_most=at_most)
    payloads = [payload for chunk in packed for _, payload in unframed(chunk.data)]
    if form is JSON_SINGLE:
        assert payloads == found
    else:
        assert [body for payload in payloads for body in payload.split(b"\n")] == found
        assert len(payloads) == len(packed)
    reached = 4
    for chunk in packed:
        reached += chunk.events
        assert chunk.seq == reached
        assert len(chunk.data) <= at_most + 10 * chunk.events or chunk.events == 1
    assert reached == 4 + len(found)
