"""What people's answers and corrections taught: listed, and forgotten when they say so."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.core.times import iso_from_ms
from app.keys import DOOR, RECORDS, RUNNER
from app.web.audit import note
from app.web.identity import owner_for
from app.web.wire import next_link, read_query, state_answer

# By name: it and what it needs are loaded in worker processes only.
FORGET = "app.reading.answered:forget_answer"

Kind = Literal["profile", "template"]
LONGEST_KEY = 500


class MemoryQuery(BaseModel):
    """Which page of what is remembered."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind = Field(default="profile", description="answers about tables, or invoice templates")
    after: str = Field(default="", max_length=LONGEST_KEY, description="cursor: `next` of a page")
    limit: int = Field(default=100, ge=1, le=200)


class ForgetQuery(BaseModel):
    """What is to be forgotten."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind = "profile"
    key: str = Field(min_length=1, max_length=LONGEST_KEY)


class MemoryAnswer(BaseModel):
    """Something that is remembered, and used for later files.

    value  of a profile: question, answer and its words, and the job that taught it
    """

    kind: Kind
    key: str
    value: dict[str, Any]
    changed_at: str


class MemoryList(BaseModel):
    """What is remembered, by key. `next` is the cursor of the page after this one."""

    memory: list[MemoryAnswer]
    next: str | None


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/memory: one's own."""
    query, viewer = read_query(request, MemoryQuery), owner_for(request, "read")
    found = await request.app[RECORDS].memory(
        viewer.user_id, query.kind, after=query.after, limit=query.limit + 1
    )
    page = [
        MemoryAnswer(kind=query.kind, key=key, value=value, changed_at=iso_from_ms(changed_ms))
        for key, value, changed_ms in found[: query.limit]
    ]
    after = page[-1].key if len(found) > query.limit else None
    headers = next_link(request, after=after) if after else None
    return state_answer(request, MemoryList(memory=page, next=after), headers)


async def forget(request: web.Request) -> web.Response:
    """DELETE /api/v1/memory: what is forgotten is asked again."""
    owner_for(request, "control")
    await forget_answer(request, read_query(request, ForgetQuery))
    return web.Response(status=204)


async def forget_answer(request: web.Request, query: ForgetQuery) -> None:
    """Forget something that is remembered of whoever asks. Raises NotFound."""
    viewer = owner_for(request, "control")
    request.app[DOOR].pass_through()
    note(request, "control", op="forget", key=query.key)
    done = await request.app[RUNNER].errand(viewer.user_id, FORGET, query.model_dump())
    if not done["forgotten"]:
        raise NotFound(what="answer")
