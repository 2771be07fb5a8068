"""A real Firefox, driven over WebDriver BiDi, which it speaks by itself: JSON over a WebSocket."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
STARTS_WITHIN_S = 60.0
LONGEST_S = 45.0
# Resolves once `found` is true of the page, however that comes about.
UNTIL = """(found) => new Promise((resolve) => {
  const look = () => found() && (watch.disconnect(), resolve());
  const watch = new MutationObserver(look);
  watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  look();
})"""


class Firefox:
    """One page of one browser. Every method raises AssertionError when the browser refuses."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line = line
        self._asked = 0
        self._page = ""

    async def _ask(self, method: str, **fields: Any) -> Any:
        self._asked += 1
        async with asyncio.timeout(LONGEST_S):
            await self._line.send_json({"id": self._asked, "method": method, "params": fields})
            while True:
                answer = await self._line.receive_json()
                if answer.get("id") == self._asked:
                    assert answer["type"] == "success", answer
                    return answer["result"]

    async def begin(self) -> None:
        """Take the browser over, with a page of its own."""
        await self._ask("session.new", capabilities={})
        self._page = (await self._ask("browsingContext.create", type="tab"))["context"]

    async def cookie(self, name: str, value: str) -> None:
        """Be signed in at every server of this machine."""
        cookie = {"name": name, "value": {"type": "string", "value": value}}
        await self._ask("storage.setCookie", cookie={**cookie, "domain": "127.0.0.1"})

    async def open(self, url: str) -> None:
        await self._ask("browsingContext.navigate", context=self._page, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Return what `expression`, or the promise it gives, comes to: a text, a number, a bool."""
        told = await self._ask(
            "script.evaluate",
            expression=expression,
            target={"context": self._page},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return told["result"].get("value")

    async def until(self, found: str) -> None:
        """Wait until the expression `found` is true of the page."""
        await self.evaluate(f"({UNTIL})(() => {found})")

    async def choose(self, selector: str, *files: Path) -> None:
        """Give files to a file input, as its dialog does."""
        there = await self._ask(
            "browsingContext.locateNodes",
            context=self._page,
            locator={"type": "css", "value": selector},
        )
        element = {"sharedId": there["nodes"][0]["sharedId"]}
        paths = [str(file) for file in files]
        await self._ask("input.setFiles", context=self._page, element=element, files=paths)


@contextlib.asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    """Start a Firefox that knows nothing yet; it ends with the block. `profile` is a new folder."""
    assert FIREFOX is not None
    profile.mkdir()
    process = await asyncio.create_subprocess_exec(
        FIREFOX,
        *("--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile),
        env={**os.environ, "HOME": str(profile.parent)},  # it wants one of its user's
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    reading: asyncio.Task[bytes] | None = None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            address = await _listening(process.stderr)
        reading = asyncio.create_task(process.stderr.read())  # or it would wait for a reader
        async with aiohttp.ClientSession() as client, client.ws_connect(address) as line:
            browser = Firefox(line)
            await browser.begin()
            yield browser
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(LONGEST_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if reading is not None:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


async def _listening(output: asyncio.StreamReader) -> str:
    """Return the address at which the browser says it listens."""
    said = []
    async for line in output:
        said.append(line.decode(errors="replace"))
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", said[-1]):
            return f"{found[1]}/session"
    raise AssertionError(f"firefox ended: {''.join(said)[-2000:]}")
