"""QIF: Quicken's old format, one letter and a value a line, a record ends with ^.

Source: Quicken Interchange Format, as Quicken's own help and GnuCash's import describe it.
"""

import re
from collections.abc import Iterator

from app.reading.statements.record import Format, Record, Source, spaced, text_lines

HEADER = re.compile(r"!\s*(type|account|option|clear)\b\s*:?\s*(.*)", re.IGNORECASE)
ACCOUNTS = re.compile(r"(bank|cash|ccard|oth|invst)", re.IGNORECASE)  # lists are of other types
APOSTROPHE = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*'\s*(\d{1,4})")
SPLIT = {"S": "category", "E": "memo", "$": "amount"}

COLUMNS: tuple[tuple[str, str | None], ...] = (
    ("Date", "date"),
    ("Amount", "amount"),
    ("Counterparty", "counterparty"),
    ("Description", "description"),
    ("Category", "category"),
    ("Reference", "reference"),
    ("Account", "account"),
    ("Cleared", None),
    ("Address", None),
    ("Split", None),
    ("Security", None),
    ("Quantity", None),
    ("Price", None),
    ("Account type", None),
)
PLACES = {"D": 0, "T": 1, "P": 2, "M": 3, "L": 4, "N": 5, "C": 7, "Y": 10, "Q": 11, "I": 12}


def read(source: Source) -> Iterator[Record]:
    """Yield the transactions of all accounts; lists of categories and the like are passed over.

    Raises LineTooLong.
    """
    account, kind = "", ""
    skipping = in_account = False
    values: dict[str, str] = {}
    splits: list[dict[str, str]] = []
    began = done = 0
    for line in text_lines(source):
        text, done = line.text.strip(), line.bytes_done
        if not text:
            continue
        if found := HEADER.match(text):
            what, which = found[1].lower(), found[2].strip()
            if what in ("account", "type"):
                in_account = what == "account"
                skipping = what == "type" and not ACCOUNTS.match(which)
                kind = which if what == "type" and not skipping else kind
            values, splits, began = {}, [], 0
            continue
        letter, value = text[0].upper(), text[1:].strip()
        if letter == "^":
            if in_account:
                account = values.get("N", account)
            elif values and not skipping:
                yield Record(began, _row(values, splits, account, kind), done)
            values, splits, began = {}, [], 0
            continue
        began = began or line.number
        _take(letter, value, values, splits)
    if values and not skipping and not in_account:  # the last ^ is missing
        yield Record(began, _row(values, splits, account, kind), done)


def _take(letter: str, value: str, values: dict[str, str], splits: list[dict[str, str]]) -> None:
    """Put one line of a record where it belongs."""
    if letter in SPLIT:
        if letter == "S" or not splits:
            splits.append({})
        splits[-1][SPLIT[letter]] = value
    elif letter == "A":
        values["A"] = f"{values['A']}, {value}" if values.get("A") else value
    else:
        values.setdefault(letter, value)


def _row(
    values: dict[str, str], splits: list[dict[str, str]], account: str, kind: str
) -> list[str]:
    row = [""] * len(COLUMNS)
    for letter, place in PLACES.items():
        row[place] = spaced(values.get(letter, ""))
    row[0] = day_of(row[0])
    row[1] = row[1] or values.get("U", "")
    row[6] = account
    row[8] = spaced(values.get("A", "").strip(", "))
    row[9] = "; ".join(
        f"{split.get('category') or split.get('memo') or '?'}: {split.get('amount', '')}"
        for split in splits
    )
    row[13] = kind
    return row


def day_of(text: str) -> str:
    """Return a date with its year in full: 1/ 2'06 is 1/2/2006; what is written else as it is."""
    if found := APOSTROPHE.fullmatch(text):
        year = int(found[3])
        return f"{found[1]}/{found[2]}/{2000 + year if year < 100 else year}"
    return text.replace(" ", "") if "/" in text else text


QIF = Format(COLUMNS, read)
