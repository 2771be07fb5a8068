"""Cells that a spreadsheet program would run as a formula, and formulas without a result.

The former are told and kept as text. Ordinary negative numbers, phone numbers, text that merely
begins with a sign, and Excel's own ="0123" wrapping of text are none.
"""

import re
from collections.abc import Iterable

import yara_x

from app.reading.rules import formula_rules

CONTEXT_BYTES = 256  # seen on both sides of a hit; a formula tells itself in fewer
ENDS = b"\n,;\t|~^"  # of the cell before
END_BYTES = [bytes([end]) for end in ENDS]

FORMULA = re.compile(
    rb"[\s\"']*(?:"
    rb"=(?!\s*\"+[^\"=]*\"+\s*(?:[,;\t\r\n]|$))\s*(?:[A-Za-z_]|[(+@'{\[\\-]|\d[^,;\t\n]*[-+*/^&(]|\")"
    rb"|[+@-]\s*[A-Za-z][A-Za-z0-9_.]*\("
    rb"|[+@-][^\n,;\t]{1,60}\|\s*['\"/][^\n]{0,120}!"
    rb")"
)

BEGINNINGS = frozenset("=+-@\"' \t\r\n\f\v")  # a quick look before the close one
MARK = "\x1f"  # before each cell where many are looked at together
SUSPECT = re.compile(MARK + r"""[ \t\r\n\f\v"']*(?:=|[+@-][\d.,]*[^\d.,\x1f])""")
# A cell of a sheet's XML with a formula and no value; an empty value of type "str" is a result.
UNVALUED = re.compile(
    rb"<(?P<ns>(?:\w{1,20}:)?)c(?P<facts>\s[^<>]{0,500})?>\s{0,99}"
    rb"<(?P=ns)f(?:\s[^<>]{0,500})?(?:/>|>[^<]{0,9000}</(?P=ns)f\s{0,9}>)\s{0,99}"
    rb"(?:<(?P=ns)v\s{0,9}(?:/>|></(?P=ns)v\s{0,9}>)\s{0,99})?</(?P=ns)c\s{0,9}>"
)
TEXT_RESULT = re.compile(rb"""\st\s{0,8}=\s{0,8}["']str["']""")
CELL_BYTES = 16 * 1024  # of XML, more than UNVALUED matches


def is_formula(cell: str) -> bool:
    """Whether a cell of text begins like a formula."""
    return bool(cell) and cell[0] in BEGINNINGS and bool(FORMULA.match(_beginning(cell)))


def may_hold_formulas(rows: Iterable[list[str]]) -> bool:
    """Whether it is worth to ask is_formula of each cell; negative numbers are no reason."""
    return SUSPECT.search(MARK + MARK.join(map(MARK.join, rows))) is not None


def _beginning(cell: str) -> bytes:
    return cell[:CONTEXT_BYTES].encode("utf-8", "replace")


class UnvaluedCounter:
    """Counts a workbook's formulas without a stored value, from XML that comes in blocks."""

    def __init__(self) -> None:
        self.cells = 0
        self._tail = b""

    def feed(self, block: bytes) -> None:
        """Look at the next block of a part, with the end of the one before it."""
        text = self._tail + block
        if b"f>" in text or b"f/>" in text or b"<f " in text or b":f " in text:
            for cell in UNVALUED.finditer(text):
                if cell.end() > len(self._tail) and not TEXT_RESULT.search(cell["facts"] or b""):
                    self.cells += 1
        self._tail = text[-CELL_BYTES:]

    def end(self) -> None:
        """The part ends here: the next block is of another."""
        self._tail = b""


class FormulaCounter:
    """Counts formula cells over a file that comes in blocks; `first_line` counts from 1."""

    def __init__(self) -> None:
        self.cells = 0
        self.first_line = 0
        self._scanner = yara_x.Scanner(formula_rules())
        self._window = b"\n"  # so that a cell at the very start has something before it
        self._judged = 0  # hits before this place in the window were judged
        self._lines = 0  # line feeds before the window
        self._last = -1  # start of the last cell counted, in the window

    def feed(self, block: bytes) -> None:
        """Look at the next block; its last bytes wait for what follows them."""
        self._window += block
        self._judge(len(self._window) - CONTEXT_BYTES)
        drop = max(0, len(self._window) - 2 * CONTEXT_BYTES)
        if not self.cells:
            self._lines += self._window.count(b"\n", 0, drop)
        self._window = self._window[drop:]
        self._judged = max(0, self._judged - drop)
        self._last = max(-1, self._last - drop)

    def end(self) -> None:
        """Judge what waited for more."""
        self._judge(len(self._window))

    def _judge(self, until: int) -> None:
        """Count the cells with a hit between what was judged and `until`."""
        if until <= self._judged:
            return
        hits = {
            match.offset
            for rule in self._scanner.scan(self._window).matching_rules
            for pattern in rule.patterns
            for match in pattern.matches
            if self._judged <= match.offset < until
        }
        for at in sorted(hits):
            start = self._cell_start(at)
            if start <= self._last or not FORMULA.match(self._window, start, start + CONTEXT_BYTES):
                continue
            self._last = start
            if not self.cells:
                self.first_line = self._lines + self._window.count(b"\n", 0, start) or 1
            self.cells += 1
        self._judged = until

    def _cell_start(self, at: int) -> int:
        """Where the cell begins that a hit is in, or that it is the delimiter of.

        -1 when that is too far back for the hit to be at its beginning.
        """
        if self._window[at] in ENDS:
            return at + 1
        floor = max(0, at - CONTEXT_BYTES // 2)
        end = max(self._window.rfind(end, floor, at) for end in END_BYTES)
        return end + 1 if end >= 0 else -1
