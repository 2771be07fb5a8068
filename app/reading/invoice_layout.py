"""Reads the fields of an invoice or receipt by its labels and where things stand on the page.

A label announces a value of its kind beside it or below it. Every find is a candidate with a
weight; the heaviest is taken, amounts together (net + tax = total). What no label announces is
absent: a value is never guessed from nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.reading.check_digits import VAT_SHAPES, iban_is_valid, vat_country, vat_is_valid
from app.reading.invoice_labels import Label, labels_of
from app.reading.page import Page
from app.reading.printed import Amount, Line, Printed, amounts_in, date_order, dates_in, lines_of

BELOW_LINES = 4
BELOW_HEIGHTS = 4.0  # how far below its label a value may stand, in line heights
BESIDE, NEXT_CELL, BELOW = 1.0, 0.95, 0.8

PREPOSITION = re.compile(r"(?:vom|du|von|del|dd\.?|le|dated)[ :]*")
IDENTIFIER = re.compile(r"[A-Za-z0-9#][A-Za-z0-9/\-_.#]*[A-Za-z0-9]|\d")
PREFIX = re.compile(r"(?<![^\W_])[A-Z]{1,4} $")
HAS_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a label announces. weight: 0 to 1, how much speaks for it."""

    printed: Printed
    weight: float
    label: Label | None = None


@dataclass(slots=True)
class Sheet:
    """A document's lines with their labels, dates and amounts, found once."""

    lines: list[Line]
    order: str
    order_sure: float
    labels: list[list[Label]] = field(default_factory=list)
    dates: list[list[Printed]] = field(default_factory=list)
    amounts: list[list[Amount]] = field(default_factory=list)

    @classmethod
    def of(cls, pages: Iterable[Page]) -> "Sheet":
        """Return the sheet of all pages."""
        lines = lines_of(pages)
        order, sure = date_order(lines)
        sheet = cls(lines, order, sure)
        for line in lines:
            sheet.labels.append(labels_of(line))
            sheet.dates.append(dates_in(line, order))
            sheet.amounts.append(amounts_in(line))
        return sheet

    def labels_for(self, *fields: str) -> Iterator[Label]:
        """Yield every label of `fields`, in reading order."""
        for labels in self.labels:
            yield from (label for label in labels if label.field in fields)

    def until(self, label: Label) -> int:
        """Return where the reach of a label on its line ends: at the next label."""
        later = [
            other.start for other in self.labels[label.line.index] if other.start > label.start
        ]
        return min(later, default=len(label.line.text))


Find = Callable[[Line], Sequence[Printed]]


def beside(sheet: Sheet, label: Label, find: Find) -> list[Candidate]:
    """Return the values after a label on its line, up to the next label, nearest first."""
    end = sheet.until(label)
    found: list[Candidate] = []
    for printed in find(label.line):
        if printed.start < label.end or printed.start >= end:
            continue
        between = label.line.text[label.end : printed.start]
        weight = BESIDE if "\t" not in between else NEXT_CELL
        if len(between.strip(" \t:.#-=")) > 12:
            weight -= 0.2
        if label.start and label.line.text[label.start - 1] != "\t":
            weight -= 0.05  # within a sentence, rather than at the head of a cell
        found.append(Candidate(printed, label.weight * (weight - 0.02 * len(found)), label))
    return found


def below(sheet: Sheet, label: Label, find: Find) -> list[Candidate]:
    """Return the values under a label that ends its cell, nearest first."""
    line = label.line
    if not _ends_cell(label):
        return []
    words = line.words_at(label.start, label.end)
    left, right = words[0].x0, words[-1].x1
    bottom, height = max(word.y1 for word in words), line.height
    found: list[Candidate] = []
    for other in sheet.lines[line.index + 1 : line.index + 1 + 2 * BELOW_LINES]:
        box = other.box
        if other.page != line.page or box[1] - bottom > BELOW_HEIGHTS * height:
            break
        if box[1] < bottom - 0.5 * height:
            continue
        own = [at for at in sheet.labels[other.index] if _overlaps(at, left, right, height)]
        for printed in find(other):
            x0, _, x1, _ = printed.box
            if (
                x0 > right + height
                or x1 < left - height
                or any(at.start <= printed.start for at in own if at.field != "other_number")
            ):
                continue
            away = (
                (x0 > right)
                + (x1 < left)
                + (abs(x0 - left) > 3 * height and abs(x1 - right) > 3 * height)
            )
            found.append(
                Candidate(printed, label.weight * (BELOW - 0.1 * len(found) - 0.1 * away), label)
            )
        if any(at.field == label.field for at in own) or len(found) >= BELOW_LINES:
            break
    return found


def _ends_cell(label: Label) -> bool:
    rest = label.line.text[label.end :].split("\t")[0]
    return not rest.strip(" :.#*-()")


def _overlaps(label: Label, left: float, right: float, slack: float) -> bool:
    words = label.line.words_at(label.start, label.end)
    return words[0].x0 < right + slack and words[-1].x1 > left - slack


def identifiers_in(line: Line) -> list[Printed]:
    """Return the words of a line that can be a number of a document: with a digit, no date."""
    found: list[Printed] = []
    taken = [(date.start, date.end) for date in dates_in(line, "DMY")]
    for match in IDENTIFIER.finditer(line.text):
        if not HAS_DIGIT.search(match[0]) or any(
            a < match.end() and match.start() < b for a, b in taken
        ):
            continue
        begin, end = match.span()
        before = line.text[begin - 1 : begin]
        if before and before not in " \t:#(°º.-)]":
            continue
        after = line.text[end : end + 2]
        if after[:1] in ("%", "€") or (after[:1] == "," and after[1:2].isdigit()):
            continue
        if before == "(" and after[:1] == ")":
            continue  # a code behind a word: Handelsrechnung (380)
        if re.fullmatch(r"\d+[.]\d\d", match[0]):
            continue  # an amount
        found.append(Printed(line, begin, end, match[0].strip("#")))
    return found


def invoice_number(sheet: Sheet) -> list[Candidate]:
    """Return what may be the invoice's number, best first."""
    found: list[Candidate] = []
    for label in sheet.labels_for("invoice_number"):
        near = _joined(label, beside(sheet, label, identifiers_in))
        bare = label.weight < 1.0
        if not near and (not bare or "\t" in label.line.text):
            # The bare word "Invoice" is a heading where it stands alone, else that of a column.
            near = below(sheet, label, identifiers_in)[:1]
        found += [_paged(c) for c in near if _can_be_number(c.printed.value)]
    return sorted(found, key=lambda c: -c.weight)


def _joined(label: Label, found: Sequence[Candidate]) -> list[Candidate]:
    """Return the first value if nothing but marks stands before it, with its prefix: "CS 10090"."""
    for one in found[:1]:
        printed = one.printed
        between = label.line.text[label.end : printed.start]
        prefix = PREFIX.search(between)
        rest = between[: prefix.start()] if prefix else between
        if rest.strip(" \t:.#°º-=n"):
            return []
        if prefix is None:
            return [one]
        start = label.end + prefix.start()
        value = label.line.text[start : printed.end]
        return [Candidate(Printed(printed.line, start, printed.end, value), one.weight, label)]
    return []


def _can_be_number(text: str) -> bool:
    digits = sum(c.isdigit() for c in text)
    return 1 <= len(text) <= 32 and digits >= 1 and (digits >= 2 or len(text) <= 4)


def purchase_order(sheet: Sheet) -> list[Candidate]:
    """Return what may be the number of the buyer's order, best first."""
    found: list[Candidate] = []
    for label in sheet.labels_for("purchase_order"):
        near = _joined(label, beside(sheet, label, identifiers_in))
        near = near or below(sheet, label, identifiers_in)[:1]
        found += [_paged(c) for c in near if _can_be_number(c.printed.value)]
    return sorted(found, key=lambda c: -c.weight)


def dates(sheet: Sheet, name: str) -> list[Candidate]:
    """Return what may be the date `name`, best first."""

    def find(line: Line) -> Sequence[Printed]:
        return sheet.dates[line.index]

    found: list[Candidate] = []
    for label in sheet.labels_for(name):
        near = beside(sheet, label, find)[:1]
        if PREPOSITION.fullmatch(label.line.folded[label.start : label.end]):
            near = [c for c in near if c.printed.start - label.end <= 2]
            near = [c for c in near if _after_number(sheet, label)]
        elif not near:
            near = below(sheet, label, find)[:1]
        found += [_paged(c) for c in near]
    return sorted(found, key=lambda c: -c.weight)


def _after_number(sheet: Sheet, label: Label) -> bool:
    """Whether an invoice's number or name stands before a "vom" or "du" on its line."""
    before = [at for at in sheet.labels[label.line.index] if at.end <= label.start]
    return bool(before) and before[-1].field == "invoice_number"


def unlabelled_dates(sheet: Sheet) -> list[Candidate]:
    """Return dates that stand free, no other label before them, first page first."""
    found: list[Candidate] = []
    for line in sheet.lines:
        for printed in sheet.dates[line.index]:
            before = [at for at in sheet.labels[line.index] if at.start < printed.start]
            if before and before[-1].field in ("due_date", "other_date", "purchase_order"):
                continue
            found.append(_paged(Candidate(printed, 0.4 - 0.01 * min(len(found), 20))))
    return found


def _paged(candidate: Candidate) -> Candidate:
    """What stands on a later page says a little less."""
    late = min(candidate.printed.line.page - 1, 3)
    return Candidate(candidate.printed, candidate.weight - 0.02 * late, candidate.label)


VAT_ID = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(sorted(VAT_SHAPES, reverse=True))})[ \-.]?"
    r"(?:[0-9A-Z][ .\-]?){2,15}"
)
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{1,4}){3,8}(?![A-Z0-9])")


def vat_ids(sheet: Sheet) -> list[Candidate]:
    """Return the VAT ids that are not the buyer's, best first."""
    found: list[Candidate] = []
    for line, labels in zip(sheet.lines, sheet.labels, strict=True):
        for printed in vat_ids_in(line):
            before = [label for label in labels if label.start <= printed.start]
            nearest = before[-1].field if before else ""
            if nearest in ("iban", "buyer") or any(at.field == "buyer" for at in before):
                continue
            weight = 1.0 if nearest in ("vendor_vat_id", "tax_amount") else 0.55
            valid = vat_is_valid(printed.value)
            weight -= 0.0 if valid else 0.05 if valid is None else 0.15
            # A value belongs to the part its label stands in.
            at = before[-1].start if before else printed.start
            x = line.words_at(at, at + 1)[0].x0
            weight -= 0.3 if in_buyers_part(sheet, line, x) else 0.0
            if weight >= 0.5:
                found.append(_paged(Candidate(printed, weight)))
    return sorted(found, key=lambda c: -c.weight)


def vat_ids_in(line: Line) -> list[Printed]:
    """Return what has the shape of a VAT id, without its spaces."""
    found: list[Printed] = []
    for match in VAT_ID.finditer(line.text):
        text = match[0]
        while text:  # the shape says where it ends, as words may follow it
            value = re.sub(r"[ .\-:]", "", text)
            if vat_country(value):
                ends = line.text[match.start() + len(text.rstrip()) :][:1]
                if not ends.isalnum():
                    end = match.start() + len(text.rstrip(" .-"))
                    found.append(Printed(line, match.start(), end, value))
                    break
            text = text[:-1]
    return found


def ibans(sheet: Sheet) -> list[Candidate]:
    """Return the IBANs, best first; one whose check digits fail only where a label says IBAN."""
    found: list[Candidate] = []
    for line, labels in zip(sheet.lines, sheet.labels, strict=True):
        labelled = any(label.field == "iban" for label in labels)
        for match in IBAN.finditer(line.text):
            value, end = match[0], match.end()
            while value and not iban_is_valid(value.replace(" ", "")):
                value = value.rpartition(" ")[0]  # words in capitals may follow
            if value:
                end = match.start() + len(value)
            elif labelled:
                value = match[0]
            else:
                continue
            valid = iban_is_valid(value.replace(" ", ""))
            printed = Printed(line, match.start(), end, value.replace(" ", ""))
            found.append(_paged(Candidate(printed, 1.0 if valid else 0.5)))
    return sorted(found, key=lambda c: -c.weight)


def in_buyers_part(sheet: Sheet, line: Line, x: float) -> bool:
    """Whether a line stands in the part of the page that is headed with the buyer."""
    for other in reversed(sheet.lines[max(0, line.index - 12) : line.index]):
        if other.page != line.page or line.box[1] - other.box[1] > 14 * line.height:
            return False
        for label in sheet.labels[other.index]:
            left = other.words_at(label.start, label.end)[0].x0
            if abs(left - x) < 8 * line.height:
                if label.field == "vendor_name":
                    return False
                if label.field == "buyer":
                    return True
    return False
