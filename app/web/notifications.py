"""Notifications over HTTP: the services by which one is told, without their secrets."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.errors import InvalidRequest, NotFound
from app.core.notifications import KINDS, LONGEST_ADDRESS, Kind, check_target, masked
from app.core.times import iso_from_ms
from app.keys import DATABASE, DOOR, JOURNAL, NOTIFIER
from app.store.accounts import now_ms
from app.store.channels import (
    Channel,
    ChannelState,
    add_channel,
    change_channel,
    get_channel,
    list_channels,
    new_channel_id,
    remove_channel,
)
from app.web.audit import note
from app.web.webhooks import keeper_of
from app.web.wire import json_answer, read_id, read_json

Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Kinds = Annotated[
    list[Kind],
    Field(
        min_length=1,
        max_length=len(KINDS),
        description="ended: an upload is done; failed: something in it failed; question: one waits",
    ),
]


class ChannelWish(BaseModel):
    """A new service."""

    model_config = ConfigDict(extra="forbid")
    address: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_ADDRESS)
    ] = Field(description="as Apprise has it, for example ntfys://ntfy.sh/a-topic")
    label: Label = ""
    kinds: Kinds = ["ended", "failed", "question"]


class ChannelChange(BaseModel):
    """What is to be different. What is not named stays."""

    model_config = ConfigDict(extra="forbid")
    label: Label | None = None
    kinds: Kinds | None = None
    active: bool | None = None


class ChannelAnswer(BaseModel):
    """A service. Its address is never told again, only where it leads.

    told_at  of the last notification
    error    why that one did not arrive; "" when it did
    """

    id: str
    label: str
    service: str
    shown: str
    kinds: list[Kind]
    state: ChannelState
    told_at: str | None
    error: str
    created_at: str

    @classmethod
    def of(cls, one: Channel) -> "ChannelAnswer":
        return cls(
            id=one.id,
            label=one.label,
            service=one.service,
            shown=one.shown,
            kinds=list(one.kinds),
            state=one.state,
            told_at=None if one.told_ms is None else iso_from_ms(one.told_ms),
            error=one.error,
            created_at=iso_from_ms(one.created_ms),
        )


class ChannelList(BaseModel):
    """One's services, newest first."""

    notifications: list[ChannelAnswer]


class TestAnswer(BaseModel):
    """What became of a test: `why` it did not arrive, "" when it did."""

    arrived: bool
    why: str


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/notifications: one's own."""
    viewer = keeper_of(request)
    channels = await list_channels(request.app[DATABASE].reader, viewer.user_id)
    return json_answer(ChannelList(notifications=[ChannelAnswer.of(one) for one in channels]))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/notifications: a new one. Nobody is called before something happens."""
    keeper_of(request)
    channel = await create_channel(request, await read_json(request, ChannelWish))
    headers = {"Location": f"/api/v1/notifications/{channel.id}"}
    return json_answer(ChannelAnswer.of(channel), 201, headers)


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/notifications/{channel_id}."""
    return json_answer(ChannelAnswer.of(await channel_of(request)))


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/notifications/{channel_id}: change it, turn it off or on."""
    await channel_of(request)
    wish = await read_json(request, ChannelChange)
    return json_answer(ChannelAnswer.of(await update_channel(request, wish)))


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/notifications/{channel_id}."""
    await delete_channel(request)
    return web.Response(status=204)


async def test(request: web.Request) -> web.Response:
    """POST /api/v1/notifications/{channel_id}/test: tell it now, and answer how that went."""
    why = await test_channel(request)
    return json_answer(TestAnswer(arrived=not why, why=why))


# What the API and the page's forms both do


async def channel_of(request: web.Request) -> Channel:
    """Return the service in the path, one's own. Raises NotAuthenticated, NotAllowed, NotFound."""
    viewer = keeper_of(request)
    channel = await get_channel(request.app[DATABASE].reader, read_id(request, "channel_id"))
    if channel is None or channel.user_id != viewer.user_id:
        raise NotFound(what="service", is_foreign=channel is not None)
    return channel


async def create_channel(request: web.Request, wish: ChannelWish) -> Channel:
    """Let whoever asks be notified by a service. Raises InvalidRequest, Conflict for too many."""
    request.app[DOOR].pass_through()
    viewer = keeper_of(request)
    try:
        check_target(wish.address)
    except ValueError as error:
        raise InvalidRequest(what=f"the address can not be used: {error}") from error
    told = await request.app[NOTIFIER].look(viewer.user_id, wish.address)
    if told.why:
        raise InvalidRequest(what=f"the address can not be used: {told.why}")
    at_ms = now_ms()
    channel = Channel(
        id=new_channel_id(at_ms),
        user_id=viewer.user_id,
        label=wish.label,
        address=wish.address,
        service=told.service,
        shown=masked(wish.address),
        kinds=tuple(kind for kind in KINDS if kind in wish.kinds),
        state="on",
        cursor=request.app[JOURNAL].head,
        told_ms=None,
        error="",
        created_ms=at_ms,
    )
    await request.app[DATABASE].writer.run(partial(add_channel, one=channel))
    note(request, "channel_created", channel=channel.id, service=channel.service)
    await request.app[NOTIFIER].changed(channel.id)
    return channel


async def update_channel(request: web.Request, wish: ChannelChange) -> Channel:
    """Change the service in the path, and return it. What happened while it was off is not told."""
    channel = await channel_of(request)
    changed = replace(
        channel,
        label=channel.label if wish.label is None else wish.label,
        kinds=channel.kinds
        if wish.kinds is None
        else tuple(kind for kind in KINDS if kind in wish.kinds),
    )
    if wish.active is not None:
        changed = replace(changed, state="on" if wish.active else "off", error="")
    if channel.state == "off" and changed.state == "on":
        changed = replace(changed, cursor=request.app[JOURNAL].head)
    await request.app[DATABASE].writer.run(partial(change_channel, one=changed))
    await request.app[NOTIFIER].changed(channel.id)
    return changed


async def delete_channel(request: web.Request) -> None:
    """Remove the service in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    channel = await channel_of(request)
    await request.app[DATABASE].writer.run(partial(remove_channel, channel_id=channel.id))
    note(request, "channel_removed", channel=channel.id, service=channel.service)
    await request.app[NOTIFIER].changed(channel.id)


async def test_channel(request: web.Request) -> str:
    """Tell the service in the path that this is a test; return why that failed, "" if it went."""
    request.app[DOOR].pass_through()
    told = await request.app[NOTIFIER].test(await channel_of(request))
    return told.why
