"""The Share button without scripts: a form, and a page with the link that it made."""

from datetime import UTC, datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.core.rooms import Room
from app.core.times import iso_from_ms
from app.web import views
from app.web.rendering import render, shell_of
from app.web.shares import ShareWish, create_share, maker_of, page_of
from app.web.wire import read_fields, read_id, validated

LONGEST_HOURS = 366 * 24


class ShareForm(BaseModel):
    """For how long the link works."""

    model_config = ConfigDict(extra="ignore")
    hours: int = Field(7 * 24, ge=1, le=LONGEST_HOURS)


def sharing_routes() -> list[web.AbstractRouteDef]:
    """Return where the forms go."""
    return [
        web.post("/jobs/{job_id}/share", share_job),
        web.post("/batches/{batch_id}/share", share_batch),
    ]


async def share_job(request: web.Request) -> web.Response:
    """POST /jobs/{job_id}/share."""
    return await _share(request, Room("job", _id_of(request, "job")))


async def share_batch(request: web.Request) -> web.Response:
    """POST /batches/{batch_id}/share."""
    return await _share(request, Room("batch", _id_of(request, "batch")))


def _id_of(request: web.Request, what: str) -> str:
    """Return the id in the path. Raises NotFound for what can be none."""
    maker_of(request)
    ident = read_id(request, f"{what}_id")
    if not ident:
        raise NotFound(what=what)
    return ident


async def _share(request: web.Request, room: Room) -> web.Response:
    given = validated(ShareForm, await read_fields(request), "form")
    ends = datetime.now(UTC) + timedelta(hours=given.hours)
    url, _, share = await create_share(request, ShareWish(room=str(room), expires_at=ends))
    page = views.SharedPage(
        shell=shell_of(request, "forms"),
        what="file" if room.kind == "job" else "batch",
        url=url,
        until=iso_from_ms(share.expires_ms),
        back=page_of(room),
    )
    response = render(request, "shared.html", page)
    response.headers["Cache-Control"] = "no-store"
    return response
