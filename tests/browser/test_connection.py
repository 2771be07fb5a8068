"""The server is killed, the network is cut: the page says so, and then shows what it missed."""

import re

import pytest
from playwright.async_api import expect

from app.core.samples import sample_files, transactions_csv
from app.settings import Settings
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.integration.serving import ended, upload, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
LONG = ("ledger.csv", b"".join(transactions_csv(150_000)))
BREAKS = ("net::ERR_", "WebSocket connection to")  # what Chromium says of a connection that is gone


async def stay(visitor: Visitor) -> None:
    """Mark the page, so that a reload would show."""
    await visitor.page.evaluate("window.stayed = true")


async def stayed(visitor: Visitor) -> bool:
    found: bool = await visitor.page.evaluate("window.stayed === true")
    return found


async def test_a_page_goes_on_where_it_was_when_the_server_is_killed_in_mid_job(
    own_server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start()
    visitor = await visit(own_server, "ann")
    visitor.may_complain(*BREAKS)
    page, sign = visitor.page, visitor.page.locator("#conn")
    await visitor.open()
    await visitor.live()
    await visitor.choose(LONG)
    await expect(visitor.file(LONG[0])).to_have_attribute("data-s", "run")
    path = await visitor.address(LONG[0])
    await visitor.open_file(LONG[0])
    await visitor.live()
    await stay(visitor)
    reading = re.compile(r"^Reading through your data")
    await expect(page.locator("#head [data-part=message]")).to_have_text(reading)

    await own_server.kill(with_workers=True)
    await expect(sign).to_contain_text("Reconnecting")
    await expect(page.locator(".banner")).to_contain_text("Nothing is lost")
    await own_server.start()
    await visitor.live()
    await expect(page.locator(".banner")).to_be_hidden()
    await expect(page.locator("#head")).to_have_attribute("data-s", "done")

    assert await stayed(visitor)
    logged = await visitor.events_logged(path)
    assert [n for n, _ in logged] == list(range(1, len(logged) + 1))
    await expect(page.locator("#raw > li")).to_have_count(len(logged))
    assert await visitor.events_shown() == logged
    assert [kind for _, kind in logged].count("processing_started") == 2  # it really was cut
    percents = await visitor.witnessed("percents", LONG[0])
    assert percents == sorted(percents)
    await expect(page.locator("#facts")).to_contain_text("150,000")


async def test_what_happened_while_the_network_was_away_is_shown_when_it_is_back(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server)
    visitor.may_complain(*BREAKS)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await stay(visitor)

    await visitor.context.set_offline(True)
    await expect(page.locator("#conn")).to_contain_text(re.compile("Reconnecting|Offline"))
    async with visitor.client() as client:
        accepted = await upload(client, *sample_files()[:2])
        await ended(client, accepted)
    await expect(page.locator("li.file")).to_have_count(0)

    await visitor.context.set_offline(False)
    await visitor.live()
    await visitor.done(*(name for name, _ in sample_files()[:2]))
    assert await stayed(visitor)
    messages = page.locator("#feed > li")
    await expect(messages.filter(has_text="Done! I've processed")).to_have_count(2)


async def test_a_page_too_many_takes_the_place_of_another_when_asked_to(
    own_server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start()
    visitor = await visit(own_server, "ann")
    places = Settings(data_dir=own_server.data_dir).max_websocket_connections_per_user
    pages = [visitor.page]
    pages += [await visitor.context.new_page() for _ in range(places)]
    signs = [page.locator("#conn [data-part=sign]") for page in pages]
    for page, sign in zip(pages, signs, strict=True):
        await page.goto(own_server.url)
        await expect(sign).to_have_text("Not live" if sign is signs[-1] else "Live")

    await pages[-1].get_by_role("button", name="Make this one live").click()
    await expect(signs[-1]).to_have_text("Live", timeout=30_000)
    await expect(pages[-1].locator(".banner")).to_be_hidden()
    said = [await sign.inner_text() for sign in signs[:-1]]
    assert sorted(said) == ["Live"] * (places - 1) + ["Not live"]


async def test_a_file_whose_events_are_no_longer_kept_is_shown_as_it_ended(
    own_server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start()
    visitor = await visit(own_server, "ann")
    visitor.may_complain(*BREAKS)
    page = visitor.page
    name = sample_files()[0][0]
    await visitor.open()
    await visitor.live()
    await visitor.choose(sample_files()[0])
    await visitor.done(name)
    path = await visitor.address(name)
    await own_server.stop()

    await own_server.start(LIVETRAIL_LOG_RETENTION_BYTES="1")
    await visitor.live()
    await own_server.line("the log was pruned")
    await visitor.open()
    await visitor.live()
    await visitor.done(name)
    await visitor.open(path)
    await visitor.live()
    await stay(visitor)
    await expect(page.locator("#head")).to_have_attribute("data-s", "done")
    await expect(page.locator("#lines tr").first).to_be_visible()
    await page.locator("#tab-events").click()
    await expect(page.locator("#events")).to_contain_text("no longer kept")
    async with visitor.client() as client:
        await ended(client, await upload(client, *sample_files()[1:2]))
    assert await stayed(visitor)


async def test_where_no_socket_opens_the_page_lives_by_an_event_stream(
    own_server: ServerProcess, visit: Visit
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start(LIVETRAIL_ENABLE_WEBSOCKETS="false")
    visitor = await visit(own_server, "ann")
    visitor.may_complain(*BREAKS)
    await visitor.open()
    await expect(visitor.page.locator("#conn")).to_contain_text("by event stream")
    await stay(visitor)
    await visitor.choose(*sample_files()[:2])
    await visitor.done(*(name for name, _ in sample_files()[:2]))
    assert await stayed(visitor)
