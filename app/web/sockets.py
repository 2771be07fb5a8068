"""GET /ws: who may open a socket. What is said on it is live's business."""

import re
from contextlib import ExitStack
from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.conversation import Conversation, Follow
from app.core.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from app.core.ids import is_uuid
from app.core.permissions import Viewer, may_follow, obstacle
from app.core.protocol import LARGEST_SEQ, Answer, Close, Hangup, Steer, Subscribe
from app.core.rooms import Room
from app.keys import (
    AUDIT,
    DATABASE,
    DESK,
    DOOR,
    HUB,
    JOURNAL,
    POSITIONS,
    PRESENCE,
    RESERVATIONS,
    RUNNER,
    SETTINGS,
    UPLOADS,
    ZONE_MANNER,
)
from app.live.dialect import SUBPROTOCOLS
from app.live.manner import OURS, Manner
from app.live.session import Session
from app.live.socketio.asked import open_questions
from app.live.upload_progress import UploadManner
from app.live.visit import Desk
from app.live.websocket import refuse_websocket, serve_websocket
from app.live.zone_progress import NamedManner
from app.store.jobs import get_job
from app.web.address import address_of
from app.web.audit import note
from app.web.belongings import belonging_at_hand, belonging_of, demand
from app.web.clarifications import Answerer, AnswerWish, give
from app.web.control import DOES
from app.web.identity import demand_known_origin, recognise_listener
from app.web.reference.batches import states_of
from app.web.wire import read_query

CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A close reason holds 123 bytes.
NOT_AUTHENTICATED = (
    "not authenticated; send a token in the Authorization header,"
    " or in the URL a ticket or listen-only token"
)


class UploadProgressQuery(BaseModel):
    """Where a listener of one upload goes on from; absent: from now on."""

    model_config = ConfigDict(extra="ignore")  # `token`, and what others' clients add
    after: Annotated[int, Field(ge=0, le=LARGEST_SEQ)] | None = None
    log: Annotated[str, Field(max_length=64)] | None = None


async def websocket(request: web.Request) -> web.StreamResponse:
    """Follow the log. Closed with 4001 when nobody was recognised, so that scripts can tell why.

    Raises CrossSite before the upgrade for a page of another site, whatever it came by.
    """
    client_id = request.match_info.get("client_id")
    if client_id is not None and not CLIENT_ID.fullmatch(client_id):
        raise InvalidRequest(what="a client id has 1 to 64 letters, digits, dots, lines")
    viewer = await listener_of(request)
    if isinstance(viewer, web.StreamResponse):
        return viewer
    return serve_websocket(
        request,
        request.app[DESK],
        viewer,
        client_id=client_id,
        address=address_of(request),
        manner=OURS if client_id is None else _manner_of_named(request),
    )


def _manner_of_named(request: web.Request) -> Manner:
    """Return how a named client is received: whoever asks for frames of a kind, or offers one of
    our subprotocols, subscribes; others may know nothing of that."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    if "frames" in request.query or any(name in offered for name in SUBPROTOCOLS):
        return NamedManner(request.app[PRESENCE])
    return request.app[ZONE_MANNER]


async def upload_progress(request: web.Request) -> web.StreamResponse:
    """GET /ws/upload-progress/{batch_id}: follow one upload, also one that is yet to begin.

    An id that is new is the viewer's as long as this listens: the files may come under it then.
    """
    batch_id = request.match_info["batch_id"].lower()
    if not is_uuid(batch_id):
        raise InvalidRequest(what="the id of a batch is a UUID")
    query = read_query(request, UploadProgressQuery)
    viewer = await listener_of(request)
    if isinstance(viewer, web.StreamResponse):
        return viewer
    with ExitStack() as holding:
        room = Room("batch", batch_id)
        is_theirs = viewer.shared is None and holding.enter_context(
            request.app[RESERVATIONS].held(batch_id, viewer.user_id)
        )
        thing = await belonging_of(request.app[DATABASE].reader, room)
        if not (is_theirs if thing is None else may_follow(viewer, room, thing)):
            error = NotFound(what="batch", is_foreign=True)
            return refuse(request, viewer, Hangup(Close.NOT_ALLOWED, f"{error}"))
        hub = request.app[HUB]
        wish = Subscribe(op="subscribe", room=str(room), after=query.after, log=query.log)
        ask = Conversation.decide(wish, log=hub.log_id, head=hub.head)
        assert isinstance(ask, Follow)  # a number is never refused
        upload = holding.enter_context(request.app[UPLOADS].followed(batch_id))
        # What happens while the states are read is told, if twice.
        for state in await states_of(request.app[DATABASE].reader, batch_id):
            upload.view.hold(state)
        manner = UploadManner(upload, ask, holding)
        return serve_websocket(
            request, request.app[DESK], viewer, address=address_of(request), manner=manner
        )


async def listener_of(request: web.Request) -> Viewer | web.StreamResponse:
    """Return who opens a socket, or the answer with which it was closed at once.

    Raises Conflict where sockets are switched off, InvalidRequest for no upgrade, CrossSite.
    """
    if not request.app[SETTINGS].enable_websockets:
        raise Conflict(
            what="WebSockets are switched off on this server",
            todo="Listen to the event stream at /api/v1/events, or ask for the history.",
        )
    request.app[DOOR].pass_through()
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise InvalidRequest(what="this address speaks WebSocket only")
    demand_known_origin(request)
    viewer = await recognise_listener(request)
    if viewer is None:
        return refuse(request, None, Hangup(Close.NOT_AUTHENTICATED, NOT_AUTHENTICATED))
    if why := obstacle(viewer, "listen"):
        return refuse(request, viewer, Hangup(Close.NOT_ALLOWED, why))
    return viewer


def make_desk(app: web.Application) -> Desk:
    """Return what is behind every connection of `app`."""
    return Desk(
        app[HUB],
        app[SETTINGS],
        app[POSITIONS],
        known=partial(belonging_at_hand, app[JOURNAL]),
        belonging_of=partial(belonging_of, app[DATABASE].reader),
        control=partial(_steer, app),
        questions=partial(open_questions, app[DATABASE].reader),
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


def refuse(request: web.Request, viewer: Viewer | None, why: Hangup) -> web.StreamResponse:
    """Open the socket only to close it with a reason, and note that."""
    reason = why.code.name.lower()
    request.app[HUB].counters.refused[reason] += 1
    note(request, "refused", viewer, reason=reason, path=request.rel_url.raw_path)
    return refuse_websocket(request, why)
