"""Who may do what to what: the one function, asked about everybody."""

from dataclasses import replace

import pytest

from app.core.permissions import (
    EVERYTHING,
    FOLLOWING,
    SCOPES,
    Action,
    Thing,
    Viewer,
    may,
    may_follow,
    obstacle,
)
from app.core.rooms import Room

HERS = Thing("ann", batch_id="march", job_id="coffee")
BATCH = Thing("ann", batch_id="march")
OTHER = Thing("ann", batch_id="april", job_id="tea")
ANN = Viewer("ann", "ann", "member")
BOB = Viewer("bob", "bob", "member")
OPERATOR = Viewer("olga", "olga", "operator")
JOB_GUEST = Viewer(
    "ann", "ann", "member", "share", FOLLOWING, via="s1", shared=Room("job", "coffee")
)
BATCH_GUEST = replace(JOB_GUEST, shared=Room("batch", "march"))
ACTIONS: tuple[Action, ...] = (*SCOPES, "download", "account")


def token(owner: Viewer, *scopes: Action) -> Viewer:
    return replace(owner, client="token", scopes=frozenset(scopes), via="t1")


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_may_do_anything(action: Action) -> None:
    assert not may(None, action)
    assert not may(None, action, HERS)


@pytest.mark.parametrize(
    ("viewer", "to_hers"),
    [
        (ANN, {"upload", "listen", "read", "control", "download", "account"}),
        (BOB, {"account"}),
        (OPERATOR, {*ACTIONS}),
        (token(ANN, *SCOPES), {"upload", "listen", "read", "control", "download"}),
        (token(OPERATOR, *SCOPES), {*ACTIONS} - {"account"}),
        (token(OPERATOR, "read", "listen"), set()),
        (token(BOB, *SCOPES), set()),
        (JOB_GUEST, {"listen", "read"}),
        (BATCH_GUEST, {"listen", "read"}),
        (replace(BOB, guest=JOB_GUEST), {"listen", "read", "account"}),
    ],
)
def test_what_everybody_may_do_to_anns_job(viewer: Viewer, to_hers: set[Action]) -> None:
    assert {action for action in ACTIONS if may(viewer, action, HERS)} == to_hers


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_is_good_for_its_scopes_alone(scope: Action) -> None:
    allowed = {action for action in ACTIONS if may(token(ANN, scope), action, HERS)}
    assert allowed == {
        "read": {"read", "download"},
        "operate": set(),
    }.get(scope, {scope})


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_missing_is_named(scope: Action) -> None:
    without = token(OPERATOR, *(EVERYTHING - {scope}))
    assert obstacle(without, scope) == f"this needs the scope {scope}"
    assert obstacle(token(OPERATOR, *SCOPES), scope) == ""


def test_a_member_is_no_operator_whatever_the_token_says() -> None:
    assert obstacle(token(ANN, *SCOPES), "operate") == "this is for operators"


def test_an_operators_token_without_that_scope_sees_its_own_only() -> None:
    weak = token(OPERATOR, "read")
    assert may(weak, "read", Thing("olga"))
    assert not may(weak, "read", HERS)


@pytest.mark.parametrize("client", ["token", "ticket", "listen", "share"])
def test_only_a_signed_in_browser_changes_who_comes_in(client: str) -> None:
    assert may(OPERATOR, "account")
    assert not may(replace(OPERATOR, client=client), "account")  # type: ignore[arg-type]


def test_a_share_link_shows_what_was_shared_and_nothing_beside() -> None:
    assert may(BATCH_GUEST, "read", BATCH)
    assert may(BATCH_GUEST, "read", HERS)
    assert not may(JOB_GUEST, "read", BATCH)
    for guest in (JOB_GUEST, BATCH_GUEST):
        assert not may(guest, "read", OTHER)
        assert not may(guest, "read")
        assert not may(guest, "read", Thing("ann"))


def test_a_share_link_reaches_no_further_than_who_made_it() -> None:
    """Somebody shared another's job as an operator, and is one no more."""
    by_operator = replace(JOB_GUEST, user_id="olga", role="operator")
    assert may(by_operator, "read", HERS)
    assert not may(replace(by_operator, role="member"), "read", HERS)


def test_a_guest_who_is_signed_in_keeps_what_is_theirs() -> None:
    bob = replace(BOB, guest=JOB_GUEST)
    assert may(bob, "control", Thing("bob"))
    assert may(bob, "read", HERS)
    assert not may(bob, "read", OTHER)
    assert not may(bob, "download", HERS)


@pytest.mark.parametrize(
    ("viewer", "rooms"),
    [
        (None, set()),
        (ANN, {"job:coffee", "batch:march", "user:ann"}),
        (BOB, set()),
        (OPERATOR, {"job:coffee", "batch:march", "user:ann", "all"}),
        (token(OPERATOR, "listen"), set()),
        (token(OPERATOR, "listen", "operate"), {"job:coffee", "batch:march", "user:ann", "all"}),
        (token(ANN, "read"), set()),
        (JOB_GUEST, {"job:coffee"}),
        (BATCH_GUEST, {"job:coffee", "batch:march"}),
        (replace(BATCH_GUEST, role="operator"), {"job:coffee", "batch:march"}),
    ],
)
def test_which_rooms_everybody_may_follow(viewer: Viewer | None, rooms: set[str]) -> None:
    known = {
        Room("job", "coffee"): HERS,
        Room("batch", "march"): BATCH,
        Room("user", "ann"): Thing("ann"),
        Room("all"): None,
    }
    assert {str(room) for room, thing in known.items() if may_follow(viewer, room, thing)} == rooms


def test_a_room_about_nothing_is_followed_by_nobody() -> None:
    assert not may_follow(OPERATOR, Room("job", "none"), None)
