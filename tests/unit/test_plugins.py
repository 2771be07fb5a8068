"""What plugins add to plans, as data: where it stands, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.core.plans import DOCUMENT, INVOICE, PLANS, TRANSACTIONS
from app.core.plugins import (
    OPEN_STEPS,
    TIED,
    TOO_EARLY,
    Part,
    Plugin,
    all_told_apart,
    with_parts,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


def part(kind: str = "step", name: str = "look", plugin: str = "kit", **more: Any) -> Part:
    about = {"label": "Look", "message": "Looking...", "done": "Looked"}
    if kind == "step":
        more = {"after": "malware_scan", **more}
    return Part.model_validate({"plugin": plugin, "kind": kind, "name": name, **about, **more})


def plugin(name: str, *parts: Part) -> Plugin:
    return Plugin(name=name, source="folder", path=f"/{name}.py", module=name, parts=parts)


def test_a_step_stands_right_behind_the_one_it_names() -> None:
    keys = with_parts(DOCUMENT, [part(after="page_reading")]).step_keys
    assert keys[keys.index("page_reading") + 1] == "kit.look"
    assert with_parts(TRANSACTIONS, [part(after="page_reading")]) is TRANSACTIONS


def test_a_step_is_added_to_the_plans_that_it_names_alone() -> None:
    one = part(after="page_reading", plans=["invoice"])
    assert "kit.look" in with_parts(INVOICE, [one]).step_keys
    assert with_parts(DOCUMENT, [one]) is DOCUMENT


def test_parts_at_one_place_keep_their_order() -> None:
    parts = [part("scanner", "a"), part("scanner", "b"), part(name="c")]
    keys = with_parts(TRANSACTIONS, parts).step_keys
    at = keys.index("malware_scan")
    assert keys[at : at + 4] == ("malware_scan", "kit.a", "kit.b", "kit.c")


def test_a_reader_is_a_step_of_its_own_files_alone() -> None:
    reader = part("reader", endings=["tld"])
    assert with_parts(TRANSACTIONS, [reader]) is TRANSACTIONS
    keys = with_parts(TRANSACTIONS, [reader], read_by="kit.look").step_keys
    assert keys[keys.index("kit.look") + 1] == "field_detection"


@given(st.lists(st.sampled_from(sorted(OPEN_STEPS)), max_size=8), st.sampled_from([*PLANS]))
def test_the_plans_own_steps_keep_their_order_and_progress_only_grows(
    after: list[str], name: str
) -> None:
    parts = [part(name=f"p{number}", after=key) for number, key in enumerate(after)]
    plan = with_parts(PLANS[name], parts)
    assert tuple(key for key in plan.step_keys if "." not in key) == PLANS[name].step_keys
    ends = [plan.progress(key, 1.0) for key in plan.step_keys]
    assert ends == sorted(ends)
    assert ends[-1] == 100.0


@pytest.mark.parametrize("after", [*sorted(TOO_EARLY | TIED), "nonsense", ""])
def test_nothing_comes_before_the_scan_or_between_what_belongs_together(after: str) -> None:
    with pytest.raises(ValidationError, match="after has to be one of"):
        part(after=after)


def test_rows_are_given_to_steps_that_come_after_they_were_read() -> None:
    assert part(after="extracting", rows=True).rows
    with pytest.raises(ValidationError, match="with rows"):
        part(after="malware_scan", rows=True)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("reader", {}),
        ("reader", {"endings": ["no dots."]}),
        ("exporter", {"ending": "note"}),
        ("notifier", {}),
        ("notifier", {"types": ["nonsense"]}),
        ("step", {"plans": ["nonsense"]}),
        ("step", {"label": "x" * 201}),
    ],
)
def test_what_can_not_be_is_refused(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        part(kind, **more)


def test_what_two_plugins_claim_the_first_has() -> None:
    first = plugin("a", part("reader", plugin="a", endings=["tld"]))
    second = plugin("b", part("reader", plugin="b", endings=["tld"]))
    used, not_used, same_name, ours = all_told_apart(
        [
            first,
            second,
            plugin("a", part(plugin="a")),
            plugin("c", part("reader", endings=["csv"])),
        ],
        ["csv"],
    )
    assert used == first
    assert not_used.problem == "files named .tld are read by the plugin a already"
    assert same_name.problem == "another plugin has this name already"
    assert ours.problem == "files named .csv are read by Livetrail itself already"
    assert not_used.parts == same_name.parts == ours.parts == ()


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("{words:word/words} found", "2 words found"),
        ("{missing} found", "? found"),
        ("{words.real}", "{words.real}"),
        ("{", "{"),
        ("{words!r:>2000000000}", "{words!r:>2000000000}"),
        ("{words:{words}}", "{words:2}"),
        ("{lines}", "one two"),
        ("{long}", "x" * 500),
    ],
)
def test_what_a_step_says_in_the_end_is_filled_in_or_left_as_it_is(done: str, said: str) -> None:
    assert part(done=done).said_done({"words": 2, "lines": "one\n two", "long": "x" * 9000}) == said


def test_the_documentation_names_every_step_that_another_can_follow() -> None:
    text = (DOCS / "plugins.md").read_text(encoding="utf-8")
    assert [key for key in OPEN_STEPS if f"`{key}`" not in text] == []
