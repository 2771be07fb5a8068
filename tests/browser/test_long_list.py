"""A thousand files: the list is all there, and news of one file is the business of one row."""

import pytest
from playwright.async_api import expect

from app.core.events import BatchCreated, Event, JobCreated, ProcessingCompleted
from app.core.messages import friendly_message
from app.core.plans import TRANSACTIONS
from app.core.samples import transactions_csv
from app.live.journal import Journal
from app.settings import Settings
from app.store.accounts import User
from app.store.database import Database
from tests.browser.conftest import Visit
from tests.integration.serving import with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
FILES = 999  # and one that comes
LONG = ("ledger.csv", b"".join(transactions_csv(30_000)))
BATCH = "01936d2e-0000-7000-8000-000000000000"

# From now on, note which rows are changed, and which leave or join a list.
WATCH = """
() => {
  window.touched = new Set();
  const note = (node) => {
    const row = (node.nodeType === 1 ? node : node.parentElement)?.closest("li.file");
    if (row) touched.add(row.querySelector(".name a").textContent);
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      note(change.target);
      for (const node of [...change.addedNodes, ...change.removedNodes]) note(node);
    }
  }).observe(document.querySelector("#board"), {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}
"""


def job_id(number: int) -> str:
    return f"01936d2e-0000-7000-8000-{number:012d}"


async def remember_files(settings: Settings, owner: User) -> None:
    """Write a past of as many files, all done."""
    database = await Database.open(settings.database_path)
    async with Journal(database, lambda _: None) as journal:
        drafts: list[Event] = [BatchCreated(batch_id=BATCH, message="", jobs=FILES)]
        for number in range(1, FILES + 1):
            name = f"statement-{number:04d}.csv"
            drafts.append(
                JobCreated(
                    job_id=job_id(number),
                    batch_id=BATCH,
                    filename=name,
                    size=4_096,
                    plan=TRANSACTIONS.describe(),
                    progress=0.0,
                    message=friendly_message("received", {"filename": name}),
                )
            )
            drafts.append(
                ProcessingCompleted(
                    job_id=job_id(number),
                    step="complete",
                    progress=100.0,
                    message=friendly_message("complete", {"filename": name}),
                    result={"rows": 12, "new_rows": 12},
                    duration_ms=800,
                )
            )
        await journal.append(*drafts, user_id=owner.id)
    await database.close()


async def test_news_of_one_file_among_a_thousand_touch_its_row_alone(
    own_server: ServerProcess, visit: Visit
) -> None:
    settings = Settings(data_dir=own_server.data_dir)
    await remember_files(settings, with_user(settings, "ann"))
    await own_server.start()
    visitor = await visit(own_server, "ann")
    page = visitor.page
    await visitor.open("/?all")
    await visitor.live()
    await expect(page.locator("li.file")).to_have_count(FILES)
    await expect(page.locator("#cells > a")).to_have_count(0)  # one bar by state instead
    await expect(page.locator("#cells > i")).to_have_count(1)

    far = visitor.file("statement-0500.csv").locator(".name a")
    await far.focus()
    await far.evaluate("(node) => { window.held = node }")
    await page.evaluate(WATCH)
    await visitor.choose(LONG)
    newest = page.locator("[data-section=done] li.file").first
    await expect(newest).to_contain_text(LONG[0])

    assert await page.evaluate("[...touched]") == [LONG[0]]
    assert await page.evaluate("document.activeElement === window.held")
    assert len(await visitor.witnessed("percents", LONG[0])) > 3
    await expect(page.locator("#batch")).to_contain_text(f"{FILES + 1:,} files are done")


async def test_a_thousand_files_can_be_searched_and_filtered(
    own_server: ServerProcess, visit: Visit
) -> None:
    settings = Settings(data_dir=own_server.data_dir)
    await remember_files(settings, with_user(settings, "ann"))
    await own_server.start()
    visitor = await visit(own_server, "ann")
    page = visitor.page
    await visitor.open("/?all")
    await visitor.live()
    await page.get_by_role("searchbox").fill("statement-099")
    await expect(page.locator("li.file")).to_have_count(10)
    await page.get_by_role("searchbox").fill("no such file")
    await expect(page.locator("#no-match")).to_be_visible()
    await page.get_by_role("link", name="Clear search and filter").click()
    await expect(page.locator("li.file")).to_have_count(FILES)
