"""Net, tax and total of an invoice: chosen together, because net + tax = total."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.reading.invoice_layout import Candidate, Sheet, below, beside
from app.reading.printed import Amount, Line, Printed

CENTS = Decimal("0.02")  # how far a sum may be off by rounding
CLEAR = 0.15  # a lead smaller than this in weight leaves a doubt
SMALL, SMALL_SHARE = 0.35, Decimal("0.4")  # what a total loses that is less than this of the most
COINS = Decimal("0.05")  # to which cash is rounded
ONLY_DUE = re.compile(r"due ?:?", re.I)
MOST = 12  # candidates of each kind that are combined


@dataclass(frozen=True, slots=True)
class Sums:
    """The chosen candidates; None where there is none.

    balanced   net + tax = total
    confirmed  something else says the total too: it is announced twice, or is what was paid
    contested  another amount is announced as the total about as clearly
    """

    net: Candidate | None
    tax: Candidate | None
    total: Candidate | None
    balanced: bool
    confirmed: bool = False
    contested: bool = False


def sums(sheet: Sheet) -> Sums:
    """Return the net, tax and total amounts that go together best."""
    nets = _candidates(sheet, "net_amount")
    taxes = _candidates(sheet, "tax_amount")
    totals = _plausible(sheet, _candidates(sheet, "total"))
    totals = _rounded(sheet, totals) + totals
    taxes += _added(taxes)
    # Where the total is called gross, the net may be called a total; only sums can tell.
    called = [one for one in totals if one.label is not None and one.label.weight < 1.0]
    called_labels = [one.label for one in called]
    maybe = nets + [Candidate(one.printed, 0.4, one.label) for one in called]
    rows = _sum_rows(sheet)
    best: tuple[float, Sums] | None = None
    for total in totals[:MOST]:
        for net in maybe[: 2 * MOST]:
            for tax in taxes[:MOST]:
                if abs(_number(net) + _number(tax) - _number(total)) > CENTS:
                    continue
                if net.label in called_labels and not _number(tax):
                    continue  # a total is not its own net
                if net.printed == total.printed or tax.printed == net.printed:
                    continue
                if _number(tax) and abs(_number(tax)) >= abs(_number(net)):
                    continue
                score = total.weight + net.weight + tax.weight + 1.0
                score += 0.3 if _number(tax) else 0.0  # 0 + a = a says little
                if best is None or score > best[0]:
                    best = score, Sums(net, tax, total, balanced=True)
    for row in rows:
        agrees = [total for total in totals if _number(total) == _number(row.total)]
        score = 2.4 + (1.0 if agrees else 0.0)
        if row.total and (best is None or score > best[0]):
            best = score, row
    if best is not None:
        return best[1]
    whole = totals[0] if totals else _only_amount(sheet)
    if whole is None:
        return Sums(None, None, None, balanced=False)
    most = abs(_number(whole))
    return Sums(
        next((one for one in nets if abs(_number(one)) <= most), None),
        next((one for one in taxes if abs(_number(one)) < most), None),
        whole,
        balanced=False,
        confirmed=_confirmed(sheet, whole, totals),
        contested=any(
            _number(one) != _number(whole) and one.weight > whole.weight - CLEAR for one in totals
        ),
    )


def _plausible(sheet: Sheet, totals: Sequence[Candidate]) -> list[Candidate]:
    """Return totals, best first, with less weight for those far below another amount.

    What was paid, a balance and the like may be more than the total, and do not count.
    """
    others = {
        (one.printed.line.index, one.printed.start) for one in _candidates(sheet, "other_amount")
    }
    counted = [
        abs(amount.number)
        for amounts in sheet.amounts
        for amount in amounts
        if amount.exact and (amount.line.index, amount.start) not in others
    ]
    most = max(counted, default=Decimal(0))
    found = [
        Candidate(one.printed, one.weight - SMALL, one.label)
        if abs(_number(one)) < most * SMALL_SHARE
        else one
        for one in totals
    ]
    return sorted(found, key=lambda one: -one.weight)


def _rounded(sheet: Sheet, totals: Sequence[Candidate]) -> list[Candidate]:
    """Return the best total as it was rounded to coins, where the document says that too."""
    for total in totals[:1]:
        for one in _candidates(sheet, "other_amount"):
            if one.label is None or not one.label.text.lower().startswith("round"):
                continue
            if _number(one) > COINS and 0 < abs(_number(one) - _number(total)) <= COINS:
                return [Candidate(one.printed, total.weight, one.label)]
    return []


def _confirmed(sheet: Sheet, total: Candidate, totals: Sequence[Candidate]) -> bool:
    """Whether the total is announced twice, or is what was paid, less the change."""
    value = _number(total)
    labels = {
        (one.printed.line.index, one.label.start)
        for one in totals
        if one.label is not None and _number(one) == value
    }
    if len(labels) > 1:
        return True
    moved = {_number(one) for one in _candidates(sheet, "other_amount")}
    return any(paid >= value > 0 and paid - value in (moved | {Decimal(0)}) for paid in moved)


def _number(candidate: Candidate | None) -> Decimal:
    return Decimal(candidate.printed.value) if candidate else Decimal(0)


def _candidates(sheet: Sheet, field: str) -> list[Candidate]:
    """Return the amounts that labels of `field` announce, best first, each value once a line."""

    def find(line: Line) -> Sequence[Printed]:
        return sheet.amounts[line.index]

    found: list[Candidate] = []
    labels = list(sheet.labels_for(field))
    if field == "total":  # "Due" announces a date, or what is to be paid
        labels += [at for at in sheet.labels_for("due_date") if ONLY_DUE.fullmatch(at.text)]
    for label in labels:
        near = beside(sheet, label, find)
        # In a row of several amounts the last is what the row comes to.
        weights = [one.weight for one in near]
        near = [
            Candidate(one.printed, weight, label)
            for one, weight in zip(reversed(near), weights, strict=True)
        ]
        if not near:
            near = [
                Candidate(one.printed, one.weight - 0.15, label)
                for one in below(sheet, label, find)
            ]
        found += near
    # What stands further down the document has the last word.
    last = max(len(sheet.lines), 1)
    placed = [
        Candidate(c.printed, c.weight + 0.05 * c.printed.line.index / last, c.label) for c in found
    ]
    return sorted(placed, key=lambda c: -c.weight)


def _added(taxes: Sequence[Candidate]) -> list[Candidate]:
    """Return the sum of taxes at several rates as a candidate: 19.25 at 7 % and 37.62 at 19 %."""
    groups: dict[tuple[int, str], dict[int, Candidate]] = {}
    for tax in taxes:
        if tax.label is None or not _number(tax):
            continue
        own = groups.setdefault((tax.printed.line.page, tax.label.line.folded[:3]), {})
        own.setdefault(tax.printed.line.index, tax)
    found = []
    for own in groups.values():
        if 2 <= len(own) <= 6:
            total = sum((_number(one) for one in own.values()), Decimal(0))
            lead = max(own.values(), key=lambda one: one.weight)
            at = lead.printed
            whole = Amount(at.line, at.start, at.end, f"{total:.2f}", exact=True)
            found.append(Candidate(whole, 0.6, lead.label))
    return found


def _sum_rows(sheet: Sheet) -> list[Sums]:
    """Return rows that hold net, tax and total side by side: 24.99 5.00 29.99."""
    found = []
    for line, amounts, labels in zip(sheet.lines, sheet.amounts, sheet.labels, strict=True):
        if len(amounts) < 3:
            continue
        net, tax, total = amounts[-3:]
        if net.number + tax.number != total.number or not 0 < abs(tax.number) < abs(net.number):
            continue
        weight = 0.9 if any(label.field == "total" for label in labels) else 0.7
        weight += 0.05 * line.index / len(sheet.lines)
        found.append(
            Sums(
                Candidate(net, weight),
                Candidate(tax, weight),
                Candidate(total, weight),
                balanced=True,
            )
        )
    return found


def _only_amount(sheet: Sheet) -> Candidate | None:
    """Return the document's only amount with a currency, if it is called an amount; else None."""
    values = {one.value for amounts in sheet.amounts for one in amounts if one.exact and one.sign}
    if len(values) != 1:
        return None
    found = _candidates(sheet, "amount")
    return Candidate(found[0].printed, 0.4, found[0].label) if found else None
