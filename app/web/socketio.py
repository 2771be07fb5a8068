"""/socket.io/: who may come in by Socket.IO. What is said there is live's business."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from app.core.errors import Conflict, InvalidRequest
from app.core.permissions import Viewer
from app.core.protocol import Hangup
from app.keys import BUDGETS, CREDENTIALS, DESK, DOOR, HUB, SETTINGS, SOCKETIO
from app.live.socketio.service import SocketIO
from app.store.secrets import TOKEN_PREFIX
from app.web.address import address_of
from app.web.audit import note
from app.web.identity import demand_known_origin, listener_with, maybe_viewer

PATH = "/socket.io/"
VERSION = "4"
TRANSPORTS = ("polling", "websocket")
MOVED = web.RequestKey("moved", bool)  # from the budget of its address to that of its user


def is_under_way(request: web.Request) -> bool:
    """Tell whether `request` is a further one of a client that is there already.

    It has no budget of requests: a client that polls makes one for every few events, and what it
    says is counted by itself.
    """
    return request.path == PATH and request.app[SOCKETIO].knows(request.query.get("sid", ""))


async def answer(request: web.Request) -> web.StreamResponse:
    """GET and POST /socket.io/: open a connection, poll it, say something, or change over.

    Raises CrossSite for a page of another site, whatever it came by.
    """
    if not request.app[SETTINGS].enable_socketio:
        raise Conflict(
            what="Socket.IO is switched off on this server",
            todo="Listen on the WebSocket at /ws, or to the event stream at /api/v1/events.",
        )
    demand_known_origin(request)
    _check(request)
    if "sid" not in request.query:
        request.app[DOOR].pass_through()
    return await request.app[SOCKETIO].answer(request)


def _check(request: web.Request) -> None:
    """Raise InvalidRequest for what no client of Socket.IO 3 or 4 sends."""
    query = request.query
    transport = query.get("transport", "polling")
    upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
    if "j" in query:
        raise InvalidRequest(what="JSONP is not spoken here")
    if transport not in TRANSPORTS:
        raise InvalidRequest(what="the transport is polling or websocket")
    if upgrades != (transport == "websocket"):
        raise InvalidRequest(what="the transport websocket needs an upgrade, and only it")
    if upgrades and not request.app[SETTINGS].enable_websockets:
        raise InvalidRequest(what="WebSockets are switched off on this server; poll")
    if "sid" not in query and (request.method == "POST" or query.get("EIO") != VERSION):
        raise InvalidRequest(what=f"the version of Engine.IO spoken here is {VERSION}")
    if "sid" in query and not request.app[SOCKETIO].knows(query["sid"]):
        raise InvalidRequest(what="this connection is over; connect again")


def make_socketio(app: web.Application) -> SocketIO:
    """Return the Socket.IO of `app`."""
    return SocketIO(app[DESK], recognise=recognise, address_of=address_of, refused=_refused)


async def recognise(request: web.Request, auth: Mapping[str, Any]) -> Viewer | None:
    """Return who connects, by `request`, which opened the connection, and what came with `auth`.

    The `Authorization` header counts first, then auth's `token`, which may be an API token, then
    `token` or `session_token` of the URL, where only tickets and listen-only tokens are taken, then
    the cookie. Whoever names a `user_id` has to be that user.
    """
    viewer = await _by_token(request, auth)
    named = request.query.get("user_id")
    if viewer is None or (named and named != viewer.user_id):
        return None
    if maybe_viewer(request) is None and MOVED not in request:
        request[MOVED] = True  # one connection is one request, however often it connects
        request.app[BUDGETS].move(viewer, address_of(request))
    return viewer


async def _by_token(request: web.Request, auth: Mapping[str, Any]) -> Viewer | None:
    viewer = maybe_viewer(request)
    if "Authorization" in request.headers:
        return viewer
    token = auth.get("token")
    if isinstance(token, str) and token:
        if token.startswith(TOKEN_PREFIX):
            return await request.app[CREDENTIALS].by_token(token)
        return await listener_with(request.app, token)
    in_url = request.query.get("token") or request.query.get("session_token")
    return await listener_with(request.app, in_url) if in_url else viewer


def _refused(request: web.Request, viewer: Viewer | None, why: Hangup) -> None:
    reason = why.code.name.lower()
    request.app[HUB].counters.refused[reason] += 1
    note(request, "refused", viewer, reason=reason, path=request.rel_url.raw_path)
