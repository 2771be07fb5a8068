"""A job whose work is done elsewhere, on its page and in the list, while it is reported."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
STAGES = [{"key": "load", "label": "Loading"}, {"key": "train", "label": "Training"}]


async def post(visitor: Any, path: str, body: Any) -> dict[str, Any]:
    async with visitor.client() as client, client.post(f"/api/v1/{path}", json=body) as answer:
        assert answer.status < 300, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def test_a_reported_job_moves_through_its_own_stages_on_the_page(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    job_id = (await post(visitor, "jobs", {"name": "nightly.run", "plan": STAGES}))["job_id"]
    await visitor.open(f"/jobs/{job_id}")
    await visitor.live()
    page = visitor.page
    await expect(page.locator("#stages li b")).to_have_text(["Loading", "Training"])
    await expect(page.get_by_role("link", name="Original")).to_have_count(0)
    step = {"type": "processing_progress", "step": "warming_up", "progress": 75}
    await post(visitor, f"jobs/{job_id}/events", step)
    await expect(page.locator("#stages li[aria-current=step] b")).to_have_text("Training")
    await expect(page.locator("#head [data-part=percent]")).to_have_text("75%")
    await expect(page.locator("#head [data-part=message]")).to_have_text("Working on warming up...")
    await expect(page.locator("#tabs a")).to_have_count(1)
    await expect(page.locator("#raw")).to_contain_text("processing_progress")
    await page.locator("#tabs a").click()
    await expect(page).to_have_url(re.compile("#tab=events$"))
    result = {"summary": "12 shards", "shards": 12, "is_new": True}
    await post(visitor, f"jobs/{job_id}/events", {"type": "processing_completed", "result": result})
    await expect(page.locator("#head")).to_have_attribute("data-s", "done")
    await expect(page.locator("#facts")).to_have_text("Shards12Is newyes")
    await page.reload()
    await expect(page.locator("#facts")).to_have_text("Shards12Is newyes")


async def test_a_worker_is_paused_and_asks_on_the_page_like_any_other(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    job_id = (await post(visitor, "jobs", {"name": "asking.run"}))["job_id"]
    await visitor.open()
    await visitor.live()
    await post(visitor, f"jobs/{job_id}/events", {"type": "processing_progress", "progress": 10})
    row = visitor.file("asking.run")
    await expect(row).to_have_attribute("data-s", "run")
    choices = [{"value": "a", "label": "This way"}, {"value": "b", "label": "That way"}]
    asked = {"type": "clarification_requested", "question": "Which way?", "choices": choices}
    await post(visitor, f"jobs/{job_id}/events", asked)
    card = row.get_by_role("group", name="Which way?")
    await card.get_by_label("That way").check()
    await row.get_by_role("button", name="Answer").click()
    await expect(row).to_have_attribute("data-s", "run")
    await visitor.open(f"/jobs/{job_id}")
    await visitor.live()
    await visitor.page.get_by_role("button", name="Pause").click()
    await expect(visitor.page.locator("#head")).to_have_attribute("data-s", "pause")
    await visitor.page.get_by_role("button", name="Resume").click()
    await expect(visitor.page.locator("#head")).to_have_attribute("data-s", "run")
