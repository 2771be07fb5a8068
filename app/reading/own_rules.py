"""A person's own rules: which rows they fit, and what they make of them.

Texts are compared without accents and in small letters. A vendor's name also fits when it is the
same after normalising, so that "REWE SAGT DANKE 417" is Rewe.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.reading.payees import folded, payee_key
from app.store.records import Label
from app.store.records_labels import texts_of
from app.store.records_rules import Rule, Wish

RULED = 0.99  # a rule is right; only what a person said of the very row is surer


@dataclass(frozen=True, slots=True)
class Sought:
    """A rule, ready to be held against texts."""

    rule: Rule
    text: str
    key: str

    @property
    def says(self) -> Wish:
        return self.rule.says

    def fits_sign(self, sign: int) -> bool:
        return self.says.sign in (0, sign)

    def fits_vendor(self, vendor: str | None) -> bool:
        if not vendor:
            return False
        if self.says.operator == "is" and self.key:
            return payee_key(vendor) == self.key or _plain(vendor) == self.text
        return self.fits_text(vendor)

    def fits_text(self, text: str | None) -> bool:
        if not text or not self.text:  # accents alone leave nothing
            return False
        plain = _plain(text)
        match self.says.operator:
            case "is":
                return plain == self.text
            case "begins":
                return plain.startswith(self.text)
            case _:
                return self.text in plain


@dataclass(slots=True)
class Fitting:
    """What rules say of one import.

    labels  label id -> the rule that fits all of its rows
    rows    label id -> rule -> ids of those of its rows that it fits, where it is not all of them
    """

    labels: dict[int, Rule] = field(default_factory=dict)
    rows: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    rules: dict[int, Rule] = field(default_factory=dict)


def _plain(text: str) -> str:
    return " ".join(folded(text).split())


def sought(rules: Sequence[Rule]) -> list[Sought]:
    """Prepare rules, in their order, for being held against texts."""
    return [Sought(rule, _plain(rule.says.value), payee_key(rule.says.value)) for rule in rules]


def reason_of(says: Wish) -> str:
    """Return what is said of a row that a rule decided."""
    verb = {"is": "is", "contains": "contains", "begins": "begins with"}[says.operator]
    return f"Your rule: {says.field} {verb} '{says.value}'"


def fitting(
    connection: sqlite3.Connection, import_id: int, labels: Sequence[Label], rules: Sequence[Rule]
) -> Fitting:
    """Find what `rules` say of the rows of an import; of several that fit, the first decides.

    labels  of the import, with their vendors; what a person said of them is left alone
    """
    found = Fitting(rules={rule.id: rule for rule in rules})
    ready = sought(rules)
    by_vendor: dict[int, Sought] = {}
    open_labels: dict[int, tuple[Label, list[Sought]]] = {}
    for label in labels:
        if label.edited:
            continue
        possible: list[Sought] = []
        for one in ready:
            if not one.fits_sign(label.sign):
                continue
            if one.says.field != "vendor":
                possible.append(one)
            elif one.fits_vendor(label.vendor):
                by_vendor[label.id] = one
                break
        if possible:
            open_labels[label.id] = (label, possible)
        elif label.id in by_vendor:
            found.labels[label.id] = by_vendor[label.id].rule
    if open_labels:
        _by_rows(connection, import_id, open_labels, by_vendor, found)
    return found


def _by_rows(
    connection: sqlite3.Connection,
    import_id: int,
    open_labels: dict[int, tuple[Label, list[Sought]]],
    by_vendor: dict[int, Sought],
    found: Fitting,
) -> None:
    """Hold the rules about descriptions and accounts against every row of the labels."""
    fits: dict[int, dict[int, list[int]]] = {}
    known: dict[tuple[int, str | None, str | None], int | None] = {}
    for row_id, label_id, description, account in texts_of(connection, import_id):
        if label_id not in open_labels:
            continue
        asked = (label_id, description, account)
        if asked not in known:
            if len(known) > 100_000:
                known.clear()
            known[asked] = next(
                (
                    one.rule.id
                    for one in open_labels[label_id][1]
                    if one.fits_text(description if one.says.field == "description" else account)
                ),
                None,
            )
        rule_id = known[asked]
        if rule_id is not None:
            fits.setdefault(label_id, {}).setdefault(rule_id, []).append(row_id)
    for label_id, (label, _) in open_labels.items():
        ruled = fits.get(label_id, {})
        rest = by_vendor.get(label_id)
        if len(ruled) == 1 and sum(map(len, ruled.values())) >= label.rows:
            found.labels[label_id] = found.rules[next(iter(ruled))]
            continue
        if ruled:
            found.rows[label_id] = ruled
        if rest is not None:
            found.labels[label_id] = rest.rule
