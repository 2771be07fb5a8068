"""The page of rules: what decides about one's rows, and what is remembered. It works by forms."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import AppError
from app.core.quantities import count
from app.core.taxonomy import CATEGORIES
from app.keys import RECORDS
from app.web import rulesview
from app.web.forms import see_other, told_by
from app.web.identity import owner_for
from app.web.memory import ForgetQuery, forget_answer
from app.web.problems import status_of
from app.web.rendering import render, shell_of
from app.web.rules import (
    RuleChange,
    RuleQuery,
    RuleWish,
    alter_rule,
    make_rule,
    remove_rule,
    tried_out,
)
from app.web.vendors import (
    MergeWish,
    PartWish,
    VendorSuggestion,
    merge_vendors,
    part_vendors,
    suggested,
)
from app.web.wire import read_fields, validated

PAGE = "/rules"
MEMORY_SHOWN = 100  # of each kind
ASKED = ("field", "operator", "value", "sign", "category")


class PlaceForm(BaseModel):
    """The form that moves a rule among the others."""

    model_config = ConfigDict(extra="ignore")
    place: int = Field(ge=1, le=1000)


def rules_routes() -> list[web.AbstractRouteDef]:
    """Return the page's addresses."""
    return [
        web.get(PAGE, rules_page),
        web.post(PAGE, make),
        web.post(f"{PAGE}/{{rule_id}}/move", move),
        web.post(f"{PAGE}/{{rule_id}}/remove", remove),
        web.post(f"{PAGE}/merge", merge),
        web.post(f"{PAGE}/part", part),
        web.post(f"{PAGE}/forget", forget),
    ]


async def _refused(request: web.Request, error: AppError) -> web.Response:
    fields = await read_fields(request)
    try:
        wish = validated(RuleQuery, {k: fields[k] for k in ASKED if k in fields}, "form")
    except AppError:
        wish = RuleQuery()
    return await _shown(request, error=error, wish=wish, is_applied="apply" in fields)


async def rules_page(request: web.Request) -> web.Response:
    """GET /rules: with a rule in the query, what it would change."""
    owner_for(request, "read")
    asked = {key: request.query[key] for key in ASKED if key in request.query}
    wish = validated(RuleQuery, asked, "query")
    return await _shown(request, wish=wish, is_applied="apply" in request.query)


@told_by(_refused, "control")
async def make(request: web.Request) -> web.Response:
    """POST /rules."""
    fields = await read_fields(request)
    given = {key: fields[key] for key in ASKED if fields.get(key)}
    sign = {"-1": -1, "1": 1}.get(given.get("sign", ""), 0)
    wish = validated(RuleWish, {**given, "sign": sign, "apply": "apply" in fields}, "form")
    made = await make_rule(request, wish)
    changed = f", and {count(made.changed, 'row')} changed" if wish.apply else ""
    return await _shown(request, said=f"The rule is made{changed}")


@told_by(_refused, "control")
async def move(request: web.Request) -> web.Response:
    """POST /rules/{rule_id}/move."""
    given = validated(PlaceForm, await read_fields(request), "form")
    await alter_rule(request, RuleChange(place=given.place))
    return see_other(f"{PAGE}#own")


@told_by(_refused, "control")
async def remove(request: web.Request) -> web.Response:
    """POST /rules/{rule_id}/remove."""
    await remove_rule(request)
    return see_other(f"{PAGE}#own")


@told_by(_refused, "control")
async def merge(request: web.Request) -> web.Response:
    """POST /rules/merge: two vendors are one."""
    fields = await read_fields(request)
    wish = validated(MergeWish, {key: fields.get(key, "") for key in ("vendor", "into")}, "form")
    done = await merge_vendors(request, wish)
    return await _shown(request, said=f"{wish.into} now has {count(done.rows, 'row')} more")


@told_by(_refused, "control")
async def part(request: web.Request) -> web.Response:
    """POST /rules/part: two vendors are not one."""
    fields = await read_fields(request)
    wish = validated(PartWish, {key: fields.get(key, "") for key in ("vendor", "other")}, "form")
    await part_vendors(request, wish)
    return see_other(f"{PAGE}#vendors")


@told_by(_refused, "control")
async def forget(request: web.Request) -> web.Response:
    """POST /rules/forget."""
    fields = await read_fields(request)
    given = {key: fields.get(key, "") for key in ("kind", "key")}
    await forget_answer(request, validated(ForgetQuery, given, "form"))
    return see_other(f"{PAGE}#memory")


async def _shown(
    request: web.Request,
    *,
    error: AppError | None = None,
    said: str = "",
    wish: RuleQuery | None = None,
    is_applied: bool = True,
) -> web.Response:
    user_id = owner_for(request, "read").user_id
    wish, records = wish or RuleQuery(), request.app[RECORDS]
    own = await records.categories(user_id)
    memory, has_more = await _memory(request, user_id)
    page = rulesview.RulesPage(
        shell=shell_of(request, "forms"),
        error=error,
        said=said,
        rules=rulesview.rule_lines(await records.rules(user_id)),
        wish=wish,
        is_applied=is_applied or not wish.value,
        preview=await tried_out(request, wish) if wish.value.strip() and not error else None,
        categories=tuple(sorted({*CATEGORIES, *own}, key=str.casefold)),
        vendors=await _vendors(request),
        memory=memory,
        has_more=has_more,
    )
    return render(request, "rules.html", page, 200 if error is None else status_of(error.code))


async def _vendors(request: web.Request) -> tuple[VendorSuggestion, ...] | None:
    """Return which vendors may be one; None when nobody could compare them just now."""
    try:
        return tuple((await suggested(request)).suggestions)
    except AppError:
        return None


async def _memory(
    request: web.Request, user_id: str
) -> tuple[tuple[rulesview.MemoryLine, ...], bool]:
    lines: list[rulesview.MemoryLine] = []
    has_more = False
    for kind in ("profile", "template"):
        found = await request.app[RECORDS].memory(user_id, kind, limit=MEMORY_SHOWN + 1)
        has_more = has_more or len(found) > MEMORY_SHOWN
        lines += (rulesview.memory_line(kind, *one) for one in found[:MEMORY_SHOWN])
    return tuple(lines), has_more
