"""The page of rules, by forms alone."""

import re

import aiohttp

from tests.integration.serving import ended, followed, upload
from tests.integration.test_account_page import action
from tests.integration.test_pages import page, send, send_and_fail
from tests.integration.test_rules import CSV

HOUSING = {"field": "vendor", "operator": "contains", "value": "Zimmerei", "category": "Housing"}


async def brought(client: aiohttp.ClientSession) -> str:
    """Upload a table; return its job."""
    (state,) = await ended(client, await upload(client, ("a.csv", CSV)))
    return str(state["job_id"])


async def test_a_rule_is_tried_out_made_moved_and_let_go(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    job = await brought(ann)
    query = "&".join(f"{key}={value}" for key, value in HOUSING.items())
    text = await page(ann, f"/rules?{query}&sign=-1")
    assert "It fits 3 rows and would change 3 in 1 file." in text
    assert "No rules yet" in text
    where, text = await send(ann, "/rules", {**HOUSING, "sign": "-1", "apply": "on"})
    assert where == "/rules"
    assert "The rule is made, and 3 rows changed" in text
    assert "Vendor contains Zimmerei, money out" in text
    assert "Your rule" in await page(ann, f"/jobs/{job}")
    _, text = await send(ann, "/rules", {**HOUSING, "value": "<b>Tanne", "sign": "0"})
    assert "&lt;b&gt;Tanne" in text
    moved = re.search(r'action="(/rules/\d+/move)"><button [^>]*aria-label="Up: ', text)
    assert moved
    _, text = await send(ann, moved[1], {"place": "1"})
    assert text.index("Tanne") < text.index("contains Zimmerei, money out")
    assert "No rules yet" in await page(bob, "/rules")
    await send_and_fail(bob, moved[1], {"place": "1"}, 404)
    await send_and_fail(bob, action(text, r"/rules/\d+/remove"), {}, 404)
    for _ in range(2):
        _, text = await send(ann, action(text, r"/rules/\d+/remove"), {})
    assert "No rules yet" in text


async def test_what_is_wrong_with_a_rule_is_said_and_the_form_keeps_what_was_typed(
    ann: aiohttp.ClientSession,
) -> None:
    _, text = await send_and_fail(ann, "/rules", {**HOUSING, "category": " "}, 400)
    assert 'role="alert"' in text
    assert 'value="Zimmerei"' in text
    await page(ann, "/rules?field=colour&value=x", 400)


async def test_vendors_are_made_one_or_kept_apart(ann: aiohttp.ClientSession) -> None:
    await brought(ann)
    text = await page(ann, "/rules")
    assert "97%" in text
    pair = {"vendor": "Zimmerei Tannen", "into": "Zimmerei Tanne"}
    _, text = await send(ann, "/rules/merge", pair)
    assert "Zimmerei Tanne now has 1 row more" in text
    assert "No two names" in text
    await send_and_fail(ann, "/rules/merge", pair, 404)
    where, text = await send(
        ann, "/rules/part", {"vendor": "Zimmerei Tannen", "other": "Zimmerei Tanne"}
    )
    assert where == "/rules"
    assert "No two names" in text


EITHER_WAY = b"Date,Description,Amount\n03/04/2026,Coffee House,-3.50\n05/06/2026,Grocer,-20.10\n"


async def test_what_was_answered_is_listed_and_forgotten(ann: aiohttp.ClientSession) -> None:
    accepted = await upload(ann, ("either.csv", EITHER_WAY))
    await followed(ann, f"batch:{accepted['batch_id']}", "clarification_requested")
    async with ann.get("/api/v1/clarifications") as answer:
        (one,) = (await answer.json())["clarifications"]
    path = f"/clarifications/{one['clarification_id']}/answer"
    await send(ann, path, {"answer": one["choices"][0]["value"]})
    await ended(ann, accepted)
    text = await page(ann, "/rules")
    assert one["choices"][0]["label"] in text
    key = re.search(r'name="key" value="([^"]+)"', text)
    assert key
    where, text = await send(ann, "/rules/forget", {"kind": "profile", "key": key[1]})
    assert where == "/rules"
    assert "Nothing yet." in text
    await send_and_fail(ann, "/rules/forget", {"kind": "profile", "key": key[1]}, 404)
