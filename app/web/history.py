"""The log over HTTP: events of a job or of any room, page by page, or as soon as there are some."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.core.events import check_types
from app.core.permissions import Viewer
from app.core.protocol import LARGEST_SEQ
from app.core.rooms import Room
from app.keys import DATABASE, HUB
from app.live.pages import SCANNED_AT_MOST
from app.live.polls import Poll
from app.store.events import Recorded, last_before, read_room
from app.store.retention import floor_of_room
from app.web.belongings import followed_room
from app.web.identity import demand_known_origin, listener_for, viewer_of
from app.web.jobs import job_of
from app.web.seats import demand_seat
from app.web.wire import json_bytes, next_link, read_query

NDJSON = "application/x-ndjson"
LONGEST_WAIT_S = 60


def _split(types: str | None) -> list[str] | None:
    return [part for part in (types or "").split(",") if part] or None


def _known(types: str | None) -> str | None:
    check_types(_split(types) or ())
    return types


class EventQuery(BaseModel):
    """Which events of a job."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(default=0, ge=0, le=LARGEST_SEQ, description="a seq; events behind it")
    log: str | None = Field(default=None, max_length=64, description="the log that seq is of")
    limit: int = Field(default=200, ge=1, le=1000)
    types: Annotated[str | None, AfterValidator(_known)] = Field(
        default=None, max_length=1000, description="only these, by commas"
    )
    since: datetime | None = Field(
        default=None, alias="from", description="recorded then or later; UTC without a zone"
    )
    until: datetime | None = Field(default=None, alias="to", description="recorded before")
    wait: float = Field(
        default=0,
        ge=0,
        le=LONGEST_WAIT_S,
        description="seconds to wait for the first event, if there is none yet",
    )


class HistoryQuery(EventQuery):
    """Which events of which room."""

    room: str = Field(default="user:me", max_length=80)
    token: str | None = Field(
        default=None, max_length=2000, description="a ticket, or a token that may only listen"
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was found of the log.

    start  the events lie behind this place
    after  everything that was asked for is in `events`, or lies behind this
    end    there is nothing more to come, however long one waits
    """

    events: Sequence[Recorded]
    start: int
    after: int
    head: int
    more: bool
    end: bool
    reset: bool = False
    floor: int = 0  # what lies before it may be gone


async def of_job(request: web.Request) -> web.Response:
    """GET /api/v1/jobs/{job_id}/events: what happened to it, oldest first."""
    query, job = read_query(request, EventQuery), await job_of(request, "listen")
    return await _answer(request, viewer_of(request), Room("job", job.id), query)


async def of_room(request: web.Request) -> web.Response:
    """GET /api/v1/events/history: what happened in a room, oldest first."""
    query, viewer = read_query(request, HistoryQuery), await listener_for(request)
    room = await followed_room(request, viewer, query.room)
    return await _answer(request, viewer, room, query)


async def _answer(
    request: web.Request, viewer: Viewer, room: Room, query: EventQuery
) -> web.Response:
    found = await _found(request, viewer, room, query)
    # Read last: what was pruned meanwhile is told too.
    floor = await floor_of_room(request.app[DATABASE].reader, room)
    found = replace(found, floor=0 if found.reset else floor)
    headers = next_link(request, after=found.after) if found.more else {}
    if NDJSON in request.headers.get("Accept", ""):
        if found.start < found.floor:
            headers["Livetrail-Oldest"] = str(found.floor + 1)
        lines = b"".join(event.body + b"\n" for event in found.events)
        return web.Response(body=lines, content_type=NDJSON, headers=headers)
    return json_bytes(_listed(found, request.app[HUB].log_id), headers=headers)


async def _found(request: web.Request, viewer: Viewer, room: Room, query: EventQuery) -> Stretch:
    """Return the next events, waiting for the first of them for as long as was asked.

    That events are missing is told at once, though none come.

    Raises TooManyConnections when too many wait already, ShuttingDown, CrossSite.
    """
    found = await _read(request, room, query)
    if found.events or found.end or not query.wait or await _is_cut(request, room, found.start):
        return found
    demand_known_origin(request)
    hub = request.app[HUB]
    demand_seat(request, viewer)
    transport = request.transport
    if transport is None:
        return found
    start, clock_s = found.start, asyncio.get_running_loop().time
    deadline_s = clock_s() + query.wait
    with hub.polls.waiting(Poll(viewer, room, _split(query.types), transport)) as poll:
        while not (found.events or found.end or hub.closing or transport.is_closing()):
            poll.news.clear()
            if poll.is_over:
                break  # asked again, it is told why
            # Looked at once more: what was told before there was a poll woke nobody.
            found = await _read(request, room, query.model_copy(update={"after": found.after}))
            if found.events or clock_s() >= deadline_s or await _is_cut(request, room, start):
                break
            if not found.more:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline_s):
                        await poll.news.wait()
    return replace(found, start=start)


async def _is_cut(request: web.Request, room: Room, after: int) -> bool:
    """Tell whether events of `room` past `after` are gone; those looked for before may be."""
    return after < await floor_of_room(request.app[DATABASE].reader, room)


async def _read(request: web.Request, room: Room, query: EventQuery) -> Stretch:
    """Return a page of what there is now. It may be empty although there is more.

    All reads share one connection, so none of them looks through the whole log for rare types.
    """
    reader, hub, types = request.app[DATABASE].reader, request.app[HUB], _split(query.types)
    head = upto = hub.head
    if query.after > head or query.log not in (None, hub.log_id):
        return Stretch((), head, head, head, more=False, end=True, reset=True)
    after = query.after
    end = False
    if query.since is not None:
        after = max(after, await last_before(reader, _ms(query.since), head))
    if query.until is not None:
        last = await last_before(reader, _ms(query.until), head)
        end, upto = last < head, max(after, last)
    bound = upto if types is None else min(upto, after + SCANNED_AT_MOST)
    events = await read_room(reader, room, after, bound, query.limit + 1, types)
    if len(events) > query.limit:
        page = events[: query.limit]
        return Stretch(page, after, page[-1].seq, head, more=True, end=False)
    return Stretch(events, after, bound, head, more=bound < upto, end=end and bound == upto)


def _ms(moment: datetime) -> int:
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _listed(found: Stretch, log_id: str) -> bytes:
    """Return an EventList; the events' own bytes are passed on as they are."""
    truncated = found.start < found.floor
    rest = orjson.dumps(
        {
            "after": found.after,
            "head": found.head,
            "log": log_id,
            "more": found.more,
            "reset": found.reset,
            "truncated": truncated,
            "oldest": found.floor + 1 if truncated else None,
        }
    )
    return b'{"events":[%b],%b' % (b",".join(event.body for event in found.events), rest[1:])
