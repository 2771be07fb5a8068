"""Webhooks and services for notifications in one's account. All of it works by forms."""

import orjson
from aiohttp import web

from app.core.errors import AppError, InvalidRequest, NotFound
from app.core.notifications import KINDS
from app.core.times import iso_from_ms
from app.keys import DATABASE, JOURNAL
from app.store.deliveries import list_deliveries, pending
from app.store.webhooks import Hook, get_hook
from app.web import outgoingview
from app.web.account import PAGE, show_account
from app.web.forms import see_other, told_by
from app.web.hookmodels import SecretWish, WebhookChange, WebhookWish
from app.web.identity import viewer_for
from app.web.notifications import (
    ChannelChange,
    ChannelWish,
    create_channel,
    delete_channel,
    test_channel,
    update_channel,
)
from app.web.problems import status_of
from app.web.rendering import render, shell_of
from app.web.webhooks import (
    change_webhook,
    create_webhook,
    hook_of,
    remove_webhook,
    resend_delivery,
    rotate_webhook,
    test_webhook,
)
from app.web.wire import read_fields, validated

HOOK = f"{PAGE}/webhooks/{{webhook_id}}"
CHANNEL = f"{PAGE}/notifications/{{channel_id}}"
DELIVERIES_SHOWN = 30


def outgoing_routes() -> list[web.AbstractRouteDef]:
    """Return the addresses of the forms, and of a webhook's page."""
    return [
        web.post(f"{PAGE}/webhooks", make_hook),
        web.get(HOOK, hook_page),
        web.post(f"{HOOK}/state", switch_hook),
        web.post(f"{HOOK}/test", test_hook),
        web.post(f"{HOOK}/rotate", rotate_hook),
        web.post(f"{HOOK}/remove", remove_hook),
        web.post(f"{HOOK}/deliveries/{{delivery_id}}/resend", resend),
        web.post(f"{PAGE}/notifications", make_channel),
        web.post(f"{CHANNEL}/state", switch_channel),
        web.post(f"{CHANNEL}/test", test),
        web.post(f"{CHANNEL}/remove", remove_channel),
    ]


async def _refused(request: web.Request, error: AppError) -> web.Response:
    return await show_account(request, error=error)


async def _refused_hook(request: web.Request, error: AppError) -> web.Response:
    return await _show_hook(request, await hook_of(request), error=error)


async def make_hook(request: web.Request) -> web.Response:
    """POST /account/webhooks. The secret is on the page that answers, and nowhere else."""
    viewer_for(request, "account")
    fields = await read_fields(request)
    try:
        wish: dict[str, object] = {key: fields[key] for key in ("url", "label") if key in fields}
        if fields.get("told") == "everything":
            wish["types"] = None
        answer = await create_webhook(request, validated(WebhookWish, wish, "form"))
    except AppError as error:
        label, url = fields.get("label", "")[:100], fields.get("url", "")[:200]
        sent = outgoingview.Sent("webhook", label, url, fields.get("told", ""))
        return await show_account(request, error=error, sent=sent)
    made = orjson.loads(answer.body)
    hook = await get_hook(request.app[DATABASE].reader, made["webhook"]["id"])
    if hook is None:  # it was removed at once
        raise NotFound(what="webhook")
    return await _show_hook(request, hook, secret=made["secret"])


@told_by(_refused, "account")
async def hook_page(request: web.Request) -> web.Response:
    """GET /account/webhooks/{webhook_id}: how it does, and what was sent."""
    return await _show_hook(request, await hook_of(request))


@told_by(_refused, "account")
async def switch_hook(request: web.Request) -> web.Response:
    """POST /account/webhooks/{webhook_id}/state: off, on, or on from now."""
    fields = await read_fields(request)
    wish = WebhookChange(active="on" in fields)
    if "skip" in fields:
        wish = WebhookChange(active=True, after=request.app[JOURNAL].head)
    hook = await change_webhook(request, wish)
    return see_other(f"{PAGE}/webhooks/{hook.id}")


@told_by(_refused, "account")
async def test_hook(request: web.Request) -> web.Response:
    """POST /account/webhooks/{webhook_id}/test."""
    sent, hook = await test_webhook(request), await hook_of(request)
    if sent.state == "delivered":
        return await _show_hook(request, hook, said="The test has arrived")
    return await _show_hook(request, hook, error=_not_arrived(sent.error))


@told_by(_refused, "account")
async def rotate_hook(request: web.Request) -> web.Response:
    """POST /account/webhooks/{webhook_id}/rotate. The new secret is on this page alone."""
    made = await rotate_webhook(request, SecretWish())
    said = "For a day the secret before signs too"
    return await _show_hook(request, await hook_of(request), said=said, secret=made.secret)


@told_by(_refused, "account")
async def remove_hook(request: web.Request) -> web.Response:
    """POST /account/webhooks/{webhook_id}/remove."""
    await remove_webhook(request)
    return see_other(f"{PAGE}#webhooks")


@told_by(_refused_hook, "account")
async def resend(request: web.Request) -> web.Response:
    """POST /account/webhooks/{webhook_id}/deliveries/{delivery_id}/resend."""
    one = await resend_delivery(request)
    return see_other(f"{PAGE}/webhooks/{one.webhook_id}#deliveries")


async def make_channel(request: web.Request) -> web.Response:
    """POST /account/notifications. What was typed as the address is not shown again."""
    viewer_for(request, "account")
    fields = await read_fields(request)
    try:
        wish = {
            "address": fields.get("address", ""),
            "label": fields.get("label", ""),
            "kinds": [kind for kind in KINDS if kind in fields],
        }
        await create_channel(request, validated(ChannelWish, wish, "form"))
    except AppError as error:
        sent = outgoingview.Sent("service", fields.get("label", "")[:100])
        return await show_account(request, error=error, sent=sent)
    return see_other(f"{PAGE}#notifications")


@told_by(_refused, "account")
async def switch_channel(request: web.Request) -> web.Response:
    """POST /account/notifications/{channel_id}/state."""
    await update_channel(request, ChannelChange(active="on" in await read_fields(request)))
    return see_other(f"{PAGE}#notifications")


@told_by(_refused, "account")
async def test(request: web.Request) -> web.Response:
    """POST /account/notifications/{channel_id}/test."""
    why = await test_channel(request)
    if why:
        raise _not_arrived(why)
    return await show_account(request, said="The test was taken; look whether it has arrived")


@told_by(_refused, "account")
async def remove_channel(request: web.Request) -> web.Response:
    """POST /account/notifications/{channel_id}/remove."""
    await delete_channel(request)
    return see_other(f"{PAGE}#notifications")


def _not_arrived(why: str) -> AppError:
    return InvalidRequest(what=f"the test did not arrive: {why}")


async def _show_hook(
    request: web.Request,
    hook: Hook,
    *,
    error: AppError | None = None,
    said: str = "",
    secret: str = "",
) -> web.Response:
    """Answer with the page of a webhook; see WebhookPage."""
    reader = request.app[DATABASE].reader
    before = request.query.get("before")
    found = await list_deliveries(reader, hook.id, before_id=before, limit=DELIVERIES_SHOWN + 1)
    page = found[:DELIVERIES_SHOWN]
    count, _ = await pending(reader, hook.id)
    line = outgoingview.hook_line(hook)
    shown = outgoingview.WebhookPage(
        shell=shell_of(request, "forms"),
        error=error,
        said=said,
        secret=secret,
        hook=line,
        created=iso_from_ms(hook.created_ms),
        pending=count,
        deliveries=tuple(outgoingview.delivery_line(one, is_on=line.is_on) for one in page),
        older=f"{PAGE}/webhooks/{hook.id}?before={page[-1].id}#deliveries"
        if len(found) > len(page)
        else "",
    )
    response = render(
        request, "webhook.html", shown, 200 if error is None else status_of(error.code)
    )
    response.headers["Cache-Control"] = "no-store"
    return response
