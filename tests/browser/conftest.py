"""A real Chromium in front of a real server process; one skip line where chromium is missing."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from app.settings import Settings
from app.web.identity import COOKIE
from tests.browser.visitor import WITNESS, Visitor
from tests.integration.serving import session_of, with_user
from tests.process import ServerProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
)
LONGEST_MS = 60_000
DESKTOP = {"width": 1280, "height": 900}

Visit = Callable[..., Awaitable[Visitor]]
numbers = count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where chromium is missing, one test speaks for all of them."""
    own = [item for item in items if item.path.parent == Path(__file__).parent]
    if CHROMIUM is None and own:
        reason = f"chromium is not installed, which {len(own)} tests need: apt install chromium"
        own[0].add_marker(pytest.mark.skip(reason=reason))
        config.hook.pytest_deselected(items=own[1:])
        items[:] = [item for item in items if item not in own[1:]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each visitor has a context of their own."""
    expect.set_options(timeout=LONGEST_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """A server that nobody disturbs; every visitor to it is a person of their own."""
    async with ServerProcess(tmp_path_factory.mktemp("shared")) as process:
        with_user(Settings(data_dir=process.data_dir), "operator")
        await process.start()
        yield process
        await process.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def own_server(chromium: Browser, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own, not started yet."""
    async with ServerProcess(tmp_path / "data") as process:
        yield process
        if process.runs:
            await process.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser) -> AsyncIterator[Visit]:
    """Bring a person to a server: `await visit(server)`.

    name     whose browser it is; somebody new by default, None is nobody
    options  of the browser's context: java_script_enabled, color_scheme, viewport ...

    At the end of the test no browser may have held anything against a page.
    """
    visitors: list[Visitor] = []

    async def arrive(server: ServerProcess, name: str | None = "", **options: Any) -> Visitor:
        context = await chromium.new_context(**{"viewport": DESKTOP, **options})
        context.set_default_timeout(LONGEST_MS)
        await context.add_init_script(WITNESS)
        if name == "":
            name = f"visitor {next(numbers)}"
            with_user(Settings(data_dir=server.data_dir), name)
        if name is not None:
            secret = session_of(Settings(data_dir=server.data_dir), name)
            await context.add_cookies([{"name": COOKIE, "value": secret, "url": server.url}])
        visitor = Visitor(name or "", context, await context.new_page(), server)
        visitors.append(visitor)
        return visitor

    yield arrive
    for visitor in visitors:
        found = (visitor.unexpected(), await visitor.violations())
        await visitor.context.close()
        assert found == ([], [])
