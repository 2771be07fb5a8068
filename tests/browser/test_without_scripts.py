"""With scripts off: sign in, bring a file, follow it by reloading, take it back, get the rest."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from app.core.samples import sample_files
from app.settings import Settings
from tests.browser.conftest import Visit
from tests.integration.serving import PASSWORD, followed, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
STATEMENT = sample_files()[3]  # with dates that fit two ways, and rows that can not be read


async def test_a_file_can_be_brought_followed_and_taken_back_by_forms_alone(
    server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=server.data_dir), "plain")
    visitor = await visit(server, None, java_script_enabled=False)
    visitor.name = "plain"
    page = visitor.page

    await visitor.open("/")
    await page.get_by_label("Name").fill("plain")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Drop your first files here")).to_be_visible()

    await visitor.choose(STATEMENT)
    await page.get_by_role("button", name="Send").click()
    await expect(visitor.file(STATEMENT[0])).to_be_visible()
    path = await visitor.address(STATEMENT[0])
    room = f"job:{path.rpartition('/')[2]}"
    async with visitor.client() as client:
        await followed(client, room, "clarification_requested")
        await visitor.open(path)
        await page.get_by_label("day-month-year").check()
        await page.get_by_role("button", name="Answer").click()
        await followed(client, room, "processing_completed")
    await visitor.open("/")
    await visitor.done(STATEMENT[0])
    await expect(visitor.file(STATEMENT[0])).to_contain_text("not read")

    await visitor.open_file(STATEMENT[0])
    await expect(page.locator("#lines tr").first).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download them with the reason for each").click()
    rejected = Path(await (await download.value).path()).read_text()
    assert "MERCHANT UNKNOWN" in rejected
    assert "31/31/2026" in rejected

    await page.locator("[data-part=undo] summary").click()
    await page.get_by_role("button", name="Take them back").click()
    await expect(page.locator("#head")).to_contain_text("Undone")
    await expect(page.locator("#lines tr")).to_have_count(0)


async def test_rows_are_filtered_and_paged_by_links(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, java_script_enabled=False)
    page = visitor.page
    await visitor.open()
    await page.get_by_role("button", name="Try with sample files").click()
    name = sample_files()[1][0]
    await expect(visitor.file(name)).to_be_visible()
    path = await visitor.address(name)
    async with visitor.client() as client:
        await followed(client, f"job:{path.rpartition('/')[2]}", "processing_completed")
    await visitor.open_file(name)
    await page.locator("#filters [data-state=known]").click()
    await expect(page.locator("#lines tr[data-k=known]").first).to_be_visible()
    await expect(page.locator("#lines tr:not([data-k=known])")).to_have_count(0)


async def test_what_is_wrong_with_a_sign_in_is_said_on_its_page(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, None, java_script_enabled=False)
    visitor.may_complain("status of 401")
    page = visitor.page
    await visitor.open("/login")
    await page.get_by_label("Name").fill("nobody")
    await page.get_by_label("Password").fill("a wrong password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_label("Name")).to_have_value("nobody")
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.get_by_label("Password")).to_have_value("")
