"""What the page of rules shows: rules, vendors and what is remembered, in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import AppError
from app.core.field_values import LABELS
from app.core.quantities import count
from app.core.times import iso_from_ms
from app.store.records_rules import Rule
from app.web.rules import RulePreview, RuleQuery
from app.web.vendors import VendorSuggestion
from app.web.views import Shell

FIELDS = (("vendor", "Vendor"), ("description", "Description"), ("account", "Account"))
OPERATORS = (("is", "is"), ("contains", "contains"), ("begins", "begins with"))
SIGNS = (("0", "Both ways"), ("-1", "Money out"), ("1", "Money in"))


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule. `earlier` and `later` are the places to which it may be moved, 0 for none."""

    id: int
    place: int
    text: str
    category: str
    earlier: int
    later: int


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """Something that is remembered: what it is about, and what was said of it."""

    kind: str
    key: str
    about: str
    said: str
    on: str
    url: str


@dataclass(frozen=True, slots=True)
class RulesPage:
    """rules.html.

    error      what was wrong with the form as it was sent, or None
    said       what was done, "" when there is nothing to say
    wish       the rule that the form holds; `is_applied` also to the rows that are there
    preview    what that rule would change, None while it says nothing
    vendors    None when they could not be compared just now
    has_more   more is remembered than is listed
    """

    shell: Shell
    error: AppError | None
    said: str
    rules: tuple[RuleLine, ...]
    wish: RuleQuery
    is_applied: bool
    preview: RulePreview | None
    categories: tuple[str, ...]
    vendors: tuple[VendorSuggestion, ...] | None
    memory: tuple[MemoryLine, ...]
    has_more: bool

    @property
    def preview_said(self) -> str:
        return "" if self.preview is None else preview_text(self.preview)

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        return FIELDS

    @property
    def operators(self) -> tuple[tuple[str, str], ...]:
        return OPERATORS

    @property
    def signs(self) -> tuple[tuple[str, str], ...]:
        return SIGNS


def rule_lines(rules: list[Rule]) -> tuple[RuleLine, ...]:
    """Return one's rules, in the order in which they are tried."""
    return tuple(
        RuleLine(
            id=rule.id,
            place=at,
            text=rule_text(rule),
            category=rule.says.category,
            earlier=at - 1,
            later=at + 1 if at < len(rules) else 0,
        )
        for at, rule in enumerate(rules, 1)
    )


def rule_text(rule: Rule) -> str:
    """Return which rows a rule is for: "Vendor is Tanne, money out"."""
    says = rule.says
    ways = {-1: ", money out", 1: ", money in"}
    words = f"{dict(FIELDS)[says.field]} {dict(OPERATORS)[says.operator]} {says.value}"
    return words + ways.get(says.sign, "")


def preview_text(preview: RulePreview) -> str:
    """Return what a rule would do, in a sentence or two."""
    if not preview.rows:
        return "No row fits it so far; it would decide for later files."
    files = f" in {count(len(preview.jobs), 'file')}" if preview.jobs else ""
    said = f"It fits {count(preview.rows, 'row')} and would change {preview.changes:,}{files}."
    if preview.edited:
        said += f" {count(preview.edited, 'row')} you decided yourself, so I leave them alone."
    return said


def memory_line(kind: str, key: str, value: Mapping[str, Any], changed_ms: int) -> MemoryLine:
    """Return what is said of something that is remembered (app/web/memory.py)."""
    on = iso_from_ms(changed_ms)
    if kind == "template":
        names = [*value.get("constants", {}), *value.get("spots", {})]
        labels = ", ".join(dict.fromkeys(LABELS.get(name, name) for name in names))
        about = f"Invoices of {value.get('vendor') or key}"
        return MemoryLine(kind, key, about, f"Where they say: {labels}", on, "")
    said = str(value.get("words") or value.get("answer") or "")
    job_id = value.get("job_id")
    return MemoryLine(
        kind, key, str(value.get("question") or key), said, on, f"/jobs/{job_id}" if job_id else ""
    )
