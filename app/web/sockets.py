"""GET /ws: who may open a socket. What is said on it is live's business."""

import re
import uuid
from contextlib import ExitStack
from functools import partial

from aiohttp import web

from app.core.errors import (
    Conflict,
    CrossSite,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from app.core.permissions import Viewer, obstacle
from app.core.protocol import Answer, Close, Hangup, Steer
from app.keys import DATABASE, DOOR, HUB, POSITIONS, RUNNER, SETTINGS
from app.live.websocket import serve_websocket
from app.store.jobs import get_job
from app.web.address import address_of
from app.web.audit import note
from app.web.belongings import belonging_of, demand
from app.web.identity import is_allowed_origin, recognise_listener

CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLOSING_S = 5.0


async def websocket(request: web.Request) -> web.StreamResponse:
    """Follow the log. Closed with 4001 when nobody was recognised, so that scripts can tell why.

    Raises CrossSite before the upgrade for a page of another site, whatever it came by.
    """
    settings = request.app[SETTINGS]
    if not settings.enable_websockets:
        raise NotFound(what="live connection")
    request.app[DOOR].pass_through()
    client_id = request.match_info.get("client_id")
    if client_id is not None and not CLIENT_ID.fullmatch(client_id):
        raise InvalidRequest(what="a client id has 1 to 64 letters, digits, dots, lines")
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise InvalidRequest(what="this address speaks WebSocket only")
    origin = request.headers.get("Origin")
    if origin is not None and not is_allowed_origin(request, origin):
        raise CrossSite(origin=origin[:200])
    viewer = await recognise_listener(request)
    if viewer is None:
        return await _refuse(request, None, Hangup(Close.NOT_AUTHENTICATED, "not authenticated"))
    if why := obstacle(viewer, "listen"):
        return await _refuse(request, viewer, Hangup(Close.NOT_ALLOWED, why))
    with ExitStack() as stack:
        position = None
        if client_id is not None:
            borne = request.app[POSITIONS].borne(viewer.holder, client_id)
            position = stack.enter_context(borne)
        return await serve_websocket(
            request,
            request.app[HUB],
            viewer,
            settings,
            belonging_of=partial(belonging_of, request.app[DATABASE].reader),
            client_id=client_id or uuid.uuid4().hex,
            position=position,
            control=partial(_steer, request, viewer),
            address=address_of(request),
        )


async def _steer(request: web.Request, viewer: Viewer, wish: Steer | Answer) -> None:
    """Do what the HTTP API does under the same name. Raises NotFound, Conflict."""
    if not isinstance(wish, Steer) or wish.op not in ("cancel", "retry"):
        raise Conflict(
            what=f"A job can not be asked to {wish.op} yet",
            todo="Use cancel, or retry.",
        )
    request.app[DOOR].pass_through()
    if why := obstacle(viewer, "control"):
        raise NotAllowed(why=why)
    found = await get_job(request.app[DATABASE].reader, wish.job_id)
    job = demand(viewer, "control", found, "job")
    note(request, "control", viewer, op=wish.op, job_id=job.id)
    runner = request.app[RUNNER]
    if wish.op == "cancel":
        await runner.cancel(job.id, viewer.name)
    else:
        await runner.retry(job.id, viewer.name)


async def _refuse(
    request: web.Request, viewer: Viewer | None, why: Hangup
) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(timeout=CLOSING_S, compress=False)
    note(request, "refused", viewer, reason=why.code.name.lower(), path=request.rel_url.raw_path)
    await socket.prepare(request)
    await socket.close(code=why.code, message=why.reason.encode())
    return socket
