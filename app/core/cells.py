"""Cells of files that people open in spreadsheet programs. Pure."""

import re

INVISIBLE = "\u200b-\u200f\u2060\ufeff"
SIGNS = "=+\\-@＝＋－＠"  # with which a formula begins; the wide ones too
FORMULA = re.compile(rf"[\s{INVISIBLE}]*[{SIGNS}]|[\t\r\n]")
# A cell may be a megabyte: only one way to match it.
PLAIN_NUMBER = re.compile(r" ?[+-]?[.,' ]*\d[\d.,' ]*")
# Where the decimal mark is a comma, programs part cells at semicolons, and know nothing then of
# quotes that begin within a line: what follows is a cell of its own.
OTHER_ENDS = ";\t\r\n"
OTHER_END = re.compile(f"[{OTHER_ENDS}]")
BEHIND_OTHER_ENDS = re.compile(
    rf"([{OTHER_ENDS}])((?:[^\S\t\r\n]|[{INVISIBLE}])*[{SIGNS}][^{OTHER_ENDS}]*)"
)


def harmless(cell: str) -> str:
    """Return `cell` with an apostrophe before whatever a spreadsheet program would run in it."""
    if FORMULA.match(cell):
        cell = _quoted(cell)
    if OTHER_END.search(cell) is None:  # most have none, and there are millions
        return cell
    return BEHIND_OTHER_ENDS.sub(lambda found: found[1] + _quoted(found[2]), cell)


def _quoted(text: str) -> str:
    return text if PLAIN_NUMBER.fullmatch(text) else f"'{text}"
