"""OFX and QFX: the statements that money programs download, in SGML (1.x) and XML (2.x) alike.

One tolerant reader for both, since banks mix them: a tag with text behind it is a value, any other
opens or closes a group. No entity is ever expanded but the five of XML and numbers, nothing that a
document type declares is looked at, and the file is read where it lies.
Source: Open Financial Exchange 1.6 and 2.3, chapters 2, 3, 11 and 13.
"""

import html
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.core.unreadable import BankRefused, DamagedFile
from app.reading.encoding import detect_encoding
from app.reading.statements.record import BOOKING, SAMPLE_BYTES, Format, Record, Source, spaced

TAG = re.compile(rb"<(/?)([A-Za-z][\w.:-]{0,80})[^<>]*>([^<]*)(?:<!\[CDATA\[([^<]*)\]\]>)?")
DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
CHARSET = re.compile(rb"CHARSET\s*:\s*([\w-]{1,20})", re.IGNORECASE)
CARD = "CREDITCARD"

BOUGHT = "BUYDEBT BUYMF BUYOPT BUYOTHER BUYSTOCK SELLDEBT SELLMF SELLOPT SELLOTHER SELLSTOCK"
EARNED = "INCOME INVEXPENSE REINVEST RETOFCAP MARGININTEREST"
RECORDS = frozenset(("STMTTRN", *BOUGHT.split(), *EARNED.split()))

COLUMNS: tuple[tuple[str, str | None], ...] = (
    *BOOKING,
    ("Type", "type"),
    ("Check number", None),
    ("Counter account", None),
    ("Account type", None),
)


@dataclass(slots=True)
class _State:
    """Where in the statement the reader is: whose it is, and the record that is open."""

    account: str = ""
    account_type: str = ""
    currency: str = ""
    record: str = ""  # the tag that began it
    group: str = ""  # the group inside the record
    values: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    severity: str = ""

    def row(self) -> list[str]:
        """Return the open record as cells."""
        get = self.values.get
        return [
            day_of(get("DTPOSTED") or get("DTTRADE") or ""),
            day_of(get("DTAVAIL") or get("DTSETTLE") or get("VALUEDATE") or ""),
            get("TRNAMT") or get("TOTAL") or "",
            (get("CURRENCY/CURSYM") or self.currency).upper(),
            get("NAME") or "",
            get("MEMO") or "",
            get("FITID") or get("REFNUM") or "",
            self.account,
            get("TRNTYPE") or (self.record if self.record != "STMTTRN" else ""),
            get("CHECKNUM") or "",
            get("ACCTID") or "",
            self.account_type,
        ]

    def hear(self, tag: str, value: str) -> None:
        """Take a value in."""
        if self.record:
            self.values.setdefault(f"{self.group}/{tag}" if self.group else tag, value)
        elif tag == "ACCTID":
            self.account = value
        elif tag == "ACCTTYPE":
            self.account_type = value
        elif tag == "CURDEF":
            self.currency = value
        elif tag == "SEVERITY":
            self.severity = value.upper()
        elif tag == "MESSAGE" and self.severity == "ERROR":
            self.refusal = value


def read(source: Source) -> Iterator[Record]:
    """Yield the transactions of all accounts. Raises BankRefused, DamagedFile, LineTooLong."""
    with source.path.open("rb") as stream, _mapped(source, stream.fileno()) as content:
        head = content[:SAMPLE_BYTES]
        names = _encodings(head)
        state, found = _State(), False
        line, counted = 1, 0  # lines are counted piece by piece, up to `counted`
        for match in TAG.finditer(content):
            closes = bool(match[1])
            tag = match[2].decode("ascii").rpartition(":")[2].upper()
            if len(match[3]) > source.max_line_bytes:
                raise source.too_long(line)
            if not closes and tag in RECORDS and not state.record:
                line += content[counted : match.start()].count(b"\n")
                counted = match.start()
                state.record, state.group, state.values = tag, "", {}
            elif tag in RECORDS and (closes or tag == state.record == "STMTTRN"):
                found = True
                yield Record(line, state.row(), match.end())
                state.record = "" if closes else tag
                state.group, state.values = "", {}
            else:
                _step(state, tag, match, names, closes=closes)
        if state.record and state.values:  # cut off
            found = True
            yield Record(line, state.row(), len(content))
    if not found and state.refusal:
        raise BankRefused(filename=source.filename, said=state.refusal[:200])


def _step(
    state: _State, tag: str, match: re.Match[bytes], names: tuple[str, ...], *, closes: bool
) -> None:
    """Follow one tag inside or outside of a record."""
    value = spaced(_text(match[3] + (match[4] or b""), names)) if not closes else ""
    if value:
        state.hear(tag, value)
    elif closes and tag == state.group:
        state.group = ""
    elif not closes and state.record and tag in ("CURRENCY", "ORIGCURRENCY"):
        state.group = tag
    elif not closes and tag == "CCACCTFROM":
        state.account_type = CARD


def _mapped(source: Source, number: int) -> mmap.mmap:
    try:
        return mmap.mmap(number, 0, access=mmap.ACCESS_READ)
    except (ValueError, OSError) as error:  # nothing in it
        raise DamagedFile(filename=source.filename) from error


def _encodings(head: bytes) -> tuple[str, ...]:
    """Return the encodings to try: UTF-8 where it fits, else what the header says or it looks."""
    declared = CHARSET.search(head)
    said = declared[1].decode("ascii").lower() if declared else ""
    if said in ("1252", "none", "", "unicode"):
        said = "cp1252"
    elif said.isdecimal():
        said = f"cp{said}"
    try:
        "".encode(said)
    except LookupError:
        said = detect_encoding(head).name
    return "utf-8", said


def _text(raw: bytes, names: tuple[str, ...]) -> str:
    for name in names:
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        break
    else:
        text = raw.decode("cp1252", "replace")
    return html.unescape(text).replace("\0", "") if "&" in text else text.replace("\0", "")


def day_of(text: str) -> str:
    """Return 20261120120000[-5:EST] as 2026-11-20; what is no such date as it is."""
    found = DAY.match(text)
    return f"{found[1]}-{found[2]}-{found[3]}" if found else text


OFX = Format(COLUMNS, read)
