"""The account page in words."""

from typing import get_args

import pytest

from app.core.permissions import Allowance, Scope
from app.web.accountview import SCOPE_WORDS, allowance_text, browser_name, scopes_for

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME.format("X11; Linux x86_64"), "Chrome on Linux"),
        (CHROME.format("Linux; Android 14") + " Edg/130.0", "Edge on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/17 Safari/605.1", "Safari on a Mac"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X) Safari/604", "Safari on an iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_called_by_its_name(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_a_long_name_is_cut() -> None:
    assert len(browser_name("x" * 500)) == 40


def test_every_scope_has_words_and_members_can_not_give_away_what_they_lack() -> None:
    assert set(SCOPE_WORDS) == set(get_args(Scope))
    assert [scope for scope, _ in scopes_for("operator")] == list(get_args(Scope))
    assert "operate" not in dict(scopes_for("member"))


def test_limits_of_a_token_are_told_where_they_differ() -> None:
    assert allowance_text(Allowance()) == ""
    assert allowance_text(Allowance(50, 1, 4096, 60)) == (
        "50 connections, 1 message a second, 4,096 bytes a message, 60 seconds of silence"
    )
