"""Statistics over the API and on their page: one's own, everybody's for operators alone."""

from typing import Any

import aiohttp
import pytest

from app.web import stats
from tests.integration.serving import ended, upload

CSV = b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n"


async def told(client: aiohttp.ClientSession, **query: str) -> dict[str, Any]:
    async with client.get("/api/v1/stats", params=query) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def test_ones_own_files_are_counted_and_no_others(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    await ended(bob, await upload(bob, ("tea.csv", CSV), ("bad.csv", b"\0\1" * 99)))
    assert (await told(ann))["jobs"] == 0
    own = await told(bob)
    assert (own["jobs"], own["completion_rate"], own["is_whole"]) == (2, 0.5, True)
    assert own["errors"][0]["jobs"] == 1
    assert {stage["stage"] for stage in own["stages"]} >= {"validation", "database"}
    assert (await told(ann, owner="all"))["jobs"] == 2
    async with bob.get("/api/v1/stats?owner=all") as answer:
        assert answer.status == 403
    async with bob.get("/statistics") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "50.0%" in page
    assert own["errors"][0]["code"].replace("_", " ") in page
    async with ann.get("/statistics?days=7&owner=all") as answer:
        assert "50.0%" in await answer.text()


async def test_what_is_older_is_left_out_and_too_much_is_said(
    bob: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(bob, await upload(bob, ("tea.csv", CSV), ("milk.csv", CSV + CSV)))
    monkeypatch.setattr(stats, "AT_ONCE", 1)
    assert (await told(bob))["jobs"] == 2
    monkeypatch.setattr(stats, "AT_MOST", 1)
    found = await told(bob)
    assert (found["jobs"], found["is_whole"]) == (1, False)
    monkeypatch.setattr(stats, "now_ms", lambda: 4_000_000_000_000)
    assert (await told(bob))["jobs"] == 0
    async with bob.get("/api/v1/stats?days=0") as answer:
        assert answer.status == 400
