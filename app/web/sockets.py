"""GET /ws: who may open a socket. What is said on it is live's business."""

import re
from functools import partial

from aiohttp import web

from app.core.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
)
from app.core.ids import is_uuid
from app.core.permissions import Viewer, obstacle
from app.core.protocol import Answer, Close, Hangup, Steer
from app.keys import AUDIT, DATABASE, DESK, DOOR, HUB, JOURNAL, POSITIONS, RUNNER, SETTINGS
from app.live.session import Session
from app.live.visit import Desk
from app.live.websocket import refuse_websocket, serve_websocket
from app.store.jobs import get_job
from app.web.address import address_of
from app.web.audit import note
from app.web.belongings import belonging_at_hand, belonging_of, demand
from app.web.clarifications import Answerer, AnswerWish, give
from app.web.control import DOES
from app.web.identity import demand_known_origin, recognise_listener

CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A close reason holds 123 bytes.
NOT_AUTHENTICATED = (
    "not authenticated; send a token in the Authorization header,"
    " or in the URL a ticket or listen-only token"
)


async def websocket(request: web.Request) -> web.StreamResponse:
    """Follow the log. Closed with 4001 when nobody was recognised, so that scripts can tell why.

    Raises CrossSite before the upgrade for a page of another site, whatever it came by.
    """
    settings = request.app[SETTINGS]
    if not settings.enable_websockets:
        raise Conflict(
            what="WebSockets are switched off on this server",
            todo="Listen to the event stream at /api/v1/events, or ask for the history.",
        )
    request.app[DOOR].pass_through()
    client_id = request.match_info.get("client_id")
    if client_id is not None and not CLIENT_ID.fullmatch(client_id):
        raise InvalidRequest(what="a client id has 1 to 64 letters, digits, dots, lines")
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise InvalidRequest(what="this address speaks WebSocket only")
    demand_known_origin(request)
    viewer = await recognise_listener(request)
    if viewer is None:
        return _refuse(request, None, Hangup(Close.NOT_AUTHENTICATED, NOT_AUTHENTICATED))
    if why := obstacle(viewer, "listen"):
        return _refuse(request, viewer, Hangup(Close.NOT_ALLOWED, why))
    return serve_websocket(
        request, request.app[DESK], viewer, client_id=client_id, address=address_of(request)
    )


def make_desk(app: web.Application) -> Desk:
    """Return what is behind every connection of `app`."""
    return Desk(
        app[HUB],
        app[SETTINGS],
        app[POSITIONS],
        known=partial(belonging_at_hand, app[JOURNAL]),
        belonging_of=partial(belonging_of, app[DATABASE].reader),
        control=partial(_steer, app),
    )


async def _steer(app: web.Application, session: Session, wish: Steer | Answer) -> None:
    """Do what the HTTP API does under the same name. Raises NotFound, Conflict."""
    if isinstance(wish, Answer):
        given = AnswerWish(answer=wish.answer, use_for_batch=wish.use_for_batch)
        ident = wish.clarification_id if is_uuid(wish.clarification_id) else ""
        await give(app, Answerer(session.viewer), session.address, ident, given)
        return
    app[DOOR].pass_through()
    viewer = session.viewer
    if why := obstacle(viewer, "control"):
        raise NotAllowed(why=why)
    found = await get_job(app[DATABASE].reader, wish.job_id)
    job = demand(viewer, "control", found, "job")
    app[AUDIT].note("control", viewer, session.address, op=wish.op, job_id=job.id)
    await DOES[wish.op](app[RUNNER], job.id, viewer.name)


def _refuse(request: web.Request, viewer: Viewer | None, why: Hangup) -> web.StreamResponse:
    reason = why.code.name.lower()
    request.app[HUB].counters.refused[reason] += 1
    note(request, "refused", viewer, reason=reason, path=request.rel_url.raw_path)
    return refuse_websocket(request, why)
