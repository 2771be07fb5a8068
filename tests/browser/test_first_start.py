"""From the link that the server prints to files that are done, without leaving the page."""

import re

import pytest
from playwright.async_api import expect

from app.core.samples import sample_files
from tests.browser.conftest import Visit
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMES = [name for name, _ in sample_files()]
STATEMENT = NAMES[3]  # asks which way round its dates are


async def test_the_setup_link_leads_to_the_samples_done_before_ones_eyes(
    own_server: ServerProcess, visit: Visit
) -> None:
    await own_server.start()
    link = await own_server.line(r"http://\S+/setup#token=\S+")
    visitor = await visit(own_server, None)
    page = visitor.page

    await page.goto(link)
    await expect(page).to_have_url(f"{own_server.url}/setup")  # the token is out of sight
    await page.get_by_label("Name").fill("Ada")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Start").click()

    await expect(page.get_by_role("heading", name="Drop your first files here")).to_be_visible()
    await expect(page.locator("li.file")).to_have_count(0)
    await visitor.live()
    await page.get_by_role("button", name="Try with sample files").click()
    await expect(page.locator("li.file")).to_have_count(len(NAMES))
    await visitor.answer(STATEMENT, "day-month-year")
    await visitor.done(*NAMES)
    await expect(page.locator("#batch")).to_contain_text(f"All {len(NAMES)} files are done.")
    for name in NAMES:
        said = await visitor.witnessed("sentences", name)
        assert len(said) > 2, f"{name} only said {said}"
        assert re.match(r"Done! I've processed .+ successfully in ", said[-1])


async def test_a_setup_link_also_works_in_a_tab_that_stands_on_its_page(
    own_server: ServerProcess, visit: Visit
) -> None:
    await own_server.start()
    link = await own_server.line(r"http://\S+/setup#token=\S+")
    page = (await visit(own_server, None)).page
    await page.goto(own_server.url)
    await expect(page.get_by_label("Setup token")).to_be_visible()
    await page.goto(link)
    await expect(page.get_by_label("Setup token")).to_be_hidden()
    await expect(page).to_have_url(f"{own_server.url}/setup")


async def test_a_setup_link_works_once(own_server: ServerProcess, visit: Visit) -> None:
    await own_server.start()
    link = await own_server.line(r"http://\S+/setup#token=\S+")
    first, second = await visit(own_server, None), await visit(own_server, None)
    second.may_complain("status of 4")
    for visitor, name in ((first, "Ada"), (second, "Eve")):
        await visitor.page.goto(link)
        await visitor.page.get_by_label("Name").fill(name)
        await visitor.page.get_by_label("Password").fill("correct horse battery")
    for visitor in (first, second):
        await visitor.page.get_by_role("button", name="Start").click()
        if visitor is first:
            await expect(visitor.page.locator("#welcome")).to_be_visible()
    await expect(second.page.get_by_role("alert")).to_be_visible()
    await second.page.goto(f"{own_server.url}/?again")
    await second.page.goto(link)
    await expect(second.page.locator("main")).not_to_contain_text("first user")
    await expect(second.page.get_by_label("Name")).to_have_count(0)
    await second.page.get_by_role("link", name="Sign in").click()
    await expect(second.page.get_by_role("heading", name="Sign in")).to_be_visible()
