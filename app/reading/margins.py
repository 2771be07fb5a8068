"""What stands at the head and foot of a document's pages: what returns from page to page."""

import re
from collections.abc import Iterable, Sequence

from app.reading.layout import Block, pieces_of, rows_of
from app.reading.page import Word

MARGIN = 0.12  # of the page's height, at its head and at its foot
LONGEST = 400  # letters of a line that may return
REMEMBERED = 200  # lines of a document
NUMBERS = re.compile(r"\d+")
PAGE_NUMBER = re.compile(
    r"(?:-\s*)?\d{1,4}(?:\s*-)?"
    r"|(?:page|seite|pagina|página|pag\.?|p\.|blatt)\s*:?\s*\d{1,4}(?:\s*(?:of|von|de|di|van|/)\s*\d{1,4})?"
    r"|\d{1,4}\s*(?:of|von|de|di|van|/)\s*\d{1,4}",
    re.I,
)


class Margins:
    """Remembers the lines in the margins of the pages so far, and of the one that follows."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._next: set[str] = set()

    def look_ahead(self, words: Sequence[Word], height: float) -> None:
        """Take up what the following page says; nothing where that is not known."""
        self._next = set(_lines(words, height))

    def remember(self, words: Sequence[Word], height: float) -> None:
        """Take up a page that was laid out."""
        for line in _lines(words, height):
            if len(self._known) < REMEMBERED:
                self._known[line] = None

    def kind_of(self, block: Block, height: float) -> str | None:
        """Return header or footer for a block that returns, or is a page's number; else None."""
        _, top, _, bottom = block.box
        if bottom <= MARGIN * height:
            kind = "header"
        elif top >= (1 - MARGIN) * height:
            kind = "footer"
        else:
            return None
        lines = [_signature(piece.text) for piece in block.pieces]
        if PAGE_NUMBER.fullmatch(block.text.strip()):
            return kind
        returning = sum(line in self._known or line in self._next for line in lines)
        return kind if returning * 2 > len(lines) else None


def _lines(words: Sequence[Word], height: float) -> Iterable[str]:
    low, high = MARGIN * height, (1 - MARGIN) * height
    edge = [word for word in words if word.y1 <= low or word.y0 >= high]
    for row in rows_of(edge):
        for piece in pieces_of(row):
            yield _signature(piece.text)


def _signature(text: str) -> str:
    return NUMBERS.sub("#", text.casefold())[:LONGEST]
