"""The account page: who may come in as this user, and by what. All of it works by forms."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import AppError
from app.core.permissions import SCOPES, Allowance
from app.core.times import iso_from_ms
from app.keys import DATABASE, SETTINGS
from app.store.accounts import now_ms
from app.store.batches import get_batch
from app.store.channels import list_channels
from app.store.jobs import get_job
from app.store.logins import list_logins
from app.store.shares import Share, list_shares
from app.store.tokens import list_tokens
from app.store.webhooks import list_hooks
from app.web import accountview, outgoingview
from app.web.forms import see_other, told_by
from app.web.identity import viewer_for
from app.web.logins import (
    Everywhere,
    NewPassword,
    change_own_password,
    end_login,
    sign_out_everywhere,
)
from app.web.problems import status_of
from app.web.rendering import render, shell_of
from app.web.shares import revoke_share
from app.web.tokens import USUAL, TokenWish, create_token, revoke_token
from app.web.wire import read_fields, validated

PAGE = "/account"
NOTHING_SENT = outgoingview.Sent()
LIMITS = ("connections", "messages_per_second", "message_bytes", "silence_s")


class TokenForm(BaseModel):
    """The form of a new token, beside its scopes and limits. `days` None is for ever."""

    model_config = ConfigDict(extra="ignore")
    label: str = Field(max_length=200)
    days: int | None = Field(default=None, ge=1, le=3660)


def account_routes() -> list[web.AbstractRouteDef]:
    """Return the page's addresses."""
    return [
        web.get(PAGE, account_page),
        web.post(f"{PAGE}/password", password),
        web.post(f"{PAGE}/sessions/{{session_id}}/end", end_one),
        web.post(f"{PAGE}/sign-out-everywhere", end_all),
        web.post(f"{PAGE}/tokens", make_token),
        web.post(f"{PAGE}/tokens/{{token_id}}/revoke", end_token),
        web.post(f"{PAGE}/shares/{{share_id}}/revoke", end_share),
    ]


async def _refused(request: web.Request, error: AppError) -> web.Response:
    return await show_account(request, error=error)


async def account_page(request: web.Request) -> web.Response:
    """GET /account: for signed-in people; tokens and links change nothing here."""
    return await show_account(request)


@told_by(_refused, "account")
async def password(request: web.Request) -> web.Response:
    """POST /account/password."""
    fields = await read_fields(request)
    given = {key: fields.get(key, "") for key in ("old", "new")}
    await change_own_password(request, validated(NewPassword, given, "form"))
    return await show_account(
        request, said="Your password is changed; other browsers are signed out"
    )


@told_by(_refused, "account")
async def end_one(request: web.Request) -> web.Response:
    """POST /account/sessions/{session_id}/end."""
    await end_login(request)
    return see_other(f"{PAGE}#browsers")


@told_by(_refused, "account")
async def end_all(request: web.Request) -> web.Response:
    """POST /account/sign-out-everywhere."""
    fields = await read_fields(request)
    response = see_other("/login")
    await sign_out_everywhere(request, response, Everywhere(tokens="tokens" in fields))
    return response


async def make_token(request: web.Request) -> web.Response:
    """POST /account/tokens. The secret is on the page that answers, and nowhere else."""
    viewer_for(request, "account")
    fields = await read_fields(request)
    wanted = [scope for scope in SCOPES if scope in fields]
    try:
        given = validated(TokenForm, {k: v for k, v in fields.items() if v}, "form")
        ends = None if given.days is None else datetime.now(UTC) + timedelta(days=given.days)
        limits = {key: fields[key] for key in LIMITS if fields.get(key)}
        wish: dict[str, Any] = {"label": given.label, "scopes": wanted, "expires_at": ends}
        if limits:
            wish["allowance"] = limits
        secret, token = await create_token(request, validated(TokenWish, wish, "form"))
    except AppError as error:
        label = fields.get("label", "")[:200]
        return await show_account(request, error=error, label=label, wanted=frozenset(wanted))
    return await show_account(request, made=accountview.NewToken(token.label, secret))


@told_by(_refused, "account")
async def end_token(request: web.Request) -> web.Response:
    """POST /account/tokens/{token_id}/revoke."""
    await revoke_token(request)
    return see_other(f"{PAGE}#tokens")


@told_by(_refused, "account")
async def end_share(request: web.Request) -> web.Response:
    """POST /account/shares/{share_id}/revoke."""
    await revoke_share(request)
    return see_other(f"{PAGE}#shares")


async def show_account(
    request: web.Request,
    *,
    error: AppError | None = None,
    said: str = "",
    made: accountview.NewToken | None = None,
    label: str = "",
    wanted: frozenset[str] | None = None,
    sent: outgoingview.Sent = NOTHING_SENT,
) -> web.Response:
    """Answer with the account page; see AccountPage."""
    viewer = viewer_for(request, "account")
    reader, at_ms = request.app[DATABASE].reader, now_ms()
    settings = request.app[SETTINGS]
    shares = await list_shares(reader, viewer.user_id, at_ms)
    page = accountview.AccountPage(
        shell=shell_of(request, "forms"),
        role=viewer.role,
        error=error,
        said=said,
        made=made,
        min_password_length=settings.min_password_length,
        logins=tuple(
            accountview.login_line(login, viewer.via)
            for login in await list_logins(reader, viewer.user_id, at_ms)
        ),
        tokens=tuple(
            accountview.token_line(token)
            for token in await list_tokens(reader, viewer.user_id, at_ms)
        ),
        shares=tuple(
            [accountview.share_line(share, await _name(request, share)) for share in shares]
        ),
        hooks=tuple(
            outgoingview.hook_line(hook) for hook in await list_hooks(reader, viewer.user_id)
        ),
        channels=tuple(
            outgoingview.channel_line(one) for one in await list_channels(reader, viewer.user_id)
        ),
        sent=sent,
        scopes=accountview.scopes_for(viewer.role),
        wanted=frozenset(USUAL) if wanted is None else wanted,
        label=label,
        is_open=wanted is not None,
        usual=Allowance(
            settings.max_websocket_connections_per_user,
            settings.websocket_message_rate_limit,
            settings.websocket_max_message_size,
            round(settings.websocket_connection_timeout),
        ),
    )
    response = render(
        request, "account.html", page, 200 if error is None else status_of(error.code)
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _name(request: web.Request, share: Share) -> str:
    """Return what the link shows."""
    reader = request.app[DATABASE].reader
    if share.room.kind == "job":
        job = await get_job(reader, share.room.id)
        return job.filename if job else "a file"
    batch = await get_batch(reader, share.room.id)
    return (batch.name or f"Batch of {iso_from_ms(batch.created_ms)[:10]}") if batch else "a batch"
