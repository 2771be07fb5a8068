"""Every page at every width and in both themes: nothing sticks out, nothing is without a name."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from app.core.samples import sample_files, transactions_csv
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
WIDTHS = (320, 390, 768, 1280)
LONG_NAME = "Kontoauszug_und_alle_Buchungen_des_ganzen_Jahres_2026_endgueltig_korrigiert.csv"
KNOWN, OVERLAPPING, _, PARTLY, _ = sample_files()
ASKING = ("either_way.csv", b"Booked,Text,Amount\n03/04/2026,Tea,-3.50\n05/06/2026,Rice,-20.10\n")
PROGRAM = ("salary.csv", b"MZ\x90\x00" + bytes(4096))
FIRST_TWO = b"".join(transactions_csv(40))

# How many pixels the page can be moved sideways, and what sticks out.
SIDEWAYS = """
() => {
  const root = document.documentElement;
  const over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return null;
  const wide = [...document.body.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1)
    .map((node) => node.outerHTML.slice(0, 100));
  return [over, wide.slice(0, 5)];
}
"""
NAMED_ROLES = {
    "button",
    "checkbox",
    "combobox",
    "dialog",
    "group",
    "link",
    "list",
    "progressbar",
    "radio",
    "searchbox",
    "slider",
    "tab",
    "table",
    "tabpanel",
    "textbox",
}
MAY_BE_UNNAMED = {"group", "list"}


async def settled(visitor: Visitor) -> None:
    """Bring files in every state, and wait until none is under way."""
    await visitor.open()
    await visitor.live()
    await visitor.choose(KNOWN)
    await visitor.done(KNOWN[0])
    await visitor.choose(OVERLAPPING, PARTLY, PROGRAM, ASKING, (LONG_NAME, FIRST_TWO))
    await visitor.answer(PARTLY[0], "day-month-year")
    await visitor.done(OVERLAPPING[0], PARTLY[0], LONG_NAME)
    await expect(visitor.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    await expect(visitor.file(ASKING[0])).to_have_attribute("data-s", "ask")


async def every_page(visitor: Visitor) -> AsyncIterator[str]:
    """Go to one page after another, and say where."""
    page = visitor.page
    await page.goto(visitor.server.url + "/")
    addresses = [
        await visitor.address(n) for n in (OVERLAPPING[0], LONG_NAME, PROGRAM[0], ASKING[0])
    ]
    yield "files"
    for address in addresses:
        for tab in ("rows", "duplicates", "events"):
            await page.goto(f"{visitor.server.url}{address}#tab={tab}")
            await expect(page.locator(f"#{tab}")).to_be_visible()
            yield f"{address} {tab}"
    await page.goto(visitor.server.url + "/jobs/nothing")
    yield "an error"


async def nameless(page: Page) -> list[str]:
    """Return the controls to which a screen reader could give no name."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    await session.detach()
    return [
        f"{node['role']['value']} {node['nodeId']}"
        for node in tree["nodes"]
        if not node["ignored"]
        and node["role"]["value"] in NAMED_ROLES - MAY_BE_UNNAMED
        and not node.get("name", {}).get("value", "").strip()
    ]


async def test_no_page_scrolls_sideways_and_every_control_has_a_name(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    visitor.may_complain("status of 404")
    await settled(visitor)
    page = visitor.page
    found = []
    async for place in every_page(visitor):
        found += [(place, control) for control in await nameless(page)]
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            if sideways := await page.evaluate(SIDEWAYS):
                found.append((f"{place} at {width} px", sideways))
    assert found == []


async def test_the_pages_before_signing_in_do_not_scroll_sideways(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, None)
    for path in ("/login", "/signin", "/setup"):
        await visitor.open(path)
        assert await nameless(visitor.page) == []
        for width in WIDTHS:
            await visitor.page.set_viewport_size({"width": width, "height": 900})
            assert await visitor.page.evaluate(SIDEWAYS) is None, f"{path} at {width} px"


async def paper(visitor: Visitor) -> str:
    colour: str = await visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


async def test_the_page_follows_the_systems_light_and_dark(
    server: ServerProcess, visit: Visit
) -> None:
    light = await visit(server, color_scheme="light")
    dark = await visit(server, color_scheme="dark")
    pictures = []
    for visitor in (light, dark):
        await visitor.open()
        await visitor.live()
        pictures.append(await visitor.page.screenshot())
    assert brightness(await paper(light)) > 200
    assert brightness(await paper(dark)) < 60
    assert pictures[0] != pictures[1]


async def test_a_chosen_theme_is_remembered(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, color_scheme="light")
    page = visitor.page
    await visitor.open()
    await visitor.live()
    light = await paper(visitor)
    menu = page.get_by_role("button", name="Menu: theme")
    await menu.click()
    await page.get_by_role("button", name="Dark").click()
    assert brightness(await paper(visitor)) < 60
    await page.reload()
    assert brightness(await paper(visitor)) < 60
    await menu.click()
    await expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="System").click()
    assert await paper(visitor) == light
    await page.reload()
    assert await paper(visitor) == light


async def test_a_phone_offers_what_a_desk_offers(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, viewport={"width": 390, "height": 844}, has_touch=True)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(KNOWN)
    await visitor.done(KNOWN[0])
    await visitor.file(KNOWN[0]).locator(".name a").tap()
    await expect(page.locator("#job-title")).to_contain_text(KNOWN[0])
    await expect(page.locator("#lines tr").first).to_be_visible()
    bottom = page.get_by_role("navigation", name="Main, bottom")
    await bottom.get_by_role("button", name="Menu").tap()
    await expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await bottom.get_by_role("link", name="Files").tap()
    await expect(visitor.file(KNOWN[0])).to_be_visible()
