"""What waits for a person is asked on the page, and goes on with the answer."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.integration.serving import followed, upload
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
EITHER_WAY = b"""Date,Description,Amount
03/04/2026,Coffee House,-3.50
05/06/2026,Grocer,-20.10
07/08/2026,Salary,2000.00
"""


async def test_a_question_is_answered_on_its_card_and_the_file_is_done(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(("either.csv", EITHER_WAY))
    row = visitor.file("either.csv")
    card = row.get_by_role("group", name="Which way round")
    await expect(card).to_be_visible()
    await expect(card).to_contain_text("3 rows can be read either way")
    await expect(visitor.page.locator("#needs")).to_contain_text("1")
    await row.get_by_role("button", name="Answer").click()  # nothing is chosen yet
    await expect(card).to_be_visible()
    await card.get_by_label("month-day-year").check()
    await row.get_by_role("button", name="Answer").click()
    await visitor.done("either.csv")
    await expect(card).to_have_count(0)
    await visitor.open_file("either.csv")
    await expect(visitor.page.locator("#lines")).to_contain_text("2026-03-04")


async def test_keys_choose_and_send_an_answer_on_the_page_of_the_file(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.choose(("keys.csv", EITHER_WAY.replace(b"Salary", b"Wages")))
    await expect(visitor.file("keys.csv")).to_have_attribute("data-s", "ask")
    await visitor.open_file("keys.csv")
    await visitor.live()
    first = visitor.page.locator("form.ask input[type=radio]").first
    await first.focus()
    await visitor.page.keyboard.press("1")
    await expect(first).to_be_checked()
    await visitor.page.keyboard.press("Control+Enter")
    await expect(visitor.page.locator("#head")).to_have_attribute("data-s", "done")
    await expect(visitor.page.locator("form.ask")).to_have_count(0)


async def test_every_file_that_waits_shows_its_question_when_the_page_is_opened(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    names = ("one.csv", "two.csv", "three.csv")
    async with visitor.client() as client:
        files = [(name, EITHER_WAY.replace(b"Salary", name.encode())) for name in names]
        for job in (await upload(client, *files))["jobs"]:
            await followed(client, f"job:{job['job_id']}", "clarification_requested")
    await visitor.open()
    for name in names:
        card = visitor.file(name).get_by_role("group", name="Which way round")
        await expect(card).to_be_visible()


async def test_a_question_is_answered_without_scripts(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, java_script_enabled=False)
    page = visitor.page
    async with visitor.client() as client:
        accepted = await upload(client, ("plain.csv", EITHER_WAY.replace(b"Salary", b"Pay")))
        job_id = accepted["jobs"][0]["job_id"]
        await followed(client, f"job:{job_id}", "clarification_requested")
        await visitor.open(f"/jobs/{job_id}")
        await page.get_by_label("day-month-year").check()
        await page.get_by_role("button", name="Answer").click()
        await followed(client, f"job:{job_id}", "processing_completed")
    await page.reload()
    await expect(page.locator("form.ask")).to_have_count(0)
    await expect(page.locator("#lines")).to_contain_text("2026-04-03")


async def test_a_file_is_paused_while_it_waits_and_goes_on_with_p(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.choose(("rest.csv", EITHER_WAY.replace(b"Salary", b"Fee")))
    await expect(visitor.file("rest.csv")).to_have_attribute("data-s", "ask")
    await visitor.open_file("rest.csv")
    await visitor.live()
    await visitor.page.keyboard.press("p")
    head = visitor.page.locator("#head")
    await expect(head).to_have_attribute("data-s", "pause")
    await visitor.page.get_by_role("button", name="Resume").click()
    await expect(head).to_have_attribute("data-s", "ask")
