"""One stored line of every event type, for ever: old logs must always be readable."""

from pathlib import Path

import orjson
import pytest

from app.core.events import EVENT_TYPES, parse_event

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_a_stored_line_of_every_type_still_parses(kind: str) -> None:
    body = (GOLDEN / f"{kind}.json").read_bytes().strip()
    event = parse_event(body)
    assert event.type == kind
    stored = orjson.loads(body)
    assert {key: event.fields()[key] for key in stored if key in event.fields()} == stored


def test_a_field_from_a_later_version_is_ignored() -> None:
    body = orjson.loads((GOLDEN / "step_started.json").read_bytes())
    assert parse_event(orjson.dumps({**body, "from_the_future": 1})).type == "step_started"
