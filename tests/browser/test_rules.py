"""What people say of rows: corrected in the table, offered as a rule, kept on the page of rules."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
TIMBER = b"""Date,Description,Amount
2026-01-02,Zimmerei Tanne,-300.00
2026-01-03,Zimmerei Tanne,-400.00
2026-01-04,Grocer,-20.10
"""


async def test_a_row_is_corrected_and_the_rule_that_is_offered_changes_the_others(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.choose(("timber.csv", TIMBER))
    await visitor.done("timber.csv")
    await visitor.open_file("timber.csv")
    await visitor.live()
    await page.get_by_role("button", name="Change row 1").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Zimmerei Tanne")
    await dialog.get_by_label("Category").fill("Housing")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("It would change 1 row in 1 file")
    await expect(dialog.get_by_role("button", name="Make this rule")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The rule is made, and 1 row changed")).to_be_visible()
    rows = page.locator("#lines tr")
    await expect(rows.nth(1)).to_contain_text("Housing")
    await expect(rows.nth(1)).to_contain_text("Your rule")
    await expect(rows.nth(2)).not_to_contain_text("Housing")
    await expect(page.get_by_role("button", name="Change row 1")).to_be_focused()
    await page.get_by_role("button", name="Rules", exact=True).click()
    await expect(page.get_by_role("table", name="Your rules")).to_contain_text("Zimmerei Tanne")


async def test_a_known_row_is_stored_after_all(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.choose(("first.csv", TIMBER))
    await visitor.done("first.csv")
    await visitor.choose(("second.csv", TIMBER + b"2026-01-05,Baker,-3.00\n"))
    await visitor.done("second.csv")
    await visitor.open_file("second.csv")
    await visitor.live()
    await page.get_by_role("button", name="Change row 2").click()
    await page.get_by_role("button", name="Store it after all").click()
    known = page.locator("#lines tr[data-k=known]")
    await expect(known).to_have_count(2)
    await page.get_by_role("tab", name="Duplicates").click()
    await page.get_by_role("button", name="Store the known rows after all").click()
    await expect(page.locator("#delta")).to_contain_text("4 new rows, 0 I already know")
