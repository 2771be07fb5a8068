"""The step page_reading: every page of a document, its words, its zones, told as it happens."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.core.messages import friendly_message
from app.core.notices import PagesLeftOut, UnreadablePages
from app.core.reading import Task, Tell
from app.reading.margins import Margins
from app.reading.page import Page, PageLog, Zone
from app.reading.sources import Source, open_source
from app.reading.zones import Draft
from app.reading.zoning import lay_out

ZONES_TOLD = 1000  # of one document; those of its further pages are told page by page
PAGES_NAMED = 20


def read_pages(task: Task, tell: Tell) -> dict[str, Any]:
    """Read every page and leave them for later steps (page.load_pages).

    Returns {"pages", "read", "zones", "kinds": {kind: zones}, "sources": {source: pages},
    "words", "unreadable": [page, ...], "turned": {page: quarters}}. A step that was broken off goes
    on after its last page. It tells the zones of the pages before once more: what it said last may
    have been heard by nobody, and what was heard is not written twice.

    Raises DamagedFile, ImageTooLarge, and Asking for a password. Warns UnreadablePages,
    PagesLeftOut and DamagedImage.
    """
    summary = _Summary()
    teller = _Teller(tell, summary)
    with open_source(task, tell, teller.ocr) as source:
        total = teller.pages = min(len(source), task["limits"]["max_pages"])
        log = PageLog(task["work_dir"])
        try:
            margins = Margins()
            for page in log.pages():
                summary.count(page)
                teller.zones(page)
                margins.remember([word for line in page.lines for word in line], page.height)
            for number in range(log.kept + 1, total + 1):
                page = _page(source, number, margins, summary.zones)
                summary.count(page)
                teller.page(page)
                log.add(page)
            log.finish()
        finally:
            log.close()
        if len(source) > total:
            tell.warn(PagesLeftOut(pages=len(source), limit=total))
    if summary.problems:
        tell.warn(summary.unreadable())
    return summary.found()


class _Summary:
    """What the pages amount to so far."""

    def __init__(self) -> None:
        self.pages = self.zones = self.words = 0
        self.kinds: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.problems: dict[int, str] = {}
        self.turned: dict[str, int] = {}

    def count(self, page: Page) -> None:
        self.pages += 1
        self.zones += len(page.zones)
        self.words += sum(map(len, page.lines))
        self.kinds.update(zone.kind for zone in page.zones)
        self.sources[page.source] += 1
        if page.turned:
            self.turned[str(page.number)] = page.turned
        if page.problem:
            self.problems[page.number] = page.problem

    def unreadable(self) -> UnreadablePages:
        """Return the notice that names the pages that could not be read."""
        numbers = [str(number) for number in self.problems]
        which = "page " if len(numbers) == 1 else "pages "
        which += ", ".join(numbers[:PAGES_NAMED]) + ("…" if len(numbers) > PAGES_NAMED else "")
        reason = next(iter(self.problems.values()))
        read = self.pages - len(numbers)
        return UnreadablePages(read=read, pages=self.pages, which=which, reason=reason)

    def found(self) -> dict[str, Any]:
        return {
            "pages": self.pages,
            "read": self.pages - len(self.problems),
            "zones": self.zones,
            "kinds": dict(self.kinds.most_common()),
            "sources": dict(self.sources.most_common()),
            "words": self.words,
            "unreadable": list(self.problems),
            "turned": self.turned,
        }


def _page(source: Source, number: int, margins: Margins, first_index: int) -> Page:
    """Read one page; its first zone is the document's zone `first_index`."""
    began_s = time.perf_counter()
    sheet = source.read(number)
    margins.look_ahead(*source.peek(number + 1))
    layout = lay_out(sheet, margins)
    margins.remember(sheet.words, sheet.height)
    return Page(
        number,
        round(sheet.width, 2),
        round(sheet.height, 2),
        sheet.source,
        layout.lines,
        _zones(layout.drafts, number, first_index, began_s),
        sheet.problem,
        sheet.turned,
    )


def _zones(drafts: list[Draft], number: int, first_index: int, began_s: float) -> list[Zone]:
    """Name the drafts; each took its share of the page's time."""
    took_ms = round((time.perf_counter() - began_s) * 1000 / max(len(drafts), 1))
    return [
        Zone(
            id=f"p{number}z{place}",
            index=first_index + place - 1,
            page=number,
            kind=draft.kind,
            bbox=draft.box,
            tool=draft.tool,
            confidence=draft.confidence,
            duration_ms=took_ms,
            text=draft.text,
            data=draft.data,
        )
        for place, draft in enumerate(drafts, start=1)
    ]


class _Teller:
    """Tells zones while there are not too many, and pages after that."""

    def __init__(self, tell: Tell, summary: _Summary) -> None:
        self._tell = tell
        self._summary = summary
        self.pages = 0  # of the document that are read

    def ocr(self, number: int) -> None:
        """Tell that the work on a page has begun which takes its time."""
        self._tell.events([{**self._of_page(number, "rapidocr"), "type": "zone_processing"}])

    def page(self, page: Page) -> None:
        """Tell the page's zones, and how far the step is."""
        self.zones(page)
        self._tell(page.number, self.pages, pages_done=page.number, pages_total=self.pages)

    def zones(self, page: Page) -> None:
        """Tell the page's zones, in one commit."""
        if self._summary.zones <= ZONES_TOLD:
            told = [event for zone in page.zones for event in self._of_zone(zone, page)]
            if told:
                self._tell.events(told)
        else:
            tool = page.zones[0].tool if page.zones else ""
            took_ms = sum(zone.duration_ms for zone in page.zones)
            body = self._of_page(page.number, tool)
            done = {"type": "zone_completed", "duration_ms": took_ms, "done": page.number}
            self._tell.events([{**body, **done}])

    def _of_zone(self, zone: Zone, page: Page) -> Iterator[dict[str, Any]]:
        place, count = zone.index - page.zones[0].index + 1, len(page.zones)
        facts = {"zone": place, "zones": count, "page": page.number}
        common = {
            "zone_id": zone.id,
            "zone_index": zone.index,
            "page": page.number,
            "kind": zone.kind,
            "bbox": list(zone.bbox),
            "processing_tool": zone.tool,
            "zones_total": None if page.number < self.pages else self._summary.zones,
            "message": friendly_message("extracting", facts),
            "total": self.pages,
        }
        before = page.number - 1
        yield {
            **common,
            "type": "zone_processing",
            "zones_completed": zone.index,
            "done": before + (place - 1) / count,
        }
        yield {
            **common,
            "type": "zone_completed",
            "zones_completed": zone.index + 1,
            "confidence": zone.confidence,
            "duration_ms": zone.duration_ms,
            "done": before + place / count,
        }

    def _of_page(self, number: int, tool: str) -> dict[str, Any]:
        facts = {"page": number, "pages": self.pages}
        return {
            "zone_id": f"p{number}",
            "zone_index": self._summary.zones,
            "page": number,
            "kind": "page",
            "processing_tool": tool,
            "zones_completed": self._summary.zones,
            "zones_total": None if number < self.pages else self._summary.zones,
            "message": friendly_message("page_reading", facts),
            "done": number - 1,
            "total": self.pages,
        }
