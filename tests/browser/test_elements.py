"""The kit's elements in a page of another site: shown, fed, and useful without a mouse."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.browser.test_looks import nameless
from tests.integration.serving import settings_for, token_of, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
CSV = b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n2025-01-05,Milk,-1.30\n"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>
<style>:root { color-scheme: light dark } body { max-width: 40rem; margin: auto }</style>
<h1>A page of another site</h1>
<lt-upload server="$server"></lt-upload>
<script type="module">
  const headers = { Authorization: "Bearer $secret" };
  async function getToken() {
    const answer = await fetch("$server/api/v1/auth/websocket-token", {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ kind: "listen" }),
    });
    return (await answer.json()).token;
  }
  // what is set before the element is known counts, and so does what is set after it is shown
  const upload = document.querySelector("lt-upload");
  upload.getToken = getToken;
  upload.headers = headers;
  window.said = [];
  for (const name of ["lt-uploaded", "lt-completed", "lt-failed", "lt-refused"]) {
    document.addEventListener(name, ({ detail }) => {
      window.said.push([name, detail]);
      if (name !== "lt-uploaded") return;
      for (const tag of ["lt-file-status", "lt-timeline", "lt-progress"]) {
        const element = document.createElement(tag);
        element.setAttribute("server", "$server");
        element.setAttribute("job", detail.job_id);
        document.body.append(element);
        element.getToken = getToken;
      }
    });
  }
  import("$server/static/sdk/elements/index.js");
</script>
"""

HEAR_THE_CHOICE = """() => {
  const input = document.querySelector("lt-upload").shadowRoot.querySelector("input");
  input.addEventListener("click", (event) => {
    event.preventDefault();
    window.chosen = { type: input.type, multiple: input.multiple };
  });
}"""

# With a getToken of its own it is somebody else, and shares no connection.
ADD_ANOTHER = """() => {
  const { getToken } = document.querySelector("lt-upload");
  const element = document.createElement("lt-progress");
  element.setAttribute("server", document.querySelector("lt-upload").getAttribute("server"));
  element.setAttribute("job", "01900000-0000-7000-8000-000000000001");
  element.getToken = () => getToken();
  document.body.append(element);
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser, tmp_path: Path) -> AsyncIterator[Page]:
    """A page of another site that may call a server of its own."""
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    server = ServerProcess(settings.data_dir)
    told = {"$server": "", "$secret": token_of(settings, "ann")}

    async def answer(request: web.Request) -> web.Response:
        text = PAGE
        for name, value in told.items():
            text = text.replace(name, value)
        return web.Response(text=text, content_type="text/html")

    other = web.Application()
    other.router.add_get("/", answer)
    async with TestServer(other) as elsewhere:
        await server.start(LIVETRAIL_ALLOWED_ORIGINS=str(elsewhere.make_url("")).rstrip("/"))
        told["$server"] = server.url
        context = await chromium.new_context()
        try:
            page = await context.new_page()
            page.on("pageerror", lambda error: pytest.fail(str(error)))
            await page.goto(str(elsewhere.make_url("/")))
            yield page
        finally:
            await context.close()
            await server.stop()


async def test_a_file_is_given_and_shown_by_every_element(page: Page) -> None:
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    await page.locator("lt-upload input").set_input_files(
        [
            {"name": "tea.csv", "mimeType": "text/csv", "buffer": CSV},
            {"name": "empty.csv", "mimeType": "text/csv", "buffer": b""},
            {"name": "nothing.csv", "mimeType": "text/csv", "buffer": b""},
        ]
    )
    await expect(page.locator("lt-upload [part=error][role=alert] p")).to_have_text(
        ["empty.csv is empty.", "nothing.csv is empty."]
    )
    card = page.locator("lt-upload [part=card]")
    await expect(card.locator("[part=name]")).to_have_text("tea.csv")
    await expect(card.locator("[part=state]")).to_have_text("Done")
    status = page.locator("lt-file-status")
    await expect(status.locator("[part=state]")).to_have_text("Done")
    bar = page.get_by_role("progressbar", name="Progress of tea.csv")
    await expect(bar).to_have_count(3)
    await expect(status.locator(bar)).to_have_attribute("aria-valuenow", "100")
    await expect(page.locator("lt-timeline li[data-state=done]")).to_have_count(5)
    await expect(page.locator("lt-progress [part=percent]")).to_have_text("100%")
    said = await page.evaluate("window.said")
    assert [name for name, _ in said] == ["lt-uploaded", "lt-completed"]
    assert said[1][1]["result"]["rows"] == 2
    for width, scheme in ((390, "dark"), (1280, "light")):
        await page.set_viewport_size({"width": width, "height": 844})
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_every_element_shows_the_file_it_names(page: Page) -> None:
    names = ["tea.csv", "milk.csv"]
    files = [
        {"name": name, "mimeType": "text/csv", "buffer": CSV + f"2025-01-09,{name},-1\n".encode()}
        for name in names
    ]
    await page.locator("lt-upload input").set_input_files(files)
    shown = page.locator("lt-file-status")
    await expect(shown).to_have_count(2)
    await expect(shown.locator("[part=state]")).to_have_text(["Done", "Done"])
    assert sorted(await shown.locator("[part=name]").all_inner_texts()) == sorted(names)


async def test_a_file_that_fails_says_what_to_do(page: Page) -> None:
    await page.locator("lt-upload input").set_input_files(
        [{"name": "<b>bad.csv", "mimeType": "text/csv", "buffer": b"\0\1" * 99}]
    )
    card = page.locator("lt-upload [part=card]")
    await expect(card.locator("[part=state]")).to_have_text("Failed")
    await expect(card.locator("[part=error]")).not_to_be_empty()
    await expect(card.locator("[part=name]")).to_have_text("<b>bad.csv")
    await page.wait_for_function("window.said.some(([name]) => name === 'lt-failed')")
    assert json.dumps(await nameless(page)) == "[]"


async def test_a_keyboard_reaches_the_button(page: Page) -> None:
    button = page.get_by_role("button", name="Choose files")
    await expect(button).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(button).to_be_focused()
    # What the browser would open is not waited for: it is caught only from some moment on.
    await page.evaluate(HEAR_THE_CHOICE)
    await page.keyboard.press("Enter")
    await page.wait_for_function("window.chosen !== undefined")
    assert await page.evaluate("window.chosen") == {"type": "file", "multiple": True}


async def test_an_element_that_leaves_the_page_ends_its_connection(page: Page) -> None:
    # its own connection is there: the next one is the other's
    await page.wait_for_function("document.querySelector('lt-upload').connected")
    async with page.expect_websocket() as opening:
        await page.evaluate(ADD_ANOTHER)
    socket = await opening.value
    async with socket.expect_event("close"):
        await page.evaluate("document.querySelector('lt-progress').remove()")
    assert await page.evaluate("document.querySelector('lt-upload').member !== null")
