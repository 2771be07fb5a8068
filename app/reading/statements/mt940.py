"""MT940: SWIFT's customer statement, and the ways banks in Europe fill in its free text.

Source: SWIFT Standards MT, category 9; DK "Anlage 3" for the ?-fields of tag 86.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.reading.statements.record import (
    BOOKING,
    Format,
    Line,
    Record,
    Source,
    exact,
    spaced,
    text_lines,
)

TAG = re.compile(r":(\d{2}[A-Z]?):(.*)", re.DOTALL)
ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<mark>[RE]?[CD])(?P<funds>[A-Z])?\s?"
    r"(?P<amount>\d[\d,]{0,18})"
    r"(?P<kind>[A-Z][A-Z0-9 ]{3})?(?P<customer>.*?)(?://(?P<bank>.*))?"
)
BALANCE = re.compile(r"[CD]\d{6}([A-Z]{3})")
ENDS = re.compile(r"-\}?|-[A-Z]{3}")
NO_REFERENCE = frozenset({"NONREF", "KREF", ""})
GERMAN = re.compile(r"\d{3}\?")
FIELD = re.compile(r"\?(\d\d)")
SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC)\+")
SLASHED = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|PREF|TRCD|CNTP|ORDP|BENM|PURP|ADDR|ISDT)/"
)

COLUMNS: tuple[tuple[str, str | None], ...] = (
    *BOOKING,
    ("Type", "type"),
    ("Counter account", None),
    ("End-to-end reference", None),
    ("Details", None),
)


@dataclass(slots=True)
class Text:
    """What tag 86 says about an entry."""

    payee: str = ""
    purpose: str = ""
    kind: str = ""
    account: str = ""
    reference: str = ""


@dataclass(slots=True)
class _Entry:
    line: int
    written: list[str]
    text: list[str] = field(default_factory=list)


def read(source: Source) -> Iterator[Record]:
    """Yield the entries of all statements in the file. Raises LineTooLong.

    An entry that can not be read comes as it stands, to be set aside with its line.
    """
    account = currency = ""
    entry: _Entry | None = None
    for tag, lines in _tags(source):
        first, value = lines[0], [line.text for line in lines]
        if tag == "86" and entry is not None:
            entry.text = value
            yield Record(entry.line, _row(entry, account, currency), lines[-1].bytes_done)
            entry = None
            continue
        if entry is not None:
            yield Record(entry.line, _row(entry, account, currency), first.bytes_done)
            entry = None
        if tag == "61":
            entry = _Entry(first.number, value)
        elif tag == "25" and not GERMAN.match(value[0]):  # some name 86 wrongly
            account = value[0].strip()
        elif tag in ("60F", "60M") and (found := BALANCE.match(value[0])):
            currency = found[1]
    if entry is not None:
        yield Record(entry.line, _row(entry, account, currency), source.path.stat().st_size)


def _tags(source: Source) -> Iterator[tuple[str, list[Line]]]:
    """Yield each tag with its lines, the first one without the tag; what is outside is left out."""
    tag, lines = "", list[Line]()
    for line in text_lines(source):
        text = line.text.rstrip()
        begins = text[text.rfind("{4:") + 3 :] if text.startswith("{") and "{4:" in text else text
        if found := TAG.match(begins):
            if tag:
                yield tag, lines
            tag, lines = found[1], [line._replace(text=found[2])]
        elif ENDS.fullmatch(text) or text.startswith("{"):
            if tag:
                yield tag, lines
            tag = ""
        elif tag and text:
            lines.append(line._replace(text=text))
    if tag:
        yield tag, lines


def _row(entry: _Entry, account: str, currency: str) -> list[str]:
    """Return an entry as cells; one that makes no sense leaves its date and amount as written."""
    said = text_of(entry.text)
    found = ENTRY.fullmatch(entry.written[0].strip())
    if found is None and len(entry.written) > 1:  # some break the line before the amount
        found = ENTRY.fullmatch("".join(entry.written[:2]).strip())
    if found is None:
        return [entry.written[0].strip(), "", "", currency, said.payee, said.purpose, "", account,
                said.kind, said.account, said.reference, ""]  # fmt: skip
    value = _day(found["value"])
    references = (found["bank"] or "", found["customer"] or "")
    reference = next((r.strip() for r in references if r.strip() not in NO_REFERENCE), "")
    return [
        _entry_day(found["value"], found["entry"]) or value,
        value,
        amount_of(found["amount"], found["mark"]),
        currency,
        said.payee,
        said.purpose,
        reference,
        account,
        said.kind or (found["kind"] or "").strip(),
        said.account,
        said.reference,
        spaced(" ".join(entry.written[1:])),
    ]


def amount_of(digits: str, mark: str) -> str:
    """Return 79,7 with its sign: D takes away, and so does the reversal of a credit (RC)."""
    whole, _, decimals = digits.partition(",")
    number = f"{whole or '0'}.{decimals.replace(',', ''):0<2}"
    return f"-{exact(number)}" if mark in ("D", "RC", "ED") else exact(number)


def _day(text: str) -> str:
    return f"{_century(int(text[:2]))}{text[:2]}-{text[2:4]}-{text[4:6]}"


def _century(year: int) -> int:
    return 19 if year >= 80 else 20


def _entry_day(value: str, entry: str | None) -> str:
    """Return the booking date: it has no year, and is the nearest such day to the value date."""
    if entry is None:
        return ""
    try:
        valued = dt.date.fromisoformat(_day(value))
        years = (valued.year - 1, valued.year, valued.year + 1)
        days = [dt.date(year, int(entry[:2]), int(entry[2:])) for year in years]
    except ValueError:  # no such day, at least not in each of these years
        return ""
    return min(days, key=lambda day: abs((day - valued).days)).isoformat()


def text_of(lines: list[str]) -> Text:
    """Read tag 86: German ?-fields, SEPA's words between slashes, or just text."""
    whole = "".join(lines)
    if GERMAN.match(whole):
        return _german(whole[4:] if whole[3:4] == "?" else whole)
    if SLASHED.match(whole):
        return _slashed(whole)
    return Text(purpose=spaced(" ".join(lines)))


def _german(text: str) -> Text:
    parts = FIELD.split("?" + text)
    fields: dict[int, str] = {}
    for number, value in zip(parts[1::2], parts[2::2], strict=True):
        fields[int(number)] = fields.get(int(number), "") + value
    purpose = "".join(fields.get(n, "") for n in (*range(20, 30), *range(60, 70)))
    said = Text(
        payee=spaced(f"{fields.get(32, '')}{fields.get(33, '')}"),
        purpose=spaced(purpose),
        kind=spaced(fields.get(0, "")),
        account=fields.get(31, "").strip(),
    )
    words = SEPA.split(purpose)
    named = dict(zip(words[1::2], words[2::2], strict=True))
    said.reference = spaced(named.get("EREF", ""))
    if named.get("SVWZ"):
        said.purpose = spaced(named["SVWZ"])
    return said


def _slashed(text: str) -> Text:
    words = SLASHED.split(text)
    named: dict[str, str] = {}
    for word, value in zip(words[1::2], words[2::2], strict=True):
        named.setdefault(word, value.strip("/ "))
    purpose = re.sub(r"^(USTD|STRD)/+", "", named.get("REMI", "")).strip("/ ")
    other = named.get("CNTP", "").split("/")  # account, BIC, name, town
    return Text(
        payee=spaced(named.get("NAME") or (other[2] if len(other) > 2 else "")),
        purpose=spaced(purpose.replace("USTD//", "")),
        kind=spaced(named.get("TRTP", "")),
        account=named.get("IBAN") or other[0],
        reference=spaced(named.get("EREF", "")),
    )


MT940 = Format(COLUMNS, read)
