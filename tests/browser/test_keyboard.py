"""Everything by keyboard: the tab order, the single keys, focus that stays while rows change."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from app.core.samples import sample_files
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST, SECOND = sample_files()[:2]
PROGRAM = ("salary.csv", b"MZ\x90\x00" + bytes(4096))
ASKING = ("either_way.csv", b"Booked,Text,Amount\n03/04/2026,Tea,-3.50\n05/06/2026,Rice,-20.10\n")

# What a pointer can use and a person can see, in the order of the document.
CONTROLS = """
() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
  .filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({
    visibilityProperty: true, contentVisibilityAuto: false}))
  .map((node) => { node.dataset.control = "yes"; return node.outerHTML.slice(0, 120); })
"""
FOCUSED = """
() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const ring = [node, node.closest(".find")].filter(Boolean).map(getComputedStyle).some((style) =>
    style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  const again = node.dataset.reached === "yes";
  node.dataset.reached = "yes";
  return {again, ring, html: node.outerHTML.slice(0, 120)};
}
"""
MISSED = """
() => [...document.querySelectorAll("[data-control]:not([data-reached])")]
  .map((node) => node.outerHTML.slice(0, 120))
"""


async def check_tab_order(page: Page) -> None:
    """Go through the page with Tab: every control is reached, and each shows that it is."""
    controls = await page.evaluate(CONTROLS)
    bare = []
    for _ in range(len(controls) + 5):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused is None:
            continue
        if focused["again"]:
            break
        if not focused["ring"]:
            bare.append(focused["html"])
    assert await page.evaluate(MISSED) == []
    assert bare == []


async def test_tab_reaches_every_control_and_shows_where_it_is(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await check_tab_order(page)
    await visitor.choose(FIRST, PROGRAM)
    await visitor.done(FIRST[0])
    await expect(visitor.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    await page.reload()
    await visitor.live()
    await check_tab_order(page)
    await visitor.open_file(FIRST[0])
    await visitor.live()
    await check_tab_order(page)


async def test_the_first_tab_leads_past_the_frame(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_single_keys_do_what_the_list_of_shortcuts_says(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    pick = await visitor.choosing()
    await page.keyboard.press("u")
    await expect(pick).to_have_attribute("data-opened", "yes")
    await expect(pick).to_have_js_property("multiple", True)
    await visitor.choose(FIRST, SECOND, PROGRAM)
    await visitor.done(FIRST[0], SECOND[0])
    await expect(visitor.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    await expect(page.get_by_role("region", name="In progress")).to_be_hidden()

    links = page.locator("li.file .name a")
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("n", 0)):
        await page.keyboard.press(key)
        await expect(links.nth(place)).to_be_focused()
    await expect(links.first).to_have_text(PROGRAM[0])

    await page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(shortcuts).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(shortcuts).to_be_hidden()
    await expect(links.first).to_be_focused()

    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("09_bis_10j")  # in a field, a key is a letter
    await expect(page.locator("#no-match")).to_be_visible()
    await page.keyboard.press("Backspace")
    await expect(page.locator("li.file:visible")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await expect(visitor.file(SECOND[0]).locator(".name a")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#job-title")).to_contain_text(SECOND[0])
    await page.keyboard.press("g")
    await page.keyboard.press("f")
    await expect(page).to_have_url(server.url + "/")


async def test_single_keys_can_be_turned_off_for_good(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await page.keyboard.press("?")
    await page.get_by_label("Turn single-key shortcuts off").check()
    await page.keyboard.press("Escape")
    await page.reload()
    await visitor.live()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).not_to_be_focused()


async def answered(visitor: Visitor) -> None:
    """Answer elsewhere what the one file asks."""
    async with visitor.client() as client:
        async with client.get("/api/v1/clarifications?state=open") as answer:
            (question,) = (await answer.json())["clarifications"]
        async with client.post(question["links"]["answer"], json={"answer": "dmy"}) as answer:
            assert answer.status == 200, await answer.text()


async def test_focus_stays_with_a_file_that_moves_to_another_group(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(ASKING)
    row = visitor.file(ASKING[0])
    await expect(row).to_have_attribute("data-s", "ask")
    link = row.locator(".name a")
    await link.focus()
    await link.evaluate("(node) => { window.held = node }")
    await answered(visitor)
    await expect(page.get_by_role("region", name="Done").locator("li.file")).to_have_count(1)
    await expect(link).to_be_focused()
    assert await page.evaluate("document.activeElement === window.held")


async def test_focus_goes_to_the_files_link_when_its_button_goes(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(ASKING)
    row = visitor.file(ASKING[0])
    await expect(row).to_have_attribute("data-s", "ask")
    cancel = row.get_by_role("button", name=f"Cancel {ASKING[0]}")
    await cancel.focus()
    await expect(cancel).to_be_focused()
    await answered(visitor)
    await visitor.done(ASKING[0])
    await expect(row.locator(".name a")).to_be_focused()


async def test_what_happens_is_said_to_those_who_do_not_see_it(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(PROGRAM)
    said = page.locator("#announce")
    await expect(said).to_have_text(re.compile(f"^{re.escape(PROGRAM[0])} failed: "))


async def test_the_arrows_keep_focus_on_the_tabs_when_duplicates_are_loaded_anew(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(ASKING)
    await expect(visitor.file(ASKING[0])).to_have_attribute("data-s", "ask")
    await visitor.open_file(ASKING[0])  # before its rows are there
    await visitor.live()
    await page.get_by_label("day-month-year").check()
    await page.get_by_role("button", name="Answer").click()
    await expect(page.locator("#delta")).to_contain_text("2 new rows")

    await page.locator("#tab-rows").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#tab-events")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#tab-exports")).to_be_focused()
    async with page.expect_event("load"):
        await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#tab-duplicates")).to_be_focused()
    await expect(page.locator("#duplicates")).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#tab-rows")).to_be_focused()


async def tab_to(wanted: Locator) -> None:
    """Press Tab until `wanted` has focus."""
    for _ in range(80):
        await wanted.page.keyboard.press("Tab")
        if await wanted.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError("Tab does not lead there")


async def test_a_file_comes_from_its_upload_to_its_export_without_a_mouse(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    name, _ = ASKING
    await visitor.open()
    await visitor.live()
    await tab_to(page.get_by_role("button", name="Choose files").first)
    pick = await visitor.choosing()
    await page.keyboard.press("Enter")
    await expect(pick).to_have_attribute("data-opened", "yes")
    await visitor.choose(ASKING)
    row = visitor.file(name)
    choice = row.get_by_label("day-month-year")
    await expect(choice).to_be_visible()
    await tab_to(choice)
    # the file goes to those that need somebody, and focus with it
    await expect(page.get_by_role("region", name="Needs you").locator("li.file")).to_have_count(1)
    await expect(choice).to_be_focused()
    await page.keyboard.press("1")
    await page.keyboard.press("Control+Enter")
    await visitor.done(name)
    await expect(row.locator(".name a")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#job-title")).to_contain_text(name)
    await visitor.live()
    await tab_to(page.get_by_role("tab", name="Rows 2", exact=True))
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await tab_to(page.get_by_role("tabpanel", name="Exports").get_by_role("button", name="Export"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("is ready")
