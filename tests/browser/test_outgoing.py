"""The pages of webhooks and services in a browser: every control has a name and fits, no script."""

import pytest
from playwright.async_api import expect

from app.settings import Settings
from tests.browser.conftest import Visit
from tests.browser.test_keyboard import check_tab_order
from tests.browser.test_looks import SIDEWAYS, WIDTHS, nameless
from tests.integration.serving import put_channel, put_webhook
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_control_has_a_name_and_fits(
    server: ServerProcess, visit: Visit, theme: str
) -> None:
    visitor = await visit(server, color_scheme=theme)
    settings = Settings(data_dir=server.data_dir)
    hook = put_webhook(settings, visitor.name)["webhook_id"]
    put_channel(settings, visitor.name)
    page = visitor.page
    for path in ("/account", f"/account/webhooks/{hook}"):
        await visitor.open(path)
        for summary in await page.locator(".fold > summary, td summary").all():
            await summary.click()
        assert await nameless(page) == []
        await check_tab_order(page)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            assert await page.evaluate(SIDEWAYS) is None, (path, width)


async def test_a_webhook_is_made_and_removed_without_scripts(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, java_script_enabled=False)
    page = visitor.page
    await visitor.open("/account")
    await page.locator("summary", has_text="New webhook").click()
    await page.get_by_label("Address to call").fill("https://hook.invalid/livetrail")
    await page.get_by_role("button", name="Make webhook").click()
    assert (await page.get_by_label("Secret", exact=True).input_value()).startswith("whsec_")
    await page.locator("summary", has_text="Remove").click()
    await page.get_by_role("button", name="Remove this webhook").click()
    await expect(page.locator("#webhooks")).to_contain_text("No webhooks yet")
