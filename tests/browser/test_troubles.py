"""What failed is told in three sentences; what was stored can be taken back; others see nothing."""

import re

import pytest
from playwright.async_api import expect

from app.core.errors import StepTimeout
from app.core.samples import sample_files
from app.settings import Settings
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.integration.serving import state_of, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
FILE = sample_files()[0]
PROGRAM = ("salary.csv", b"MZ\x90\x00" + bytes(4096))
BREAKS = ("net::ERR_", "WebSocket connection to")


async def told(visitor: Visitor, name: str) -> dict[str, str]:
    """Return the error of a file as the API tells it."""
    job_id = (await visitor.address(name)).rpartition("/")[2]
    async with visitor.client() as client:
        error: dict[str, str] = (await state_of(client, job_id))["error"]
        return error


async def test_a_failure_says_what_happened_what_was_kept_and_what_to_do(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(PROGRAM)
    row = visitor.file(PROGRAM[0])
    await expect(row).to_have_attribute("data-s", "fail")
    error = await told(visitor, PROGRAM[0])
    for sentence in (error["title"], error["detail"], error["hint"]):
        await expect(row).to_contain_text(sentence)
    await expect(row.get_by_role("button", name=re.compile("Retry"))).to_have_count(0)
    await expect(page.get_by_role("region", name="Needs you")).to_contain_text(PROGRAM[0])
    await expect(page).to_have_title(re.compile("^1 need"))

    await expect(row.locator("code").first).to_be_hidden()  # no codes in sentences
    await row.get_by_text("Details").click()
    await expect(row.locator("code").first).to_have_text(error["code"])

    await row.get_by_role("button", name=f"Dismiss {PROGRAM[0]}").click()
    await expect(page.get_by_role("region", name="Needs you")).to_be_hidden()
    await page.reload()
    await visitor.live()
    await expect(page.get_by_role("region", name="Done")).to_contain_text(PROGRAM[0])
    await expect(page.get_by_role("region", name="Needs you")).to_be_hidden()


async def test_the_page_of_a_failed_file_says_the_same(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(PROGRAM)
    await expect(visitor.file(PROGRAM[0])).to_have_attribute("data-s", "fail")
    error = await told(visitor, PROGRAM[0])
    await visitor.open_file(PROGRAM[0])
    head = visitor.page.locator("#head")
    for sentence in (error["title"], error["detail"], error["hint"]):
        await expect(head).to_contain_text(sentence)
    await expect(visitor.page.locator("#rows-empty")).to_have_text(
        "Nothing of this file was stored."
    )


async def test_what_may_pass_can_be_retried_from_its_stage(
    own_server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start(LIVETRAIL_STEP_TIMEOUT_S="0.001")
    visitor = await visit(own_server, "ann")
    visitor.may_complain(*BREAKS)
    await visitor.open()
    await visitor.live()
    await visitor.choose(FILE)
    row = visitor.file(FILE[0])
    await expect(row).to_have_attribute("data-s", "fail")
    assert (await told(visitor, FILE[0]))["code"] == StepTimeout.code

    await own_server.stop()
    await own_server.start()
    await visitor.live()
    await row.get_by_role("button", name="Retry from validation").click()
    await visitor.done(FILE[0])
    await expect(row.get_by_role("button", name=re.compile("Retry"))).to_have_count(0)


async def test_what_a_file_stored_can_be_taken_back_and_brought_again(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(FILE)
    await visitor.done(FILE[0])
    await visitor.open_file(FILE[0])
    await visitor.live()
    stored = await page.locator("#lines tr").count()
    assert stored > 0

    await page.locator("[data-part=undo] summary").click()
    await expect(page.locator("[data-part=undo-text]")).to_contain_text(FILE[0])
    await page.get_by_role("button", name="Take them back").click()
    await expect(page.locator(".toast")).to_contain_text(re.compile(r"\d+ rows of .* taken back"))
    await expect(page.locator("#head [data-part=tags]")).to_contain_text("Undone")
    await expect(page.locator("#lines tr")).to_have_count(0)
    await expect(page.locator("#rows-empty")).to_be_visible()
    await expect(page.locator("[data-part=undo]")).to_be_hidden()

    await page.get_by_role("link", name="Files", exact=True).first.click()
    await visitor.live()
    await expect(visitor.file(FILE[0])).to_contain_text("Taken back; nothing of it is stored")
    await visitor.choose(FILE)
    again = page.locator("li.file").first
    await expect(page.locator("li.file")).to_have_count(2)
    await expect(again).to_have_attribute("data-s", "done")
    await expect(again).to_contain_text("rows stored")
    await expect(again).not_to_contain_text("Exact match")
    await expect(again).not_to_contain_text("known")


async def test_the_same_file_again_is_an_exact_match_and_leads_to_the_first(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(FILE)
    await visitor.done(FILE[0])
    first = await visitor.address(FILE[0])
    await visitor.choose(("renamed.csv", FILE[1]))
    await visitor.done("renamed.csv")
    await expect(visitor.file("renamed.csv")).to_contain_text("Exact match")
    await visitor.open_file("renamed.csv")
    await page.get_by_role("tab", name="Duplicates").click()
    panel = page.get_by_role("tabpanel", name="Duplicates")
    await expect(panel.get_by_role("link", name=FILE[0])).to_have_attribute("href", first)


async def test_a_strangers_file_looks_like_one_that_never_was(
    server: ServerProcess, visit: Visit
) -> None:
    owner, stranger = await visit(server), await visit(server)
    stranger.may_complain("status of 404")
    await owner.open()
    await owner.live()
    await owner.choose(FILE)
    await owner.done(FILE[0])
    path = await owner.address(FILE[0])

    pages = []
    for address in (path, "/jobs/01936d2e-0000-7000-8000-000000000001"):
        answer = await stranger.page.goto(server.url + address)
        assert answer is not None
        pages.append((answer.status, await stranger.page.locator("main").inner_text()))
    assert pages[0] == pages[1]
    assert pages[0][0] == 404
    await stranger.open()
    await expect(stranger.page.locator("li.file")).to_have_count(0)
