"""A link is made, and somebody without an account follows with it, until it is taken back."""

import re

import pytest
from playwright.async_api import expect

from app.core.samples import sample_files, transactions_csv
from tests.browser.conftest import Visit
from tests.browser.test_keyboard import check_tab_order
from tests.browser.test_looks import SIDEWAYS, WIDTHS, nameless
from tests.browser.visitor import Visitor
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST, SECOND = sample_files()[:2]
PROGRAM = ("salary.csv", b"MZ\x90\x00" + bytes(4096))
LONG = ("ledger.csv", b"".join(transactions_csv(60_000)))
# What only the owner of a file may do, in links and forms.
OWNERS = re.compile(
    r'(?:href|action)="[^"]*(?:/(?:cancel|retry|undo|share|upload|samples|logout|original)'
    r'|rejected\.csv|/account|/operations|/\?all)"'
)


async def shared(visitor: Visitor) -> str:
    """Make a link on the page that is open, and return it."""
    page = visitor.page
    await page.locator("#share summary").click()
    await page.get_by_role("button", name="Make a link").click()
    field = page.get_by_label("Link", exact=True)
    await expect(field).to_have_value(re.compile(r"^http://\S+/share#token=\S+$"))
    return await field.input_value()


async def end_every_link(visitor: Visitor) -> None:
    async with visitor.client() as client:
        async with client.get("/api/v1/shares") as answer:
            links = (await answer.json())["shares"]
        assert links
        for link in links:
            async with client.delete(f"/api/v1/shares/{link['id']}") as answer:
                assert answer.status == 204


async def test_a_guest_follows_a_file_live_and_can_do_nothing_to_it(
    server: ServerProcess, visit: Visit
) -> None:
    owner, guest = await visit(server), await visit(server, None)
    await owner.open()
    await owner.live()
    await owner.choose(LONG)
    await expect(owner.file(LONG[0])).to_have_attribute("data-s", "run")
    path = await owner.address(LONG[0])
    await owner.open_file(LONG[0])
    link = await shared(owner)
    assert len(OWNERS.findall(await owner.page.content())) > 3

    page = guest.page
    await page.goto(link)
    await expect(page).to_have_url(server.url + path)
    await guest.live()
    await expect(page.locator(".shared")).to_contain_text(f"Shared by {owner.name}")
    await expect(page.locator("#head")).to_have_attribute("data-s", "done")
    await expect(page.locator("#lines tr").first).to_be_visible()
    assert OWNERS.findall(await page.content()) == []
    assert await nameless(page) == []
    await check_tab_order(page)
    for key in "rcu?":  # nothing of it is there to be done
        await page.keyboard.press(key)
    await page.goto(server.url + "/")
    await expect(page).to_have_url(server.url + path)


async def test_a_guest_of_a_batch_sees_its_files_and_no_others(
    server: ServerProcess, visit: Visit
) -> None:
    owner, guest = await visit(server), await visit(server, None)
    guest.may_complain("status of 404")
    await owner.open()
    await owner.live()
    await owner.choose(FIRST)
    await owner.done(FIRST[0])
    other = await owner.address(FIRST[0])
    await owner.choose(SECOND, PROGRAM)
    await owner.done(SECOND[0])
    await expect(owner.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    path = await owner.address(SECOND[0])
    await owner.open_file(SECOND[0])
    await owner.page.locator(".crumb a").last.click()
    link = await shared(owner)

    page = guest.page
    await page.goto(link)
    await guest.live()
    await expect(page.locator("li.file")).to_have_count(2)
    await expect(guest.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    assert OWNERS.findall(await page.content()) == []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(SIDEWAYS) is None, width
    await guest.open_file(SECOND[0])
    await expect(page).to_have_url(server.url + path)
    assert FIRST[0] not in await page.locator("#duplicates").inner_text()
    await page.locator(".crumb a").click()
    await expect(page.locator("li.file")).to_have_count(2)
    await page.goto(server.url + other)
    await expect(page.get_by_role("heading", name="There is no such")).to_be_visible()
    await page.get_by_role("link", name="Back to what was shared").click()
    await expect(page.locator("li.file")).to_have_count(2)


async def test_somebody_with_an_account_sees_what_was_shared_beside_what_is_theirs(
    server: ServerProcess, visit: Visit
) -> None:
    owner, other = await visit(server), await visit(server)
    await owner.open()
    await owner.live()
    await owner.choose(FIRST)
    await owner.done(FIRST[0])
    await owner.open_file(FIRST[0])
    link = await shared(owner)
    page = other.page
    await page.goto(link)
    await other.live()
    await expect(page.locator(".shared")).to_contain_text(f"Shared by {owner.name}")
    await expect(page.locator("#share")).to_have_count(0)
    await page.keyboard.press("g")
    await page.keyboard.press("f")
    await expect(page.get_by_role("heading", name="Drop your first files here")).to_be_visible()
    await page.goto(f"{server.url}/share")
    await expect(page).to_have_url(f"{server.url}/")


async def test_a_link_that_was_taken_back_ends_before_ones_eyes(
    server: ServerProcess, visit: Visit
) -> None:
    owner, guest = await visit(server), await visit(server, None)
    guest.may_complain("status of 401")
    await owner.open()
    await owner.live()
    await owner.choose(FIRST)
    await owner.done(FIRST[0])
    await owner.open_file(FIRST[0])
    link = await shared(owner)
    page = guest.page
    await page.goto(link)
    await guest.live()
    await end_every_link(owner)
    await expect(page.get_by_role("alert")).to_contain_text("This link has ended")
    await page.goto(server.url + "/?elsewhere")
    await page.goto(link)
    await expect(page.get_by_role("alert")).to_contain_text("This link has ended")
    await expect(page.locator("#lines")).to_have_count(0)


async def test_a_link_is_made_by_a_form_alone(server: ServerProcess, visit: Visit) -> None:
    owner = await visit(server)
    await owner.open()
    await owner.live()
    await owner.choose(FIRST)
    await owner.done(FIRST[0])
    plain = await visit(server, owner.name, java_script_enabled=False)
    page = plain.page
    await plain.open(await owner.address(FIRST[0]))
    await page.locator("#share summary").click()
    await page.get_by_label("The link works for").select_option("a day")
    await page.get_by_role("button", name="Make a link").click()
    field = page.get_by_label("Link", exact=True)
    await expect(field).to_have_value(re.compile(r"^http://\S+/share#token=\S+$"))
    await page.get_by_role("link", name="Back").click()
    await expect(page.locator("#job-title")).to_contain_text(FIRST[0])
