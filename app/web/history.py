"""The log over HTTP: events of a job or of any room, page by page."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest, NotFound
from app.core.permissions import Viewer, may_follow
from app.core.protocol import LARGEST_SEQ
from app.core.rooms import Room, parse_room
from app.keys import DATABASE, JOURNAL
from app.live.journal import Journal
from app.store.events import Recorded, read_room
from app.web.belongings import belonging_of
from app.web.identity import viewer_for
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
    query, job = read_query(request, EventQuery), await job_of(request, "listen")
    return await _page(request, Room("job", job.id), query)


async def of_room(request: web.Request) -> web.Response:
    """GET /api/v1/events/history: what happened in a room, oldest first."""
    query, viewer = read_query(request, HistoryQuery), viewer_for(request, "listen")
    return await _page(request, await followed_room(request, viewer, query.room), query)


async def followed_room(request: web.Request, viewer: Viewer, name: str) -> Room:
    """Return the room called `name`. Raises InvalidRequest, NotFound also for somebody else's."""
    try:
        room = parse_room(name, viewer.user_id)
    except ValueError as error:
        raise InvalidRequest(what=str(error)) from error
    thing = await belonging_of(request.app[DATABASE].reader, room)
    if not may_follow(viewer, room, thing):
        raise NotFound(what="room")
    return room


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
