"""Pages for tests, drawn with letters: a line is a line, two spaces or more set cells apart."""

import re

from app.reading.page import Page, Word

LETTER, LINE, HEIGHT = 6.0, 14.0, 11.0


def page_of(text: str, number: int = 1, *, source: str = "text") -> Page:
    """Return a page that shows `text` in letters of one width."""
    lines = []
    for row, line in enumerate(text.strip("\n").splitlines()):
        y = 40.0 + row * LINE
        words = [
            Word(match.start() * LETTER, y, match.end() * LETTER, y + HEIGHT, match[0], HEIGHT)
            for match in re.finditer(r"\S+", line)
        ]
        if words:
            lines.append(words)
    return Page(number, 100 * LETTER, 842.0, source, lines)
