"""What each column of a table means: its role, by its name and by its cells."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.reading.amounts import CURRENCIES, MarkCount, currency_in, parse_amount
from app.reading.column_names import (
    CREDIT_WORDS,
    DEBIT_WORDS,
    NAMES,
    PLACEHOLDERS,
    RANK,
    WITHIN,
    plain_name,
)
from app.reading.dates import DateCount

MOSTLY = 0.8  # of a column's filled cells fit, so that is what the column is
HALF = 0.5  # enough when the column's name says so too
NEARLY = 0.9
OWN_ACCOUNTS = 5
SPARSE = 0.3  # a column filled less than this is not a row's main text
CENTS = re.compile(r"[.,]\d\d(?!\d)")


@dataclass(slots=True)
class Column:
    """One column, as detect_fields tells it.

    role     what it means (see NAMES), or None: kept as it is; "kind", see sellers.with_kinds
    type     date, amount, text or empty
    inverse  of a debit column: its cells are written without a minus;
             of a flag column: where it is empty, the amount is a debit
    """

    index: int
    name: str
    role: str | None = None
    type: str = "text"
    date_format: str | None = None
    decimal_mark: str | None = None
    currency: str | None = None
    has_times: bool = False
    inverse: bool = False
    evidence: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cells:
    """What the sampled cells of one column look like."""

    filled: int
    rows: frozenset[int]
    dates: DateCount
    marks: MarkCount
    signed: int
    decimals: int
    cents: int
    words: Counter[str]
    currency: str | None
    letters: int

    @property
    def date_share(self) -> float:
        return self.dates.dates / self.filled if self.filled else 0.0

    @property
    def amount_share(self) -> float:
        return self.marks.amounts / self.filled if self.filled else 0.0

    @property
    def are_currencies(self) -> bool:
        return self._nearly_all(CURRENCIES)

    @property
    def are_flags(self) -> bool:
        return self._nearly_all(DEBIT_WORDS | CREDIT_WORDS)

    @property
    def are_credits(self) -> bool:
        return self._nearly_all(CREDIT_WORDS)

    def _nearly_all(self, words: frozenset[str]) -> bool:
        """Some cells of another kind are rows that were cut in the wrong place."""
        total = self.words.total()
        fit = sum(count for word, count in self.words.items() if word in words)
        return fit > 0 and fit >= NEARLY * total


def look_at(cells: Sequence[str]) -> Cells:
    """Count what the cells of a column look like."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    real = [cell for cell in filled if cell.casefold() not in PLACEHOLDERS] or filled
    dates, marks = DateCount(), MarkCount()
    dates.add(real)
    marks.add(real)
    currencies = {code for cell in real[:50] if (code := currency_in(cell))}
    return Cells(
        filled=len(real),
        rows=frozenset(at for at, cell in enumerate(cells) if cell.strip()),
        dates=dates,
        marks=marks,
        signed=sum((parse_amount(cell, marks.mark or ".") or 0) < 0 for cell in real),
        decimals=sum("," in cell or "." in cell for cell in real),
        cents=sum(CENTS.search(cell) is not None for cell in real),
        words=Counter(_word(cell) for cell in filled),
        currency=currencies.pop() if len(currencies) == 1 else None,
        letters=sum(map(len, filled)),
    )


def _word(cell: str) -> str:
    """A cell as it stands in a list of words: currency codes as they are, the rest plain."""
    return cell.upper() if cell.upper() in CURRENCIES else plain_name(cell) or cell


def find_columns(header: Sequence[str], sample: Sequence[Sequence[str]]) -> list[Column]:
    """Return every column with its role and type.

    header  names as they stand, [] when there are none
    sample  rows of data; shorter rows are taken as ending in empty cells
    """
    width = max(len(header), max((len(row) for row in sample), default=0) if not header else 0)
    looks = [look_at([row[i] if i < len(row) else "" for row in sample]) for i in range(width)]
    columns = [
        Column(index=i, name=header[i].strip() if i < len(header) else "", type=_type_of(look))
        for i, look in enumerate(looks)
    ]
    if header:
        _roles_by_name(columns, looks)
    _roles_by_cells(columns, looks, named=bool(header))
    _name_columns(columns)
    for column, look in zip(columns, looks, strict=True):
        if column.role in ("amount", "debit", "credit", "balance", "fee"):
            column.type = "amount" if look.filled else "empty"
            column.decimal_mark = look.marks.mark
            column.currency = currency_in(column.name) or look.currency
            column.inverse = column.role == "debit" and look.signed <= look.filled / 2
        elif column.role == "flag":
            column.inverse = look.are_credits and look.filled < len(sample)
        elif column.role in ("date", "value_date"):
            column.type = "date"
            column.date_format = look.dates.order
    return columns


def columns_with(roles: Sequence[str | None], header: Sequence[str]) -> list[Column]:
    """Return columns whose roles are known by the file's format: one of `roles` for each name."""
    types = {"date": "date", "value_date": "date", "amount": "amount"}
    why = "the format says so"
    return [
        Column(index=i, name=name, role=role, type=types.get(role or "", "text"), evidence=why)
        for i, (name, role) in enumerate(zip(header, roles, strict=True))
    ]


def _type_of(look: Cells) -> str:
    if not look.filled:
        return "empty"
    if look.date_share >= MOSTLY and look.date_share >= look.amount_share:
        return "date"
    return "amount" if look.amount_share >= MOSTLY else "text"


def _fits(role: str, look: Cells) -> bool:
    """Say whether cells may be what their column's name says."""
    if not look.filled:
        return role in ("debit", "credit", "amount", "balance", "date", "description", "currency")
    match role:
        case "date" | "value_date":
            return look.date_share >= HALF
        case "amount" | "debit" | "credit" | "balance" | "fee":
            return look.amount_share >= HALF
        case "flag":
            return look.are_flags
        case "currency":
            return look.are_currencies
        case "description" | "counterparty":
            return look.date_share < MOSTLY
        case "account":  # one's own: another one in every row is the other side's
            return len(look.words) <= max(OWN_ACCOUNTS, look.filled // 5)
    return True


def _roles_by_name(columns: list[Column], looks: list[Cells]) -> None:
    """Give each role to the column whose name fits best and whose cells do not contradict it."""
    offers: list[tuple[int, int, str]] = []
    for column, look in zip(columns, looks, strict=True):
        plain = plain_name(column.name)
        bare = plain_name(re.sub(r"\(.*?\)|\b[A-Z]{3}\b", " ", column.name)) or plain
        exact = [
            (RANK[role][name], role)
            for role in NAMES
            for name in dict.fromkeys((plain, bare))
            if name in RANK[role] and _fits(role, look)
        ]
        penalty = 0 if plain in {name for names in RANK.values() for name in names} else 50
        if exact:
            offers.extend((place + penalty, column.index, role) for place, role in exact)
            continue
        within = next((role for role, pattern in WITHIN if pattern.search(plain)), None)
        if within and within != "other" and _fits(within, look):
            offers.append((200, column.index, within))
    # An empty column gets a role only when no filled one wants it.
    most = max(look.filled for look in looks)

    def order(offer: tuple[int, int, str]) -> tuple[bool, bool, int, int]:
        place, index, role = offer
        sparse = role in ("description", "counterparty") and looks[index].filled < SPARSE * most
        return not looks[index].filled, sparse, place, index

    offers.sort(key=order)
    taken: set[str] = set()
    for _place, index, role in offers:
        if columns[index].role is None and role not in taken:
            columns[index].role = role
            columns[index].evidence = f"its name is “{columns[index].name}”"
            taken.add(role)


def _roles_by_cells(columns: list[Column], looks: list[Cells], *, named: bool) -> None:
    """Find a date, an amount and a text by their cells, where no name said which they are."""
    taken = {column.role for column in columns}
    free = [column for column in columns if column.role is None]

    def give(column: Column, role: str, why: str) -> None:
        column.role = role
        column.evidence = why
        taken.add(role)
        free.remove(column)

    if "date" not in taken:
        late = next((column for column in columns if column.role == "value_date"), None)
        found = late or next((column for column in free if column.type == "date"), None)
        if found is late and late is not None:
            late.role = "date"
            taken.add("date")
        elif found is not None and (not named or taken & {"amount", "debit", "credit"}):
            give(found, "date", "its cells are dates")
    if "date" not in taken:
        return
    if not taken & {"amount", "debit", "credit"}:
        _amounts_by_cells(free, looks, give, named=named)
    if "flag" not in taken and "amount" in taken:
        amount = next(column for column in columns if column.role == "amount")
        flags = [
            column
            for column in columns
            if column.role in (None, "type", "status")
            and looks[column.index].filled
            and looks[column.index].are_flags
        ]
        if flags and not looks[amount.index].signed:
            if flags[0] in free:
                free.remove(flags[0])
            flags[0].role = "flag"
            flags[0].evidence = "its cells say debit or credit"
    if "currency" not in taken:
        found = next((c for c in free if looks[c.index].are_currencies), None)
        if found is not None:
            give(found, "currency", "its cells are currency codes")
    if not taken & {"description", "counterparty"}:
        texts = [c for c in free if c.type == "text" and looks[c.index].filled]
        if texts:
            longest = max(texts, key=lambda column: looks[column.index].letters)
            give(longest, "description", "its cells are the longest texts")


def _amounts_by_cells(
    free: list[Column], looks: list[Cells], give: Callable[[Column, str, str], None], *, named: bool
) -> None:
    """Find the amounts where no name says which they are.

    Two columns that are never filled in the same row are debits and credits, and there are more
    debits than credits in most people's lives. Under names that say something else a number has
    to look like money: two decimals.
    """
    numbers = [c for c in free if c.type == "amount" and looks[c.index].filled]
    cents = [c for c in numbers if looks[c.index].cents >= MOSTLY * looks[c.index].filled]
    if named or cents:
        numbers = cents
    if not numbers:
        return
    first = numbers[0]
    second = next(
        (c for c in numbers[1:] if not looks[c.index].rows & looks[first.index].rows), None
    )
    if second is None or looks[first.index].signed:
        give(first, "amount", "its cells are amounts")
        return
    more, less = sorted((first, second), key=lambda c: -looks[c.index].filled)
    give(more, "debit", "its cells are amounts, more of them than in the other column")
    give(less, "credit", "its cells are amounts, where the other column has none")


WORDED = {
    "date": "Date",
    "value_date": "Value date",
    "amount": "Amount",
    "debit": "Debit",
    "credit": "Credit",
    "currency": "Currency",
    "description": "Description",
    "flag": "Debit or credit",
}


def _name_columns(columns: list[Column]) -> None:
    """Give every column a name of its own."""
    seen: dict[str, int] = {}
    for column in columns:
        name = column.name or WORDED.get(column.role or "", f"Column {column.index + 1}")
        seen[name] = seen.get(name, 0) + 1
        column.name = name if seen[name] == 1 else f"{name} ({seen[name]})"
