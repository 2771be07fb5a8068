"""What people's answers taught of a vendor's invoices: where its values stand, beside which words.

A spot is known by the words before it on its line and by the line above, never by measures: so it
is learned from stored text as well as from words with boxes, and a page that grew still fits.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from app.core.documents import FIELDS, FieldValue, Reading
from app.core.field_values import compact, normal_value, same
from app.reading.evidence import Place, dates_said, find, places_of
from app.reading.page import Page, Word

CONSTANT = ("vendor_name", "vendor_vat_id", "iban", "currency")
"""What is the same on every invoice of a vendor."""
SIGNS = ("vendor_vat_id", "iban", "vendor_name")
"""By which a vendor is known again: all of those that stood on the page it was learned from."""

SHORTEST_SIGN = 4  # letters and digits
WORDS_BEFORE = 3
SPOTS_KEPT = 4  # of one field: a vendor changes its layout now and then
# Set, not measured: people have not yet taught enough to measure by. Above the usual threshold,
# since a spot is taken only where its words are the very same.
SURE, FAIRLY_SURE = 0.95, 0.9
NUMBER = re.compile(r"\d[\d.,'’]*")
LONGEST_CURRENCY = 4  # letters around an amount
HAS_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands.

    before  the letters of the words before it on its line, without those that hold digits
    above   the letters of the line above
    nth     its place among the values of its kind on its line
    words   how many words it is
    form    of a date the order of its parts ("dmy"), of an amount its decimal mark
    """

    before: str
    above: str
    nth: int
    words: int
    form: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A value of some kind on a line, and what stands around it."""

    spot: Spot
    value: str
    words: tuple[int, int]


def learned(
    fields: Mapping[str, FieldValue],
    taught: Iterable[str],
    pages: Sequence[Page],
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return what is now known of the vendor of `fields`; None when nothing can be learned.

    taught  names of the fields that a person gave or confirmed
    before  what was known of this vendor
    """
    signs = _signs(fields, pages)
    if not signs:
        return None
    known = before or {"constants": {}, "spots": {}}
    constants, spots = dict(known["constants"]), dict(known["spots"])
    for name in taught:
        value = fields[name]["value"]
        if value is None:
            continue
        if name in CONSTANT:
            constants[name] = value
        elif (spot := _spot_of(name, value, pages)) is not None:
            kept = [old for old in spots.get(name, []) if old != asdict(spot)]
            spots[name] = [asdict(spot), *kept][:SPOTS_KEPT]
    if not constants and not spots:
        return None
    vendor = fields["vendor_name"]["value"]
    return {"vendor": vendor, "signs": signs, "constants": constants, "spots": spots}


def fitting(
    templates: Mapping[str, Mapping[str, Any]], pages: Sequence[Page]
) -> Mapping[str, Any] | None:
    """Return what was learned of the vendor whose signs all stand on the pages; None for none.

    Where several fit, the one with most signs, the longest together.
    """
    fits = [
        template
        for template in templates.values()
        if all(next(places_of("text", sign, pages), None) for sign in template["signs"])
    ]
    return max(
        fits,
        key=lambda template: (len(template["signs"]), sum(map(len, template["signs"]))),
        default=None,
    )


def template_reading(template: Mapping[str, Any], pages: Sequence[Page]) -> Reading:
    """Return what stands where people said that this vendor's values stand."""
    fields = {name: _constant(name, text, pages) for name, text in template["constants"].items()}
    for name, spots in template["spots"].items():
        found = _read(name, [Spot(**spot) for spot in spots], pages)
        if found is not None:
            fields[name] = found
    return Reading(fields=fields, line_items=[])


def _signs(fields: Mapping[str, FieldValue], pages: Sequence[Page]) -> list[str]:
    values = [fields[name]["value"] for name in SIGNS]
    signs = [compact(value) for value in values if value]
    return [
        sign
        for sign in signs
        if len(sign) >= SHORTEST_SIGN and next(places_of("text", sign, pages), None)
    ]


def _constant(name: str, text: str, pages: Sequence[Page]) -> FieldValue:
    place = find(name, text, pages)  # a name that is only in a picture stands nowhere
    return FieldValue(
        value=text,
        confidence=SURE,
        source="template",
        page=place.page if place else None,
        bbox=place.bbox if place else None,
        status="read",
    )


def _spot_of(name: str, value: str, pages: Sequence[Page]) -> Spot | None:
    """Return where the value stands, if it can be told from others of its kind."""
    place = find(name, value, pages)
    if place is None:
        return None
    page = next(page for page in pages if page.number == place.page)
    form = _form(name, value, page.lines[place.line][place.first : place.last + 1])
    words = place.last - place.first + 1
    for seen in _seen_on(name, page, place.line, words, form):
        is_there = seen.words == (place.first, place.last) and same(name, seen.value, value)
        if is_there and (seen.spot.before or seen.spot.above):
            return seen.spot
    return None


def _read(name: str, spots: Sequence[Spot], pages: Sequence[Page]) -> FieldValue | None:
    """Return the value that fits a spot best; None where none does, or several as well."""
    best: list[tuple[int, str, Place]] = []
    for page in pages:
        for line in range(len(page.lines)):
            for wanted in spots:
                for seen in _seen_on(name, page, line, wanted.words, wanted.form):
                    fit = _fit(seen.spot, wanted)
                    if fit:
                        best.append((fit, seen.value, Place.of(page, line, *seen.words)))
    if not best:
        return None
    top = max(fit for fit, _, _ in best)
    values = {value for fit, value, _ in best if fit == top}
    if len(values) > 1:
        return None
    place = next(place for fit, _, place in best if fit == top)
    return FieldValue(
        value=values.pop(),
        confidence=SURE if top > 1 else FAIRLY_SURE,
        source="template",
        page=place.page,
        bbox=place.bbox,
        status="read",
    )


def _fit(seen: Spot, wanted: Spot) -> int:
    """Return 2 where the words before and above are the same, 1 where enough of them is, else 0."""
    same_before = seen.before == wanted.before
    same_above = seen.above == wanted.above
    if same_before and same_above and seen.nth == wanted.nth:
        return 2
    if wanted.before:
        return int(same_before and seen.nth == wanted.nth)
    return 0


# The values of a kind on one line


def _seen_on(name: str, page: Page, line: int, words: int, form: str) -> Iterator[_Seen]:
    own = page.lines[line]
    above = _letters(page.lines[line - 1]) if line else ""
    for nth, (first, last, value) in enumerate(_values(name, own, words, form)):
        before = _letters(own[max(0, first - WORDS_BEFORE) : first])
        yield _Seen(Spot(before, above, nth, words, form), value, (first, last))


def _letters(words: Iterable[Word]) -> str:
    return compact("".join(word.text for word in words if not HAS_DIGIT.search(word.text)))


def _values(
    name: str, line: Sequence[Word], words: int, form: str
) -> Iterator[tuple[int, int, str]]:
    """Yield (first word, last word, value) of what can be the field's value on a line."""
    for first in range(len(line) - words + 1):
        last = first + words - 1
        text = " ".join(word.text for word in line[first : last + 1])
        value = _value(name, text, form)
        if value is not None:
            yield first, last, value


def _value(name: str, text: str, form: str) -> str | None:
    match FIELDS[name]:
        case "amount":
            return _amount(text, form)
        case "date":
            return next((iso for iso, order in dates_said(text) if order == form), None)
        case _:
            plain = text.strip(" :;,.#()")
            return normal_value(name, plain) if HAS_DIGIT.search(plain) else None


def _amount(text: str, mark: str) -> str | None:
    """Return the one number in `text`, of which the decimal mark is known."""
    joined = re.sub(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?!\d))", "", text)
    found = NUMBER.findall(joined)
    if len(found) != 1 or len(compact(NUMBER.sub("", joined))) > LONGEST_CURRENCY:
        return None
    number = found[0].strip(".,'’").replace("." if mark == "," else ",", "")
    whole, _, part = re.sub("['’]", "", number).partition(mark)
    if not (whole + part).isdigit() or len(whole + part) > 18:
        return None
    is_negative = re.search(r"[-−(]\s*\D?\s*\d|\d\s*[-−]$", joined) is not None
    worth = Decimal(f"{whole or 0}.{part or 0}")
    return normal_value(name="total_amount", text=f"{'-' if is_negative else ''}{worth:.2f}")


def _form(name: str, value: str, words: Sequence[Word]) -> str:
    """Return what has to be known to read another value that is written like this one."""
    text = " ".join(word.text for word in words)
    match FIELDS[name]:
        case "amount":
            number = "".join(NUMBER.findall(text)).strip(".,")
            found = re.search(r"([.,])\d{1,2}$", number)
            return found[1] if found else "."
        case "date":
            return next((order for iso, order in dates_said(text) if iso == value), "")
        case _:
            return ""
