"""The kit on a page of another site: it is imported from the server, follows and sends by token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import expect

from app.core.samples import transactions_csv
from app.settings import Settings
from tests.browser.conftest import Visit
from tests.integration.serving import token_of, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEXT = b"".join(transactions_csv(50)).decode()
PAGE = """<!doctype html>
<title>Another site</title>
<link rel="icon" href="data:,">
<p id="state"></p><p id="file"></p>
<script type="module">
  import { createClient, createFileStatusStore, createUpload } from "SERVER/static/sdk/index.js";
  const show = (id, text) => (document.getElementById(id).textContent = text);
  const store = createFileStatusStore();
  const client = createClient({
    server: "SERVER",
    transports: [location.hash.slice(1)],
    rooms: [{ room: "user:me" }],
    getToken: async () => (await fetch("/token")).text(),
    ...store.handlers,
    onState: (state) => show("state", `${state.name} ${state.transport ?? ""}`),
  });
  client.start();
  const headers = { Authorization: "Bearer SECRET" };
  window.send = async (name, text) => {
    const upload = createUpload(new File([text], name), { server: "SERVER", headers });
    const { job_id } = await upload.done;
    const look = () => {
      const file = store.getStatus(job_id);
      if (file) show("file", `${file.filename} ${file.phase} ${file.overallProgress}`);
    };
    store.subscribe(look);
    look();
  };
</script>
"""


@asynccontextmanager
async def another_site(server: ServerProcess) -> AsyncIterator[str]:
    """A site that shows PAGE and makes tokens for it; yields its address.

    The server is started here, so that it knows which site may read its answers.
    """

    async def page(request: web.Request) -> web.Response:
        text = PAGE.replace("SERVER", server.url).replace("SECRET", secret)
        return web.Response(text=text, content_type="text/html")

    async def token(request: web.Request) -> web.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            aiohttp.ClientSession(server.url, headers=headers) as http,
            http.post("/api/v1/auth/websocket-token") as answer,
        ):
            return web.Response(text=(await answer.json())["token"])

    settings = Settings(data_dir=server.data_dir)
    with_user(settings, "ann")
    secret = token_of(settings, "ann")
    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/token", token)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await server.start(LIVETRAIL_ALLOWED_ORIGINS=url)
        yield url
    finally:
        await runner.cleanup()


async def test_a_page_of_another_site_follows_by_every_transport_and_sends_a_file(
    own_server: ServerProcess, visit: Visit
) -> None:
    async with another_site(own_server) as url:
        visitor = await visit(own_server, None)
        visitor.may_complain(url)
        page = visitor.page
        for transport in ("websocket", "sse", "polling"):
            await page.goto(f"{url}/#{transport}")
            await page.reload()  # another fragment alone is no other page
            await expect(page.locator("#state")).to_have_text(f"live {transport}")
            await page.evaluate("([name, text]) => send(name, text)", [f"{transport}.csv", TEXT])
            await expect(page.locator("#file")).to_have_text(f"{transport}.csv done 100")
