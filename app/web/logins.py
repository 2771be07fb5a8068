"""Signed-in browsers and the password behind them: looked at, and ended, by their owner."""

import sqlite3
from functools import partial

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.permissions import Viewer
from app.core.times import iso_from_ms
from app.keys import ACCOUNTS, DATABASE, RECHECK, SETTINGS
from app.store.accounts import change_password, end_everything, now_ms
from app.store.logins import Login, demand_login, list_logins, remove_login
from app.store.tokens import remove_tokens
from app.web.audit import note
from app.web.auth import check_password
from app.web.identity import take_cookies_back, viewer_for
from app.web.wire import json_answer, read_json


class SessionAnswer(BaseModel):
    """A browser that is signed in."""

    id: str
    client: str = Field(description="as it calls itself")
    address: str = Field(description="from where it signed in")
    created_at: str
    expires_at: str = Field(description="unless it is used before")
    is_current: bool = Field(description="the one that asks")

    @classmethod
    def of(cls, login: Login, viewer: Viewer) -> "SessionAnswer":
        return cls(
            id=login.id,
            client=login.client,
            address=login.address,
            created_at=iso_from_ms(login.created_ms),
            expires_at=iso_from_ms(login.expires_ms),
            is_current=login.id == viewer.via,
        )


class SessionList(BaseModel):
    """Browsers that are signed in, newest first."""

    sessions: list[SessionAnswer]


class Everywhere(BaseModel):
    """What ends beside the sessions."""

    model_config = ConfigDict(extra="forbid")
    tokens: bool = Field(default=False, description="API tokens too")


class NewPassword(BaseModel):
    """The password as it is, and as it shall be."""

    model_config = ConfigDict(extra="forbid")
    old: str = Field(min_length=1, max_length=4096)
    new: str = Field(max_length=4096)


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/auth/sessions: the browsers in which one is signed in."""
    viewer = viewer_for(request, "account")
    logins = await list_logins(request.app[DATABASE].reader, viewer.user_id, now_ms())
    sessions = [SessionAnswer.of(login, viewer) for login in logins]
    return json_answer(SessionList(sessions=sessions))


async def end(request: web.Request) -> web.Response:
    """DELETE /api/v1/auth/sessions/{session_id}: sign one browser out."""
    await end_login(request)
    return web.Response(status=204)


async def logout_everywhere(request: web.Request) -> web.Response:
    """POST /api/v1/auth/logout-everywhere: sign out here and everywhere else."""
    viewer_for(request, "account")
    response = web.Response(status=204)
    await sign_out_everywhere(request, response, await read_json(request, Everywhere))
    return response


async def password(request: web.Request) -> web.Response:
    """POST /api/v1/auth/password: change one's own; every other browser is signed out."""
    viewer_for(request, "account")
    await change_own_password(request, await read_json(request, NewPassword))
    return web.Response(status=204)


async def end_login(request: web.Request) -> None:
    """End the session in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    viewer = viewer_for(request, "account")
    login_id = request.match_info["session_id"]
    await request.app[DATABASE].writer.run(
        partial(remove_login, user_id=viewer.user_id, login_id=login_id)
    )
    note(request, "sign_out", session=login_id)
    await request.app[RECHECK].look()


async def sign_out_everywhere(
    request: web.Request, response: web.StreamResponse, wish: Everywhere
) -> None:
    """End every session and listen-only token of whoever asks, and what listens by them.

    Raises NotAuthenticated, NotAllowed.
    """
    viewer = viewer_for(request, "account")

    def end_all(connection: sqlite3.Connection) -> None:
        end_everything(connection, viewer.user_id)
        if wish.tokens:
            remove_tokens(connection, viewer.user_id)

    await request.app[DATABASE].writer.run(end_all)
    note(request, "signed_out_everywhere", tokens=wish.tokens)
    take_cookies_back(request, response)
    await request.app[RECHECK].look()


async def change_own_password(request: web.Request, wish: NewPassword) -> None:
    """Give whoever asks a new password; of their sessions, only this one stays.

    Raises NotAuthenticated, NotAllowed, WrongPassword, WeakPassword, TooManyRequests.
    """
    viewer = viewer_for(request, "account")
    await check_password(request, viewer.name, wish.old)
    at_least = request.app[SETTINGS].min_password_length
    password_hash = await request.app[ACCOUNTS].hashed(wish.new, at_least)

    def change(connection: sqlite3.Connection) -> None:
        demand_login(connection, viewer.via, now_ms())
        change_password(connection, viewer.user_id, password_hash, keep_login=viewer.via)

    await request.app[DATABASE].writer.run(change)
    note(request, "password_changed")
    await request.app[RECHECK].look()
