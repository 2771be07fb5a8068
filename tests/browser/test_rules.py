"""What people say of rows: corrected in the table, offered as a rule, kept on the page of rules."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_keyboard import check_tab_order
from tests.browser.test_looks import SIDEWAYS, WIDTHS, nameless
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


async def test_rules_are_kept_without_scripts_and_fit_every_page(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.choose(("alike.csv", TIMBER + b"2026-01-05,Zimmerei Tannen,-3.00\n"))
    await visitor.done("alike.csv")
    plain = (await visit(server, visitor.name, java_script_enabled=False)).page
    await plain.goto(f"{server.url}/rules")
    for value in ("Tanne", "Grocer"):
        await plain.locator("[name=operator]").select_option("contains")
        await plain.get_by_label("This", exact=True).fill(value)
        await plain.get_by_label("Get the category").fill("Housing")
        await plain.get_by_role("button", name="See what it would change").click()
        await expect(plain.locator("#preview")).to_contain_text("and would change")
        await plain.get_by_role("button", name="Make the rule").click()
        await expect(plain.locator("#said")).to_contain_text("The rule is made")
    rules = plain.get_by_role("table", name="Your rules").get_by_role("row")
    await expect(rules.nth(1)).to_contain_text("Tanne")
    await plain.get_by_role("button", name="Up: Vendor contains Grocer").click()
    await expect(rules.nth(1)).to_contain_text("Grocer")

    await page.goto(f"{server.url}/rules?value=Tanne&operator=contains&category=Other")
    assert await nameless(page) == []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(SIDEWAYS) is None, width
    await check_tab_order(page)
    await page.get_by_role("button", name="Zimmerei Tannen and Zimmerei Tanne are two").click()
    await expect(page.locator("#vendors")).to_contain_text("No two names")
