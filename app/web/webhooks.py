"""Webhooks over HTTP: made, changed, tested, and what became of each message."""

import os
import sqlite3
from functools import partial

import orjson
from aiohttp import web

from app.core.errors import Conflict, NotFound
from app.core.permissions import Viewer
from app.core.times import iso_from_ms
from app.core.webhooks import NEW_SECRET_BYTES, OLD_SECRET_MS, secret_text
from app.keys import DATABASE, DELIVERER, DOOR, JOURNAL, OUTBOUND
from app.store.accounts import now_ms
from app.store.deliveries import Delivery, get_delivery, list_deliveries, pending, send_again
from app.store.idempotency import Answer
from app.store.webhooks import (
    Hook,
    HookChange,
    HookWish,
    WishedState,
    add_hook,
    change_hook,
    get_hook,
    list_hooks,
    remove_hook,
    rotate_secret,
)
from app.web.audit import note
from app.web.belongings import followed_room
from app.web.hookmodels import (
    DeliveryAnswer,
    DeliveryList,
    DeliveryQuery,
    NewWebhook,
    SecretWish,
    WebhookAnswer,
    WebhookChange,
    WebhookList,
    WebhookWish,
)
from app.web.identity import owner_for
from app.web.once import ALWAYS, Once, fingerprint_of, once
from app.web.wire import json_answer, json_bytes, next_link, read_id, read_json, read_query


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/webhooks: one's own."""
    viewer, reader = keeper_of(request), request.app[DATABASE].reader
    hooks = await list_hooks(reader, viewer.user_id)
    return json_answer(WebhookList(webhooks=[await answer_of(request, hook) for hook in hooks]))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks: a new one. Its secret is in this answer alone."""
    request.app[DOOR].pass_through()
    viewer = keeper_of(request)
    wish = await read_json(request, WebhookWish)
    async with once(request, viewer.user_id) as asked:
        answer = await create_webhook(request, wish, asked)
    ident = orjson.loads(answer.body)["webhook"]["id"]
    headers = {"Location": f"/api/v1/webhooks/{ident}", "Cache-Control": "no-store"}
    return json_bytes(answer.body.encode(), answer.status, headers)


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/webhooks/{webhook_id}."""
    return json_answer(await answer_of(request, await hook_of(request)))


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/webhooks/{webhook_id}: change it, turn it off or on."""
    await hook_of(request)
    wish = await read_json(request, WebhookChange)
    return json_answer(await answer_of(request, await change_webhook(request, wish)))


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/webhooks/{webhook_id}: with the log of its deliveries."""
    await remove_webhook(request)
    return web.Response(status=204)


async def rotate(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/{webhook_id}/rotate: a new secret; the old one signs too for a day."""
    await hook_of(request)
    answer = await rotate_webhook(request, await read_json(request, SecretWish))
    return json_answer(answer, headers={"Cache-Control": "no-store"})


async def test(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/{webhook_id}/test: send a test now; the answer is what became of it."""
    return json_answer(DeliveryAnswer.of(await test_webhook(request)))


async def deliveries(request: web.Request) -> web.Response:
    """GET /api/v1/webhooks/{webhook_id}/deliveries: what was sent, newest first."""
    hook, query = await hook_of(request), read_query(request, DeliveryQuery)
    found = await list_deliveries(
        request.app[DATABASE].reader,
        hook.id,
        state=query.state,
        before_id=query.before,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    after = page[-1].id if len(found) > query.limit else None
    headers = None if after is None else next_link(request, before=after)
    answer = DeliveryList(deliveries=[DeliveryAnswer.of(one) for one in page], next=after)
    return json_answer(answer, headers=headers)


async def resend(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend: once more, same id."""
    return json_answer(DeliveryAnswer.of(await resend_delivery(request)), 202)


# What the API and the page's forms both do


def keeper_of(request: web.Request) -> Viewer:
    """Return who asks, when they may have webhooks: those listen, and outlive what made them.

    Raises NotAuthenticated, NotAllowed.
    """
    owner_for(request, "listen")
    return owner_for(request, "control")


async def hook_of(request: web.Request) -> Hook:
    """Return the webhook in the path, one's own. Raises NotAuthenticated, NotAllowed, NotFound."""
    viewer = keeper_of(request)
    hook = await get_hook(request.app[DATABASE].reader, read_id(request, "webhook_id"))
    if hook is None or hook.user_id != viewer.user_id:
        raise NotFound(what="webhook", is_foreign=hook is not None)
    return hook


async def answer_of(request: web.Request, hook: Hook) -> WebhookAnswer:
    """Return what is told of a webhook."""
    count, _ = await pending(request.app[DATABASE].reader, hook.id)
    return WebhookAnswer.of(hook, count)


async def create_webhook(request: web.Request, wish: WebhookWish, asked: Once = ALWAYS) -> Answer:
    """Make a webhook of whoever asks; return what is answered, a NewWebhook.

    Raises NotAuthenticated, NotAllowed, NotFound for the room, TargetRefused, Conflict for too
    many.
    """
    viewer = keeper_of(request)
    fingerprint = fingerprint_of(wish.model_dump(mode="json", exclude_unset=True))
    if (before := asked.before(fingerprint)) is not None:
        return before
    url = str(request.app[OUTBOUND].check(wish.url))
    room = await followed_room(request, viewer, wish.room)
    at_ms, head = now_ms(), request.app[JOURNAL].head
    cursor = head if wish.after is None else min(wish.after, head)
    state = _state(wish.active)
    made = HookWish(url, wish.label, room, tuple(wish.types or ()), state, cursor)
    secret = wish.secret or secret_text(os.urandom(NEW_SECRET_BYTES))

    def work(connection: sqlite3.Connection) -> Answer:
        ident = add_hook(connection, viewer.user_id, made, secret, at_ms)
        told = WebhookAnswer(
            id=ident,
            url=url,
            label=wish.label,
            room=str(room),
            types=wish.types,
            state=state,
            why="",
            after=cursor,
            pending=0,
            failing_since=None,
            created_at=iso_from_ms(at_ms),
        )
        answer = Answer(201, NewWebhook(secret=secret, webhook=told).model_dump_json())
        asked.remember(connection, answer, fingerprint, at_ms)
        return answer

    answer = await request.app[DATABASE].writer.run(work)
    ident = orjson.loads(answer.body)["webhook"]["id"]
    note(request, "webhook_created", webhook=ident, host=_host(url), room=str(room))
    await request.app[DELIVERER].changed(ident)
    return answer


async def change_webhook(request: web.Request, wish: WebhookChange) -> Hook:
    """Change the webhook in the path, and return it as it is now."""
    hook, given = await hook_of(request), wish.model_fields_set
    made = HookChange(
        url=None if wish.url is None else str(request.app[OUTBOUND].check(wish.url)),
        label=wish.label,
        room=None
        if wish.room is None
        else await followed_room(request, keeper_of(request), wish.room),
        types=tuple(wish.types or ()) if "types" in given else None,
        state=None if wish.active is None else _state(wish.active),
        after=None if wish.after is None else min(wish.after, request.app[JOURNAL].head),
    )
    reached = request.app[DELIVERER].reached(hook)
    work = partial(change_hook, hook=hook, change=made, reached=reached)
    await request.app[DATABASE].writer.run(work)
    changed = await hook_of(request)
    host = _host(changed.url)
    note(request, "webhook_changed", webhook=hook.id, changed=sorted(given), host=host)
    await request.app[DELIVERER].changed(hook.id)
    return changed


async def remove_webhook(request: web.Request) -> None:
    """Remove the webhook in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    hook = await hook_of(request)
    await request.app[DATABASE].writer.run(partial(remove_hook, hook_id=hook.id))
    note(request, "webhook_removed", webhook=hook.id, host=_host(hook.url))
    await request.app[DELIVERER].changed(hook.id)


async def rotate_webhook(request: web.Request, wish: SecretWish) -> NewWebhook:
    """Give the webhook in the path another secret, and return it."""
    hook, at_ms = await hook_of(request), now_ms()
    secret = wish.secret or secret_text(os.urandom(NEW_SECRET_BYTES))
    work = partial(rotate_secret, hook_id=hook.id, secret=secret, at_ms=at_ms)
    await request.app[DATABASE].writer.run(work)
    note(request, "webhook_changed", webhook=hook.id, changed=["secret"], host=_host(hook.url))
    return NewWebhook(
        secret=secret,
        old_secret_until=iso_from_ms(at_ms + OLD_SECRET_MS),
        webhook=await answer_of(request, await hook_of(request)),
    )


async def test_webhook(request: web.Request) -> Delivery:
    """Send a test to the webhook in the path, and return what became of it."""
    request.app[DOOR].pass_through()
    return await request.app[DELIVERER].test(await hook_of(request))


async def resend_delivery(request: web.Request) -> Delivery:
    """Owe the delivery in the path once more, and return it.

    Raises NotFound, Conflict while it is on its way or its webhook is off.
    """
    hook, database = await hook_of(request), request.app[DATABASE]
    known = await get_delivery(database.reader, hook.id, read_id(request, "delivery_id"))
    if known is None:
        raise NotFound(what="delivery")
    if hook.state != "on":
        raise Conflict(what="This webhook is turned off", todo="Turn it on first.")
    work = partial(send_again, delivery_id=known.id, at_ms=now_ms())
    if not await database.writer.run(work):
        raise Conflict(
            what="This message is still on its way", todo="Wait until it has arrived or failed."
        )
    await request.app[DELIVERER].changed(hook.id)
    return await get_delivery(database.reader, hook.id, known.id) or known


def _state(active: bool) -> WishedState:
    return "on" if active else "off"


def _host(url: str) -> str:
    """Return the host alone: what follows it often holds a secret."""
    return url.partition("//")[2].partition("/")[0]
