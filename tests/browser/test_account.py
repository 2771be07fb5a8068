"""The account page in a browser: a token is copied, every control is reached and has a name."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_keyboard import check_tab_order
from tests.browser.test_looks import SIDEWAYS, WIDTHS, nameless
from tests.integration.serving import PASSWORD
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_new_token_is_copied_with_one_press(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    await visitor.open()
    await page.get_by_role("button", name="Menu: theme").click()
    await page.get_by_role("link", name="Account").click()
    await page.locator("summary", has_text="New token").click()
    await page.get_by_label("Name", exact=True).fill("nightly import")
    await page.get_by_role("button", name="Make token").click()
    token = await page.get_by_label("Token", exact=True).input_value()
    assert token.startswith("lt_")
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == token
    await page.goto(f"{server.url}/account")
    assert token not in await page.content()


async def test_every_control_is_reached_has_a_name_and_fits(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, "operator")
    page = visitor.page
    await visitor.open("/account")
    for summary in await page.locator(".fold > summary").all():
        await summary.click()
    await page.locator("h1").click()
    assert await nameless(page) == []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(SIDEWAYS) is None, width
    await page.reload()
    await check_tab_order(page)


async def test_a_password_is_changed_and_what_is_wrong_with_it_is_said(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    visitor.may_complain("status of 4")
    page = visitor.page
    await visitor.open("/account")
    for old, said in (("a wrong one", "password is wrong"), (PASSWORD, "Your password is changed")):
        await page.get_by_label("Password now").fill(old)
        await page.get_by_label("New password").fill("a longer horse battery")
        await page.get_by_role("button", name="Change password").click()
        await expect(page.locator("main")).to_contain_text(said)
