"""What goes over one connection, for operators who look for a fault: switched on, and read."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.core.times import iso_from_ms
from app.keys import AUDIT, FRAME_LOGS, HUB
from app.live.frames import FrameLog
from app.web.address import address_of
from app.web.identity import viewer_for
from app.web.wire import json_answer, read_json, read_query

LONGEST_LOG_S = 3600


class LogWish(BaseModel):
    """Switch the logging of a connection's frames on for a while, or off."""

    model_config = ConfigDict(extra="forbid")
    on: bool
    seconds: int = Field(default=300, ge=1, le=LONGEST_LOG_S, description="then it ends by itself")


class LogQuery(BaseModel):
    """Which frames: those past the one with this number."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(default=0, ge=0)


class FrameAnswer(BaseModel):
    """One frame. Long texts are cut; of packed ones the words can be read."""

    n: int
    at: str
    direction: Literal["in", "out"]
    kind: str = Field(description="text, binary, ping, pong, close; stream for SSE")
    size: int
    text: str


class FrameList(BaseModel):
    """The last 200 frames of a connection, oldest first."""

    id: str
    on: bool
    until: str
    frames: list[FrameAnswer]


async def switch_log(request: web.Request) -> web.Response:
    """POST /api/v1/websocket/connections/{connection}/log: log its frames for a while, or stop.

    What people see may be in them, so it ends by itself, and the audit log knows who asked.
    """
    viewer_for(request, "operate")
    wish = await read_json(request, LogWish)
    return json_answer(_frames(log_frames(request, wish), after=0))


def log_frames(request: web.Request, wish: LogWish) -> FrameLog:
    """Log the frames of the connection in the path as `wish` says; return the log.

    Raises NotAllowed, NotFound, Conflict.
    """
    viewer = viewer_for(request, "operate")
    logs, number = request.app[FRAME_LOGS], number_of(request.match_info["connection"])
    if wish.on:
        session = next((s for s in request.app[HUB].sessions if s.number == number), None)
        if session is None or session.closing:
            raise NotFound(what="connection")
        log = logs.start(session, wish.seconds)
        request.app[AUDIT].note(
            "frames_logged",
            viewer,
            address_of(request),
            client_id=session.client_id,
            of_user=session.viewer.name,
            seconds=wish.seconds,
        )
    else:
        log = _log(request)
        log.stop()
    return log


async def frames(request: web.Request) -> web.Response:
    """GET /api/v1/websocket/connections/{connection}/log: what was logged of it."""
    viewer_for(request, "operate")
    return json_answer(_frames(_log(request), after=read_query(request, LogQuery).after))


def frames_of(request: web.Request, ident: str) -> FrameList | None:
    """Return what was logged of the connection `ident`; None when nothing was."""
    log = request.app[FRAME_LOGS].of(number_of(ident))
    return None if log is None else _frames(log, after=0)


def number_of(text: str) -> int:
    """Return the number of the connection with the id `text`; 0, which none has, for no id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _log(request: web.Request) -> FrameLog:
    log = request.app[FRAME_LOGS].of(number_of(request.match_info["connection"]))
    if log is None:
        raise NotFound(what="log of this connection")
    return log


def _frames(log: FrameLog, after: int) -> FrameList:
    return FrameList(
        id=str(log.number),
        on=log.is_on,
        until=iso_from_ms(log.until_ms),
        frames=[
            FrameAnswer(
                n=frame.n,
                at=iso_from_ms(frame.at_ms),
                direction=frame.direction,
                kind=frame.kind,
                size=frame.size_bytes,
                text=frame.text,
            )
            for frame in log.frames
            if frame.n > after
        ],
    )
