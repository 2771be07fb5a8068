"""The rules of a person in records.db: which rows get which category, in their order."""

import sqlite3
from dataclasses import dataclass
from typing import Literal, get_args

from app.core.errors import InvalidRequest, NotFound
from app.store.records_memory import ADD_PERSON, PERSON

RuleField = Literal["vendor", "description", "account"]
RuleOperator = Literal["is", "contains", "begins"]
FIELDS: tuple[RuleField, ...] = get_args(RuleField)

MOST_RULES = 500  # of one person: every row may have to be held against all of them


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rule says. sign: -1 for money out only, 1 for money in only, 0 for both."""

    field: RuleField
    operator: RuleOperator
    value: str
    sign: int
    category: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is kept. Of those that fit a row, the one with the lowest place decides."""

    id: int
    place: int
    says: Wish
    created_ms: int


ALL = (
    "SELECT id, place, field, operator, value, sign, category, created_ms FROM rule"  # noqa: S608
    f" WHERE person = {PERSON} ORDER BY place, id"
)
ADD = (
    "INSERT INTO rule (person, place, field, operator, value, sign, category, created_ms)"  # noqa: S608
    f" VALUES ({PERSON}, ?, ?, ?, ?, ?, ?, ?)"
)
CHANGE = (
    "UPDATE rule SET field = ?, operator = ?, value = ?, sign = ?, category = ?"  # noqa: S608
    f" WHERE person = {PERSON} AND id = ?"
)
DROP = f"DELETE FROM rule WHERE person = {PERSON} AND id = ?"  # noqa: S608
PLACE = "UPDATE rule SET place = ? WHERE id = ?"


def rules_of(connection: sqlite3.Connection, user_id: str) -> list[Rule]:
    """Return a person's rules in the order in which they are tried."""
    return [rule_of(row) for row in connection.execute(ALL, (user_id,))]


def rule_of(row: tuple[int, int, RuleField, RuleOperator, str, int, str, int]) -> Rule:
    """Return a row of ALL as a rule."""
    return Rule(row[0], row[1], Wish(*row[2:7]), row[7])


def add_rule(connection: sqlite3.Connection, user_id: str, says: Wish, now_ms: int) -> Rule:
    """Add a rule behind the others; return it. The same rule again is the one that is there.

    Raises InvalidRequest when there are too many.
    """
    connection.execute(ADD_PERSON, (user_id,))
    there = rules_of(connection, user_id)
    same = next((rule for rule in there if rule.says == says), None)
    if same is not None:
        return same
    if len(there) >= MOST_RULES:
        raise InvalidRequest(what=f"more than {MOST_RULES} rules are not kept")
    place = there[-1].place + 1 if there else 1
    values = (says.field, says.operator, says.value, says.sign, says.category)
    made = connection.execute(ADD, (user_id, place, *values, now_ms))
    return Rule(int(made.lastrowid or 0), place, says, now_ms)


def change_rule(connection: sqlite3.Connection, user_id: str, rule_id: int, says: Wish) -> None:
    """Let a rule say something else. Raises NotFound."""
    values = (says.field, says.operator, says.value, says.sign, says.category)
    if not connection.execute(CHANGE, (*values, user_id, rule_id)).rowcount:
        raise NotFound(what="rule")


def move_rule(connection: sqlite3.Connection, user_id: str, rule_id: int, place: int) -> None:
    """Put a rule at `place`, from 1; the others close up. Raises NotFound."""
    there = rules_of(connection, user_id)
    moved = next((rule for rule in there if rule.id == rule_id), None)
    if moved is None:
        raise NotFound(what="rule")
    there.remove(moved)
    there.insert(max(place, 1) - 1, moved)
    connection.executemany(PLACE, ((at, rule.id) for at, rule in enumerate(there, 1)))


def drop_rule(connection: sqlite3.Connection, user_id: str, rule_id: int) -> None:
    """Let a rule go; what it decided stays. Raises NotFound."""
    if not connection.execute(DROP, (user_id, rule_id)).rowcount:
        raise NotFound(what="rule")
