"""Pages as page_reading leaves them, for tests of the steps after it."""

from collections.abc import Iterable
from pathlib import Path

from app.reading.page import PAGES_FILE, Page, PageLog


def save_pages(work_dir: str | Path, pages: Iterable[Page]) -> None:
    """Write `pages` for later steps, in the place of what was there."""
    (Path(work_dir) / PAGES_FILE).with_suffix(".part").unlink(missing_ok=True)
    log = PageLog(work_dir)
    try:
        for page in pages:
            log.add(page)
        log.finish()
    finally:
        log.close()
