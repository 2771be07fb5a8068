"""The description of live connections: it is valid, whole, and true of every message."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.core.events import EVENT_TYPES
from app.core.protocol import REQUEST, ClientMessage, ServerMessage
from app.web.asyncapi import describe
from tests.node import CLIENTS, install_packages

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def payload_of(name: str) -> jsonschema_rs.Validator:
    """Return what checks the payload of the message called `name`."""
    document = describe()
    schema = dict(document["components"]["messages"][name]["payload"])
    return jsonschema_rs.validator_for(
        {**schema, "components": {"schemas": document["components"]["schemas"]}}
    )


def test_it_is_an_asyncapi_document() -> None:
    missing = install_packages()
    if missing:
        pytest.skip(missing)
    schema = CLIENTS / "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
    found = jsonschema_rs.validator_for(json.loads(schema.read_text())).iter_errors(describe())
    assert [(error.instance_path, error.message[:200]) for error in found] == []


def test_every_event_every_answer_and_every_wish_is_in_it() -> None:
    messages = describe()["components"]["messages"]
    answers = [str(m.model_fields["type"].default) for m in ServerMessage.__subclasses__()]
    wishes = [
        op
        for message in ClientMessage.__subclasses__()
        for op in get_args(message.model_fields["op"].annotation)
    ]
    heard = "_or_".join(messages).split("_or_")
    assert set(EVENT_TYPES) | set(answers) <= set(messages)
    assert set(wishes) <= set(heard)


def test_a_stream_tells_what_its_page_says_and_no_more() -> None:
    page = (Path(__file__).parents[2] / "docs" / "listening.md").read_text(encoding="utf-8")
    table = page.partition("| besides events there is |")[2].partition("\n\n")[0]
    firsts = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    told = {name for first in firsts for name in re.findall(r"`(\w+)`", first)}
    described = set(describe()["channels"]["stream"]["messages"])
    assert described == told | set(EVENT_TYPES)


def refs(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(refs(value) for value in node.values()))
    return set().union(*(refs(value) for value in node)) if isinstance(node, list) else set()


def test_every_reference_leads_somewhere() -> None:
    document = describe()
    for ref in refs(document):
        place: Any = document
        for part in ref.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_event_as_it_was_ever_sent_is_described(path: Path) -> None:
    event = json.loads(path.read_bytes())
    check = payload_of(event["type"])
    check.validate(event)
    assert not check.is_valid({**event, "message": 7})
    assert not check.is_valid({**event, "seq": "1"})


TEXTS = st.text("ab:é", max_size=90)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.lists(TEXTS, max_size=3))
KEYS = (
    "id", "room", "after", "log", "types", "snapshot", "seq", "job_id", "clarification_id",
    "answer", "use_for_batch", "other",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "id": 1,
    "room": "user:me",
    "after": 0,
    "log": "log",
    "snapshot": True,
    "seq": 3,
    "job_id": "job",
    "clarification_id": "question",
    "answer": 1,
    "use_for_batch": False,
}
OPS = ("subscribe", "unsubscribe", "ack", "ping", "pause", "retry", "answer")


@given(
    op=st.sampled_from(OPS),
    good=st.sets(st.sampled_from(sorted(GOOD))),
    other=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
)
def test_what_is_described_is_what_is_taken(op: str, good: set[str], other: dict[str, Any]) -> None:
    """Only `types` are looked at more closely than a schema can say: each has to exist."""
    wish = {"op": op, **{key: GOOD[key] for key in good}, **other}
    if wish.get("types"):
        wish["types"] = ["job_created"]
    name = next(n for n in describe()["components"]["messages"] if op in n.split("_or_"))
    try:
        REQUEST.validate_json(json.dumps(wish))
        is_taken = True
    except ValidationError:
        is_taken = False
    assert payload_of(name).is_valid(wish) == is_taken
