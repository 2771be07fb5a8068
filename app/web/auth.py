"""Signing in and out, claiming a new server, and tickets for sockets."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import InvalidRequest, NotAuthenticated, WrongPassword
from app.core.permissions import Role, Viewer
from app.core.times import iso_from_ms
from app.keys import ACCOUNTS, RECHECK, SETTINGS, THROTTLE, TICKETS
from app.store.accounts import User
from app.store.logins import LONGEST_CLIENT
from app.web.address import address_of
from app.web.audit import note
from app.web.identity import (
    maybe_viewer,
    owner_for,
    session_secret,
    set_cookie,
    take_cookies_back,
    viewer_of,
)
from app.web.wire import json_answer, read_json, shown


class Credentials(BaseModel):
    """What a person types in to sign in."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=4096)


class Claim(BaseModel):
    """The first user, with the token out of the setup link."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(max_length=4096)


class Link(BaseModel):
    """The token out of a sign-in link."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=200)


class TicketWish(BaseModel):
    """Which kind of token a connection is to be opened with.

    ticket  for one connection within five minutes
    listen  for any number of them, for clients that come back to the same address
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["ticket", "listen"] = "ticket"
    hours: int | None = Field(
        default=None, ge=1, le=24, description="of a listen-only token; null: 24"
    )


class Me(BaseModel):
    """Who is signed in."""

    user_id: str
    name: str
    role: Role

    @classmethod
    def of(cls, who: User | Viewer) -> "Me":
        ident = who.id if isinstance(who, User) else who.user_id
        return cls(user_id=ident, name=who.name, role=who.role)


class Ticket(BaseModel):
    """A token for `?token=` of a connection, and until when it is good."""

    token: str
    expires_at: str


async def check_password(request: web.Request, name: str, password: str) -> User:
    """Return who it is. Raises WrongPassword, and TooManyRequests for too many guesses."""
    throttle, address = request.app[THROTTLE], address_of(request)
    throttle.take(name, address)
    user = await request.app[ACCOUNTS].sign_in(name, password)
    if user is None:
        note(request, "sign_in_failed", tried=name)
        raise WrongPassword
    throttle.forgive(name, address)
    return user


async def claim_server(request: web.Request, token: str, name: str, password: str) -> User:
    """Make the first user. Raises AlreadyClaimed, WeakPassword, TooManyRequests.

    The token may be typed as it stands in the link, with its name before it.
    """
    token = token.strip().removeprefix("token=")
    request.app[THROTTLE].take("", address_of(request))
    at_least = request.app[SETTINGS].min_password_length
    user = await request.app[ACCOUNTS].claim(token, name, password, at_least=at_least)
    note(request, "user_created", _entering(user), role=user.role, created=user.name)
    return user


async def sign_in_as(
    request: web.Request, user: User, response: web.StreamResponse, by: Literal["password", "link"]
) -> None:
    """Begin a session of `user` and put its cookie on `response`; one before it ends."""
    await _end_session(request)
    secret = await request.app[ACCOUNTS].begin_session(
        user,
        client=shown(request.headers.get("User-Agent", ""), LONGEST_CLIENT),
        address=address_of(request),
    )
    set_cookie(request, response, secret)
    note(request, "sign_in", _entering(user), by=by)


def _entering(user: User) -> Viewer:
    """Return who comes in with this very request."""
    return Viewer(user.id, user.name, user.role)


async def sign_out(request: web.Request, response: web.StreamResponse) -> None:
    """End this browser's session and take its cookie back."""
    await _end_session(request)
    take_cookies_back(request, response)


async def _end_session(request: web.Request) -> None:
    """End this browser's session, and what it still listens to."""
    secret = session_secret(request)
    if not secret:
        return
    await request.app[ACCOUNTS].end_session(secret)
    viewer = maybe_viewer(request)
    if viewer is not None:
        note(request, "sign_out")
        await request.app[RECHECK].look()


async def login(request: web.Request) -> web.Response:
    """POST /api/v1/auth/login: sign a browser in by name and password."""
    given = await read_json(request, Credentials)
    user = await check_password(request, given.name, given.password)
    return await _welcome(request, user, "password")


async def claim(request: web.Request) -> web.Response:
    """POST /api/v1/auth/claim: become the owner of a new server, with its setup link."""
    given = await read_json(request, Claim)
    user = await claim_server(request, given.token, given.name, given.password)
    return await _welcome(request, user, "link")


async def link(request: web.Request) -> web.Response:
    """POST /api/v1/auth/link: sign a browser in with a single-use link."""
    given = await read_json(request, Link)
    request.app[THROTTLE].take("", address_of(request))
    return await _welcome(request, await request.app[ACCOUNTS].take_link(given.token), "link")


async def logout(request: web.Request) -> web.Response:
    """POST /api/v1/auth/logout: end this browser's session."""
    response = web.Response(status=204)
    await sign_out(request, response)
    return response


async def me(request: web.Request) -> web.Response:
    """GET /api/v1/auth/me: who is signed in."""
    viewer = viewer_of(request)
    if viewer.shared is not None:
        raise NotAuthenticated
    return json_answer(Me.of(viewer))


async def websocket_token(request: web.Request) -> web.Response:
    """POST /api/v1/auth/websocket-token: a ticket for one connection, or a listen-only token."""
    viewer = owner_for(request, "listen")
    wish = await read_json(request, TicketWish)
    tickets = request.app[TICKETS]
    if wish.kind == "ticket":
        if wish.hours is not None:
            raise InvalidRequest(what="a ticket is good for five minutes; hours are for listen")
        token, expires_ms = tickets.mint(viewer.via)
    else:
        user = await request.app[ACCOUNTS].user(viewer.user_id)
        if user is None:
            raise NotAuthenticated
        token, expires_ms = tickets.mint_listen(viewer.via, user.epoch, wish.hours or 24)
    answer = Ticket(token=token, expires_at=iso_from_ms(expires_ms))
    return json_answer(answer, headers={"Cache-Control": "no-store"})


async def _welcome(
    request: web.Request, user: User, by: Literal["password", "link"]
) -> web.Response:
    response = json_answer(Me.of(user))
    await sign_in_as(request, user, response, by)
    return response
