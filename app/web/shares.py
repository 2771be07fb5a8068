"""Share links over HTTP: made by whoever may steer a job or batch, followed by whoever has one."""

from contextlib import suppress
from functools import partial

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest, NotAuthenticated, NotFound
from app.core.permissions import FOLLOWING, Viewer, may
from app.core.rooms import Room, parse_room
from app.core.times import DAY_MS, iso_from_ms
from app.keys import CREDENTIALS, DATABASE, RECHECK, THROTTLE, TICKETS
from app.store.accounts import now_ms
from app.store.batches import get_batch
from app.store.jobs import get_job
from app.store.shares import Share, add_share, get_share, list_shares, remove_share
from app.web.address import address_of
from app.web.audit import note
from app.web.belongings import demand
from app.web.identity import origin_of, owner_for, set_share_cookie, viewer_for
from app.web.tokens import Label, later_ms
from app.web.wire import json_answer, read_id, read_json, read_query

USUAL_DAYS = 7
DAYS_AT_MOST = 366


class ShareWish(BaseModel):
    """What is shared, and for how long."""

    model_config = ConfigDict(extra="forbid")
    room: str = Field(max_length=80, description="job:<id> or batch:<id>")
    label: Label | None = Field(default=None, description="whom it is for")
    expires_at: AwareDatetime | None = Field(default=None, description="null: in seven days")


class ShareQuery(BaseModel):
    """Which share links."""

    model_config = ConfigDict(extra="forbid")
    room: str | None = Field(default=None, max_length=80)
    user: str | None = Field(default=None, max_length=64, description="a user's id: operators only")


class ShareAnswer(BaseModel):
    """A share link, without its token."""

    id: str
    room: str
    label: str
    created_at: str
    expires_at: str
    last_used_at: str | None = Field(description="to the minute")

    @classmethod
    def of(cls, share: Share) -> "ShareAnswer":
        used_ms = share.last_used_ms
        return cls(
            id=share.id,
            room=str(share.room),
            label=share.label,
            created_at=iso_from_ms(share.created_ms),
            expires_at=iso_from_ms(share.expires_ms),
            last_used_at=None if used_ms is None else iso_from_ms(used_ms),
        )


class ShareList(BaseModel):
    """Share links that have not ended, newest first."""

    shares: list[ShareAnswer]


class NewShare(BaseModel):
    """A new share link. Its token comes after a #, so that no server writes it into a log."""

    url: str
    token: str
    share: ShareAnswer


class ShareToken(BaseModel):
    """The token out of a share link."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=2000)


class Shared(BaseModel):
    """What a share link shows. `page` is where a person goes on to."""

    room: str
    page: str
    shared_by: str
    expires_at: str


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/shares: one's own, newest first; an operator may ask for another user's."""
    viewer, query = owner_for(request, "control"), read_query(request, ShareQuery)
    if query.user is not None and query.user != viewer.user_id:
        viewer_for(request, "operate")
    room = None if query.room is None else _room(query.room)
    shares = await list_shares(
        request.app[DATABASE].reader, query.user or viewer.user_id, now_ms(), room
    )
    return json_answer(ShareList(shares=[ShareAnswer.of(share) for share in shares]))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/shares: a link to one job or batch, read only, until it expires."""
    maker_of(request)
    url, token, share = await create_share(request, await read_json(request, ShareWish))
    answer = NewShare(url=url, token=token, share=ShareAnswer.of(share))
    headers = {"Location": f"/api/v1/shares/{share.id}", "Cache-Control": "no-store"}
    return json_answer(answer, 201, headers)


async def revoke(request: web.Request) -> web.Response:
    """DELETE /api/v1/shares/{share_id}: end it, and what listens by it. Operators end anybody's."""
    await revoke_share(request)
    return web.Response(status=204)


async def enter(request: web.Request) -> web.Response:
    """POST /api/v1/auth/share: let a browser follow what a share link shows."""
    given = await read_json(request, ShareToken)
    throttle, address = request.app[THROTTLE], address_of(request)
    throttle.take("", address)
    share_id = request.app[TICKETS].read_share(given.token)
    guest = None if share_id is None else await request.app[CREDENTIALS].by_share(share_id)
    if guest is None or guest.shared is None:
        raise NotAuthenticated
    share = await get_share(request.app[DATABASE].reader, guest.via, now_ms())
    if share is None:
        raise NotAuthenticated
    throttle.forgive("", address)  # a whole office may open the same link
    note(request, "share_used", guest, room=str(share.room))
    response = json_answer(
        Shared(
            room=str(share.room),
            page=page_of(share.room),
            shared_by=guest.name,
            expires_at=iso_from_ms(share.expires_ms),
        )
    )
    set_share_cookie(request, response, given.token, (share.expires_ms - now_ms()) // 1000)
    return response


def maker_of(request: web.Request) -> Viewer:
    """Return who asks, when they may do what a link lets its bearer do, and give it away.

    Raises NotAuthenticated, NotAllowed.
    """
    for scope in sorted(FOLLOWING):
        owner_for(request, scope)
    return owner_for(request, "control")


async def create_share(request: web.Request, wish: ShareWish) -> tuple[str, str, Share]:
    """Share the wished room; return the link, its token, and what is known of it.

    Raises NotAuthenticated, NotAllowed, NotFound, InvalidRequest, Conflict for too many.
    """
    viewer = maker_of(request)
    room = _room(wish.room)
    await _demand_room(request, viewer, room)
    at_ms = now_ms()
    expires_ms = at_ms + USUAL_DAYS * DAY_MS
    if wish.expires_at is not None:
        expires_ms = later_ms(wish.expires_at, at_ms)
        if expires_ms > at_ms + DAYS_AT_MOST * DAY_MS:
            raise InvalidRequest(what=f"a share link ends within {DAYS_AT_MOST} days")
    share = await request.app[DATABASE].writer.run(
        partial(
            add_share,
            user_id=viewer.user_id,
            room=room,
            label=wish.label or "",
            at_ms=at_ms,
            expires_ms=expires_ms,
        )
    )
    note(request, "share_created", share=share.id, room=str(room), label=share.label)
    token = request.app[TICKETS].sign_share(share.id, expires_ms)
    return f"{origin_of(request)}/share#token={token}", token, share


async def revoke_share(request: web.Request) -> None:
    """Revoke the share link in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    viewer = owner_for(request, "control")
    database = request.app[DATABASE]
    share = await get_share(database.reader, read_id(request, "share_id"), now_ms())
    if share is None or not (share.user_id == viewer.user_id or may(viewer, "operate")):
        raise NotFound(what="share link")
    await database.writer.run(partial(remove_share, share_id=share.id))
    note(request, "share_revoked", share=share.id, room=str(share.room), owner=share.user_id)
    await request.app[RECHECK].look()


def page_of(room: Room) -> str:
    """Return the address of the page that shows a job or a batch."""
    return f"/jobs/{room.id}" if room.kind == "job" else f"/batches/{room.id}"


def _room(text: str) -> Room:
    """Raises InvalidRequest for what can not be shared."""
    with suppress(ValueError):
        room = parse_room(text, "")
        if room.kind in ("job", "batch"):
            return room
    raise InvalidRequest(what="what can be shared is job:<id> or batch:<id>")


async def _demand_room(request: web.Request, viewer: Viewer, room: Room) -> None:
    reader = request.app[DATABASE].reader
    if room.kind == "job":
        demand(viewer, "control", await get_job(reader, room.id), "job")
    else:
        demand(viewer, "control", await get_batch(reader, room.id), "batch")
