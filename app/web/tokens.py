"""API tokens over HTTP: made, listed and revoked by the person in whose name they act."""

import sqlite3
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.core.errors import InvalidRequest, NotFound
from app.core.permissions import SCOPES, Allowance, Scope, Viewer, may
from app.core.times import DAY_MS, iso_from_ms
from app.keys import DATABASE, RECHECK
from app.store.accounts import now_ms
from app.store.logins import demand_login
from app.store.tokens import (
    Token,
    add_token,
    change_allowance,
    get_token,
    list_tokens,
    remove_token,
)
from app.web.audit import note
from app.web.identity import viewer_for
from app.web.wire import json_answer, read_id, read_json, read_query

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
LONGEST_YEARS = 1000
LONGEST_MS = LONGEST_YEARS * 365 * DAY_MS
USUAL: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope != "operate")


class Limits(BaseModel):
    """Limits of a token's connections; null is as the settings say. Only operators set them."""

    model_config = ConfigDict(extra="forbid")
    connections: int | None = Field(default=None, ge=1, le=100_000)
    messages_per_second: int | None = Field(default=None, ge=1, le=10_000)
    message_bytes: int | None = Field(default=None, ge=128, le=1024 * 1024)
    silence_s: int | None = Field(default=None, ge=1, le=86_400)

    def allowance(self) -> Allowance:
        return Allowance(**self.model_dump())


class TokenWish(BaseModel):
    """What a new token is called, and what it is good for."""

    model_config = ConfigDict(extra="forbid")
    label: Label
    scopes: list[Scope] = Field(default=list(USUAL), min_length=1, max_length=len(SCOPES))
    expires_at: AwareDatetime | None = Field(default=None, description="null: never")
    allowance: Limits | None = None


class TokenChange(BaseModel):
    """New limits for a token."""

    model_config = ConfigDict(extra="forbid")
    allowance: Limits


class TokenQuery(BaseModel):
    """Whose tokens."""

    model_config = ConfigDict(extra="forbid")
    user: str | None = Field(default=None, max_length=64, description="a user's id: operators only")


class TokenAnswer(BaseModel):
    """A token, without its secret. `prefix` is how that begins."""

    id: str
    label: str
    prefix: str
    scopes: list[Scope]
    created_at: str
    expires_at: str | None
    last_used_at: str | None = Field(description="to the minute")
    allowance: Limits

    @classmethod
    def of(cls, token: Token) -> "TokenAnswer":
        return cls(
            id=token.id,
            label=token.label,
            prefix=token.prefix,
            scopes=[scope for scope in SCOPES if scope in token.scopes],
            created_at=iso_from_ms(token.created_ms),
            expires_at=_iso(token.expires_ms),
            last_used_at=_iso(token.last_used_ms),
            allowance=Limits(**asdict(token.allowance)),
        )


class TokenList(BaseModel):
    """Tokens that have not ended, newest first."""

    tokens: list[TokenAnswer]


class NewToken(BaseModel):
    """A new token. `secret` is told this once, and kept nowhere."""

    secret: str
    token: TokenAnswer


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_from_ms(at_ms)


def later_ms(moment: datetime, at_ms: int) -> int:
    """Return `moment` in milliseconds since the epoch.

    Raises InvalidRequest when it is past, or so far away that no answer could tell it.
    """
    wanted = round(moment.timestamp() * 1000)
    if wanted <= at_ms:
        raise InvalidRequest(what="expires_at has to lie in the future")
    if wanted > at_ms + LONGEST_MS:
        raise InvalidRequest(what=f"expires_at lies more than {LONGEST_YEARS} years ahead")
    return wanted


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/tokens: one's own, newest first; an operator may ask for another user's."""
    viewer, query = viewer_for(request, "account"), read_query(request, TokenQuery)
    if query.user is not None and query.user != viewer.user_id:
        viewer_for(request, "operate")
    tokens = await list_tokens(request.app[DATABASE].reader, query.user or viewer.user_id, now_ms())
    return json_answer(TokenList(tokens=[TokenAnswer.of(token) for token in tokens]))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/tokens: a new one. Its secret is in this answer and nowhere else."""
    viewer_for(request, "account")
    secret, token = await create_token(request, await read_json(request, TokenWish))
    answer = NewToken(secret=secret, token=TokenAnswer.of(token))
    headers = {"Location": f"/api/v1/tokens/{token.id}", "Cache-Control": "no-store"}
    return json_answer(answer, 201, headers)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/tokens/{token_id}: give it limits of its own. Operators only."""
    viewer_for(request, "account")
    viewer_for(request, "operate")
    wish = await read_json(request, TokenChange)
    token = await _token_of(request)
    await request.app[DATABASE].writer.run(
        partial(change_allowance, token_id=token.id, allowance=wish.allowance.allowance())
    )
    return json_answer(TokenAnswer.of(await _token_of(request)))


async def revoke(request: web.Request) -> web.Response:
    """DELETE /api/v1/tokens/{token_id}: end it, and what listens by it. Operators end anybody's."""
    await revoke_token(request)
    return web.Response(status=204)


async def create_token(request: web.Request, wish: TokenWish) -> tuple[str, Token]:
    """Make a token of whoever asks; return its secret and what is known of it.

    Raises NotAuthenticated, NotAllowed, InvalidRequest, Conflict for too many.
    """
    viewer = viewer_for(request, "account")
    operates = "operate" in wish.scopes or wish.allowance is not None
    if operates:
        viewer_for(request, "operate")
    at_ms = now_ms()
    expires_ms = None if wish.expires_at is None else later_ms(wish.expires_at, at_ms)

    def make(connection: sqlite3.Connection) -> tuple[str, Token]:
        demand_login(connection, viewer.via, at_ms, "operator" if operates else "member")
        return add_token(
            connection,
            viewer.user_id,
            wish.label,
            at_ms,
            scopes=frozenset(wish.scopes),
            expires_ms=expires_ms,
            allowance=None if wish.allowance is None else wish.allowance.allowance(),
        )

    secret, token = await request.app[DATABASE].writer.run(make)
    note(request, "token_created", token=token.id, label=token.label, scopes=sorted(token.scopes))
    return secret, token


async def revoke_token(request: web.Request) -> None:
    """Revoke the token in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    token = await _token_of(request)
    await request.app[DATABASE].writer.run(partial(remove_token, token_id=token.id))
    note(request, "token_revoked", token=token.id, label=token.label, owner=token.user_id)
    await request.app[RECHECK].look()


async def _token_of(request: web.Request) -> Token:
    viewer = viewer_for(request, "account")
    token_id = read_id(request, "token_id")
    token = await get_token(request.app[DATABASE].reader, token_id, now_ms())
    if token is None or not _is_theirs(viewer, token):
        raise NotFound(what="token")
    return token


def _is_theirs(viewer: Viewer, token: Token) -> bool:
    return token.user_id == viewer.user_id or may(viewer, "operate")
