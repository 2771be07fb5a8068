"""Vendors that may be one: suggestions, and what a person decides."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from app.keys import DOOR, RUNNER
from app.web.edits import tell_of_rows
from app.web.identity import owner_for
from app.web.rules import Name
from app.web.wire import json_answer, read_json

# By name: they and what they need are loaded in worker processes only.
SUGGEST = "app.reading.vendors:suggest_vendors"
MERGE = "app.reading.vendors:merge_vendors"
PART = "app.reading.vendors:part_vendors"


class VendorSuggestion(BaseModel):
    """Two vendors that may be one: `vendor`, of fewer rows, and `into`. score is a percentage."""

    vendor: str
    into: str
    score: int
    vendor_rows: int
    into_rows: int


class VendorSuggestions(BaseModel):
    """Pairs that may be one vendor, the likeliest first; and how many vendors there are."""

    suggestions: list[VendorSuggestion]
    vendors: int


class MergeWish(BaseModel):
    """`vendor` is to be called `into`, in every file and from now on."""

    model_config = ConfigDict(extra="forbid")
    vendor: Name
    into: Name


class PartWish(BaseModel):
    """`vendor` and `other` are not one."""

    model_config = ConfigDict(extra="forbid")
    vendor: Name
    other: Name


class VendorsChanged(BaseModel):
    """How many rows are called something else now."""

    rows: int


async def suggestions(request: web.Request) -> web.Response:
    """GET /api/v1/vendors/suggestions: names that are alike, 88 to 99 percent."""
    return json_answer(await suggested(request))


async def suggested(request: web.Request) -> VendorSuggestions:
    """Return which of one's own vendors may be one."""
    viewer = owner_for(request, "read")
    found = await request.app[RUNNER].look(viewer.user_id, SUGGEST, {})
    return VendorSuggestions.model_validate(found)


async def merge(request: web.Request) -> web.Response:
    """POST /api/v1/vendors/merge: two vendors are one. `part` takes it back."""
    owner_for(request, "control")
    return json_answer(await merge_vendors(request, await read_json(request, MergeWish)))


async def merge_vendors(request: web.Request, wish: MergeWish) -> VendorsChanged:
    """Make one vendor of two. Raises NotFound."""
    viewer = owner_for(request, "control")
    request.app[DOOR].pass_through()
    found = await request.app[RUNNER].errand(viewer.user_id, MERGE, wish.model_dump())
    await tell_of_rows(request, found["jobs"])
    return VendorsChanged(rows=found["rows"])


async def part(request: web.Request) -> web.Response:
    """POST /api/v1/vendors/part: two vendors are not one, and are not suggested again."""
    owner_for(request, "control")
    return json_answer(await part_vendors(request, await read_json(request, PartWish)))


async def part_vendors(request: web.Request, wish: PartWish) -> VendorsChanged:
    """Remember that two vendors are not one."""
    viewer = owner_for(request, "control")
    request.app[DOOR].pass_through()
    found = await request.app[RUNNER].errand(viewer.user_id, PART, wish.model_dump())
    await tell_of_rows(request, found["jobs"])
    return VendorsChanged(rows=found["rows"])
