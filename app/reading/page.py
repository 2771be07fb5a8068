"""One page of a document as it was read: words, lines, zones; and the file they cross steps in."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

PAGES_FILE = "pages.ndjson"


@dataclass(frozen=True, slots=True)
class Word:
    """A word; the box is in points from the top left of the page as it is shown.

    size        of its letters, points
    confidence  0 to 1; 1 for text that the file itself holds
    """

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float = 0.0
    confidence: float = 1.0
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of a page that belongs together.

    kind  text, heading, list, key_value, table, figure, header or footer
    tool  what read it: pdfium, rapidocr; of a table rulings or alignment
    data  of a table {"rows": [[cell, ...], ...]}, of a key_value {"key": ..., "value": ...}
    """

    id: str
    index: int
    page: int
    kind: str
    bbox: tuple[float, float, float, float]
    tool: str
    confidence: float
    duration_ms: int
    text: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `lines` are its words in reading order, line by line.

    source   where its text comes from: text, ocr, both or none
    problem  why it could not be read, in words; None where it was
    turned   by how many quarters what the file holds was turned clockwise, to stand upright
    """

    number: int
    width: float
    height: float
    source: str
    lines: list[list[Word]] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    problem: str | None = None
    turned: int = 0

    @property
    def text(self) -> str:
        """The page's text, line by line."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, line: bytes) -> "Page":
        found = orjson.loads(line)
        lines = [[Word(**word) for word in words] for words in found["lines"]]
        zones = [Zone(**{**zone, "bbox": tuple(zone["bbox"])}) for zone in found["zones"]]
        return cls(**{**found, "lines": lines, "zones": zones})


def load_pages(work_dir: str | Path) -> Iterator[Page]:
    """Yield what page_reading left, in order. Raises FileNotFoundError when it left nothing."""
    with (Path(work_dir) / PAGES_FILE).open("rb") as stream:
        for line in stream:
            yield Page.from_json(line)


class PageLog:
    """Pages as they are read, one after another; what a broken-off step has read is kept."""

    def __init__(self, work_dir: str | Path) -> None:
        """Open the file for more pages; `kept` are those that are in it already."""
        self._path = Path(work_dir) / PAGES_FILE
        self._part = self._path.with_suffix(".part")
        self.kept = 0
        whole = 0
        if self._part.exists():
            with self._part.open("rb") as stream:
                for line in stream:
                    if not line.endswith(b"\n"):
                        break  # it was cut short while it was written
                    whole += len(line)
                    self.kept += 1
        self._stream = self._part.open("ab")
        self._stream.truncate(whole)

    def pages(self) -> Iterator[Page]:
        """Yield the pages that were kept."""
        with self._part.open("rb") as stream:
            for _ in range(self.kept):
                yield Page.from_json(stream.readline())

    def add(self, page: Page) -> None:
        """Keep a page; it outlives this process."""
        self._stream.write(page.to_json() + b"\n")
        self._stream.flush()

    def finish(self) -> None:
        """Hand the pages over to the later steps, all of them."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._part.rename(self._path)

    def close(self) -> None:
        self._stream.close()
