"""GET /api/v1/events: the log as an event stream, for browsers' EventSource and for curl."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest
from app.core.permissions import Viewer
from app.core.places import NOWHERE, Place, parse_place
from app.core.protocol import SUBSCRIPTIONS_AT_MOST, Subscribe
from app.keys import DOOR, HUB, SETTINGS
from app.live.sse import Asks, serve_stream
from app.web.address import address_of
from app.web.belongings import followed_room
from app.web.identity import demand_known_origin, listener_for
from app.web.seats import demand_seat
from app.web.wire import validated


class StreamQuery(BaseModel):
    """What to hear, and from where."""

    model_config = ConfigDict(extra="forbid")
    room: list[str] = Field(
        default=["user:me"],
        max_length=SUBSCRIPTIONS_AT_MOST,
        description="as often as there are rooms to follow",
    )
    types: str | None = Field(default=None, max_length=1000, description="only these, by commas")
    after: str | None = Field(
        default=None,
        max_length=100,
        description="a seq, or <log>:<seq>; 0 from the start, absent from now; Last-Event-ID wins",
    )
    snapshot: bool = Field(
        default=False, description="the folded states first, instead of old events"
    )
    token: str | None = Field(
        default=None, max_length=2000, description="a ticket, or a token that may only listen"
    )


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer with events as they happen, until either side ends it.

    Raises NotAuthenticated, NotAllowed, CrossSite, NotFound for a room that is not one's own, and
    TooManyConnections: a stream is a connection like any other.
    """
    request.app[DOOR].pass_through()
    demand_known_origin(request)
    viewer = await listener_for(request)
    asks = await _asks(request, viewer)
    demand_seat(request, viewer)
    # Nothing waits from here until the connection is counted.
    return await serve_stream(
        request,
        request.app[HUB],
        viewer,
        request.app[SETTINGS],
        asks,
        address=address_of(request),
    )


async def _asks(request: web.Request, viewer: Viewer) -> Asks:
    """Return what the request asks for. Raises InvalidRequest, NotFound."""
    values: dict[str, Any] = dict(request.query)
    if "room" in values:
        values["room"] = request.query.getall("room")
    query = validated(StreamQuery, values, "query")
    rooms = {
        str(room): room for room in [await followed_room(request, viewer, n) for n in query.room]
    }
    place, comes_back = _place(request, query)
    ask = {
        "op": "subscribe",
        "after": None if place is None else place.seq,
        "log": None if place is None else place.log,
        "types": [kind for kind in (query.types or "").split(",") if kind] or None,
        # Who comes back goes on, also where the address asks for the states first.
        "snapshot": query.snapshot and not comes_back,
    }
    return [
        (room, validated(Subscribe, {**ask, "room": name}, "query")) for name, room in rooms.items()
    ]


def _place(request: web.Request, query: StreamQuery) -> tuple[Place | None, bool]:
    """Return where the client is, and whether it was here before."""
    last = request.headers.get("Last-Event-ID", "").strip()
    if last:
        try:
            return parse_place(last), True
        except ValueError:
            return NOWHERE, True  # an id that nobody gave is one of another log
    if query.after is None:
        return None, False
    try:
        return parse_place(query.after), False
    except ValueError as error:
        raise InvalidRequest(what=f"query.after: {error}") from error
