"""Notifications of the browser: switched on in the account, told while nobody looks."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Chromium without a screen shows none; what a page asks it for is noted instead.
NOTED = """
const Real = globalThis.Notification;
globalThis.Notification = class {
  static get permission() { return Real.permission; }
  static requestPermission() { return Real.requestPermission(); }
  constructor(title, options) {
    const { dataset } = document.documentElement;
    dataset.noted = `${dataset.noted ?? ""}${title}: ${options.body}|`;
  }
  close() {}
};
"""


async def test_an_upload_is_told_by_the_browser_once_that_was_switched_on(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, permissions=["notifications"])
    page = visitor.page
    await page.add_init_script(NOTED)
    await visitor.open("/account")
    switch = page.locator("#here-on")
    await expect(switch).not_to_be_checked()
    await switch.check()
    await expect(switch).to_be_checked()
    await visitor.open("/")
    await page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    await visitor.live()
    await visitor.choose(("a.csv", b"Date,Amount\n2025-01-03,-3.40\n"))
    html = page.locator("html")
    await expect(html).to_have_attribute("data-noted", re.compile(r"^An upload is done: [^|]+\|$"))
    await visitor.open("/account")
    await expect(page.locator("#here-on")).to_be_checked()
