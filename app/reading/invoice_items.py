"""The lines of an invoice: the table under the header that names descriptions and amounts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.documents import LineItem
from app.reading.invoice_labels import Label
from app.reading.invoice_layout import Sheet
from app.reading.printed import Amount, Line, amounts_in, box_of

COLUMNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"(?<![^\W_])(?:{words})(?![^\W\d_])")
    for name, words in {
        "description": r"description|desc\.?|details?|beschreibung|bezeichnung|artikel|item"
        r"|items|product|produkt|service|leistung|omschrijving|designation|descripcion|concepto"
        r"|descrizione|article|articulo|articolo|particulars|activity",
        "quantity": r"(?:hrs/)?qty|quantity|menge|anzahl|quantite|cantidad|quantita|aantal"
        r"|hoeveelheid|units|qte|q\.ta|cant\.?|hours|stuck",
        "unit_price": r"unit price|unit cost|price|rate(?:/price)?|einzelpreis|stuckpreis|preis"
        r"|nettopreis|vk-preis|e-preis|prix unitaire|unitaire|prix unit\.?|p\.u\."
        r"|precio(?: unitario)?"
        r"|prezzo(?: unitario)?|prijs(?: per stuk)?|stukprijs",
        "tax_rate": r"vat(?: ?%| rate)?|tax(?:es)?(?: rate)?|ust\.?|mwst\.?|steuersatz|tva|btw|iva"
        r"|gst|% ?tva",
        "amount": r"amount|total|line total|betrag|gesamtbetrag|gesamtpreis|gesamt|nettobetrag"
        r"|zeilenbetrag|summe|montant(?: ht)?|total ht|prix ht|importe|importo|totale|bedrag"
        r"|prijs incl\. btw|sub-? ?total|totaal|subtotaal",
    }.items()
}
NUMERIC = ("quantity", "unit_price", "tax_rate", "amount")
MONEY = ("unit_price", "amount")
PERCENT = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?) ?%")
ENDS = ("net_amount", "tax_amount", "total")
MOST_ITEMS = 500
GAP_HEIGHTS = 7.0  # a larger gap under a row ends the table


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its header: what it holds and how far its header reaches."""

    name: str
    x0: float
    x1: float


def items_of(sheet: Sheet) -> list[LineItem]:
    """Return the line items of every table of the document; [] where no header names them."""
    items: list[LineItem] = []
    index = 0
    while index < len(sheet.lines) and len(items) < MOST_ITEMS:
        columns = header_of(sheet, index)
        index += 1
        if columns:
            found, index = _rows(sheet, index, columns)
            items += found
    return items[:MOST_ITEMS]


def header_of(sheet: Sheet, index: int) -> list[Column]:
    """Return the columns that a line heads, left to right; [] when it is no header.

    A header may go on in the next line, or have begun in the one before.
    """
    line = sheet.lines[index]
    if sheet.amounts[index]:
        return []
    found = _columns(line)
    if len({column.name for column in found} - {"other"}) < 2:
        return []
    for other in sheet.lines[max(0, index - 1) : index + 2]:
        near = other.page == line.page and abs(other.box[1] - line.box[1]) < 1.6 * line.height
        if other is not line and near and not sheet.amounts[other.index]:
            found += [column for column in _columns(other) if column.name != "other"]
    found.sort(key=lambda column: column.x0)
    columns: list[Column] = []
    for column in found:
        known = [place for place, one in enumerate(columns) if one.name == column.name]
        if not known or column.name == "other":
            columns.append(column)
        elif column.name == "amount":  # the last is what a line comes to; "Amount" can be a number
            first = columns[known[0]]
            present = {one.name for one in found}
            spare = "other" if "quantity" in present or "description" not in present else "quantity"
            columns[known[0]] = Column(spare, first.x0, first.x1)
            columns.append(column)
    names = {column.name for column in columns}
    if "amount" not in names and "unit_price" in names:
        # What a line comes to then stands last, or the price is all there is.
        columns.append(Column("amount", max(column.x1 for column in columns), 1e6))
        names.add("amount")
    if "amount" not in names or len(names - {"other"}) < 3:
        return []
    return columns if names & {"description", "quantity"} else []


def _columns(line: Line) -> list[Column]:
    """Return what each cell of a line heads; of two that say the same the right one counts."""
    found: dict[str, Column] = {}
    for begin, end in line.cells():
        best: tuple[int, str, int, int] | None = None
        taken: list[tuple[int, int]] = []
        for name, pattern in COLUMNS.items():
            for match in pattern.finditer(line.folded, begin, end):
                size = match.end() - match.start()
                taken.append(match.span())
                if best is None or size > best[0]:
                    best = size, name, match.start(), match.end()
        if end - begin > 40:
            continue
        if best is None:
            x0, _, x1, _ = box_of(line.words_at(begin, end))
            found[f"other {begin}"] = Column("other", x0, x1)
            continue
        # Narrow columns may share a cell: "Disc.% Taxes", "Menge Beschreibung".
        for name, pattern in COLUMNS.items():
            for match in pattern.finditer(line.folded, begin, end):
                inside = any(
                    a <= match.start() and match.end() <= b and (a, b) != match.span()
                    for a, b in taken
                )
                if not inside:
                    x0, _, x1, _ = box_of(line.words_at(*match.span()))
                    place = f"{name} {begin}" if name == "amount" else name
                    found[place] = Column(name, x0, x1)
    return list(found.values())


def _rows(sheet: Sheet, index: int, columns: Sequence[Column]) -> tuple[list[LineItem], int]:
    """Return the items under a header and where they end."""
    items: list[LineItem] = []
    waiting: list[Line] = []  # whose amount comes in a later line
    goes_on = False  # the last line still belongs to the last item
    page = sheet.lines[index - 1].page
    bottom = sheet.lines[index - 1].box[3]
    while index < len(sheet.lines):
        line = sheet.lines[index]
        if line.page != page or line.box[1] - bottom > GAP_HEIGHTS * line.height:
            break
        sums = _sum_labels(sheet, line)
        if any(_ends_table(line, label) for label in sums):
            break
        values = {} if sums else _values(line, columns)
        near = line.box[1] - bottom < 1.2 * line.height
        if sums:
            waiting, goes_on = [], False  # a sum in between
        elif "amount" in values:
            close = [one for one in waiting if line.box[1] - one.box[3] < line.height]
            for one in close:
                values = {**_values(one, columns), **values}
            found = _item([*close[-1:], line], columns, values)
            items += found
            waiting, goes_on = [], bool(found)
        elif goes_on and not values and near:
            _go_on(items[-1], line, columns)
        else:
            waiting, goes_on = [*waiting[-1:], line], False
        bottom = line.box[3]
        index += 1
    return items, index


def _sum_labels(sheet: Sheet, line: Line) -> list[Label]:
    """Return the labels of sums that a line says with their amounts."""
    last = max((amount.start for amount in sheet.amounts[line.index]), default=-1)
    return [
        label for label in sheet.labels[line.index] if label.field in ENDS and label.end <= last
    ]


def _ends_table(line: Line, label: Label) -> bool:
    """Whether a sum is the end of the table: a total or tax, and not within a description."""
    if label.field == "net_amount":
        return False  # subtotals stand between items, too
    leads = not re.search(r"[^\W\d_]{3,}", line.text[: label.start])
    return leads or (label.field == "total" and label.weight >= 1.0)


def _values(line: Line, columns: Sequence[Column]) -> dict[str, Amount]:
    """Return each number of a row under the numeric column that is nearest to it."""
    found: dict[str, tuple[float, Amount]] = {}
    for amount in amounts_in(line, whole=True):
        x0, _, x1, _ = amount.box
        money = amount.sign or re.search(r"[.,]\d\d", amount.text)
        able = [c for c in columns if c.name not in MONEY or money]
        if amount.sign:  # no rate, and no number of pieces
            able = [c for c in able if c.name not in ("tax_rate", "quantity")]
        nearest = min(able, key=lambda c: _apart(c, x0, x1) + line.height * (c.name == "other"))
        far = _apart(nearest, x0, x1)
        if nearest.name not in NUMERIC or far > 4 * line.height:
            continue
        if nearest.name not in found or far < found[nearest.name][0]:
            found[nearest.name] = far, amount
    values = {name: amount for name, (_, amount) in found.items()}
    if "amount" not in values and "unit_price" in values and columns[-1].x1 >= 1e6:
        values["amount"] = values.pop("unit_price")
    return values


def _apart(column: Column, x0: float, x1: float) -> float:
    """How far a range is from a column: 0 where they overlap, less where they share an edge."""
    gap = max(column.x0 - x1, x0 - column.x1, 0.0)
    edges = min(abs(column.x0 - x0), abs(column.x1 - x1), abs(column.x0 + column.x1 - x0 - x1) / 2)
    return gap + edges / 10


def _item(
    lines: Sequence[Line], columns: Sequence[Column], values: Mapping[str, Amount]
) -> list[LineItem]:
    """Return the item that lines make, or none: a description is there, or three numbers are."""
    words = [word for amount in values.values() for word in amount.words]
    parts = [_description(line, columns, exclude=words) for line in lines]
    description = " ".join(part for part in parts if part)
    if not description and len(values) < 3:
        return []
    boxes = box_of([word for line in lines for word in line.words])
    item = LineItem(page=lines[0].page, bbox=[round(edge, 2) for edge in boxes])
    if description:
        item["description"] = description
    if "quantity" in values:
        item["quantity"] = values["quantity"].value.removesuffix(".00")
    if "unit_price" in values:
        item["unit_price"] = values["unit_price"].value
    item["amount"] = values["amount"].value
    rates = [rate for line in lines for rate in PERCENT.finditer(line.text)]
    if rates:
        item["tax_rate"] = rates[-1][1].replace(",", ".").removesuffix(".00")
    return [item]


def _go_on(item: LineItem, line: Line, columns: Sequence[Column]) -> None:
    """A line without amounts right under an item goes on with its description."""
    more = _description(line, columns, exclude=())
    known = item.get("description", "")
    if more and known and len(known) < 300:
        item["description"] = f"{known} {more}"


def _description(line: Line, columns: Sequence[Column], exclude: Sequence[object]) -> str:
    """Return a row's words between the columns left and right of the description."""
    named = next((column for column in columns if column.name == "description"), None)
    if named is None:
        left, right = 0.0, min(c.x0 for c in columns if c.name in NUMERIC)
    else:
        left = max((c.x1 for c in columns if c.x1 <= named.x0), default=0.0)
        right = min((c.x0 for c in columns if c.x0 >= named.x1), default=1e9)
    parts = [
        word.text
        for word in line.words
        if word not in exclude and left - line.height / 2 <= word.x0 < right - line.height / 2
    ]
    return " ".join(parts).strip()
