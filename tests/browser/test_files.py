"""Files brought to the page and followed to the end: the list, the job's page, what was known."""

import asyncio
import base64
import contextlib
import re
import uuid
from pathlib import Path

import pytest
from playwright.async_api import Error, Request, Route, expect

from app.core.plans import TRANSACTIONS
from app.core.samples import sample_files, transactions_csv
from tests.browser.conftest import LONGEST_MS, Visit
from tests.browser.visitor import Visitor
from tests.integration.serving import followed, state_of
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
EARLIER, LATER = sample_files()[:2]  # two exports of one account with a month in common
LONG = ("ledger.csv", b"".join(transactions_csv(30_000)))
ASKING = ("either.csv", b"Booked,Text,Amount\n03/04/2026,Tea,-3.50\n05/06/2026,Rice,-20.10\n")


def rising(values: list[float]) -> bool:
    return values == sorted(values)


async def test_a_chosen_file_moves_on_step_by_step_and_never_back(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(LONG)
    row = visitor.file("ledger.csv")
    await expect(row.get_by_role("progressbar")).to_have_accessible_name("Progress of ledger.csv")
    await visitor.done("ledger.csv")

    percents = await visitor.witnessed("percents", "ledger.csv")
    assert rising(percents)
    assert percents[-1] == 100
    assert len(percents) > 5
    said = await visitor.witnessed("sentences", "ledger.csv")
    assert any(one.startswith("Reading through your data") for one in said), said
    assert said[-1].startswith("Done! I've processed ledger.csv successfully in ")
    await expect(row).to_contain_text("30,000 rows stored")
    section = visitor.page.locator("[data-section=done]")
    await expect(section.get_by_role("link", name="ledger.csv", exact=True)).to_be_visible()


async def test_files_dropped_anywhere_are_taken_in(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.drop(EARLIER, LATER)
    await visitor.done(EARLIER[0], LATER[0])
    await expect(visitor.page.locator("#sending > li")).to_have_count(0)


async def test_a_large_file_is_paused_and_after_a_reload_goes_on_where_it_was(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"  # on the disk, where it has a time of its own
    large.write_bytes(b"".join(transactions_csv(120_000)))
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    gate = asyncio.Event()

    async def slowly(route: Route) -> None:
        if int(route.request.headers.get("upload-offset", 0)) >= 2_000_000:
            await gate.wait()
        with contextlib.suppress(Error):  # a pause ended it meanwhile
            await route.continue_()

    await visitor.page.route("**/api/v1/uploads/*", slowly)
    await visitor.page.set_input_files("#pick", large)
    sending = visitor.page.locator("#sending > li")
    rail = sending.get_by_role("progressbar")
    await expect(rail).not_to_have_attribute("aria-valuenow", re.compile("^[0-9]$"))
    await sending.get_by_role("button", name="Pause sending large.csv").click()
    await expect(sending).to_contain_text("Paused at")
    reached = int(await rail.get_attribute("aria-valuenow") or 0)
    for width in (320, 390):  # whose upload it is can be read on a phone
        await visitor.page.set_viewport_size({"width": width, "height": 900})
        box = await sending.locator(".name").bounding_box()
        assert box is not None
        assert box["width"] > width / 2
    gate.set()
    await visitor.page.unroute_all(behavior="ignoreErrors")
    asked: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            asked.append(int(request.headers["upload-offset"]))

    visitor.page.on("request", note)
    await visitor.page.reload()
    await visitor.live()
    await visitor.page.set_input_files("#pick", large)
    await visitor.done("large.csv")
    assert asked[0] >= reached * large.stat().st_size // 100 > 0
    await expect(visitor.page.locator("#sending > li")).to_have_count(0)


async def test_a_file_that_can_not_be_taken_is_refused_by_name_and_the_others_are_sent(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(("nothing.csv", b""), EARLIER)
    refusal = visitor.page.locator("#sending").get_by_role("alert")
    await expect(refusal).to_contain_text("nothing.csv is empty")
    await visitor.done(EARLIER[0])
    await refusal.get_by_role("button", name="Dismiss nothing.csv").click()
    await expect(visitor.page.locator("#sending > li")).to_have_count(0)


async def after_two_overlapping_files(server: ServerProcess, visit: Visit) -> Visitor:
    """Return a visitor on the page of the second of two files with a month in common."""
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    for file in (EARLIER, LATER):
        await visitor.choose(file)
        await visitor.done(file[0])
    await visitor.open_file(LATER[0])
    return visitor


async def test_rows_known_from_an_earlier_file_are_marked_and_can_be_filtered(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await after_two_overlapping_files(server, visit)
    page = visitor.page
    lines = page.locator("#lines tr")
    chips = page.get_by_role("group", name="Filter rows")
    known = chips.locator("[data-state=known]")
    fresh = chips.locator("[data-state=new]")
    count = int((await known.locator("b").inner_text()).replace(",", ""))
    new_count = int((await fresh.locator("b").inner_text()).replace(",", ""))
    assert count > 0
    assert new_count > 0

    await known.click()
    await expect(lines).to_have_count(min(count, 100))
    await expect(page.locator("#lines tr[data-k=known]")).to_have_count(min(count, 100))
    await expect(lines.first).to_contain_text("Known")
    await expect(lines.first.get_by_role("link")).to_have_text(
        re.compile(f"^{re.escape(EARLIER[0])}, row ")
    )
    await expect(known).to_have_attribute("aria-current", "true")

    await fresh.click()
    await expect(lines).to_have_count(min(new_count, 100))
    await expect(page.locator("#lines tr[data-k=known]")).to_have_count(0)

    await page.get_by_role("tab", name="Duplicates").click()
    panel = page.get_by_role("tabpanel", name="Duplicates")
    await expect(panel).to_contain_text(f"{new_count} new rows, {count} I already know")
    await expect(panel.get_by_role("link", name=EARLIER[0])).to_be_visible()


async def test_a_page_open_since_the_start_names_the_earlier_file_too(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await visitor.choose(EARLIER)
    await visitor.done(EARLIER[0])
    await visitor.choose(LONG, LATER)  # the second waits for the first
    await visitor.open_file(LATER[0])
    await visitor.live()
    assert await page.locator("#lines tr").count() == 0
    await expect(page.locator("#head")).to_have_attribute("data-s", "done")
    await page.locator("#filters [data-state=known]").click()
    await expect(page.locator("#lines tr[data-k=known]").first).to_contain_text("Seen in")
    await expect(page.locator("#lines tr:not([data-k=known])")).to_have_count(0)
    await page.get_by_role("tab", name="Duplicates").click()
    panel = page.get_by_role("tabpanel", name="Duplicates")
    await expect(panel.get_by_role("link", name=EARLIER[0])).to_be_visible()
    await panel.get_by_role("link", name="Show the known rows").click()
    await expect(page.locator("#lines tr").first.get_by_role("link")).to_have_text(
        re.compile(f"^{re.escape(EARLIER[0])}, row ")
    )


async def test_the_job_page_lists_stages_with_what_each_took(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await after_two_overlapping_files(server, visit)
    stages = visitor.page.locator("#stages > li")
    labels = await stages.locator("b").all_inner_texts()
    assert labels == [stage.label for stage in TRANSACTIONS.stages]
    for at, label in enumerate(labels):
        stage = stages.nth(at)
        state = await stage.get_attribute("data-s")
        assert state in ("done", "skipped"), f"{label} is {state}"
        if state == "done":
            await expect(stage.locator(".dur")).to_have_text(re.compile(r"\d"))


async def test_what_happens_before_the_scripts_arrive_is_not_left_out(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(ASKING)
    await expect(visitor.file(ASKING[0])).to_have_attribute("data-s", "ask")
    path = await visitor.address(ASKING[0])
    job_id = path.rpartition("/")[2]
    arrived = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await visitor.context.route("**/pages/job.js", hold)
    await visitor.page.goto(server.url + path, wait_until="commit")
    await expect(visitor.page.locator("#raw > li").first).to_be_attached()
    rendered = await visitor.events_shown()
    async with visitor.client() as client:
        (question,) = (await state_of(client, job_id))["waiting_for"]
        said = {"answer": "dmy"}
        async with client.post(f"/api/v1/clarifications/{question}/answer", json=said) as answer:
            assert answer.status == 200, await answer.text()
        await followed(client, f"job:{job_id}", "processing_completed")
    arrived.set()
    await expect(visitor.page.locator("#head")).to_have_attribute("data-s", "done")
    await visitor.live()
    logged = await visitor.events_logged(path)
    assert len(rendered) < len(logged)
    await expect(visitor.page.locator("#raw > li")).to_have_count(len(logged))
    assert await visitor.events_shown() == logged


async def test_a_page_that_followed_from_the_middle_lists_the_whole_trail(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    await visitor.open()
    await visitor.live()
    await visitor.choose(LONG)
    await expect(visitor.file("ledger.csv")).to_have_attribute("data-s", "run")
    path = await visitor.address("ledger.csv")
    await visitor.open_file("ledger.csv")
    await expect(visitor.page.locator("#head")).to_have_attribute("data-s", "done")
    logged = await visitor.events_logged(path)
    await expect(visitor.page.locator("#raw > li")).to_have_count(len(logged))
    assert await visitor.events_shown() == logged
    assert rising(await visitor.witnessed("percents", "ledger.csv"))
    await expect(visitor.page.locator("#lines tr").first).to_contain_text("New")


async def test_an_upload_whose_first_file_is_on_its_way_shows_how_far_it_has_come(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    page = visitor.page
    batch_id = str(uuid.uuid4())
    content = b"".join(transactions_csv(200))
    told = {"filename": "coming.csv", "batch_id": batch_id}
    packed = {key: base64.b64encode(value.encode()).decode() for key, value in told.items()}
    begun = {
        "Upload-Length": str(len(content)),
        "Upload-Metadata": ",".join(f"{key} {value}" for key, value in packed.items()),
    }
    tus = {"Tus-Resumable": "1.0.0"}
    async with visitor.client() as client:
        async with client.post("/api/v1/uploads/", headers={**tus, **begun}) as answer:
            address = answer.headers["Location"]

        async def send(start: int, end: int) -> None:
            place = {"Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
            async with client.patch(
                address, data=content[start:end], headers={**tus, **place}
            ) as answer:
                assert answer.status == 204

        await visitor.open(f"/batches/{batch_id}")
        await visitor.live()
        await expect(page.get_by_role("heading", name="No files here now")).to_be_visible()
        await expect(page.locator("li.file")).to_have_count(0)
        async with asyncio.timeout(LONGEST_MS / 1000):
            sent = 0
            coming = page.locator("#welcome", has_text="coming.csv is on its way")
            while await coming.count() == 0:  # it is told once a second
                await send(sent, sent + 1)
                sent += 1
        await send(sent, len(content))
    await visitor.done("coming.csv")
    await expect(page.locator("li.file")).to_have_count(1)
    await expect(page.locator("#welcome")).to_be_hidden()


async def test_a_list_of_older_files_shows_those_alone(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server)
    await visitor.open("/?all")
    await visitor.live()
    for file in (EARLIER, LATER):
        await visitor.choose(file)
        await visitor.done(file[0])
    newer = (await visitor.address(LATER[0])).rpartition("/")[2]
    await visitor.open(f"/?all&before={newer}")
    await visitor.live()
    await visitor.choose(("newest.csv", b"Date,Text,Amount\n2026-01-02,Tea,-2.10\n"))
    await visitor.done("newest.csv")  # so that whatever was to be told before has been
    await expect(visitor.file(EARLIER[0])).to_have_count(1)
    await expect(visitor.file(LATER[0])).to_have_count(0)
