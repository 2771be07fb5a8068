"""The pages in Firefox: live, fed, cut off and back. It differs where no other browser is asked."""

from pathlib import Path

import pytest

from app.settings import Settings
from app.web.identity import COOKIE
from tests.browser.firefox import FIREFOX, firefox
from tests.integration.serving import session_of, with_user
from tests.process import ServerProcess

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        FIREFOX is None,
        reason="firefox is not installed, which 1 test needs: apt install firefox-esr",
    ),
]
CSV = "Date,Description,Amount\n2025-01-04,Tea,-2.10\n"
LIVE = "document.querySelector('#conn').textContent.includes('Live')"


def done(name: str) -> str:
    """Return what is true once the list shows the file as done."""
    return (
        "[...document.querySelectorAll('li.file[data-s=done] .name a')]"
        f".some((link) => link.textContent === '{name}')"
    )


async def test_files_come_in_before_and_after_a_cut(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    """Firefox remembers a module that it could not load: the page has to ask in another way."""
    settings = Settings(data_dir=own_server.data_dir)
    with_user(settings, "ann")
    await own_server.start()
    tea, milk = tmp_path / "tea.csv", tmp_path / "milk.csv"
    tea.write_text(CSV)
    milk.write_text(CSV.replace("Tea", "Milk"))
    async with firefox(tmp_path / "profile") as browser:
        await browser.cookie(COOKIE, session_of(settings, "ann"))
        await browser.open(own_server.url)
        await browser.until(LIVE)
        await own_server.kill(with_workers=True)
        await browser.until(f"!{LIVE}")
        # what takes files in is loaded with the first of them, and there is no server to load it
        await browser.choose("#pick", tea)
        await browser.until("document.querySelector('.toast')?.textContent.includes('reached')")
        await own_server.start()
        await browser.until(LIVE)
        await browser.choose("#pick", tea, milk)
        for file in (tea, milk):
            await browser.until(done(file.name))
        await browser.open(await browser.evaluate("document.querySelector('li.file .name a').href"))
        await browser.until(LIVE)
        assert await browser.evaluate("document.querySelectorAll('#lines tr').length") == 1
