"""Who sent an invoice: by its labels, sender line, legal form, web address, or the page's top."""

import re
from collections.abc import Iterator

from app.core.field_values import canonical, compact
from app.reading.invoice_items import COLUMNS
from app.reading.invoice_labels import Label
from app.reading.invoice_layout import Candidate, Sheet, in_buyers_part
from app.reading.printed import Line, Printed, fold

LEGAL = re.compile(
    r"(?<![^\W_])(?:gmbh(?: ?& ?co\.? ?kg)?|ag|kg|ohg|e\.? ?k\.?|ug|e\.v\.|inc\.?|llc|l\.l\.c\."
    r"|ltd\.?"
    r"|limited|plc|corp\.?|corporation|co\. ltd\.?|b\.?v\.?|n\.?v\.?|s\.?a\.?r\.?l\.?|s\.?a\.?s\.?"
    r"|eurl|s\.?a\.?|s\.?r\.?l\.?s?|s\.?p\.?a\.?|s\.?l\.?u?\.?|sdn\.? bhd\.?|pte\.? ltd\.?"
    r"|pty\.? ltd\.?"
    r"|oy|ab|aps|a/s|as)(?![^\W_])"
)
SENDER = re.compile(r"\s+[-–—●•·|∙*]\s+|\s*[●•·|∙]\s*")
POSTCODE = re.compile(r"(?<![\d.,])(?:[A-Z]{1,2}-)?\d{4,5}(?![\d.,%])")
DOMAIN = re.compile(r"(?:@|www\.|https?://(?:www\.)?)([a-z0-9][a-z0-9\-]+)(?:\.[a-z0-9\-]+)+")
MAILBOXES = frozenset(
    [
        "gmail",
        "hotmail",
        "outlook",
        "yahoo",
        "gmx",
        "web",
        "aol",
        "icloud",
        "live",
        "mail",
        "t-online",
    ]
)
TITLES = re.compile(
    r"(?:tax )?(?:invoice|receipt|rechnung|facture|factura|fattura|factuur|credit note|gutschrift"
    r"|quittung|bill|statement|original|copy|kopie|duplicate|logo|welcome(?: to)?|page|seite)"
)
STREET = re.compile(
    r"\b(?:str\.?|street|st|strasse|rue|road|rd|avenue|ave|av|calle|via|weg|platz|straat|laan|lane"
    r"|boulevard|blvd|jalan|jln|floor|suite|no|box|postfach)\b|strasse|straße"
)
REGISTERED = re.compile(r" ?\((?:co\.?|reg\.?|no\.?|company|[ :.])*[\w\-]*\d[\w\-]*\)$", re.I)
NAMED = re.compile(r"^(?:name|firma|company|nom|nombre|naam|nome|ragione sociale) ?:")
LABELLED, SENDER_LINE, WITH_LEGAL_FORM, AT_THE_TOP = 0.95, 0.9, 0.6, 0.45
TOP_CELLS = 6
TOP_LINES = 8


def vendors(sheet: Sheet) -> list[Candidate]:
    """Return who may have sent the document, best first."""
    found = [*_labelled(sheet), *_senders(sheet), *_companies(sheet), *_top(sheet)]
    domains = _domains(sheet)
    grouped: dict[str, list[Candidate]] = {}
    for one in found:
        grouped.setdefault(canonical("vendor_name", one.printed.value), []).append(one)
    best = []
    for name, group in grouped.items():
        lead = max(group, key=lambda one: one.weight)
        weight = lead.weight + 0.08 * min(len(group) - 1, 3)
        if any(len(domain) > 3 and (domain in name or name in domain) for domain in domains):
            weight += 0.25
        best.append(Candidate(lead.printed, weight, lead.label))
    return sorted(best, key=lambda c: -c.weight)


def _labelled(sheet: Sheet) -> Iterator[Candidate]:
    for label in sheet.labels_for("vendor_name"):
        weight = LABELLED - 0.3 * (label.line.folded[label.start :].startswith("remit"))
        rest = label.line.text[label.end :]
        cell = rest.lstrip(" :\t").split("\t")[0]
        if cell and (rest.lstrip(" ")[:1] in (":", "\t") or "payable" in label.text.lower()):
            begin = label.line.text.index(cell, label.end)
            yield from _named(label.line, begin, begin + len(cell), weight)
        elif not rest.strip(" :.\t") or rest.startswith((":", "\t")):
            yield from _under(sheet, label.line, label.start, weight)


def _under(sheet: Sheet, line: Line, start: int, weight: float) -> Iterator[Candidate]:
    """Yield the name in the block under a heading: the one called a name, else the first."""
    left = line.words_at(start, start + 1)[0].x0
    first: Candidate | None = None
    for other in sheet.lines[line.index + 1 : line.index + 9]:
        if other.page != line.page or other.box[1] - line.box[3] > 14 * line.height:
            break
        cells = list(other.cells())
        for place, (begin, end) in enumerate(cells):
            if abs(other.words_at(begin, end)[0].x0 - left) > 2 * line.height:
                continue
            if named := NAMED.match(other.folded[begin:]):
                begin += named.end()
                if not other.text[begin:end].strip() and place + 1 < len(cells):
                    begin, end = cells[place + 1]
                yield from _named(other, begin, end, weight)
                return
            if first is None and other.index <= line.index + 3:
                first = next(_named(other, begin, end, weight - 0.05), None)
    if first is not None:
        yield first


def _senders(sheet: Sheet) -> Iterator[Candidate]:
    """Yield the first part of lines such as "Shop AG - Weg 4 - 12345 Town"."""
    for line in sheet.lines:
        for begin, end in line.cells():
            text = line.text[begin:end]
            parts = SENDER.split(text)
            if len(parts) >= 3 and POSTCODE.search(text) and not POSTCODE.search(parts[0]):
                yield from _named(line, begin, begin + len(parts[0]), SENDER_LINE)


def _companies(sheet: Sheet) -> Iterator[Candidate]:
    """Yield the cells that end in, or go on after, a legal form, outside the buyer's part."""
    for line in sheet.lines:
        for begin, end in line.cells():
            match = LEGAL.search(line.folded, begin, end)
            if match is None or match.start() == begin:
                continue
            if (
                match.end() - match.start() <= 2
                and line.text[match.start() : match.end()].islower()
            ):
                continue
            if any(
                label.field == "buyer" and label.start <= match.start()
                for label in sheet.labels[line.index]
            ):
                continue
            if in_buyers_part(sheet, line, line.words_at(begin, end)[0].x0):
                continue
            yield from _named(line, begin, match.end(), WITH_LEGAL_FORM + _height(sheet, line))


def _top(sheet: Sheet) -> Iterator[Candidate]:
    """Yield the first cells of the first page that can be a name; the first says most."""
    seen = 0
    for line in sheet.lines:
        if line.page != sheet.lines[0].page or seen >= TOP_CELLS or line.index >= TOP_LINES:
            return
        for begin, end in line.cells():
            if in_buyers_part(sheet, line, line.words_at(begin, end)[0].x0):
                continue
            if any(_is_label(at, begin, end) for at in sheet.labels[line.index]):
                continue
            for one in _named(line, begin, end, AT_THE_TOP - 0.04 * seen):
                seen += 1
                yield one


def _is_label(label: Label, begin: int, end: int) -> bool:
    """Whether a cell begins with a label: then it names a field, and nobody."""
    return begin <= label.start < end and not label.line.text[begin : label.start].strip()


def _height(sheet: Sheet, line: Line) -> float:
    """A little for what stands high on the first page."""
    return 0.15 - 0.15 * min(line.index / 20, 1.0) if line.page == sheet.lines[0].page else 0.0


def _named(line: Line, begin: int, end: int, weight: float) -> Iterator[Candidate]:
    """Yield the text as a name, without titles around it; nothing where it can be none."""
    text = line.text[begin:end]
    folded = line.folded[begin:end]
    if title := re.match(rf"(?:{TITLES.pattern})\b[ .:]*", folded):
        begin, text = begin + title.end(), text[title.end() :]
    elif title := re.search(rf"[ .:]+(?:{TITLES.pattern})$", folded):
        text = text[: title.start()]
    begin += len(text) - len(text.lstrip(" ,:;-–|"))
    text = REGISTERED.sub("", text).strip(" ,:;-–|●•")
    letters = sum(c.isalpha() for c in text)
    digits = sum(c.isdigit() for c in text)
    if (
        letters < 3
        or digits > letters / 3
        or len(text) > 60
        or "@" in text
        or text[0] in '(“"'
        or text[-1] in "?!"
    ):
        return
    plain = fold(text)
    if TITLES.fullmatch(plain) or STREET.search(plain) or len(text.split()) > 8:
        return
    if POSTCODE.match(text) or any(words.fullmatch(plain) for words in COLUMNS.values()):
        return
    if "://" in plain or plain.startswith("www.") or (text.endswith(":") or ": " in text):
        return
    yield Candidate(Printed(line, begin, begin + len(text), text), weight)


def _domains(sheet: Sheet) -> set[str]:
    found = set()
    for line in sheet.lines:
        for match in DOMAIN.finditer(line.text.lower()):
            if match[1] not in MAILBOXES:
                found.add(compact(match[1]))
    return found
