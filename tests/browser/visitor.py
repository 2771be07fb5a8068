"""A person in front of a browser: what they do on a page, and what the browser complained of."""

import base64
import re
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    Request,
    expect,
)

from app.settings import Settings
from tests.integration.serving import token_of
from tests.process import ServerProcess

# Notes what a row said from its first moment on, because what is gone can not be waited for.
WITNESS = """
window.witness = {sentences: {}, percents: {}, violations: []};
addEventListener("securitypolicyviolation", (event) =>
  witness.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
addEventListener("DOMContentLoaded", () => {
  const note = (kind, name, value) => {
    const seen = (witness[kind][name] ??= []);
    if (seen.at(-1) !== value) seen.push(value);
  };
  const look = (row) => {
    const name = row.querySelector(".name a, #job-title").firstChild.textContent.trim();
    const rail = row.querySelector("[role=progressbar]");
    if (!name || !rail) return;
    note("percents", name, Number(rail.getAttribute("aria-valuenow")));
    note("sentences", name, row.querySelector("[data-part=message]").textContent);
  };
  const rows = "li.file[data-key], #head";
  document.querySelectorAll(rows).forEach(look);
  new MutationObserver((changes) => {
    const nodes = changes.flatMap((change) => [change.target, ...change.addedNodes]);
    const elements = nodes.map((node) => (node.nodeType === 1 ? node : node.parentElement));
    new Set(elements.map((node) => node?.closest(rows)).filter(Boolean)).forEach(look);
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributeFilter: ["aria-valuenow"],
  });
});
"""
DROP = """
(files) => {
  const data = new DataTransfer();
  for (const {name, type, body} of files) {
    const bytes = Uint8Array.from(atob(body), (one) => one.charCodeAt(0));
    data.items.add(new File([bytes], name, {type}));
  }
  const fire = (type) => document.querySelector("main").dispatchEvent(
    new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
  fire("dragenter");
  fire("dragover");
  fire("drop");
}
"""

HEAR_THE_CHOICE = """
(input) => input.addEventListener("click", (event) => {
  event.preventDefault();
  input.dataset.opened = "yes";
})
"""


class Visitor:
    """One browser with its cookies and one page.

    complaints  errors of scripts, refused resources, broken policies, requests to other hosts
    """

    def __init__(
        self, name: str, context: BrowserContext, page: Page, server: ServerProcess
    ) -> None:
        self.name = name
        self.context = context
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self._expected: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"page error: {error.error}"))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != f"127.0.0.1:{self.server.port}":
            self.complaints.append(f"a request to another host: {request.url}")

    def may_complain(self, *patterns: str) -> None:
        """What the test brings about itself is no fault of the page: regular expressions."""
        self._expected += patterns

    def unexpected(self) -> list[str]:
        return [
            one for one in self.complaints if not any(re.search(p, one) for p in self._expected)
        ]

    async def violations(self) -> list[str]:
        """Return what the page's Content-Security-Policy refused since it was loaded."""
        found: list[str] = await self.page.evaluate("window.witness?.violations ?? []")
        return found

    # going about

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.server.url + path)

    async def live(self) -> None:
        """Wait until the page says that it is live."""
        await expect(self.page.locator("#conn")).to_contain_text("Live")

    async def choose(self, *files: tuple[str, bytes]) -> None:
        """Give files to the file input, as its dialog does."""
        await self.page.set_input_files(
            "#pick", [FilePayload(name=n, mimeType="text/csv", buffer=body) for n, body in files]
        )

    async def choosing(self) -> Locator:
        """Return the file input, which from now on says data-opened=yes instead of its dialog.

        A browser catches dialogs only from some moment on, which can not be waited for.
        """
        pick = self.page.locator("#pick")
        await pick.evaluate(HEAR_THE_CHOICE)
        return pick

    async def drop(self, *files: tuple[str, bytes]) -> None:
        """Drop files in the middle of the page."""
        packed = [
            {"name": n, "type": "text/csv", "body": base64.b64encode(body).decode()}
            for n, body in files
        ]
        await self.page.evaluate(DROP, packed)

    def client(self) -> aiohttp.ClientSession:
        """Return a program of the same person."""
        settings = Settings(data_dir=self.server.data_dir)
        return self.server.client(token_of(settings, self.name))

    # looking

    def file(self, name: str) -> Locator:
        """Return the row of a file in the list."""
        link = self.page.locator(".name a", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator("li.file").filter(has=link)

    async def done(self, *names: str) -> None:
        """Wait until these files are done."""
        for name in names:
            await expect(self.file(name)).to_have_attribute("data-s", "done")

    async def answer(self, name: str, choice: str) -> None:
        """Answer what a file in the list asks with the choice of this label."""
        await self.file(name).get_by_label(choice).check()
        await self.file(name).get_by_role("button", name="Answer").click()

    async def open_file(self, name: str) -> None:
        await self.file(name).locator(".name a").click()
        await expect(self.page.locator("#job-title")).to_contain_text(name)

    async def address(self, name: str) -> str:
        """Return the path of a file's page: /jobs/<id>."""
        return str(await self.file(name).locator(".name a").get_attribute("href"))

    async def events_shown(self) -> list[tuple[int, str]]:
        """Return n and type of every event that a job's page lists, oldest first."""
        lines = self.page.locator("#raw > li")
        texts = await lines.evaluate_all(
            "all => all.map((li) => [...li.children].map(c => c.textContent))"
        )
        return [(int(n), kind) for n, _, kind, *_ in reversed(texts)]

    async def events_logged(self, path: str) -> list[tuple[int, str]]:
        """Return n and type of every event of the job at `path` that the server remembers."""
        async with (
            self.client() as client,
            client.get(f"/api/v1{path}/events?limit=1000") as answer,
        ):
            return [(event["n"], event["type"]) for event in (await answer.json())["events"]]

    async def witnessed(self, kind: str, name: str) -> list[Any]:
        """Return every value that `name` showed since the page was loaded: sentences, percents."""
        found: list[Any] = await self.page.evaluate(
            "([kind, name]) => window.witness[kind][name] ?? []", [kind, name]
        )
        return found
