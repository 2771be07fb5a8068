"""What is printed on a line: its cells, and the amounts and dates in it, each with its place."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.reading.amounts import CURRENCIES, MICROS, SIGNS, parse_amount
from app.reading.dates import DMY, MDY, MONTHS, YMD, Parts, iso_date
from app.reading.page import Page, Word

MOST_LINES = 3000  # of a document; an invoice has tens
LONGEST_LINE = 1000  # letters; what stands further right on the page is left out
CELL_GAP = 0.85  # of a line's height; a wider gap sets cells apart

LOCAL_SIGNS = {
    "RM": "MYR", "zł": "PLN", "Kč": "CZK", "Rs": "INR", "Rs.": "INR", "Fr.": "CHF", "Fr": "CHF",
    "US$": "USD", "kr": "", "kr.": "",
}  # fmt: skip
"""Signs that are letters, and their currency; "" where several countries use one."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. In `text` words stand apart by a space, and cells by a tab.

    folded  `text` without case and accents, place by place
    starts  where in `text` each word begins
    """

    page: int
    index: int
    words: Sequence[Word]
    text: str
    folded: str
    starts: Sequence[int]

    @property
    def box(self) -> Box:
        return box_of(self.words)

    @property
    def height(self) -> float:
        return max(word.y1 - word.y0 for word in self.words)

    def words_at(self, start: int, end: int) -> list[Word]:
        """Return the words that text[start:end] touches."""
        return [
            word
            for word, begin in zip(self.words, self.starts, strict=True)
            if begin < end and begin + len(word.text) > start
        ]

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield where each cell of `text` begins and ends."""
        begin = 0
        for cell in self.text.split("\t"):
            yield begin, begin + len(cell)
            begin += len(cell) + 1


@dataclass(frozen=True, slots=True)
class Printed:
    """A value as it is printed: where in a line, and what it means.

    value  an ISO date, a decimal text, or the text itself
    sure   False where it could be read another way (a date's day and month)
    """

    line: Line
    start: int
    end: int
    value: str
    sure: bool = True

    @property
    def text(self) -> str:
        return self.line.text[self.start : self.end]

    @property
    def words(self) -> list[Word]:
        return self.line.words_at(self.start, self.end)

    @property
    def box(self) -> Box:
        return box_of(self.words)


def box_of(words: Sequence[Word]) -> Box:
    """Return the box around words; there is at least one."""
    return (
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
    )


def fold(text: str) -> str:
    """Return `text` in small letters without accents; each letter stays at its place."""
    out = []
    for c in text:
        base = unicodedata.normalize("NFKD", c)[:1].lower()
        out.append("'" if c in "’`´‘" else "-" if c in "–—−‐" else base if len(base) == 1 else c)
    return "".join(out)


def lines_of(pages: Iterable[Page]) -> list[Line]:
    """Return the lines of all pages, in order, cut into cells; of a vast document the first."""
    lines: list[Line] = []
    for page in pages:
        for words in page.lines:
            some = _within(words)
            if some and len(lines) < MOST_LINES:
                lines.append(_line(page.number, len(lines), some))
    return lines


def _within(words: Sequence[Word]) -> Sequence[Word]:
    """Return the first words, as many as a line may hold."""
    length = 0
    for place, word in enumerate(words):
        length += len(word.text) + 1
        if length > LONGEST_LINE:
            return words[:place]
    return words


def _line(page: int, index: int, words: Sequence[Word]) -> Line:
    text, starts = "", []
    for place, word in enumerate(words):
        if place:
            before = words[place - 1]
            height = min(max(word.y1 - word.y0, 1.0), max(before.y1 - before.y0, 1.0))
            text += "\t" if word.x0 - before.x1 > CELL_GAP * height else " "
        starts.append(len(text))
        text += word.text
    return Line(page, index, words, text, fold(text), starts)


_SIGN = "[" + SIGNS + "]"
_CODE = r"(?:[A-Z]{2,3}|kr\.?|Kč|zł|Fr\.?|Rs\.?)"
_MONEY = re.compile(
    rf"(?<![\w.,/-])(?P<open>\()?(?P<minus>[-−–+] ?)?"
    rf"(?:(?P<before>{_SIGN}|[A-Z]{{1,3}}\$|{_CODE}) ?)?"
    rf"(?P<minus2>[-−] ?)?"
    rf"(?P<number>\d{{1,3}}(?:[ '’.,]\d{{3}})+(?:[.,]\d{{1,4}})?|\d+[.,]\d{{1,4}}|\d+)"
    rf"(?P<dash>[.,][-–])?(?P<minus3>-(?!\w))?"
    rf"(?: ?(?P<after>{_SIGN}|{_CODE}(?!\w)))?(?P<close>\))?(?![\w%/])(?![.,:]\d)(?! ?%)"
)


@dataclass(frozen=True, slots=True)
class Amount(Printed):
    """An amount. `exact`: it has two decimals, as money has; `sign`: the currency beside it."""

    exact: bool = False
    sign: str = ""

    @property
    def number(self) -> Decimal:
        return Decimal(self.value)


def amounts_in(line: Line, *, whole: bool = False) -> list[Amount]:
    """Return the amounts of a line: with two decimals, or with a currency beside them.

    whole  any other number too
    """
    found = []
    for match in _MONEY.finditer(line.text):
        sign = match["before"] or match["after"] or ""
        number = match["number"]
        mark = _mark_of(number)
        value = parse_amount(number, mark)
        if value is None:
            continue
        exact = bool(re.search(r"[.,]\d\d$", number)) or bool(match["dash"])
        symbol = bool(re.search(_SIGN, sign)) or sign in CURRENCIES
        if not symbol and sign not in LOCAL_SIGNS:
            sign = ""  # a unit, or another word in capitals
        if not (exact or symbol or whole):
            continue
        minus = match["minus"] or match["minus2"] or match["minus3"] or ""
        negative = minus.strip() not in ("", "+") or bool(match["open"] and match["close"])
        value = -value if negative else value
        # A word that is no currency, such as VAT, belongs to what stands before.
        begin = match.start() if sign or not match["before"] else match.start("number")
        end = match.end() if sign or not match["after"] else match.end("number")
        found.append(Amount(line, begin, end, decimal_text(value), exact=exact, sign=sign))
    return found


def _mark_of(number: str) -> str:
    """The last mark is the decimal one, unless three digits follow it and it groups them."""
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return "."
    mark = number[last]
    groups = len(number) - last - 1 == 3 and (number.count(mark) > 1 or last <= 3)
    if groups and number[:last].strip("0"):
        return "," if mark == "." else "."
    return mark


def decimal_text(micros: int) -> str:
    """Return micros as a decimal text with two places, more only where there are more."""
    sign = "-" if micros < 0 else ""
    whole, rest = divmod(abs(micros), MICROS)
    places = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{places}"


_MONTH_NUMBERS = {fold(name): number for name, number in MONTHS.items()}
_NAMED = "|".join(sorted(map(re.escape, _MONTH_NUMBERS), key=len, reverse=True))
_DATES = re.compile(
    r"(?<![\d./-])(?:"
    r"(?P<y>(?:19|20)\d\d)(?P<ys>[-./])(?P<ym>\d{1,2})(?P=ys)(?P<yd>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<s>[-./ ]) ?(?P<b>\d{1,2})(?P=s) ?(?P<c>(?:19|20)\d\d|\d\d)"
    rf"|(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|[.º°])?[ \-./]*(?:de |di |of )?(?P<m>{_NAMED})\b"
    r"[.,]?[ \-./]*(?:de |del )?(?P<my>(?:19|20)\d\d|\d\d)"
    rf"|(?P<n>{_NAMED})\.?[ \-]*(?P<nd>\d{{1,2}})(?:st|nd|rd|th)? ?,?[ \-]*(?P<ny>(?:19|20)\d\d)"
    r")(?![\d/]|[.,-]\d)"
)


def dates_in(line: Line, order: str) -> list[Printed]:
    """Return the dates of a line. order: DMY or MDY, for those that do not say it themselves."""
    found = []
    for match in _DATES.finditer(line.folded):
        if match["s"] == " " and len(match["c"]) == 2:
            continue  # a telephone number rather
        parts = _parts(match)
        value = iso_date(parts, order)
        both = not parts.order and iso_date(parts, DMY) and iso_date(parts, MDY)
        if value is None and not parts.order:
            value = iso_date(parts, MDY if order == DMY else DMY)
        if value is None or not "1980" <= value[:4] <= "2100":
            continue
        sure = not both or parts.first == parts.second
        found.append(Printed(line, match.start(), match.end(), value, sure))
    return found


def _parts(match: re.Match[str]) -> Parts:
    if match["y"]:
        return Parts(int(match["y"]), int(match["ym"]), int(match["yd"]), YMD)
    if match["a"]:
        order = DMY if match["s"] == "." else ""
        return Parts(int(match["a"]), int(match["b"]), _year(match["c"]), order)
    if match["m"]:
        return Parts(int(match["d"]), _MONTH_NUMBERS[match["m"]], _year(match["my"]), DMY)
    return Parts(_MONTH_NUMBERS[match["n"]], int(match["nd"]), int(match["ny"]), MDY)


def _year(text: str) -> int:
    year = int(text)
    return year if year > 99 else 2000 + year if year < 70 else 1900 + year


_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DC|DE|FL|GA|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE"
    "|NH|NJ|NM|NV|NY|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY"
)
_AMERICAN = re.compile(
    rf"[a-zA-Z]{{3,}},? (?:{_STATES}),? \d{{5}}(?:-\d{{4}})?\b"
    rf"|[a-zA-Z]{{3,}}, (?:{_STATES})(?![\w.])"
    r"|\bUSA\b|United States|\bUSD\b"
)


# What no American invoice has: other currencies, value added taxes by name, IBANs.
_ELSEWHERE = re.compile(
    r"[€£₹]|\b(?:EUR|GBP|CHF|RM|INR|AUD|NZD|SGD|MYR|IBAN|GST|VAT|TVA|BTW|IVA|MwSt|USt|ABN)\b"
)
# How sure the order is: by another date; by where the document is from; by nothing.
ORDER_SEEN, ORDER_BY_COUNTRY, ORDER_ASSUMED = 1.0, 0.95, 0.8


def date_order(lines: Sequence[Line]) -> tuple[str, float]:
    """Return whether day or month stands first in a document's dates, and how sure that is.

    A date with a part over 12 decides; else where it comes from; else the day stands first.
    """
    votes = {DMY: 0, MDY: 0}
    for line in lines:
        for match in _DATES.finditer(line.folded):
            if not match["a"] or match["s"] == ".":
                continue
            parts = _parts(match)
            day, month = iso_date(parts, DMY), iso_date(parts, MDY)
            if bool(day) != bool(month):
                votes[DMY if day else MDY] += 1
    if votes[DMY] != votes[MDY]:
        return max(votes, key=lambda order: votes[order]), ORDER_SEEN
    if any(_AMERICAN.search(line.text.replace("\t", " ")) for line in lines):
        return MDY, ORDER_BY_COUNTRY
    elsewhere = any(_ELSEWHERE.search(line.text) for line in lines)
    return DMY, ORDER_BY_COUNTRY if elsewhere else ORDER_ASSUMED
