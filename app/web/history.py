"""The log over HTTP: events of a job or of any room, page by page."""

from collections.abc import Sequence

from aiohttp import web
from aiosqlite import Connection
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest, NotFound
from app.core.permissions import Viewer, may_operate, may_see
from app.core.protocol import LARGEST_SEQ
from app.core.rooms import Room, parse_room
from app.keys import DATABASE, JOURNAL
from app.live.journal import Journal
from app.store.batches import get_batch
from app.store.events import Recorded, read_room
from app.store.jobs import get_job
from app.web.identity import viewer_of
from app.web.jobs import job_of
from app.web.wire import json_bytes, next_link, read_query

NDJSON = "application/x-ndjson"


class EventQuery(BaseModel):
    """Which events of a job."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(default=0, ge=0, le=LARGEST_SEQ, description="a seq; events behind it")
    limit: int = Field(default=200, ge=1, le=1000)
    types: str | None = Field(default=None, max_length=1000, description="only these, by commas")


class HistoryQuery(EventQuery):
    """Which events of which room."""

    room: str = Field(default="user:me", max_length=80)


async def of_job(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/events: what happened to it, oldest first."""
    query, job = read_query(request, EventQuery), await job_of(request)
    return await _page(request, Room("job", job.id), query)


async def of_room(request: web.Request) -> web.Response:
    """GET /api/v1/events/history: what happened in a room, oldest first."""
    query, viewer = read_query(request, HistoryQuery), viewer_of(request)
    try:
        room = parse_room(query.room, viewer.user_id)
    except ValueError as error:
        raise InvalidRequest(what=str(error)) from error
    if not await may_follow(request.app[DATABASE].reader, viewer, room):
        raise NotFound(what="room")
    return await _page(request, room, query)


async def may_follow(reader: Connection, viewer: Viewer, room: Room) -> bool:
    """Tell whether `viewer` may follow `room`; no for one that does not exist."""
    if room.kind == "all":
        return may_operate(viewer)
    owner = await owner_of_room(reader, room)
    return owner is not None and may_see(viewer, owner)


async def owner_of_room(reader: Connection, room: Room) -> str | None:
    """Return whose room it is; None for one that does not exist, and for `all`."""
    match room.kind:
        case "user":
            return room.id
        case "job":
            job = await get_job(reader, room.id)
            return None if job is None else job.user_id
        case "batch":
            batch = await get_batch(reader, room.id)
            return None if batch is None else batch.user_id
        case _:
            return None


async def _page(request: web.Request, room: Room, query: EventQuery) -> web.Response:
    types = [part for part in (query.types or "").split(",") if part] or None
    journal = request.app[JOURNAL]
    head = journal.head
    found = await read_room(
        request.app[DATABASE].reader, room, query.after, head, query.limit + 1, types
    )
    page, more = found[: query.limit], len(found) > query.limit
    after = page[-1].seq if page else query.after
    headers = next_link(request, after=after) if more else {}
    if NDJSON in request.headers.get("Accept", ""):
        lines = b"".join(event.body + b"\n" for event in page)
        return web.Response(body=lines, content_type=NDJSON, headers=headers)
    return json_bytes(_listed(page, after, journal, more), headers=headers)


def _listed(page: Sequence[Recorded], after: int, journal: Journal, more: bool) -> bytes:
    """Return an EventList; the events' own bytes are passed on as they are."""
    events = b",".join(event.body for event in page)
    flag = b"true" if more else b"false"
    where = (after, journal.head, journal.log_id.encode())
    return b'{"events":[%b],"after":%d,"head":%d,"log":"%b","more":%b}' % (events, *where, flag)
