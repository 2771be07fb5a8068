"""Where a page says a value: what somebody claims to have read is looked up in the text itself."""

import datetime as dt
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.core.agreement import UNVERIFIED_AT_MOST
from app.core.documents import FIELDS, FieldKind, FieldValue, LineItem, Reading
from app.core.field_values import compact
from app.reading.page import Page, Word

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner janvier enero ene gennaio gen",
            "feb february februar février fév fevrier febrero febbraio febr",
            "mar march märz mär mrz mars marzo",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag",
            "jun june juni juin junio giugno giu",
            "jul july juli juillet juil julio luglio lug",
            "aug august août aout agosto ago",
            "sep sept september septembre septiembre settembre set",
            "oct october oktober okt octobre octubre ottobre ott",
            "nov november novembre noviembre",
            "dec december dezember dez décembre déc decembre diciembre dic dicembre",
        ),
        1,
    )
    for name in names.split()
}
IN_DIGITS = re.compile(
    r"(?<!\d)(?P<one>\d{1,4})\s?(?P<mark>[./\-\s])\s?(?P<two>\d{1,2})\s?(?P=mark)\s?"
    r"(?P<three>\d{1,4})(?!\d)"
)
# Every run is bounded, and begins where a word does: a page of strangers may be one long word.
DAY_FIRST = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.|º)?[\s\-/]{0,3}(?:de\s|of\s)?([^\W\d_]{3,12})\.?,?"
    r"[\s\-/]{0,3}(?:de\s|del\s)?(\d{4}|\d{2})(?!\d)"
)
MONTH_FIRST = re.compile(
    r"(?<![^\W\d_])([^\W\d_]{3,12})\.?[\s\-]{0,3}(\d{1,2})(?:st|nd|rd|th)?,?[\s\-]{1,3}(\d{4})(?!\d)"
)
PLAIN_NUMBER = re.compile(r"\d[\d.,'’]*")
SPACED_NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)")
LONGEST_NUMBER = 30  # digits and marks
SIGNS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "fr.": ("CHF",),
    "sfr": ("CHF",),
    "rm": ("MYR",),
    "euro": ("EUR",),
}
ITEM_FIELDS: dict[str, FieldKind] = {
    "description": "text",
    "quantity": "amount",
    "unit_price": "amount",
    "tax_rate": "amount",
    "amount": "amount",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. bbox in points from the top left; None where words have no boxes.

    line, first, last  the line and the words of it, as numbers; `last` included
    """

    page: int
    bbox: list[float] | None
    line: int
    first: int
    last: int

    @classmethod
    def of(cls, page: Page, line: int, first: int, last: int) -> "Place":
        return cls(page.number, _box(page.lines[line][first : last + 1]), line, first, last)


Span = tuple[int, int]
Search = Callable[[str, str], Iterator[Span]]


def find(name: str, value: str, pages: Sequence[Page]) -> Place | None:
    """Return where `pages` say the normal value of a field, in whatever way it is written there.

    The last place counts for a total, which stands below what it is the sum of; else the first.
    """
    places = places_of(FIELDS[name], value, pages)
    if name != "total_amount":
        return next(places, None)
    last = None
    for place in places:
        last = place
    return last


def places_of(kind: FieldKind, value: str, pages: Sequence[Page]) -> Iterator[Place]:
    """Yield every place that says `value`, in the order of the pages."""
    if kind in ("text", "iban", "vat_id"):
        for page in pages:
            yield from _compact_places(compact(value), page)
        return
    search = SEARCHES[kind]
    for page in pages:
        for number, line in enumerate(page.lines):
            text, starts = _joined(line)
            for begin, end in search(value, text):
                first, last = _word_at(starts, begin), _word_at(starts, end - 1)
                yield Place.of(page, number, first, last)


def verified(reading: Reading, pages: Sequence[Page]) -> Reading:
    """Return what a model read, each value with its place, or marked as one that no page says.

    An unverified value has the status `check`, little confidence and no place.
    """
    fields = {name: _verified(name, value, pages) for name, value in reading["fields"].items()}
    items = [_verified_item(item, pages) for item in reading["line_items"]]
    return Reading(fields=fields, line_items=items)


def _verified(name: str, value: FieldValue, pages: Sequence[Page]) -> FieldValue:
    if value["value"] is None:
        return value
    place = find(name, value["value"], pages)
    if place is not None:
        return {**value, "page": place.page, "bbox": place.bbox}
    sure = min(value["confidence"], UNVERIFIED_AT_MOST)
    return {**value, "confidence": sure, "page": None, "bbox": None, "status": "check"}


def _verified_item(item: LineItem, pages: Sequence[Page]) -> LineItem:
    told = [(kind, str(item[key])) for key, kind in ITEM_FIELDS.items() if key in item]  # type: ignore[literal-required]
    if all(next(places_of(kind, value, pages), None) is not None for kind, value in told):
        return item
    return {**item, "status": "check"}


# Letters and digits, wherever spaces and marks stand between them


def _compact_places(wanted: str, page: Page) -> Iterator[Place]:
    if not wanted:
        return
    text, owners, edges = _compacted(page)
    begin = text.find(wanted)
    while begin >= 0:
        end = begin + len(wanted) - 1
        if edges[begin] & BEGINS and edges[end] & ENDS:
            line, first = owners[begin]
            last_line, last = owners[end]
            if line != last_line:  # it goes on in the next line: the place is where it begins
                last = len(page.lines[line]) - 1
            yield Place.of(page, line, first, last)
        begin = text.find(wanted, begin + 1)


BEGINS, ENDS = 1, 2


def _compacted(page: Page) -> tuple[str, list[tuple[int, int]], list[int]]:
    """Return the page's letters and digits; of each its (line, word), and whether it is an edge."""
    chars: list[str] = []
    owners: list[tuple[int, int]] = []
    edges: list[int] = []
    for line_number, line in enumerate(page.lines):
        for word_number, word in enumerate(line):
            inside = False
            for char in unicodedata.normalize("NFKD", word.text.casefold()):
                if char.isalnum():
                    chars.append(char)
                    owners.append((line_number, word_number))
                    edges.append(0 if inside else BEGINS)
                    inside = True
                elif not unicodedata.combining(char):
                    if inside:
                        edges[-1] |= ENDS
                    inside = False
            if inside:
                edges[-1] |= ENDS
    return "".join(chars), owners, edges


# Numbers, dates and currencies, within one line


def _amounts(value: str, text: str) -> Iterator[Span]:
    wanted = abs(Decimal(value))
    for pattern in (SPACED_NUMBER, PLAIN_NUMBER):
        for found in pattern.finditer(text):
            if wanted in _worths(found[0]):
                yield found.span()


def _worths(text: str) -> set[Decimal]:
    """Return what a number can mean, whichever mark is the decimal one."""
    number = re.sub(r"['’\s]", "", text).rstrip(".,")
    if len(number) > LONGEST_NUMBER:
        return set()
    found = set()
    for mark, grouping in ((".", ","), (",", ".")):
        plain = number.replace(grouping, "")
        if plain.count(mark) > 1:
            plain = plain.replace(mark, "")
        found.add(Decimal(plain.replace(mark, ".")))
    return found


def _dates(value: str, text: str) -> Iterator[Span]:
    for iso, _, span in _all_dates(text):
        if iso == value:
            yield span


def dates_said(text: str) -> Iterator[tuple[str, str]]:
    """Yield every date that `text` can mean, with the order of its parts: ymd, dmy, mdy, words."""
    for iso, order, _ in _all_dates(text):
        yield iso, order


def _all_dates(text: str) -> Iterator[tuple[str, str, Span]]:
    for found in IN_DIGITS.finditer(text):
        one, middle, three = found["one"], found["two"], found["three"]
        if len(one) == 4:
            orders = [("ymd", one, middle, three)]
        elif len(one) < 3:
            orders = [("dmy", three, middle, one), ("mdy", three, one, middle)]
        else:
            continue
        for order, year, month, day in orders:
            if iso := _iso(year, int(month), day):
                yield iso, order, found.span()
    low = text.casefold()
    if len(low) != len(text):  # its places are not the text's
        return
    for pattern, day, month in ((DAY_FIRST, 1, 2), (MONTH_FIRST, 2, 1)):
        for found in pattern.finditer(low):
            number = MONTHS.get(found[month])
            if number and (iso := _iso(found[3], number, found[day])):
                yield iso, "words", found.span()


def _iso(year: str, month: int, day: str) -> str | None:
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    try:
        return dt.date(int(year) + (2000 if len(year) == 2 else 0), month, int(day)).isoformat()
    except ValueError:
        return None


def _currencies(value: str, text: str) -> Iterator[Span]:
    low = text.casefold()
    signs = [value.casefold(), *(sign for sign, codes in SIGNS.items() if value in codes)]
    for sign in signs:
        begin = low.find(sign)
        while begin >= 0:
            end = begin + len(sign)
            around = low[max(begin - 1, 0) : begin] + low[end : end + 1]
            if not (sign[0].isalpha() and any(char.isalpha() for char in around)):
                yield begin, min(end, len(text))
            begin = low.find(sign, end)


SEARCHES: dict[FieldKind, Search] = {
    "amount": _amounts,
    "date": _dates,
    "currency": _currencies,
}


def _joined(line: Sequence[Word]) -> tuple[str, list[int]]:
    """Return a line's text and where each of its words begins."""
    starts, length = [], 0
    for word in line:
        starts.append(length)
        length += len(word.text) + 1
    return " ".join(word.text for word in line), starts


def _word_at(starts: Sequence[int], offset: int) -> int:
    return bisect_right(starts, offset) - 1


def _box(words: Sequence[Word]) -> list[float] | None:
    """Return what encloses the words; None for words without boxes, as of stored text."""
    box = [
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
    ]
    return box if box[2] > box[0] else None
