"""The operations page follows what goes on, as long as somebody looks who may."""

from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser.conftest import Visit
from tests.browser.test_keyboard import check_tab_order
from tests.browser.test_looks import SIDEWAYS, WIDTHS, nameless
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
STATUS = "/api/v1/websocket/status"
CROWD = 1000

# What a browser says of a page that nobody sees, and that is seen again.
SHOW = """
(shown) => {
  Object.defineProperty(document, "hidden", {value: !shown, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


def is_status(request: Request) -> bool:
    return STATUS in request.url


async def rounds(page: Page, many: int = 2) -> None:
    """Wait until the page has asked how things stand `many` times more."""
    for _ in range(many):
        async with page.expect_request_finished(is_status):
            pass


async def test_connections_come_and_go_before_ones_eyes(
    server: ServerProcess, visit: Visit
) -> None:
    visitor, guest = await visit(server, "operator"), await visit(server)
    page = visitor.page
    await visitor.open()
    await visitor.live()
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page).to_have_url(f"{server.url}/operations")
    await expect(page.locator("#conn")).to_contain_text("Live by polling")
    rows = page.locator("#lines tr").filter(has_text=guest.name)
    async with guest.client() as client, AsyncExitStack() as sockets:
        socket = await sockets.enter_async_context(client.ws_connect("/ws"))
        await socket.send_json({"op": "subscribe", "room": "user:me"})
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("own files")
        await rows.get_by_role("button", name=f"Log frames of {guest.name}").click()
        frames = page.locator("#frames")
        await expect(frames).to_be_focused()
        await socket.send_json({"op": "ping", "id": "are you there"})
        await expect(frames.locator("li").first).to_contain_text("pong")
        await expect(frames).to_contain_text("are you there")
        await rows.get_by_role("button", name=f"Stop logging of {guest.name}").click()
        await expect(frames).to_contain_text("the log is off")
        await expect(page.locator("#notes")).to_contain_text("logged a connection")
    await expect(rows).to_have_count(0)


async def test_every_control_is_reached_has_a_name_and_fits(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, "operator")
    page = visitor.page
    await visitor.open("/operations")
    await expect(page.locator("#conn")).to_contain_text("Live")
    assert await nameless(page) == []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(SIDEWAYS) is None, width
    await check_tab_order(page)


async def test_nobody_is_asked_while_nobody_looks(server: ServerProcess, visit: Visit) -> None:
    visitor = await visit(server, "operator")
    page = visitor.page
    await page.clock.install()
    await visitor.open("/operations")
    await expect(page.locator("#conn")).to_contain_text("Live")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.evaluate(SHOW, False)
    await page.clock.run_for(60_000)
    assert [url for url in asked if STATUS in url] == []
    async with page.expect_request(is_status):
        await page.evaluate(SHOW, True)


async def test_somebody_who_was_signed_out_is_told_and_asks_no_more(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, "operator")
    visitor.may_complain("status of 401")
    page = visitor.page
    await visitor.open("/operations")
    await expect(page.locator("#conn")).to_contain_text("Live")
    await visitor.context.clear_cookies()
    await expect(page.locator(".banner")).to_contain_text("You are signed out")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.evaluate(SHOW, False)
    await page.evaluate(SHOW, True)
    assert asked == []
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_of_a_crowd_two_hundred_are_shown_and_the_rest_is_counted(
    server: ServerProcess, visit: Visit
) -> None:
    visitor = await visit(server, "operator")
    page = visitor.page

    async def crowded(route: Route) -> None:
        answer = await route.fetch()
        status = await answer.json()
        assert "limit=200" in route.request.url
        one = {
            "user": "Mara", "user_id": "u", "client": "cookie", "address": "::1",
            "transport": "websocket", "format": "json", "since": status["now"], "rooms": ["all"],
            "cursor": 7, "lag": 0, "messages_in": 0, "events_out": 0, "bytes_out": 0,
            "logged_until": None,
        }  # fmt: skip
        status |= {"connected": CROWD, "connections": [{**one, "id": str(n)} for n in range(200)]}
        await route.fulfill(response=answer, json=status)

    await page.route(f"**{STATUS}*", crowded)
    await visitor.open("/operations")
    await expect(page.locator("#lines tr")).to_have_count(200)
    await expect(page.locator("#shown")).to_have_text("200 shown, 800 more")
    await page.locator("#lines tr").nth(150).evaluate("(node) => { window.held = node }")
    await rounds(page)
    assert await page.locator("#lines tr").nth(150).evaluate("(node) => node === window.held")
