"""Cells of a text table that a spreadsheet program would run as a formula.

They are told and kept as text. Ordinary negative numbers, phone numbers, text that merely begins
with a sign, and Excel's own ="0123" wrapping of text are none.
"""

import re

import yara_x

from app.reading.rules import formula_rules

CONTEXT_BYTES = 256  # seen on both sides of a hit; a formula tells itself in fewer
LEAD = b" \r\"'"  # may stand in a cell before its sign
ENDS = b"\n,;\t|~^"

FORMULA = re.compile(
    rb"[\s\"']*(?:"
    rb"=(?!\s*\"+[^\"=]*\"+\s*(?:[,;\t\r\n]|$))\s*(?:[A-Za-z_]|[(+@'{\[\\-]|\d[^,;\t\n]*[-+*/^&(]|\")"
    rb"|[+@-]\s*[A-Za-z][A-Za-z0-9_.]*\("
    rb"|[+@-][^\n,;\t]{1,60}\|\s*['\"/][^\n]{0,120}!"
    rb")"
)


class FormulaCounter:
    """Counts formula cells over a file that comes in blocks; `first_line` counts from 1."""

    def __init__(self) -> None:
        self.cells = 0
        self.first_line = 0
        self._scanner = yara_x.Scanner(formula_rules())
        self._window = b"\n"  # so that a cell at the very start has something before it
        self._judged = 0  # hits before this place in the window were judged
        self._lines = 0  # line feeds before the window

    def feed(self, block: bytes) -> None:
        """Look at the next block; its last bytes wait for what follows them."""
        self._window += block
        self._judge(len(self._window) - CONTEXT_BYTES)
        drop = max(0, len(self._window) - 2 * CONTEXT_BYTES)
        if not self.cells:
            self._lines += self._window.count(b"\n", 0, drop)
        self._window = self._window[drop:]
        self._judged = max(0, self._judged - drop)

    def end(self) -> None:
        """Judge what waited for more."""
        self._judge(len(self._window))

    def _judge(self, until: int) -> None:
        if until <= self._judged:
            return
        places = sorted(
            {
                match.offset + 1
                for rule in self._scanner.scan(self._window).matching_rules
                for pattern in rule.patterns
                for match in pattern.matches
                if self._judged <= match.offset < until
            }
        )
        last = -1
        for at in places:
            start = self._cell_start(at)
            if start == last or start < 0:
                continue
            if FORMULA.match(self._window, at, at + CONTEXT_BYTES):
                last = start
                if not self.cells:
                    self.first_line = self._lines + self._window.count(b"\n", 0, start) or 1
                self.cells += 1
        self._judged = until

    def _cell_start(self, at: int) -> int:
        """Where the cell of a sign at `at` begins; -1 when something stands before the sign."""
        start = at
        while start > 0 and self._window[start - 1] in LEAD:
            start -= 1
        return start if start == 0 or self._window[start - 1] in ENDS else -1
