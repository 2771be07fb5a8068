"""Cells of files that people open in spreadsheet programs. Pure."""

import re

# What a spreadsheet program would run. A plain number may begin with a sign.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # the wide ones too
# A cell may be a megabyte: only one way to match it.
PLAIN_NUMBER = re.compile(r"[+-]?[.,' ]*\d[\d.,' ]*")


def harmless(cell: str) -> str:
    """Return `cell` with an apostrophe in front where a spreadsheet program would run it."""
    if FORMULA.match(cell) and not PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
