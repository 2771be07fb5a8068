"""A person's rules about categories: what they say, and what they would change."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.errors import InvalidRequest, NotFound
from app.core.taxonomy import CATEGORIES
from app.core.times import iso_from_ms
from app.keys import DOOR, LEARNER, RECORDS, RUNNER
from app.store.records_rules import Rule, RuleField, RuleOperator
from app.web.edits import tell_of_rows
from app.web.identity import owner_for
from app.web.jobs import job_of
from app.web.wire import json_answer, number_in_path, read_json, read_query, state_answer

# By name: they and what they need are loaded in worker processes only.
CORRECT = "app.reading.corrections:correct_row"
PREVIEW = "app.reading.corrections:preview_rule"
MAKE = "app.reading.corrections:make_rule"
ALTER = "app.reading.corrections:alter_rule"
REMOVE = "app.reading.corrections:remove_rule"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sign = Literal[-1, 0, 1]


class RuleWish(BaseModel):
    """A rule: rows whose `field` is, contains or begins with `value` get `category`."""

    model_config = ConfigDict(extra="forbid")
    field: RuleField = "vendor"
    operator: RuleOperator = "is"
    value: Value
    sign: Sign = Field(default=0, description="-1: only money out, 1: only money in, 0: both")
    category: Name
    apply: bool = Field(default=False, description="also change the rows that are there")


class RuleChange(BaseModel):
    """What of a rule is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    field: RuleField | None = None
    operator: RuleOperator | None = None
    value: Value | None = None
    sign: Sign | None = None
    category: Name | None = None
    place: int | None = Field(default=None, ge=1, le=1000, description="from 1, tried first")
    apply: bool = Field(default=False, description="also change the rows that are there")


class RuleQuery(BaseModel):
    """A rule that is to be tried out."""

    model_config = ConfigDict(extra="forbid")
    field: RuleField = "vendor"
    operator: RuleOperator = "is"
    value: str = Field(default="", max_length=200)
    sign: Literal["-1", "0", "1"] = "0"
    category: str = Field(default="", max_length=100)


class RuleAnswer(BaseModel):
    """A rule as it is kept. Of those that fit a row, the one with the lowest place decides."""

    id: int
    place: int
    field: RuleField
    operator: RuleOperator
    value: str
    sign: Sign
    category: str
    created_at: str


class RuleList(BaseModel):
    """One's rules, in the order in which they are tried."""

    rules: list[RuleAnswer]


class RuleMade(BaseModel):
    """A rule that was made or changed, and how many rows it changed at once."""

    rule: RuleAnswer
    changed: int


class RuleExample(BaseModel):
    """Rows that a rule would change, which say the same."""

    job_id: str
    text: str
    vendor: str | None
    category: str | None
    rows: int


class RuleJob(BaseModel):
    """A file in which a rule would change rows."""

    job_id: str
    rows: int


class RulePreview(BaseModel):
    """What a rule would do.

    rows     that it fits, apart from `edited`, which a person has decided and it leaves alone
    changes  those of them whose category it would change
    """

    rows: int
    changes: int
    edited: int
    jobs: list[RuleJob]
    examples: list[RuleExample]


class RuleOffer(BaseModel):
    """A rule that would do to all rows like a corrected one what was done to it."""

    field: RuleField
    operator: RuleOperator
    value: str
    sign: Sign
    category: str
    rows: int = Field(description="that it would change")
    files: int


class Correction(BaseModel):
    """What a person says of a row; null takes a category or vendor away."""

    model_config = ConfigDict(extra="forbid")
    category: Name | None = None
    vendor: Name | None = None


class Corrected(BaseModel):
    """A corrected row, and the rule that is offered. It is made only by asking for it."""

    row: dict[str, Any]
    rule: RuleOffer | None


class CategoryCount(BaseModel):
    """A category, and how many of one's rows have it."""

    name: str
    rows: int


class CategoryList(BaseModel):
    """The categories there are and those one has made oneself, by name."""

    categories: list[CategoryCount]


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/rules: one's own, in the order in which they are tried."""
    viewer = owner_for(request, "read")
    rules = [answer_of(rule) for rule in await request.app[RECORDS].rules(viewer.user_id)]
    return state_answer(request, RuleList(rules=rules))


async def preview(request: web.Request) -> web.Response:
    """GET /api/v1/rules/preview: what a rule would change. Nothing is changed."""
    owner_for(request, "read")
    return json_answer(await tried_out(request, read_query(request, RuleQuery)))


async def tried_out(request: web.Request, query: RuleQuery) -> RulePreview:
    """Return what a rule would change; one without a value fits nothing."""
    viewer = owner_for(request, "read")
    if not query.value.strip():
        return RulePreview(rows=0, changes=0, edited=0, jobs=[], examples=[])
    wish = {**query.model_dump(), "value": query.value.strip(), "sign": int(query.sign)}
    found = await request.app[RUNNER].look(viewer.user_id, PREVIEW, wish)
    return RulePreview.model_validate(found)


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/rules: make a rule; with `apply` it also changes what is there."""
    owner_for(request, "control")
    made = await make_rule(request, await read_json(request, RuleWish))
    return json_answer(made, 201, {"Location": f"/api/v1/rules/{made.rule.id}"})


async def make_rule(request: web.Request, wish: RuleWish) -> RuleMade:
    """Make a rule of one's own, behind those there are. Raises InvalidRequest: too many."""
    user_id = owner_for(request, "control").user_id
    return await _changed(request, user_id, MAKE, wish.model_dump())


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/rules/{rule_id}: what it says, or where it stands among the others."""
    owner_for(request, "control")
    return json_answer(await alter_rule(request, await read_json(request, RuleChange)))


async def alter_rule(request: web.Request, wish: RuleChange) -> RuleMade:
    """Change the rule in the path. Raises NotFound."""
    user_id = owner_for(request, "control").user_id
    options = {**wish.model_dump(exclude_none=True), "id": number_in_path(request, "rule_id")}
    return await _changed(request, user_id, ALTER, options)


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/rules/{rule_id}: later files know nothing of it; what it decided stays."""
    await remove_rule(request)
    return web.Response(status=204)


async def remove_rule(request: web.Request) -> None:
    """Let the rule in the path go. Raises NotFound."""
    viewer = owner_for(request, "control")
    request.app[DOOR].pass_through()
    options = {"id": number_in_path(request, "rule_id")}
    await request.app[RUNNER].errand(viewer.user_id, REMOVE, options)


async def correct(request: web.Request) -> web.Response:
    """PATCH /api/v1/jobs/{job_id}/rows/{row}: say what a row is. Later files know it, too."""
    request.app[DOOR].pass_through()
    job = await job_of(request, "control")
    wish, number = await read_json(request, Correction), number_in_path(request, "row")
    said = wish.model_dump(exclude_unset=True)
    if not said:
        raise InvalidRequest(what="body: say category, vendor, or both")
    options = {**said, "job_id": job.id, "row": number}
    found = await request.app[RUNNER].errand(job.user_id, CORRECT, options)
    request.app[LEARNER].taught([job.user_id])
    await tell_of_rows(request, {job.id: 1})
    row = await request.app[RECORDS].row(job.id, number)
    if row is None:  # undone in this very moment
        raise NotFound(what="row")
    return json_answer(Corrected(row=row, rule=found["rule"]))


async def categories(request: web.Request) -> web.Response:
    """GET /api/v1/categories: those there are, and one's own."""
    viewer = owner_for(request, "read")
    rows = await request.app[RECORDS].categories(viewer.user_id)
    names = sorted({*CATEGORIES, *rows}, key=str.casefold)
    found = [CategoryCount(name=name, rows=rows.get(name, 0)) for name in names]
    return state_answer(request, CategoryList(categories=found))


async def _changed(
    request: web.Request, user_id: str, errand: str, options: Mapping[str, Any]
) -> RuleMade:
    request.app[DOOR].pass_through()
    found = await request.app[RUNNER].errand(user_id, errand, options)
    await tell_of_rows(request, found["jobs"])
    rule = dict(found["rule"])
    rule["created_at"] = iso_from_ms(rule.pop("created_ms"))
    return RuleMade(rule=RuleAnswer.model_validate(rule), changed=found["changed"])


def answer_of(rule: Rule) -> RuleAnswer:
    """Return a rule as the API tells it."""
    return RuleAnswer(
        id=rule.id,
        place=rule.place,
        field=rule.says.field,
        operator=rule.says.operator,
        value=rule.says.value,
        sign=_sign(rule.says.sign),
        category=rule.says.category,
        created_at=iso_from_ms(rule.created_ms),
    )


def _sign(sign: int) -> Sign:
    return -1 if sign < 0 else 1 if sign else 0
